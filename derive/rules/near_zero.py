"""Rules for the length map near a fixed point: its expansion in the variance of the pre-activation."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

from sympy import Add, Expr, Function, Integer, Piecewise, Poly, Rational, S, Symbol, exp, gamma, pi, sqrt

from derive.gaussian import GaussianExpectation
from derive.hypotheses import Kind
from derive.proof.derivation import Step
from derive.proof.rule import Rewrite
from derive.rules.any_activation import SMOOTH, AsymptoticOnExamples, Example, F, derivative
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
    is the value at 0. Obligation: f has 2 N derivatives for N terms, the last two for what is left out.
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
        """Replace an expectation of one variable by its Taylor polynomial in the variance."""
        if not isinstance(node, GaussianExpectation) or len(node.variables) != 1 or any(node.mean):
            return None
        (variance,), (u,) = node.covariance[0], node.variables
        x = variance - variance.subs(self.small, 0)
        if x not in (self.small, -self.small) or node.integrand.has(self.small):
            return None
        uses = setting.require(Kind.SMOOTH, order=2 * self.order)
        start, g, total = variance.subs(self.small, 0), node.integrand, S.Zero
        for n in range(self.order):
            inner = g.expand()
            mean = inner.subs(u, 0) if start == 0 else Add(*(_mean(t, start, u) for t in Add.make_args(inner)))
            total += x**n / (2**n * factorial(n)) * mean
            g = derivative(derivative(g, u), u) if n + 1 < self.order else g
        return Rewrite(total, uses, Words("Expand in the variance about {}, by Price's theorem.", start))


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
