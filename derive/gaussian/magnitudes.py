"""The number of a closed form, with a bound on its error: closed forms cancel in far tails, so precision is raised."""

from typing import Any

import mpmath
from sympy import Expr

from derive.gaussian.evaluate import CannotEvaluate, compile_expression

DIGITS = 22
"""Digits of the value that two precisions, the second twice the first, must have in common."""
PRECISIONS = (40, 80, 160, 320, 640, 1280)


def number(e: Expr) -> tuple[Any, Any]:
    """(value, bound on its error) of a constant expression, as mpmath numbers; the bound is relative to the value.

    A value that cannot be told from 0 at the highest precision is 0, with a bound on its size.

    Raises CannotEvaluate where the expression has no finite real value.

    >>> from sympy import Rational, exp
    >>> value, bound = number(exp(Rational(1, 10**40)) - 1)
    >>> mpmath.nstr(value, 15), bool(0 < bound < value * 1e-20)
    ('1.0e-40', True)
    """
    if e == 0:
        return mpmath.mpf(0), mpmath.mpf(0)
    values = []
    for digits in PRECISIONS:
        # not by SymPy's evalf: it takes all the memory there is for exp(-10**12) + 1
        values.append(_at(e, digits))
        if len(values) == 1:
            continue
        with mpmath.workdps(digits):
            before, value = values[-2:]
            bound = 10 * abs(value - before) + abs(value) * mpmath.mpf(10) ** (-DIGITS)
            if value and bound <= 11 * abs(value) * mpmath.mpf(10) ** (-DIGITS):
                return value, bound
    # what is left where the terms cancel is rounding, smaller at every precision
    scale = magnitude(e)
    rounding = [scale * mpmath.mpf(10) ** (-digits * 4 // 5) for digits in PRECISIONS[-2:]]
    if all(abs(v) <= r for v, r in zip(values[-2:], rounding, strict=True)):
        return mpmath.mpf(0), rounding[0]
    raise CannotEvaluate(f"the value of {e} does not settle as precision is raised")


def magnitude(e: Expr) -> Any:
    """The size that the terms of an expression have together, before they cancel; the expression may be complex.

    Raises CannotEvaluate.
    """
    if e.is_Add:
        return sum(magnitude(a) for a in e.args)
    if e.is_Mul:
        return mpmath.fprod(magnitude(a) for a in e.args)
    with mpmath.workdps(PRECISIONS[0]):
        return abs(_complex(e))


def _complex(e: Expr) -> Any:
    try:
        value = compile_expression(e, (), mpmath.mp)(())
    except (ArithmeticError, ValueError, TypeError) as why:
        raise CannotEvaluate(f"{e} has no value ({type(why).__name__})") from None
    if not mpmath.isfinite(value):
        raise CannotEvaluate(f"{e} is not finite")
    return value


def _at(e: Expr, digits: int) -> Any:
    with mpmath.workdps(digits):
        value = _complex(e)
        if isinstance(value, mpmath.mpc):
            if abs(value.imag) > abs(value.real) * mpmath.mpf(10) ** (-digits // 2):
                raise CannotEvaluate(f"{e} is not real")
            value = value.real
        return value
