"""Integrals over boxes with proved bounds: adaptive Gauss-Legendre rules, many integrals at once.

The error of the n-point rule on [-1, 1] is at most 64/15 M/((r - 1) r^(2n - 1)) for a function that is analytic in the
Bernstein ellipse of parameter r, where it differs from some number by at most M (Rabinowitz 1969; Petras 2002;
Johansson 2018, who computes M by ball arithmetic, as is done here by discs). On a box the errors of its sides add up.
A box in which a formula ends is bounded by the values that occur in it, and halved until that is small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from sympy import Symbol

from derive.quadrature.discs import EPS, Disc, Floats
from derive.quadrature.reading import Reading

R = 3.0
"""The parameter of the ellipse; it lies in a disc of radius (r + 1/r)/2 half widths."""

_REACH = 0.5 * (R + 1 / R)
NODES = {1: 22, 2: 20, 3: 12}
MOST_BOXES = {1: 60_000, 2: 40_000, 3: 4_000}
_MOST_VALUES = 1 << 19
_SHARE = 1 / 64
_THIN = 2.0**-50


def gauss_error(nodes: int, radius: Any, volume: Any, sides: int) -> Any:
    """The bound above for a box of this volume, of ``sides`` variables."""
    return sides * (32 / 15) * volume * radius / ((R - 1) * R ** (2 * nodes - 1))


@lru_cache(maxsize=16)
def long_rule(n: int) -> tuple[Any, Any]:
    """Nodes and weights of the Gauss-Legendre rule on [-1, 1] in long double, each right to its last digit.

    NumPy's nodes are right to a rounding, its weights near the ends to twelve digits for n = 40.
    """
    nodes, weights = [], []
    with mpmath.workdps(40):
        for start in np.polynomial.legendre.leggauss(n)[0]:
            x = mpmath.mpf(float(start))
            for _ in range(2):
                value, slope = _legendre(n, x)
                x -= value / slope
            nodes.append(x)
            weights.append(2 / ((1 - x * x) * _legendre(n, x)[1] ** 2))
    return _long(nodes), _long(weights)


def _legendre(n: int, x: Any) -> tuple[Any, Any]:
    """The Legendre polynomial of degree n and its slope."""
    before, now = mpmath.mpf(1), x
    for k in range(1, n):
        before, now = now, ((2 * k + 1) * x * now - k * before) / (k + 1)
    return now, n * (x * now - before) / (x * x - 1)


def _long(values: list[Any]) -> Any:
    high = np.array([float(v) for v in values])
    return high.astype(np.longdouble) + np.array([float(v - mpmath.mpf(float(v))) for v in values])


@lru_cache(maxsize=16)
def rule(n: int) -> tuple[Floats, Floats]:
    """The same in float64."""
    x, w = long_rule(n)
    return x.astype(np.float64), w.astype(np.float64)


@lru_cache(maxsize=16)
def grid(n: int, sides: int) -> tuple[Floats, Floats]:
    """Nodes (sides, n^sides) and weights of the product rule on [-1, 1]^sides, of total weight 1."""
    x, w = rule(n)
    nodes = np.stack([a.ravel() for a in np.meshgrid(*[x] * sides, indexing="ij")])
    weights = np.ones(1)
    for _ in range(sides):
        weights = np.multiply.outer(weights, w / 2).ravel()
    return nodes, weights


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

    @classmethod
    def none(cls, owners: int, outputs: int) -> Sums:
        """Of nothing."""
        return cls(np.zeros((owners, outputs)), np.zeros((owners, outputs)), np.zeros((owners, outputs)))


class Adaptive:
    """The integrals of the outputs of a reading over boxes.

    Args:
        reading: the integrands.
        variables: the symbols of the sides.
        given: parameters, arrays with one entry for each owner.
        tolerance: relative to ∫|g|, what a box may be wrong by times `_SHARE`.

    """

    def __init__(
        self,
        reading: Reading,
        variables: Sequence[Symbol],
        given: Mapping[Symbol, Disc],
        *,
        owners: int,
        outputs: int,
        tolerance: float = EPS / 4,
        nodes: int | None = None,
    ) -> None:
        self.reading, self.variables, self.given = reading, tuple(variables), given
        self.sides = len(self.variables)
        self.n = nodes or NODES[self.sides]
        self.tolerance = tolerance
        self.sums = Sums.none(owners, outputs)

    def take(self, boxes: Boxes) -> None:
        """Integrate over more boxes."""
        todo, depth = boxes, 0
        while len(todo.owner):
            value, cut, rounding, size, hull, radius = self._evaluate(todo)
            self.sums.boxes += len(todo.owner)
            seen = self.sums.size + _by_owner(todo.owner, size, self.sums.size.shape)
            allowed = self.tolerance * _SHARE * seen[todo.owner]
            by_hull = (hull[1] <= np.maximum(allowed, cut + rounding)) & np.isfinite(hull[1])
            value = np.where(by_hull, hull[0], value)
            cut, rounding = np.where(by_hull, hull[1], cut), np.where(by_hull, 0.0, rounding)
            settled = (cut <= allowed) | (cut <= 0.25 * rounding)
            enough = settled.all(axis=1) | ~np.isfinite(seen[todo.owner]).all(axis=1)
            if self.sums.boxes > MOST_BOXES[self.sides] or depth > 1100:
                enough[:] = True
            # A side is not halved when its ends are neighbours in float64.
            thin = self.half_relative(todo) < _THIN
            enough |= thin.all(axis=0)
            self._add(todo, value, cut + rounding, size, radius, enough)
            left = todo.where(~enough)
            todo = left.halved(self._widest(left, radius[~enough])) if len(left.owner) else left
            depth += 1

    @staticmethod
    def half_relative(boxes: Boxes) -> Any:
        """Half widths beside the distance from 0."""
        return boxes.half / np.maximum(np.abs(boxes.middle), 1e-300)

    def _widest(self, boxes: Boxes, radius: Floats) -> Any:
        if self.sides == 1:
            return np.zeros(len(boxes.owner), dtype=int)
        return np.argmax(boxes.half, axis=0)

    def _add(self, boxes: Boxes, value: Floats, error: Floats, size: Floats, radius: Floats, keep: Any) -> None:
        owner, shape = boxes.owner[keep], self.sums.value.shape
        self.sums.value += _by_owner(owner, value[keep], shape)
        self.sums.error += _by_owner(owner, error[keep], shape)
        self.sums.size += _by_owner(owner, size[keep], shape)
        self.sums.kept.append((boxes.where(keep), radius[keep]))

    def _evaluate(self, boxes: Boxes) -> tuple[Any, ...]:
        """Values by the rule, its error, rounding, ∫|g|, (value, error) by the hull, and M; shape (boxes, outputs)."""
        block = max(1, _MOST_VALUES // self.n**self.sides)
        parts = [self._block(boxes.where(slice(start, start + block))) for start in range(0, len(boxes.owner), block)]
        value, cut, rounding, size, hull_value, hull_error, radius = (
            np.concatenate(x) for x in zip(*parts, strict=True)
        )
        return value, cut, rounding, size, (hull_value, hull_error), radius

    def _block(self, boxes: Boxes) -> tuple[Floats, ...]:
        given = {s: Disc(d.mid[boxes.owner], d.rad[boxes.owner]) for s, d in self.given.items()}
        own = {v: Disc(boxes.middle[k], boxes.half[k]) for k, v in enumerate(self.variables)}
        shape = boxes.owner.shape
        real, decided = self.reading({**given, **own})
        wide = {v: Disc(m, _REACH * r * (1 + 4 * EPS)) for v, (m, r) in own.items()}
        plane, _ = self.reading({**given, **wide}, decided)
        volume = boxes.volume[:, None]
        hull = _stacked(real, shape)
        radius = np.where(np.isnan(_stacked(plane, shape).rad), np.inf, _stacked(plane, shape).rad)
        x, w = grid(self.n, self.sides)
        nodes = {}
        for k, v in enumerate(self.variables):
            at = boxes.middle[k][:, None] + boxes.half[k][:, None] * x[k]
            nodes[v] = Disc(at, EPS * (np.abs(boxes.middle[k]) + boxes.half[k])[:, None])
        at_nodes = {s: Disc(d.mid[:, None], d.rad[:, None]) for s, d in given.items()}
        found, _ = self.reading({**at_nodes, **nodes})
        values = _stacked(found, (*shape, len(w)))
        with np.errstate(all="ignore"):
            value = volume * np.einsum("pnk,n->pk", values.mid, w)
            size = volume * np.einsum("pnk,n->pk", np.abs(values.mid), w)
            rounding = volume * np.einsum("pnk,n->pk", values.rad, w) + 4 * EPS * size
            cut = gauss_error(self.n, radius, volume, self.sides)
            hull_value, hull_error = (
                volume * hull.mid,
                volume * hull.rad * (1 + 4 * EPS) + 4 * EPS * np.abs(volume * hull.mid),
            )
        bad = ~(np.isfinite(value) & np.isfinite(rounding))
        cut = np.where(bad, np.inf, cut)
        # Beyond float64, with a sign, or without a value.
        value, size = np.where(bad & ~np.isinf(value), 0.0, value), np.where(bad & ~np.isinf(value), 0.0, size)
        rounding = np.where(bad, 0.0, rounding)
        # A hull about a pole is infinite, and so is its error.
        unknown = ~(np.isfinite(hull_value) & np.isfinite(hull_error))
        hull_value, hull_error = np.where(unknown, 0.0, hull_value), np.where(unknown, np.inf, hull_error)
        return value, cut, rounding, size, hull_value, hull_error, radius


def _stacked(found: Sequence[Disc], shape: tuple[int, ...]) -> Disc:
    """Outputs on the last axis."""
    mids = np.stack([np.broadcast_to(d.mid, shape) for d in found], axis=-1)
    rads = np.stack([np.broadcast_to(d.rad, shape) for d in found], axis=-1)
    return Disc(mids, rads)


def _by_owner(owner: Any, values: Floats, shape: tuple[int, ...]) -> Floats:
    total = np.zeros(shape)
    for k in range(shape[1]):
        total[:, k] = np.bincount(owner, values[:, k], minlength=shape[0])
    return total
