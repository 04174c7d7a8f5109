"""Rules for sums over the units of a layer."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, KroneckerDelta, Mul, Sum

from derive.indices import rename_bound
from derive.proof.rule import Rewrite, Rule, replace_everywhere
from derive.setting import Setting


@dataclass(frozen=True)
class ContractDelta(Rule):
    """sum_j delta_{jk} u_j = u_k

    The delta's range is the sum's own: k is an index of the same layer.
    """

    name = "contract-delta"
    words = "Only the term whose indices agree survives in the sum."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Carry out the sums over all indices that a delta ties to another one."""
        after = _contract_once(node)
        if after is None:
            return None
        # Each time there is a sum less.
        for _ in range(sum(len(inner.limits) for inner in node.atoms(Sum))):
            after = replace_everywhere(after, _contract_once)
        return Rewrite(after)


def _contract_once(node: Expr) -> Expr | None:
    if not isinstance(node, Sum):
        return None
    (index, lower, upper), *more = node.limits
    for delta in Mul.make_args(node.function):
        if isinstance(delta, KroneckerDelta) and index in delta.args[:2] and delta.args[2] == (lower, upper):
            other = delta.args[1] if delta.args[0] == index else delta.args[0]
            rest = rename_bound(node.function / delta, other.free_symbols).subs(index, other)
            return Sum(rest, *more) if more else rest
    factors = Mul.make_args(node.function)
    for n, factor in enumerate(factors):
        inner = _contract_once(factor)
        if inner is not None:
            return Sum(Mul(*factors[:n], inner, *factors[n + 1 :]), *node.limits)
    return None


@dataclass(frozen=True)
class PullOut(Rule):
    """sum_j c u_j = c sum_j u_j, where c does not depend on j"""

    name = "pull-out"
    words = "What does not depend on the summation index comes out of the sum."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Move constant factors in front of a sum."""
        if not isinstance(node, Sum) or len(node.limits) != 1:
            return None
        index = node.limits[0][0]
        outside, inside = node.function.as_independent(index, as_Add=False)
        return None if outside == 1 or inside == 1 else Rewrite(outside * Sum(inside, *node.limits))


@dataclass(frozen=True)
class EqualTerms(Rule):
    """sum_{j=1}^{n} c = n c, where c does not depend on j"""

    name = "equal-terms"
    words = "All terms are equal: the sum is their number times one of them."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a sum of equal terms by a product."""
        if not isinstance(node, Sum) or len(node.limits) != 1:
            return None
        index, lower, upper = node.limits[0]
        return None if node.function.has(index) else Rewrite((upper - lower + 1) * node.function)
