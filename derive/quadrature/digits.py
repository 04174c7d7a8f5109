"""E[g(x)] to many digits: boxes chosen in float64, and a rule of as many nodes in mpmath as their bounds ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp
from mpmath import mp

from derive.expressions.stable import precise
from derive.quadrature.bounded import Precise
from derive.quadrature.boxes import Sums, gauss_error, precise_rule
from derive.quadrature.discs import EPS
from derive.quadrature.line import Line

_NODES = (24, 48, 96)
_GUARD = 15
_WIDTH = 5.0
_NARROW = 2.0**-30
_CHANGE = 1e-6
_SMALLER = 0.99
"""A box that is longer by `_CHANGE` holds an ellipse of so much of the parameter in the same disc."""

Piece = tuple[Any, Any, float]
"""An interval, and M on it."""


def many_digits(line: Line, mean: float, variance: Any, digits: int) -> Precise | None:
    """The first output of a `Line` in mpmath; None where its boxes do not bound it to so many digits.

    A variance of many digits is one: boxes know its root to a rounding.
    """
    law = np.array([float(mean)]), np.array([float(variance)])
    sums, _, _ = line.sums(*law, width=_WIDTH, tolerance=10.0**-digits, nodes=48, beside_rounding=0.0)
    size = float(sums.size[0, 0])
    if line.has_poles or not (np.isfinite(sums.value[0, 0]) and np.isfinite(sums.error[0, 0]) and size):
        return None
    with mp.workdps(digits + _GUARD):
        m, s = mp.mpf(mean), mp.sqrt(mp.mpf(variance))
        breaks = sorted((mp.mpf(p._to_mpmath(mp.prec)) - m) / s for p in line.breakpoints)
        rules = [(p, *_enough(p, 10.0**-digits * size)) for p in _pieces(sums, breaks)]
        if not rules or any(not nodes for _, nodes, _ in rules):
            return None
        f = _compiled(line.outputs[0], line.x)
        value = sum(_integral(lambda z: f(m + s * z), low, high, n) for (low, high, _), n, _ in rules)
        # A rounding error is as many units of the last place in any precision.
        rounding = float(sums.error[0, 0]) / EPS * mp.mpf(10) ** -mp.dps
        error = sum(e for _, _, e in rules) + float(np.max(sums.left)) + rounding
        return Precise(+value, +error, mp.mpf(size))


def _pieces(sums: Sums, breaks: Sequence[Any]) -> list[Piece]:
    """The boxes in order, those beside a breakpoint up to it; empty where that cannot be."""
    found: list[list[Any]] = []
    for boxes, radius in sums.kept:
        for middle, half, bound in zip(boxes.middle[0], boxes.half[0], radius[:, 0], strict=True):
            if half > _NARROW or all(abs(middle - p) > _NARROW for p in breaks):
                found.append([mp.mpf(middle) - mp.mpf(half), mp.mpf(middle) + mp.mpf(half), float(bound)])
    found.sort(key=lambda p: p[0])
    if not found:
        return []
    # The ends are whole numbers of standard deviations.
    edges = [mp.nint(found[0][0])]
    for left, right in pairwise(found):
        between = [p for p in breaks if left[1] - 2 * _NARROW <= p <= right[0] + 2 * _NARROW]
        if len(between) > 1:
            return []
        edges.append(between[0] if between else right[0])
    edges.append(mp.nint(found[-1][1]))
    made = [(a, b, p[2]) for (a, b), p in zip(pairwise(edges), found, strict=True)]
    changes = [
        abs(a - p[0]) + abs(b - p[1]) - _CHANGE * (p[1] - p[0]) for (a, b, _), p in zip(made, found, strict=True)
    ]
    return made if max(changes) <= 0 else []


def _enough(piece: Piece, allowed: float) -> tuple[int, float]:
    """The nodes that a piece needs, and the bound of their rule; 0 nodes where no rule does."""
    low, high, radius = piece
    for n in _NODES:
        error = float(gauss_error(n, radius, float(high - low), 1)) * _SMALLER ** (-2 * n)
        if error <= allowed / 16:
            return n, error
    return 0, np.inf


def _integral(f: Callable[[Any], Any], low: Any, high: Any, n: int) -> Any:
    middle, half = (low + high) / 2, (high - low) / 2
    total = mp.zero
    for t, w in precise_rule(n, mp.prec):
        z = middle + half * t
        total += w * f(z) * mp.exp(-z * z / 2)
    return half * total / mp.sqrt(2 * mp.pi)


@lru_cache(maxsize=64)
def _compiled(g: sp.Expr, x: sp.Symbol) -> Callable[[Any], Any]:
    return precise(g, x)
