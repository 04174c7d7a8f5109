"""Rules for means, variances and covariances."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Eq, Expr, Integer, KroneckerDelta, Mul, Ne, Pow, Sum, Symbol

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.hypotheses import Kind
from derive.indices import rename_bound
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry, Over
from derive.rules.finite_moments import finite
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class VarianceDefinition(Rule):
    """Var[X] = E[X^2] - E[X]^2"""

    name = "variance-definition"
    words = "The variance is the mean square less the squared mean."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a variance by means."""
        if not isinstance(node, Variance):
            return None
        (quantity,) = node.inside
        after = Average(quantity**2, node.over) - Average(quantity, node.over) ** 2
        return Rewrite(after, finite(setting, node))


@dataclass(frozen=True)
class CovarianceDefinition(Rule):
    """Cov[X, Y] = E[X Y] - E[X] E[Y]"""

    name = "covariance-definition"
    words = "The covariance is the mean product less the product of the means."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a covariance by means."""
        if not isinstance(node, Covariance):
            return None
        left, right = node.inside
        after = Average(left * right, node.over) - Average(left, node.over) * Average(right, node.over)
        return Rewrite(after, finite(setting, node))


@dataclass(frozen=True)
class MomentFromVariance(Rule):
    """E[X^2] = Var[X] + E[X]^2"""

    name = "moment-from-variance"
    words = "Each mean square is a variance plus a squared mean."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean of a square."""
        if isinstance(node, Average) and isinstance(node.inside[0], Pow) and node.inside[0].exp == 2:
            base = node.inside[0].base
            return Rewrite(Variance(base, node.over) + Average(base, node.over) ** 2, finite(setting, node))
        return None


@dataclass(frozen=True)
class SecondMoment(Rule):
    """Var[X] + E[X]^2 = E[X^2]"""

    name = "second-moment"
    words = "A variance and the squared mean together are the mean square."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Join c Var[X] + c E[X]^2 inside a sum of terms."""
        if not isinstance(node, Add):
            return None
        for term in node.args:
            for variance in term.atoms(Variance):
                (quantity,) = variance.inside
                twin = term.xreplace({variance: Average(quantity, variance.over) ** 2})
                if twin in node.args and variance in Mul.make_args(term):
                    joined = term.xreplace({variance: Average(quantity**2, variance.over)})
                    others = (a for a in node.args if a not in (term, twin))
                    return Rewrite(Add(*others, joined), finite(setting, variance))
        return None


@dataclass(frozen=True)
class Linearity(Rule):
    """E[sum_j c X_j + Y] = sum_j c E[X_j] + E[Y]

    Obligation: c does not depend on what the mean is taken over.
    """

    name = "linearity"
    words = "The mean of a sum is the sum of the means."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Distribute a mean over sums and take constants out."""
        if not isinstance(node, Average):
            return None
        after, uses = _mean(node.inside[0], node.over, setting)
        return None if after == node else Rewrite(after, uses | finite(setting, node))


def _mean(quantity: Expr, over: Over, setting: Setting) -> tuple[Expr, frozenset[str]]:
    if isinstance(quantity, Add):
        parts = [_mean(a, over, setting) for a in quantity.args]
        return Add(*(mean for mean, _ in parts)), frozenset().union(*(uses for _, uses in parts))
    if isinstance(quantity, Sum):
        mean, uses = _mean(quantity.function, over, setting)
        return Sum(mean, *quantity.limits), uses
    if not setting.is_random(quantity, over):
        return quantity, setting.stays(quantity, over)
    constants = [f for f in Mul.make_args(quantity) if not setting.is_random(f, over)]
    if constants:
        c = Mul(*constants)
        mean, uses = _mean(quantity / c, over, setting)
        return c * mean, uses | setting.apart(quantity / c, c, over)
    return Average(quantity, over), frozenset()


@dataclass(frozen=True)
class ProductLaw(Rule):
    """E[X Y] = E[X] E[Y] for independent X, Y

    Obligation: independence, from what each depends on.
    """

    name = "product-law"
    words = "The mean of a product of independent quantities is the product of their means."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Factor the mean of a product into factors that are independent."""
        if not isinstance(node, Average) or not isinstance(node.inside[0], Mul):
            return None
        uses = finite(setting, node)
        factors = list(node.inside[0].args)
        parts = []
        while factors:
            first = factors.pop()
            if factors:
                uses |= setting.independent(first, Mul(*factors))
            parts.append(Average(first, node.over))
        return Rewrite(Mul(*parts), uses)


@dataclass(frozen=True)
class Centred(Rule):
    """E[W] = 0

    Obligation: the family is declared to have mean zero.
    """

    name = "zero-mean"
    words = "The mean of this quantity is zero by assumption."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean of a centred scalar by 0."""
        if isinstance(node, Average) and isinstance(node.inside[0], Entry):
            family = node.inside[0].family
            if family.source in node.over.sources and setting.citing(Kind.ZERO_MEAN, family):
                words = Words("By assumption {}.", _equal(node, Integer(0)))
                uses = setting.require(Kind.ZERO_MEAN, family) | setting.of_one_law(family, node.over)
                return Rewrite(Integer(0), uses, words)
        return None


def _equal(left: Expr, right: Expr) -> Expr:
    return Eq(left, right, evaluate=False)


@dataclass(frozen=True)
class DeclaredVariance(Rule):
    """Var[W^i_{lk}] = Var[W^i], the shared variance

    Obligation: the scalars of the family are declared to share their variance.
    """

    name = "shared-variance"
    words = "All scalars of the family share one variance."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the variance of a drawn scalar by the shared one."""
        if not (isinstance(node, Variance) and isinstance(node.inside[0], Entry)):
            return None
        entry = node.inside[0]
        if entry.family.source is None or entry.family.source not in node.over.sources:
            return None
        shared = SharedVariance(entry.family, *(() if entry.layer is None else (entry.layer,)))
        uses = setting.require(Kind.SHARED_VARIANCE, entry.family) | setting.of_one_law(entry.family, node.over)
        return Rewrite(shared, uses, Words("The variance is shared: {}.", _equal(node, shared)))


@dataclass(frozen=True)
class ScaleVariance(Rule):
    """Var[c X] = c^2 Var[X]

    Obligation: c does not depend on what the variance is taken over.
    """

    name = "scale-variance"
    words = "A factor that is fixed comes out of the variance squared."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Take fixed factors out of a variance."""
        if not isinstance(node, Variance):
            return None
        fixed = [f for f in Mul.make_args(node.inside[0]) if not setting.is_random(f, node.over)]
        if not fixed:
            return None
        c = Mul(*fixed)
        rest = node.inside[0] / c
        return Rewrite(c**2 * Variance(rest, node.over), setting.apart(rest, c, node.over))


@dataclass(frozen=True)
class VarianceOfSum(Rule):
    """Var[A + B] = Var[A] + Var[B] + 2 Cov[A, B];  Var[sum_j X_j] = sum_j sum_j' Cov[X_j, X_j']"""

    name = "variance-of-sum"
    words = "The variance of a sum is the sum of all covariances of its terms."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Expand the variance of a sum into covariances."""
        if not isinstance(node, Variance):
            return None
        (total,) = node.inside
        if isinstance(total, Add):
            terms = total.args
            own = [Variance(t, node.over) for t in terms]
            cross = [2 * Covariance(t, u, node.over) for n, t in enumerate(terms) for u in terms[n + 1 :]]
            return Rewrite(Add(*own, *cross), finite(setting, node))
        if isinstance(total, Sum) and len(total.limits) == 1:
            other = rename_bound(total, {total.limits[0][0]})
            cov = Covariance(total.function, other.function, node.over)
            return Rewrite(Sum(cov, *other.limits, *total.limits), finite(setting, node))
        return None


@dataclass(frozen=True)
class Uncorrelated(Rule):
    """Cov[W_j X, W_j' Y] = delta_{jj'} Var[W_j X], and Cov[sum_l W_l X_l, Y] = 0

    Obligation: some centred factor W is independent of all the rest; where the terms carry different indices, of
    the other term's factor too.
    """

    name = "uncorrelated"
    words = "Different terms are uncorrelated: each carries its own centred factor, independent of all the rest."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a covariance by 0, or by a delta times a variance inside a double sum."""
        if isinstance(node, Covariance):
            return Rewrite(Integer(0), self._vanish(node, setting) | finite(setting, node))
        if not (isinstance(node, Sum) and len(node.limits) == 2 and isinstance(node.function, Covariance)):
            return None
        cov = node.function
        (k, _, _), (j, _, upper) = node.limits
        if cov.inside[0].subs(j, k) != cov.inside[1]:
            return None
        uses = self._vanish(cov, setting.with_distinct(j, k)) | finite(setting, cov)
        delta = KroneckerDelta(j, k, (Integer(1), upper))
        after = Sum(delta * Variance(cov.inside[0], cov.over), *node.limits)
        words = Words(
            "For {} the terms are uncorrelated: a weight is independent of all the rest and has mean zero, "
            "so the mean of their product is zero and so is that of each. Only the variances are left.",
            _differ(j, k),
        )
        return Rewrite(after, uses, words)

    def _vanish(self, covariance: Covariance, setting: Setting) -> frozenset[str]:
        """Return the hypotheses by which E[left right] = 0 and one of the means is 0."""
        a, b = covariance.inside
        if isinstance(b, Sum):
            # Two sums may share the name of an index, but not its values.
            b = rename_bound(b, a.atoms(Symbol))
        a, b = (e.function if isinstance(e, Sum) else e for e in (a, b))
        for one, other in ((a, b), (b, a)):
            try:
                return setting.centred_factor(one) | setting.centred_factor(one * other)
            except Undischarged as failure:
                reason = failure
        raise reason


def _differ(left: Expr, right: Expr) -> Expr:
    return Ne(left, right, evaluate=False)


@dataclass(frozen=True)
class IndependentTerms(Rule):
    """sum_j sum_k Cov[X_j, X_k] = sum_j sum_k delta_{jk} Var[X_j] for independent X_j

    Obligation: terms with different indices are independent, from what each depends on.
    """

    name = "independent-terms"
    words = "Different terms are independent, so their covariances vanish."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the covariances in a double sum by a delta times the variances."""
        if not (isinstance(node, Sum) and len(node.limits) == 2 and isinstance(node.function, Covariance)):
            return None
        cov = node.function
        (k, _, _), (j, _, upper) = node.limits
        left, right = cov.inside
        if left.subs(j, k) != right:
            return None
        # What the covariance is not over is fixed, and depends on nothing here.
        random = [Mul(*(f for f in Mul.make_args(e) if setting.is_random(f, cov.over))) for e in (left, right)]
        uses = setting.with_distinct(j, k).independent(*random) | finite(setting, cov)
        delta = KroneckerDelta(j, k, (Integer(1), upper))
        return Rewrite(Sum(delta * Variance(left, cov.over), *node.limits), uses)


@dataclass(frozen=True)
class SameForEveryUnit(Rule):
    """sum_{l=1}^{n} E[u_l^2] = n E[u_l^2], where every unit l of the layer has the same second moment

    Obligation: the weights of a layer are independent with one law, and so are the biases; weights, biases and
    input are independent of each other; at layer 0 the input features share their second moment.
    """

    name = "same-for-every-unit"
    words = "Every unit of the layer has the same law, so the sum is the width times one of its terms."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a sum over units of equal moments by the width times one moment."""
        if not (isinstance(node, Sum) and len(node.limits) == 1 and isinstance(node.function, Average)):
            return None
        index, lower, upper = node.limits[0]
        base, exponent = node.function.inside[0].as_base_exp()
        if exponent != 2 or not isinstance(base, Entry) or base.family.source is not None or base.units != (index,):
            return None
        uses: frozenset[str] = frozenset()
        reached = {r.family for r in setting.reach(base)[0]}
        for family in reached:
            kinds = (
                (Kind.IDENTICAL, Kind.ENTRIES_INDEPENDENT) if family.layered else (Kind.SHARED_VARIANCE, Kind.ZERO_MEAN)
            )
            for kind in kinds:
                uses |= setting.require(kind, family)
        return Rewrite((upper - lower + 1) * node.function, uses | setting.all_independent(*reached))
