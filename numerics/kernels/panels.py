"""Panels on which a Gauss-Legendre rule is right to working precision: discs about them bound the functions."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from derive.activations import Activation
from derive.expressions.stable import stable
from derive.limits import check as check_limit
from derive.quadrature.discs import Disc
from derive.quadrature.reading import Reading
from numerics.activations import numpy_function
from numerics.maps.parts import parts_of, read
from numerics.maps.values import Array

LINE_NODES, PLANE_NODES = 20, 16
_ELLIPSES = (2.0, 3.0, 5.0, 8.0, 14.0, 25.0)
"""Parameters of Bernstein ellipses; a function of size M in one is a polynomial of degree n - 1 but for M r^-n."""

_INTEGRAL, _POLYNOMIAL = 1e-14, 1e-12
_FLOOR = 1e-4
"""Of the size near 0: values below it never decide an integral over a centred Gaussian."""

_SPECK = 1e-40
_THIN = 1e-14
_DEEPEST, _MOST = 45, 4000
_REACH, _DEPTH = 48.0, 44.0
"""Mass of an integrand is looked for within so many standard deviations, down to exp(-depth) of the most."""


def common_edges(f: Activation, lowest: float, highest: float, step: float) -> Array | None:
    """Edges in z = s/√q of panels for E[f²], E[f'²] and the like, at every variance q from lowest to highest.

    A panel is at most ``step`` wide, and is cut at f's breakpoints when it is used. None where there is mass in which f
    overflows.
    """
    roots = np.sqrt(np.geomspace(lowest, highest, max(2, math.ceil(math.log2(highest / lowest)) + 1)))
    ends = _window(f, roots)
    if ends is None:
        return None
    low, high = ends
    edges = np.linspace(low, high, max(2, math.ceil((high - low) / step) + 1))
    return _resolved(f, np.union1d(edges, [0.0] if low < 0 < high else []), roots, 2 * LINE_NODES - 1)


@lru_cache(maxsize=64)
def own_edges(f: Activation, reach: float) -> Array:
    """Edges of panels in s, the breakpoints and both ends among them, on which f and f' are polynomials."""
    inside = [p for p in parts_of(f).points if -reach < p < reach]
    return _resolved(f, np.unique([-reach, 0.0, reach, *inside]), np.ones(1), PLANE_NODES)


def _resolved(f: Activation, edges: Array, scales: Array, order: int) -> Array:
    """Halve panels until a rule of this order is right on what the breakpoints leave of them, at every scale."""
    done, todo = [edges[-1:]], np.stack([edges[:-1], edges[1:]])
    for _ in range(_DEEPEST):
        check_limit()
        bad = _is_poor(f, todo, scales, order) & (np.diff(todo, axis=0)[0] > _THIN * np.abs(todo).max(axis=0))
        done.append(todo[0, ~bad])
        todo = todo[:, bad]
        if not todo.size or sum(map(len, done)) + 2 * todo.shape[1] > _MOST:
            break
        middle = todo.mean(axis=0)
        todo = np.concatenate([[todo[0], middle], [middle, todo[1]]], axis=1)
    return np.unique(np.concatenate([*done, todo[0]]))


def _is_poor(f: Activation, panels: Array, scales: Array, order: int) -> Any:
    """Whether f or f' needs more nodes on a part of a panel, at one scale or another."""
    points = parts_of(f).points
    left, right = (end[:, None, None] * scales[:, None] for end in panels)
    cuts = np.concatenate([left, np.clip(points, left, right), right], axis=2)
    middle, half = 0.5 * (cuts[..., 1:] + cuts[..., :-1]), 0.5 * np.diff(cuts, axis=2)
    some = half > 0
    middle, half, owner = middle[some], half[some], np.nonzero(some)[0]
    part = np.where(np.abs(middle) + half > parts_of(f).reach, -1, np.searchsorted(points, middle))
    poor = np.zeros(len(panels[0]), dtype=bool)
    for k in np.unique(part):
        here = part == k
        poor[owner[here][_excess(f, int(k), middle[here], half[here], order)]] = True
    return poor


def _excess(f: Activation, part: int, middle: Array, half: Array, order: int) -> Any:
    least: Any = 0.0
    poor = np.zeros(middle.shape, dtype=bool)
    for reading, floor in zip(_readings(f)[part], _sizes(f), strict=True):
        at = [read(reading, f.symbol, Disc(middle + t * half, 0 * half), False).mid for t in (-0.9, 0.0, 0.9)]
        # A slope that is small beside f/(width of the panel) changes f by less than f's own rounding.
        size = np.maximum(np.abs(at).max(axis=0), np.maximum(floor, least))
        best = np.full(middle.shape, np.inf)
        for r in _ELLIPSES:
            wide = read(reading, f.symbol, Disc(middle, 0.5 * (r + 1 / r) * half), True)
            with np.errstate(all="ignore"):
                share = wide.rad / size
                # An integrand is a product of two functions.
                wrong = share / _POLYNOMIAL if order == PLANE_NODES else share * (2 + share) / _INTEGRAL
                best = np.fmin(best, wrong * r**-order)
        poor |= ~(best <= 1)
        least = size / (2 * half)
    return poor


@lru_cache(maxsize=64)
def _readings(f: Activation) -> list[tuple[Reading, Reading]]:
    """Of f and f' on each part; the last is of the whole, for where breakpoints are not known."""
    parts = parts_of(f)
    whole = Reading([stable(f.expression)], [f.symbol]), Reading([stable(f.derivative)], [f.symbol])
    return [*zip(parts.values, parts.slopes, strict=True), whole]


@lru_cache(maxsize=64)
def _sizes(f: Activation) -> list[float]:
    """How large f and f' are where values count, near 0; for what is nothing there, far from it."""
    found = []
    for order in (0, 1):
        near, far = (np.abs(numpy_function(f, order)(np.linspace(-a, a, n))) for a, n in ((1, 41), (64, 1025)))
        top = (float(size[np.isfinite(size)].max(initial=0.0)) for size in (near, far))
        found.append(max(_FLOOR * next(top), _SPECK * next(top), 1e-300))
    return found


def _window(f: Activation, roots: Array) -> tuple[float, float] | None:
    """The z outside of which |f|, f² and f'² times exp(-z²/2) are exp(-`_DEPTH`) of their most, at every √q."""
    z = np.linspace(-_REACH, _REACH, 8 * int(_REACH) + 1)
    s = np.outer(roots, z)
    value, slope = (numpy_function(f, order)(s) for order in (0, 1))
    with np.errstate(all="ignore"):
        size, steep = np.log(np.abs(value)), np.log(np.abs(slope))
        logs = np.stack([size, 2 * size, 2 * steep]) - 0.5 * z * z
    logs = np.where(np.isfinite(logs), logs, -np.inf)
    keep = (logs > logs.max(axis=2, keepdims=True) - _DEPTH).any(axis=0)
    lost = ~np.isfinite(value)
    lost[:, [0, -1]] = True
    beside = keep.copy()
    beside[:, 1:] |= keep[:, :-1]
    beside[:, :-1] |= keep[:, 1:]
    if (lost & beside).any():
        return None
    places = np.flatnonzero(keep.any(axis=0))
    return (float(z[places[0] - 1]), float(z[places[-1] + 1])) if places.size else (-9.0, 9.0)
