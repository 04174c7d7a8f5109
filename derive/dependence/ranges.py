"""The layers that a defined scalar comes down to, family by family: a fixed point over layer offsets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Expr, Integer

from derive.dependence.scalars import Reach, less
from derive.dependence.uses import LAYER, UNITS, at_layers, at_units, definition_of, own_units
from derive.randomness import Family, Source


@dataclass(frozen=True)
class Interval:
    """Layers ``first..last``."""

    first: Expr
    last: Expr

    def within(self, other: Interval) -> bool:
        """Return True when this is certainly a part of the other."""
        ends = (self.first - other.first, other.last - self.last)
        return all(e.is_number and e >= 0 for e in ends)


@dataclass(frozen=True)
class Node:
    """Scalars of a family, at units of the scalar that is asked about (or all), under means over ``hidden`` sources."""

    family: Family
    units: tuple[Expr | None, ...]
    hidden: frozenset[Source]


@dataclass(frozen=True)
class Edge:
    """A use in the definition of a node's family; ``start`` where it stands in the definition at layer 0 alone."""

    to: Node
    reach: Reach
    start: bool

    def layers(self, at: Interval, lowest: int) -> Interval | None:
        """Return the layers used from an interval of layers on, or None where there are none."""
        first = Integer(max(int(at.first), 0 if self.start else lowest)) if at.first.is_Integer else at.first
        if self.start and first != 0 and first.is_Integer:
            return None
        there = at_layers(self.reach, first, at.last)
        return None if there.empty or less(at.last, first) else Interval(there.first, there.last)


class Ranges:
    """Follows the definitions down from one family; see `found`."""

    def __init__(self, family: Family, hidden: frozenset[Source]) -> None:
        self.root = Node(family, own_units(family), hidden)
        self.edges: dict[Node, list[Edge]] = {}
        self._follow(self.root)
        self.loops = {node: self._loop(node) for node in self.edges}

    def _follow(self, node: Node) -> None:
        if node in self.edges:
            return
        self.edges[node] = list(_edges(node)) if node.family.source is None else []
        for edge in self.edges[node]:
            self._follow(edge.to)

    def found(self, at: Interval) -> Iterator[Reach]:
        """Yield what the root comes down to, with itself."""
        intervals: defaultdict[Node, dict[Interval, None]] = defaultdict(dict)
        entered, work = set(), [(self.root, at)]
        while work:
            entry = work.pop()
            if entry in entered:
                continue
            entered.add(entry)
            for node, layers in self._turns(*entry):
                intervals[node][layers] = None
                for edge in self.edges[node]:
                    inside = edge.to in self.loops[entry[0]] and not edge.start and edge.reach.last.has(LAYER)
                    there = None if inside else edge.layers(layers, definition_of(node.family).lowest)
                    if there is not None:
                        work.append((edge.to, there))
        for node, several in intervals.items():
            if node.family.source is None or node.family.source not in node.hidden:
                yield from (Reach(node.family, one.first, one.last, node.units) for one in several)

    def _turns(self, node: Node, at: Interval) -> Iterator[tuple[Node, Interval]]:
        """Yield where a recursion leads that is entered at a node: back to the first layers."""
        yield node, at
        for other, offset in self.loops[node].items():
            layers = Interval(self._lowest(other), at.last + offset)
            if not less(layers.last, layers.first):
                yield other, layers

    def _loop(self, node: Node) -> dict[Node, Expr]:
        """Return the nodes of a recursion through a node, each with how far it lags behind at the least."""
        ahead = self._ahead(node)
        return {other: lag for other, lag in ahead.items() if node in self._ahead(other)} if node in ahead else {}

    def _ahead(self, node: Node) -> dict[Node, Expr]:
        """Return the nodes to which general definitions lead from a node, with the greatest sums of offsets."""
        found: dict[Node, Expr] = {}
        work: list[tuple[Node, Expr]] = [(node, Integer(0))]
        while work:
            here, offset = work.pop()
            for edge in self.edges[here]:
                step = edge.reach.last - LAYER
                if edge.start or not step.is_number:
                    continue
                if edge.to not in found or found[edge.to] < offset + step:
                    found[edge.to] = offset + step
                    work.append((edge.to, offset + step))
        return found

    def _lowest(self, node: Node) -> Expr:
        """Return the first layer at which a recursion uses a node."""
        ends = [
            edge.reach.first.xreplace({LAYER: Integer(definition_of(other.family).lowest)})
            for other in self.loops[node]
            for edge in self.edges[other]
            if edge.to == node and not edge.start
        ]
        return max(min(ends), Integer(0)) if all(e.is_Integer for e in ends) else Integer(0)


def _edges(node: Node) -> Iterator[Edge]:
    definition = definition_of(node.family)
    for uses, start in ((definition.uses, False), (definition.start_uses, True)):
        for use in uses:
            units = at_units(use.reach, node.units).units
            # Units that are reckoned with, such as k + 1, would be others at each turn of a recursion.
            kept = tuple(u if u is not None and (u.is_Integer or u in UNITS) else None for u in units)
            yield Edge(Node(use.family, kept, node.hidden | use.hidden), use.reach, start)
