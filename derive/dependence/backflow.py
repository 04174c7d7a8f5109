"""How the cost flows back to a scalar: through the scalars whose definitions use it, from the output on.

dCost/du is a sum, over the scalars v that use u, of dCost/dv times the derivative of v's definition by u. What it
depends on is what these derivatives use, of all scalars between u and the output.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from sympy import Expr, Integer, sympify

from derive.cost import CostFunction, Partial
from derive.dependence.below import drawn, needs
from derive.dependence.ranges import Interval
from derive.dependence.scalars import Reach, Use, less, merged, of_entry
from derive.dependence.uses import LAYER, Definition, at_layers, definition_of, own_units, slopes, walk, written
from derive.errors import InputError
from derive.randomness import Entry, Family


@dataclass(frozen=True)
class User:
    """A family whose definition uses another one: what of it, and what the derivative by that uses in its turn.

    ``start`` tells that the definition at layer 0 does. Layers are those of the using scalar, at `LAYER`.
    """

    definition: Definition
    start: bool
    used: Reach
    slope: tuple[Use, ...]

    @property
    def family(self) -> Family:
        """The family that uses."""
        return self.definition.family

    @property
    def back(self) -> Expr | None:
        """How many layers later the using scalar is, where that is always the same; None where it is not."""
        lag = LAYER - self.used.last
        return lag if lag.is_Integer and self.used.first == self.used.last else None

    def layers(self, at: Interval, network: Interval) -> Interval | None:
        """Return the layers of the network that use layers of an interval, None where none does."""
        if self.start:
            used = Interval(self.used.first, self.used.last)
            return None if less(at.last, used.first) or less(used.last, at.first) else Interval(Integer(0), Integer(0))
        first, last = network.first, network.last
        if self.used.last.has(LAYER):
            first = at.first + (LAYER - self.used.last)
        if self.used.first.has(LAYER):
            end = at.last + (LAYER - self.used.first)
            last = last if less(last, end) else end
        lowest = Integer(self.definition.lowest)
        first = lowest if less(first, lowest) else first
        return None if less(last, first) else Interval(first, last)


@lru_cache(maxsize=200)
def network(cost: CostFunction) -> dict[Family, tuple[Interval, ...]]:
    """Return the families that the output comes down to, with itself, and in which layers."""
    output = cost.output_at(*own_units(cost.output))
    found: defaultdict[Family, tuple[Interval, ...]] = defaultdict(tuple)
    for r in merged(r.everywhere for r in needs((Use(of_entry(output)),))):
        found[r.family] += (Interval(r.first, r.last),)
    return dict(found)


@lru_cache(maxsize=2_000)
def users(cost: CostFunction, family: Family, *, linear: bool = False) -> tuple[User, ...]:
    """Return how scalars of a network use those of a family, each way by itself."""
    found = []
    for one in network(cost):
        if one.source is None:
            definition = definition_of(one)
            for e, start in ((definition.general, False), (definition.start, True)):
                for scalar, used in written(e, family):
                    found.append(User(definition, start, used, tuple(dict.fromkeys(slopes(e, scalar, linear=linear)))))
    return tuple(found)


@lru_cache(maxsize=20_000)
def reach(expression: Expr, *, linear: bool, closed_cost: bool) -> frozenset[Reach]:
    """Return the drawn scalars that an expression depends on.

    ``linear`` says that ``f' = 1``; ``closed_cost`` that the gradient at the output is drawn on its own, apart from
    the output. Raises `InputError` where a definition needs itself, or a layer before the first.
    """

    def gradient(partial: Partial) -> Iterator[Use]:
        if not isinstance(partial.target, CostFunction) or not isinstance(partial.variable, Entry):
            raise InputError(f"dependence is known for derivatives of the cost, got {partial}")
        return map(Use, gradient_reach(partial, linear=linear, closed_cost=closed_cost))

    return frozenset(drawn(needs(walk(sympify(expression), gradient))))


def gradient_reach(partial: Partial, *, linear: bool, closed_cost: bool) -> tuple[Reach, ...]:
    """Return the drawn scalars that a derivative of a cost depends on; see `reach`."""
    return _gradient_reach(partial.target, of_entry(partial.variable).everywhere, linear, closed_cost)


@lru_cache(maxsize=2_000)
def _gradient_reach(cost: CostFunction, scalars: Reach, linear: bool, closed_cost: bool) -> tuple[Reach, ...]:
    flow = _Flow(cost, linear)
    uses = list(flow.back(scalars.family, Interval(scalars.first, scalars.last)))
    if cost.output in flow.passed:
        uses.append(Use(of_entry(cost.gradient(*own_units(cost.gradient)))))
        uses += [] if closed_cost else [Use(of_entry(cost.output_at(*own_units(cost.output))))]
    return merged(r.everywhere for r in drawn(needs(uses)))


class _Flow:
    """Goes from a scalar to the output, through the scalars that use it, then those that use them, and so on."""

    def __init__(self, cost: CostFunction, linear: bool) -> None:
        self.cost, self.linear, self.network = cost, linear, network(cost)
        self.passed: defaultdict[Family, list[Interval]] = defaultdict(list)

    def back(self, family: Family, layers: Interval) -> Iterator[Use]:
        """Yield what the derivatives on the way use, the way beginning at some layers of a family."""
        work = [(family, layers)]
        while work:
            here, at = work.pop()
            if any(at.within(before) for before in self.passed[here]):
                continue
            self.passed[here].append(at)
            for user in users(self.cost, here, linear=self.linear):
                for part in self.network[user.family]:
                    there = user.layers(at, part)
                    if there is not None:
                        yield from (Use(at_layers(u.reach, there.first, there.last), u.hidden) for u in user.slope)
                        # A recursion goes on to the last layer that there is.
                        last = part.last if _recursive(user.family) else there.last
                        work.append((user.family, Interval(there.first, last)))


def _recursive(family: Family) -> bool:
    return any(r.family == family for r in needs(definition_of(family).uses))
