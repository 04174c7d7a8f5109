"""Two samples seen by the same network: squares of means over samples as means over two samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Abs, Add, Basic, Dummy, Expr, Integer, Lambda, Mul, Pow, Rational, Symbol

from derive.gaussian import GaussianExpectation
from derive.network import Activation
from derive.proof.derivation import Step
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.sampling import compare_at_points
from derive.proof.verdict import Grade, Verdict
from derive.rules.wide import FIRST, SECOND, ByClosedForm
from derive.setting import Setting

_T = Symbol("t", real=True)
EXAMPLES = (_T**2 - _T, Abs(_T))
"""Activation functions that steps on any activation function are tried on: a polynomial, and one with a kink."""


@dataclass(frozen=True)
class Pair:
    """g(mu + nu) under a mean over nu inside one over mu: the function, and the variances of mu and nu."""

    function: Expr
    variable: Symbol
    shared: Expr
    own: Expr

    def product(self) -> Expr:
        """Return E[g(y_1) g(y_2)], with Var[y_i] = m^2 + v^2 and Cov[y_1, y_2] = m^2."""
        first, second = self._both()
        return self._mean(first * second)

    def half_squared_difference(self) -> Expr:
        """Return E[(g(y_1) - g(y_2))^2]/2, with Var[y_i] = m^2 + v^2 and Cov[y_1, y_2] = m^2."""
        first, second = self._both()
        return self._mean(Rational(1, 2) * (first - second) ** 2)

    def same(self, other: Pair) -> bool:
        """Return whether this is the same function under the same means."""
        function = self.function.subs(self.variable, other.variable)
        return replace(self, function=function, variable=other.variable) == other

    def _both(self) -> tuple[Expr, Expr]:
        return self.function.subs(self.variable, FIRST), self.function.subs(self.variable, SECOND)

    def _mean(self, integrand: Expr) -> Expr:
        total = self.shared + self.own
        rows = ((total, self.shared), (self.shared, total))
        return GaussianExpectation.of(integrand, (FIRST, SECOND), (Integer(0), Integer(0)), rows)


def squared_mean(node: Expr) -> Pair | None:
    """Return the parts of E_mu[(E_nu g(mu + nu))^2] or E[g(u)]^2, all centred, or None if the node is no such mean."""
    base, exponent = node.as_base_exp()
    if exponent == 2 and isinstance(base, GaussianExpectation):
        return _single(base)
    if not isinstance(node, GaussianExpectation):
        return None
    inner, exponent = node.integrand.as_base_exp()
    return _nested(node, inner) if exponent == 2 else None


def mean_square(node: Expr) -> Pair | None:
    """Return the parts of E_mu[E_nu g(mu + nu)^2] or E[g(u)^2], all centred, or None if the node is no such mean."""
    if not isinstance(node, GaussianExpectation):
        return None
    found = _nested(node, node.integrand) or _single(node)
    if found is None or not isinstance(found.function, Pow) or found.function.exp != 2:
        return None
    return replace(found, function=found.function.base)


def _nested(node: GaussianExpectation, inner: Expr) -> Pair | None:
    if not isinstance(inner, GaussianExpectation) or len(inner.variables) != 1 or len(node.variables) != 1:
        return None
    (mu,), (nu,) = node.variables, inner.variables
    y = Dummy("y", real=True)
    function = inner.integrand.subs(mu + nu, y)
    if function.has(mu, nu) or any(m != 0 for m in (*node.mean, *inner.mean)):
        return None
    return Pair(function, y, node.covariance[0][0], inner.covariance[0][0])


def _single(node: GaussianExpectation) -> Pair | None:
    if len(node.variables) != 1 or node.mean[0] != 0 or node.integrand.has(GaussianExpectation):
        return None
    return Pair(node.integrand, node.variables[0], Integer(0), node.covariance[0][0])


class _OnPairs(Rule):
    """Checked with closed forms: of the nested means one after the other, and of both samples at once."""

    evidence = Evidence.POINTS

    def at_points(self, step: Step) -> Verdict:
        """Compare both sides in closed form, for concrete activation functions where there is none yet."""
        named = step.before.has(Activation)
        found = Verdict(Grade.UNDECIDED, "no example was tried")
        for example in EXAMPLES if named else (None,):
            sides = [_in_closed_form(side, example, step.setting) for side in (step.before, step.after)]
            found = compare_at_points(replace(step, before=sides[0], after=sides[1]))
            if found.grade is not Grade.SAMPLED:
                return found
        if not named:
            return found
        return Verdict(Grade.SAMPLED, f"{found.evidence}, for f(t) = {' and '.join(map(str, EXAMPLES))}")


def _in_closed_form(side: Expr, example: Expr | None, setting: Setting) -> Expr:
    if example is not None:
        side = side.replace(Activation, Lambda(_T, example))
    while side.has(GaussianExpectation):
        side = ByClosedForm().apply(side, setting).after
    return side


@dataclass(frozen=True)
class Replicas(_OnPairs):
    """E_mu[(E_nu g(mu + nu))^2] = E[g(y_1) g(y_2)], with Var[y_i] = m^2 + v^2 and Cov[y_1, y_2] = m^2

    The square of a mean is a mean over two independent draws: two samples seen by the same network.
    """

    name = "replicas"
    words = "The square of a mean over samples is a mean over two samples, which see the same network."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the squared inner mean by two correlated variables."""
        found = squared_mean(node)
        return None if found is None or found.shared == 0 else Rewrite(found.product())


@dataclass(frozen=True)
class HalfSquaredDifference(_OnPairs):
    """E_mu[E_nu g^2] - E_mu[(E_nu g)^2] = E[(g(y_1) - g(y_2))^2]/2, Var[y_i] = m^2 + v^2 and Cov[y_1, y_2] = m^2

    g stands for g(mu + nu). The variance over samples, averaged over networks, is half the mean squared difference
    between two samples: a mean of squares, from which nothing cancels. Likewise E[g(u)^2] - E[g(u)]^2 =
    E[(g(y_1) - g(y_2))^2]/2 for two independent draws, m = 0.
    """

    name = "half-squared-difference"
    words = (
        "A variance is half the mean squared difference of two draws: a mean of squares, from which nothing cancels."
    )

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Join c times a mean square and -c times the squared mean of the same function."""
        if not isinstance(node, Add):
            return None
        for one in node.args:
            for other in node.args:
                joined = _joined(one, other)
                if joined is not None:
                    return Rewrite(node - one - other + joined)
        return None


def _joined(one: Expr, other: Expr) -> Expr | None:
    for square in one.atoms(GaussianExpectation):
        plus = mean_square(square)
        if plus is None:
            continue
        factor = one / square
        for mean in other.atoms(GaussianExpectation):
            for power in (mean, mean**2):
                minus = squared_mean(power)
                if other == -factor * power and minus is not None and minus.same(plus):
                    return factor * plus.half_squared_difference()
    return None


@dataclass(frozen=True)
class Exchange(Rule):
    """E[g(y_1, y_2)] = E[g(y_2, y_1)], with Var[y_1] = Var[y_2] and means zero"""

    name = "exchange"
    words = "Both samples have the same length: they may be exchanged."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Write the higher power of a function at the first of two variables."""
        if not _exchangeable(node):
            return None
        one, other = node.variables
        turned = node.integrand.xreplace({one: other, other: one})
        if _power_at(other, node.integrand) <= _power_at(one, node.integrand):
            return None
        return Rewrite(node.func(turned, *node.args[1:]))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Make every integrand symmetric, on both sides."""

        def symmetric(node: Expr) -> Expr:
            one, other = node.variables
            both = (node.integrand + node.integrand.xreplace({one: other, other: one})) / 2
            return node.func(both.expand(), *node.args[1:])

        left, right = (side.replace(_exchangeable, symmetric) for side in (before, after))
        return left - right


def _exchangeable(node: Basic) -> bool:
    """Return whether a mean is over two centred Gaussians of one variance."""
    if not isinstance(node, GaussianExpectation) or len(node.variables) != 2 or any(node.mean):
        return False
    return bool(node.covariance[0][0] == node.covariance[1][1])


def _power_at(variable: Symbol, integrand: Expr) -> Expr:
    """Return the power of a function of one variable in a product."""
    powers = (f.as_base_exp() for f in Mul.make_args(integrand) if f.free_symbols == {variable})
    return Add(*(power for _, power in powers))
