"""Reading a family at index expressions: a reshape where they run through all values in order, slices, or a gather."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Symbol

from numerics.arrays.contractions import Labels
from numerics.arrays.integers import Integers, integers

Floats = NDArray[np.float64]
Piece = tuple[slice, slice]

# Slices are for long runs of positions; what is scattered is gathered one by one.
_SHORTEST_RUN = 4


@dataclass(frozen=True)
class Part:
    """Axes of a family that are read together: at which of their values, by the labels that these depend on.

    ``places`` counts along all these axes from 0, the last one fastest; where it lies outside of them, ``valid`` is
    False and the value is 0.
    """

    axes: tuple[int, ...]
    labels: Labels
    places: Integers
    valid: NDArray[np.bool_]


def parts(sizes: Sequence[int], indices: Sequence[Expr], domain: Mapping[Symbol, Integers]) -> list[Part]:
    """Return the axes of a family of these sizes, those that share an index symbol together."""
    grouped: list[tuple[list[int], set[Symbol]]] = []
    for axis, index in enumerate(indices):
        symbols, axes = set(index.free_symbols), [axis]
        for other in [g for g in grouped if g[1] & symbols]:
            grouped.remove(other)
            axes, symbols = other[0] + axes, symbols | other[1]
        grouped.append((axes, symbols))
    return [_part(sorted(axes), symbols, sizes, indices, domain) for axes, symbols in sorted(grouped, key=min_axis)]


def min_axis(group: tuple[list[int], set[Symbol]]) -> int:
    """Return the first of the axes."""
    return min(group[0])


def _part(
    axes: list[int],
    symbols: set[Symbol],
    sizes: Sequence[int],
    indices: Sequence[Expr],
    domain: Mapping[Symbol, Integers],
) -> Part:
    labels = tuple(label for label in domain if label in symbols)
    at = grid(labels, domain)
    shape = tuple(len(domain[label]) for label in labels)
    places, valid = np.zeros(shape, np.int64), np.ones(shape, bool)
    for axis in axes:
        index = np.broadcast_to(integers(indices[axis], at) - 1, shape)
        valid = valid & (index >= 0) & (index < sizes[axis])
        places = places * sizes[axis] + np.clip(index, 0, sizes[axis] - 1)
    return Part(tuple(axes), labels, places, valid)


def grid(labels: Labels, domain: Mapping[Symbol, Integers]) -> dict[Symbol, Integers]:
    """Return the values of index symbols, each along an axis of its own."""
    return {label: domain[label].reshape(-1, *[1] * (len(labels) - 1 - place)) for place, label in enumerate(labels)}


class Gather:
    """A family at index expressions, as an array whose axes are networks and ``labels``."""

    def __init__(self, sizes: Sequence[int], found: Sequence[Part]) -> None:
        self.sizes = tuple(sizes)
        self._steps = [_Step(part, tuple(sizes[axis] for axis in part.axes)) for part in found]
        windows = [step for step in self._steps if step.windows is not None]
        others = [step for step in self._steps if step.windows is None]
        self._windows, self._others = windows, others
        # Axes that are read together stand side by side; those that are sliced come last.
        self._order = tuple(axis for step in (*others, *windows) for axis in step.part.axes)
        self._back = tuple(np.argsort(self._order))
        looped = tuple(label for step in windows for label in step.looped)
        sliced = tuple(label for step in windows for label in step.sliced)
        self._pairs = self._all_pairs() if windows else []
        self.labels: Labels = (*(label for step in others for label in step.part.labels), *looped, *sliced)

    def forward(self, family: Floats) -> Floats:
        """Return the values."""
        x = family.transpose(0, *(1 + axis for axis in self._order))
        for place, step in reversed(list(enumerate(self._others))):
            x = step.take(x, 1 + sum(len(before.part.axes) for before in self._others[:place]))
        return x if not self._windows else self._slices(x)

    def backward(self, gradient: Floats) -> Floats:
        """Return the gradient with respect to the family, from that with respect to the values."""
        g = gradient if not self._windows else self._unslice(gradient)
        place = 1
        for step in self._others:
            g = step.put(g, place)
            place += len(step.part.axes)
        return g.transpose(0, *(1 + axis for axis in self._back))

    # ---- positions: for every offset, slices

    def _slices(self, x: Floats) -> Floats:
        lead = x.shape[: x.ndim - len(self._windows)]
        loops = [len(offsets) for step in self._windows for offsets in step.windows_by_label]
        lengths = [step.length for step in self._windows]
        full = all(step.full for step in self._windows)
        out = (np.empty if full else np.zeros)((*lead, *loops, *lengths))
        for into, source in self._pairs:
            out[into] = x[source]
        return out

    def _unslice(self, gradient: Floats) -> Floats:
        lead = gradient.shape[: gradient.ndim - len(self._windows) - sum(len(s.looped) for s in self._windows)]
        x = np.zeros((*lead, *(step.sizes[0] for step in self._windows)))
        for into, source in self._pairs:
            x[source] += gradient[into]
        return x

    def _all_pairs(self) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """Return which slices of the values are which slices of the family."""
        found = []
        choices = [
            [
                ((number,) if step.looped else (), piece)
                for number, pieces in enumerate(step.windows or ())
                for piece in pieces
            ]
            for step in self._windows
        ]
        for chosen in product(*choices):
            at = tuple(number for numbers, _ in chosen for number in numbers)
            into, source = zip(*(piece for _, piece in chosen), strict=True)
            found.append(((..., *at, *into), (..., *source)))
        return found


class _Step:
    """How one part is read."""

    def __init__(self, part: Part, sizes: tuple[int, ...]) -> None:
        self.part, self.sizes = part, sizes
        self.count = prod(sizes)
        flat = part.places.reshape(-1)
        self.in_order = bool(part.valid.all() and flat.size == self.count and (flat == np.arange(self.count)).all())
        self.windows: list[list[Piece]] | None = None
        self.looped: Labels = ()
        self.sliced: Labels = ()
        if not self.in_order and len(part.axes) == 1 and 1 <= len(part.labels) <= 2:
            self._look_for_windows()

    @property
    def windows_by_label(self) -> list[list[list[Piece]]]:
        """The windows once for the label that is looped over, if there is one."""
        return [self.windows or []] if self.looped else []

    @property
    def length(self) -> int:
        """The number of positions."""
        return self.part.places.shape[self.part.labels.index(self.sliced[0])]

    @property
    def full(self) -> bool:
        """Whether every position gets a value."""
        return bool(self.part.valid.all())

    def _look_for_windows(self) -> None:
        places, valid, labels = self.part.places, self.part.valid, self.part.labels
        ways = [(places.reshape(-1, places.shape[-1]), valid.reshape(-1, places.shape[-1]), labels[:-1], labels[-1:])]
        if len(labels) == 2:
            ways.append((places.T, valid.T, labels[1:], labels[:1]))
        for at, inside, looped, sliced in ways:
            windows = [_runs(row, good) for row, good in zip(at, inside, strict=True)]
            count = sum(map(len, windows))
            if at.size >= _SHORTEST_RUN * count and (self.windows is None or count < sum(map(len, self.windows))):
                self.windows, self.looped, self.sliced = windows, looped, sliced

    def take(self, x: Floats, axis: int) -> Floats:
        """Return the values of this part, its axes replaced by its labels."""
        shape = x.shape
        x = x.reshape(*shape[:axis], self.count, *shape[axis + len(self.part.axes) :])
        if not self.in_order:
            x = np.take(x, self.part.places.reshape(-1), axis=axis)
            if not self.part.valid.all():
                outside: Any = (slice(None),) * axis + (~self.part.valid.reshape(-1),)
                x[outside] = 0
        return x.reshape(*shape[:axis], *self.part.places.shape, *shape[axis + len(self.part.axes) :])

    def put(self, g: Floats, axis: int) -> Floats:
        """Return the sum of the gradients of all values that are read at each place."""
        shape, labels = g.shape, len(self.part.labels)
        g = g.reshape(*shape[:axis], self.part.places.size, *shape[axis + labels :])
        if not self.in_order:
            good = np.flatnonzero(self.part.valid.reshape(-1))
            good = good[np.argsort(self.part.places.reshape(-1)[good], kind="stable")]
            places, starts = np.unique(self.part.places.reshape(-1)[good], return_index=True)
            whole = np.zeros((*shape[:axis], self.count, *shape[axis + labels :]))
            if places.size:
                whole[(slice(None),) * axis + (places,)] = np.add.reduceat(np.take(g, good, axis), starts, axis)
            g = whole
        return g.reshape(*shape[:axis], *self.sizes, *shape[axis + labels :])


def _runs(places: Integers, valid: NDArray[np.bool_]) -> list[Piece]:
    """Return where a row of places goes on in equal steps, as slices of the row and of the axis."""
    found: list[Piece] = []
    start, size = 0, len(places)
    while start < size:
        if not valid[start]:
            start += 1
            continue
        stop, step = start + 1, 1
        if stop < size and valid[stop] and places[stop] > places[start]:
            step = int(places[stop] - places[start])
            while stop < size and valid[stop] and places[stop] - places[stop - 1] == step:
                stop += 1
        found.append((slice(start, stop), slice(int(places[start]), int(places[stop - 1]) + 1, step)))
        start = stop
    return found
