"""A definition leads down to what is drawn: no scalar needs itself, and none a layer before the first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from sympy import Expr, Integer, S

from derive.dependence.uses import LAYER, definition_of
from derive.errors import InputError
from derive.layers import i
from derive.randomness import Family

Path = tuple[tuple[Family, Expr | None], ...]
"""Families, each with its layer, on the way from one to the next."""


@lru_cache(maxsize=1_000)
def require_grounds(family: Family) -> None:
    """Raise `InputError`, naming the way round, where what a family comes down to never ends."""
    families = _below(family)
    _require_lag(families)
    deepest = max((_depth(one) for one in families), default=0)
    done: set[tuple[Family, Expr | None]] = set()
    for one in families:
        for layer in map(Integer, range(deepest + 1)):
            _descend(((one, layer if one.layered else None),), done)


def _below(family: Family) -> list[Family]:
    """Return a family with the defined ones below it."""
    found, work = [family], [family]
    while work:
        definition = definition_of(work.pop())
        for use in (*definition.uses, *definition.start_uses):
            if use.family.source is None and use.family not in found:
                found.append(use.family)
                work.append(use.family)
    return found


def _depth(family: Family) -> int:
    """Return how many layers back a definition goes, or up to which layer of a fixed number."""
    ends = [use.reach.first for use in definition_of(family).uses]
    return max(
        (int(e if e.is_Integer else LAYER - e) for e in ends if (LAYER - e).is_Integer or e.is_Integer), default=0
    )


def _require_lag(families: list[Family]) -> None:
    """Raise `InputError` where general definitions lead back to a family at the same or a later layer."""
    ways: dict[tuple[Family, Family], tuple[Expr, Path]] = {}

    def take(way: tuple[Family, Family], ahead: Expr, path: Path) -> None:
        known = ways.get(way)
        if known is None or (known[0] < ahead and not (way[0] == way[1] and known[0] >= 0)):
            ways[way] = (ahead, path)

    for one in families:
        for use in definition_of(one).uses:
            last, lagging = use.reach.last, one.layered and use.family.layered
            # A layer of a fixed number is followed at numbers for layers; one counted from the last is always ahead.
            if use.family.source is None and not (lagging and last.is_Integer):
                ahead = last - LAYER if lagging and (last - LAYER).is_Integer else S.Infinity
                layer = last.xreplace({LAYER: i}) if use.family.layered else None
                take((one, use.family), ahead, ((one, i if one.layered else None), (use.family, layer)))
    for middle in families:
        for first, last in [(a, c) for a in families for c in families]:
            if (first, middle) in ways and (middle, last) in ways:
                (one, before), (other, after) = ways[first, middle], ways[middle, last]
                take((first, last), one + other, (*before, *(_later(step, one) for step in after[1:])))
    for one in families:
        if (one, one) in ways and ways[one, one][0] >= 0:
            raise InputError(_circular(ways[one, one][1]))


def _later(step: tuple[Family, Expr | None], offset: Expr) -> tuple[Family, Expr | None]:
    family, layer = step
    return family, layer + offset if layer is not None and layer.has(i) and offset.is_Integer else layer


def _descend(path: Path, done: set[tuple[Family, Expr | None]]) -> None:
    """Follow the definitions at numbers for layers; raise `InputError` where they lead back or below the first one."""
    if path[-1] in done:
        return
    for step in _next(*path[-1]):
        if step in path:
            raise InputError(_circular((*path[path.index(step) :], step)))
        if step[1] is not None and step[1] < 0:
            needed = _needs((path[-1], step))
            raise InputError(f"{needed}, and layers begin at 0: give {path[-1][0].name} a start, its layer 0")
        if step[0].source is None:
            _descend((*path, step), done)
    done.add(path[-1])


def _next(family: Family, layer: Expr | None) -> Iterator[tuple[Family, Expr | None]]:
    """Yield what the definition uses at a layer, where its layers are numbers."""
    definition = definition_of(family)
    for use in definition.start_uses if layer == 0 and definition.start is not None else definition.uses:
        ends = [e.xreplace({LAYER: layer or Integer(0)}) for e in (use.reach.first, use.reach.last)]
        if not use.family.layered:
            yield use.family, None
        elif all(e.is_Integer for e in ends):
            for number in range(int(ends[0]), int(ends[1]) + 1):
                yield use.family, Integer(number)


def _circular(path: Path) -> str:
    return f"a definition needs itself: {_needs(path)}"


def _needs(path: Path) -> str:
    """Return "h^i needs r^i, which needs h^i"."""
    names = [_named(*step) for step in path]
    return f"{names[0]} needs " + ", which needs ".join(names[1:])


def _named(family: Family, layer: Expr | None) -> str:
    shown = str(layer).replace(" ", "")
    return family.name if layer is None else f"{family.name}^{shown if len(shown) == 1 else '{' + shown + '}'}"
