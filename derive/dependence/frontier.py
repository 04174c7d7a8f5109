"""The layers through which alone the cost depends on a scalar, for the chain rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Expr, Integer

from derive.cost import CostFunction
from derive.dependence.backflow import User, network, users
from derive.dependence.below import needs
from derive.dependence.ranges import Interval
from derive.dependence.scalars import Reach, Use
from derive.errors import InputError, Undischarged
from derive.layers import Facts
from derive.randomness import Entry, Family

Layer = tuple[Family, Expr | None]
"""The scalars of a family in one layer (None where it has no layers)."""


@dataclass(frozen=True)
class Frontier:
    """Layers that every way from a scalar to the cost goes through once, none of them behind another.

    ``through`` are the families that these layers are to be of; any family where none is named.
    """

    cost: CostFunction
    facts: Facts
    through: tuple[Family, ...] = ()

    def after(self, entry: Entry) -> list[Layer]:
        """Return the layers; none where the cost does not depend on the scalar.

        Raises `derive.errors.Undischarged` where it is not known whether the network has a layer.
        """
        found = list(dict.fromkeys(self._users((entry.family, entry.layer))))
        while True:
            behind = next((layer for layer in found if self._passed(layer, found)), None)
            if behind is None:
                return found
            rest = [layer for layer in found if layer != behind]
            found = list(dict.fromkeys((*rest, *self._users(behind))))

    def _passed(self, layer: Layer, found: list[Layer]) -> bool:
        """Return True when the way goes on from a layer: to a family that was named, or to another of the layers."""
        if self.through and layer[0] not in self.through:
            return True
        here = _reach(layer)
        return any(
            not all(r.disjoint(here, self.facts) for r in needs((Use(_reach(other)),)))
            for other in found
            if other != layer
        )

    def _users(self, layer: Layer) -> Iterator[Layer]:
        """Yield the layers whose definitions use a layer."""
        family, at = layer
        facts = self.facts if at is None else self.facts.also(at)
        if family == self.cost.output and at is not None and not facts.less(at, self.cost.last):
            scalar = family(at, *range(1, 1 + len(family.extents(Integer(0)))))
            raise Undischarged(f"{scalar} may be in the last layer: nothing says that {at} < {self.cost.last}")
        for user in users(self.cost, family):
            there = _there(user, layer, facts)
            if there is not None and self._in_network(user.family, there[1], facts):
                yield there

    def _in_network(self, family: Family, at: Expr | None, facts: Facts) -> bool:
        parts = network(self.cost)[family]
        if at is None or any(_inside(at, part, facts) for part in parts):
            return True
        if all(facts.less(at, part.first) or facts.less(part.last, at) for part in parts):
            return False
        last = " or ".join(f"<= {part.last}" for part in parts)
        raise Undischarged(f"{family.name} may not have that layer: nothing says that {at} {last}")


def _there(user: User, layer: Layer, facts: Facts) -> Layer | None:
    """Return the layer of a user that uses a layer, None where it does not; raise `Undischarged` where nobody knows."""
    at, family = layer[1], user.family
    if user.start:
        used = user.used.first
        if at is None or at == used:
            return family, Integer(0)
        if facts.distinct(at, used):
            return None
        raise Undischarged(f"nothing says whether {at} is {used}, the layer that {family.name}^0 uses")
    if not family.layered:
        return family, None
    if user.back is None or at is None:
        raise InputError(f"{family.name} uses {layer[0].name} in more than one layer: the chain rule takes one")
    there = at + user.back
    if facts.at_least(there, user.definition.lowest):
        return family, there
    if facts.less(there, user.definition.lowest):
        return None
    raise Undischarged(
        f"nothing says that {there} >= {user.definition.lowest}: {family.name} is defined otherwise before"
    )


def _inside(at: Expr, part: Interval, facts: Facts) -> bool:
    return (part.first == 0 or facts.at_least(at, part.first)) and facts.at_least(part.last, at)


def _reach(layer: Layer) -> Reach:
    family, at = layer
    where = Integer(0) if at is None else at
    return Reach(family, where, where, (None,) * len(family.extents(Integer(0))))
