"""Expressions rewritten so that float64 neither overflows nor loses digits.

Every activation is evaluated from its own expression through `stable`, for the maps, the simulator and a user alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
from sympy import (
    Add,
    Basic,
    Expr,
    Float,
    Mul,
    Piecewise,
    Pow,
    Rational,
    S,
    Symbol,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    expand,
    lambdify,
    log,
    pi,
    sin,
    sinh,
    sqrt,
    tanh,
)

from derive.expressions.accurate import (
    Cdf,
    Erfcx,
    Expm1,
    Log1p,
    LogCdf,
    Logistic,
    PlusRoot,
    Softplus,
    Tanh,
)
from derive.gaussian.functions import NormalDensity, Phi
from derive.gaussian.numeric import mp_phi


def stable(expression: Expr) -> Expr:
    """Return the expression in functions that stay accurate: logistic, softplus, expm1, Φ.

    >>> from sympy import Symbol, exp
    >>> x = Symbol("x")
    >>> stable(x / (1 + exp(-x)))
    x*Logistic(x)
    """
    return _stable(expression, factor=False)


def _stable(expression: Expr, *, factor: bool) -> Expr:
    """The same; a power that is a factor of a product is left for the product to see."""
    if not expression.args:
        return expression
    args = [a if not isinstance(a, Basic) else _stable(a, factor=expression.is_Mul) for a in expression.args]
    made = expression.func(*args) if tuple(args) != expression.args else expression
    if isinstance(made, Pow) and made.exp.is_Integer and made.exp < 0 and (u := _one_plus_exp(made.base)) is not None:
        return Logistic(-u) ** -made.exp
    if isinstance(made, log):
        return _log(made.args[0])
    if isinstance(made, tanh):
        return Tanh(made.args[0])
    if isinstance(made, Phi):
        return Cdf(made.args[0])
    if isinstance(made, erfc):
        return 2 * Cdf(-sqrt(2) * made.args[0])
    if isinstance(made, Mul):
        return made if factor else _scaled(_with_logistic(_with_one_exp(made)))
    if isinstance(made, Add):
        return _with_square(_with_root(_with_expm1(_complement(made))))
    return made


def _one_plus_exp(e: Expr) -> Expr | None:
    """Return u for 1 + exp(u)."""
    rest = e - 1
    return rest.args[0] if isinstance(rest, exp) else None


def _log(e: Expr) -> Expr:
    """Return the logarithm: of 1 + exp(u), of a product of functions that underflow, of 1 + u."""
    if (u := _one_plus_exp(e)) is not None:
        return Softplus(u)
    if e.has(*_LOGS):
        constant, factors = e.as_coeff_mul()
        logs = [_log_of_power(f) for f in factors]
        if constant.is_positive and None not in logs:
            return Add(log(constant), *logs)
    constant, rest = e.as_coeff_Add()
    return Log1p(rest) if constant == 1 and rest != 0 else log(e)


def _log_of_power(e: Expr) -> Expr | None:
    base, power = e.as_base_exp() if not isinstance(e, exp) else (e, S.One)
    for kind, logarithm in _LOGS.items():
        if isinstance(base, kind):
            return power * logarithm(base.args[0])
    return None


_LOGS: dict[Any, Callable[[Expr], Expr]] = {
    exp: lambda u: u,
    Logistic: lambda u: -Softplus(-u),
    Cdf: LogCdf,
    cosh: lambda u: Softplus(2 * u) - u - log(2),
    NormalDensity: lambda u: -(u**2) / 2 - log(2 * pi) / 2,
}


def _with_one_exp(e: Expr) -> Expr:
    """Join exp(u) exp(v), and φ, to one exponential: one factor may overflow where the product is 0."""
    factors = [f.rewrite(exp) if f.has(NormalDensity) and e.is_Mul else f for f in Mul.make_args(e)]
    e = Mul(*factors)
    exponents = [a.args[0] for a in Mul.make_args(e) if isinstance(a, exp)]
    if len(exponents) < 2:
        return e
    return Mul(*(a for a in e.args if not isinstance(a, exp)), exp(Add(*exponents)))


def _scaled(e: Expr) -> Expr:
    """Take out of powers of Φ and σ the exponential by which they fall, where exp(v) or a quotient may undo it.

    For u < 0: Φ(u) = exp(-u²/2) erfcx(-u/√2)/2 and σ(u) = exp(u) σ(-u).
    """
    factors = Mul.make_args(e)
    exponent = next((f.args[0] for f in factors if isinstance(f, exp)), S.Zero)
    falling = [(f, *f.as_base_exp()) for f in factors if isinstance(f.as_base_exp()[0], Cdf | Logistic)]
    for factor, base, n in falling:
        if (n > 0 and exponent.is_nonpositive) or (n < 0 and exponent == 0 and len(falling) < 2):
            continue
        u = base.args[0]
        if isinstance(base, Cdf):
            fall, rest = -(u**2) / 2, Erfcx(-u / sqrt(2)) / 2
        else:
            fall, rest = u, Logistic(-u)
        others = Mul(*(f for f in factors if f is not factor and not isinstance(f, exp)))
        below = _scaled(others * exp(expand(exponent + n * fall)))
        return Piecewise((below * rest**n, u < 0), (_scaled(others * exp(exponent)) * factor, True))
    return e


def _with_logistic(e: Expr) -> Expr:
    """Join exp(-k u) σ(u)^n to σ(-u)^k σ(u)^(n - k), for k <= n: one may overflow where the other makes up for it."""
    if not isinstance(e, Mul):
        return e
    for factor in e.args:
        base, n = factor.as_base_exp()
        if not (isinstance(base, Logistic) and n.is_Integer and n > 0):
            continue
        (u,) = base.args
        for other in e.args:
            k = -other.args[0] / u if isinstance(other, exp) else None
            if k is not None and k.is_Integer and 0 < k <= n:
                return e / factor / other * Logistic(-u) ** k * base ** (n - k)
    return e


def _with_expm1(e: Add) -> Expr:
    """Join c exp(u) - c, for a number c."""
    constant, rest = e.as_coeff_Add()
    for term in Add.make_args(rest):
        factor, value = term.as_coeff_Mul()
        if constant != 0 and isinstance(value, exp) and factor == -constant:
            return Add(rest - term, factor * Expm1(value.args[0]))
    return e


def _complement(e: Add) -> Expr:
    """Join c + k g(u) where it cancels: g = erf, tanh, tanh², Φ, σ, cos, cosh and k = ±c or -2c."""
    constant, rest = e.as_coeff_Add()
    factor, value = rest.as_coeff_Mul()
    if constant == 0 or value.is_Add:
        return e
    base, power = value.as_base_exp() if not isinstance(value, exp) else (value, S.One)
    rule = _COMPLEMENTS.get((type(base), power, factor / constant))
    return e if rule is None else constant * rule(base.args[0])


_COMPLEMENTS: dict[tuple[Any, Any, Any], Callable[[Expr], Expr]] = {
    (erf, 1, 1): lambda u: 2 * Cdf(sqrt(2) * u),
    (erf, 1, -1): lambda u: 2 * Cdf(-sqrt(2) * u),
    (Tanh, 1, 1): lambda u: 2 * Logistic(2 * u),
    (Tanh, 1, -1): lambda u: 2 * Logistic(-2 * u),
    (Tanh, 2, -1): lambda u: 4 * Logistic(2 * u) * Logistic(-2 * u),
    (Cdf, 1, -1): lambda u: Cdf(-u),
    (Cdf, 1, -2): lambda u: -erf(u / sqrt(2)),
    (Logistic, 1, -1): lambda u: Logistic(-u),
    (Logistic, 1, -2): lambda u: -Tanh(u / 2),
    (cos, 1, -1): lambda u: 2 * sin(u / 2) ** 2,
    (cos, 1, 1): lambda u: 2 * cos(u / 2) ** 2,
    (cosh, 1, -1): lambda u: -2 * sinh(u / 2) ** 2,
}
"""The form of 1 + k g(u)^p, by g, p and k."""


def _with_root(e: Expr) -> Expr:
    """Join c u + c √(u² + b), for numbers b > 0 and c."""
    for term in Add.make_args(e):
        factor, value = term.as_coeff_Mul()
        if not (isinstance(value, Pow) and value.exp == Rational(1, 2)):
            continue
        for other in Add.make_args(e - term):
            u = other / factor
            b = expand(value.base - u**2)
            if u.free_symbols and b.is_number and b.is_positive:
                return e - term - other + factor * PlusRoot(u, b)
    return e


def _with_square(e: Expr) -> Expr:
    """Write c ± 2 c sin u cos u as c (sin u ± cos u)²: it touches 0."""
    constant, rest = e.as_coeff_Add()
    factor, value = rest.as_coeff_Mul()
    if constant == 0 or abs(factor) != 2 * abs(constant) or not (isinstance(value, Mul) and len(value.args) == 2):
        return e
    kinds = {type(a): a.args[0] for a in value.args if isinstance(a, sin | cos)}
    if len(kinds) != 2 or kinds[sin] != kinds[cos]:
        return e
    u = kinds[sin]
    return constant * (sin(u) + factor / (2 * constant) * cos(u)) ** 2


def in_floats(e: Expr) -> Expr:
    """Return an expression without fractions of integers beyond 2^53, which arrays and C do not hold: for printing."""
    large = {n: Float(repr(float(n)), 17) for n in e.atoms(Rational) if max(abs(n.p), n.q) > 2**53}
    return e.xreplace(large)


def sharing(derivative: Expr, value: Expr) -> Expr:
    """Return a derivative in the functions that the value holds: 1 - tanh², σ(-u) = 1 - σ(u).

    One function fewer for each point, and an error of a rounding of 1 rather than of the derivative.
    """
    for found in value.atoms(Tanh):
        u = found.args[0]
        pair = Logistic(2 * u) * Logistic(-2 * u)
        derivative = derivative.xreplace({pair: (1 - found**2) / 4})
        derivative = derivative.replace(
            lambda e, u=u: isinstance(e, Mul) and {Logistic(2 * u), Logistic(-2 * u)} <= set(e.args),
            lambda e, u=u, found=found: (
                Mul(*(a for a in e.args if a not in (Logistic(2 * u), Logistic(-2 * u)))) * (1 - found**2) / 4
            ),
        )
    return derivative.xreplace({Logistic(-found.args[0]): 1 - found for found in value.atoms(Logistic)})


_LARGEST_EXPONENT = 60
"""In bits: beyond it mpmath would compute with as many digits as the exponent has units."""


def _exp(u: Any) -> Any:
    """exp, 0 far below the floats; it raises OverflowError far above them."""
    if not u or mpmath.mag(u) <= _LARGEST_EXPONENT:
        return mpmath.exp(u)
    if mpmath.re(u) > 0:
        raise OverflowError
    return mpmath.mpf(0)


def _phi(u: Any) -> Any:
    return mp_phi(u) if abs(u) < 2**30 or mpmath.re(u) > 0 else mpmath.mpf(0)


def _erfcx(u: Any) -> Any:
    """exp(u²) erfc(u), for large u by Σ (-1)^n (2n - 1)!!/(2u²)^n/(u√π)."""
    if u < 2**15:
        return 2 * mp_phi(-mpmath.sqrt(2) * u) * _exp(u * u)
    total = term = mpmath.mpf(1)
    n = 0
    while abs(term) > mpmath.eps:
        n += 1
        term *= -(2 * n - 1) / (2 * u * u)
        total += term
    return total / (u * mpmath.sqrt(mpmath.pi))


def _log_phi(u: Any) -> Any:
    return mpmath.log(_erfcx(-u / mpmath.sqrt(2)) / 2) - u * u / 2 if u < -1 else mpmath.log(mp_phi(u))


_PRECISE: dict[str, Any] = {
    "Logistic": lambda u: 1 / (1 + _exp(-u)) if u > 0 else _exp(u) / (1 + _exp(u)),
    "Softplus": lambda u: max(u, 0) + mpmath.log1p(_exp(-abs(u))),
    "Expm1": lambda u: mpmath.expm1(u) if abs(u) < 1 else _exp(u) - 1,
    "Tanh": mpmath.tanh,
    "Log1p": mpmath.log1p,
    "LogCdf": _log_phi,
    "Erfcx": _erfcx,
    "Cdf": _phi,
    "Root": lambda u, b: mpmath.sqrt(u * u + b),
    "PlusRoot": lambda u, b: u + mpmath.sqrt(u * u + b),
    "Phi": _phi,
    "NormalDensity": lambda u: _exp(-u * u / 2) / mpmath.sqrt(2 * mpmath.pi),
    "Heaviside": lambda u, at=0.5: mpmath.mpf(1) if u > 0 else mpmath.mpf(0) if u < 0 else mpmath.mpf(at),
    "exp": _exp,
    "erfc": lambda u: mpmath.erfc(u) if u < 2**30 else mpmath.mpf(0),
}


def precise(e: Expr, x: Symbol) -> Callable[[Any], Any]:
    """Return an expression as a function of mpmath numbers, at the working precision of mpmath.

    It raises OverflowError where an exponential is beyond all floats.
    """
    made: Callable[[Any], Any] = lambdify(x, e, [_PRECISE, "mpmath"])
    return made
