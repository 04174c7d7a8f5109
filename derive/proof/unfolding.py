"""A second way to what depends on what: definitions are put in at numbers for layers, until all that is left is drawn.

It shares nothing with `derive.dependence` but the definitions: no offsets, no intervals, no fixed point.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Add, Expr, Integer, Mul, Product, Sum, Symbol

from derive.averages import Bracket, SharedVariance
from derive.cost import CostFunction, Partial
from derive.dependence import reach
from derive.layers import d
from derive.network import Activation
from derive.proof.derivation import Derivation
from derive.randomness import Entry, Family

Scalar = tuple[Family, int, tuple[Symbol, ...]]
"""A scalar, or some of a layer: units are those of the scalar that is asked about, or `_SOME`."""
_OWN = tuple(Symbol(f"own{k}", integer=True) for k in range(8))
_SOME = Symbol("some", integer=True)
_DEPTH = 3


def wrong_reach(derivation: Derivation) -> list[str]:
    """Return what a derivation's quantities depend on by their definitions, and not by their computed reach."""
    sides = [side for step in derivation.steps if step.uses for side in (step.before, step.after)]
    scalars = {e.family: None for side in sides for e in side.atoms(Entry) if e.family.source is None}
    slopes = {(p.target, p.variable.family): None for side in sides for p in side.atoms(Partial)}
    found = [failure for family in scalars for failure in _left_out(family)]
    for target, family in slopes:
        if isinstance(target, CostFunction):
            found += _left_out_of_gradient(target, family)
    return found


@lru_cache(maxsize=500)
def _left_out(family: Family) -> tuple[str, ...]:
    entries = [_entry(family, layer) for layer in (range(_DEPTH + 1) if family.layered else (0,))]
    return tuple(failure for e in entries for failure in _missing(e, below(e), linear=False, closed_cost=False))


@lru_cache(maxsize=500)
def _left_out_of_gradient(cost: CostFunction, family: Family) -> tuple[str, ...]:
    found: list[str] = []
    for closed, linear in ((True, True), (True, False), (False, False)):
        whole = (cost.linear() if closed else cost.curved()).xreplace({d: Integer(_DEPTH)})
        for layer in range(_DEPTH + 1) if family.layered else (0,):
            used = behind(whole, (family, layer), linear=linear) or frozenset()
            partial = Partial(cost, _entry(family, layer))
            found += _missing(partial, used, linear=linear, closed_cost=closed)
    return tuple(found)


def _entry(family: Family, layer: int) -> Entry:
    return family(*((Integer(layer),) if family.layered else ()), *_OWN[: len(family.extents(Integer(0)))])


def _missing(e: Expr, used: frozenset[Scalar], *, linear: bool, closed_cost: bool) -> list[str]:
    claimed = reach(e, linear=linear, closed_cost=closed_cost)

    def reached(scalar: Scalar) -> bool:
        family, layer, units = scalar
        for r in claimed:
            first, last = (int(end.xreplace({d: Integer(_DEPTH)})) for end in (r.first, r.last))
            alike = all(v in (None, u) for u, v in zip(units, r.units, strict=False))
            if family == r.family and first <= layer <= last and alike:
                return True
        return False

    return [
        f"{e} depends on layer {s[1]} of {s[0].name}, which its computed reach leaves out"
        for s in used
        if s[0].source is not None and not reached(s)
    ]


@lru_cache(maxsize=5_000)
def below(e: Expr) -> frozenset[Scalar]:
    """Return the scalars that an expression comes down to, with those that stand in it."""
    if isinstance(e, Entry):
        return _below(e.family, e.indices)
    if isinstance(e, SharedVariance):
        return frozenset()
    found = frozenset().union(*(below(a) for a in _parts(e)))
    hidden = e.over.sources if isinstance(e, Bracket) else ()
    return frozenset(s for s in found if s[0].source is None or s[0].source not in hidden)


def _below(family: Family, indices: tuple[Expr, ...]) -> frozenset[Scalar]:
    layer = int(indices[0]) if family.layered else 0
    units = tuple(u if u in _OWN else _SOME for u in indices[family.layered :])
    here = frozenset({(family, layer, units)})
    placed = (*indices[: family.layered], *units)
    return here if family.source is not None else here | below(family.defined(*placed).xreplace({d: Integer(_DEPTH)}))


@lru_cache(maxsize=5_000)
def behind(e: Expr, scalar: tuple[Family, int], *, linear: bool) -> frozenset[Scalar] | None:
    """Return the scalars that the derivative of an expression by a scalar depends on; None where it is zero."""
    if all(s[:2] != scalar for s in below(e)):
        return None
    if isinstance(e, Entry):
        if (e.family, int(e.layer or 0)) == scalar:
            return frozenset()
        return behind(e.family.defined(*e.indices).xreplace({d: Integer(_DEPTH)}), scalar, linear=linear)
    inside = _parts(e)
    slopes = [(a, slope) for a in inside if (slope := behind(a, scalar, linear=linear)) is not None]
    found = frozenset().union(*(slope for _, slope in slopes))
    if isinstance(e, Mul):
        rest = ([b for b in inside if b is not a] for a, _ in slopes)
        return found.union(*(below(b) for others in rest for b in others))
    if isinstance(e, Add | Sum) or (linear and isinstance(e, Activation)):
        return found
    return found.union(*(below(a) for a in inside))


def _parts(e: Expr) -> list[Expr]:
    """Return what an expression is made of; a sum over layers term by term."""
    if not isinstance(e, Sum | Product):
        return [a for a in (e.inside if isinstance(e, Bracket) else e.args) if isinstance(a, Expr)]
    terms = [e.function]
    for index, lower, upper in e.limits:
        if any(entry.layer is not None and entry.layer.has(index) for entry in e.function.atoms(Entry)):
            terms = [t.xreplace({index: Integer(v)}) for t in terms for v in range(int(lower), int(upper) + 1)]
        else:
            terms = [t.xreplace({index: _SOME}) for t in terms]
    return terms
