"""The value of an expectation at one parameter point, by quadrature with a proved bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import mpmath
from sympy import Add, DiracDelta, Expr, Float, Rational, S, Symbol, exp, expand

from derive.gaussian.evaluate import compile_expression

if TYPE_CHECKING:
    from derive.quadrature import Bounded, Line, Precise, Space

METHOD = "Gauss-Legendre quadrature of proved error"
LINE_DIGITS = 30
MOST_VARIABLES = 3
_X = Symbol("x", real=True)
TOLERANCE = {1: 2.0**-54, 2: 2.0**-54, 3: 1e-11}
"""Relative to E|g|, by the number of variables; three cost seconds to the last digit."""


@dataclass(frozen=True)
class Problem:
    """E[g] under z ~ N(mean, covariance), and what must be positive."""

    integrand: Expr
    variables: tuple[Symbol, ...]
    mean: tuple[Expr, ...]
    covariance: tuple[tuple[Expr, ...], ...]
    conditions: tuple[Expr, ...] = ()
    singular: bool = False

    @property
    def symbols(self) -> list[Symbol]:
        """The parameters, in a fixed order."""
        parts = [*self.mean, *(c for row in self.covariance for c in row), *self.conditions]
        free = set().union(self.integrand.free_symbols, *(p.free_symbols for p in parts)) - set(self.variables)
        return sorted(free, key=str)


class CannotCheck(Exception):
    """No quadrature decided: an answer that cannot be checked is not given."""


def quadrature(problem: Problem, sample: Mapping[Symbol, Expr]) -> Precise:
    """E[g] at one parameter point, with a bound of its error.

    Raises `CannotCheck` where there is no bound.
    """
    from derive.quadrature import CannotRead

    g = problem.integrand.subs(sample)
    mean = [S(m).subs(sample) for m in problem.mean]
    covariance = [[S(c).subs(sample) for c in row] for row in problem.covariance]
    if len(mean) > MOST_VARIABLES:
        raise CannotCheck("answers in more than three variables cannot be checked by quadrature in time")
    try:
        law = g, problem.variables, mean, covariance
        # A density that a growing factor has widened is followed far out, in the plane through many boxes.
        widened = _by_tilting(*law) if len(mean) > 1 and _grows_like_a_density(g, problem.variables) else None
        found = widened or _value(*law)
        if isinstance(found, str):
            found = _by_tilting(*law) or found
    except (CannotRead, ArithmeticError, ValueError, TypeError) as why:
        raise CannotCheck(f"the quadrature that must confirm the answer failed ({type(why).__name__})") from None
    if isinstance(found, str):
        raise CannotCheck(f"the quadrature that must confirm the answer failed ({found})")
    return found


def _value(
    g: Expr, variables: Sequence[Symbol], mean: Sequence[Expr], covariance: Sequence[Sequence[Expr]]
) -> Precise | str:
    """The value, or why there is none."""
    if len(variables) > 1 and all(c == 0 for i, row in enumerate(covariance) for c in row[:i]):
        factors = _factors(g, variables)
        if factors is not None:
            laws = zip(factors, variables, mean, range(len(mean)), strict=True)
            return _product([_value(f, (v,), [m], [[covariance[k][k]]]) for f, v, m, k in laws])
    if len(variables) == 1 and not g.has(DiracDelta):
        m, q = mean[0], covariance[0][0]
        if _is_float(m) and _is_float(q) and q > 0:
            return _on_line(g.xreplace({variables[0]: _X}), float(m), float(q))
    (found,) = _space(g, tuple(variables))(mean, covariance, TOLERANCE[len(variables)])
    return _in_mpmath(found)


def _grows_like_a_density(g: Expr, variables: Sequence[Symbol]) -> bool:
    """Whether a factor is an exponential of a square with a positive coefficient."""
    powers = (e.args[0].as_poly(*variables) for e in g.atoms(exp))
    return any(p is not None and p.coeff_monomial(v**2).is_positive for p in powers for v in variables)


def _factors(g: Expr, variables: Sequence[Symbol]) -> list[Expr] | None:
    """One function of each variable whose product is g; None where there are none."""
    found: list[Expr] = []
    rest = g
    for v in variables:
        rest, own = rest.as_independent(v, as_Add=False)
        found.append(own)
    found[0] *= rest
    alone = all(f.free_symbols <= {v} for f, v in zip(found, variables, strict=True))
    return found if alone else None


def _product(parts: Sequence[Precise | str]) -> Precise | str:
    """The value of a product of independent factors."""
    from derive.quadrature import Precise

    known = [p for p in parts if not isinstance(p, str)]
    if len(known) < len(parts):
        return next(p for p in parts if isinstance(p, str))
    with mpmath.workdps(LINE_DIGITS + 10):
        value, error, size = known[0]
        for other in known[1:]:
            error = abs(value) * other.error + abs(other.value) * error + error * other.error
            value, size = value * other.value, size * other.size
            error += abs(value) * mpmath.mpf(10) ** -(LINE_DIGITS + 8)
        return Precise(value, error, size)


def _in_mpmath(found: Bounded) -> Precise | str:
    from derive.quadrature import Precise

    if not (mpmath.isfinite(float(found.error)) and mpmath.isfinite(float(found.value))):
        return found.reason
    return Precise(*(mpmath.mpf(float(x)) for x in (found.value, found.error, found.size)))


def _by_tilting(
    g: Expr, variables: Sequence[Symbol], mean: Sequence[Expr], covariance: Sequence[Sequence[Expr]]
) -> Precise | None:
    """By terms, each with its exponentials taken into the density: numbers beyond float64, and laws that just exist."""
    from derive.quadrature import Precise
    from derive.quadrature.cells import DIGITS
    from derive.quadrature.tilt import tilted

    total = Precise(*[mpmath.mpf(0)] * 3)
    with mpmath.workdps(DIGITS):
        numbers = [[compile_expression(S(c), (), mpmath.mp)(()) for c in row] for row in (mean, *covariance)]
        for term in Add.make_args(expand(g)):
            made = tilted(term, variables, numbers[0], numbers[1:])
            if made is None:
                return None
            (found,) = _space(made.rest, tuple(variables))(made.mean, made.covariance, TOLERANCE[len(variables)])
            part = _in_mpmath(found)
            if isinstance(part, str):
                return None
            total = Precise(*(t + made.factor * p for t, p in zip(total, part, strict=True)))
        return Precise(*(+t for t in total))


@lru_cache(maxsize=64)
def _on_line(g: Expr, mean: float, variance: float) -> Precise | str:
    """Of a function of `_X`: to many digits where that can be."""
    from derive.quadrature.digits import many_digits

    line = _line(g)
    return (None if g.has(Float) else many_digits(line, mean, variance, LINE_DIGITS)) or _in_mpmath(
        line(mean, variance)[0]
    )


@lru_cache(maxsize=64)
def _line(g: Expr) -> Line:
    from derive.quadrature import Line

    return Line([g], _X)


@lru_cache(maxsize=64)
def _space(g: Expr, variables: tuple[Symbol, ...]) -> Space:
    from derive.quadrature import Space

    return Space([g], variables)


def _is_float(e: Expr) -> bool:
    """Whether float64 holds the number."""
    return bool(e.is_Rational) and Rational(float(e)) == e
