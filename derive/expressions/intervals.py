"""Bounds of an expression over an interval, in floats rounded outwards: what they exclude is no value."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

from sympy import (
    Expr,
    Symbol,
    acos,
    asin,
    asinh,
    atan,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    log,
    sin,
    sinh,
    tan,
    tanh,
)

from derive.gaussian.functions import NormalDensity, Phi

Interval = tuple[float, float]

EVERYTHING: Interval = (-math.inf, math.inf)
_ROUNDING = 2e-15
"""More than a few units in the last place, by which every bound is moved outwards."""


class NoBound(Exception):
    """A function of which nothing is known here."""


class Undefined(Exception):
    """The expression has no real value anywhere in the interval."""


def bounds(e: Expr, variable: Symbol, low: float, high: float) -> Interval:
    """Return numbers between which the expression lies wherever ``low <= variable <= high`` and it is real.

    Raises `NoBound` for a function that is not in the language of expressions, and `Undefined`.
    """
    if e == variable:
        return low, high
    if e.is_number:
        value = float(e)
        return _outwards(value, value)
    parts = [bounds(a, variable, low, high) for a in e.args]
    if e.is_Add:
        return _outwards(sum(a for a, _ in parts), sum(b for _, b in parts))
    if e.is_Mul:
        found = parts[0]
        for part in parts[1:]:
            found = _times(found, part)
        return found
    if e.is_Pow and e.exp.is_Rational:
        return _power(parts[0], int(e.exp.p), int(e.exp.q))
    if e.func not in _KNOWN:
        raise NoBound(str(e.func))
    return _KNOWN[e.func](*parts[0])


def _outwards(low: float, high: float) -> Interval:
    if math.isnan(low) or math.isnan(high):
        return EVERYTHING
    # The smallest normal number: below it, roundings are not relative.
    return low - _ROUNDING * abs(low) - 3e-308, high + _ROUNDING * abs(high) + 3e-308


def _times(one: Interval, other: Interval) -> Interval:
    # A zero bound times an infinite one is zero: infinity is no value.
    products = [a * b if a and b else 0.0 for a, b in product(one, other)]
    return _outwards(min(products), max(products))


def _power(base: Interval, above: int, below: int) -> Interval:
    low, high = base
    if above < 0:
        low, high = _power(base, -above, below)
        if low <= 0 <= high:
            return EVERYTHING
        return _outwards(1 / high, 1 / low)
    if below > 1:
        return _increasing(lambda x: x ** (above / below), 0.0)(low, high)
    if above % 2 == 0 and low < 0:
        low, high = (0.0 if high > 0 else -high), max(-low, high)
    return _increasing(lambda x: x**above)(low, high)


def _increasing(
    f: Callable[[float], float], start: float = -math.inf, end: float = math.inf
) -> Callable[[float, float], Interval]:
    """Give the bounds of an increasing function that is real from ``start`` to ``end``."""

    def found(low: float, high: float) -> Interval:
        if high < start or low > end:
            raise Undefined
        return _outwards(_value(f, max(low, start), -1), _value(f, min(high, end), 1))

    return found


def _value(f: Callable[[float], float], x: float, side: int) -> float:
    try:
        return f(x)
    except OverflowError:
        return math.copysign(math.inf, x) if side * x > 0 else math.copysign(1.7e308, x)
    except ValueError:  # a logarithm at 0, or a function that math refuses at infinity
        return side * math.inf


def _decreasing(f: Callable[[float], float]) -> Callable[[float, float], Interval]:
    rising = _increasing(lambda x: -f(x))

    def found(low: float, high: float) -> Interval:
        a, b = rising(low, high)
        return -b, -a

    return found


def _even(f: Callable[[float], float], *, falling: bool) -> Callable[[float, float], Interval]:
    """Give the bounds of an even function that falls, or rises, away from 0."""
    away = _decreasing(f) if falling else _increasing(f)

    def found(low: float, high: float) -> Interval:
        return away(0.0 if low < 0 < high else min(abs(low), abs(high)), max(abs(low), abs(high)))

    return found


def _wave(low: float, high: float, shift: float) -> Interval:
    """Bounds of sin(x + shift): 1 at (x + shift) = π/2 + 2πk, and -1 half a period later."""
    if not (math.isfinite(low) and math.isfinite(high) and max(abs(low), abs(high)) < 1e9):
        return -1.0, 1.0
    a, b = low + shift, high + shift
    ends = (math.sin(a), math.sin(b))

    def holds(place: float) -> bool:
        # With room for the rounding of the arguments.
        return math.floor((b - place) / (2 * math.pi) + 1e-12) > math.floor((a - place) / (2 * math.pi) - 1e-12)

    room = 4e-16 * (abs(a) + abs(b) + 1)
    least = -1.0 if holds(-math.pi / 2) else min(ends) - room
    most = 1.0 if holds(math.pi / 2) else max(ends) + room
    return _outwards(least, most)


def _tangent(low: float, high: float) -> Interval:
    if math.floor(low / math.pi + 0.5 - 1e-13) != math.floor(high / math.pi + 0.5 + 1e-13):
        return EVERYTHING
    return _increasing(math.tan)(low, high)


_KNOWN: dict[type, Callable[[float, float], Interval]] = {
    exp: _increasing(math.exp),
    log: _increasing(math.log, 0.0),
    sinh: _increasing(math.sinh),
    cosh: _even(math.cosh, falling=False),
    tanh: _increasing(math.tanh),
    asinh: _increasing(math.asinh),
    atan: _increasing(math.atan),
    asin: _increasing(math.asin, -1.0, 1.0),
    acos: lambda low, high: _decreasing(math.acos)(max(low, -1.0), min(high, 1.0)),
    erf: _increasing(math.erf),
    erfc: _decreasing(math.erfc),
    Phi: _increasing(lambda x: math.erfc(-x / math.sqrt(2)) / 2),
    NormalDensity: _even(lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi), falling=True),
    sin: lambda low, high: _wave(low, high, 0.0),
    cos: lambda low, high: _wave(low, high, math.pi / 2),
    tan: _tangent,
}
