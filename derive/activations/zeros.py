"""Where a smooth function of one variable changes sign: by inverse functions, exactly, or else by halving intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from mpmath import mp
from sympy import (
    Expr,
    Float,
    Pow,
    Rational,
    Symbol,
)

from derive.errors import InputError
from derive.expressions.intervals import Interval, NoBound, Undefined, bounds
from derive.gaussian.inversion import INCREASING
from derive.limits import check as check_limit

DIGITS = 40
FARTHEST = 32
"""Zeros that no inverse function gives are looked for between -32 and 32."""
MOST_ZEROS = 1024
_NARROWEST = 2.0**-40
_FLAT = 1e-13


def peeled(e: Expr, variable: Symbol) -> list[Expr] | None:
    """Return expressions whose zeros are those of a scaled and shifted function of one of them, or None.

    a tanh(u) + b = 0 is u - atanh(-b/a) = 0 where that is real; of 1/u likewise, and of odd powers.

    >>> from sympy import tanh
    >>> x = Symbol("x", real=True)
    >>> peeled(2*tanh(3*x) - 1, x)
    [3*x - atanh(1/2)]
    >>> peeled(tanh(x) - 2, x)
    []
    """
    constant, rest = e.as_independent(variable, as_Add=True)
    if not constant.is_number:
        return None
    factor, core = rest.as_independent(variable, as_Add=False)
    if not factor.is_number:
        return None
    level = -constant / factor
    if isinstance(core, Pow):
        return _peeled_power(core, level)
    if core.func not in INCREASING:
        return None
    function = INCREASING[core.func]
    inside = bool(function.low < level) and bool(level < function.high)
    return [core.args[0] - function.inverse(level)] if inside else []


def _peeled_power(core: Expr, level: Expr) -> list[Expr] | None:
    base, power = core.args
    if power == -1:
        # 1/u changes its sign where u does, too, and where it is level.
        return [base, base - 1 / level] if level != 0 else [base]
    if power.is_Integer and power > 0 and power % 2:
        return [base - (level ** (1 / power) if level >= 0 else -((-level) ** (1 / power)))]
    return None


def sign_changes(e: Expr, variable: Symbol) -> list[Expr]:
    """Return the zeros and poles, between -32 and 32, at which a smooth expression changes sign, to 50 digits.

    Intervals are halved until the expression, or its slope, has no zero in them by interval arithmetic. Raises
    `InputError` where there are more than 1024.
    """
    from derive.expressions.stable import precise

    exact = precise(e, variable)
    sign = lru_cache(maxsize=4)(partial(_sign, exact))
    found: list[tuple[float, float]] = []
    for low, high in _isolated(e, e.diff(variable), variable, -float(FARTHEST), float(FARTHEST)):
        if sign(low) * sign(high) < 0:
            found.append((low, high))
        if len(found) > MOST_ZEROS:
            raise InputError(f"must have at most {MOST_ZEROS} breakpoints for |x| < {FARTHEST}, got more of {e}")
    return [_snapped(e, variable, _located(exact, *ends, sign(ends[0]))) for ends in found]


def _snapped(e: Expr, variable: Symbol, root: Expr) -> Expr:
    """Return a round number in place of one that is near it, if it is a zero: one of high order has few digits."""
    near = Rational(round(16 * root), 16)
    return near if abs(root - near) < 1e-15 and e.subs(variable, near) == 0 else root


def _isolated(e: Expr, slope: Expr, variable: Symbol, low: float, high: float) -> Iterator[tuple[float, float]]:
    """Yield intervals, from left to right, which hold all zeros; one each but where nothing better can be known."""
    left = [(low, high)]
    while left:
        check_limit()
        low, high = left.pop()
        try:
            value = bounds(e, variable, low, high)
            if _excludes(value):
                continue
            rise = bounds(slope, variable, low, high)
        except Undefined:
            continue
        except NoBound:
            # Nothing is known of a function: the grid is as fine as it is worth looking.
            value = rise = (-1.0, 1.0) if high - low > 1 / 16 else (0.0, 0.0)
        # Without a pole, a slope that is not 0 leaves room for one zero.
        monotone = _excludes(rise) and _width(value) < math.inf
        # What is left of a difference of nearly equal functions is rounding: its sign is asked with many digits.
        rounded = high - low <= 1 / 64 and (_width(value) <= _FLAT or _width(rise) <= _FLAT)
        if monotone or rounded or high - low <= _NARROWEST:
            yield low, high
        else:
            middle = low + (high - low) * 0.493  # no round number: zeros are at round numbers
            left += [(middle, high), (low, middle)]


def _width(interval: Interval) -> float:
    return interval[1] - interval[0]


def _excludes(interval: Interval) -> bool:
    return interval[0] > 0 or interval[1] < 0


def _sign(f: Callable[[Any], Any], x: Any) -> int:
    with mp.workdps(DIGITS + 20):
        try:
            value = f(mp.mpf(x))
            return int(mp.sign(value)) if isinstance(value, mp.mpf | int | float) and mp.isfinite(value) else 0
        except (ArithmeticError, ValueError):
            return 0


def _located(f: Callable[[Any], Any], low: float, high: float, left: int) -> Expr:
    """Narrow an interval whose ends differ in sign to 50 digits; a pole is found as a zero is."""
    with mp.workdps(DIGITS + 20):
        a, b = mp.mpf(low), mp.mpf(high)
        with suppress(ArithmeticError, ValueError):
            # A few steps where the function is steep and smooth; held to the sign on either side.
            root = mp.findroot(f, (a, b), solver="anderson", tol=mp.mpf(10) ** -(2 * DIGITS), verify=False)
            near = mp.mpf(10) ** -(DIGITS + 10) * max(1, abs(root))
            if a < root < b and _sign(f, root - near) == left == -_sign(f, root + near):
                return Float(root, DIGITS + 10)
        while b - a > mp.mpf(10) ** -(DIGITS + 12) * max(1, abs(a)):
            middle = (a + b) / 2
            side = _sign(f, middle)
            if side == 0:
                a = b = middle
            elif side == left:
                a = middle
            else:
                b = middle
        return Float((a + b) / 2, DIGITS + 10)
