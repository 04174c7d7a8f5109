"""Numbers as people write them: a float is the decimal that it prints as, and a fraction prints as a decimal."""

from __future__ import annotations

import math

from sympy import Expr, Rational, sstr, sympify

from derive.errors import InputError


def exact(name: str, value: Expr | float) -> Expr:
    """Return a number or an expression as SymPy's; a float is the decimal that Python prints for it.

    Raises `InputError`, which calls the value by ``name``, for what is neither.

    >>> exact("scale", 0.2)
    1/5
    """
    if isinstance(value, bool | str) or not isinstance(value, Expr | int | float):
        raise InputError(f"{name} must be a number or a SymPy expression, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        return sympify(value)
    return Rational(repr(value)) if isinstance(value, float) else sympify(value)


def decimal(value: Expr) -> str:
    """Return a number as text: a decimal where one is exact, else a fraction or a formula.

    >>> decimal(Rational(1, 5)), decimal(Rational(1, 3))
    ('0.2', '1/3')
    """
    if not value.is_Rational:
        return sstr(value)
    shortest = str(value) if value.is_Integer else repr(float(value))
    return shortest if Rational(shortest) == value else str(value)
