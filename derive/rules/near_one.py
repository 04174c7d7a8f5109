"""Rules for the correlation map near correlation 1: its expansion for a smooth activation, and for one with kinks."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import (
    Add,
    Basic,
    Derivative,
    DiracDelta,
    Dummy,
    Expr,
    Integer,
    Integral,
    Mul,
    Subs,
    Sum,
    Symbol,
    exp,
    expand,
    factor,
    factorial,
    limit,
    pi,
    simplify,
    sqrt,
)

from derive.errors import InputError
from derive.gaussian import GaussianExpectation
from derive.hypotheses import Kind
from derive.indices import J, K
from derive.proof.derivation import Derivation, Step
from derive.proof.rule import Evidence, Rewrite, Rule, RuleDoesNotApply
from derive.rules.any_activation import (
    CORRELATION,
    CURVATURE_OF_F,
    GAP,
    KINKED,
    KINKS,
    SMOOTH,
    SMOOTH_CURVATURE,
    TIME,
    AsymptoticOnExamples,
    Example,
    F,
    KinkAt,
    SlopeJump,
    TriedOnExamples,
    W,
    pair,
)
from derive.rules.decay import opaque
from derive.rules.lemma import equality, require_hypotheses
from derive.rules.wide import U
from derive.setting import Setting
from derive.words import Words


def at_one(order: int) -> Expr:
    """Return the derivative of E[f(u) f(w)] by the correlation, at correlation 1, not carried out."""
    return Subs(Derivative(pair(F, F), (CORRELATION, order)), CORRELATION, 1)


@dataclass(frozen=True)
class ExpandNearOne(AsymptoticOnExamples):
    """C(1 - e) = C(1) - e C'(1) + e^2 C''(1)/2 - ..., for C(c) = E[f(u) f(w)] at correlation c

    ``slopes`` are the lemmas that give the derivatives of C at 1, in order. Obligation: one derivative of f more than
    these, for the remainder.
    """

    slopes: tuple[Derivation, ...]
    name = "expand-near-one"
    words = "Expand about correlation one."
    small = GAP

    def reach(self) -> Expr:
        """Return the power of the first term without a lemma."""
        return Integer(len(self.slopes) + 1)

    def examples(self, step: Step) -> tuple[Example, ...]:
        """Derivatives of all orders are functions."""
        return SMOOTH

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the expectation at correlation 1 - e by its Taylor polynomial."""
        if node != pair(F, F, 1 - GAP):
            return None
        uses = setting.require(Kind.SMOOTH, order=len(self.slopes) + 1)
        total = pair(F, F, Integer(1))
        for k, lemma in enumerate(self.slopes, start=1):
            if lemma.statement.lhs != at_one(k) or lemma.statement.relation != "=":
                raise InputError(f"{lemma.name} does not give derivative {k} at correlation 1")
            uses |= require_hypotheses(lemma, setting)
            total += (-GAP) ** k / factorial(k) * lemma.result
        return Rewrite(total, uses, Words("Expand for small {}.", GAP), self.slopes)


@dataclass(frozen=True)
class TaylorRemainder(TriedOnExamples):
    """C(1 - e) = C(1) - e C'(1) + int_0^e (e - t) C''(1 - t) dt, for C(c) = E[f(u) f(w)] at correlation c

    ``slope`` is the lemma that gives C'(1), ``curvature`` the one that gives C''(c), with f'' a distribution.
    """

    slope: Derivation
    curvature: Derivation
    name = "taylor-remainder"
    words = "Taylor's theorem with its remainder as an integral."

    def examples(self, step: Step) -> tuple[Example, ...]:
        """One smooth activation, and those with kinks."""
        return (SMOOTH[0], *KINKED)

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the expectation at correlation 1 - e."""
        if node != pair(F, F, 1 - GAP):
            return None
        start = Derivative(pair(F, F), CORRELATION, CORRELATION)
        if equality(self.slope).lhs != at_one(1) or equality(self.curvature).lhs != start:
            raise InputError(f"{self.slope.name} and {self.curvature.name} do not give the first two derivatives")
        uses = require_hypotheses(self.slope, setting) | require_hypotheses(self.curvature, setting)
        inner = self.curvature.result.subs(CORRELATION, 1 - TIME)
        remainder = Integral((GAP - TIME) * inner, (TIME, 0, GAP))
        after = pair(F, F, Integer(1)) - GAP * self.slope.result + remainder
        return Rewrite(after, uses, lemmas=(self.slope, self.curvature))


@dataclass(frozen=True)
class SplitKinks(TriedOnExamples):
    """f''(u) = g(u) + sum_j J_j delta(u - p_j): the smooth curvature, and a delta at each kink

    Inside E[f''(u) f''(w)], multiplied out; the expectation of a sum is the sum of the expectations.
    Obligation: f is continuous, and smooth but for finitely many kinks.
    """

    name = "split-kinks"
    words = "The curvature is a smooth part and a delta at each kink."

    def examples(self, step: Step) -> tuple[Example, ...]:
        """Without kinks there is nothing to split."""
        return KINKED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the curvatures by smooth parts and deltas."""
        if not isinstance(node, GaussianExpectation) or node.integrand != CURVATURE_OF_F(U) * CURVATURE_OF_F(W):
            return None
        uses = setting.require(Kind.KINKED)

        def mean(g: Expr) -> Expr:
            return GaussianExpectation.of(g, node.variables, node.mean, node.covariance)

        deltas = DiracDelta(U - KinkAt(J)) * DiracDelta(W - KinkAt(K))
        after = (
            mean(SMOOTH_CURVATURE(U) * SMOOTH_CURVATURE(W))
            + 2 * Sum(SlopeJump(J) * mean(SMOOTH_CURVATURE(U) * DiracDelta(W - KinkAt(J))), (J, 1, KINKS))
            + Sum(SlopeJump(J) * SlopeJump(K) * mean(deltas), (J, 1, KINKS), (K, 1, KINKS))
        )
        return Rewrite(after, uses)


@dataclass(frozen=True)
class JointDensity(TriedOnExamples):
    """E[delta(u - a) delta(w - b)] = exp(-(a^2 - 2 c a b + b^2)/(2 q (1 - c^2)))/(2 pi q sqrt(1 - c^2))"""

    name = "joint-density"
    words = "The mean of two deltas is the joint density of the two variables."

    def examples(self, step: Step) -> tuple[Example, ...]:
        """Without kinks there is nothing to see."""
        return KINKED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace an expectation of two deltas by the normal density."""
        if not isinstance(node, GaussianExpectation) or len(node.variables) != 2 or any(node.mean):
            return None
        deltas = node.integrand.atoms(DiracDelta)
        if len(deltas) != 2 or node.integrand != Mul(*deltas):
            return None
        a, b = ((z - d.args[0]) for z in node.variables for d in deltas if d.has(z))
        (q, shared), (_, second) = node.covariance
        if second != q or a.has(*node.variables) or b.has(*node.variables):
            return None
        c = (shared / q).cancel()
        left = (1 - c).expand() * (1 + c).expand()
        return Rewrite(exp(-(a**2 - 2 * c * a * b + b**2) / (2 * q * left)) / (2 * pi * q * sqrt(left)))


@dataclass(frozen=True)
class SingularPart(AsymptoticOnExamples):
    """int_0^e (e - t) (f(t) + sum_{j,k} J_j J_k n(p_j, p_k; 1 - t)) dt = int_0^e (e - t) sum_j J_j^2 s(p_j)/sqrt(t) dt

    up to order e^2, where f is bounded, n is the joint density at correlation 1 - t, and s(p) the limit of
    sqrt(t) n(p, p; 1 - t). Two different points are not met by variables that are nearly equal: there n goes to 0.

    Obligation: finitely many different kinks, and a smooth part whose expectations are bounded.
    """

    name = "singular-part"
    words = "Near correlation one a kink meets itself alone; the joint density there grows like one over a root."
    small = GAP

    def reach(self) -> Expr:
        """Return the power of the bounded terms, integrated twice."""
        return Integer(2)

    def examples(self, step: Step) -> tuple[Example, ...]:
        """Without kinks both sides are of order 2."""
        return KINKED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Keep of an integral the part that is singular at t = 0."""
        if not isinstance(node, Integral) or node.limits[0] != (TIME, 0, GAP):
            return None
        uses = setting.require(Kind.KINKED)
        total = Integer(0)
        inner, back = opaque(node.function / (GAP - TIME))
        for term in (t.xreplace(back) for t in Add.make_args(expand(inner))):
            double = [s for s in term.atoms(Sum) if len(s.limits) == 2]
            if double:
                constant = term / double[0]
                total += constant * self._diagonal(double[0])
            elif not term.has(GaussianExpectation):
                raise InputError(f"{term} is not known to be bounded")
        if total == 0:
            return None
        return Rewrite(Integral((GAP - TIME) * total, (TIME, 0, GAP)), uses)

    def _diagonal(self, double: Sum) -> Expr:
        (j, *_), (k, *_) = double.limits
        p, other, jump = Dummy("p", real=True), Dummy("p'", real=True), Dummy("J", real=True)
        (density,) = double.function.atoms(exp)
        top = simplify((density.args[0] * TIME).xreplace({KinkAt(j): p, KinkAt(k): other})).subs(TIME, 0)
        if simplify(top / (p - other) ** 2).is_negative is not True:
            raise InputError(f"{double} does not vanish between different kinks as the correlation goes to 1")
        same = double.function.xreplace({KinkAt(j): p, KinkAt(k): p, SlopeJump(j): jump, SlopeJump(k): jump})
        leading = limit(simplify(same * sqrt(TIME)), TIME, 0)
        constant, local = leading.as_independent(p, jump, as_Add=False)
        return constant / sqrt(TIME) * Sum(local.xreplace({p: KinkAt(J), jump: SlopeJump(J)}), (J, 1, KINKS))


@dataclass(frozen=True)
class CollectPowers(Rule):
    """a u^k + b u^k = (a + b) u^k, for powers of one variable; sums over kinks and expectations stay whole"""

    variable: Symbol
    name = "collect-powers"
    words = "Collect the powers."
    evidence = Evidence.RESIDUAL

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Collect in the whole expression."""
        inner, back = opaque(expression)
        powers: dict[Expr, Expr] = {}
        for term in Add.make_args(expand(inner)):
            coefficient, exponent = term.as_coeff_exponent(self.variable)
            powers[exponent] = powers.get(exponent, Integer(0)) + coefficient
        after = Add(*(factor(c) * self.variable**k for k, c in powers.items())).xreplace(back)
        if after == expression:
            raise RuleDoesNotApply(f"rule {self.name} finds nothing to collect in {expression}")
        return Rewrite(after, words=Words("Collect the powers of {}.", self.variable))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """The rule acts on the whole expression; see `apply`."""
        return None

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return the difference of both sides, multiplied out."""
        return expand(opaque(before - after)[0])


__all__ = [
    "CollectPowers",
    "ExpandNearOne",
    "JointDensity",
    "SingularPart",
    "SplitKinks",
    "TaylorRemainder",
    "at_one",
]
