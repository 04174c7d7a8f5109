"""An activation, its slope and its curvature as NumPy functions that neither overflow nor cancel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from sympy import Add, Basic, Expr, Function, Mul, Pow, S, Symbol, erf, erfc, exp, lambdify, log, tanh

from derive.activations import Activation
from derive.gaussian.functions import NormalDensity, Phi

Array = np.ndarray[Any, np.dtype[np.float64]]
Real = Callable[[Array], Array]

NEAR_ZERO = 0.2
"""Where |s| is at most this, a Taylor polynomial may stand for a formula that loses digits."""

# Where the value of a formula is compared with many digits, and how many digits it may lose.
_PROBES = (1e-7, 1e-5, 1e-3, 0.03, NEAR_ZERO)
_LOST = 1e-13
_TAYLOR_RADIUS, _TAYLOR_ORDER = 0.25, 26


def _call(printer: Any, function: str, *arguments: Expr) -> str:
    """A call of a NumPy or SciPy function, as code."""
    return f"{printer._module_format(function)}({', '.join(map(printer._print, arguments))})"


class _Logistic(Function):
    """1/(1 + exp(-u)), whose slope is written without a quotient of exponentials."""

    def fdiff(self, argindex: int = 1) -> Expr:
        return _Logistic(self.args[0]) * _Logistic(-self.args[0])

    def _numpycode(self, printer: Any, **_: Any) -> str:
        return _call(printer, "scipy.special.expit", self.args[0])


class _Softplus(Function):
    """log(1 + exp(u))."""

    def fdiff(self, argindex: int = 1) -> Expr:
        return _Logistic(self.args[0])

    def _numpycode(self, printer: Any, **_: Any) -> str:
        return _call(printer, "numpy.logaddexp", S.Zero, self.args[0])


class _Expm1(Function):
    """exp(u) - 1."""

    def fdiff(self, argindex: int = 1) -> Expr:
        return exp(self.args[0])

    def _numpycode(self, printer: Any, **_: Any) -> str:
        return _call(printer, "numpy.expm1", self.args[0])


class _Tanh(Function):
    """tanh(u), with slope sech²(u) = 4 σ(2u) σ(-2u) in place of 1 - tanh²(u)."""

    def fdiff(self, argindex: int = 1) -> Expr:
        u = self.args[0]
        return 4 * _Logistic(2 * u) * _Logistic(-2 * u)

    def _numpycode(self, printer: Any, **_: Any) -> str:
        return _call(printer, "numpy.tanh", self.args[0])


class _Cdf(Function):
    """Φ(u)."""

    def fdiff(self, argindex: int = 1) -> Expr:
        return NormalDensity(self.args[0])

    def _numpycode(self, printer: Any, **_: Any) -> str:
        return _call(printer, "scipy.special.ndtr", self.args[0])


def stable(expression: Expr) -> Expr:
    """Return the expression in functions that stay accurate: logistic, softplus, expm1, Φ.

    >>> from sympy import Symbol, exp
    >>> x = Symbol("x")
    >>> stable(x / (1 + exp(-x)))
    x*_Logistic(x)
    """
    if not expression.args:
        return expression
    args = [a if not isinstance(a, Basic) else stable(a) for a in expression.args]
    made = expression.func(*args) if tuple(args) != expression.args else expression
    if isinstance(made, Pow) and made.exp.is_Integer and made.exp < 0 and (u := _one_plus_exp(made.base)) is not None:
        return _Logistic(-u) ** -made.exp
    if isinstance(made, log) and (u := _one_plus_exp(made.args[0])) is not None:
        return _Softplus(u)
    if isinstance(made, tanh):
        return _Tanh(made.args[0])
    if isinstance(made, Phi):
        return _Cdf(made.args[0])
    if isinstance(made, Add):
        return _with_expm1(_with_cdf(made))
    return made


def _one_plus_exp(e: Expr) -> Expr | None:
    """Return u for 1 + exp(u)."""
    rest = e - 1
    return rest.args[0] if isinstance(rest, exp) else None


def _with_expm1(e: Add) -> Expr:
    """Join c exp(u) - c, for a number c."""
    constant, rest = e.as_coeff_Add()
    for term in Add.make_args(rest):
        factor, value = term.as_coeff_Mul()
        if constant != 0 and isinstance(value, exp) and factor == -constant:
            return Add(rest - term, factor * _Expm1(value.args[0]))
    return e


def _with_cdf(e: Add) -> Expr:
    """Join c + c erf(u), which cancels for negative u, to c erfc(-u), and c + c tanh(u) to 2c σ(2u)."""
    constant, rest = e.as_coeff_Add()
    if constant != 0 and isinstance(rest, Mul | erf | _Tanh):
        factor, value = rest.as_coeff_Mul()
        if isinstance(value, erf) and factor == constant:
            return constant * erfc(-value.args[0])
        if isinstance(value, _Tanh) and factor == constant:
            return 2 * constant * _Logistic(2 * value.args[0])
    return e


@dataclass(frozen=True)
class Functions:
    """An activation f as arrays see it.

    ``points`` are the places where one formula gives way to another, in increasing order; ``jumps`` and
    ``slope_jumps`` are f(p+) - f(p-) and f'(p+) - f'(p-) there. ``value``, ``slope`` and ``curvature`` take
    arrays of any shape; at a point they take one of the two sides' values.
    """

    activation: Activation
    value: Real
    slope: Real
    curvature: Real
    points: tuple[float, ...]
    jumps: tuple[float, ...]
    slope_jumps: tuple[float, ...]

    @property
    def is_continuous(self) -> bool:
        """Whether f has no jumps, so that E[f'^2] is finite."""
        return not any(self.jumps)


@lru_cache(maxsize=64)
def functions(activation: Activation) -> Functions:
    """Return an activation's functions, compiled once.

    Raises `InputError` when the activation has a parameter without a number.
    """
    x = activation.symbol
    value, slope, second = (_repaired(_compiled(made.expression, x), made.taylor) for made in formulas(activation))
    points = tuple(sorted(float(p) for p in activation.breakpoints))
    return Functions(activation, value, slope, second, points, _sides(value, points), _sides(slope, points))


@dataclass(frozen=True)
class Formula:
    """An expression that stays accurate, but for |s| <= `NEAR_ZERO` where there are Taylor coefficients."""

    expression: Expr
    taylor: tuple[float, ...] | None


@lru_cache(maxsize=64)
def formulas(activation: Activation) -> tuple[Formula, Formula, Formula]:
    """Return the formulas of f, f' and f'' that `functions` compiles.

    Raises `InputError` when the activation has a parameter without a number.
    """
    from derive.errors import InputError

    x = activation.symbol
    free = activation.expression.free_symbols - {x}
    if free:
        names = ", ".join(sorted(map(str, free)))
        raise InputError(f"activation must have numbers for all its parameters, got {activation} with free {names}")
    expression = stable(activation.expression)
    derivative = _pointwise(expression.diff(x))
    curvature = _pointwise(derivative.diff(x))
    smooth_at_zero = all(abs(float(p)) > 2 * _TAYLOR_RADIUS for p in activation.breakpoints)
    made = (Formula(e, _taylor(e, x) if smooth_at_zero else None) for e in (expression, derivative, curvature))
    return next(made), next(made), next(made)


@lru_cache(maxsize=64)
def derivative(f: Functions, order: int) -> Real:
    """Return a derivative of the activation between its kinks and jumps, of any order, as a function of arrays."""
    if order < 3:
        return (f.value, f.slope, f.curvature)[order]
    x = f.activation.symbol
    e = stable(f.activation.expression)
    for _ in range(order):
        e = _pointwise(e.diff(x))
    return _compiled(e, x, all(abs(p) > 2 * _TAYLOR_RADIUS for p in f.points))


def _pointwise(e: Expr) -> Expr:
    """Drop the deltas that SymPy's derivative of a step puts at the jump."""
    from sympy import DiracDelta

    return e.replace(DiracDelta, lambda *_: S.Zero)


def _compiled(e: Expr, x: Symbol) -> Real:
    raw = lambdify(x, e, ["scipy", "numpy"], cse=True)

    def evaluate(s: Array) -> Array:
        s = np.asarray(s, dtype=np.float64)
        with np.errstate(all="ignore"):
            value = np.asarray(raw(s), dtype=np.float64)
        # A constant comes back as one number.
        return value if value.shape == s.shape else np.broadcast_to(value, s.shape).copy()

    return evaluate


def _repaired(evaluate: Real, taylor: tuple[float, ...] | None) -> Real:
    """Return the function with its Taylor polynomial near 0, if it has one."""
    if taylor is None:
        return evaluate
    reversed_ = taylor[::-1]

    def repaired(s: Array) -> Array:
        s = np.asarray(s, dtype=np.float64)
        near = np.abs(s) <= NEAR_ZERO
        value = evaluate(s)
        if near.any():
            value[near] = np.polyval(reversed_, s[near])
        return value

    return repaired


def _taylor(e: Expr, x: Symbol) -> tuple[float, ...] | None:
    """Return Taylor coefficients at 0 if the formula loses digits near it (s - tanh s); else None."""
    if x not in e.free_symbols:
        return None
    evaluate, exact = _compiled(e, x), precise(e, x)
    try:
        with mpmath.workdps(40):
            truth = [float(exact(mpmath.mpf(p))) for p in _PROBES]
            found = evaluate(np.array(_PROBES))
            largest = max(abs(t) for t in truth)
            bad = any(abs(f - t) > _LOST * abs(t) and abs(t) < 0.1 * largest for f, t in zip(found, truth, strict=True))
            if not bad:
                return None
            with mpmath.workdps(80):
                taylor = tuple(float(c) for c in mpmath.taylor(exact, 0, _TAYLOR_ORDER))
            at_edge = math.fsum(c * NEAR_ZERO**k for k, c in enumerate(taylor))
            return taylor if abs(at_edge - truth[-1]) <= _LOST * abs(truth[-1]) else None
    except (ValueError, TypeError, ArithmeticError, NotImplementedError):
        return None


def precise(e: Expr, x: Symbol) -> Callable[[Any], Any]:
    """Return an expression as a function of mpmath numbers, at the working precision of mpmath."""
    modules = {
        "_Logistic": lambda u: 1 / (1 + mpmath.exp(-u)),
        "_Softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
        "_Expm1": mpmath.expm1,
        "_Tanh": mpmath.tanh,
        "_Cdf": mpmath.ncdf,
        "Phi": mpmath.ncdf,
        "NormalDensity": mpmath.npdf,
        "Heaviside": lambda u, at=0.5: mpmath.mpf(1) if u > 0 else mpmath.mpf(0) if u < 0 else mpmath.mpf(at),
    }
    made: Callable[[Any], Any] = lambdify(x, e, [modules, "mpmath"])
    return made


def _sides(f: Real, points: tuple[float, ...]) -> tuple[float, ...]:
    """Return f(p+) - f(p-) at each point, 0 where f is continuous to ten digits."""
    found = []
    for p in points:
        left, right = f(
            np.array([np.nextafter(p, -np.inf), np.nextafter(p, np.inf)]) if p else np.array([-1e-290, 1e-290])
        )
        jump = float(right - left)
        found.append(jump if abs(jump) > 1e-10 * (1 + abs(left) + abs(right)) else 0.0)
    return tuple(found)
