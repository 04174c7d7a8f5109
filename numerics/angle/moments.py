"""Exact moments of what a layer makes of two samples: the mean over N units of three products.

With slopes 1 and ``a`` of f, and units ``(s, s')`` of two samples, standard normal of correlation cos t, let

``v = (f(s)² + f(s')²)/2, (f(s)² - f(s')²)/2, (f(s) - f(s'))²/2``, divided by ``E f(s)² = (1 + a²)/2``.

In polar coordinates ``s = R cos φ, s' = R cos(φ - t)`` with φ uniform and ``R²/2`` exponential. f is homogeneous, so
``v = R² v(φ)``, with v(φ) a trigonometric polynomial in each of the four sectors of signs: a moment of degree m is
``2^m m!`` times a mean over φ, which Gauss-Legendre quadrature takes exactly. The mean over N independent units has the
N-th power of the moment generating function, here a truncated power series about the mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.power_series import powers, times

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Of the mean of v over N units: ``mean`` and standard ``deviation``, and moments of v less the one by the other.

    ``standard`` is of shape (p + 1,)³, by exponents; a component that does not vary has deviation 1.
    """

    mean: Floats
    deviation: Floats
    standard: Floats

    def of(self, degree: int) -> Floats:
        """Return the moments of all monomials up to a degree, in the order of `powers`."""
        return np.array([self.standard[e] for e in powers(degree)])


def moments(slope: float, t: float, units: int, degree: int) -> Moments:
    """Return the moments of the mean of v over ``units`` units at the angle t, exact up to a degree."""
    v, weights = _unit(slope, t, degree)
    raw, factorials = np.zeros((degree + 1,) * 3), np.ones((degree + 1,) * 3)
    for e in powers(degree):
        raw[e] = weights @ np.prod(v ** np.array(e)[:, None], axis=0) * 2.0 ** sum(e) * math.factorial(sum(e))
        factorials[e] = math.prod(map(math.factorial, e))
    mean = np.array([raw[1, 0, 0], raw[0, 1, 0], raw[0, 0, 1]])
    variance = np.array([raw[2, 0, 0], raw[0, 2, 0], raw[0, 0, 2]]) - mean**2
    deviation = np.sqrt(np.where(variance > 0, variance, 1.0))
    unit, shift = np.zeros_like(raw), np.zeros_like(raw)
    for e in powers(degree):
        unit[e] = raw[e] / np.prod(deviation**e) / factorials[e]
        shift[e] = np.prod((-mean / deviation) ** e) / factorials[e]
    centred = times(unit, shift, 3)
    # Exact zeros, not what rounding leaves of them: first moments about the mean.
    centred[1, 0, 0] = centred[0, 1, 0] = centred[0, 0, 1] = 0.0
    for e in powers(degree):
        centred[e] *= units ** (-sum(e) / 2)
    return Moments(mean, deviation / math.sqrt(units), _power(centred, units) * factorials)


def _unit(slope: float, t: float, degree: int) -> tuple[Floats, Floats]:
    """Return v(φ), of shape (3, nodes), and weights of a mean over φ that is exact for polynomials of a degree in v."""
    x, w = np.polynomial.legendre.leggauss(2 * degree + 12)
    columns, weights = [], []
    for start, length, first, second in (
        (t - np.pi / 2, np.pi - t, 1.0, 1.0),
        (np.pi / 2, t, slope, 1.0),
        (t + np.pi / 2, np.pi - t, slope, slope),
        (3 * np.pi / 2, t, 1.0, slope),
    ):
        φ = start + length * (x + 1) / 2
        f, g = first * np.cos(φ), second * np.cos(φ - t)
        # Where the signs agree, a small difference without cancellation.
        d = f - g if first != second else -2 * first * np.sin(φ - t / 2) * math.sin(t / 2)
        columns.append(np.stack([f * f + g * g, d * (f + g), d * d]) / (1 + slope**2))
        weights.append(w * length / (4 * np.pi))
    return np.concatenate(columns, axis=1), np.concatenate(weights)


def _power(series: Floats, exponent: int) -> Floats:
    """Return a positive integer power of a power series, by repeated squaring."""
    out, square = None, series
    while exponent:
        if exponent & 1:
            out = square if out is None else times(out, square, 3)
        exponent >>= 1
        if exponent:
            square = times(square, square, 3)
    assert out is not None
    return out
