"""What depends on what, computed from the definitions: the scalars that an expression reaches, with layer ranges.

A definition at layer L uses scalars at layers L + a number; what it comes down to is a fixed point over these offsets.
Where the definitions lead back to a family, at an earlier layer, they lead back to all its layers down to the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from sympy import Expr, Integer

from derive.dependence.grounds import require_grounds
from derive.dependence.ranges import Interval, Ranges
from derive.dependence.scalars import Reach, Use, less, merged
from derive.dependence.uses import LAYER, at_layers, at_units, definition_of
from derive.randomness import Entry, Family, Source


def drawn(reaches: Iterable[Reach]) -> tuple[Reach, ...]:
    """Return those of the reaches that are drawn."""
    return tuple(r for r in reaches if r.family.source is not None)


def needs(uses: Iterable[Use]) -> tuple[Reach, ...]:
    """Return all scalars that uses come down to, drawn and defined, with themselves."""
    return merged(r for use in uses for r in _below(use))


def needs_of(entry: Entry) -> tuple[Reach, ...]:
    """Return the scalars, drawn and defined, that the definition of a scalar comes down to."""
    if entry.family.source is not None:
        return ()
    definition, layer = definition_of(entry.family), Integer(0) if entry.layer is None else entry.layer
    uses = definition.start_uses if _at_start(definition.start, layer, layer) else definition.uses
    if not less(Integer(0), layer):
        uses = (*uses, *definition.start_uses)
    return needs(Use(at_units(at_layers(u.reach, layer, layer), entry.units), u.hidden) for u in uses)


def _below(use: Use) -> Iterator[Reach]:
    """Yield what a use comes down to; what is averaged over is not reached."""
    at = use.reach
    if use.family.source is not None:
        if use.family.source not in use.hidden:
            yield at
        return
    definition = definition_of(use.family)
    if _at_start(definition.start, at.first, at.last):
        yield at
        for inner in definition.start_uses:
            yield from _below(Use(at_units(inner.reach, at.units), inner.hidden | use.hidden))
    else:
        for found in closure(use.family, use.hidden):
            yield at_units(at_layers(found, at.first, at.last), at.units)


def _at_start(start: Expr | None, first: Expr, last: Expr) -> bool:
    return start is not None and first == last == 0


@lru_cache(maxsize=2_000)
def closure(family: Family, hidden: frozenset[Source] = frozenset()) -> tuple[Reach, ...]:
    """Return what a defined scalar comes down to, with itself, at `LAYER` and units of its own."""
    require_grounds(family)
    return merged(Ranges(family, hidden).found(Interval(LAYER, LAYER)))
