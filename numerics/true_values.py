"""Where a formula loses digits in floats, its values from many digits: few points one by one, many by polynomials."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from sympy import Expr, Symbol

from derive.expressions.stable import precise
from derive.quadrature import CannotRead
from derive.quadrature.discs import EPS, Disc, Floats
from derive.quadrature.reading import Reading

Mask = NDArray[np.bool_]

LOST = 2.0**-38
"""A bound on the error, relative to |f| + |x f'|, from which floats are not enough: many digits cost a millisecond."""

_DIGITS = (30, 60, 150, 400, 800)
_LEAST = mpmath.mpf(10) ** -330
_SIZES = np.concatenate([np.logspace(-300, -7, 80), np.logspace(-6.9, 4, 400), np.logspace(4.2, 307, 120)])
_MOST = 4000
"""How many values one function computes with many digits, of some milliseconds each."""
_PANELS_PER_OCTAVE, _DEGREE, _HALVINGS, _FEW = 2, 22, 6, 20


def true_value(exact: Callable[[Any], Any], x: float) -> float | None:
    """Return the float next to a value on which two precisions agree; None where there is no real one."""
    before: Any = None
    for digits in _DIGITS:
        try:
            with mpmath.workdps(digits):
                value = mpmath.mpmathify(exact(mpmath.mpf(x)))
        except (ArithmeticError, ValueError, TypeError):
            return None
        if isinstance(value, mpmath.mpc) or mpmath.isnan(value):
            return None
        agreed = before is not None and value != 0 and abs(value - before) <= 1e-20 * abs(value)
        # What cancels to less than any float, with digits enough to see one, is 0.
        if agreed or (digits == _DIGITS[-1] and abs(value) < _LEAST):
            return float(value)
        before = value
    return None


def poor_zones(expression: Expr, slope: Expr, x: Symbol) -> Floats:
    """Return the ends a_1 < b_1 <= a_2 < ... of the intervals in which the bound of the rounding error is large."""
    s = np.concatenate([-_SIZES[::-1], _SIZES])
    try:
        found, _ = Reading([expression, slope])({x: Disc(s, np.zeros_like(s))})
    except CannotRead:
        return np.zeros(0)
    (value, error), (steep, unsure) = (np.broadcast_arrays(*disc, s)[:2] for disc in found)
    with np.errstate(all="ignore"):
        scale = np.abs(value) + np.abs(s) * np.fmax(np.abs(steep) - unsure, 0.0)
        poor = ~((error <= LOST * scale + 1e-300) & np.isfinite(error))
    # An interval reaches to the good points beside it.
    edges = np.flatnonzero(np.diff(np.concatenate([[False], poor, [False]]).astype(int)))
    low = np.concatenate([[-np.inf], s])[edges[::2]]
    high = np.concatenate([s, [np.inf]])[edges[1::2]]
    return np.stack([low, high], axis=1).ravel()


class TrueValues:
    """A function of arrays that is right where the formula is not."""

    def __init__(self, expression: Expr, x: Symbol) -> None:
        self._exact = precise(expression, x)
        self._panels: dict[tuple[float, float], Floats | None] = {}
        self._asked: dict[tuple[float, float], int] = {}
        self._left = _MOST

    def __call__(self, s: Floats, fallback: Floats) -> Floats:
        """Return values at s, and the fallback where there is none."""
        found = fallback.copy()
        with np.errstate(all="ignore"):
            places = np.floor(np.log2(np.abs(s)) * _PANELS_PER_OCTAVE)
        groups, member = np.unique(np.stack([np.sign(s), places]), axis=1, return_inverse=True)
        order = np.argsort(member, kind="stable")
        starts = np.searchsorted(member[order], np.arange(groups.shape[1] + 1))
        for g, (side, place) in enumerate(groups.T.tolist()):
            here = order[starts[g] : starts[g + 1]]
            ends = sorted(side * 2.0 ** ((place + k) / _PANELS_PER_OCTAVE) for k in (0, 1)) if side else (0.0, 0.0)
            self._fill(s, found, here, (ends[0], ends[1]), _HALVINGS)
        return found

    def _fill(self, s: Floats, found: Floats, here: Any, ends: tuple[float, float], halvings: int) -> None:
        if here.size == 0:
            return
        self._asked[ends] = self._asked.get(ends, 0) + int(here.size)
        if self._asked[ends] < _FEW or halvings == 0 or not ends[1] - ends[0] > 0:
            for k in here[: self._left]:
                value = true_value(self._exact, float(s[k]))
                if value is not None:
                    found[k] = value
            self._left -= min(self._left, here.size)
            return
        if ends not in self._panels and self._left:
            self._panels[ends] = self._panel(*ends)
            self._left -= min(self._left, _DEGREE)
        panel = self._panels.get(ends)
        if panel is not None:
            found[here] = chebyshev.chebval(_inside(s[here], *ends), panel)
            return
        if not self._left:
            return
        middle = (ends[0] + ends[1]) / 2
        self._fill(s, found, here[s[here] < middle], (ends[0], middle), halvings - 1)
        self._fill(s, found, here[s[here] >= middle], (middle, ends[1]), halvings - 1)

    def _panel(self, low: float, high: float) -> Floats | None:
        """Return Chebyshev coefficients on an interval, or None where values between nodes differ."""
        nodes = np.cos(math.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
        between = np.array([-0.97, -0.6, -0.05, 0.35, 0.8])
        points = (low + high) / 2 + (high - low) / 2 * np.concatenate([nodes, between])
        values = [self._once(float(p)) for p in points[: nodes.size]]
        values += [true_value(self._exact, float(p)) for p in points[nodes.size :]]
        if len(set(values)) == 1 and values[0] is not None and math.isinf(values[0]):
            return np.array(values[:1])
        if any(v is None or not math.isfinite(v) for v in values):
            return None
        known = np.array(values, dtype=float)
        u, v = _inside(points[: nodes.size], low, high), _inside(points[nodes.size :], low, high)
        made: Floats = chebyshev.chebfit(u, known[: nodes.size], _DEGREE)
        off = np.abs(chebyshev.chebval(v, made) - known[nodes.size :])
        slope = np.abs(chebyshev.chebval(v, chebyshev.chebder(made))).min() * 2 / (high - low)
        room = np.abs(known).min() + slope * min(abs(low), abs(high))
        return made if np.all(off <= 16 * EPS * room) else None

    def _once(self, x: float) -> float | None:
        """A value that is not checked: what stands between the nodes is."""
        try:
            with mpmath.workdps(_DIGITS[1]):
                return float(self._exact(mpmath.mpf(x)))
        except (ArithmeticError, ValueError, TypeError):
            return None


def _inside(s: Floats, low: float, high: float) -> Floats:
    """Map an interval to -1..1."""
    return np.asarray(((s - low) - (high - s)) / (high - low))


def within(zones: Floats, s: Floats) -> Mask:
    """Return which points lie in the intervals."""
    return np.asarray(np.searchsorted(zones, s, side="right") % 2 == 1)
