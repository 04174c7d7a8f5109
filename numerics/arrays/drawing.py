"""What a network draws, as arrays: weights, biases and masks by their laws, and samples of the input."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from derive.blocks import Drawn, Signal
from numerics.arrays.steps import Key
from numerics.laws import law
from numerics.network import Network

Floats = NDArray[np.float64]

MASK = "mask"


class Drawing:
    """Draws all that is random in groups of networks, in the order of the signal's families.

    The input has two samples, of the correlation that the network says, or those of its data.
    """

    def __init__(self, network: Network, signal: Signal, shapes: Mapping[Key, tuple[int, ...]]) -> None:
        self._network = network
        (self._input,) = (d.family for d in signal.drawn[:1])
        self._needed = [(d, shapes[d.family, None]) for d in signal.drawn[1:] if (d.family, None) in shapes]

    def draw(self, rng: Generator, count: int) -> dict[Key, Floats]:
        """Return an array for each family, networks first."""
        found: dict[Key, Floats] = {}
        for drawn, shape in self._needed:
            found[drawn.family, None] = _drawn(drawn, (count, *shape), rng)
        found[self._input, None] = self._samples(rng, count)
        return found

    def _samples(self, rng: Generator, count: int) -> Floats:
        network = self._network
        if network.inputs is not None:
            return network.inputs[None]
        x = pair(network, (count, *network.shape), rng)
        x += network.input_mean
        return x


def pair(network: Network, shape: tuple[int, ...], rng: Generator) -> Floats:
    """Return two samples of the input less its mean, unit by unit of the network's correlation c.

    Normal: x_2 = c x_1 + sqrt(1 - c^2) x'. Other laws keep their own law in both samples: x_2 = x_1 (c < 0: -x_1) with
    probability |c|, and drawn anew otherwise.
    """
    first, second = (network.input_law.sample(shape, variance=network.input_variance, rng=rng) for _ in range(2))
    c = network.input_correlation
    if c and network.input_law.name == "normal":
        second = c * first + math.sqrt(1 - c * c) * second
    elif c:
        second = np.where(rng.random(shape) < abs(c), math.copysign(1, c) * first, second)
    return np.stack([first, second], axis=1)


def _drawn(drawn: Drawn, shape: tuple[int, ...], rng: Generator) -> Floats:
    if drawn.law == MASK:
        assert drawn.rate is not None  # a mask has one
        rate = float(drawn.rate)
        return (rng.random(shape) >= rate) / (1 - rate)
    assert drawn.variance is not None  # a network has numbers for all that it draws
    return law(drawn.law).sample(shape, variance=float(drawn.variance), rng=rng)
