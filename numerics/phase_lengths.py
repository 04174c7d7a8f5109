"""The fixed length of every point of a phase diagram, with its error: all points at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy

from numerics.criticality.chebyshev import EPS, Array
from numerics.criticality.moments import Moments
from numerics.criticality.theorems import Compiled, correlation_slope, fixing_bias, length, length_slope

_STEP = 1e-4  # of a difference in log q, for what an error of q makes of a slope
_ITERATIONS = 80


class Values(NamedTuple):
    """Numbers and their absolute errors."""

    value: Array
    error: Array


def fixed_lengths(moments: Moments, w: Array, b: Array) -> Values:
    """Return the fixed point that lengths reach from q = 1 by the sign of Q(q) - q, for every σ_w² and σ_b².

    Of shape (len(b), len(w)). Infinite where lengths grow without bound, 0 where they vanish, and nan where that was
    not found out, since moments take too long beyond some q.
    """
    low, high = np.empty((2, len(b), len(w)))
    for column, weight in enumerate(w):
        low[:, column], high[:, column] = _brackets(moments, float(weight), b)
    weights, biases = np.broadcast_to(w, low.shape), np.broadcast_to(b[:, None], low.shape)
    q = high.copy()
    inside = np.isfinite(high) & (high > 0)
    inside &= low < high
    q[inside] = _solved(moments, *(part[inside] for part in (weights, biases, low, high)))
    if moments.is_cut:
        q[np.isposinf(q)] = np.nan
    error = np.zeros_like(q)
    error[inside] = _error(moments, weights[inside], biases[inside], q[inside])
    return Values(q, error)


def slopes(moments: Moments, w: Array, q: Values) -> tuple[Values, Values]:
    """Return χ_∥ and χ_⊥ at fixed lengths, with what the error of the length makes of them; nan at infinity."""
    par = _slope(moments, "second_slope", length_slope(), w, q)
    return par, _slope(moments, "slope_second", correlation_slope(), w, q)


def _slope(moments: Moments, name: str, map_: Compiled, w: Array, q: Values) -> Values:
    weights = np.broadcast_to(w, q.value.shape)
    value, error = np.full_like(q.value, np.nan), np.zeros_like(q.value)
    zero = q.value == 0
    at_zero = moments.at_zero
    value[zero] = map_(at_zero[1] if at_zero else np.nan, weights[zero])
    error[zero] = 4 * EPS * np.abs(value[zero])
    inside = np.isfinite(q.value) & ~zero
    there, weight, wrong = q.value[inside], weights[inside], q.error[inside]
    moment, own = moments.near(name, there)
    value[inside] = map_(moment, weight)
    error[inside] = np.abs(map_(own + wrong * _rate(moments, name, there), weight))
    return Values(value, error)


def _rate(moments: Moments, name: str, q: Array) -> Array:
    """The size of a moment's derivative."""
    ends = [moments.near(name, q * factor)[0] for factor in (1 - _STEP, 1 + _STEP)]
    return np.abs(ends[1] - ends[0]) / (2 * _STEP * q)


def _brackets(moments: Moments, w: float, b: Array) -> tuple[Array, Array]:
    """Two neighbours on the grid between which the fixed point lies; twice 0 or infinity where there is none, or 1.

    The bias that makes q a fixed point is a function of q. Upwards from 1 its record high, downwards its record low,
    passes every b where Q(q) - q changes its sign first.
    """
    q = np.unique([1.0, *moments.grid, *_turning(moments, w)])
    second, error = moments.near("second", q)
    bias = fixing_bias()(q, second, w)
    start = int(np.searchsorted(q, 1.0))
    up = np.searchsorted(np.maximum.accumulate(bias[start:]), b) + start
    down = start - np.searchsorted(-np.minimum.accumulate(bias[start::-1]), -b)
    stays = np.abs(bias[start] - b) <= abs(length_slope()(error[start], w)) + 4 * EPS * (1 + b)
    grows = b > bias[start]
    right = np.where(grows, np.clip(up, 1, len(q) - 1), np.clip(down + 1, 1, len(q) - 1))
    none = np.where(grows, up == len(q), down < 0)
    gone = np.where(grows, math.inf, 0.0)
    ends = (np.where(stays, 1.0, np.where(none, gone, q[end])) for end in (right - 1, right))
    return next(ends), next(ends)


def _turning(moments: Moments, w: float) -> list[float]:
    """Where Q(q) - q has an extremum: the grid alone would miss two roots that are close."""
    q = moments.grid
    excess = length_slope()(moments.near("second_slope", q)[0], w) - 1

    def at(x: float) -> float:
        return float(length_slope()(moments.near("second_slope", np.array([x]))[0][0], w)) - 1

    changes = np.flatnonzero(np.sign(excess[1:]) * np.sign(excess[:-1]) < 0)
    return [float(scipy.optimize.brentq(at, q[n], q[n + 1])) for n in changes]


def _solved(moments: Moments, w: Array, b: Array, low: Array, high: Array) -> Array:
    """Newton's method in q, kept inside brackets in which Q(q) - q goes from positive to negative."""
    low, high = low.copy(), high.copy()
    q = np.sqrt(low * high)
    todo = np.arange(len(q))
    for _ in range(_ITERATIONS):
        here, weight = q[todo], w[todo]
        step = length()(moments.near("second", here)[0], weight, b[todo]) - here
        low[todo], high[todo] = np.where(step > 0, here, low[todo]), np.where(step > 0, high[todo], here)
        slope = length_slope()(moments.near("second_slope", here)[0], weight) - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            new = here - step / slope
        inside = (new >= low[todo]) & (new <= high[todo])
        new = np.where(inside, new, np.sqrt(low[todo] * high[todo]))
        q[todo] = new
        todo = todo[np.abs(new - here) > 4 * EPS * new]
        if not len(todo):
            break
    return q


def _error(moments: Moments, w: Array, b: Array, q: Array) -> Array:
    """How far Q(q) - q may be 0 from where it seems to be: by its error over its slope or, at 1, by its curvature."""
    noise = np.abs(length_slope()(moments.near("second", q)[1], w)) + 4 * EPS * (q + b)
    slope = np.abs(1 - length_slope()(moments.near("second_slope", q)[0], w))
    curvature = np.abs(length_slope()(_rate(moments, "second_slope", q), w))
    with np.errstate(divide="ignore"):
        found = 2 * noise / (slope + np.sqrt(slope**2 + 2 * curvature * noise)) + 4 * EPS * q
    return np.minimum(found, q)
