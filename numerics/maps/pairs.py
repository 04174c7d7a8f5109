"""Two units: their covariance and how far apart they are, by the series in ρ or by quadrature near ρ = ±1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.polynomial.polynomial import polyval

from numerics.maps.functions import Array, Functions
from numerics.maps.hermite import ORDERS, Series, series
from numerics.maps.line import EPS, moments
from numerics.maps.plane import Estimate, product, separation

_GOOD = 1e-13
Found = tuple[Array, Array, np.ndarray[Any, Any]]


class Pairs:
    """Kernels for one activation; every method takes one variance (or two) and an array."""

    def __init__(self, f: Functions) -> None:
        self.f = f

    def covariance(self, q1: float, q2: float, rho: Array) -> Found:
        """E[f(u1) f(u2)] for correlations ρ."""
        value, error = np.full(rho.shape, np.nan), np.full(rho.shape, np.inf)
        method = np.full(rho.shape, "series", dtype=object)
        size = 0.0
        one = rho == 1
        if q1 == q2 and one.any():
            whole = moments(self.f, q1)
            value[one], error[one], method[one] = whole.value["second"], whole.error["second"], "quadrature"
        for order in ORDERS:
            todo = ~_good(value, error, size)
            if not todo.any():
                break
            a = series(self.f, q1, order)
            b = a if q1 == q2 else series(self.f, q2, order)
            if a is None or b is None:
                break
            size = math.sqrt(a.second * b.second)
            new, bound = _covariance_series(a, b, rho[todo])
            _improve(todo, value, error, new, bound)
        if q1 == q2:
            for n in np.flatnonzero(~_good(value, error, size)):
                found = self._covariance_by_quadrature(q1, float(rho[n]))
                if found.error < error[n]:
                    value[n], error[n], method[n] = found.value, found.error, "quadrature"
        return value, error, method

    def separation(self, q: float, gap: Array) -> Found:
        """E[f²] - E[f(u1) f(u2)] for correlations 1 - gap."""
        value, error = np.full(gap.shape, np.nan), np.full(gap.shape, np.inf)
        method = np.full(gap.shape, "series", dtype=object)
        value[gap == 0] = error[gap == 0] = 0.0
        whole = moments(self.f, q)
        for order in ORDERS:
            todo = ~(error <= _GOOD * np.abs(value))
            if not todo.any():
                break
            s = series(self.f, q, order)
            if s is None:
                break
            _improve(todo, value, error, *_separation_series(s, gap[todo]))
            covariance, bound = _covariance_series(s, s, 1 - gap[todo])
            rounding = EPS * np.abs(gap[todo]) * abs(whole.value["second"])
            _improve(todo, value, error, whole.value["second"] - covariance, bound + whole.error["second"] + rounding)
        for n in np.flatnonzero(~(error <= _GOOD * np.abs(value))):
            found = separation(self.f, q * (1 - gap[n] / 2), q * gap[n] / 2) if gap[n] < 2 else Estimate(0.0, math.inf)
            if found.error < error[n]:
                value[n], error[n], method[n] = found.value, found.error, "quadrature"
        return value, error, method

    def _covariance_by_quadrature(self, q: float, rho: float) -> Estimate:
        if rho == -1:
            return _mirrored(self.f, q)
        if rho < 0:
            return product(self.f, q * (1 + rho) / 2, q * (1 - rho) / 2)
        whole = moments(self.f, q)
        apart = separation(self.f, q * (1 + rho) / 2, q * (1 - rho) / 2)
        return Estimate(whole.value["second"] - apart.value, whole.error["second"] + apart.error)


def _mirrored(f: Functions, q: float) -> Estimate:
    """E[f(s) f(-s)]: correlation -1."""
    s = series(f, q, ORDERS[0])
    if s is None:
        return Estimate(math.nan, math.inf)
    # Between a correlation of -1 and one that float64 cannot tell from it there is nothing to lose.
    return product(f, q * EPS * EPS, q)


def _good(value: Array, error: Array, size: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether nothing is gained by more work: near a zero of the covariance no method has more digits than f."""
    good: np.ndarray[Any, np.dtype[np.bool_]] = error <= np.maximum(_GOOD * np.abs(value), 2e-16 * size)
    return good


def _improve(todo: Any, value: Array, error: Array, new: Array, bound: Array) -> None:
    places = np.flatnonzero(todo)
    better = bound < error[places]
    value[places[better]], error[places[better]] = new[better], bound[better]


def _covariance_series(a: Series, b: Series, rho: Array) -> tuple[Array, Array]:
    terms = a.coefficients * b.coefficients
    value = np.asarray(polyval(rho, terms), dtype=np.float64)
    r = np.abs(rho)
    size = polyval(r, np.abs(terms))
    # Each coefficient's error, and what is left out (Cauchy-Schwarz).
    each = np.abs(a.coefficients) * b.error + np.abs(b.coefficients) * a.error + a.error * b.error
    wrong = polyval(r, each)
    left_out = r**a.order * math.sqrt(a.tail * b.tail)
    return np.asarray(value, dtype=np.float64), np.asarray(wrong + left_out + 4 * EPS * size, dtype=np.float64)


def _separation_series(s: Series, gap: Array) -> tuple[Array, Array]:
    """Σ a_k² (1 - ρ^k) = (1 - ρ) Σ_j ρ^j Σ_{k>j} a_k², all positive for ρ >= 0."""
    rho = 1 - gap

    def apart(values: Array) -> Array:
        rests = np.cumsum(values[::-1])[::-1]
        return np.asarray(gap * polyval(rho, np.append(rests[1:], 0.0)), dtype=np.float64)

    value = apart(s.coefficients**2)
    order = float(s.order)
    reach = np.minimum(1.0, 2 * order * gap)
    terms = np.minimum(order, order * order * gap)
    # Every coefficient may be wrong by s.error, all of them to the same side.
    wrong = 2 * s.error * apart(np.abs(s.coefficients)) + s.error**2 * terms
    bound = wrong + s.tail * reach + 8 * EPS * np.abs(value)
    return value, np.where(gap <= 1, bound, np.inf)
