"""Indices that are left out of a quantity, until it is known which they are."""

from __future__ import annotations

from sympy import Basic, Dummy, Expr, Integer, Symbol, expand

from derive.averages import SharedVariance
from derive.cost import CostFunction, Partial
from derive.randomness import Entry

OUT, IN, ROW, *MORE = (Dummy(c, integer=True) for c in "klmjpq")
"""The index of a vector that is left out, that of the other side of a matrix, and that of a vector by a matrix."""
LEFT_OUT = frozenset((OUT, IN, ROW, *MORE))


def shared(quantity: Expr) -> SharedVariance | None:
    """Return the one variance that all scalars of a drawn family have, where the quantity is any of them."""
    if isinstance(quantity, Partial) and isinstance(quantity.target, CostFunction):
        cost, by = quantity.target, quantity.variable
        quantity = cost.gradient(*by.units) if isinstance(by, Entry) and cost.is_output(by) else quantity
    if not isinstance(quantity, Entry) or quantity.family.source is None or not quantity.units:
        return None
    if any(u not in LEFT_OUT for u in quantity.units):
        return None
    return SharedVariance(quantity.family, *((quantity.layer,) if quantity.layer is not None else ()))


def left_out(e: Expr) -> set[Basic]:
    """Return the two indices of a matrix as far as they are left out."""
    return e.free_symbols & {OUT, IN}


def extent(e: Expr, axis: Symbol) -> Expr | None:
    """Return how many values an index that is left out has."""
    for entry in sorted(e.atoms(Entry), key=str):
        for unit, size in zip(entry.units, entry.family.extents(entry.layer or Integer(0)), strict=True):
            if unit == axis:
                return expand(size)
    return None
