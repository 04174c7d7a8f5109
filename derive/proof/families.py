"""The families that a derivation speaks of: a name stands for one of them."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Basic, Integer, Symbol

from derive.errors import InputError
from derive.randomness import Family
from derive.setting import Setting

_INDICES = tuple(Symbol(f"index{k}", integer=True) for k in range(8))


class OneName:
    """Takes in what a derivation speaks of, and refuses two families of one name."""

    def __init__(self, setting: Setting) -> None:
        self._known: dict[str, Family] = {}
        for hypothesis in setting.hypotheses:
            self.take(f for p in hypothesis.properties for f in p.families)
            self.take(*(e.atoms(Family) for e in hypothesis.text.objects if isinstance(e, Basic)))

    def add(self, expression: Basic) -> None:
        """Take in the families of an expression; raise `InputError` where one has a name that is taken."""
        self.take(expression.atoms(Family))

    def take(self, *groups: Iterable[Family]) -> None:
        """Take in families, with those that their definitions speak of."""
        for family in sorted((f for group in groups for f in group), key=lambda f: f._hashable_content()):
            known = self._known.get(family.name)
            if known is None:
                self._known[family.name] = family
                self.take(defined_by(family))
            elif known != family:
                raise InputError(f"{family.name} stands for two families: {_apart(known, family)}")


def defined_by(family: Family) -> set[Family]:
    """Return the families that a definition speaks of, at layer 0 and at a later one."""
    if family.definition is None:
        return set()
    layer, *units = _INDICES[: len(family.extents(_INDICES[0])) + 1]
    places = ((layer, *units), (Integer(0), *units)) if family.layered else (tuple(units),)
    return set().union(*(family.defined(*place).atoms(Family) for place in places))


def _apart(one: Family, other: Family) -> str:
    """Return in words what two families of one name differ in."""
    if one.source != other.source:
        return f"one is {_origin(one)}, the other {_origin(other)}"
    if one.layered != other.layered:
        return "one has layers, the other has none"
    index = _INDICES[0]
    if one.extents(index) != other.extents(index):
        counts = [", ".join(map(str, f.extents(index))) or "1" for f in (one, other)]
        return f"their units number {counts[0]} and {counts[1]}"
    return "their definitions differ"


def _origin(family: Family) -> str:
    return f"drawn with {family.source}" if family.source else "defined"
