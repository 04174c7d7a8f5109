"""What depends on what: the drawn scalars that an expression reaches, with symbolic layer ranges.

``z^i`` depends on ``x``, on ``W^{i'}`` and on ``b^{i'}`` for ``i' < i``; in the linear regime ``dCost/ds^i`` depends on
``W^{i'}`` for ``i' > i`` and on ``dCost/ds^d``. Both closures are stated once, here; `check_closures` proves them by
induction over the layers from the definitions and the derived backward recursion.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, Product, Sum, Symbol, sympify

from derive.averages import Bracket, SharedVariance
from derive.errors import InputError
from derive.layers import Facts, d
from derive.network import Cost, Partial, W, b, g, s, x, z
from derive.randomness import Entry, Family


@dataclass(frozen=True)
class Reach:
    """Drawn scalars of one family: layers ``first..last``, and units, where None stands for all of them."""

    family: Family
    first: Expr
    last: Expr
    units: tuple[Expr | None, ...]

    def forget(self, index: Symbol) -> Reach:
        """Return this reach with a summed index replaced by "all"."""
        units = tuple(None if u is not None and u.has(index) else u for u in self.units)
        return Reach(self.family, self.first, self.last, units)

    def disjoint(self, other: Reach, facts: Facts, differ: frozenset[frozenset[Expr]]) -> bool:
        """Return True when no drawn scalar is in both."""
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
            and (facts.less(self.last, self.first) or facts.at_least(self.first, other.first))
            and (facts.less(self.last, self.first) or facts.at_least(other.last, self.last))
            and all(v is None or u == v for u, v in zip(self.units, other.units, strict=True))
        )


def _all(family: Family, first: Expr | int = 0, last: Expr | int = 0) -> Reach:
    return Reach(family, sympify(first), sympify(last), (None,) * len(family.extents(Integer(0))))


def _forward(i: Expr) -> frozenset[Reach]:
    return frozenset({_all(x), _all(W, 0, i - 1), _all(b, 0, i - 1)})


def _backward(i: Expr) -> frozenset[Reach]:
    return frozenset({_all(g), _all(W, i + 1, d)})


def _everything() -> frozenset[Reach]:
    return frozenset({_all(x), _all(g), _all(W, 0, d), _all(b, 0, d)})


def reach(expression: Expr, *, linear: bool, closed_cost: bool) -> frozenset[Reach]:
    """Return the drawn scalars that an expression depends on.

    ``linear`` says that ``f' = 1``; ``closed_cost`` that ``dCost/ds^d`` is drawn on its own, apart from ``s^d``.
    """

    def of(e: Expr) -> frozenset[Reach]:
        if isinstance(e, Entry):
            known = e.family in (z, s) or e.family.source is not None
            return _of_entry(e) if known else of(e.definition)
        if isinstance(e, Partial):
            return _of_partial(e, linear=linear, closed_cost=closed_cost)
        if isinstance(e, SharedVariance):
            return frozenset()
        if isinstance(e, Bracket):
            inside = frozenset().union(*map(of, e.inside))
            return frozenset(r for r in inside if r.family.source not in e.over.sources)
        if isinstance(e, Sum | Product):
            found = of(e.function)
            for index, *_ in e.limits:
                found = frozenset(r.forget(index) for r in found)
            return found
        return frozenset().union(*map(of, e.args))

    return of(sympify(expression))


def _of_entry(entry: Entry) -> frozenset[Reach]:
    family, i = entry.family, entry.layer
    if family == z:
        return _forward(i)
    if family == s:
        (k,) = entry.units
        return _forward(i) | {Reach(W, i, i, (None, k)), Reach(b, i, i, (k,))}
    layer = Integer(0) if i is None else i
    return frozenset({Reach(family, layer, layer, entry.units)})


def _of_partial(partial: Partial, *, linear: bool, closed_cost: bool) -> frozenset[Reach]:
    variable = partial.variable
    if partial.target != Cost or not isinstance(variable, Entry):
        raise InputError(f"dependence is known for derivatives of the cost, got {partial}")
    if linear and closed_cost and variable.family == s:
        return _backward(variable.layer)
    return _everything()


def check_closures(backward_step: Expr, i: Symbol) -> None:
    """Prove both closures by induction; ``backward_step`` is the derived right-hand side of dCost/ds^i_k, i < d.

    Raises `InputError` with the range that escapes. At the last layer the gradient is drawn, by hypothesis.
    """
    k = Symbol("k", integer=True)

    def contained(expression: Expr, claim: frozenset[Reach], facts: Facts) -> None:
        for r in reach(expression, linear=True, closed_cost=True):
            if not any(r.within(c, facts) for c in claim):
                raise InputError(f"{expression} reaches {r}, outside the claimed range")

    contained(z(0, k).definition, _forward(Integer(0)), Facts())
    contained(z(i, k).definition, _forward(i), Facts((i - 1,)))
    contained(g(k), _backward(d), Facts())
    contained(backward_step, _backward(i), Facts((i, d - 1 - i)))
