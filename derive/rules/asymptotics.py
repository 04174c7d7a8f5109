"""Rules for what happens far down a network: positivity, local expansion of a map, and the decay that follows."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import (
    Add,
    Basic,
    Eq,
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
    log,
    series,
    simplify,
    sqrt,
    together,
)

from derive.errors import InputError
from derive.proof.derivation import Derivation, Step
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.sampling import points
from derive.proof.verdict import Counterexample, Grade, Verdict
from derive.rules.analysis import DecayFunction, decay_function
from derive.setting import Setting
from derive.words import Words

LAYER = Symbol("l", integer=True, positive=True)
U = Function("u")
"""u_l = v_l / sqrt(2 q), the standard deviation over samples in units of the conserved second moment."""
SMALL = Symbol("u", positive=True)


@dataclass(frozen=True)
class Positive(Rule):
    """h(T) > 0 for T > 0, since h(T) = atan T + (T - atan T)/T^2 and both atan T and T - atan T start at 0 and rise

    The rule differentiates both and checks that the derivatives are sums of squares over positive denominators.
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
        return Rewrite(Gt(rest, 0, evaluate=False), words=words)

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
        if isinstance(expression, Gt):
            # Not SymPy's simplify: it would write the named functions out.
            return Rewrite(
                Gt(factor(expand(expression.lhs - expression.rhs)), 0, evaluate=False), words=Words(self.words)
            )
        return Rewrite(factor(expand(expression)), words=Words(self.words))

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
    evidence = Evidence.POINTS

    def at_points(self, step: Step) -> Verdict:
        """Compare both sides closer and closer to 0: their difference must fall like the first order left out."""
        u, others = self.variable, sorted(step.before.free_symbols - {self.variable}, key=str)
        tried = 0
        for at in points(others):
            gap = (step.before.doit() - step.after).subs(at)
            near, nearer = (abs(gap.subs(u, Rational(1, k)).evalf(60)) for k in (10**4, 10**5))
            if not nearer <= near / Integer(10) ** (self.order - Rational(1, 10)):
                found = Counterexample({}, {str(k): str(v) for k, v in at.items()}, str(near), "~", str(nearer))
                return Verdict(Grade.FAILED, "the difference does not fall like the first order left out", found)
            tried += 1
        evidence = f"computed by the rule; the difference falls like the first order left out, at {tried} points"
        return Verdict(Grade.EXACT, evidence)

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Expand the whole expression."""
        u = self.variable
        if not isinstance(expression, Expr) or not expression.has(u):
            raise InputError(f"{expression} does not depend on {u}")
        after = series(expression.doit(), u, 0, self.order).removeO()
        collected = Add(*(factor(after.expand().coeff(u, k)) * u**k for k in range(self.order)))
        return Rewrite(collected, words=Words("Expand for small {}, up to order {}.", u, Integer(self.order - 1)))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """The rule acts on the whole expression; see `apply`."""
        return None


@dataclass(frozen=True)
class DecayOfRecursion(Rule):
    """u_{l+1} = u_l - A u_l^2 - B u_l^3 + ... gives u_l ~ (1 - c log(l)/l)/(A l), with c = (A^2 + B)/A^2

    Since 1/u_{l+1} = 1/u_l + A + (A^2 + B) u_l + ...: the inverse grows by A a layer, and its correction by
    (A^2 + B)/(A l). The rule puts the result back into the recursion and sees its leading orders cancel.
    """

    lemma: Derivation
    name = "decay-of-recursion"
    words = "The inverse of u grows by A a layer, and a little more: a logarithm."
    source = "de Bruijn 1958, Asymptotic Methods in Analysis, section 8.6"
    relation = "~"
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace u_l by its asymptotic form."""
        if not isinstance(node, U):
            return None
        expansion = self.lemma.statement.rhs
        if expansion.coeff(SMALL, 1) != 1 or expansion.coeff(SMALL, 0) != 0:
            raise InputError(f"{expansion} is not u less higher orders")
        first, second = -expansion.coeff(SMALL, 2), -expansion.coeff(SMALL, 3)
        ratio = simplify((first**2 + second) / first**2)
        form = (1 - ratio * log(LAYER) / LAYER) / (first * LAYER)
        inverse = Eq(Symbol("A"), first, evaluate=False)
        words = Words("The inverse of {} grows by {} a layer, and by a logarithm more.", U(LAYER), inverse)
        return Rewrite(form.subs(LAYER, node.args[0]), words=words, lemmas=(self.lemma,))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Put the form into the recursion; return what is left of the orders up to l^-3, as a series in 1/l."""
        expansion = self.lemma.statement.rhs
        first, second = -expansion.coeff(SMALL, 2), -expansion.coeff(SMALL, 3)
        e, big = Symbol("e", positive=True), Symbol("L", real=True)
        form = expand(after / before.coeff(U(LAYER) ** 2)) if before.has(U(LAYER) ** 2) else after
        root = simplify(sqrt(factor(form)).subs(log(LAYER), big).subs(LAYER, 1 / e))
        for here in (root, -root):
            # At layer l + 1: 1/l -> e/(1 + e) and log l -> log l + log(1 + e).
            there = here.subs({e: e / (1 + e), big: big + log(1 + e)}, simultaneous=True)
            gap = series(there - (here - first * here**2 - second * here**3), e, 0, 4).removeO()
            if simplify(gap) == 0:
                return Integer(0)
        return gap
