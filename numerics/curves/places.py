"""Sums over places, as lemmas have them: which numbers of a state a sum reads, for every place of what comes out.

A lemma's index expressions are evaluated at all places at once; a sum becomes a table of what it adds up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Basic, Expr, KroneckerDelta, Mul, Sum, Symbol

from derive.averages import Average
from derive.blocks.signal import CHANNEL, SAMPLE, UNIT
from derive.randomness import Entry
from numerics.arrays.integers import integers

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Numbers = Mapping[Basic, Any]

_AT_ONCE = 4_000_000
_FEATURES = (CHANNEL, UNIT)


@dataclass(frozen=True)
class Shape:
    """How many groups of units a state tells apart (1: all units are alike), and its sizes along positions."""

    groups: int
    positions: tuple[int, ...] = ()

    @property
    def places(self) -> int:
        """How many places there are."""
        return prod(self.positions)


@dataclass(frozen=True)
class Table:
    """What a mean reads: the flat index of a number of the state, for each place, and the weight of each.

    Both are of shape (groups, places, terms); ``factor`` counts units that are alike, in the sizes of the lemma.
    """

    index: Integers
    weight: Floats
    factor: Expr

    @cached_property
    def is_one(self) -> bool:
        """Whether there is one number, which is read as it is."""
        return self.index.size == 1 and not self.index.any() and bool(self.weight.all())

    @property
    def terms(self) -> int:
        """How many numbers are added up at most."""
        return self.index.shape[-1]

    def __call__(self, values: Floats) -> Floats:
        """Return the sums, of shape (settings, groups, places), over values of shape (settings, numbers)."""
        if self.index.shape[-1] == 1:
            found: Floats = self.weight[..., 0] * values[:, self.index[..., 0]]
            return found
        total = np.zeros((len(values), *self.index.shape[:2]))
        for term in range(self.index.shape[-1]):
            total += self.weight[..., term] * values[:, self.index[..., term]]
        return total


def table(node: Expr, known: Numbers, at: Numbers, shape: Shape, *, pairs: bool) -> Table:
    """Return what a mean, or a sum of means, reads of a state of the given shape.

    ``at`` has the indices of the places that come out, as arrays of shape (groups, places), and ``known`` the sizes.
    ``pairs`` says that the state has a number for every pair of places.
    """
    limits, body = (node.limits, node.function) if isinstance(node, Sum) else ((), node)
    (mean,) = body.atoms(Average)
    factors = [f for f in Mul.make_args(body) if f != mean]
    weights = [f for f in factors if isinstance(f, KroneckerDelta)]
    counted = Mul(*(f for f in factors if f not in weights))
    entries = _entries(mean)
    features = {_index(e, *_FEATURES) for e in entries}
    run = []
    for index, low, high in reversed(limits):
        if shape.groups == 1 and index in features and not any(w.has(index) for w in weights):
            counted *= high - low + 1
        else:
            run.append((index, low, high))
    base = {**known, **at}
    groups, places = np.broadcast_shapes((1, 1), *(np.shape(v) for v in at.values()))
    index, weight = np.zeros((groups, places, 0), np.int64), np.zeros((groups, places, 0))
    for terms in _terms(run, base, groups * places):
        inside = {**{k: np.asarray(v)[..., None] if np.ndim(v) else v for k, v in base.items()}, **terms}
        keep = reduce(np.logical_and, (_within(i, ends, inside) for i, *ends in run), np.ones((1, 1, 1), bool))
        keep = reduce(np.logical_and, (_is_one(w, inside) for w in weights), keep)
        where = _flat(entries, inside, shape, pairs=pairs)
        where, keep, _ = np.broadcast_arrays(where, keep, np.zeros((groups, places, 1)))
        index, weight = _packed(index, weight, where, keep)
    return Table(index, weight, counted)


def _is_one(delta: KroneckerDelta, inside: Numbers) -> Any:
    first, second = delta.args[:2]
    return np.equal(integers(first, inside), integers(second, inside))


def _entries(mean: Average) -> list[Entry]:
    return [base for f in Mul.make_args(mean.inside[0]) for base, power in [f.as_base_exp()] for _ in range(int(power))]


def _index(entry: Entry, *names: str) -> Basic:
    axes = [axis.name for axis in entry.family.extents.axes]
    return next(unit for unit, axis in zip(entry.units, axes, strict=True) if axis in names)


def _terms(run: list[Any], base: Numbers, places: int) -> Iterator[dict[Basic, Integers]]:
    """Yield the values of the summation indices, a part of them at a time, as arrays of shape (1, 1, terms)."""
    spans: list[Integers] = []
    bounds = {k: np.asarray(v).reshape((*np.shape(v), *[1] * len(run))) for k, v in base.items()}
    for axis, (index, low, high) in enumerate(run):
        # The ends are linear in the other indices, or the larger or smaller of such: extreme where those are.
        first, last = (np.asarray(integers(end, bounds)) for end in (low, high))
        span = np.arange(int(first.min()), int(last.max()) + 1)
        spans.append(span)
        bounds[index] = span[[0, -1]].reshape((-1, *[1] * (len(run) - 1 - axis))) if span.size else span
    sizes = tuple(span.size for span in spans) or (1,)
    step = max(1, _AT_ONCE // max(places, 1))
    for start in range(0, prod(sizes), step):
        chosen = np.unravel_index(np.arange(start, min(start + step, prod(sizes))), sizes)
        yield {index: spans[k][chosen[k]].reshape(1, 1, -1) for k, (index, *_) in enumerate(run)}


def _within(index: Symbol, ends: list[Expr], inside: Numbers) -> Any:
    low, high = (integers(end, inside) for end in ends)
    return (low <= inside[index]) & (inside[index] <= high)


def _flat(entries: list[Entry], inside: Numbers, shape: Shape, *, pairs: bool) -> Any:
    """Return the flat index of what a mean reads."""
    group: Any = 0
    if shape.groups > 1:
        group = np.asarray(integers(_index(entries[0], *_FEATURES), inside)) - 1
    flat = [_place(e, inside, shape) for e in entries]
    if not pairs:
        return np.asarray(group * shape.places + flat[0], np.int64)
    first, second = (flat * 2)[:2]
    return np.asarray((group * shape.places + first) * shape.places + second, np.int64)


def _place(entry: Entry, inside: Numbers, shape: Shape) -> Any:
    axes = [axis.name for axis in entry.family.extents.axes]
    units = [u for u, axis in zip(entry.units, axes, strict=True) if axis not in (SAMPLE, *_FEATURES)]
    flat: Any = 0
    for unit, size in zip(units, shape.positions, strict=True):
        flat = flat * size + np.asarray(integers(unit, inside)) - 1
    return flat


def _packed(index: Integers, weight: Floats, where: Any, keep: Any) -> tuple[Integers, Floats]:
    """Append the terms that are kept, in as few columns as the places need."""
    order = np.argsort(~keep, axis=-1, kind="stable")
    most = int(keep.sum(axis=-1).max(initial=0))
    where = np.take_along_axis(np.where(keep, where, 0), order, axis=-1)[..., :most]
    kept = np.take_along_axis(keep, order, axis=-1)[..., :most]
    return np.concatenate([index, where], axis=-1), np.concatenate([weight, kept], axis=-1)
