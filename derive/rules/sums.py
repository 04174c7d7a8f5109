"""Rules for sums over the units of a layer."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Basic, Expr, Integer, KroneckerDelta, Mul, Pow, Sum, Symbol

from derive.indices import rename_bound
from derive.notation import structure
from derive.proof.instances import numbered
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
    for index, lower, upper in node.limits:
        more = [limit for limit in node.limits if limit[0] != index]
        if any(end.has(index) for _, *ends in more for end in ends):
            continue
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
        if not isinstance(node, Sum):
            return None
        outside, inside = node.function.as_independent(*(index for index, *_ in node.limits), as_Add=False)
        return None if outside == 1 or inside == 1 else Rewrite(outside * Sum(inside, *node.limits))


@dataclass(frozen=True)
class BringIn(Rule):
    """c sum_j u_j = sum_j c u_j"""

    name = "bring-in"
    words = "A factor of a sum is one of every term."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Move the factors in front of the only sum in a product into it."""
        sums = [f for f in Mul.make_args(node) if isinstance(f, Sum)]
        if len(sums) != 1 or node == sums[0]:
            return None
        others = node / sums[0]
        total = rename_bound(sums[0], others.atoms(Symbol))
        return Rewrite(Sum(others * total.function, *total.limits))


@dataclass(frozen=True)
class SplitSum(Rule):
    """sum_j (u_j + v_j) = sum_j u_j + sum_j v_j"""

    name = "split-sum"
    words = "A sum of sums is taken term by term."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Distribute a sum over the terms of what it sums."""
        if not isinstance(node, Sum) or not isinstance(node.function, Add):
            return None
        return Rewrite(Add(*(Sum(term, *node.limits) for term in node.function.args)))


@dataclass(frozen=True)
class OneIndex(Rule):
    """sum_j u_j + c sum_k u_k = (1 + c) sum_j u_j: what an index is called does not matter"""

    name = "one-index"
    words = "Sums that differ in the name of their index are one sum."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Call the indices of equal sums by one name."""
        if not isinstance(node, Add):
            return None
        called: dict[Basic, Basic] = {}
        for total in sorted(node.atoms(Sum), key=structure):
            called.setdefault(numbered(total), total)
        after = node.xreplace({total: called[numbered(total)] for total in node.atoms(Sum)})
        return None if after == node else Rewrite(after)


@dataclass(frozen=True)
class EqualTerms(Rule):
    """sum_{j=1}^{n} c = n c, where c does not depend on j"""

    name = "equal-terms"
    words = "All terms are equal: the sum is their number times one of them."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a sum by its number of terms times a sum over the indices that its terms depend on."""
        if not isinstance(node, Sum):
            return None
        kept = list(node.limits)
        count = Integer(1)
        for limit in node.limits:
            index, lower, upper = limit
            others = [other for other in kept if other != limit]
            ends = [end for _, *both in others for end in both]
            free = not any(lower.has(other) or upper.has(other) for other, *_ in others)
            if free and not any(e.has(index) for e in (node.function, *ends)):
                kept, count = others, count * (upper - lower + 1)
        if len(kept) == len(node.limits):
            return None
        return Rewrite(count * (Sum(node.function, *kept) if kept else node.function))


@dataclass(frozen=True)
class JoinSums(Rule):
    """sum_j u_j sum_k v_jk = sum_j sum_k u_j v_jk"""

    name = "join-sums"
    words = "A sum inside a sum is one sum over both."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Write nested sums as one."""
        if not isinstance(node, Sum):
            return None
        factors, limits = list(Mul.make_args(node.function)), list(node.limits)
        inner = next((f for f in factors if isinstance(f, Sum)), None)
        if inner is None:
            return None
        factors.remove(inner)
        inner = rename_bound(inner, Mul(*factors).atoms(Symbol) | {index for index, *_ in limits})
        after = Sum(Mul(*factors, inner.function), *inner.limits, *limits)
        deeper = self.rewrite(after, setting)
        return Rewrite(after) if deeper is None else deeper


@dataclass(frozen=True)
class MultiplySums(Rule):
    """c sum_j u_j sum_k v_k = sum_j sum_k c u_j v_k"""

    name = "multiply-sums"
    words = "A product of two sums is a sum over both."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Write a product with two sums in it, or a squared sum, as one sum."""
        if not isinstance(node, Mul | Pow):
            return None
        factors = [f for power in Mul.make_args(node) for f in repeated(power)]
        sums = [f for f in factors if isinstance(f, Sum)]
        if len(sums) != 2:
            return None
        others = Mul(*(f for f in factors if not isinstance(f, Sum)))
        first = rename_bound(sums[0], others.atoms(Symbol))
        second = rename_bound(sums[1], others.atoms(Symbol) | first.atoms(Symbol))
        return Rewrite(Sum(others * first.function * second.function, *first.limits, *second.limits))


def repeated(power: Expr) -> list[Expr]:
    """Return the base of a power as often as its exponent says, or the power where that is no number of times."""
    base, exponent = power.as_base_exp()
    return [base] * int(exponent) if exponent.is_Integer and exponent > 0 else [power]
