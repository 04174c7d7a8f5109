"""What a scalar is drawn from in a tiny world: finitely many values with their weights, in exact numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import isqrt

from sympy import Expr

Index = tuple[int, ...]
Number = Fraction | int
"""Exact numbers; whole ones are kept as int, whose arithmetic is many times faster."""
Chances = tuple[tuple[Number, Number], ...]
"""Values, each after its weight; chances are proportional to the weights."""


@dataclass(frozen=True)
class Scalar:
    """What a property is told of a scalar that it grants a law.

    ``variance`` is what is meant for a scalar whose ``factor`` is 1; the factors of scalars differ where nothing says
    that they share a variance. ``value`` gives the number that an expression in symbols stands for in this world.
    """

    index: Index
    variance: Fraction
    factor: Number
    value: Callable[[Expr], Number]


def whole(value: Number) -> Number:
    """Return a fraction as an int where it is one."""
    return value.numerator if value.denominator == 1 else value


def root(square: Fraction) -> Number | None:
    """Return the square root of a fraction if it is one itself."""
    if square < 0:
        return None
    found = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    return whole(found) if found * found == square else None


def nothing(scalar: Scalar) -> Chances:
    """Return the law of zero."""
    return ((1, 0),)


def symmetric(scalar: Scalar) -> Chances:
    """Return a law symmetric about zero: two values where the variance has a root, else three."""
    half = root(scalar.variance)
    if half is not None:
        return ((1, -half * scalar.factor), (1, half * scalar.factor))
    far = isqrt(int(scalar.variance)) + 1
    p = scalar.variance / (2 * far**2)
    return ((p, -far * scalar.factor), (1 - 2 * p, 0), (p, far * scalar.factor))


def mesokurtic(scalar: Scalar) -> Chances:
    """Return a symmetric law with a Gaussian's fourth moment, 3 v^2: 0, and values near the roots of 3 v."""
    v, apart = scalar.variance, 1
    far = root(3 * v)
    if far is not None:
        # p far^2 = v and p far^4 = 3 v^2.
        return ((1, -far * scalar.factor), (4, 0), (1, far * scalar.factor))
    while 3 * v * apart**2 < 1:
        apart *= 2
    near = Fraction(isqrt(int(3 * v * apart**2)), apart)
    far = near + Fraction(1, apart)
    # p far^2 + q near^2 = v and p far^4 + q near^4 = 3 v^2.
    p = v * (3 * v - near**2) / (far**2 * (far**2 - near**2))
    q = v * (far**2 - 3 * v) / (near**2 * (far**2 - near**2))
    ends = [(p / 2, far), (q / 2, near)]
    return (*((w, -u * scalar.factor) for w, u in ends), (1 - p - q, 0), *((w, u * scalar.factor) for w, u in ends))


@lru_cache(maxsize=2_000)
def skewed(variance: Fraction, *, turned: bool) -> Chances:
    """Return a law of mean zero with two values, which is neither symmetric nor of a Gaussian's kurtosis."""
    small = Fraction(1) if variance != 1 else Fraction(1, 2)
    first, last = map(whole, (variance / small, small) if turned else (small, variance / small))
    return ((first, -last), (last, first))
