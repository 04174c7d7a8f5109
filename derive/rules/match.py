"""Matching an expression against a lemma's left side, whose free layer and unit indices stand for any index."""

from __future__ import annotations

from sympy import Basic, Expr, Symbol

from derive.indices import rename_bound

Binding = dict[Symbol, Expr]


def match(pattern: Basic, node: Basic, variables: frozenset[Symbol], bound: Binding | None = None) -> Binding | None:
    """Return the indices that make the pattern equal to the node, or None.

    An index expression such as ``i + 1`` matches any index: ``i`` is then that index less one.
    """
    bound = dict(bound or {})
    free = pattern.free_symbols & variables
    if not free:
        return bound if pattern == node else None
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


def _is_index(pattern: Basic) -> bool:
    """Return True for a symbol or an integer shift of one."""
    return isinstance(pattern, Expr) and all(isinstance(a, Symbol) or a.is_Integer for a in pattern.as_ordered_terms())


def instantiate(expression: Basic, binding: Binding) -> Basic:
    """Return the expression at the bound indices, its summation indices renamed where they would clash."""
    taken = {s for value in binding.values() for s in value.free_symbols}
    return rename_bound(expression, taken).xreplace(binding)
