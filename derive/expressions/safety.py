"""Building expressions so that no later step can blow up: bounded constants, exponents and towers of exponentials."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import lru_cache

import mpmath
from sympy import ITE, Expr, Rational, S, Symbol, cosh, exp, lambdify, log, sinh

from derive.errors import InputError
from derive.gaussian.evaluate import CannotEvaluate, compile_expression
from derive.gaussian.functions import NormalDensity

HIGHEST_EXPONENT = 40
HIGHEST_ROOT = 12
MOST_BITS = 4096
LARGEST = Rational(10) ** 100
TALLEST = 3
"""How many exponentials may stand inside one another."""
MANY_DIGITS = 1000
"""Digits with which an expression is tried where floats fail: Phi(-30) and 1 - tanh(30)**2 are not 0."""


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
    """The expression in floats: None where it overflows, of which no sign is known, and NaN where it is not real."""
    at = {p: Rational(7 + n, 10) for n, p in enumerate(sorted(expression.free_symbols - {variable}, key=str))}
    # In floats: an overflow is an error at once and not a number of a billion digits.
    function = lambdify(variable, expression.xreplace(at), "math")

    def evaluate(x: float) -> float | None:
        try:
            value = function(x)
            if not isinstance(value, complex) and math.isfinite(value):
                return float(value)
        except OverflowError:
            return None
        except (ArithmeticError, ValueError, TypeError):
            pass
        return _with_many_digits(expression.xreplace(at), variable, x)

    return evaluate


def _with_many_digits(expression: Expr, variable: Symbol, x: float) -> float:
    """The value where floats have none: the logarithm of what rounds to 0 has one. NaN where there is none."""
    if _tower(expression) >= TALLEST:
        return math.nan
    try:
        with mpmath.workdps(MANY_DIGITS):
            value = compile_expression(expression, (variable,), mpmath.mp)((mpmath.mpf(x),))
            if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value):
                return math.nan
            # beyond the range of floats it is finite all the same
            return max(-sys.float_info.max, min(sys.float_info.max, float(value)))
    except (CannotEvaluate, ArithmeticError, ValueError, TypeError):
        return math.nan


_ASIDE = 0.0137
_TRIED = (0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 0.1, -0.1, 1.7, -1.7, 5, -5, 6, -6, 10, -10, 30, -30)
