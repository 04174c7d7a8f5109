"""What is carried from layer to layer of one sample or of two: its coordinates, and exact moments of a next layer's.

Given the covariance of a layer's pre-activations, its units are independent, and what comes next is a mean over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import add
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from derive.activations import Activation
from numerics.activations import fast_value, numpy_function
from numerics.gram_law.normal_rule import on_line, on_plane
from numerics.laws import NORMAL, Law
from numerics.network import Network
from numerics.power_series import Power, monomials, powers

Floats = NDArray[np.float64]

_NEAR = 1e-5
"""Where two arguments are nearer than this, the difference of f is its slope times theirs."""


@dataclass(frozen=True, eq=False)
class Layers:
    """An activation as the layers use it, with the order of the rules that take means over it."""

    activation: Activation
    nodes: int

    @cached_property
    def breakpoints(self) -> Floats:
        """Where f is not smooth, as a column."""
        return np.array([[float(p)] for p in self.activation.breakpoints]).reshape(-1, 1)

    @cached_property
    def mirrored(self) -> bool:
        """Whether f is odd or even, and products of two of its values are even."""
        return self.activation.parity != "none"

    def value(self, s: Floats) -> Floats:
        """Return f."""
        return np.broadcast_to(np.asarray(fast_value(self.activation)(s), np.float64), s.shape)

    def difference(self, s: Floats, gap: Floats, f: Floats, g: Floats) -> Floats:
        """Return f(s + gap) - f(s), of values f and g, without cancellation where the gap is small."""
        near = np.abs(gap) < _NEAR
        if self.activation.jumps or not near.any():
            return f - g
        return np.where(near, numpy_function(self.activation, 1)(s + gap / 2) * gap, f - g)


class Samples(Protocol):
    """One sample or two: what is carried are points in coordinates, and v are the means over units that make the next.

    There are as many coordinates as v has components.
    """

    variables: int

    def inputs(self, network: Network, degree: int) -> Floats:
        """Return raw moments of v of one input feature, a series of one point."""

    def unit(self, layers: Layers, at: Floats, excess: Floats, degree: int) -> Floats:
        """Return raw moments of v of one unit, a series, given points (variables, points).

        ``excess`` are the fourth cumulants of what enters f, in the directions of `fourth`.
        """

    def fourth(self, raw: Floats, weights: Floats, bias: float, units: int) -> Floats:
        """Return, for some directions, E of the sum of z⁴ over the units over E of the squared sum of z² + ``bias``.

        Times the excess kurtosis of weights it is that of the pre-activations behind them; ``bias`` is the variance of
        the biases over the gain. With 0 units, n times its limit for n units, as if the sum of z² did not vary.
        """

    def coordinates(self, v: Floats) -> Floats:
        """Return coordinates in which a small noise is nearly normal."""

    def jacobian(self, v: Floats) -> Floats:
        """Return their derivatives by v, of shape (variables, variables, points)."""

    def means(self, at: Floats) -> Floats:
        """Return v by the coordinates."""

    def size(self, at: Floats) -> Floats:
        """Return the number whose mean is asked for: a length, or a distance."""

    def smooth(self, at: Floats) -> Floats:
        """Return bounded or logarithmic numbers of which a next layer's moments are smooth functions."""

    def exponents(self, degree: int) -> tuple[Power, ...]:
        """Return the monomials of `smooth` whose means are kept."""


class _OneSample:
    """A sample by the variance A of its pre-activations; v is the mean of f², the coordinate log A."""

    variables = 1

    def inputs(self, network: Network, degree: int) -> Floats:
        x, w = _input_points(network.input_law)
        return np.array([w @ (x * x) ** k for k in range(degree + 1)])[:, None]

    def unit(self, layers: Layers, at: Floats, excess: Floats, degree: int) -> Floats:
        root = np.exp(at[0] / 2)
        x, w = on_line(layers.breakpoints / root, layers.nodes, half=layers.mirrored)
        w = w * (1 + excess[0] / 24 * _hermite4(x))
        f2 = layers.value(root[:, None] * x) ** 2
        out = np.empty((degree + 1, len(root)))
        power = w
        for k in range(degree + 1):
            out[k] = power.sum(axis=1)
            power = power * f2
        return out

    def fourth(self, raw: Floats, weights: Floats, bias: float, units: int) -> Floats:
        second = raw[1] @ weights
        return _share(np.array([raw[2] @ weights]), np.array([second]), np.array([second + bias]), units)

    def coordinates(self, v: Floats) -> Floats:
        return np.log(v)

    def jacobian(self, v: Floats) -> Floats:
        return 1 / v[None]

    def means(self, at: Floats) -> Floats:
        return np.exp(at)

    def size(self, at: Floats) -> Floats:
        return np.exp(at[0])

    def smooth(self, at: Floats) -> Floats:
        return at

    def exponents(self, degree: int) -> tuple[Power, ...]:
        return powers(degree, 1)


def mean_value(layers: Layers, at: Floats, excess: Floats) -> Floats:
    """Return E f(s) of one sample at each point, as `Samples.unit` has its moments."""
    root = np.exp(at[0] / 2)
    x, w = on_line(layers.breakpoints / root, layers.nodes, half=False)
    found: Floats = (w * (1 + excess[0] / 24 * _hermite4(x)) * layers.value(root[:, None] * x)).sum(axis=1)
    return found


class _TwoSamples:
    """Two samples of variances A, B and covariance C.

    ``v = (A + B)/2, (A - B)/2, (A + B)/2 - C``, the last the distance, half the mean squared difference. Coordinates:
    ``log sqrt(AB)``, ``log(A/B)/2`` and ``2 log tan(t/2)``, with ``cos t = C/sqrt(AB)``.
    """

    variables = 3

    def inputs(self, network: Network, degree: int) -> Floats:
        x, w = _input_points(network.input_law)
        first, second = (part.ravel() for part in np.meshgrid(x, x))
        weights = np.outer(w, w).ravel()
        return _raw(products(first, second, first - second)[:, None], weights[None], degree)

    def unit(self, layers: Layers, at: Floats, excess: Floats, degree: int) -> Floats:
        # sqrt(A), sqrt(B) and half the angle; f(s) and f(s') break on lines.
        near, far = np.exp((at[0] + at[1]) / 2), np.exp((at[0] - at[1]) / 2)
        half = np.arctan(np.exp(at[2] / 2))
        breaks = layers.breakpoints
        x, y, w = on_plane(breaks / near, breaks / far, half, layers.nodes, half=layers.mirrored)
        if excess.any():
            square = (x * x - 1) * (y * y - 1)
            w = w * (1 + (excess[0] * _hermite4(x) + 6 * excess[1] * square + excess[2] * _hermite4(y)) / 24)
        along, across = np.cos(half)[:, None] * x, np.sin(half)[:, None] * y
        s, t = near[:, None] * (along + across), far[:, None] * (along - across)
        apart = (2 * np.exp(at[0] / 2) * np.sinh(at[1] / 2))[:, None]  # sqrt(A) - sqrt(B)
        gap = apart * along + (near + far)[:, None] * across
        f, g = layers.value(s), layers.value(t)
        return _raw(products(f, g, layers.difference(t, gap, f, g)), w, degree)

    def fourth(self, raw: Floats, weights: Floats, bias: float, units: int) -> Floats:
        # Of (f + f')/sqrt(2) and (f - f')/sqrt(2), whose squares are 2 S - D and D.
        s2, sd, d2, delta2 = (raw[e] @ weights for e in ((2, 0, 0), (1, 0, 1), (0, 0, 2), (0, 2, 0)))
        gap = raw[0, 0, 1] @ weights
        total = 2 * (raw[1, 0, 0] @ weights) - gap
        second = np.sqrt([total**2, total * gap, gap**2])
        behind = np.sqrt([(total + 2 * bias) ** 2, (total + 2 * bias) * gap, gap**2])
        return _share(np.array([4 * s2 - 4 * sd + d2, delta2, d2]), second, behind, units)

    def coordinates(self, v: Floats) -> Floats:
        length, away = lengths(v)
        return np.stack([np.log(length), np.arctanh(v[1] / v[0]), np.log(away / (2 * length - away))])

    def jacobian(self, v: Floats) -> Floats:
        length, away = lengths(v)
        zero, one = np.zeros_like(length), np.ones_like(length)
        by_log = np.stack([v[0], -v[1], zero]) / length**2
        by_away = np.stack([-one, zero, one]) + length * by_log
        by_ratio = np.stack([-v[1], v[0], zero]) / length**2
        far = 2 * length - away
        return np.stack([by_log, by_ratio, by_away / away - (2 * length * by_log - by_away) / far])

    def means(self, at: Floats) -> Floats:
        length, apart, away = parts(at)
        return np.stack([length * (1 + apart), length * np.sinh(at[1]), length * (apart + away)])

    def size(self, at: Floats) -> Floats:
        length, apart, away = parts(at)
        distance: Floats = length * (apart + away)
        return distance

    def smooth(self, at: Floats) -> Floats:
        _, apart, away = parts(at)
        # A small distance becomes a quadratic form in its parts along and across: linear in their shares of it.
        return np.stack([at[0], np.log(apart + away), apart / (apart + away)])

    def exponents(self, degree: int) -> tuple[Power, ...]:
        return tuple(e for e in powers(degree) if e[0] + e[1] + 2 * e[2] <= degree)


def _share(fourth: Floats, second: Floats, behind: Floats, units: int) -> Floats:
    own = fourth - second**2 if units else 0.0
    found: Floats = fourth / ((units or 1) * behind**2 + own)
    return found


def lengths(v: Floats) -> tuple[Floats, Floats]:
    """Return sqrt(AB) and sqrt(AB) (1 - cos t)."""
    length = np.sqrt((v[0] - v[1]) * (v[0] + v[1]))
    return length, v[2] - v[1] ** 2 / (v[0] + length)


def parts(at: Floats) -> tuple[Floats, Floats, Floats]:
    """Return sqrt(AB), and the parts cosh w - 1 and 1 - cos t of the distance over it."""
    return np.exp(at[0]), 2 * np.sinh(at[1] / 2) ** 2, 2 / (1 + np.exp(-at[2]))


def products(f: Floats, g: Floats, difference: Floats) -> Floats:
    """Return v of values f and g, with their difference."""
    return np.stack([f * f + g * g, difference * (f + g), difference**2]) / 2


def _raw(v: Floats, weights: Floats, degree: int) -> Floats:
    """Return raw moments, a series, of v of shape (3, points, nodes): all products of two lower monomials at once."""
    made = np.ascontiguousarray(monomials(v, powers((degree + 1) // 2)).transpose(1, 0, 2))
    pairs = (made * weights[:, None]) @ made.transpose(0, 2, 1)
    out = np.zeros((degree + 1,) * 3 + (v.shape[1],))
    for e, (i, j) in _factors(degree).items():
        out[e] = pairs[:, i, j]
    return out


@lru_cache
def _factors(degree: int) -> dict[Power, tuple[int, int]]:
    """Return, for each monomial, the places of two lower ones whose product it is."""
    lower = powers((degree + 1) // 2)
    both = {tuple(map(add, e, f)): (i, j) for i, e in enumerate(lower) for j, f in enumerate(lower)}
    return {e: both[e] for e in powers(degree)}


def _hermite4(x: Floats) -> Floats:
    square = x * x
    return square * square - 6 * square + 3


def _input_points(law: Law) -> tuple[Floats, Floats]:
    """Return points and weights of an input feature: of another law than the normal one, three with its kurtosis."""
    if law == NORMAL:
        x, w = np.polynomial.hermite_e.hermegauss(16)
        return x, w / w.sum()
    far = np.sqrt(law.kurtosis)
    return np.array([-far, 0.0, far]), np.array([0.5, law.kurtosis - 1, 0.5]) / law.kurtosis


ONE: Samples = _OneSample()
"""A sample by its length; its size is the variance A of a pre-activation."""

TWO: Samples = _TwoSamples()
"""Two samples by their Gram matrix; the size is their distance."""
