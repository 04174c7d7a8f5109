"""Integrals over boxes with proved bounds: adaptive Gauss-Legendre rules, many integrals at once.

The error of the n-point rule on [-1, 1] is at most 64/15 M/((r - 1) r^(2n - 1)) for a function that is analytic in the
Bernstein ellipse of parameter r, where it differs from some number by at most M (Rabinowitz 1969; Petras 2002;
Johansson 2018, who computes M by ball arithmetic, as is done here by discs). On a box the errors of its sides add up,
each with the other variables real.
A box in which a formula ends is bounded by the values that occur in it, and halved until that is small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from mpmath import mp
from sympy import Symbol

from derive.limits import check as check_limit
from derive.quadrature.discs import EPS, Disc, Floats
from derive.quadrature.reading import Decided

R = 3.0
"""The parameter of the ellipse; it lies in a disc of radius (r + 1/r)/2 half widths."""

_REACH = 0.5 * (R + 1 / R)
NODES = {1: 22, 2: 20, 3: 22}
MOST_BOXES = {1: 60_000, 2: 40_000, 3: 4_000}
_MOST_VALUES = 1 << 18
_SHARE = 1 / 64
_THIN = 2.0**-50
_FEW = 4
_ROUNDING = 32
"""Bits that Legendre's recursion may lose."""


def gauss_error(nodes: int, radius: Any, volume: Any, sides: int) -> Any:
    """The bound above for a box of this volume, of ``sides`` variables."""
    return sides * (32 / 15) * volume * radius / ((R - 1) * R ** (2 * nodes - 1))


@lru_cache(maxsize=16)
def precise_rule(n: int, precision: int) -> list[tuple[Any, Any]]:
    """All nodes in order with their weights of the Gauss-Legendre rule on [-1, 1], to so many bits in mpmath."""
    with mp.workprec(precision + _ROUNDING):
        half = [_node(n, mp.mpf(x)) for x in np.polynomial.legendre.leggauss(n)[0][n // 2 :].tolist()]
        return [*((-x, w) for x, w in half[n % 2 :][::-1]), *half]


def _node(n: int, x: Any) -> tuple[Any, Any]:
    """By Newton's method from NumPy's node, which is right to a rounding; its weights near the ends are not."""
    while True:
        before, now = mp.one, x
        for k in range(1, n):
            before, now = now, ((2 * k + 1) * x * now - k * before) / (k + 1)
        slope = n * (before - x * now) / (1 - x * x)
        if abs(now) <= abs(slope) * mp.mpf(2) ** (_ROUNDING // 2 - mp.prec):
            return x, 2 / ((1 - x * x) * slope**2)
        x = x - now / slope


@lru_cache(maxsize=16)
def long_rule(n: int) -> tuple[Any, Any]:
    """Nodes and weights in long double, each right to its last digits."""
    x, w = zip(*precise_rule(n, 64), strict=True)
    return tuple(np.array([np.longdouble(mp.nstr(a, 28)) for a in part]) for part in (x, w))  # type: ignore[return-value]


@lru_cache(maxsize=16)
def rule(n: int) -> tuple[Floats, Floats]:
    """The same in float64."""
    x, w = long_rule(n)
    return x.astype(np.float64), w.astype(np.float64)


@dataclass
class Boxes:
    """Boxes and the integrals (owners) that they belong to; middles and halves have the shape (sides, boxes)."""

    owner: Any
    middle: Floats
    half: Floats

    @property
    def volume(self) -> Floats:
        """Of each box."""
        return np.asarray(np.prod(2 * self.half, axis=0))

    def where(self, keep: Any) -> Boxes:
        """Some of them."""
        return Boxes(self.owner[keep], self.middle[:, keep], self.half[:, keep])

    def halved(self, side: Any) -> Boxes:
        """Both halves of each, along one side of each."""
        across = np.arange(len(self.half))[:, None] == side
        half = np.where(across, 0.5 * self.half, self.half)
        step = np.where(across, half, 0.0)
        return joined([Boxes(self.owner, self.middle - step, half), Boxes(self.owner, self.middle + step, half)])


def joined(parts: Sequence[Boxes]) -> Boxes:
    """All boxes of several lots."""
    return Boxes(
        np.concatenate([p.owner for p in parts]),
        np.concatenate([p.middle for p in parts], axis=1),
        np.concatenate([p.half for p in parts], axis=1),
    )


@dataclass
class Sums:
    """What boxes hold: integrals, bounds of their errors, and ∫|g| to a few digits; shape (owners, outputs)."""

    value: Floats
    error: Floats
    size: Floats
    boxes: int = 0
    kept: list[tuple[Boxes, Floats]] = field(default_factory=list)
    """The boxes of the final rule, and M of each output on each."""
    left: Any = 0.0
    """What the boxes leave out, a part of the error."""
    rounding: Any = 0.0
    """That of the values at nodes, a part of the error."""

    @classmethod
    def none(cls, owners: int, outputs: int) -> Sums:
        """Of nothing."""
        return cls(np.zeros((owners, outputs)), np.zeros((owners, outputs)), np.zeros((owners, outputs)))


@dataclass
class _Bounds:
    """Of boxes: M for each side (sides, boxes, outputs), the error of the rule, and (value, error) by the hull."""

    radius: Floats
    cut: Floats
    hull_value: Floats
    hull_error: Floats

    def where(self, keep: Any) -> _Bounds:
        """Some of them."""
        return _Bounds(self.radius[:, keep], self.cut[keep], self.hull_value[keep], self.hull_error[keep])


class Integrand(Protocol):
    """What is called as `Reading` is."""

    def __call__(self, given: Mapping[Symbol, Disc], decided: Decided | None = None, /) -> tuple[list[Disc], Decided]:
        """Values, and what was decided on the real line."""
        ...


class Adaptive:
    """The integrals of the outputs of a reading over boxes.

    Args:
        reading: the integrands.
        variables: the symbols of the sides.
        given: parameters, arrays with one entry for each owner.
        owners: how many integrals there are.
        tolerance: relative to ∫|g|, what a box may be wrong by times `_SHARE`.
        nodes: of the rule.
        beside_rounding: a box may be wrong by so much of its rounding, however small the tolerance.
        rows: for each owner the integral that it is a part of, when several are.
        most: the number of boxes after which none is halved.

    """

    def __init__(
        self,
        reading: Integrand,
        variables: Sequence[Symbol],
        given: Mapping[Symbol, Disc],
        *,
        owners: int,
        outputs: int,
        tolerance: float = EPS / 4,
        nodes: int | None = None,
        beside_rounding: float = 0.25,
        rows: Any = None,
        most: int | None = None,
    ) -> None:
        self.reading, self.variables, self.given = reading, tuple(variables), given
        self.sides = len(self.variables)
        self.n = nodes or NODES[self.sides]
        self._most = most or MOST_BOXES[self.sides]
        self.tolerance, self._beside = tolerance, beside_rounding
        self._rows = np.arange(owners) if rows is None else np.asarray(rows)
        self.sums = Sums.none(owners, outputs)

    def take(self, boxes: Boxes) -> None:
        """Integrate over more boxes."""
        todo, depth = boxes, 0
        while len(todo.owner):
            check_limit()
            bounds = self._bounds(todo)
            self.sums.boxes += len(todo.owner)
            rest = depth > 1100 or self.sums.boxes > self._most
            last = rest | (self.half_relative(todo) < _THIN).all(axis=0)
            ripe = last | self._ripe(todo, bounds)
            keep = np.zeros(len(todo.owner), dtype=bool)
            if ripe.any():
                keep[ripe] = self._finish(todo.where(ripe), bounds.where(ripe), last[ripe])
            left = todo.where(~keep)
            todo = left.halved(self._side(left, bounds.where(~keep))) if len(left.owner) else left
            depth += 1

    @staticmethod
    def half_relative(boxes: Boxes) -> Any:
        """Half widths beside the distance from 0; a side is not halved when its ends are neighbours in float64."""
        return boxes.half / np.maximum(np.abs(boxes.middle), 1e-300)

    def _allowed(self, boxes: Boxes, size: Floats) -> Floats:
        rows = self._rows[boxes.owner]
        seen = self.sums.size + _by_row(rows, size, self.sums.size.shape)
        return np.asarray(self.tolerance * _SHARE * seen[rows])

    def _ripe(self, boxes: Boxes, bounds: _Bounds) -> Any:
        """Which boxes are worth all nodes, as a few nodes show."""
        if self.sides == 1:
            return np.ones(len(boxes.owner), dtype=bool)
        _, size, rounding = self._by_rule(boxes, _FEW)
        limit = np.maximum(self._allowed(boxes, size), self._beside * rounding)
        lost = ~np.isfinite(self.sums.size[self._rows[boxes.owner]])
        return ((bounds.cut <= limit) | (bounds.hull_error <= limit) | lost).all(axis=1)

    def _finish(self, boxes: Boxes, bounds: _Bounds, last: Any) -> Any:
        """Add what is settled; return where."""
        value, size, rounding = self._by_rule(boxes, self.n)
        allowed = self._allowed(boxes, size)
        bad = ~(np.isfinite(value) & np.isfinite(rounding))
        cut, rounding = np.where(bad, np.inf, bounds.cut), np.where(bad, 0.0, rounding)
        # Beyond float64, with a sign, or without a value.
        value, size = (np.where(bad & ~np.isinf(value), 0.0, a) for a in (value, size))
        by_hull = (bounds.hull_error <= np.maximum(allowed, cut + rounding)) & np.isfinite(bounds.hull_error)
        value = np.where(by_hull, bounds.hull_value, value)
        error = np.where(by_hull, bounds.hull_error, cut + rounding)
        size = np.where(bad, np.abs(value), size)
        keep = last | ((by_hull & (error <= allowed)) | (cut <= np.maximum(allowed, self._beside * rounding))).all(
            axis=1
        )
        keep |= ~np.isfinite(self.sums.size[self._rows[boxes.owner]]).all(axis=1)
        self._add(boxes, value, error, size, bounds.radius.sum(axis=0), keep)
        kept = np.where(by_hull, 0.0, rounding)[keep]
        self.sums.rounding = self.sums.rounding + _by_row(self._rows[boxes.owner[keep]], kept, self.sums.value.shape)
        return keep

    def _add(self, boxes: Boxes, value: Floats, error: Floats, size: Floats, radius: Floats, keep: Any) -> None:
        rows, shape = self._rows[boxes.owner[keep]], self.sums.value.shape
        self.sums.value += _by_row(rows, value[keep], shape)
        self.sums.error += _by_row(rows, error[keep], shape)
        self.sums.size += _by_row(rows, size[keep], shape)
        self.sums.kept.append((boxes.where(keep), radius[keep]))

    def _side(self, boxes: Boxes, bounds: _Bounds) -> Any:
        """The side that adds most to the bound; the widest where every side is lost."""
        own = bounds.radius.max(axis=2)
        lost = np.isinf(own).all(axis=0)
        return np.where(lost, np.argmax(boxes.half, axis=0), np.argmax(own, axis=0))

    def _given(self, boxes: Boxes, own: Boxes) -> dict[Symbol, Disc]:
        given = {s: Disc(d.mid[boxes.owner], d.rad[boxes.owner]) for s, d in self.given.items()}
        return {**given, **{v: Disc(own.middle[k], own.half[k]) for k, v in enumerate(self.variables)}}

    def _bounds(self, boxes: Boxes) -> _Bounds:
        """What discs say: M with each side in the plane and the others real, and the hull of the values."""
        shape = boxes.owner.shape
        given = self._given(boxes, boxes)
        real, decided = self.reading(given)
        radius = []
        for k, v in enumerate(self.variables):
            wide = {v: Disc(boxes.middle[k], _REACH * boxes.half[k] * (1 + 4 * EPS))}
            plane, _ = self.reading({**given, **wide}, decided)
            radius.append(np.nan_to_num(_stacked(plane, shape).rad, nan=np.inf, posinf=np.inf))
        hull, volume = _stacked(real, shape), boxes.volume[:, None]
        with np.errstate(all="ignore"):
            cut = gauss_error(self.n, sum(radius), volume, 1)
            value = volume * hull.mid
            error = volume * hull.rad * (1 + 4 * EPS) + 4 * EPS * np.abs(value)
        # A hull about a pole is infinite, and so is its error.
        unknown = ~(np.isfinite(value) & np.isfinite(error))
        return _Bounds(np.stack(radius), cut, np.where(unknown, 0.0, value), np.where(unknown, np.inf, error))

    def _by_rule(self, boxes: Boxes, n: int) -> tuple[Floats, Floats, Floats]:
        """Values, ∫|g| and rounding by the n-point rule, shape (boxes, outputs)."""
        block = max(1, _MOST_VALUES // n**self.sides)
        parts = [self._block(boxes.where(slice(a, a + block)), n) for a in range(0, len(boxes.owner), block)]
        value, size, rounding = (np.concatenate(x) for x in zip(*parts, strict=True))
        return value, size, rounding

    def _block(self, boxes: Boxes, n: int) -> tuple[Floats, Floats, Floats]:
        x, w = rule(n)
        # Nodes of a side lie on an axis of their own, so that a function of one variable costs n values.
        across = (slice(None), *[None] * self.sides)
        given = {s: Disc(d.mid[boxes.owner][across], d.rad[boxes.owner][across]) for s, d in self.given.items()}
        for k, v in enumerate(self.variables):
            middle, half = boxes.middle[k][across], boxes.half[k][across]
            along = x.reshape([-1 if j == k else 1 for j in range(self.sides)])
            given[v] = Disc(middle + half * along, EPS * (np.abs(middle) + half) + 0 * along)
        found, _ = self.reading(given)
        values = _stacked(found, (len(boxes.owner), *[n] * self.sides))
        with np.errstate(all="ignore"):
            value, size, rounding = (_weighted(a, w) for a in (values.mid, np.abs(values.mid), values.rad))
            volume = boxes.volume[:, None]
            return volume * value, volume * size, volume * (rounding + 4 * EPS * size)


def _stacked(found: Sequence[Disc], shape: tuple[int, ...]) -> Disc:
    """Outputs on the last axis."""
    mids = np.stack([np.broadcast_to(d.mid, shape) for d in found], axis=-1)
    rads = np.stack([np.broadcast_to(d.rad, shape) for d in found], axis=-1)
    return Disc(mids, rads)


def _weighted(values: Floats, w: Floats) -> Floats:
    """The mean by the product rule over all axes but the first (boxes) and the last (outputs)."""
    while values.ndim > 2:
        values = np.tensordot(values, 0.5 * w, axes=(1, 0))
    return values


def _by_row(rows: Any, values: Floats, shape: tuple[int, ...]) -> Floats:
    total = np.zeros(shape)
    for k in range(shape[1]):
        total[:, k] = np.bincount(rows, values[:, k], minlength=shape[0])
    return total
