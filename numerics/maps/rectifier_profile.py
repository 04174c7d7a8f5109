"""From the stable derivation to the numbers of the kernel: two constants and one polynomial.

Both maps are homogeneous in (m, v), so with m^2 = r v^2 they are v'^2 = v^2 F(r). What a derivation must
have, and what is checked here before anything is generated from it:

    F(r) = c0 - c1 h(r),    c0 = F(infinity),  c0 - c1 = F(0),  h free of a, sigma_w2, sigma_b2,
    m'^2 = c0 m^2 + c1 v^2 h + sigma_b2          (so that v'^2 + m'^2 = c0 (v^2 + m^2) + sigma_b2).

h grows like 1/sqrt(r) from h(infinity) = 0 to h(0) = 1. With x = v^2/(v^2 + KAPPA m^2) and t = sqrt(x),

    h = t [1 + (1 - x) P(x)],

P is analytic near [0, 1]. Its branch points r = -1 and r = -1/2 lie on both sides of the interval for
1 < KAPPA < 2, which is why a polynomial of degree 11 reaches what T^2 (KAPPA = 2) needs degree 20 for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp

from derive.expressions.radicands import factored_radicands
from numerics.maps import rectifier_theorem as source

KAPPA = 337 / 256  # of the short fractions, one with a small error at this degree
DEGREE = 11
DIGITS = 50


class UnsuitableDerivationError(ValueError):
    """The stable expressions lack a property that the generated code relies on."""


@dataclass(frozen=True)
class Profile:
    """c0 and c1 as SymPy expressions in a and sigma_w2, and h(r) as a SymPy expression."""

    c0: sp.Expr
    c1: sp.Expr
    h: sp.Expr
    r: sp.Symbol

    def constants(self, slope: sp.Rational, gain: sp.Rational) -> tuple[Any, Any]:
        """(c0, c1) as mpmath numbers of the current precision."""
        values = {source.slope: slope, source.gain: gain}
        c0, c1 = (expr.subs(values).evalf(mpmath.mp.dps + 5) for expr in (self.c0, self.c1))
        return mpmath.mpf(c0._to_mpmath(mpmath.mp.prec)), mpmath.mpf(c1._to_mpmath(mpmath.mp.prec))


def profile_of(stable: source.SampleVarianceExpressions) -> Profile:
    """Read c0, c1 and h off the derived expressions, and prove the properties that the code relies on.

    Raises UnsuitableDerivationError when one of them does not hold.
    """
    m, v, bias = source.m, source.v, source.bias_variance
    r, scale = sp.Symbol("r", positive=True), sp.Symbol("lambda", positive=True)
    for name, expr in (("v'^2", stable.v2), ("m'^2", stable.m2 - bias)):
        scaled = expr.subs({m: scale * m, v: scale * v}, simultaneous=True)
        _require(scaled - scale**2 * expr, f"{name} is homogeneous of degree 2 in (m, v)")
    F = stable.v2.subs({v: 1, m: sp.sqrt(r)})
    # Of an arctangent of t and not of 1/√(2r + 1), the limit takes half the time.
    t = sp.Symbol("t", positive=True)
    at_infinity = sp.limit(factored_radicands(F.subs(r, (1 / t**2 - 1) / 2)), t, 0)
    at_zero, at_infinity = sp.simplify(F.subs(r, 0)), sp.simplify(at_infinity)
    c0, c1 = at_infinity, sp.factor(at_infinity - at_zero)
    _require(stable.m2 - bias - c0 * m**2 - (c0 * v**2 - stable.v2), "v'^2 + m'^2 = c0 (v^2 + m^2) + sigma_b2")
    h = sp.simplify((c0 - F) / c1)
    if h.free_symbols - {r}:
        raise UnsuitableDerivationError(f"h must depend on m^2/v^2 alone, got {h}")
    return Profile(c0, c1, h, r)


def _require(residual: sp.Expr, rule: str) -> None:
    if sp.expand(factored_radicands(residual)) != 0 and (residual := sp.simplify(residual)) != 0:
        raise UnsuitableDerivationError(f"the derivation must satisfy: {rule}; the difference is {residual}")


@lru_cache(maxsize=1)
def derived_profile() -> Profile:
    """The profile of the derivation that ships."""
    return profile_of(source.STABLE)


def reduced(h: Callable[[Any], Any], x: Any) -> Any:
    """P(x) = (h/t - 1)/(1 - x) for 0 < x < 1."""
    return (h((1 / x - 1) / KAPPA) / mpmath.sqrt(x) - 1) / (1 - x)


def weight(h: Callable[[Any], Any], x: Any) -> Any:
    """How an error of P reaches the worse of v'^2 and m'^2, relative, at slope 0.

    dh = t (1 - x) dP, relative to (c0/c1 - h) for v'^2 and to (c0/c1 r + h) for m'^2.
    """
    r = (1 / x - 1) / KAPPA
    value = h(r)
    ratio = mpmath.pi  # c0/c1 at slope 0; other slopes change the weight by a factor of at most 4
    return mpmath.sqrt(x) * (1 - x) / min(ratio - value, ratio * r + value)


@lru_cache(maxsize=1)
def polynomial() -> tuple[tuple[Any, ...], Any]:
    """(coefficients of P, ascending, as mpmath numbers; largest relative error that P alone causes).

    The weight is about √x (1 - x). With x = y² the weighted error of an interpolant is y (1 - y²) Π(y² - x_k) times
    what hardly varies, and an odd polynomial of degree n with zeros at 0 and ±1 is smallest on [-1, 1] as the Chebyshev
    polynomial T_n, stretched so that its outermost zeros lie at ±1: the others are the nodes.
    """
    profile = derived_profile()
    with mpmath.workdps(DIGITS):
        h = sp.lambdify(profile.r, profile.h, "mpmath")
        step = mpmath.pi / (2 * (2 * DEGREE + 5))
        nodes = [(mpmath.cos((2 * k + 1) * step) / mpmath.cos(step)) ** 2 for k in range(1, DEGREE + 2)]
        system = mpmath.matrix([[x**j for j in range(DEGREE + 1)] for x in nodes])
        coefficients = tuple(mpmath.lu_solve(system, mpmath.matrix([reduced(h, x) for x in nodes])))
        grid = [(1 - mpmath.cos(mpmath.pi * i / 400)) / 2 for i in range(1, 400)]
        errors = (weight(h, x) * abs(reduced(h, x) - mpmath.polyval(coefficients[::-1], x)) for x in grid)
        return coefficients, max(errors)
