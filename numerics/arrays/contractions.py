"""Products of arrays summed over shared indices, as matrix products; the first axis counts networks and has no label.

Labels are index symbols: an array with labels ``(t, k)`` has the axes networks, t and k.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

Floats = NDArray[np.float64]
Labels = tuple[Symbol, ...]


def aligned(array: Floats, labels: Labels, order: Labels) -> Floats:
    """Return a view with axes in this order, and axes of size 1 for what the array lacks."""
    if labels == order:
        return array
    array = array.transpose(0, *(1 + labels.index(label) for label in order if label in labels))
    return array[(slice(None), *(slice(None) if label in labels else None for label in order))]


def summed(array: Floats, labels: Labels, out: Labels) -> Floats:
    """Return the array summed over all labels that ``out`` lacks, with axes in the order of ``out``."""
    axes = tuple(1 + place for place, label in enumerate(labels) if label not in out)
    kept = tuple(label for label in labels if label in out)
    return aligned(array.sum(axis=axes) if axes else array, kept, tuple(label for label in out if label in kept))


@dataclass(frozen=True)
class _Plan:
    """How a product is a matrix product: ``head`` is looped over, rows times columns are the last axes."""

    swapped: bool
    head: Labels
    rows: Labels
    summed: Labels
    columns: Labels


@lru_cache(maxsize=10_000)
def _plan(a: Labels, b: Labels, out: Labels) -> _Plan | None:
    over = tuple(label for label in a if label in b and label not in out)
    if not over:
        return None
    # The longest end of the result that one factor alone has, and what the other alone has before it.
    sole = [None if label in a and label in b else label in a for label in out]
    stop = len(out)
    while stop and sole[stop - 1] is not None and sole[stop - 1] == sole[-1]:
        stop -= 1
    start = stop
    while start and sole[start - 1] is not None and sole[start - 1] != sole[-1]:
        start -= 1
    # Without columns, the rows are those of either factor.
    swapped = bool(sole) and sole[-1] is True and stop < len(out)
    return _Plan(swapped, out[:start], out[start:stop], over, out[stop:])


def contract(a: Floats, a_labels: Labels, b: Floats, b_labels: Labels, out: Labels) -> Floats:
    """Return the sum of a b over the labels that both have and ``out`` lacks, network by network.

    Every label that one factor alone has is in ``out``.
    """
    plan = _plan(a_labels, b_labels, out)
    if plan is None:
        return aligned(a, a_labels, out) * aligned(b, b_labels, out)
    if plan.swapped:
        a, a_labels, b, b_labels = b, b_labels, a, a_labels
    left = aligned(a, a_labels, (*plan.head, *plan.rows, *plan.summed))
    right = aligned(b, b_labels, (*plan.head, *plan.summed, *plan.columns))
    ahead, rows = 1 + len(plan.head), len(plan.rows)
    row_sizes, sum_sizes = left.shape[ahead : ahead + rows], left.shape[ahead + rows :]
    column_sizes = right.shape[ahead + len(plan.summed) :]
    product = np.matmul(
        left.reshape(*left.shape[:ahead], prod(row_sizes), prod(sum_sizes)),
        right.reshape(*right.shape[:ahead], prod(sum_sizes), prod(column_sizes)),
    )
    return product.reshape(*product.shape[:ahead], *row_sizes, *column_sizes)
