"""Families that are independent in pairs and not together, as far as hypotheses leave that open."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from derive.hypotheses import Kind
from derive.randomness import Family
from derive.setting import Setting

Knot = tuple[Family, ...]
"""Families of which any but one are independent: the first is tied to all the others (see `Laws`)."""
_LARGEST = 4


def knots(setting: Setting, families: tuple[Family, ...]) -> list[Knot]:
    """Return the knots that tiny worlds tie to withhold what a setting does not declare.

    One of the families is declared independent of each other one, and nothing makes it so of them together: three signs
    with C = A B. What is declared of fewer families together holds in a knot. A knot is of no use where each of its
    families is in a smaller one among them.
    """
    free = _free(setting, families)
    found: list[set[Family]] = []
    for size in range(3, min(_LARGEST, len(free)) + 1):
        sets = (set(chosen) for chosen in combinations(free, size))
        found += [c for c in sets if set().union(*(k for k in found if k < c)) != c and _open(setting, c)]
    return [knot for chosen in found for knot in _tied(sorted(chosen, key=families.index))]


def _free(setting: Setting, families: tuple[Family, ...]) -> list[Family]:
    """Return the families but for those that are independent of all the others together: they are in no knot."""
    rest = list(families)
    while (apart := next((f for f in rest if _together(setting, f, {*rest} - {f})), None)) is not None:
        rest.remove(apart)
    return rest


def _together(setting: Setting, family: Family, others: set[Family]) -> bool:
    return setting.citing(Kind.INDEPENDENT_OF, family, *others) is not None if others else True


def _open(setting: Setting, chosen: set[Family]) -> bool:
    """Return whether one is declared independent of each of the others, and none of all of them together."""
    if any(_together(setting, one, chosen - {one}) for one in chosen):
        return False
    return any(all(_together(setting, one, {other}) for other in chosen - {one}) for one in chosen)


def _tied(members: list[Family]) -> Iterator[Knot]:
    """Yield a knot with each of its families tied to the others: nothing depends on what is drawn last."""
    for tied in members:
        others = tuple(f for f in members if f != tied)
        if all(tied.source == f.source or not (f.source and f.source.last) for f in others):
            yield (tied, *others)
