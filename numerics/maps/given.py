"""The inner integral of `numerics.maps.plane`: over one unit, with the other one fixed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from derive.quadrature.boxes import Adaptive, Boxes
from derive.quadrature.discs import EPS, Disc, add, multiply, normal_density
from derive.quadrature.reading import Decided
from numerics.maps.parts import number
from numerics.maps.values import Array

if TYPE_CHECKING:
    from numerics.maps.plane import _Plane

_EDGES = (-20.0, -9.5, -6.4, -3.2, 0.0, 3.2, 6.4, 9.5, 20.0)
_PROBE, _CHUNK = 64, 1_024
"""Nodes at once: the first few show what all would cost."""

MOST_WORK = 600_000_000
"""Steps of values of f and f': about ten seconds."""

_Y, _BASE, _D, _A = sp.symbols("y base d a")


class _Integrand:
    """Of y: (a - (f(base + d + c y) - f(base)))²/2 times the density."""

    def __init__(self, plane: _Plane, part: int) -> None:
        self.plane, self.part = plane, part
        rate = plane.alpha * plane.s
        self.rate = Disc(np.asarray(rate), np.asarray(2 * EPS * rate))

    def __call__(self, given: Mapping[sp.Symbol, Disc], decided: Decided | None = None) -> tuple[list[Disc], Decided]:
        parts, plane = self.plane.parts, decided is not None
        y, base, a = given[_Y], given[_BASE], given[_A]
        with np.errstate(all="ignore"):
            d = add(multiply(self.rate, y), given[_D])
            change = parts.change(self.part, base, d, plane)
            g = add(a, Disc(-change.mid, change.rad))
            g = multiply(Disc(0.5 * g.mid, 0.5 * g.rad), g)
            return [multiply(g, normal_density(y, not plane))], {}


class Given:
    """H at nodes z of the outer rule."""

    def __init__(self, plane: _Plane) -> None:
        self.plane, self.parts = plane, plane.parts
        self.start, self.integrals = plane.parts.work, 0

    def integrate(self, part: Any, anchor: Any, zeta: Array, z: Array) -> Disc | None:
        """H with the error of each value, for nodes given by their part and their distance from its breakpoint.

        None where that would take more than `MOST_WORK`.
        """
        p = self.plane
        value, error = np.zeros(zeta.shape), np.zeros(zeta.shape)
        shift = p.alpha * p.rho * zeta
        offset = p.offset[anchor] + shift[:, None]
        # Both are right to a few roundings of what is added.
        blur = 4 * EPS * (np.abs(p.offset[anchor]) + np.abs(shift)[:, None])
        cuts = -offset / (p.alpha * p.s)
        step = p.alpha * zeta
        u = Disc(p.at[anchor] + step, 2 * EPS * (np.abs(p.at[anchor]) + np.abs(step)))
        for k in np.unique(part):
            own = np.flatnonzero(part == k)
            for other in range(len(self.parts.values)):
                low = cuts[own, other - 1] if other else np.full(own.shape, -np.inf)
                high = cuts[own, other] if other < len(self.parts.points) else np.full(own.shape, np.inf)
                here = own[(low < _EDGES[-1]) & (high > _EDGES[0]) & (low < high)]
                for rows in np.split(here, range(_PROBE, len(here), _CHUNK)) if len(here) else ():
                    if (self.parts.work - self.start) * zeta.size > MOST_WORK * max(self.integrals, 2 * _PROBE):
                        return None
                    where = Disc(u.mid[rows], u.rad[rows])
                    start = self._start(int(k), other, rows, anchor, zeta, z, where, offset, blur)
                    found = self._sum(other, start, cuts[rows])
                    value[rows] += found.mid
                    error[rows] += found.rad
        error += self._at_cuts(part, anchor, zeta, u, cuts)
        return Disc(value, error)

    def _start(
        self, part: int, other: int, rows: Any, anchor: Any, zeta: Array, z: Array, u: Disc, offset: Array, blur: Array
    ) -> dict[sp.Symbol, Disc]:
        """Base, d and a of the integrand."""
        p = self.plane
        if part == other:
            d = -p.alpha * p.gap * z[rows]
            nothing = np.zeros(rows.shape)
            return {_BASE: u, _D: Disc(d, 8 * EPS * np.abs(d)), _A: Disc(nothing, nothing)}
        first_end, constant = self.parts.across(part, other)
        end = other - 1 if part < other else other
        a = add(self._from(part, first_end, anchor[rows], zeta[rows]), constant)
        at = self.parts.points[end]
        base = Disc(np.full(rows.shape, at), np.full(rows.shape, EPS * abs(at)))
        return {_BASE: base, _D: Disc(offset[rows, end], blur[rows, end]), _A: a}

    def _from(self, part: int, end: int, anchor: Any, zeta: Array) -> Disc:
        """f(u) - f at an end of its part."""
        p = self.plane
        at = self.parts.points[end]
        d = p.alpha * zeta + np.where(anchor == end, 0.0, p.at[anchor] - at)
        wrong = 4 * EPS * (np.abs(p.alpha * zeta) + np.where(anchor == end, 0.0, np.abs(p.at[anchor]) + abs(at)))
        base = Disc(np.full(d.shape, at), np.full(d.shape, EPS * abs(at)))
        return self.parts.change(part, base, Disc(d, wrong))

    def _value(self, part: Any, anchor: Any, zeta: Array, u: Disc) -> Disc:
        """f(u), near a breakpoint as its value there and the change since."""
        mid, rad = np.zeros(zeta.shape), np.zeros(zeta.shape)
        for k in np.unique(part):
            for e in np.unique(anchor[part == k]):
                here = (part == k) & (anchor == e)
                best = self.parts.value(int(k), Disc(u.mid[here], u.rad[here]))
                if e < len(self.parts.points) and e in (k, k - 1):
                    first = number(self.parts.left[e] if e == k else self.parts.right[e])
                    other = add(self._from(int(k), int(e), anchor[here], zeta[here]), first)
                    better = other.rad < best.rad
                    best = Disc(np.where(better, other.mid, best.mid), np.where(better, other.rad, best.rad))
                mid[here], rad[here] = best
        return Disc(mid, rad)

    def _sum(self, other: int, given: dict[sp.Symbol, Disc], cuts: Array) -> Disc:
        n = len(cuts)
        low = cuts[:, other - 1] if other else np.full(n, -np.inf)
        high = cuts[:, other] if other < cuts.shape[1] else np.full(n, np.inf)
        edges = np.clip(np.array(_EDGES), low[:, None], high[:, None])
        middle, half = 0.5 * (edges[:, 1:] + edges[:, :-1]), 0.5 * np.diff(edges, axis=1)
        owner, place = np.nonzero(half > 0)
        integrand: Any = _Integrand(self.plane, other)
        run = Adaptive(integrand, [_Y], given, owners=n, outputs=1)
        run.take(Boxes(owner, middle[owner, place][None], half[owner, place][None]))
        self.integrals += n
        return Disc(run.sums.value[:, 0], run.sums.error[:, 0])

    def _at_cuts(self, part: Any, anchor: Any, zeta: Array, u: Disc, cuts: Array) -> Array:
        """What the rounding of the places of the cuts makes: their own, times both integrands there."""
        error = np.zeros(zeta.shape)
        f = self._value(part, anchor, zeta, u) if cuts.size else Disc(error, error)
        for n in range(cuts.shape[1]):
            y = cuts[:, n]
            moved = 16 * EPS * np.abs(y) * np.exp(-0.5 * y * y) / math.sqrt(2 * math.pi)
            for side in (self.parts.left[n], self.parts.right[n]):
                at = number(side)
                size = 0.5 * (np.abs(f.mid - at.mid) + f.rad + at.rad) ** 2
                error += moved * np.where(moved > 0, size, 0.0)
        return error
