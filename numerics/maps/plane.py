"""How far apart two units are, E[(f(t) - f(u))²]/2, by `derive.quadrature` without subtracting nearly equal numbers.

With w = t - u the plane of (u, w) is cut where u or t is a breakpoint of f. In a cell f(t) - f(u) is the change of one
formula, or the changes of two and what f jumps between them; the distances of u and t from the breakpoints are
variables of their own, which no rounding of u reaches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import mpmath
import numpy as np
import sympy as sp

from derive.activations import Activation
from derive.quadrature.bounded import Bounded
from derive.quadrature.boxes import MOST_BOXES
from derive.quadrature.cells import DIGITS
from derive.quadrature.discs import EPS, Disc, Floats, add, multiply
from derive.quadrature.reading import Decided
from derive.quadrature.space import Law, Space
from numerics.activations import stable_expression
from numerics.maps.hermite import squares
from numerics.maps.parts import Parts, parts_of

_MIDDLE = (4, 64)
_MOST_BOXES = {**MOST_BOXES, 2: 12_000}
"""A few seconds."""

_REACH = 20.0
"""Deviations within which all breakpoints must be known."""


@lru_cache(maxsize=1024)
def separation(f: Activation, q: float, gap: float) -> Bounded:
    """E[(f(t) - f(u))²]/2 for two units of variance q and correlation 1 - gap, 0 < gap <= 2.

    Raises `CannotRead` for a function without a rule.
    """
    return _separation(f).at(q, gap)


class _Separation(Space):
    most_boxes = _MOST_BOXES

    def __init__(self, f: Activation) -> None:
        self._parts = parts = parts_of(f)
        u, w, g = f.symbol, sp.Dummy("w", real=True), stable_expression(f)
        with mpmath.workdps(DIGITS):
            self._points = [mpmath.mpf(str(sp.N(p, DIGITS))) for p in parts.exact]
        distances = [sp.Dummy("distance", real=True) for _ in range(2 * len(parts.exact))]
        self._signs = [sp.Dummy("sign", real=True) for _ in distances]
        self.variables = (u, w, sp.Dummy("t", real=True), *distances)
        self._given = [(g.xreplace({u: u + w}) - g) ** 2 / 2]
        self._f = f
        self._reading = _Change(parts, self.variables, self._signs)
        self._growths = {}

    def at(self, q: float, gap: float) -> Bounded:
        if np.isinf(squares(self._f, q)[0][0]):
            return Bounded(np.nan, np.inf, reason="E[f²] is beyond the range of float64")
        with mpmath.workdps(DIGITS):
            root, g = mpmath.sqrt(mpmath.mpf(q)), mpmath.mpf(gap)
            if _REACH * root >= self._parts.reach:
                return Bounded(np.nan, np.inf, reason="breakpoints are known near 0 alone")
            own = mpmath.sqrt(g * (2 - g)) * root
            sides = 2 if own else 1
            u, w, t = (row[:sides] for row in ((root, mpmath.mp.zero), (-g * root, own), ((1 - g) * root, own)))
            distances = [(-p, *row) for row in (u, t) for p in self._points]
            means = [mpmath.mp.zero] * 3 + [d[0] for d in distances]
            # Of a large deviation the middle is cut out: there f may change, and its nodes have few roundings.
            walls = [(side * c, *row) for c in _MIDDLE if root > c for side in (-1, 1) for row in (u, t)]
            law = Law(means, [list(row) for row in (u, w, t, *(d[1:] for d in distances))], [*distances, *walls], sides)
            (found,) = self._smooth(law, EPS)
        return found

    def _left(self, law: Law, reach: float) -> Floats:
        # The density of twice the deviation is at least exp(3 reach²/8)/4 times ours out there.
        far = 8 * sum(squares(self._f, float(4 * law.root[0][0] ** 2))[0]) * np.exp(-0.375 * reach**2)
        return np.fmin(super()._left(law, reach), far)


@lru_cache(maxsize=64)
def _separation(f: Activation) -> _Separation:
    return _Separation(f)


class _Change:
    """(f(u + w) - f(u))²/2, read as `Reading` is: the signs say in which part u and t are."""

    def __init__(self, parts: Parts, variables: Sequence[sp.Symbol], signs: Sequence[sp.Symbol]) -> None:
        self.parts, self.variables, self.signs = parts, variables, signs

    def __call__(self, given: Mapping[sp.Symbol, Disc], decided: Decided | None = None) -> tuple[list[Disc], Decided]:
        at = [given[v] for v in self.variables]
        shape = np.broadcast_shapes(*(a.shape for d in at for a in d))
        above = np.array([np.broadcast_to(given[s].mid.ravel() > 0, shape[:1]) for s in self.signs], dtype=int)
        cell = above.reshape(2, len(self.signs) // 2, shape[0]).sum(axis=1).T
        mid, rad = np.empty((2, *shape))
        rows = [Disc(*(np.broadcast_to(a, (shape[0], *a.shape[1:])) for a in d)) for d in at]
        for part, other in np.unique(cell, axis=0).tolist():
            here = np.flatnonzero((cell == (part, other)).all(axis=1))
            own = [Disc(mid[here], rad[here]) for mid, rad in rows]
            mid[here], rad[here] = self._within(part, other, own, decided is not None)
        return [Disc(mid, rad)], {}

    def _within(self, part: int, other: int, at: Sequence[Disc], plane: bool) -> Disc:
        """The parts of u and of t, and u, w, t and the distances."""
        parts, (u, w, t, *distances) = self.parts, at
        with np.errstate(all="ignore"):
            if part == other:
                g = parts.change(part, u, w, t, plane)
            else:
                (first, last), jump = parts.across(part, other)
                before = parts.change(part, parts.at(first), distances[first], u, plane)
                after = parts.change(other, parts.at(last), distances[len(parts.points) + last], t, plane)
                g = add(after, Disc(-before.mid, before.rad), jump)
            found = multiply(Disc(0.5 * g.mid, 0.5 * g.rad), g)
            return Disc(found.mid, np.where(np.abs(u.mid) + u.rad < parts.reach, found.rad, np.inf))
