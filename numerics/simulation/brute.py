"""Brute force: draw every weight, run forward and backward, and reduce each network to its layer averages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from numerics.activations import fast_value_and_derivative
from numerics.laws import NORMAL
from numerics.network import Network
from numerics.simulation.batch import Recorder
from numerics.simulation.redrawn import BLOCK_NUMBERS, Redrawn
from numerics.simulation.streams import restartable

Floats = NDArray[np.float64]

QUANTITIES = ("var_z", "var_s", "var_grad_s", "var_grad_w")
"""Var[z^i], Var[s^i], Var[dCost/ds^i] and Var[dCost/dw^i], in the order of the rows below."""

# A group of networks holds this many numbers at most (4 MiB: measured best), or one network.
_GROUP_NUMBERS = 1 << 19


def weight_count(network: Network) -> int:
    """Return the number of weights of one network."""
    return sum(n * m for n, m in pairwise(network.widths))


def group_size(network: Network) -> int:
    """Return how many networks are drawn together: a function of the widths alone, so that seeds last."""
    # A network of width 1 has as many units as weights: count the vectors too.
    return max(1, _GROUP_NUMBERS // (weight_count(network) + 4 * sum(network.widths)))


# A network of more weights draws them in blocks, and again for the backward pass (256 MiB).
_HELD_NUMBERS = 1 << 25


@dataclass(frozen=True)
class Draw:
    """All that is random in a group of networks; the first axis of every array counts networks.

    ``weights[i]`` has variance one: the weights of the network are ``sqrt(Var[W^i])`` times it.
    ``biases[i]`` is None where biases are zero.
    """

    x: Floats
    weights: Sequence[NDArray[Any] | Redrawn]
    biases: Sequence[Floats | None]
    gradient: Floats


class BruteForce:
    """Draws groups of networks into one buffer, made once, and runs them forward and backward.

    Memory is that of one group: its weights (the backward pass needs them all), 4 MiB or those of one network up to
    256 MiB, and its vectors. Weights beyond that are drawn in blocks, twice.
    """

    def __init__(self, network: Network, largest: int, dtype: str = "float64") -> None:
        self.network = network
        self._redraws = weight_count(network) > _HELD_NUMBERS
        held = BLOCK_NUMBERS + max(network.widths) if self._redraws else weight_count(network)
        self._buffer = np.empty(held * min(largest, group_size(network)), dtype)
        self._f = fast_value_and_derivative(network.activation)
        self._origin = float(self._f(np.zeros(1))[0].item())

    def draw(self, rng: Generator, count: int) -> Draw:
        """Draw a group of networks; its weights stand in the buffer until the next draw."""
        network = self.network
        weights: list[NDArray[Any] | Redrawn] = []
        start = 0
        for n, m in pairwise(network.widths):
            if self._redraws:
                weights.append(Redrawn(n, m, network.weight_law, restartable(rng), self._buffer))
                continue
            stop = start + count * n * m
            network.weight_law.fill(self._buffer[start:stop], rng=rng)
            weights.append(self._buffer[start:stop].reshape(count, n, m))
            start = stop
        return Draw(
            x=network.input_law.sample((count, network.widths[0]), variance=network.input_variance, rng=rng),
            weights=weights,
            biases=[
                NORMAL.sample((count, m), variance=variance, rng=rng) if variance > 0 else None
                for m, variance in zip(network.widths[1:], network.bias_variance, strict=True)
            ],
            gradient=NORMAL.sample((count, network.widths[-1]), variance=network.gradient_variance, rng=rng),
        )

    def averages(self, drawn: Draw, recorder: Recorder | None = None) -> Floats:
        """Run a group forward and backward; return each network's averages over the units of every layer.

        The shape is ``(features, 4 (d + 1), count)``, quantity by quantity in the order of `QUANTITIES`.
        The first feature is the average of squares. If z^i can have a mean, there is a second feature, the
        average itself, and both are taken about f(0), which leaves a variance as it is and keeps its digits
        when the mean is large. A recorder keeps single pre-activations.

        With float32 weights the products are in float32, and everything else in float64.
        """
        d, count = self.network.d, len(drawn.x)
        deviation = np.sqrt(self.network.weight_variance)
        has_mean = not self.network.activation.is_odd
        out = np.zeros((1 + has_mean, len(QUANTITIES), d + 1, count))
        squares = out[0]
        z_squares = np.empty((d + 1, count))
        slopes: list[Floats] = []
        z = drawn.x
        for i in range(d + 1):
            squares[0, i] = z_squares[i] = _mean_square(z)
            if has_mean and i > 0:
                centred = z - self._origin
                out[1, 0, i] = centred.mean(axis=1)
                squares[0, i] = _mean_square(centred)
            # Scaling the vector is scaling the matrix, at 1/n_{i+1} of the cost.
            s = self._product(z * deviation[i], drawn.weights[i])
            bias = drawn.biases[i]
            if bias is not None:
                s += bias
            squares[1, i] = _mean_square(s)
            if recorder is not None:
                recorder.take(i, s[:, None, :])
            if i < d:
                z, slope = self._f(s)
                slopes.append(slope)
        gradient = drawn.gradient
        for i in range(d, -1, -1):
            squares[2, i] = _mean_square(gradient)
            # dCost/dw^i_{lk} = z^i_l dCost/ds^i_k is an outer product: the mean of its squares over l and k
            # is exactly the product of the two means of squares.
            squares[3, i] = z_squares[i] * squares[2, i]
            if i > 0:
                gradient = self._product(gradient * deviation[i], drawn.weights[i], back=True)
                gradient *= slopes[i - 1]
        return out.reshape(1 + has_mean, -1, count)

    def _product(self, vectors: Floats, weights: NDArray[Any] | Redrawn, *, back: bool = False) -> Floats:
        """Return v W for each network, or W v."""
        given = vectors.astype(self._buffer.dtype, copy=False)
        if isinstance(weights, Redrawn):
            product = weights.back(given) if back else weights.forward(given)
        elif back:
            product = np.matmul(weights, given[:, :, None])[:, :, 0]
        else:
            product = np.matmul(given[:, None, :], weights)[:, 0, :]
        return product.astype(np.float64, copy=False)


def _mean_square(values: Floats) -> Floats:
    return np.einsum("ru,ru->r", values, values) / values.shape[1]
