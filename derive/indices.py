"""Unit indices: choosing fresh ones, and renaming summation indices so that none is captured."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Basic, Dummy, Product, Sum, Symbol, symbols, sympify

from derive.errors import InputError

CUSTOMARY = "ljkmpq"
J, K, L, M = symbols("j k l m", integer=True)
"""The indices in which theorems are stated."""
T, V = symbols("t u", integer=True)
"""Two samples."""
PLACES = symbols("p r", integer=True), symbols("p' r'", integer=True)
"""Two places along each axis of positions."""


def fresh_index(*taken: Basic, among: str = CUSTOMARY) -> Symbol:
    """Return the first customary unit index that occurs in none of the expressions."""
    used = {s.name for e in taken for s in sympify(e).atoms(Symbol)}
    for name in (c + primes for primes in ("", "'", "''") for c in among):
        if name not in used:
            return Symbol(name, integer=True)
    raise InputError(f"no free unit index left among {among!r}")


def bound_indices(expression: Basic, *kinds: type[Basic]) -> frozenset[Symbol]:
    """Return the indices that sums and products (or only those of the given kinds) of the expression run over."""
    nodes = expression.atoms(*(kinds or (Sum, Product)))
    return frozenset(index for node in nodes for index, *_ in node.limits)


def rename_bound(expression: Basic, taken: Iterable[Symbol]) -> Basic:
    """Return the same expression, its summation indices renamed wherever they are among ``taken``."""
    avoid = frozenset(taken)
    if not avoid & bound_indices(expression):
        return expression

    def rename(node: Basic) -> Basic:
        if isinstance(node, Sum | Product):
            for index, *_ in node.limits:
                if index in avoid:
                    new = fresh_index(expression, node, *avoid, among="jmpql")
                    node = node.xreplace({index: new})
        return node.func(*(rename(a) for a in node.args)) if node.args else node

    return rename(expression)


def nameless(expression: Basic) -> Basic:
    """Return the expression with its dummies numbered, so that two runs of one rule give the same."""
    dummies = sorted(expression.atoms(Dummy), key=lambda dummy: dummy.dummy_index)
    return expression.xreplace({u: Symbol(f"_{u.name}{k}", **u.assumptions0) for k, u in enumerate(dummies)})
