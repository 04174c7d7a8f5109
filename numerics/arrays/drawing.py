"""What a network draws, as arrays: weights, biases and masks by their laws, and samples of the input."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from sympy import Expr

from derive.blocks import Drawn, Signal
from derive.chances import Scalar
from derive.errors import InputError
from numerics.arrays.steps import Key
from numerics.laws import law, laws
from numerics.network import Network

Floats = NDArray[np.float64]
Sampler = Callable[[tuple[int, ...], Generator], Floats]


class Drawing:
    """Draws all that is random in groups of networks, in the order of the signal's families.

    The input has two samples, of the correlation that the network says, or those of its data.
    """

    def __init__(self, network: Network, signal: Signal, shapes: Mapping[Key, tuple[int, ...]]) -> None:
        self._network = network
        (self._input,) = (d.family for d in signal.drawn[:1])
        self._needed = [
            (_sampler(d, signal), shapes[d.family, None], d.family)
            for d in signal.drawn[1:]
            if (d.family, None) in shapes
        ]

    def draw(self, rng: Generator, count: int) -> dict[Key, Floats]:
        """Return an array for each family, networks first."""
        found = self.within(rng, count)
        found[self._input, None] = self._samples(rng, count)
        return found

    def within(self, rng: Generator, count: int) -> dict[Key, Floats]:
        """Return an array for each family that is drawn inside the network, of those that have a shape."""
        return {(family, None): sample((count, *shape), rng) for sample, shape, family in self._needed}

    def _samples(self, rng: Generator, count: int) -> Floats:
        network = self._network
        if network.inputs is not None:
            return network.inputs[None]
        x = samples(network, (count, *network.shape), rng)
        x += network.input_mean
        return x


def samples(network: Network, shape: tuple[int, ...], rng: Generator) -> Floats:
    """Return as many samples as the network sees at once, every two of them of its correlation; see `pair`.

    Of more than two, each takes the value of one that they share with probability sqrt(c), or a share of it that is
    as large: every two are then of the correlation c.
    """
    count, c = network.samples, network.input_correlation
    if count == 2:
        return pair(network, shape, rng)
    if c < 0:
        raise InputError(f"input_correlation of a batch of {count} must not be negative, got {c}")
    shape = (shape[0], count, *shape[1:])
    drawn = network.input_law.sample(shape, variance=network.input_variance, rng=rng)
    if not c:
        return drawn
    one = (shape[0], 1, *shape[2:])
    shared = network.input_law.sample(one, variance=network.input_variance, rng=rng)
    if network.input_law.name == "normal":
        return np.asarray(math.sqrt(c) * shared + math.sqrt(1 - c) * drawn)
    return np.where(rng.random(shape) < math.sqrt(c), shared, drawn)


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


def _sampler(drawn: Drawn, signal: Signal) -> Sampler:
    """Return what draws a family: a law by its name, or the chances of the property of that name that it has."""
    granted = {
        said.kind.name.lower(): said.kind.law
        for hypothesis in signal.assumed
        for said in hypothesis.properties
        if said.family == drawn.family and said.kind.law is not None
    }
    if drawn.law in laws():
        assert drawn.variance is not None  # a network has numbers for all that it draws
        variance = float(drawn.variance)
        return lambda shape, rng: law(drawn.law).sample(shape, variance=variance, rng=rng)
    chances = granted[drawn.law](Scalar((), Fraction(1), 1, _number))
    return partial(_of_chances, [(float(weight), float(value)) for weight, value in chances])


def _number(e: Expr) -> Fraction:
    return Fraction(int(e.p), int(e.q))


def _of_chances(chances: Sequence[tuple[float, float]], shape: tuple[int, ...], rng: Generator) -> Floats:
    """Draw values with their probabilities."""
    at, (below, before) = rng.random(shape), chances[0]
    found = np.full(shape, before)
    for weight, value in chances[1:]:
        found[at >= below] = value
        below += weight
    return found
