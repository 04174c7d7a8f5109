"""How fast an integrand can grow, read from its structure: enough to know that its expectation exists."""

from collections.abc import Collection
from enum import IntEnum

from sympy import (
    Abs,
    Add,
    Expr,
    Heaviside,
    Max,
    Min,
    Piecewise,
    Symbol,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    log,
    sign,
    sin,
    sinh,
    tanh,
)

from derive.gaussian.functions import NormalDensity, Phi


class Growth(IntEnum):
    """At most: a constant, a + b|x|, a power of it, exp(a + b|x|)."""

    BOUNDED = 0
    LINEAR = 1
    POLYNOMIAL = 2
    EXPONENTIAL = 3


_BOUNDED = (sin, cos, tanh, erf, erfc, atan, asin, acos, Phi, NormalDensity, sign, Heaviside)


def growth(e: Expr, variables: Collection[Symbol]) -> Growth | None:
    """The class of a bound on |e| for all real values of the variables; None where the structure shows none.

    Every class has a Gaussian expectation, whatever the law.

    >>> x = Symbol("x", real=True)
    >>> growth(x**3/(1 + exp(-x)), [x]).name, growth(1/x, [x])
    ('POLYNOMIAL', None)
    """
    if not e.free_symbols & set(variables) or (e.is_Function and isinstance(e, _BOUNDED)):
        return Growth.BOUNDED
    if e in variables:
        return Growth.LINEAR
    if isinstance(e, Piecewise):
        return _largest([growth(value, variables) for value, _ in e.args])
    if e.is_Pow:
        return _power(e, variables)
    inside = [growth(a, variables) for a in e.args]
    largest = _largest(inside)
    if isinstance(e, exp):
        if (-e.args[0]).is_nonnegative:
            return Growth.BOUNDED
        return _exponential(largest)
    if largest is None:
        return None
    if e.is_Add or isinstance(e, Max | Min | Abs):
        return largest
    if e.is_Mul:
        unbounded = [g for g in inside if g]
        return Growth.BOUNDED if not unbounded else largest if len(unbounded) == 1 else max(largest, Growth.POLYNOMIAL)
    if isinstance(e, sinh | cosh):
        return _exponential(largest)
    if isinstance(e, asinh | acosh) or (isinstance(e, log) and away_from_zero(e.args[0])):
        return min(largest, Growth.LINEAR)
    return None


def _largest(found: list[Growth | None]) -> Growth | None:
    return None if None in found else max((g for g in found if g is not None), default=Growth.BOUNDED)


def _exponential(inside: Growth | None) -> Growth | None:
    if inside is None or inside > Growth.LINEAR:
        return None
    return Growth.BOUNDED if inside is Growth.BOUNDED else Growth.EXPONENTIAL


def _power(e: Expr, variables: Collection[Symbol]) -> Growth | None:
    base, exponent = e.args
    inside = growth(base, variables)
    if not exponent.is_Rational:
        return None
    if exponent < 0:
        if isinstance(base, exp):
            return growth(exp(base.args[0] * exponent), variables)
        return Growth.BOUNDED if away_from_zero(base) else None
    if inside is Growth.LINEAR and exponent > 1:
        return Growth.POLYNOMIAL
    return inside


def away_from_zero(e: Expr) -> bool:
    """Whether e is at least a positive number: a positive constant and what is nowhere negative."""
    if isinstance(e, cosh):
        return True
    if e.is_Mul:
        return all(away_from_zero(a) for a in e.args)
    if e.is_Pow and e.exp.is_positive:
        return away_from_zero(e.base)
    constant = Add(*(a for a in Add.make_args(e) if a.is_number))
    rest = [a for a in Add.make_args(e) if not a.is_number]
    return bool(constant.is_positive) and all(a.is_nonnegative for a in rest)
