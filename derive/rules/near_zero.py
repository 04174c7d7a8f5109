"""Rules for the length map near a fixed point: its expansion in the variance of the pre-activation."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

from sympy import (
    Add,
    Basic,
    Eq,
    Expr,
    Function,
    Integer,
    Piecewise,
    Poly,
    Rational,
    S,
    Sum,
    Symbol,
    exp,
    expand,
    gamma,
    pi,
    simplify,
    sqrt,
)

from derive.errors import InputError
from derive.gaussian import GaussianExpectation
from derive.hypotheses import Kind
from derive.proof.derivation import Derivation, Step
from derive.proof.relations import Remainder
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.rules.any_activation import SMOOTH, AsymptoticOnExamples, Example, F, derivative
from derive.rules.decay import reach_of, recursion_of
from derive.rules.lemma import require_hypotheses
from derive.rules.mean_field import follows
from derive.rules.wide import U, one_gaussian
from derive.setting import Setting
from derive.words import Words

_Z = Symbol("z", real=True)


class OneSided(Function):
    """f^(k)(0+) or f^(k)(0-): a derivative of the activation at 0, from one side. Arguments: k, and 1 or -1."""

    nargs = 2
    is_real = True

    def _sympystr(self, printer: Any) -> str:
        order, side = self.args
        return f"f{chr(39) * int(order)}(0{'⁺' if side == 1 else '⁻'})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        order, side = self.args
        power = f"^{{{exp}}}" if exp else ""
        return rf"f{chr(39) * int(order)}(0^{{{'+' if side == 1 else '-'}}}){power}"


@dataclass(frozen=True)
class ExpandInVariance(AsymptoticOnExamples):
    """E_{q+x}[g(u)] = sum_n x^n/(2^n n!) E_q[g^(2n)(u)], where u has mean 0 and the variance q + x or q

    Price's theorem n times: a derivative in the variance is half the mean of the second derivative. At q = 0 the mean
    is the value at 0; there several variables of covariances x C_ab are expanded likewise, with
    sum_ab C_ab d^2 g/(du_a du_b) in place of g''.
    Obligation: f has 2 N derivatives for N terms, the last two for what is left out.
    """

    small: Symbol
    order: int
    name = "expand-in-variance"
    words = "Expand in the variance: each derivative in it is half the mean of a second derivative (Price)."
    source = "R. Price, IRE Trans. Inf. Theory IT-4 (1958)"

    def reach(self) -> Expr:
        """Return the first power that is not there."""
        return Integer(self.order)

    def examples(self, step: Step) -> tuple[Example, ...]:
        """Derivatives of all orders are functions."""
        return SMOOTH

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace an expectation by its Taylor polynomial in the variance."""
        if not isinstance(node, GaussianExpectation) or any(node.mean) or node.integrand.has(self.small):
            return None
        rows, (u, *more) = node.covariance, node.variables
        start = rows[0][0].subs(self.small, 0)
        shares = [[((e - start) / self.small).cancel() for e in row] for row in rows]
        if any(e.has(self.small) for row in shares for e in row) or (more and start != 0):
            return None
        if not more and shares[0][0] not in (1, -1):
            return None
        uses = setting.require(Kind.SMOOTH, order=2 * self.order)
        g, total = node.integrand, S.Zero
        for n in range(self.order):
            inner = g.expand()
            at_zero = inner.subs(dict.fromkeys(node.variables, 0))
            mean = at_zero if start == 0 else Add(*(_mean(t, start, u) for t in Add.make_args(inner)))
            total += self.small**n / (2**n * factorial(n)) * mean
            g = _second(g, node.variables, shares) if n + 1 < self.order else g
        return Rewrite(total, uses, Words("Expand in the variance about {}, by Price's theorem.", start))


def _second(g: Expr, variables: tuple[Symbol, ...], shares: list[list[Expr]]) -> Expr:
    """Return sum_ab C_ab d^2 g/(du_a du_b)."""
    pairs = zip(variables, shares, strict=True)
    return Add(*(c * derivative(derivative(g, u), w) for u, row in pairs for w, c in zip(variables, row, strict=True)))


def _mean(term: Expr, variance: Expr, u: Symbol) -> Expr:
    constant, g = term.as_independent(u, as_Add=False)
    return constant * one_gaussian(g.subs(u, U), variance)


@dataclass(frozen=True)
class ExpandOneSided(AsymptoticOnExamples):
    """E[f(u)^2] = sum_n (a_n + (-1)^n b_n) E[u^n; u > 0], f(u)^2 = sum_n a_n u^n right of 0, sum_n b_n u^n left

    with the moments of half a Gaussian, E[u^n; u > 0] = 2^(n/2 - 1) Gamma((n + 1)/2)/sqrt(pi) q^(n/2).
    Obligation: f is continuous, 0 at 0, and has one-sided derivatives there.
    """

    small: Symbol
    powers: int
    name = "expand-one-sided"
    words = "Near 0 the activation is one polynomial on the right and another on the left."

    def reach(self) -> Expr:
        """Return the power of the variance in the first term left out."""
        return Rational(self.powers, 2)

    def examples(self, step: Step) -> tuple[Example, ...]:
        """Kinks at 0, with different slopes and with different curvatures."""
        return SIDED

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean square of the activation by the one of its one-sided expansions."""
        if node != one_gaussian(F(U) ** 2, self.small):
            return None
        uses = setting.require(Kind.SIDED)
        total = S.Zero
        for side in (1, -1):
            taylor = Add(*(OneSided(k, side) * U**k / factorial(k) for k in range(1, self.powers)))
            square = Poly((taylor**2).expand(), U)
            for n in range(2, self.powers):
                moment = sqrt(2) ** n / 2 * gamma(Rational(n + 1, 2)) / sqrt(pi) * sqrt(self.small) ** n
                total += side**n * square.coeff_monomial(U**n) * moment
        return Rewrite(total, uses, Words("Expand on both sides of {}, with the moments of half a Gaussian.", S.Zero))


class SidedExample(Example):
    """A concrete activation given by a formula on each side of 0."""

    def put_in(self, side: Expr) -> Expr:
        """Put in the one-sided derivatives too."""
        formulas = {1: self.formula.args[0][0], -1: self.formula.args[1][0]}

        def value(order: Expr, which: Expr) -> Expr:
            return formulas[int(which)].diff(_Z, int(order)).subs(_Z, 0)

        return super().put_in(side.replace(OneSided, value))


def _sided() -> tuple[SidedExample, ...]:
    pairs = ((_Z + _Z**2, _Z / 3 - 2 * _Z**2 + _Z**3), (2 * _Z, exp(_Z) - 1))
    return tuple(SidedExample(Piecewise((right, _Z > 0), (left, True))) for right, left in pairs)


SIDED = _sided()


@dataclass(frozen=True)
class IterateNearZero(Rule):
    """q_{l+1} = a q_l + b q_l^2 + O(q_l^3) gives q_l = a^l q + b a^(l-1) q^2 sum_{k=0}^{l-1} a^k + O(q^3), q = q_0

    For any given number of layers. The rule puts the result back into the map and sees both orders cancel.

    Obligation: a hypothesis states that q follows the lemma's map from layer to layer, and another what q_0 is called.
    """

    lemma: Derivation
    sequence: Any
    variable: Symbol
    name = "iterate-near-zero"
    words = "Apply the map layer by layer, and keep two orders."
    relation = "~"
    shows = ("~",)
    evidence = Evidence.RESIDUAL
    lemma_relations = ("=", "~")

    def remainder(self) -> Remainder:
        """Return the orders left out."""
        return Remainder(self.variable, Integer(3))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the length at a layer by its first two orders."""
        if not isinstance(node, self.sequence) or node.args[0].is_number:
            return None
        (layer,) = node.args
        uses = require_hypotheses(self.lemma, setting)
        uses |= follows(recursion_of(self.sequence, layer, self.lemma.statement.lhs, self.variable), layer, setting)
        uses |= {setting.stating(Eq(self.sequence(0), self.variable, evaluate=False)).key}
        a, b = self._orders()
        q, k = self.variable, Symbol("k", integer=True)
        after = a**layer * q + b * a ** (layer - 1) * q**2 * Sum(a**k, (k, 0, layer - 1))
        return Rewrite(after, uses, lemmas=(self.lemma,))

    def _orders(self) -> tuple[Expr, Expr]:
        """Return a and b, of a q + b q^2; raise `InputError` for a lemma of another form or that stops earlier."""
        given = Poly(self.lemma.statement.rhs, self.variable)
        reach = min((reach_of(s.rule) for s in self.lemma.steps if s.relation == "~"), default=Integer(3))
        if given.coeff_monomial(1) != 0 or reach < 3:
            raise InputError(f"{self.lemma.name} does not say what becomes of {self.variable} to the second order")
        return given.coeff_monomial(self.variable), given.coeff_monomial(self.variable**2)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Put the result into the map, with s + a^l for the sum s one layer on; and look at layer 0."""
        (layer,), q, total = before.args, self.variable, Symbol("s")
        a, _ = self._orders()

        def at(e: Basic, value: Expr) -> Basic:
            return e.replace(lambda x: isinstance(x, Sum), lambda _: value)

        mapped = self.lemma.statement.rhs.subs(q, at(after, total))
        gap = expand(at(after.subs(layer, layer + 1), total + a**layer) - mapped)
        start = expand(at(after.subs(layer, 0), Integer(0)) - q)
        return simplify(gap.coeff(q, 1)) ** 2 + simplify(gap.coeff(q, 2)) ** 2 + start**2
