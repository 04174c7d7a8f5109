"""The stable correlation of every chaotic point of a phase diagram, by the Hermite series of its length."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from derive.errors import InputError
from numerics.criticality.chebyshev import EPS, NODES, POINTS, TO_COEFFICIENTS, Array
from numerics.criticality.moments import Moments
from numerics.criticality.theorems import correlation_slope, length
from numerics.phase_lengths import Values

_ORDERS = (128, 512)
_TOLERANCE = 1e-12
_ENOUGH = 1e-10  # an error of the correlation that more coefficients need not lower
_WIDEST, _NARROWEST = math.log(10), math.log(10) / 8
_ITERATIONS = 100
_BLOCK = 4096


def stable_correlations(moments: Moments, w: Array, b: Array, q: Values) -> tuple[Values, Values]:
    """Return ρ* < 1 where χ_⊥ > 1, and the slope of the correlation map there: arrays of one length.

    E[f(u₁) f(u₂)] = Σ a_k² ρ^k (Daniely, Frostig & Singer 2016), all terms positive for ρ >= 0: what is cut off is
    between 0 and what E[f²] leaves, times the highest power.

    Raises `InputError` where the activation oscillates too fast for its coefficients.
    """
    rho, slope = Values(*np.zeros((2, len(w)))), Values(*np.zeros((2, len(w))))
    for order in _ORDERS:
        todo = np.flatnonzero(rho.error > _ENOUGH) if order > _ORDERS[0] else np.arange(len(w))
        for part in _panels(moments, np.log(q.value), todo, order):
            for start in range(0, len(part.places), _BLOCK):
                places = part.places[start : start + _BLOCK]
                block = _Block(moments, part, w[places], b[places], Values(q.value[places], q.error[places]))
                new, by = block.solved(np.maximum(rho.value[places] - rho.error[places], 0.0))
                better = (new.error < rho.error[places]) | (order == _ORDERS[0])
                for target, found in ((rho, new), (slope, by)):
                    target.value[places[better]] = found.value[better]
                    target.error[places[better]] = found.error[better]
    return rho, slope


@dataclass(frozen=True, eq=False)
class _Panel:
    """a_k²/E[f²] between two logarithms of q, as Chebyshev coefficients (node, k) with an error of each k."""

    low: float
    high: float
    places: np.ndarray
    coefficients: Array
    error: Array

    def at(self, t: Array) -> Array:
        """The shares of the coefficients, (point, k)."""
        x = (2 * t - self.low - self.high) / (self.high - self.low)
        found: Array = chebvander(x, NODES - 1) @ self.coefficients
        return found


def _panels(moments: Moments, t: Array, places: np.ndarray, order: int) -> Iterator[_Panel]:
    """Panels over the logarithms of the lengths at some places, with the places in each."""
    if not len(places):
        return
    low, high = float(t[places].min()) - 1e-9, float(t[places].max()) + 1e-9
    cuts = np.linspace(low, high, math.ceil((high - low) / _WIDEST) + 1)
    for a, b in pairwise(cuts):
        yield from _halved(moments, t, places[(t[places] >= a) & (t[places] < b)], float(a), float(b), order)


def _halved(moments: Moments, t: Array, places: np.ndarray, low: float, high: float, order: int) -> Iterator[_Panel]:
    if not len(places):
        return
    shares, noise = _shares(moments, (low + high) / 2 + (high - low) / 2 * POINTS, order)
    coefficients = TO_COEFFICIENTS @ shares
    tail = np.abs(coefficients[-2:]).sum(axis=0)
    if tail.max() <= _TOLERANCE or high - low <= _NARROWEST:
        yield _Panel(low, high, places, coefficients, tail + noise)
        return
    middle = (low + high) / 2
    yield from _halved(moments, t, places[t[places] < middle], low, middle, order)
    yield from _halved(moments, t, places[t[places] >= middle], middle, high, order)


def _shares(moments: Moments, t: Array, order: int) -> tuple[Array, Array]:
    """a_k²/E[f²] at some logarithms of q, and the largest error of each k."""
    rows, errors = [], []
    for q in np.exp(t):
        try:
            found = moments.maps.hermite_coefficients(float(q), order)
        except InputError:
            raise InputError(f"activation {moments.activation} oscillates too fast at q = {q:.3g}") from None
        second = moments.value("second", float(q))
        rows.append(found.value**2 / second)
        errors.append(2 * np.abs(found.value) * found.error / second + 4 * EPS * rows[-1])
    return np.array(rows), np.max(errors, axis=0)


class _Block:
    """The correlation map at some points of the diagram."""

    def __init__(self, moments: Moments, panel: _Panel, w: Array, b: Array, q: Values) -> None:
        self.w, self.b, self.q = w, b, q
        second, wrong = moments.near("second", q.value)
        self.shares = panel.at(np.log(q.value)).T * second
        self.wrong = panel.error[:, None] * second + wrong / len(self.shares)
        self.order = len(self.shares)
        k = np.arange(self.order)[:, None]
        # What the series leaves of E[f²] and of its slope q E[f'²], whose terms are of higher orders.
        slope = q.value * moments.near("slope_second", q.value)[0]
        self.left = np.maximum(second - self.shares.sum(axis=0), 0.0)
        self.slope_left = np.maximum(slope - (k * self.shares).sum(axis=0), 0.0)

    def covariance(self, rho: Array, places: np.ndarray, rest: float) -> tuple[Array, Array]:
        """E[f f] and its derivative by ρ, with all that is left out as the next power, or nothing (``rest`` 1 or 0)."""
        value, derivative = _horner(self.shares[:, places], rho)
        power = rest * self.left[places] * rho ** (self.order - 1)
        return value + rho * power, derivative + self.order * power

    def slope(self, rho: Array, rest: float) -> Array:
        """The slope of the correlation map, with all or nothing of what may be left out of it."""
        series = _horner(self.shares, rho)[1] + rest * self.slope_left * rho ** (self.order - 1)
        found: Array = np.minimum(correlation_slope()(series, self.w) / self.q.value, 1.0)
        return found

    def solved(self, rho: Array) -> tuple[Values, Values]:
        """The fixed correlation and the slope there, between those of the series and of it with all that is left.

        A larger map has the larger fixed point, and at it the larger slope, of at most 1.
        """
        low = self._fixed(rho.copy(), np.arange(len(rho)), 0.0)
        cut = np.flatnonzero(self.left > _TOLERANCE * self.q.value)
        high = self._fixed(low.copy(), cut, 1.0)
        ends = self.slope(low, 0.0), self.slope(high, 1.0)
        between, apart = (low + high) / 2, (high - low) / 2
        return self._with_errors(Values(between, apart), Values((ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2))

    def _fixed(self, rho: Array, todo: np.ndarray, rest: float) -> Array:
        """Newton's method from below: the map is convex, and the steps never pass its first fixed point."""
        for _ in range(_ITERATIONS):
            if not len(todo):
                break
            value, derivative = self.covariance(rho[todo], todo, rest)
            q, w = self.q.value[todo], self.w[todo]
            rate = q - correlation_slope()(derivative, w)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = (length()(value, w, self.b[todo]) - q * rho[todo]) / rate
            # Where a map is too large to have one, it is at most 1.
            step = np.where(np.isfinite(step) & (rate > 0), np.maximum(step, 0.0), 1.0 if rest else 0.0)
            rho[todo] = np.clip(rho[todo] + step, 0.0, 1.0)
            # A step back is rounding.
            todo = todo[(step > 4 * EPS) & (rho[todo] < 1)]
        return rho

    def _with_errors(self, rho: Values, slope: Values) -> tuple[Values, Values]:
        """Add what the errors of the shares, of q and of rounding make of both."""
        q, w = self.q.value, self.w
        value_error, slope_error = _horner(self.wrong, rho.value)
        moved = self.q.error / q
        # An error of q moves both sides of the equation by about as much.
        noise = correlation_slope()(value_error, w) / q + 2 * moved + 8 * EPS
        bend = correlation_slope()(self._bend(rho.value), w) / q
        distance = np.maximum(1 - slope.value - slope.error, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            error = 2 * noise / (distance + np.sqrt(distance**2 + 2 * bend * noise))
        error = np.where(np.isfinite(error), error, 1.0)
        wrong = correlation_slope()(slope_error, w) / q + bend * error + 2 * slope.value * moved + 8 * EPS
        return Values(rho.value, rho.error + error), Values(slope.value, slope.error + wrong)

    def _bend(self, rho: Array) -> Array:
        """The second derivative of E[f f] by ρ."""
        k = np.arange(self.order)[:, None]
        return _horner((k * self.shares)[1:], rho)[1]


def _horner(rows: Array, rho: Array) -> tuple[Array, Array]:
    """Σ c_k ρ^k and its derivative, for coefficients (k, point)."""
    value, derivative = np.zeros_like(rho), np.zeros_like(rho)
    for row in rows[::-1]:
        derivative = derivative * rho + value
        value = value * rho + row
    return value, derivative
