"""What is derived of a statement: by the theorems that speak of a side of it, and by what leads on from there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Basic, preorder_traversal

from derive.averages import Bracket, SharedVariance
from derive.equations.speakers import (
    Speaker,
    batches,
    lesser,
    linear_pre_activation,
    of_theorems,
    plain,
    speaking,
)
from derive.proof.derivation import Statement
from derive.randomness import EVERYTHING

_DEEPEST = 3
"""How often what was put in for a quantity is looked at again."""


@dataclass(frozen=True)
class Spoken:
    """What is derived of a statement: the theorems that speak of a side of it, and what leads on from there."""

    theorems: tuple[Speaker, ...]
    more: tuple[Speaker, ...]


def spoken_of(statement: Statement, theorem: str | None = None) -> Spoken:
    """Return what is derived of the sides: by the first theorems that speak of the left one, and by what they need."""
    sides = (statement.lhs, statement.rhs)
    if theorem is not None:
        spoken = tuple(one for one in of_theorems((theorem,)) if one.speaks_of(*sides))
        return Spoken(spoken, _leading_on(sides, spoken, list(lesser((theorem,)))))
    overs = {n.over for side in sides for n in preorder_traversal(side) if isinstance(n, Bracket)}
    found: list[Speaker] = []
    names: tuple[str, ...] = ()
    small = [one for o in (overs or {EVERYTHING}) for one in plain(o) if not overs or one.theorem != "definition"]
    told = not overs and any(one.speaks_of(statement.lhs) for one in small)
    for batch in () if told else batches(*sides):
        names += batch
        found += [one for one in speaking(batch, *sides) if _is_derived(one, statement)]
        if any(one.speaks_of(statement.lhs) and one.says(statement.relation) for one in found):
            break
    pool = [one for one in (*small, *of_pool(names), *lesser(names)) if _is_derived(one, statement)]
    return Spoken(once(found), _leading_on(sides, tuple(found), pool))


def _is_derived(one: Speaker, statement: Statement) -> bool:
    """Return whether a statement tells what something is, and does not choose a variance that is free."""
    chosen = isinstance(one.derivation.statement.lhs, SharedVariance)
    return not chosen or isinstance(statement.lhs, SharedVariance)


def _leading_on(sides: tuple[Basic, ...], found: tuple[Speaker, ...], pool: list[Speaker]) -> tuple[Speaker, ...]:
    """Return what speaks of the sides, or of what has been put in for something there."""
    chosen: list[Speaker] = []
    spoken = [*sides, *(one.derivation.statement.rhs for one in found)]
    for _ in range(_DEEPEST):
        new = [one for one in pool if one not in chosen and one not in found and one.speaks_of(*spoken)]
        if not new:
            break
        chosen += new
        spoken = [one.derivation.statement.rhs for one in new]
    return once(chosen)


def of_pool(names: tuple[str, ...]) -> tuple[Speaker, ...]:
    """Return what theorems say."""
    more = (linear_pre_activation(),) if "forward-variance" in names else ()
    return (*more, *of_theorems(names))


def once(speakers: Iterable[Speaker]) -> tuple[Speaker, ...]:
    """Return statements without those that say what another one says."""
    met: dict[tuple[Basic, Basic], Speaker] = {}
    for one in speakers:
        statement = one.derivation.statement
        met.setdefault((statement.lhs, statement.rhs), one)
    return tuple(met.values())
