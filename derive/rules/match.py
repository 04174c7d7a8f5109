"""Matching an expression against a lemma's left side, whose free layer and unit indices stand for any index."""

from __future__ import annotations

from sympy import Add, Basic, Expr, Product, Sum, Symbol

from derive.indices import bound_indices, rename_bound
from derive.layers import d

Binding = dict[Symbol, Expr]


def index_variables(pattern: Basic) -> frozenset[Symbol]:
    """Return what stands for any index in a pattern: its free integer symbols, but the depth."""
    return frozenset(v for v in pattern.free_symbols if v.is_integer) - {d}


def matches(pattern: Basic, node: Basic, variables: frozenset[Symbol]) -> Binding | None:
    """Return the indices that make the whole pattern equal to the whole node, or None; see `match`.

    An index that is bound inside the node has no meaning outside it, so that none may stand for it.
    """
    binding = match(pattern, node, variables)
    if binding is None:
        return None
    inner = bound_indices(node) - node.free_symbols
    return None if any(value.free_symbols & inner for value in binding.values()) else binding


def match(pattern: Basic, node: Basic, variables: frozenset[Symbol], bound: Binding | None = None) -> Binding | None:
    """Return the indices that make the pattern equal to the node, or None.

    An index expression such as ``i + 1`` matches any index: ``i`` is then that index less one. What a sum's own index
    is called does not matter.
    """
    bound = dict(bound or {})
    pattern = _called_alike(pattern, node)
    free = pattern.free_symbols & variables
    if pattern == node and not free:
        return bound
    if not free and not bound_indices(pattern):
        return None
    if _is_index(pattern):
        unbound = [v for v in free if v not in bound]
        if not unbound:
            return bound if (pattern.xreplace(bound) - node).expand() == 0 else None
        if len(unbound) > 1 or not isinstance(node, Expr):
            return None
        (v,) = unbound
        bound[v] = (node - pattern.xreplace(bound).subs(v, 0)).expand()
        return bound
    if pattern.func != node.func or len(pattern.args) != len(node.args):
        return None
    for p, q in zip(pattern.args, node.args, strict=True):
        found = match(p, q, variables, bound)
        if found is None:
            return None
        bound = found
    return bound


def _called_alike(pattern: Basic, node: Basic) -> Basic:
    """Return the pattern with the indices of its outermost sum or product called as those of the node."""
    if not isinstance(pattern, Sum | Product) or pattern.func != node.func or len(pattern.limits) != len(node.limits):
        return pattern
    names = {p: q for (p, *_), (q, *_) in zip(pattern.limits, node.limits, strict=True) if p != q}
    # A name that stands for something else in the pattern stays.
    clash = set(names.values()) & (pattern.free_symbols | bound_indices(pattern))
    return pattern if clash else pattern.xreplace(names)


def _is_index(pattern: Basic) -> bool:
    """Return True for a symbol or an integer shift of one."""
    return isinstance(pattern, Expr) and all(isinstance(a, Symbol) or a.is_Integer for a in Add.make_args(pattern))


def instantiate(expression: Basic, binding: Binding) -> Basic:
    """Return the expression at the bound indices, its summation indices renamed where they would clash."""
    taken = {s for value in binding.values() for s in value.free_symbols}
    return rename_bound(expression, taken).xreplace(binding)
