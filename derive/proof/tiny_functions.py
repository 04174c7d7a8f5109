"""Concrete activation functions for tiny worlds: several where nothing says what f is, else what an equation says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Abs, Expr, Poly, PolynomialError, Rational, Symbol

from derive.chances import Number, whole


@dataclass(frozen=True)
class TinyActivation:
    """A concrete activation function and its derivative, in exact arithmetic."""

    name: str
    function: Callable[[Any], Any]
    slope: Callable[[Any], Any]


IDENTITY = TinyActivation("f(t) = t", lambda t: t, lambda t: 1)
ARBITRARY = (
    IDENTITY,
    TinyActivation("f(t) = t + t^2", lambda t: t + t * t, lambda t: 1 + 2 * t),
    TinyActivation("f(t) = max(t, 0)", lambda t: max(t, 0), lambda t: int(t > 0)),
    TinyActivation("f(t) = 2 if t > 0 else -1", lambda t: 2 if t > 0 else -1, lambda t: 0),
)
_REAL: tuple[Number, ...] = (0, Fraction(1, 5), -1)
_POSITIVE: tuple[Number, ...] = (Fraction(1, 4), 2, Fraction(3, 5))


def parameters_of(argument: Symbol, formula: Expr) -> tuple[Symbol, ...]:
    """Return what a formula for f leaves open."""
    return tuple(sorted(formula.free_symbols - {argument}, key=lambda s: s.name))


def parameter_values(parameters: tuple[Symbol, ...], known: Mapping[Symbol, Number]) -> Iterator[dict[Symbol, Number]]:
    """Yield values for the parameters of an activation function, some of which are known."""
    pools = [(known[p],) * 3 if p in known else _POSITIVE if p.is_nonnegative else _REAL for p in parameters]
    rows = list(zip(*pools, strict=True)) or [()]
    yield from (dict(zip(parameters, row, strict=True)) for row in dict.fromkeys(rows))


def stated(argument: Symbol, formula: Expr, values: Mapping[Symbol, Number]) -> TinyActivation | None:
    """Return the activation function that a formula makes: polynomials on both sides of zero; None for another one.

    Where it has no slope, it is given the one from below.
    """
    if formula == argument:
        return IDENTITY
    given = formula.xreplace({s: _symbolic(v) for s, v in values.items()})
    try:
        above, below = (
            Poly(given.replace(Abs, lambda e, sign=sign: sign * e), argument, domain="QQ") for sign in (1, -1)
        )
    except PolynomialError:
        return None
    sides = [_polynomial(p) for p in (above, below)]
    slopes = [_polynomial(p.diff(argument)) for p in (above, below)]
    if above == below:
        return TinyActivation(f"f(t) = {_shown(above)}", sides[0], slopes[0])
    (up, down), (up_slope, down_slope) = sides, slopes
    return TinyActivation(
        f"f(t) = {_shown(above)} if t > 0 else {_shown(below)}",
        lambda t: up(t) if t > 0 else down(t),
        lambda t: up_slope(t) if t > 0 else down_slope(t),
    )


def _symbolic(value: Number) -> Expr:
    return Rational(value.numerator, value.denominator)


def _polynomial(p: Poly) -> Callable[[Any], Any]:
    """Return a polynomial as a function; those that are multiples are many, and fast."""
    coefficients = [whole(Fraction(int(c.p), int(c.q))) for c in p.all_coeffs()]
    if len(coefficients) == 1:
        (constant,) = coefficients
        return lambda t: constant
    if len(coefficients) == 2:
        factor, constant = coefficients
        if constant == 0:
            return (lambda t: t) if factor == 1 else lambda t: factor * t
        return lambda t: factor * t + constant

    def run(t: Any) -> Any:
        total: Any = 0
        for c in coefficients:
            total = total * t + c
        return total

    return run


def _shown(p: Poly) -> str:
    return str(p.as_expr().xreplace({p.gen: Symbol("t")})).replace("**", "^")
