"""Building expressions so that no later step can blow up: bounded constants, exponents and towers of exponentials."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath
from sympy import ITE, Expr, Function, Rational, S, Symbol, cosh, exp, lambdify, log, sinh

from derive.errors import InputError
from derive.gaussian.evaluate import CannotEvaluate, compile_expression
from derive.gaussian.functions import NormalDensity

HIGHEST_EXPONENT = 40
HIGHEST_ROOT = 12
MOST_BITS = 4096
LARGEST = Rational(10) ** 100
TALLEST = 3
"""How many exponentials may stand inside one another."""
MOST_NESTED = 12
"""How many functions of any kind may: slopes and curvatures grow with the power of the depth."""
MOST_NODES = 5000
"""How many numbers, names and operations an expression may have once its functions are written out."""


class Unsafe(ValueError):
    """A rule that an expression under construction breaks."""


def safely(make: Callable[[], Expr]) -> Expr:
    """Build a node; a constant must be real and of reasonable size. Raises `Unsafe` with the rule."""
    try:
        made = S(make())
    except (InputError, Unsafe):
        raise
    except (ArithmeticError, ValueError, TypeError, AttributeError, NotImplementedError):
        raise Unsafe("this has no real value") from None
    if made.has(ITE):
        # a condition on a Piecewise; And and Or are what everything else knows
        made = made.replace(lambda e: isinstance(e, ITE), lambda e: e.to_nnf())
    if made.has(S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity, S.ImaginaryUnit):
        raise Unsafe("this has no real value")
    if made.is_number:
        _check_constant(made)
    elif _tower(made) > TALLEST:
        raise Unsafe(f"at most {TALLEST} exponentials may stand inside one another")
    elif _depth(made) > MOST_NESTED:
        raise Unsafe(f"at most {MOST_NESTED} functions may stand inside one another")
    elif _nodes(made) > MOST_NODES:
        raise Unsafe(f"at most {MOST_NODES} numbers, names and operations, with functions written out")
    return made


def raised(base: Expr, exponent: Expr) -> Expr:
    """Return a power, refused before it is computed where it could be too large. Raises `Unsafe`."""
    if not exponent.is_Rational:
        if not (base.is_number and base.is_positive):
            raise Unsafe("an exponent must be a number, unless the base is a positive number")
        return exp(exponent * log(base))
    if abs(exponent) > HIGHEST_EXPONENT or exponent.q > HIGHEST_ROOT:
        raise Unsafe(
            f"an exponent must be a fraction with size at most {HIGHEST_EXPONENT} and denominator at most "
            f"{HIGHEST_ROOT}"
        )
    if base.is_zero and exponent <= 0:
        raise Unsafe("0 to a power that is not positive")
    if base.is_Rational and max(base.p.bit_length(), base.q.bit_length()) * abs(exponent) > MOST_BITS:
        raise Unsafe("constants have too many digits")
    # The total power of nested powers: ((x**40)**40)**40 is one power to SymPy.
    if base.is_Pow and base.exp.is_Rational and abs(base.exp * exponent) > HIGHEST_EXPONENT:
        raise Unsafe(f"powers of powers must come to at most {HIGHEST_EXPONENT}")
    return base**exponent


def _check_constant(made: Expr) -> None:
    if made == 0:
        return
    if made.is_Rational:
        if max(made.p.bit_length(), made.q.bit_length()) > MOST_BITS:
            raise Unsafe("constants have too many digits")
        size: Expr = abs(made)
    else:
        number = made.evalf(15)
        if not number.is_extended_real or not number.is_finite:
            raise Unsafe("this has no real value")
        size = abs(number)
    if not 1 / LARGEST <= size <= LARGEST:
        raise Unsafe("constants must be between 1e-100 and 1e100 in size")


@lru_cache(maxsize=1024)
def _tower(e: Expr) -> int:
    """How many exponentials stand inside one another."""
    inside = max((_tower(a) for a in e.args), default=0)
    return inside + isinstance(e, exp | sinh | cosh | NormalDensity)


@lru_cache(maxsize=1024)
def _depth(e: Expr) -> int:
    """How many functions stand inside one another."""
    return max((_depth(a) for a in e.args), default=0) + isinstance(e, Function)


@lru_cache(maxsize=1024)
def _nodes(e: Expr) -> int:
    return 1 + sum(_nodes(a) for a in e.args)


def require_real(expression: Expr, variable: Symbol, text: str) -> None:
    """Raise `InputError` unless an expression has a finite real value where it is tried, from -30 to 30."""
    evaluate = _evaluator(expression, variable)
    for point in _TRIED:
        value = evaluate(float(point))
        if value is not None and not math.isfinite(value):
            raise InputError(f"activation must be real and finite for every x, which fails at x = {point} in {text!r}")


def require_real_almost_everywhere(expression: Expr, variable: Symbol, text: str, *, what: str) -> None:
    """Raise `InputError` unless an expression has a real value where it is tried: poles at single points may be."""
    evaluate = _evaluator(expression, variable)
    for point in _TRIED:
        # Poles are at round numbers.
        x = round(point + _ASIDE, 4)
        value = evaluate(x)
        if value is not None and math.isnan(value):
            raise InputError(f"{what} must be real for every x, which fails at x = {x} in {text!r}")


def _evaluator(expression: Expr, variable: Symbol) -> Callable[[float], float | None]:
    """The expression as a float: None where it overflows, of which no sign is known, and NaN where it is not real."""
    at = {p: Rational(7 + n, 10) for n, p in enumerate(sorted(expression.free_symbols - {variable}, key=str))}
    made = expression.xreplace(at)
    # In floats: an overflow is an error at once and not a number of a billion digits.
    function = lambdify(variable, made, "math")

    def evaluate(x: float) -> float | None:
        try:
            value = function(x)
            if not isinstance(value, complex) and not math.isnan(value):
                return float(value)
        except OverflowError:
            return None
        except (ArithmeticError, ValueError, TypeError):
            pass
        return _in_many_digits(made, variable, x)

    return evaluate


def _in_many_digits(e: Expr, variable: Symbol, x: float) -> float | None:
    """Decide where floats have no real value: what is 0 to them (1 - tanh(30)²) may be positive, and the reverse."""
    for digits in _DIGITS:
        try:
            with mpmath.workdps(digits):
                value = compile_expression(e, (variable,), _bounded_exponents())((mpmath.mpf(x),))
            if isinstance(value, mpmath.mpf) and mpmath.isfinite(value):
                return float(value) if abs(value) < _OVERFLOW else None
        except OverflowError:
            return None
        except CannotEvaluate:
            return math.nan
        except (ArithmeticError, ValueError, TypeError):
            pass
    return math.nan


@lru_cache(maxsize=1)
def _bounded_exponents() -> Any:
    """The numbers of mpmath, without exponentials that no memory could hold."""

    class Context:
        def __getattr__(self, name: str) -> Any:
            found = getattr(mpmath.mp, name)
            return _bounded(found) if name in ("exp", "sinh", "cosh", "tan", "tanh") else found

    return Context()


def _bounded(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def bounded(u: Any) -> Any:
        if u and mpmath.mp.mag(u) > _LARGEST_EXPONENT:
            raise OverflowError
        return function(u)

    return bounded


_LARGEST_EXPONENT = 60
"""Of an exponential's argument, in bits."""
_DIGITS = (40, 400, 4000, 60_000)
_OVERFLOW = 1e308
_ASIDE = 0.0137
_TRIED = (0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 0.1, -0.1, 1.7, -1.7, 5, -5, 6, -6, 10, -10, 30, -30)
