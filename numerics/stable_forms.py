"""Expressions rewritten so that float64 neither overflows nor loses digits, and what their functions are in NumPy.

Every activation is evaluated from its own expression through `stable`, for the maps, the simulator and a user alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import mpmath
import numpy as np
import scipy.special
from numpy.typing import NDArray
from sympy import (
    Add,
    Basic,
    Expr,
    Function,
    Mul,
    Pow,
    Rational,
    Symbol,
    cos,
    erf,
    erfc,
    exp,
    expand,
    lambdify,
    log,
    sin,
    tanh,
)

from derive.gaussian.functions import NormalDensity, Phi

Floats = NDArray[Any]


class StableFunction(Function):
    """A function with a name in `NAMES`; a printer may have a ``spelling`` of its own for it, such as numpy.tanh."""

    code: ClassVar[str]

    def _eval_is_extended_real(self) -> bool | None:
        # Real numbers have real values here: |u| has a slope for SymPy only where it knows that u is real.
        return True if all(a.is_extended_real for a in self.args) else None

    def _numpycode(self, printer: Any, **_: Any) -> str:
        spelling = getattr(printer, "spelling", {}).get(self.code)
        name = self.code if spelling is None else printer._module_format(spelling)
        return f"{name}({', '.join(map(printer._print, self.args))})"


class Logistic(StableFunction):
    """1/(1 + exp(-u)), whose slope is written without a quotient of exponentials."""

    code = "_logistic"

    def fdiff(self, argindex: int = 1) -> Expr:
        """σ(u) σ(-u)."""
        return Logistic(self.args[0]) * Logistic(-self.args[0])


class Softplus(StableFunction):
    """log(1 + exp(u))."""

    code = "_softplus"

    def fdiff(self, argindex: int = 1) -> Expr:
        """The logistic function."""
        return Logistic(self.args[0])


class Expm1(StableFunction):
    """exp(u) - 1."""

    code = "_expm1"

    def fdiff(self, argindex: int = 1) -> Expr:
        """exp(u)."""
        return exp(self.args[0])


class Tanh(StableFunction):
    """tanh(u), with slope sech²(u) = 4 σ(2u) σ(-2u) in place of 1 - tanh²(u)."""

    code = "_tanh"

    def fdiff(self, argindex: int = 1) -> Expr:
        """sech²(u)."""
        u = self.args[0]
        return 4 * Logistic(2 * u) * Logistic(-2 * u)


class Cdf(StableFunction):
    """Φ(u)."""

    code = "_ndtr"

    def fdiff(self, argindex: int = 1) -> Expr:
        """φ(u)."""
        return NormalDensity(self.args[0])


class Root(StableFunction):
    """√(u² + b) for a number b > 0, without squaring u."""

    code = "_root"
    nargs = 2

    def fdiff(self, argindex: int = 1) -> Expr:
        """u/√(u² + b)."""
        return self.args[0] / self


class PlusRoot(StableFunction):
    """u + √(u² + b) for a number b > 0, which cancels for a negative u."""

    code = "_plus_root"
    nargs = 2

    def fdiff(self, argindex: int = 1) -> Expr:
        """(u + √(u² + b))/√(u² + b)."""
        return self / Root(*self.args)


def _logistic(u: Floats) -> Floats:
    small = np.exp(-np.abs(u))
    return np.where(u >= 0, small.dtype.type(1), small) / (1 + small)


def _softplus(u: Floats) -> Floats:
    return np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u)))


def _root(u: Floats, b: float) -> Floats:
    return np.hypot(u, u.dtype.type(np.sqrt(b)))


def _plus_root(u: Floats, b: float) -> Floats:
    root = _root(u, b)
    return np.where(u > 0, u + root, b / (root - u))


NAMES: dict[str, Any] = {
    "_logistic": _logistic,
    "_softplus": _softplus,
    "_expm1": np.expm1,
    "_tanh": np.tanh,
    "_ndtr": scipy.special.ndtr,
    "_root": _root,
    "_plus_root": _plus_root,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "erfcx": scipy.special.erfcx,
}
"""What `sympy.lambdify` needs beside NumPy and SciPy; all of them keep float32."""


def stable(expression: Expr) -> Expr:
    """Return the expression in functions that stay accurate: logistic, softplus, expm1, Φ.

    >>> from sympy import Symbol, exp
    >>> x = Symbol("x")
    >>> stable(x / (1 + exp(-x)))
    x*Logistic(x)
    """
    if not expression.args:
        return expression
    args = [a if not isinstance(a, Basic) else stable(a) for a in expression.args]
    made = expression.func(*args) if tuple(args) != expression.args else expression
    if isinstance(made, Pow) and made.exp.is_Integer and made.exp < 0 and (u := _one_plus_exp(made.base)) is not None:
        return Logistic(-u) ** -made.exp
    if isinstance(made, log) and (u := _one_plus_exp(made.args[0])) is not None:
        return Softplus(u)
    if isinstance(made, tanh):
        return Tanh(made.args[0])
    if isinstance(made, Phi):
        return Cdf(made.args[0])
    if isinstance(made, Mul):
        return _with_one_exp(made)
    if isinstance(made, Add):
        return _with_square(_with_root(_with_expm1(_with_cdf(made))))
    return made


def _one_plus_exp(e: Expr) -> Expr | None:
    """Return u for 1 + exp(u)."""
    rest = e - 1
    return rest.args[0] if isinstance(rest, exp) else None


def _with_one_exp(e: Mul) -> Expr:
    """Join exp(u) exp(v) to exp(u + v): one factor may overflow where the product is 0."""
    exponents = [a.args[0] for a in e.args if isinstance(a, exp)]
    if len(exponents) < 2:
        return e
    return Mul(*(a for a in e.args if not isinstance(a, exp)), exp(Add(*exponents)))


def _with_expm1(e: Add) -> Expr:
    """Join c exp(u) - c, for a number c."""
    constant, rest = e.as_coeff_Add()
    for term in Add.make_args(rest):
        factor, value = term.as_coeff_Mul()
        if constant != 0 and isinstance(value, exp) and factor == -constant:
            return Add(rest - term, factor * Expm1(value.args[0]))
    return e


def _with_cdf(e: Add) -> Expr:
    """Join c + c erf(u), which cancels for negative u, to c erfc(-u), and c + c tanh(u) to 2c σ(2u)."""
    constant, rest = e.as_coeff_Add()
    if constant != 0 and isinstance(rest, Mul | erf | Tanh):
        factor, value = rest.as_coeff_Mul()
        if isinstance(value, erf) and factor == constant:
            return constant * erfc(-value.args[0])
        if isinstance(value, Tanh) and factor == constant:
            return 2 * constant * Logistic(2 * value.args[0])
    return e


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


def precise(e: Expr, x: Symbol) -> Callable[[Any], Any]:
    """Return an expression as a function of mpmath numbers, at the working precision of mpmath."""
    modules = {
        "Logistic": lambda u: 1 / (1 + mpmath.exp(-u)),
        "Softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
        "Expm1": mpmath.expm1,
        "Tanh": mpmath.tanh,
        "Cdf": mpmath.ncdf,
        "Root": lambda u, b: mpmath.sqrt(u * u + b),
        "PlusRoot": lambda u, b: u + mpmath.sqrt(u * u + b),
        "Phi": mpmath.ncdf,
        "NormalDensity": mpmath.npdf,
        "Heaviside": lambda u, at=0.5: mpmath.mpf(1) if u > 0 else mpmath.mpf(0) if u < 0 else mpmath.mpf(at),
    }
    made: Callable[[Any], Any] = lambdify(x, e, [modules, "mpmath"])
    return made
