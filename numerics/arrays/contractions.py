"""Products of arrays summed over shared indices, as matrix products; the first axis counts networks and has no label.

Labels are index symbols: an array with labels ``(t, k)`` has the axes networks, t and k. What is to be done with axes
is worked out once, from labels; arrays then pass through.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

Floats = NDArray[np.float64]
Labels = tuple[Symbol, ...]


class Aligned:
    """A view with axes in another order, and axes of size 1 for labels that the array lacks."""

    def __init__(self, labels: Labels, order: Labels) -> None:
        kept = [label for label in order if label in labels]
        self._axes = (0, *(1 + labels.index(label) for label in kept))
        self._moves = self._axes != tuple(range(len(self._axes)))
        self._spread: tuple[Any, ...] | None = None
        if len(kept) < len(order):
            self._spread = (slice(None), *(slice(None) if label in labels else None for label in order))

    def __call__(self, array: Floats) -> Floats:
        """Return the view."""
        if self._moves:
            array = array.transpose(self._axes)
        return array if self._spread is None else array[self._spread]


class Summed:
    """The sum over all labels that ``out`` lacks, with axes in the order of ``out``; what is missing is left out."""

    def __init__(self, labels: Labels, out: Labels) -> None:
        self._axes = tuple(1 + place for place, label in enumerate(labels) if label not in out)
        kept = tuple(label for label in labels if label in out)
        self._align = Aligned(kept, tuple(label for label in out if label in kept))

    def __call__(self, array: Floats) -> Floats:
        """Return the sum."""
        return self._align(array.sum(axis=self._axes) if self._axes else array)


class Contract:
    """The sum of a b over the labels that both have and ``out`` lacks, network by network.

    Every label that one factor alone has is in ``out``. Where something is summed, the result's last labels are the
    columns of a matrix product, those before them its rows, and the first ones are looped over.
    """

    def __init__(self, a: Labels, b: Labels, out: Labels) -> None:
        over = tuple(label for label in a if label in b and label not in out)
        start, stop = _ends(a, b, out)
        self._swapped = stop < len(out) and out[-1] in a
        left, right = (b, a) if self._swapped else (a, b)
        head, rows, columns = out[:start], out[start:stop], out[stop:]
        self._sums = bool(over)
        self._left = Aligned(left, (*head, *rows, *over) if over else out)
        self._right = Aligned(right, (*head, *over, *columns) if over else out)
        self._ahead, self._rows, self._over = 1 + len(head), len(rows), len(over)

    def __call__(self, a: Floats, b: Floats) -> Floats:
        """Return the product."""
        left, right = (self._left(b), self._right(a)) if self._swapped else (self._left(a), self._right(b))
        if not self._sums:
            return left * right
        ahead = self._ahead
        rows, columns = left.shape[ahead : ahead + self._rows], right.shape[ahead + self._over :]
        summed = prod(right.shape[ahead : ahead + self._over])
        product = np.matmul(
            _merged(left, ahead, prod(rows), summed),
            _merged(right, ahead, summed, prod(columns)),
        )
        return product.reshape(*product.shape[:ahead], *rows, *columns)


def _ends(a: Labels, b: Labels, out: Labels) -> tuple[int, int]:
    """Return where the columns begin, which one factor alone has, and before them the rows, which the other has."""
    sole: Sequence[bool | None] = [None if label in a and label in b else label in a for label in out]
    stop = len(out)
    while stop and sole[stop - 1] is not None and sole[stop - 1] == sole[-1]:
        stop -= 1
    start = stop
    while start and sole[start - 1] is not None and sole[start - 1] != sole[-1]:
        start -= 1
    return start, stop


def _merged(array: Floats, ahead: int, rows: int, columns: int) -> Floats:
    shape = (*array.shape[:ahead], rows, columns)
    return array if array.shape == shape else array.reshape(shape)
