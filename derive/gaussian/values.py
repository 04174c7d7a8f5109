"""The value of an expectation at one parameter point, by quadrature with a proved bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import DiracDelta, Expr, S, Symbol

if TYPE_CHECKING:
    from derive.quadrature import Bounded

METHOD = "Gauss-Legendre quadrature of proved error"
MOST_VARIABLES = 3
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


def quadrature(problem: Problem, sample: Mapping[Symbol, Expr]) -> Bounded:
    """E[g] at one parameter point, with a bound of its error and E|g| as its size.

    Raises `CannotCheck` where there is no bound.
    """
    from derive.quadrature import CannotRead

    g = problem.integrand.subs(sample)
    mean = [S(m).subs(sample) for m in problem.mean]
    covariance = [[S(c).subs(sample) for c in row] for row in problem.covariance]
    if len(mean) > MOST_VARIABLES:
        raise CannotCheck("answers in more than three variables cannot be checked by quadrature in time")
    try:
        found = _value(g, problem.variables, mean, covariance)
    except (CannotRead, ArithmeticError, ValueError, TypeError) as why:
        raise CannotCheck(f"the quadrature that must confirm the answer failed ({type(why).__name__})") from None
    if not found.error < float("inf"):
        raise CannotCheck(f"the quadrature that must confirm the answer failed ({found.reason})")
    return found


def _value(
    g: Expr, variables: Sequence[Symbol], mean: Sequence[Expr], covariance: Sequence[Sequence[Expr]]
) -> Bounded:
    from derive.quadrature import Line, Space

    if len(variables) == 1 and not g.has(DiracDelta):
        m, q = mean[0], covariance[0][0]
        if _is_float(m) and _is_float(q) and q > 0:
            (found,) = Line([g], variables[0])(float(m), float(q))
            return found
    (found,) = Space([g], variables)(mean, covariance, TOLERANCE[len(variables)])
    return found


def _is_float(e: Expr) -> bool:
    """Whether float64 holds the number."""
    return bool(e.is_Rational) and S(float(e)) == e
