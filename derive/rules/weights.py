"""Rules for second moments of weighted sums: weights are centred, and independent of all that they multiply."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, Max, Min, Mul, Sum, Symbol

from derive.averages import Average, SharedVariance
from derive.hypotheses import Kind
from derive.indices import rename_bound
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry, Family
from derive.rules.finite_moments import finite
from derive.rules.sums import repeated
from derive.setting import Setting, Undischarged
from derive.words import Words

Range = tuple[Expr, Expr]


@dataclass(frozen=True)
class WeightedSums(Rule):
    """E[sum_{a in A} W_a X_a sum_{b in B} W_b Y_b] = Var[W] sum_{a in A and B} E[X_a Y_a], and E[sum_a W_a X_a Y] = 0

    The sums may run over several indices, and over others that the weights do not have.

    Obligation: the W are drawn with mean zero and one variance, independently of each other and of all X and Y.
    """

    name = "weighted-sums"
    words = (
        "Weights have mean zero and are independent of each other and of all the rest: only products of a weight with "
        "itself are left."
    )

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean of a product with one or two weighted sums in it."""
        if not isinstance(node, Average):
            return None
        factors = [f for power in Mul.make_args(node.inside[0]) for f in repeated(power)]
        first = next((f for f in factors if isinstance(f, Sum)), None)
        if first is None or len(factors) > 2:
            return None
        factors.remove(first)
        rest = Mul(*factors)
        weight = _weight(first, node, setting)
        if weight is None:
            return None
        # Indices that are bound inside stay as they are: equal factors remain equal.
        second = rename_bound(rest, first.free_symbols | {*_indices(first)})
        partner = _weight(second, node, setting, weight) if isinstance(second, Sum) else None
        if partner is None:
            inside = second.function if isinstance(second, Sum) else second
            return Rewrite(Integer(0), setting.centred_factor(first.function * inside) | finite(setting, node))
        return self._paired(node, (first, weight), (second, partner), setting)

    def _paired(
        self, node: Average, one: tuple[Sum, Entry], two: tuple[Sum, Entry], setting: Setting
    ) -> Rewrite | None:
        """Return the sum over the weights that both sums have."""
        (first, weight), (second, partner) = one, two
        same = {b: a for a, b in zip(weight.units, partner.units, strict=True) if a != b}
        mine, its = _limits(first), _limits(second)
        if not (same.keys() <= its.keys() and set(same.values()) <= mine.keys()) or not same:
            return None
        x, y = first.function / weight, second.function / partner
        b, a = next(iter(same.items()))
        uses = setting.with_distinct(a, b).centred_factor(first.function * second.function)
        for kind in (Kind.ZERO_MEAN, Kind.SHARED_VARIANCE, Kind.ENTRIES_INDEPENDENT):
            uses |= setting.require(kind, weight.family)
        uses |= setting.independent(weight, x * y) | setting.of_one_law(weight.family, node.over)
        limits = []
        for index, (low, high) in mine.items():
            twin = next((b for b, a in same.items() if a == index), None)
            low, high = (low, high) if twin is None else _both((low, high), its[twin])
            limits.append((index, low, high))
        limits += [(index, *ends) for index, ends in its.items() if index not in same]
        mean = Average((x * y).subs(same, simultaneous=True), node.over)
        return Rewrite(_shared(weight) * Sum(mean, *limits), uses | finite(setting, node))


def _both(one: Range, other: Range) -> Range:
    """Return the ends of what two ranges share."""
    # Widths cannot be compared, and need not be where they are the same.
    low, high = ((u,) if u == v else (u, v) for u, v in zip(one, other, strict=True))
    return (low[0] if len(low) == 1 else Max(*low)), (high[0] if len(high) == 1 else Min(*high))


def _indices(total: Sum) -> tuple[Symbol, ...]:
    return tuple(index for index, *_ in total.limits)


def _limits(total: Sum) -> dict[Symbol, Range]:
    return {index: (low, high) for index, low, high in total.limits}


def _weight(total: Sum, node: Average, setting: Setting, like: Entry | None = None) -> Entry | None:
    """Return the centred drawn factor whose indices the sum runs over, of one family with another where given.

    Of several, one whose scalars are independent of each other.
    """
    found = [
        factor
        for factor in Mul.make_args(total.function)
        if isinstance(factor, Entry)
        and (like is None or (factor.family, factor.layer) == (like.family, like.layer))
        and factor.family.source in node.over.sources
        and setting.citing(Kind.ZERO_MEAN, factor.family)
        and {*factor.units} & {*_indices(total)}
    ]
    independent = (w for w in found if setting.citing(Kind.ENTRIES_INDEPENDENT, w.family))
    return next(independent, found[0] if found else None)


@dataclass(frozen=True)
class SplitOff(Rule):
    """E[D X] = E[D] E[X] for D drawn independently of X

    D is a power of one drawn scalar, or all scalars of ``together`` in the product.

    Obligation: independence, from what each depends on; two scalars of one family of which nothing says that they
    differ stay together.
    """

    together: Family | None = None
    name = "split-off"
    words = "What is drawn independently of all the rest has a mean of its own."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Take the first drawn factor out that is independent of the others."""
        if not isinstance(node, Average) or not isinstance(node.inside[0], Mul):
            return None
        for factor in self._drawn(node):
            rest = node.inside[0] / factor
            if rest == 1:
                continue
            try:
                uses = setting.independent(factor, rest) | finite(setting, node)
            except Undischarged:
                continue
            words = Words("{} is independent of all the rest.", factor.as_base_exp()[0])
            return Rewrite(Average(factor, node.over) * Average(rest, node.over), uses, words)
        return None

    def _drawn(self, node: Average) -> list[Expr]:
        drawn = {f: f.as_base_exp()[0] for f in node.inside[0].args}
        drawn = {f: e for f, e in drawn.items() if isinstance(e, Entry) and e.family.source in node.over.sources}
        if self.together is None:
            return [*drawn]
        return [Mul(*(f for f, e in drawn.items() if e.family == self.together))]


@dataclass(frozen=True)
class CentredSquare(Rule):
    """E[W^2] = Var[W] for a drawn W of mean zero

    Obligation: the family is declared to have mean zero and one variance.
    """

    name = "centred-square"
    words = "Its mean is zero: the mean square is the variance."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean square of a centred scalar by the variance that it shares."""
        if not isinstance(node, Average):
            return None
        entry, exponent = node.inside[0].as_base_exp()
        if exponent != 2 or not isinstance(entry, Entry) or entry.family.source not in node.over.sources:
            return None
        if not setting.citing(Kind.ZERO_MEAN, entry.family):
            return None
        uses = setting.require(Kind.ZERO_MEAN, entry.family) | setting.require(Kind.SHARED_VARIANCE, entry.family)
        uses |= setting.of_one_law(entry.family, node.over) | finite(setting, node)
        return Rewrite(_shared(entry), uses)


def _shared(entry: Entry) -> SharedVariance:
    return SharedVariance(entry.family, *(() if entry.layer is None else (entry.layer,)))
