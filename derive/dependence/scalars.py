"""Ranges of scalars: a family, an interval of layers with symbolic ends, and units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sympy import Expr, Integer, Symbol

from derive.layers import Facts
from derive.randomness import Entry, Family, Source


@dataclass(frozen=True)
class Reach:
    """Scalars of one family: layers ``first..last``, and units, where None stands for all of them."""

    family: Family
    first: Expr
    last: Expr
    units: tuple[Expr | None, ...]

    def over(self, index: Symbol, lower: Expr, upper: Expr) -> Reach:
        """Return this reach with an index replaced by all that a sum runs over."""
        units = tuple(None if u is not None and u.has(index) else u for u in self.units)
        ends = (lower, upper) if self.first.coeff(index) >= 0 else (upper, lower)
        first, last = (end.subs(index, at) for end, at in zip((self.first, self.last), ends, strict=True))
        return Reach(self.family, first, last, units)

    @property
    def everywhere(self) -> Reach:
        """Return this reach with all units."""
        return replace(self, units=(None,) * len(self.units))

    @property
    def empty(self) -> bool:
        """Return True when there is certainly no layer between its ends."""
        return less(self.last, self.first)

    def disjoint(self, other: Reach, facts: Facts, differ: frozenset[frozenset[Expr]] = frozenset()) -> bool:
        """Return True when no scalar is in both."""
        if self.family != other.family:
            return True
        if facts.less(self.last, other.first) or facts.less(other.last, self.first):
            return True
        pairs = zip(self.units, other.units, strict=True)
        return any(
            u is not None and v is not None and (frozenset((u, v)) in differ or facts.distinct(u, v)) for u, v in pairs
        )

    def within(self, other: Reach, facts: Facts) -> bool:
        """Return True when every scalar of this reach is in the other."""
        return (
            self.family == other.family
            # Layers begin at 0.
            and (other.first == 0 or facts.less(self.last, self.first) or facts.at_least(self.first, other.first))
            and (facts.less(self.last, self.first) or facts.at_least(other.last, self.last))
            and all(v is None or u == v for u, v in zip(self.units, other.units, strict=True))
        )


@dataclass(frozen=True)
class Use:
    """What an expression uses: a reach, whose randomness in ``hidden`` sources is averaged over."""

    reach: Reach
    hidden: frozenset[Source] = frozenset()

    @property
    def family(self) -> Family:
        """Return the family that is used."""
        return self.reach.family


def of_entry(entry: Entry) -> Reach:
    """Return the reach that is one scalar."""
    layer = Integer(0) if entry.layer is None else entry.layer
    return Reach(entry.family, layer, layer, entry.units)


def less(left: Expr, right: Expr) -> bool:
    """Return True when ``left < right`` whatever the layers are."""
    return bool((left - right).is_negative) if (left - right).is_number else False


def merged(reaches: Iterable[Reach]) -> tuple[Reach, ...]:
    """Return the same scalars in fewer reaches: neighbouring intervals joined, what is in another one left out."""
    found: list[Reach] = []
    for one in reaches:
        whole, joined = one, None if one.empty else one
        while joined is not None:
            whole = joined
            other, joined = next(((r, j) for r in found if (j := _joined(r, whole)) is not None), (None, None))
            found = [r for r in found if r is not other]
        found += [] if one.empty else [whole]
    return tuple(_trimmed(one, found) for one in found)


def _trimmed(one: Reach, among: Iterable[Reach]) -> Reach:
    """Return a reach without the first layers that another one has with more units."""
    for other in among:
        wider = other.units != one.units and all(v in (None, u) for u, v in zip(one.units, other.units, strict=False))
        ahead = one.last - other.last
        if other.family == one.family and wider and other.first == one.first and ahead.is_Integer and ahead > 0:
            return replace(one, first=other.last + 1)
    return one


def _joined(a: Reach, c: Reach) -> Reach | None:
    """Return two reaches as one, where that is one interval of layers; None where it is not known to be."""
    if a.family != c.family:
        return None
    return _followed(a, c) or _followed(c, a)


def _followed(a: Reach, c: Reach) -> Reach | None:
    if a.within(c, Facts()):
        return c
    gap, ahead, behind = c.first - a.last, c.last - a.last, c.first - a.first
    if a.units != c.units or not gap.is_number or gap > 1 or not ahead.is_number or ahead < 0:
        return None
    if a.first != 0 and not behind.is_number:
        return None
    return replace(a, first=c.first if behind.is_negative else a.first, last=c.last)
