"""Functions of Φ(z) for a standard normal z: Φ(z) is uniform on [0, 1]."""

from dataclasses import dataclass

from sympy import Add, Dummy, Expr, Mul, S, Symbol, erf, erfc, factorial, gamma, log, sqrt

from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.functions import Phi
from derive.gaussian.gaussian_setting import GaussianSetting
from derive.gaussian.rules import GaussianRule
from derive.proof.rule import Rewrite


@dataclass(frozen=True)
class UniformVariable(GaussianRule):
    """E[g(Φ((x - m)/s))] = ∫_0^1 g(u) du, x ~ N(m, s²); ∫ u^a (1 - u)^b du = Γ(a+1)Γ(b+1)/Γ(a+b+2), ∫ u^a log(u)^n
    du = (-1)^n n!/(a+1)^(n+1)

    Obligation: every power of u and of 1 - u is above -1.
    """

    name = "uniform-variable"
    words = "The distribution function of a variable, at the variable, is uniform: integrate over u from 0 to 1."

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Integrate a function of one standardised variable's distribution function."""
        if len(node.variables) != 1:
            return None
        u = Dummy("u", positive=True)
        g = in_uniform(node, u)
        if g is None or g.has(node.variables[0]):
            return None
        total = integral(g, u)
        return None if total is None else Rewrite(total, setting.law_key)


def in_uniform(node: GaussianExpectation, u: Symbol) -> Expr | None:
    """The integrand with u for Φ of the standardised variable; None where Φ stands nowhere."""
    (x,), (m,), ((v,),) = node.variables, node.mean, node.covariance

    def side(h: Expr) -> int:
        """1 or -1 where h is plus or minus the standardised variable, else 0."""
        a = h.diff(x)
        if a.has(x) or (a**2 * v - 1).expand() != 0 or (h.subs(x, m)).expand() != 0:
            return 0
        return 1 if a.is_positive else -1 if a.is_negative else 0

    def value(h: Expr) -> Expr | None:
        return {1: u, -1: 1 - u, 0: None}[side(h)]

    g = node.integrand.replace(lambda e: isinstance(e, erf | erfc), lambda e: _as_phi(e))
    found = {e: value(e.args[0]) for e in g.atoms(Phi)}
    if not found or None in found.values():
        return None
    return g.xreplace(found)


def _as_phi(e: Expr) -> Expr:
    h = sqrt(2) * e.args[0]
    return 2 * Phi(h) - 1 if isinstance(e, erf) else 2 * Phi(-h)


def integral(g: Expr, u: Symbol) -> Expr | None:
    """∫_0^1 g du for sums of powers of u and 1 - u, and of powers of u times powers of log(u); else None."""
    parts = [_term(t, u) for t in Add.make_args(g.expand())]
    return None if None in parts else Add(*parts)


def _term(t: Expr, u: Symbol) -> Expr | None:
    for turned in (t, t.subs(u, 1 - u).expand()):
        found = [_monomial(part, u) for part in Add.make_args(turned)]
        if None not in found:
            return Add(*found)
    return None


def _monomial(t: Expr, u: Symbol) -> Expr | None:
    constant, rest = t.as_independent(u, as_Add=False)
    powers = {u: S.Zero, 1 - u: S.Zero, log(u): S.Zero}
    for factor in Mul.make_args(rest):
        base, exponent = factor.as_base_exp()
        if base == 1:
            continue
        if base not in powers or not exponent.is_Rational:
            return None
        powers[base] += exponent
    a, b, n = powers.values()
    if a <= -1 or b <= -1 or not (n.is_Integer and n >= 0) or (n and b):
        return None
    if n:
        return constant * (-1) ** n * factorial(n) / (a + 1) ** (n + 1)
    return constant * gamma(a + 1) * gamma(b + 1) / gamma(a + b + 2)
