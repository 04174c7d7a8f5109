"""Rules for what happens far down a network: positivity, local expansion of a map, and the decay that follows."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import (
    Add,
    Basic,
    Expr,
    Function,
    Gt,
    Integer,
    Rational,
    Symbol,
    atan,
    diff,
    expand,
    factor,
    limit,
    series,
    simplify,
    together,
)

from derive.errors import InputError
from derive.proof.derivation import Step
from derive.proof.relations import Remainder
from derive.proof.rule import Evidence, Rewrite, Rule, RuleDoesNotApply
from derive.proof.sampling import points
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.rules.analysis import H_DEFINED, DecayFunction, decay_function
from derive.setting import Setting, Undischarged
from derive.words import Words

LAYER = Symbol("l", integer=True, positive=True)
U = Function("u")
"""u_l = v_l / sqrt(2 q), the standard deviation over samples in units of the conserved second moment."""
SMALL = Symbol("u", positive=True)


@dataclass(frozen=True)
class Positive(Rule):
    """h(T) > 0 for T > 0, since h(T) = atan T + (T - atan T)/T^2 and both atan T and T - atan T start at 0 and rise

    The rule differentiates both and checks that the derivatives are sums of squares over positive denominators.
    Obligation: T is positive.
    """

    name = "positive"
    words = "Both terms are zero at T = 0 and have positive derivatives, so they are positive."
    relation = "<=>"
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Replace an inequality whose left side is a positive factor times h by the truth."""
        if not isinstance(node, Gt) or node.rhs != 0 or not node.lhs.has(DecayFunction):
            return None
        (h,) = node.lhs.atoms(DecayFunction)
        if not h.args[0].is_positive:
            raise Undischarged(f"{h} is positive where its argument is, and nothing says that {h.args[0]} > 0")
        rest = simplify(node.lhs / h)
        if rest.has(DecayFunction):
            raise InputError(f"{node.lhs} is not a multiple of h")
        t = Symbol("t", positive=True)
        pieces = (atan(t), t - atan(t))
        for piece in pieces:
            if limit(piece, t, 0) != 0 or not factor(together(diff(piece, t))).is_positive:
                raise InputError(f"{piece} does not rise from 0")
        if simplify(decay_function(t) - pieces[0] - pieces[1] / t**2) != 0:
            raise InputError("the pieces do not make up h")
        words = Words("{} is positive: {} and {} are zero at 0 and rise.", h, *pieces)
        return Rewrite(Gt(rest, 0, evaluate=False), frozenset({setting.stating(H_DEFINED).key}), words)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return the left side before less the one after times h."""
        (h,) = before.lhs.atoms(DecayFunction)
        return before.lhs - after.lhs * h


@dataclass(frozen=True)
class SimplifySides(Rule):
    """u = u', an identity of elementary algebra"""

    name = "simplify"
    words = "Simplify."
    evidence = Evidence.POINTS

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Simplify an expression, or the left side of an inequality."""
        # Not SymPy's simplify: it would write the named functions out.
        if isinstance(expression, Gt):
            after = Gt(factor(expand(expression.lhs - expression.rhs)), 0, evaluate=False)
        else:
            after = factor(expand(expression))
        if after == expression:
            raise RuleDoesNotApply(f"rule {self.name} finds nothing to simplify in {expression}")
        return Rewrite(after, words=Words(self.words))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """The rule acts on the whole expression; see `apply`."""
        return None


@dataclass(frozen=True)
class LocalExpansion(Rule):
    """g(u) = sum_k g^(k)(0) u^k / k!, up to the given order, for small u"""

    variable: Symbol
    order: int
    name = "local-expansion"
    words = "Expand for small u."
    relation = "~"
    shows = ("~",)
    evidence = Evidence.POINTS

    def reach(self) -> Expr:
        """Return the power of the first term left out."""
        return Integer(self.order)

    def remainder(self) -> Remainder:
        """Return the terms left out."""
        return Remainder(self.variable, self.reach())

    def at_points(self, step: Step) -> Verdict:
        """Compare both sides closer and closer to 0: their difference must fall like the first order left out."""
        u, others = self.variable, sorted(step.before.free_symbols - {self.variable}, key=str)
        tried = 0
        for at in points(others):
            gap = (step.before.doit() - step.after).subs(at)
            # Not one over a whole number, where SymPy would write harmonic numbers out.
            near, nearer = (abs(gap.subs(u, Rational(7, 11 * k)).evalf(60)) for k in (10**4, 10**5))
            if not nearer <= near / Integer(10) ** (self.order - Rational(1, 10)):
                found = Counterexample({}, {str(k): str(v) for k, v in at.items()}, str(near), "~", str(nearer))
                return Verdict(Grade.FAILED, "the difference does not fall like the first order left out", found)
            tried += 1
        evidence = f"computed by the rule; the difference falls like the first order left out, at {tried} points"
        return Verdict(Grade.SAMPLED, evidence)

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Expand the whole expression."""
        u = self.variable
        if not isinstance(expression, Expr) or not expression.has(u):
            raise InputError(f"{expression} does not depend on {u}")
        after = series(expression.doit(), u, 0, self.order).removeO()
        collected = Add(*(factor(after.expand().coeff(u, k)) * u**k for k in range(self.order)))
        uses = frozenset({setting.stating(H_DEFINED).key} if expression.has(DecayFunction) else ())
        return Rewrite(collected, uses, Words("Expand for small {}, up to order {}.", u, Integer(self.order - 1)))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """The rule acts on the whole expression; see `apply`."""
        return None
