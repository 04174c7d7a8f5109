"""The law of a layer's norm: one input through a (leaky) ReLU network with normal weights, without any vector.

Given the activations z that enter a layer, its pre-activations are independent, ``s_k ~ N(0, q)`` with
``q = Var[W] |z|² + Var[b]``. They matter to the next layer through ``|f(s)|²`` alone. With ``f(s) = c₊ s`` for
s > 0 and ``c₋ s`` for s < 0, the number B of positive ones is binomial, signs and sizes are independent, and so
``|f(s)|²/q = c₊² χ²_B + c₋² χ²_{n-B}`` in law: exact at any width, two or three numbers a layer.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from numerics.activations import slopes
from numerics.laws import NORMAL
from numerics.network import Network
from numerics.simulation.batch import Batch, Recorder

Floats = NDArray[np.float64]


class NormLaw:
    """Mean squares over a layer's units, and single neurons, of a group of networks with one input each.

    Memory: a few numbers for each network of a group of 4096, and the recorded neurons.
    """

    group = 4096
    names = ("var_s",)

    def __init__(self, network: Network, recorder: Recorder, fixed: Floats | None = None) -> None:
        self.network, self.recorder = network, recorder
        self._square = None if fixed is None else float(fixed @ fixed)
        found = slopes(network.activation)
        assert found is not None  # the plan has checked it
        self._up, self._down = found

    def batch(self, rng: Generator, count: int) -> Batch:
        """Draw a group of networks; the features are mean squares of s^i, of shape (1, d + 1, count)."""
        network = self.network
        out = np.empty((1, network.d + 1, count))
        z_square = self._inputs(rng, count)
        for i, n in enumerate(network.widths[1:]):
            q = network.weight_variance[i] * z_square + network.bias_variance[i]
            s_square, z_square = self._layer(i, n, q, rng)
            s_square *= q
            z_square *= q
            out[0, i] = s_square / n
        return Batch(out, self.recorder.collected())

    def _inputs(self, rng: Generator, count: int) -> Floats:
        network = self.network
        if self._square is not None:
            return np.full(count, self._square)
        if network.input_law == NORMAL:
            return network.input_variance * _chi_square(network.widths[0], rng, count)
        x = network.input_law.sample((count, network.widths[0]), variance=network.input_variance, rng=rng)
        return np.einsum("ru,ru->r", x, x)

    def _layer(self, i: int, n: int, q: Floats, rng: Generator) -> tuple[Floats, Floats]:
        """Return |s^i|²/q and |f(s^i)|²/q; a recorded neuron is drawn by itself, and counts among the n."""
        up, down, count = self._up, self._down, len(q)
        own_s, own_z = np.zeros(count), np.zeros(count)
        if i in self.recorder.layers:
            neurons = rng.standard_normal((count, n if self.recorder.units is None else min(n, self.recorder.units)))
            n -= neurons.shape[1]
            own_s = np.einsum("ru,ru->r", neurons, neurons)
            activated = np.where(neurons > 0, up, down) * neurons
            own_z = np.einsum("ru,ru->r", activated, activated)
            self.recorder.take(i, (neurons * np.sqrt(q)[:, None])[:, None, :])
        if up * up == down * down:
            both = _chi_square(n, rng, count)
            return own_s + both, own_z + up * up * both
        above = rng.binomial(n, 0.5, size=count)
        positive, negative = _chi_square(above, rng, count), _chi_square(n - above, rng, count)
        return own_s + positive + negative, own_z + up * up * positive + down * down * negative


def _chi_square(freedom: int | NDArray[np.int64], rng: Generator, count: int) -> Floats:
    # NumPy's chisquare refuses zero degrees of freedom; its gamma law takes them.
    return 2 * rng.standard_gamma(np.asarray(freedom) / 2, size=count)
