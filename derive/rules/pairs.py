"""Rules for pairs of units of one layer: equal ones and others, and their numbers; scalars of one law."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from sympy import Expr, KroneckerDelta, Mul, Sum

from derive.averages import Average
from derive.hypotheses import Kind
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry
from derive.setting import Setting, Undischarged


@dataclass(frozen=True)
class SplitDiagonal(Rule):
    """sum_j sum_k X_jk = sum_k X_kk + sum_j sum_k (1 - delta_jk) X_jk"""

    name = "split-diagonal"
    words = "A pair of units is one unit twice, or two that differ."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Part a sum over two indices of one range into equal and unequal ones."""
        if not isinstance(node, Sum) or len(node.limits) != 2 or unequal(node):
            return None
        (j, *ends), (k, *others) = node.limits
        if ends != others:
            return None
        other = (1 - KroneckerDelta(j, k, tuple(ends))) * node.function
        return Rewrite(Sum(node.function.subs(j, k), (k, *ends)) + Sum(other, *node.limits))


def unequal(node: Sum) -> frozenset[Expr] | None:
    """Return the two indices of which the terms of a sum say that they differ, by the factor 1 - delta."""
    for factor in Mul.make_args(node.function):
        delta = 1 - factor
        if isinstance(delta, KroneckerDelta):
            return frozenset(delta.args[:2])
    return None


@dataclass(frozen=True)
class EqualPairs(Rule):
    """sum_{j=1}^{n} sum_{k=1}^{n} (1 - delta_jk) c = n (n - 1) c, where c does not depend on j and k"""

    name = "equal-pairs"
    words = "All pairs of different units have equal terms: the sum is their number times one of them."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Count the pairs."""
        apart = unequal(node) if isinstance(node, Sum) and len(node.limits) == 2 else None
        if apart is None:
            return None
        (j, low, high), (k, *_) = node.limits
        term = Mul(*(f for f in Mul.make_args(node.function) if not isinstance(1 - f, KroneckerDelta)))
        if apart != {j, k} or node.limits[1] != (k, low, high) or term.has(j, k):
            return None
        count = high - low + 1
        return Rewrite(count * (count - 1) * term)


@dataclass(frozen=True)
class OneLaw(Rule):
    """E[g(W_lk)] = E[g(W_11)], for scalars of one law

    Obligation: the scalars of the family (in a layer) are declared to have one law.
    """

    name = "one-law"
    words = "All of them have the same law: take the first."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Put the first scalar for another one."""
        if not isinstance(node, Average):
            return None
        entries = node.inside[0].atoms(Entry)
        if len(entries) != 1:
            return None
        (entry,) = entries
        first = entry.func(entry.family, *entry.indices[: entry.family.layered], *(1 for _ in entry.units))
        if entry.family.source not in node.over.sources or entry == first:
            return None
        uses = setting.require(Kind.IDENTICAL, entry.family) | setting.of_one_law(entry.family, node.over)
        return Rewrite(Average(node.inside[0].xreplace({entry: first}), node.over), uses)


class OnUnits(Rule):
    """A rule for a mean that speaks of units which differ: by the setting, or by the sum that the mean is in."""

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Rewrite a mean, or the mean inside a sum over units that differ."""
        if isinstance(node, Average):
            return self.mean(node, setting)
        apart = unequal(node) if isinstance(node, Sum) else None
        if apart is None:
            return None
        for factor in Mul.make_args(node.function):
            made = self.mean(factor, setting.with_distinct(*apart)) if isinstance(factor, Average) else None
            if made is not None:
                return Rewrite(Sum(node.function.xreplace({factor: made.after}), *node.limits), made.uses)
        return None

    def mean(self, node: Average, setting: Setting) -> Rewrite | None:
        """Return what becomes of a mean."""
        raise NotImplementedError


def require_apart(units: Iterable[Expr], setting: Setting) -> None:
    """Raise `Undischarged` unless no two of some units are the same."""
    for one, other in combinations(units, 2):
        known = frozenset((one, other)) in setting.differ
        if not (known or (one - other).is_nonzero):
            raise Undischarged(f"nothing says that the units {one} and {other} differ")
