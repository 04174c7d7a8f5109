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

    def covariance(self, rho: Array, places: np.ndarray) -> tuple[Array, Array]:
        """E[f f] and its derivative by ρ, with half of what may be left out."""
        value, derivative = _horner(self.shares[:, places], rho)
        power = rho ** (self.order - 1)
        return value + self.left[places] * rho * power / 2, derivative + self.slope_left[places] * power / 2

    def solved(self, rho: Array) -> tuple[Values, Values]:
        """The fixed correlation and the slope there, from below: the map is convex, and Newton's method monotone."""
        rho = rho.copy()
        todo = np.arange(len(rho))
        for _ in range(_ITERATIONS):
            value, derivative = self.covariance(rho[todo], todo)
            q, w = self.q.value[todo], self.w[todo]
            rate = q - correlation_slope()(derivative, w)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = (length()(value, w, self.b[todo]) - q * rho[todo]) / rate
            step = np.where(np.isfinite(step) & (rate > 0), step, 0.0)
            rho[todo] = np.clip(rho[todo] + step, 0.0, 1.0)
            # A step back is rounding.
            todo = todo[step > 4 * EPS]
            if not len(todo):
                break
        return self._with_errors(rho)

    def _with_errors(self, rho: Array) -> tuple[Values, Values]:
        every = np.arange(len(rho))
        q, w = self.q.value, self.w
        derivative = self.covariance(rho, every)[1]
        value_error, slope_error = _horner(self.wrong, rho)
        power = rho ** (self.order - 1)
        value_error = value_error + self.left * rho * power / 2
        slope_error = slope_error + self.slope_left * power / 2
        slope = correlation_slope()(derivative, w) / q
        # An error of q moves both sides of the equation by about as much.
        moved = self.q.error / q
        noise = correlation_slope()(value_error, w) / q + 2 * moved + 8 * EPS
        bend = correlation_slope()(self._bend(rho), w) / q
        distance = np.maximum(1 - slope, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            error = 2 * noise / (distance + np.sqrt(distance**2 + 2 * bend * noise))
        error = np.where(np.isfinite(error), error, 1.0)
        wrong = correlation_slope()(slope_error, w) / q + bend * error + 2 * slope * moved + 8 * EPS * slope
        return Values(rho, error), Values(slope, wrong)

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
