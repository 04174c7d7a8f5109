"""Index expressions as arrays of integers, exactly: ``floor((o - 1)/3)`` of 10^9 does not pass through a float."""

from __future__ import annotations

from collections.abc import Mapping
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Max, Min, Mod, Symbol, ceiling, floor
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from derive.errors import InputError

Integers = NDArray[np.int64]
Ratio = tuple[Integers, int]


def integers(e: Expr, at: Mapping[Symbol, Integers]) -> Integers:
    """Return the values of an expression whose symbols have these (broadcasting) values.

    It may use sums, products, quotients by what is one number, ``floor``, ``ceiling``, ``Mod``, ``Max`` and ``Min``.

    Raises `InputError` for other functions, for a symbol without a value, and where a value is no integer.
    """
    top, bottom = _ratio(e, at)
    if bottom == 1:
        return top
    if (top % bottom).any():
        raise InputError(f"the index {e} must be an integer everywhere")
    return top // bottom


def truth(condition: Boolean, at: Mapping[Symbol, Integers]) -> NDArray[np.bool_]:
    """Return where a condition between index expressions holds."""
    if condition in (True, False):
        return np.asarray(bool(condition))
    if isinstance(condition, Relational):
        left, right = (integers(side * _denominator(condition), at) for side in condition.args[:2])
        found: NDArray[np.bool_] = _COMPARISONS[condition.rel_op](left, right)
        return found
    parts = [truth(part, at) for part in condition.args]
    joined = {"And": np.logical_and, "Or": np.logical_or}.get(type(condition).__name__)
    if joined is None or not parts:
        raise InputError(f"an index may not stand in {condition}")
    result = parts[0]
    for part in parts[1:]:
        result = joined(result, part)
    return result


_COMPARISONS: dict[str, Any] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


def _denominator(condition: Relational) -> int:
    return lcm(*(int(number.q) for number in condition.atoms() if number.is_Rational))


def _ratio(e: Expr, at: Mapping[Symbol, Integers]) -> Ratio:
    """Return numerators, and one denominator of all."""
    if e.is_Rational:
        return np.asarray(int(e.p)), int(e.q)
    if e in at:
        return at[e], 1
    parts = [_ratio(part, at) for part in e.args]
    if e.is_Add or isinstance(e, Max | Min):
        tops, bottom = _common(parts)
        combine = np.add if e.is_Add else np.maximum if isinstance(e, Max) else np.minimum
        result = tops[0]
        for top in tops[1:]:
            result = combine(result, top)
        return result, bottom
    if e.is_Mul:
        top, bottom = parts[0]
        for other, below in parts[1:]:
            top, bottom = top * other, bottom * below
        return top, bottom
    if e.is_Pow and e.exp.is_Integer and (e.exp > 0 or np.ndim(parts[0][0]) == 0):
        (top, bottom), power = parts[0], abs(int(e.exp))
        return (top**power, bottom**power) if e.exp > 0 else (np.asarray(bottom**power), int(top) ** power)
    if isinstance(e, floor | ceiling):
        ((top, bottom),) = parts
        return (top // bottom if isinstance(e, floor) else -(-top // bottom)), 1
    if isinstance(e, Mod):
        (top, divisor), bottom = _common(parts)
        return np.mod(top, divisor), bottom
    raise InputError(f"an index may be a sum, product, quotient by a size, floor, Mod, Max or Min, and not {e}")


def _common(parts: list[Ratio]) -> tuple[list[Integers], int]:
    bottom = lcm(*(below for _, below in parts))
    return [top * (bottom // below) for top, below in parts], bottom
