"""The check before every answer: the closed form against quadrature at admissible points.

Admissible means: the declared signs of the symbols, a positive definite covariance, and every integrability
condition.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import mpmath
from sympy import (
    Expr,
    Integer,
    Matrix,
    Rational,
    Symbol,
)

from derive.gaussian.evaluate import CannotEvaluate, compile_expression
from derive.gaussian.values import CannotCheck, Problem, quadrature

TRIES = 4000


@dataclass(frozen=True)
class Agreement:
    """How well a closed form agreed with quadrature."""

    points: tuple[Mapping[Symbol, Expr], ...]
    digits: int
    largest_error: float
    method: str

    def __str__(self) -> str:
        number = len(self.points)
        where = f"{number} admissible points" if number > 1 or self.points[0] else "the given parameters"
        reached = f"to {self.digits} digits (largest error {self.largest_error:.1e})"
        return f"agrees with {self.method} at {where} {reached}"


@dataclass(frozen=True)
class Disagreement:
    """A point at which a closed form and quadrature differ."""

    point: Mapping[Symbol, Expr]
    closed_form: str
    quadrature: str

    def __str__(self) -> str:
        where = ", ".join(f"{k} = {v}" for k, v in self.point.items()) or "the given parameters"
        return f"at {where} the closed form is {self.closed_form} and quadrature gives {self.quadrature}"


def compare(problem: Problem, answer: Expr, *, points: int | None = None, seed: int = 20) -> Agreement | Disagreement:
    """Evaluate both sides of  E[g] = answer  at admissible points."""
    samples = admissible_points(problem, points or (3 if len(problem.variables) == 1 else 2), seed)
    largest, digits, method = 0.0, 99, ""
    for sample in samples:
        value, size, reached, method = quadrature(problem, sample)
        try:
            shown = answer_at(answer, sample, reached)
        except (CannotEvaluate, ArithmeticError, ValueError, TypeError) as why:
            raise CannotCheck(f"the answer has no value at {dict(sample)} ({type(why).__name__})") from None
        error = abs(shown - value) / max(size, abs(value), mpmath.mpf(10) ** -30)
        digits = min(digits, reached)
        # a NaN must not pass for agreement
        if not error <= mpmath.mpf(10) ** (-reached):
            return Disagreement(sample, mpmath.nstr(shown, 12), mpmath.nstr(value, 12))
        largest = max(largest, float(error))
    return Agreement(tuple(samples), digits, largest, method)


def answer_at(answer: Expr, sample: Mapping[Symbol, Expr], digits: int) -> Any:
    """The closed form as a number; a complex remainder is an error."""
    with mpmath.workdps(digits + 12):
        values = [v if isinstance(v, mpmath.mpf) else mpmath.mpf(int(v.p)) / int(v.q) for v in sample.values()]
        value = compile_expression(answer, list(sample), mpmath.mp)(values)
        if isinstance(value, mpmath.mpc):
            if abs(value.imag) > abs(value.real) * mpmath.mpf(10) ** (-digits):
                return mpmath.nan
            value = value.real
        return value


def admissible_points(problem: Problem, count: int, seed: int) -> list[dict[Symbol, Expr]]:
    """Distinct rational parameter points inside the domain; the given numbers alone when there are no
    parameters.
    """
    symbols = problem.symbols
    if not symbols:
        return [{}]
    random = Random(seed)
    tests = [compile_expression(c, symbols, mpmath.fp) for c in problem.conditions]
    entries = [[compile_expression(c, symbols, mpmath.fp) for c in row] for row in problem.covariance]
    found: list[dict[Symbol, Expr]] = []
    for attempt in range(TRIES):
        values = [_draw(s, random) for s in symbols]
        numbers = [float(v) for v in values]
        try:
            if not all(test(numbers) > 0.1 for test in tests):
                continue
            matrix = [[f(numbers) for f in row] for row in entries]
        except (ArithmeticError, ValueError, TypeError):
            continue
        if problem.singular or _well_conditioned(matrix, 0.45 if attempt < TRIES // 2 else 0.98):
            found.append(dict(zip(symbols, values, strict=True)))
            if len(found) == count:
                return found
    if found:
        return found
    if not symbols:
        return [{}]
    raise CannotCheck("no admissible parameter point was found")


def _draw(symbol: Symbol, random: Random) -> Expr:
    if symbol.is_integer:
        return Integer(random.randint(1, 4))
    value = Rational(random.randint(40, 160), 101)
    if symbol.is_positive or symbol.is_nonnegative:
        return value
    if symbol.is_negative or symbol.is_nonpositive:
        return -value
    return Rational(random.randint(-120, 120), 101)


def _well_conditioned(C: list[list[float]], correlation: float) -> bool:
    n = len(C)
    if any(C[i][i] < 0.02 or C[i][i] > 30 for i in range(n)):
        return False
    scale = [C[i][i] ** 0.5 for i in range(n)]
    if any(abs(C[i][j]) > correlation * scale[i] * scale[j] for i in range(n) for j in range(i)):
        return False
    return n < 3 or bool(Matrix(n, n, lambda i, j: C[i][j]).is_positive_definite)


__all__ = [
    "Agreement",
    "CannotCheck",
    "Disagreement",
    "Problem",
    "admissible_points",
    "answer_at",
    "compare",
    "quadrature",
]
