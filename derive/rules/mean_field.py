"""Rules for wide networks with any activation: Price's derivative, the limit of full correlation, geometric decay."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Basic, Derivative, Eq, Expr, Function, Integer, Subs, Symbol, diff, exp, log, powsimp, simplify

from derive.errors import InputError
from derive.gaussian import GaussianExpectation
from derive.hypotheses import Kind
from derive.network import DERIVATIVES
from derive.proof.derivation import Step
from derive.proof.rule import Evidence, Rewrite, Rule, replace_everywhere
from derive.rules.any_activation import (
    KINKED,
    SLOPE_OF_F,
    SMOOTH,
    Example,
    TriedOnExamples,
    derivative,
    derivatives_in,
)
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class PriceDerivative(TriedOnExamples):
    """d/dc E[f(u) g(w)] = q E[f'(u) g'(w)], for u, w of variance q and correlation c

    As often as the derivative is taken, in the sense of distributions.

    Obligation: the functions have finite mean squares.
    """

    name = "price-derivative"
    words = "Price's theorem: the derivative by the covariance is the mean of both derivatives."
    source = "R. Price, IRE Trans. Inf. Theory IT-4 (1958)"

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Carry out a derivative by the correlation of expectations, term by term."""
        if not isinstance(node, Derivative) or len(set(node.variables)) != 1:
            return None
        correlation, result = node.variables[0], node.expr
        for _ in node.variables:
            result = _slope(result, correlation)
        return Rewrite(result, derivatives_in(node, setting))


def _slope(e: Expr, correlation: Symbol) -> Expr:
    total = Integer(0)
    for term in Add.make_args(e.expand()):
        found = [f for f in term.args if isinstance(f, GaussianExpectation)] if term.is_Mul else [term]
        depends = [f for f in found if isinstance(f, GaussianExpectation) and correlation in f.free_symbols]
        if not term.has(correlation):
            continue
        if len(depends) != 1 or (term / depends[0]).has(correlation) or len(depends[0].variables) != 2:
            raise InputError(f"{term} is not a multiple of one expectation of two variables")
        (inside,) = depends
        (first, shared), (_, second) = inside.covariance
        if first.has(correlation) or second.has(correlation) or inside.integrand.has(correlation):
            raise InputError(f"{inside} depends on {correlation} through more than the covariance")
        u, w = inside.variables
        changed = derivative(derivative(inside.integrand, u), w)
        slope = GaussianExpectation.of(changed, inside.variables, inside.mean, inside.covariance)
        total += term / inside * shared.diff(correlation) * slope
    return total


@dataclass(frozen=True)
class FullCorrelation(TriedOnExamples):
    """E[f(u) g(w)] = E[f(u) g(u)] where the correlation of u and w is 1

    Obligation: f and g are functions with finite mean squares; two deltas have no product.
    """

    name = "full-correlation"
    words = "Two equal variances with correlation one: both variables are the same."

    def examples(self, step: Step) -> tuple[Example, ...]:
        """No kinks where two deltas would meet."""
        return SMOOTH if step.before.has(*DERIVATIVES[2:]) else (*SMOOTH, KINKED[0])

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace two equal variables by one, also where the correlation is set to 1."""
        if isinstance(node, Subs) and not node.expr.has(Derivative):
            after = replace_everywhere(node.doit(), _same)
            if after == node.doit():
                return None
        else:
            after = _same(node)
        if after is None:
            return None
        return Rewrite(after, derivatives_in(after, setting))


@dataclass(frozen=True)
class NoCorrelation(TriedOnExamples):
    """E[f(u) g(w)] = E[f(u)] E[g(w)] where the correlation of u and w is 0

    Obligation: f and g are functions with finite mean squares.
    """

    name = "no-correlation"
    words = "Gaussians without correlation are independent."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Part the expectation of a product over two variables without covariance."""
        if not isinstance(node, GaussianExpectation) or len(node.variables) != 2:
            return None
        (first, shared), (_, second) = node.covariance
        factors = [node.integrand.as_independent(other)[0] for other in node.variables[::-1]]
        if shared != 0 or node.integrand != factors[0] * factors[1]:
            return None
        u, w = node.variables
        one = GaussianExpectation.of(factors[0], (u,), node.mean[:1], ((first,),))
        other = GaussianExpectation.of(factors[1].xreplace({w: u}), (u,), node.mean[1:], ((second,),))
        return Rewrite(one * other, derivatives_in(node, setting))


def _same(node: Expr) -> Expr | None:
    """Return an expectation over two variables that are equal as one over one; None for others."""
    if not isinstance(node, GaussianExpectation) or len(node.variables) != 2 or len(set(node.mean)) != 1:
        return None
    (a, b), (c, d) = node.covariance
    if not a == b == c == d:
        return None
    u, w = node.variables
    return GaussianExpectation.of(node.integrand.xreplace({w: u}), (u,), node.mean[:1], ((a,),))


@dataclass(frozen=True)
class DivideByMeanSquare(Rule):
    """a E[f'(u)^2] = 1 <=> a = 1/E[f'(u)^2]

    Obligation: f is not constant and has a derivative with a finite mean square, which is then positive.
    """

    name = "divide-by-mean-square"
    words = "A mean square is positive, so it can be divided by."
    relation = "<=>"
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Solve for the factor of a mean square."""
        if not isinstance(node, Eq):
            return None
        squares = [e for e in node.lhs.atoms(GaussianExpectation) if e.integrand == SLOPE_OF_F(*e.variables) ** 2]
        if len(squares) != 1:
            raise InputError(f"{node} has no mean square of the slope to divide by")
        uses = setting.require(Kind.NOT_CONSTANT) | derivatives_in(squares[0], setting)
        return Rewrite(Eq(node.lhs / squares[0], node.rhs / squares[0]), uses)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return the difference of the quotients of both sides, before and after."""
        return before.lhs / before.rhs - after.lhs / after.rhs


@dataclass(frozen=True)
class GeometricDecay(Rule):
    """u(l+1) = chi u(l) gives u(l) = u(0) chi^l = u(0) exp(-l/xi), with xi = -1/log chi

    The rule puts the result back: it starts at u(0), and its ratio at l + 1 and l is chi. Obligation: chi is positive,
    and a hypothesis states the recursion.
    """

    factor: Expr
    layer: Symbol
    name = "geometric-decay"
    words = "Each layer multiplies by the same factor."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace u(l) by a decaying exponential."""
        if not (isinstance(node, Function) and node.args == (self.layer,)):
            return None
        if not self.factor.is_positive:
            raise Undischarged(f"nothing says that {self.factor} is positive, so that it has a logarithm")
        uses = follows(Eq(node.subs(self.layer, self.layer + 1), self.factor * node), self.layer, setting)
        scale = -1 / log(self.factor)
        words = Words("Each layer multiplies by {}: the depth scale is {}.", self.factor, scale)
        return Rewrite(node.func(0) * exp(-self.layer / scale), uses, words)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return the result at layer 0 less u(0), or else u(l + 1) - chi u(l)."""
        start = simplify(after.subs(self.layer, 0) - before.subs(self.layer, 0))
        if start != 0:
            return start
        return (after.subs(self.layer, self.layer + 1) - self.factor * after).expand(power_exp=True).powsimp()


@dataclass(frozen=True)
class TakeLogarithms(Rule):
    """c exp(l log chi) = c/e <=> l = -1/log chi, for chi < 1

    Obligation: c and chi are positive, and so is 1 - chi.
    """

    layer: Symbol
    name = "take-logarithms"
    words = "Take the logarithm of both sides; that of the factor is not zero."
    relation = "<=>"
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Solve an equation of two exponentials for the layer."""
        if not isinstance(node, Eq):
            return None
        quotient = powsimp(node.lhs / node.rhs)
        exponent = quotient.exp if isinstance(quotient, exp) else None
        if exponent is None or not node.rhs.is_positive:
            return None
        rate = exponent.expand().coeff(self.layer)
        if not isinstance(rate, log) or not rate.args[0].is_positive or rate.has(self.layer):
            return None
        uses = setting.require_positive(1 - rate.args[0])
        return Rewrite(Eq(self.layer, -(exponent.expand() - rate * self.layer) / rate, evaluate=False), uses)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Put the layer back into the equation, and look at how the left side's logarithm changes with the layer."""
        at = Symbol("at", real=True)
        left, right = (side.subs(self.layer, at) for side in before.args)
        gap = simplify((left / right).subs(at, after.rhs) - 1)
        slope = simplify(diff(left / right, at) * right / left)
        return gap if slope.is_zero is False or slope.func is log else Integer(1)


def follows(recursion: Eq, layer: Symbol, setting: Setting) -> frozenset[str]:
    """Return the hypothesis that states a recursion for every layer, or raise `Undischarged`."""
    hypothesis = setting.stating(recursion)
    if layer not in hypothesis.for_all:
        raise Undischarged(f"{recursion} is stated for one layer {layer}, not for all of them")
    return frozenset({hypothesis.key})


def unit(left: Expr) -> Eq:
    """Return the equation left = 1."""
    return Eq(left, 1, evaluate=False)
