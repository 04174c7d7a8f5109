"""Values for what a tiny world does not explain: symbols, unknown functions, unevaluated nodes.

An opaque atom has one value a world, the same on both sides of a statement: a fraction of two primes that respects
the sign that the atom declares, and is neither 0 nor 1. Numbers that are no fractions are kept to 50 digits.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from mpmath import MPContext
from sympy import Basic, Expr, Float, Rational

from derive.chances import Number, root, whole
from derive.proof.code import NotEvaluable

DIGITS = 50
MP = MPContext()
MP.dps = DIGITS
AGREEMENT = 40
"""Numbers that are no fractions are equal when they agree to this many digits."""
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)


@lru_cache(maxsize=10_000)
def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")


def opaque(*key: Any, like: Expr | None = None) -> Number:
    """Return the value of an atom that is told apart by ``key``; it has the sign and integrality of ``like``."""
    code = _hash(repr(key))
    if like is not None and like.is_integer:
        return 2 + code % 4
    above = _PRIMES[code % len(_PRIMES)]
    below = [p for p in _PRIMES if p != above][code // 64 % (len(_PRIMES) - 1)]
    negative = like is not None and not like.is_nonnegative and (like.is_nonpositive or code // 4096 % 2)
    return whole(Fraction(-above if negative else above, below))


def inexact(value: Any) -> bool:
    """Return True for a number that is kept to `DIGITS` digits."""
    return isinstance(value, MP.mpf)


def told_apart(value: Any) -> Any:
    """Return what an atom is told apart by at a value: of one that is no fraction, the digits that rounding leaves."""
    return MP.nstr(value, AGREEMENT - 5) if inexact(value) else value


def equal(left: Any, right: Any) -> bool:
    """Return True for equal values: fractions exactly, others to `AGREEMENT` digits, tuples part by part."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        both = isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right)
        return both and all(map(equal, left, right))
    if not inexact(left) and not inexact(right):
        return bool(left == right)
    a, b = MP.convert(left), MP.convert(right)
    return bool(abs(a - b) <= MP.mpf(10) ** -AGREEMENT * max(1, abs(a), abs(b)))


def less(left: Any, right: Any) -> bool:
    """Return True when one number is less than another, and not just equal to it in rounding."""
    if equal(left, right):
        return False
    if inexact(left) or inexact(right):
        return bool(MP.convert(left) < MP.convert(right))
    return bool(left < right)


def quotient(above: Any, below: Any) -> Any:
    """Return a quotient: a fraction where both are."""
    if inexact(above) or inexact(below):
        return MP.convert(above) / MP.convert(below)
    return whole(Fraction(above) / below)


def power(base: Any, exponent: Any) -> Any:
    """Return a real power; a fraction where it is one. Raises `NotEvaluable` where there is none."""
    if not inexact(exponent) and exponent == int(exponent):
        n = int(exponent)
        if n >= 0:
            return base**n
        if equal(base, 0):
            raise NotEvaluable("a division by zero")
        return quotient(1, base ** (-n))
    if less(base, 0):
        raise NotEvaluable("a root of a negative number")
    exact = _root(base, exponent)
    if exact is not None:
        return exact
    if equal(base, 0):
        if less(exponent, 0):
            raise NotEvaluable("a division by zero")
        return 0
    return MP.convert(base) ** MP.convert(exponent)


def _root(base: Any, exponent: Any) -> Number | None:
    if inexact(base) or inexact(exponent) or Fraction(exponent).denominator != 2:
        return None
    found = root(Fraction(base))
    if found is None or found == 0:
        return None
    return whole(Fraction(found) ** Fraction(exponent * 2).numerator)


def symbolic(value: Any) -> Expr:
    """Return a value as a SymPy number."""
    if inexact(value):
        return Float(MP.nstr(value, DIGITS, strip_zeros=False), DIGITS)
    return Rational(Fraction(value).numerator, Fraction(value).denominator)


def numeric(value: Basic) -> Any:
    """Return a real SymPy number as a value; raise `NotEvaluable` for anything else."""
    if value.is_Rational:
        return whole(Fraction(int(value.p), int(value.q)))
    found = value.evalf(DIGITS + 10)
    if not (found.is_number and found.is_real and found.is_finite):
        raise NotEvaluable(f"{value} is no real number")
    return MP.mpf(found._mpf_)


def shown(value: Any) -> str:
    """Return a value in words: a fraction, or the first digits of a number that is none."""
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    return MP.nstr(value, 15) if inexact(value) else str(value)
