"""The parts of an activation between its breakpoints: each one formula, read by discs, and its changes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import sympy as sp

from derive.activations import Activation
from derive.activations.pieces import pieces
from derive.expressions.stable import stable
from derive.gaussian.evaluate import switches
from derive.quadrature.boxes import rule
from derive.quadrature.discs import EPS, Disc, Floats, add, multiply
from derive.quadrature.reading import CannotRead, Reading

_RULES = ((3, 400.0), (5, 40.0), (8, 12.0))
"""Numbers of nodes, and the ellipses in which f' must be analytic: the shorter the way, the fewer nodes."""

_FEW = 64 * EPS
_SHORT = 1e-6
_SEARCHED, _FARTHEST = 32.0, 1e9
"""Breakpoints where no polynomial changes its sign are known up to here (`derive.activations.pieces`)."""


class Parts:
    """f as formulas f_0, f_1, ... between its breakpoints p_1 < p_2 < ...

    Raises `CannotRead` for a function without a rule.
    """

    def __init__(self, activation: Activation) -> None:
        self.x = activation.symbol
        self.exact, formulas = pieces(activation.expression, self.x)
        self.points = np.array([float(p) for p in self.exact])
        self.values = [Reading([stable(f)], [self.x]) for f in formulas]
        self.slopes = [Reading([stable(f.diff(self.x))], [self.x]) for f in formulas]
        unknown = [u for u in switches(activation.expression, {self.x}) if not u.is_polynomial(self.x)]
        self.reach = np.inf if all(_settled(u, self.x) for u in unknown) else _SEARCHED
        # f_k(p_(k+1)) and f_(k+1)(p_(k+1)): equal where f is continuous.
        self.left = [_limit(f, self.x, p) for f, p in zip(formulas, self.exact, strict=False)]
        self.right = [_limit(f, self.x, p) for f, p in zip(formulas[1:], self.exact, strict=True)]
        for n, p in enumerate(self.exact):
            if p not in activation.jumps:
                self.right[n] = self.left[n]

    def value(self, part: int, at: Disc, plane: bool = False) -> Disc:
        """f_part on real intervals, or on discs in the plane."""
        return read(self.values[part], self.x, at, plane)

    def slope(self, part: int, at: Disc, plane: bool = False) -> Disc:
        """f'_part on real intervals, or on discs in the plane."""
        return read(self.slopes[part], self.x, at, plane)

    def at(self, end: int) -> Disc:
        """A breakpoint and its rounding."""
        return Disc(np.asarray(self.points[end]), np.asarray(EPS * abs(self.points[end])))

    def across(self, part: int, other: int) -> tuple[tuple[int, int], Disc]:
        """The first and the last breakpoint on the way to another part, and f behind the last less f before the first.

        Both values are those of one side: where the last is reached by the other part, and the first is left.
        """
        if part < other:
            return (part, other - 1), _difference(self.right[other - 1], self.left[part])
        return (part - 1, other), _difference(self.left[other], self.right[part - 1])

    def change(self, part: int, base: Disc, d: Disc, end: Disc, plane: bool = False) -> Disc:
        """f_part(end) - f_part(base) without cancellation, where end = base + d (whose sum is a larger disc)."""
        with np.errstate(all="ignore"):
            middle = Disc(base.mid + 0.5 * d.mid, 0.5 * np.abs(d.mid) + d.rad + base.rad)
            by_slope = multiply(d, self.slope(part, middle, plane))
            before = self.value(part, base, plane)
            by_values = add(self.value(part, end, plane), Disc(-before.mid, before.rad))
            found = _better(by_slope, by_values)
            if plane:
                return found
            return self._by_rule(part, base, d, found)

    def _by_rule(self, part: int, base: Disc, d: Disc, found: Disc) -> Disc:
        """The way times the mean of f' over it, by a Gauss rule, where that is better: near the base."""
        shape = found.mid.shape
        poor = np.broadcast_to(d.rad <= _SHORT * np.abs(d.mid), shape) & ~(found.rad <= _FEW * np.abs(found.mid))
        if not poor.any():
            return found
        mid, rad = found.mid.copy(), found.rad.copy()
        left = np.flatnonzero(poor)
        bases, ways = (Disc(*(np.broadcast_to(a, shape).ravel() for a in disc)) for disc in (base, d))
        for nodes, wide in _RULES:
            b, e = (Disc(disc.mid[left], disc.rad[left]) for disc in (bases, ways))
            about = Disc(b.mid + 0.5 * e.mid, 0.25 * (wide + 1 / wide) * np.abs(e.mid) * (1 + 4 * EPS) + b.rad)
            slope = self.slope(part, about, plane=True)
            cut = (32 / 15) / ((wide - 1) * wide ** (2 * nodes - 1)) * slope.rad
            good = (cut <= EPS * np.abs(slope.mid)) if nodes < _RULES[-1][0] else np.isfinite(cut)
            b, e = (Disc(disc.mid[good], disc.rad[good]) for disc in (b, e))
            new = multiply(e, self._mean(part, b, e, nodes, cut[good]))
            at = left[good]
            mid.flat[at], rad.flat[at] = _better(new, Disc(mid.flat[at], rad.flat[at]))
            left = left[~good]
            if not len(left):
                break
        return Disc(mid, rad)

    def _mean(self, part: int, base: Disc, d: Disc, nodes: int, cut: Floats) -> Disc:
        """The mean of f' between base and base + d by a rule that is wrong by so much."""
        x, w = rule(nodes)
        blur = EPS * (np.abs(base.mid) + np.abs(d.mid)) + base.rad
        slopes = self.slope(part, Disc(base.mid[:, None] + 0.5 * d.mid[:, None] * (1 + x), blur[:, None]))
        mean = slopes.mid @ (0.5 * w)
        wrong = slopes.rad @ (0.5 * w) + cut + 4 * EPS * (np.abs(slopes.mid) @ (0.5 * w))
        return Disc(mean, np.where(np.isfinite(wrong), wrong, np.inf))


@lru_cache(maxsize=64)
def parts_of(activation: Activation) -> Parts:
    """The parts, made once."""
    return Parts(activation)


def _settled(u: sp.Expr, x: sp.Symbol) -> bool:
    """Whether u keeps its sign beyond where its zeros were looked for, as far as anything is evaluated."""
    try:
        reading = Reading([stable(u)], [x])
    except CannotRead:
        return False
    beyond = 0.5 * (_FARTHEST - _SEARCHED)
    found = read(reading, x, Disc(np.array([-1.0, 1.0]) * (_SEARCHED + beyond), np.full(2, beyond)), False)
    return bool(np.all(np.abs(found.mid) > found.rad))


def read(reading: Reading, x: sp.Symbol, at: Disc, plane: bool) -> Disc:
    """Enclose the one output of a reading; an infinite radius where nothing is known."""
    (found,), decided = reading({x: at})
    if plane:
        (found,), _ = reading({x: at}, decided)
    unknown = ~(np.isfinite(found.mid) & np.isfinite(found.rad))
    shape = np.broadcast_shapes(np.shape(found.mid), np.shape(found.rad), np.shape(at.mid))
    mid, rad = np.where(unknown, 0.0, found.mid), np.where(unknown, np.inf, found.rad)
    return Disc(np.broadcast_to(mid, shape), np.broadcast_to(rad, shape))


def _better(a: Disc, b: Disc) -> Disc:
    first = ~(b.rad < a.rad)
    return Disc(np.where(first, a.mid, b.mid), np.where(first, a.rad, b.rad))


def _limit(f: sp.Expr, x: sp.Symbol, p: sp.Expr) -> sp.Expr:
    return f.subs(x, p)


def _difference(a: sp.Expr, b: sp.Expr) -> Disc:
    """A - b as a number, exactly 0 where they are the same."""
    if a == b:
        return Disc(np.asarray(0.0), np.asarray(0.0))
    value = (a - b).evalf(30)
    if not value.is_number or not value.is_finite or not value.is_real:
        return Disc(np.asarray(0.0), np.asarray(np.inf))
    return Disc(np.asarray(float(value)), np.asarray(abs(float(value)) * EPS))


def number(e: sp.Expr) -> Disc:
    """A real number and its rounding."""
    return _difference(e, sp.S.Zero)
