"""How a definition is built: its scalars and sums, the values of its indices, and where these lie inside of axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Basic, Expr, Sum, Symbol, floor

from derive.errors import InputError
from derive.randomness import Entry
from numerics.arrays.contractions import Labels
from numerics.arrays.gathers import Part
from numerics.arrays.integers import Integers

Domain = dict[Symbol, Integers]
"""The values that every index symbol takes, in the order of the axes."""


@dataclass(frozen=True)
class Bound:
    """Where a sum over an index is taken, as a function of it and of other indices."""

    labels: Labels
    inside: NDArray[np.bool_]


def runs_through(index: Expr, size: int, domain: Domain) -> bool:
    """Whether an index is a symbol that takes all values from 1 to a size."""
    return index in domain and len(domain[index]) == size and domain[index][0] == 1 and domain[index][-1] == size


def entries(e: Basic) -> Iterator[Entry]:
    """Yield all scalars of families, in the order in which they stand."""
    if isinstance(e, Entry):
        yield e
    else:
        for part in e.args:
            yield from entries(part)


def is_number(e: Expr) -> bool:
    """Whether an expression has one value; a scalar of a family at fixed indices has not."""
    return bool(e.is_number) and not atoms_of(e)


def atoms_of(e: Any) -> list[Expr]:
    """Return the entries and sums of an expression that stand in no other sum, each once."""
    found: list[Expr] = []
    waiting = [e]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Entry | Sum):
            if part not in found:
                found.append(part)
        else:
            waiting.extend(reversed(part.args))
    return found


def split(e: Expr, index: Symbol, size: int, domain: Domain) -> Expr:
    """Give an index its values; one that occurs as floor((k - 1)/m) is two, one for m values and one within them."""
    steps = {f: f.args[0] for f in e.atoms(floor) if f.free_symbols == {index}}
    for step, inside in steps.items():
        width = 1 / inside.diff(index)
        if width.is_Integer and 1 < width < size and size % int(width) == 0 and inside.subs(index, 1) == 0:
            outer, within = (Symbol(f"{index.name}{part}", integer=True, positive=True) for part in ("a", "b"))
            domain[outer] = np.arange(1, size // int(width) + 1)
            domain[within] = np.arange(1, int(width) + 1)
            return e.xreplace({step: outer - 1}).xreplace({index: width * (outer - 1) + within})
    domain[index] = np.arange(1, size + 1)
    return e


def restricted(bound: Bound, index: Symbol, here: NDArray[np.bool_]) -> Bound:
    """Return a bound for some of the values of an index."""
    if index not in bound.labels:
        return bound
    return Bound(bound.labels, np.compress(here, bound.inside, axis=bound.labels.index(index)))


def check(e: Entry, part: Part, bounds: Sequence[Bound]) -> list[int]:
    """Return which bounds hold exactly where a family is read inside of its axes; fail where it is read outside."""
    if part.valid.all():
        return []
    covered, allowed = [], np.ones(part.valid.shape, bool)
    for place, bound in enumerate(bounds):
        if set(bound.labels) <= set(part.labels):
            order = [bound.labels.index(label) for label in part.labels if label in bound.labels]
            view = bound.inside.transpose(order)
            view = view[tuple(slice(None) if label in bound.labels else None for label in part.labels)]
            allowed = allowed & view
            if not (part.valid & ~view).any():
                covered.append(place)
    if (allowed & ~part.valid).any():
        raise InputError(f"{e} is read outside of its axes")
    return covered
