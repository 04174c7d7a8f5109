"""Two units: their covariance and how far apart they are, by the series in ρ or by quadrature near ρ = ±1.

Every number has a proved bound of its absolute error.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from derive.activations import Activation
from derive.quadrature.bounded import Bounded
from derive.quadrature.discs import EPS
from derive.quadrature.reading import CannotRead
from derive.quadrature.space import Space
from numerics.activations import stable_expression
from numerics.maps.hermite import ORDERS, Series, U, series, slope_series, squares
from numerics.maps.plane import separation
from numerics.maps.values import Array

Found = tuple[Array, Array, np.ndarray[Any, Any]]

_GOOD = 3e-13
_POOR = 2e-12
"""Relative errors that are worth a longer series, and worth quadrature."""

_SHORT = 128
"""Up to so many coefficients are cheap."""

_FALLS = 0.05
_WAVES = 30.0
_ENOUGH = 30.0
_SLACK = 0.5
_TRIES = 1
"""Quadrature is given up after so many that did not help."""

_MOST, _SMALL_BESIDE = 16, 1e-13
"""Of a small covariance so many values are computed to relative accuracy, more if the series misses E[f²] by this."""
_EXACT = 0.5
"""From here on 1 - ρ has no rounding."""


class Points:
    """Values, errors and methods; the best of each is kept."""

    def __init__(self, shape: tuple[int, ...], method: str = "series") -> None:
        self.value, self.error, self.reason = np.full(shape, np.nan), np.full(shape, np.inf), ""
        self.method = np.full(shape, method, dtype=object)

    def todo(self, share: float = _GOOD) -> Any:
        """Where more digits are wanted."""
        return np.flatnonzero(~(self.error <= share * np.abs(self.value)))

    def put(self, places: Any, value: Any, error: Any, method: Any) -> None:
        """Take what is better."""
        better = (error < self.error[places]) | (np.isnan(self.value[places]) & ~np.isnan(value))
        at = places[better]
        self.value[at], self.error[at] = value[better], error[better]
        self.method[at] = method if isinstance(method, str) else method[better]

    def improve(self, n: int, here: Bounded) -> bool:
        """Take one number by quadrature if it is better; whether that was worth it."""
        gained = bool(here.error < _SLACK * self.error[n])
        self.reason = self.reason or here.reason
        self.put(np.array([n]), here.value.reshape(1), here.error.reshape(1), "quadrature")
        return gained

    @property
    def found(self) -> Found:
        """All three."""
        return self.value, self.error, self.method

    def bounded(self, shape: tuple[int, ...], reason: str = "") -> Bounded:
        """The same in another shape."""
        value, error, method = (part.reshape(shape) for part in self.found)
        return Bounded(value, error, method, reason or self.reason)


class Pairs:
    """Kernels for one activation; every method takes one variance (or two) and an array.

    ``reason`` is the limit that the last call met, if any.
    """

    def __init__(self, f: Activation) -> None:
        self.f, self.reason = f, ""

    def covariance(self, q1: float, q2: float, rho: Array) -> Found:
        """E[f(u1) f(u2)] for correlations ρ."""
        points = Points(rho.shape)
        self._at_ends(q1, q2, rho, points)
        before: list[Series] = []
        stuck = np.zeros(rho.shape, dtype=bool)
        for order in ORDERS:
            todo = points.todo()
            todo = todo[~stuck[todo]]
            if not len(todo) or not _worth(self.f, order, before, 1 - np.abs(rho[todo])):
                break
            a = series(self.f, q1, order)
            b = a if q1 == q2 else series(self.f, q2, order)
            if a is None or b is None:
                break
            before.append(a if a.tail * b.second > b.tail * a.second else b)
            value, wrong, left_out = _covariance_series(a, b, rho[todo])
            points.put(todo, value, wrong + left_out, "series")
            stuck[todo] = left_out <= wrong
        self._covariance_by_quadrature(q1, q2, rho, points, before)
        self.reason = points.reason
        return points.found

    def separation(self, q: float, gap: Array) -> Found:
        """E[f²] - E[f(u1) f(u2)] for correlations 1 - gap."""
        points = Points(gap.shape)
        points.value[gap == 0] = points.error[gap == 0] = 0.0
        near = np.minimum(gap, 2 - gap)
        if self.f.is_even:
            gap = near
            points.value[gap == 0] = points.error[gap == 0] = 0.0
        for n in np.flatnonzero(gap == 2).tolist():
            points.improve(n, _quietly(separation, self.f, q, 2.0))
        before: list[Series] = []
        for order in ORDERS:
            todo = points.todo()
            if not len(todo) or not _worth(self.f, order, before, near[todo]):
                break
            found = series(self.f, q, order)
            if found is None:
                break
            before.append(found)
            value, wrong, left_out = _separation_series(found, gap[todo])
            points.put(todo, value, wrong + left_out, "series")
            # Where f is nearly constant its coefficients are known better from those of f'.
            todo = todo[(left_out < wrong) & (wrong > _GOOD * value)]
            slopes = slope_series(self.f, q, order) if len(todo) else None
            if slopes is not None:
                value, wrong, left_out = _separation_series(slopes, gap[todo])
                points.put(todo, value, wrong + left_out, "series")
        failures = 0
        for n in points.todo(_POOR):
            if failures > _TRIES:
                break
            failures = 0 if points.improve(n, _quietly(separation, self.f, q, float(gap[n]))) else failures + 1
        self.reason = points.reason
        return points.found

    def _at_ends(self, q1: float, q2: float, rho: Array, points: Points) -> None:
        """Correlation 1 and -1: one integral."""
        for end in (1.0, -1.0):
            here = np.flatnonzero(rho == end)
            if len(here):
                found = _together(self.f, q1, q2, end)
                value, error = (np.full(here.shape, x) for x in (found.value, found.error))
                points.put(here, value, error, "quadrature")

    def _covariance_by_quadrature(self, q1: float, q2: float, rho: Array, points: Points, before: list[Series]) -> None:
        """The worst first: where quadrature does no better than the series, it would not elsewhere."""
        todo = points.todo(_POOR)
        with np.errstate(all="ignore"):
            todo = todo[np.argsort(-points.error[todo] / np.abs(points.value[todo]))]
        failures = 0
        (first, wrong), (second, _) = (squares(self.f, q)[0] for q in (q1, q2))
        whole = math.sqrt(first * second)
        for count, n in enumerate(todo[np.abs(rho[todo]) < 1]):
            if failures > _TRIES or not math.isfinite(whole):
                break
            if count >= _MOST and points.error[n] <= _SMALL_BESIDE * whole:
                continue
            side = 1 if rho[n] > 0 or self.f.is_even else -1 if self.f.is_odd else 0
            if q1 == q2 and side and abs(rho[n]) >= _EXACT:
                (apart,), (error,), _ = self.separation(q1, np.array([1 - abs(rho[n])]))
                here = Bounded(side * (first - apart), wrong + error + EPS * first, reason=self.reason)
            else:
                here = _quietly(_product, self.f, q1, q2, float(rho[n]))
            failures = 0 if points.improve(n, here) else failures + 1


@lru_cache(maxsize=64)
def _space(f: Activation) -> Space:
    x, y, g = f.symbol, sp.Symbol("y", real=True), stable_expression(f)
    return Space([g * g.xreplace({x: y})], (x, y))


@lru_cache(maxsize=1024)
def _product(f: Activation, q1: float, q2: float, rho: float) -> Bounded:
    with mpmath.workdps(50):
        c = mpmath.mpf(rho) * mpmath.sqrt(mpmath.mpf(q1) * mpmath.mpf(q2))
        (found,) = _space(f)([0, 0], [[q1, c], [c, q2]])
    return found


def _quietly(run: Any, *arguments: Any) -> Bounded:
    try:
        found: Bounded = run(*arguments)
    except CannotRead:
        return Bounded(math.nan, math.inf)
    return found


def _worth(f: Activation, order: int, before: list[Series], near: Array) -> bool:
    """Whether a longer series may do, for correlations so near to 1 or -1, at less than quadrature costs."""
    if order <= _SHORT:
        return True
    second, slope_second = squares(f, before[-1].q)
    mean = before[-1].q * slope_second[0] / second[0] if second[0] else 0.0
    if not f.breakpoints and _WAVES < mean < order / 4:
        # A wave of that many periods, all of which a longer series may hold.
        return True
    if len(before) > 1 and before[-1].tail <= _FALLS**2 * before[-2].tail:
        return True
    converging = int(np.sum(near * order >= _ENOUGH))
    return converging > (0 if order <= 4 * _SHORT else 2)


def _together(f: Activation, q1: float, q2: float, side: float) -> Bounded:
    """E[f(√q1 z) f(±√q2 z)]."""
    if q1 == q2 and (side > 0 or f.is_even or f.is_odd):
        (value, error), _ = squares(f, q1)
        return Bounded(-value if side < 0 and f.is_odd else value, error)
    return _product(f, q1, q2, side)


def _horner(x: Any, coefficients: Any) -> Any:
    total = np.zeros(x.shape, dtype=np.longdouble)
    for c in coefficients[::-1]:
        total *= x
        total += c
    return total


def _covariance_series(a: Series, b: Series, rho: Array) -> tuple[Array, Array, Array]:
    """The sum, what it is wrong by, and a bound of what is left out (Cauchy-Schwarz)."""
    r = np.abs(rho).astype(np.longdouble)
    terms = a.coefficients * b.coefficients.astype(np.longdouble)
    value = _horner(rho.astype(np.longdouble), terms).astype(np.float64)
    each = np.abs(a.coefficients) * b.errors + np.abs(b.coefficients) * a.errors + a.errors * b.errors
    wrong, size = _horner(r, each), _horner(r, np.abs(terms))
    left_out = np.exp(a.order * np.log(np.maximum(r, 1e-300))) * math.sqrt(a.tail * b.tail)
    error = (1 + 1e-9) * wrong + 4 * a.order * U * size + EPS * np.abs(value)
    return value, error.astype(np.float64), np.where(r == 0, 0.0, left_out).astype(np.float64)


def _separation_series(s: Series, gap: Array) -> tuple[Array, Array, Array]:
    """Σ a_k² (1 - ρ^k), what the sum is wrong by, and what is left out of it.

    What is left out is between two bounds, of which 1 - ρ^k <= k (1 - ρ) gives one; their middle is added.
    """
    value = _apart(np.square(s.coefficients.astype(np.longdouble)), gap)
    wrong = _apart(2 * np.abs(s.coefficients) * s.errors + s.errors**2, gap)
    r = np.abs(1 - gap.astype(np.longdouble))
    last = np.exp(s.order * np.log(np.maximum(r, 1e-300)))
    high = np.minimum((1 + last * (gap > 1)) * s.tail, gap * s.slope_tail) * (1 + 4 * EPS)
    low = np.minimum(-np.expm1(s.order * np.log(np.maximum(r, 1e-300))) * s.least_tail * (1 - 4 * EPS), high)
    value = value + 0.5 * (high + low)
    error = (1 + 1e-9) * wrong + (8 * s.order * U + EPS) * value
    return value.astype(np.float64), error.astype(np.float64), (0.5 * (high - low)).astype(np.float64)


def _apart(values: Any, gap: Array) -> Any:
    """Σ v_k (1 - ρ^k) for v_k >= 0 without cancellation: (1 - ρ) Σ_j ρ^j Σ_{k>j} v_k, for ρ < 0 by parity."""
    g = gap.astype(np.longdouble)
    rests = np.append(np.cumsum(values[::-1])[::-1][1:], 0.0)
    if not (gap > 1).any():
        return g * _horner(1 - g, rests)
    even, odd = values.astype(np.longdouble), values.astype(np.longdouble)
    even[1::2] = odd[0::2] = 0.0
    r = np.abs(1 - g)
    beyond = np.append(np.cumsum(even[::-1])[::-1][1:], 0.0)
    return np.where(gap > 1, (1 - r) * _horner(r, beyond) + odd.sum() + _horner(r, odd), g * _horner(1 - g, rests))
