"""Rules for logarithms of squared norms: Gaussian columns, logarithms of products and of chi-squared variables."""

from __future__ import annotations

from dataclasses import dataclass

import mpmath
from sympy import Add, Basic, Expr, Float, Integer, Mul, Rational, Sum, Symbol, digamma, expand, log, polygamma, sqrt

from derive.averages import Average, Bracket, Variance
from derive.hypotheses import Kind
from derive.network import Width, n
from derive.proof.derivation import Step
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.randomness import WEIGHTS, Entry, Family
from derive.rules.finite_moments import finite
from derive.rules.fourth import Column, column, variance_of
from derive.rules.positive import positive
from derive.setting import Setting, Undischarged
from derive.words import Words

XI = Family(
    "xi",
    meaning=Words("standard Gaussian variables, one for each unit, independent of all the rest"),
    extents=lambda i: (n(i + 1),),
    source=WEIGHTS,
)
GAUSSIAN_KINDS = (Kind.GAUSSIAN, Kind.ZERO_MEAN, Kind.SHARED_VARIANCE, Kind.ENTRIES_INDEPENDENT)


class BeyondWorlds(Rule):
    """A rule whose obligations no tiny world can see to: they are looked at among what a step cites."""

    def by_second_path(self, step: Step) -> Verdict | None:
        """Return that what the step cites does not discharge the obligations, where it does not."""
        try:
            Rule.apply(self, step.before, step.setting.only(step.uses))
        except Undischarged as missing:
            return Verdict(Grade.FAILED, f"it rests on a hypothesis which the step does not cite ({missing})")
        return super().by_second_path(step)


@dataclass(frozen=True)
class GaussianColumns(BeyondWorlds):
    """E[g(sum_l W_l1 X_l, ..., sum_l W_ln X_l)] = E[g(r xi_1, ..., r xi_n)] with r^2 = Var[W] sum_l X_l^2

    Given the X, sums of independent Gaussians are Gaussian, with the sum of the variances, and those of different
    columns are independent: they are standard Gaussian variables times one length.

    Obligation: the W are Gaussian with mean zero and one variance, independent of each other, of the X and of all the
    rest; the xi are standard Gaussian variables, independent of each other and of all the rest.
    """

    name = "gaussian-columns"
    words = (
        "Given the layers before, sums of independent Gaussian weights are Gaussian, and independent for different "
        "units: standard Gaussian variables times one length."
    )
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Put standard Gaussian variables for the weighted sums in a mean or a variance."""
        if not isinstance(node, Bracket):
            return None
        columns = {total: found for total in node.atoms(Sum) if (found := column(total, node)) is not None}
        if not columns:
            return None
        first = next(iter(columns.values()))
        after = node.xreplace({total: _length(c) * XI(c.weight.layer, c.unit) for total, c in columns.items()})
        uses = setting.of_one_law(first.weight.family, node.over) | setting.of_one_law(XI, node.over)
        for kind in GAUSSIAN_KINDS:
            uses |= setting.require(kind, first.weight.family) | setting.require(kind, XI)
        if len({(c.weight.family, c.weight.layer, c.square) for c in columns.values()}) > 1:
            raise Undischarged("the weighted sums are not of the same quantities, and so have no one length")
        if any(e.family == XI and e.layer == first.weight.layer for e in node.atoms(Entry)):
            raise Undischarged(f"{XI(first.weight.layer, first.unit)} stands for something else already")
        for c in columns.values():
            # All that is left of the layer's weights is the xi.
            for rest in (*(q.xreplace({XI(c.weight.layer, c.unit): Integer(1)}) for q in after.inside), c.rest):
                uses |= setting.independent(c.weight, rest)
        drawn = {r.family for r in setting.reach(first.rest)[0]} | {first.weight.family}
        return Rewrite(after, uses | setting.families_independent({XI}, drawn - {XI}))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Put the sums back, divided by their length; and multiply out the mean square of one of three terms."""
        columns = {e: c for node in before.atoms(Bracket) for e in node.atoms(Sum) if (c := column(e, node))}
        back = {XI(c.weight.layer, c.unit): total / _length(c) for total, c in columns.items()}
        if not back or not after.has(*back) or any(after.has(total) for total in columns):
            return Integer(1)
        return expand(after.xreplace(back) - before) + sum(_unlike_three(c) ** 2 for c in columns.values())


def _length(c: Column) -> Expr:
    """Return the root of Var[W] sum_l X_l^2."""
    return sqrt(variance_of(c.weight) * c.square)


def _unlike_three(c: Column) -> Expr:
    """Return the mean square of a sum of three terms, multiplied out, less its squared length."""
    terms = [(Symbol(f"W_{k}"), Symbol(f"X_{k}")) for k in range(3)]
    squared = expand(Add(*(w * x for w, x in terms)) ** 2)
    mean = Add(*(squared.coeff(w, 2) * variance_of(c.weight) for w, _ in terms))
    function = (_length(c) ** 2).xreplace({c.rest: Symbol("X")})
    (total,) = function.atoms(Sum)
    return mean - function.xreplace({total: Add(*(total.function.subs(Symbol("X"), x) for _, x in terms))})


@dataclass(frozen=True)
class LogOfProduct(Rule):
    """log(u v) = log(u) + log(v), for positive u and v

    Obligation: the factors are positive.
    """

    name = "log-of-product"
    words = "The logarithm of a product is the sum of the logarithms."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Split the logarithm of a product."""
        if not isinstance(node, log) or not isinstance(node.args[0], Mul):
            return None
        factors = node.args[0].args
        return Rewrite(Add(*map(log, factors)), frozenset().union(*(positive(f, setting) for f in factors)))


@dataclass(frozen=True)
class VarianceOfIndependent(Rule):
    """Var[c + X + Y] = Var[X] + Var[Y] for independent X and Y, where c is fixed; Var[c] = 0

    Obligation: independence, from what each depends on.
    """

    name = "variance-of-independent"
    words = "The variances of independent terms add up; what is fixed has none."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the variance of a sum by the sum of the variances."""
        if not isinstance(node, Variance):
            return None
        every = Add.make_args(node.inside[0])
        terms = [t for t in every if setting.is_random(t, node.over)]
        if len(every) == len(terms) == 1:
            return None
        uses, rest = finite(setting, node), list(terms)
        for fixed in set(every) - set(terms):
            uses |= setting.stays(fixed, node.over)
        while len(rest) > 1:
            uses |= setting.independent(rest.pop(), Add(*rest))
        return Rewrite(Add(*(Variance(t, node.over) for t in terms)), uses)


@dataclass(frozen=True)
class LogOfChiSquared(BeyondWorlds):
    """E[log sum_{k=1}^{n} xi_k^2] = log 2 + psi(n/2), and its variance is psi'(n/2), for standard Gaussian xi

    The sum has the density of a chi-squared variable; psi is the logarithmic derivative of the gamma function. Checked
    by integrals over the length of a Gaussian vector.

    Obligation: the xi are Gaussian with mean zero and variance one, independent of each other.
    """

    name = "log-of-chi-squared"
    words = (
        "The squared length of a standard Gaussian vector is a chi-squared variable: its logarithm has these moments."
    )
    source = "Johnson, Kotz & Balakrishnan 1994, chapter 18"
    evidence = Evidence.POINTS

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean or the variance of the logarithm."""
        size = _size_of_chi_squared(node)
        if size is None:
            return None
        uses = setting.of_one_law(XI, node.over)
        for kind in GAUSSIAN_KINDS:
            uses |= setting.require(kind, XI)
        half = size * Rational(1, 2)
        value = log(2) + digamma(half) if isinstance(node, Average) else polygamma(1, half)
        return Rewrite(value, uses)

    def at_points(self, step: Step) -> Verdict:
        """Integrate over the length of Gaussian vectors of a few sizes."""
        nodes = [e for e in step.before.atoms(Bracket) if _size_of_chi_squared(e) is not None]
        for size in _SIZES:
            values = {node: _integral(size, variance=isinstance(node, Variance)) for node in nodes}
            gap = (step.before.xreplace(values) - step.after).replace(Width, lambda *_, size=size: Integer(size))
            found = expand(gap).evalf(30)
            if not found.is_number or abs(found) > 10**-20:
                at = Counterexample({}, {"n": str(size)}, str(step.before.xreplace(values)), "=", str(step.after))
                return Verdict(Grade.FAILED, f"the integral differs for {size} variables by {found}", at)
        return Verdict(Grade.SAMPLED, f"computed by the rule; equal to integrals at {len(_SIZES)} points to 20 digits")


_SIZES = (1, 2, 5, 12)


def _size_of_chi_squared(node: Basic) -> Expr | None:
    """Return n for a mean or a variance of log sum_{k=1}^{n} xi_k^2; None for anything else."""
    if not isinstance(node, Average | Variance) or not isinstance(node.inside[0], log):
        return None
    (total,) = node.inside[0].args
    if not isinstance(total, Sum) or len(total.limits) != 1:
        return None
    (index, lower, upper), (entry, power) = total.limits[0], total.function.as_base_exp()
    mine = isinstance(entry, Entry) and entry.family == XI and entry.units == (index,)
    return upper if mine and power == 2 and lower == 1 else None


def _integral(size: int, *, variance: bool) -> Expr:
    """Return the mean or the variance of log r^2 over the length r of a Gaussian vector, by quadrature."""
    with mpmath.workdps(40):

        def mean(power: int) -> mpmath.mpf:
            def density(r: mpmath.mpf) -> mpmath.mpf:
                return r ** (size - 1) * mpmath.exp(-(r**2) / 2)

            ends = [0, 1, 3, 6, 12, mpmath.inf]
            total = mpmath.quad(density, ends)
            return mpmath.quad(lambda r: (2 * mpmath.log(r)) ** power * density(r), ends) / total

        return Float(str(mean(2) - mean(1) ** 2 if variance else mean(1)), 35)
