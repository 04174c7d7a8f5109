"""The values of free indices at which a statement is tried in a tiny world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product as cartesian
from random import Random
from typing import Any

from sympy import Basic, Expr, Function, KroneckerDelta, Symbol

from derive.averages import SharedVariance
from derive.layers import d, i
from derive.proof.exact import Exact, NotEvaluable
from derive.proof.regime import is_size
from derive.randomness import Entry
from derive.setting import Setting

MAX_UNITS = 4
"""How many choices of units are tried in a layer of a world; they are spread over all of them."""


def environments(exact: Exact, *expressions: Basic) -> Iterator[dict[Symbol, int]]:
    """Yield values of the free layer and unit indices: all layers that the facts allow, some units of each."""
    world = exact.world
    ranges = _ranges(expressions)
    layers = _layer_symbols(expressions)
    given = {s: int(v) for s, v in ((d, world.layers[-1]), *world.sizes.items()) if isinstance(s, Symbol)}
    roomy = dict.fromkeys(_inside(expressions), max(world.sizes.values(), default=1))
    roomy |= _placed_by_facts(world.setting.facts.nonnegative, _free(expressions), frozenset(given.items()))
    for chosen in cartesian(world.layers, repeat=len(layers)):
        at: dict[Symbol, Any] = {d: world.layers[-1], **dict(zip(layers, chosen, strict=True))}
        # Where no layer is free, the facts speak of the first one.
        if not world.setting.facts.allow({i: 0, **given, **at}):
            continue
        extents = roomy | _unit_extents(exact, ranges, at)
        names = list(extents)
        bounded = any(f.has(*names) for f in world.setting.facts.nonnegative) if names else False
        combinations = list(cartesian(*(range(1, extents[u] + 1) for u in names)))
        for units in _spread([c for c in combinations if _differ(dict(zip(names, c, strict=True)), world.setting)]):
            placed = {**at, **dict(zip(names, units, strict=True))}
            if not bounded or world.setting.facts.allow({i: 0, **given, **placed}):
                yield placed


@lru_cache(maxsize=5_000)
def _placed_by_facts(
    nonnegative: tuple[Expr, ...], free: frozenset[Symbol], sizes: frozenset[tuple[Symbol, int]]
) -> Mapping[Symbol, int]:
    """Return how many values an index has of which the facts say that it is at most a size."""
    extents: dict[Symbol, int] = {}
    for fact in nonnegative:
        for index in (free & fact.free_symbols) - {i, d, *dict(sizes)}:
            most = (fact + index).subs(dict(sizes))
            if most.is_Integer:
                extents[index] = min(int(most), extents.get(index, int(most)))
    return extents


def _differ(units: dict[Symbol, int], setting: Setting) -> bool:
    """Return whether the indices that a setting knows to differ do so here."""
    return all(len({units.get(u, u) for u in pair}) == len(pair) for pair in setting.differ)


def _spread(combinations: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return the first choice and a few others; always the same, in no pattern that an error could share."""
    if len(combinations) <= MAX_UNITS:
        return combinations
    return [combinations[0], *Random(len(combinations)).sample(combinations[1:], MAX_UNITS - 1)]


@lru_cache(maxsize=256)
def _free(expressions: tuple[Basic, ...]) -> frozenset[Symbol]:
    return frozenset().union(*(e.free_symbols for e in expressions))


@lru_cache(maxsize=256)
def _layer_symbols(expressions: tuple[Basic, ...]) -> tuple[Symbol, ...]:
    """Return the free symbols that stand for a layer."""
    places: set[Basic] = set()
    for e in expressions:
        places.update(entry.layer for entry in e.atoms(Entry) if entry.layer is not None)
        places.update(layer for shared in e.atoms(SharedVariance) for layer in shared.layer)
        places.update(size.args[0] for size in e.atoms(Function) if is_size(size))
    free = _free(expressions)
    named = frozenset().union(*(p.free_symbols for p in places)) if places else frozenset()
    return tuple(sorted((named | {i}) & free - {d}, key=lambda s: s.name))


@lru_cache(maxsize=256)
def _ranges(expressions: tuple[Basic, ...]) -> frozenset[tuple[Symbol, Expr]]:
    """Return, for each free symbol that stands for a unit, the sizes of the layers that it is a unit of."""
    free = _free(expressions)
    ranges: set[tuple[Basic, Expr]] = set()
    for entry in set().union(*(e.atoms(Entry) for e in expressions)):
        if entry.layer is None or not entry.layer.free_symbols - free:
            ranges.update(zip(entry.units, entry.family.extents(entry.layer or 0), strict=True))
    for delta in set().union(*(e.atoms(KroneckerDelta) for e in expressions)):
        if len(delta.args) > 2:
            ranges.update((unit, delta.args[2][1]) for unit in delta.args[:2])
    units = free - {*_layer_symbols(expressions)}
    return frozenset((unit, size) for unit, size in ranges if isinstance(unit, Symbol) and unit in units)


@lru_cache(maxsize=256)
def _inside(expressions: tuple[Basic, ...]) -> tuple[Symbol, ...]:
    """Return the free indices that stand inside others, as in l + 2 p: how far they go is not said."""
    free = _free(expressions)
    units = {u for e in expressions for entry in e.atoms(Entry) for u in entry.units if not isinstance(u, Symbol)}
    inner = frozenset().union(*(u.free_symbols for u in units)) if units else frozenset()
    indices = {s for s in inner & free if s.is_integer and not s.is_positive}
    return tuple(sorted(indices - {d, *_layer_symbols(expressions)}, key=lambda s: s.name))


def _unit_extents(exact: Exact, ranges: frozenset[tuple[Symbol, Expr]], at: dict[Symbol, int]) -> dict[Symbol, int]:
    """Return how many values each free unit index has here: the fewest among the layers that it is a unit of."""
    extents: dict[Symbol, int] = {}
    for unit, extent in ranges:
        try:
            size = exact.integer(extent, at)
        except NotEvaluable:
            continue
        extents[unit] = min(size, extents.get(unit, size))
    return dict(sorted(extents.items(), key=lambda kv: kv[0].name))
