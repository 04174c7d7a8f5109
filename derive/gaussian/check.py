"""The check before every answer: the closed form against quadrature at admissible points.

Admissible means: the declared signs of the symbols, a positive definite covariance, and every integrability
condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from math import floor, log10
from random import Random
from typing import Any

import mpmath
from sympy import Expr, Integer, Matrix, Rational, Symbol

from derive.gaussian.evaluate import CannotEvaluate, compile_expression
from derive.gaussian.values import METHOD, CannotCheck, Problem, quadrature

TRIES = 4000
FEWEST_DIGITS = 9
MORE_POINTS = 4
"""That are drawn where cancellation leaves fewer digits."""

_PRECISIONS = (25, 35, 60, 120, 240, 480)
_UNDERFLOW = 1e-290
"""What float64 may lose of a quadrature unseen."""


@dataclass(frozen=True)
class Agreement:
    """How well a closed form agreed with quadrature.

    The digits are proved: they count the bound of the quadrature and the difference, relative to the value, or to E|g|
    where the value is too small beside it at every point.
    """

    points: tuple[Mapping[Symbol, Expr], ...]
    digits: int
    largest_error: float
    method: str
    relative_to: str = ""

    def __str__(self) -> str:
        number = len(self.points)
        where = f"{number} admissible points" if number > 1 or self.points[0] else "the given parameters"
        beside = f" relative to {self.relative_to}" if self.relative_to else ""
        return (
            f"agrees with {self.method} at {where} to {self.digits} digits{beside} "
            f"(largest error {self.largest_error:.1e})"
        )


@dataclass(frozen=True)
class Disagreement:
    """A point at which a closed form and quadrature differ."""

    point: Mapping[Symbol, Expr]
    closed_form: str
    quadrature: str

    def __str__(self) -> str:
        where = ", ".join(f"{k} = {v}" for k, v in self.point.items()) or "the given parameters"
        return f"at {where} the closed form is {self.closed_form} and quadrature gives {self.quadrature}"


@dataclass(frozen=True)
class _Comparison:
    """At one point: the difference and the bound of the quadrature, both relative to the value and to E|g|."""

    point: Mapping[Symbol, Expr]
    difference: Any
    error: Any
    value: Any
    size: Any

    def relative(self, to_value: bool) -> tuple[float, float]:
        """(difference, difference and bound)."""
        scale = abs(self.value) if to_value else self.size
        if self.difference == self.error == 0:
            return 0.0, 0.0
        if not scale:
            return float("inf"), float("inf")
        return float(self.difference / scale), float((self.difference + self.error) / scale)

    @property
    def clear(self) -> bool:
        """Whether the quadrature says enough about the value itself."""
        return self.relative(to_value=True)[1] <= 10.0**-FEWEST_DIGITS


def compare(problem: Problem, answer: Expr, *, points: int | None = None, seed: int = 20) -> Agreement | Disagreement:
    """Evaluate both sides of  E[g] = answer  at admissible points, and hold their difference against the bound.

    Where cancellation leaves fewer than nine digits of the value, other points are drawn.
    """
    wanted = points or (3 if len(problem.variables) == 1 else 2)
    made: list[_Comparison] = []
    for sample in islice(admissible(problem, seed), wanted + MORE_POINTS):
        found = _at_point(problem, answer, sample)
        if isinstance(found, Disagreement):
            return found
        made.append(found)
        if sum(c.clear for c in made) == wanted:
            break
    clear = [c for c in made if c.clear]
    used = clear or made[:wanted]
    relative = [c.relative(to_value=bool(clear)) for c in used]
    return Agreement(
        tuple(c.point for c in used),
        digits_of(max(whole for _, whole in relative)),
        max(difference for difference, _ in relative),
        METHOD,
        "" if clear else "E|g|",
    )


def _at_point(problem: Problem, answer: Expr, sample: Mapping[Symbol, Expr]) -> _Comparison | Disagreement:
    known = quadrature(problem, sample)
    value, size, error = known.value, known.size, known.error
    wanted = max(16, 3 + digits_of(float(error / abs(value)))) if error and value else 16
    try:
        shown = answer_at(answer, sample, wanted, error / 1000)
    except (CannotEvaluate, ArithmeticError, ValueError, TypeError) as why:
        raise CannotCheck(f"the answer has no value at {dict(sample)} ({type(why).__name__})") from None
    with mpmath.workdps(wanted + 10):
        difference = abs(shown - value)
    if difference != 0:
        error += _UNDERFLOW
    # a NaN must not pass for agreement
    if not difference <= error * 1.001:
        return Disagreement(sample, mpmath.nstr(shown, 12), mpmath.nstr(value, 12))
    return _Comparison(sample, difference, error, value, size)


def digits_of(relative: float) -> int:
    """How many digits a relative error leaves."""
    return 16 if relative == 0 else floor(-log10(relative)) if relative < 1 else 0


def answer_at(answer: Expr, sample: Mapping[Symbol, Expr], digits: int, close: Any = 0.0) -> Any:
    """The closed form as a number to so many digits, or within ``close``: two precisions agree.

    A complex remainder is an error. Raises `CannotEvaluate` where no precision suffices.
    """
    precisions = [p for p in _PRECISIONS if p >= digits + 4]
    for n, (low, high) in enumerate(pairwise(_values(answer, sample, precisions))):
        if not (mpmath.isfinite(low) and mpmath.isfinite(high)):
            return high
        room = max(close, abs(high) * mpmath.mpf(10) ** (-digits - 2))
        if abs(high - low) <= room:
            return high.real if abs(mpmath.im(high)) <= room else mpmath.nan
        # What is as small as the rounding of two high precisions is 0.
        if n > 0 and all(
            abs(v) < mpmath.mpf(10) ** (10 - p) for v, p in zip((low, high), precisions[n:], strict=False)
        ):
            return mpmath.mpf(0)
    raise CannotEvaluate("the closed form cancels at every precision")


def _values(answer: Expr, sample: Mapping[Symbol, Expr], precisions: list[int]) -> Iterator[Any]:
    for digits in precisions:
        with mpmath.workdps(digits):
            values = [v if isinstance(v, mpmath.mpf) else mpmath.mpf(int(v.p)) / int(v.q) for v in sample.values()]
            yield mpmath.mpmathify(compile_expression(answer, list(sample), mpmath.mp)(values))


def admissible_points(problem: Problem, count: int, seed: int) -> list[dict[Symbol, Expr]]:
    """The first of them."""
    return list(islice(admissible(problem, seed), count))


def admissible(problem: Problem, seed: int) -> Iterator[dict[Symbol, Expr]]:
    """Rational parameter points inside the domain, which float64 holds; the given numbers alone when there are no
    parameters.
    """
    symbols = problem.symbols
    if not symbols:
        yield {}
        return
    random = Random(seed)
    tests = [compile_expression(c, symbols, mpmath.fp) for c in problem.conditions]
    entries = [[compile_expression(c, symbols, mpmath.fp) for c in row] for row in problem.covariance]
    found = 0
    for attempt in range(TRIES):
        values = [_draw(s, random) for s in symbols]
        numbers = [float(v) for v in values]
        try:
            if not all(test(numbers) > 0.1 for test in tests):
                continue
            matrix = [[f(numbers) for f in row] for row in entries]
        except (ArithmeticError, ValueError, TypeError):
            continue
        if problem.singular or _well_conditioned(matrix, 0.9 if attempt < TRIES // 2 else 0.999):
            found += 1
            yield dict(zip(symbols, values, strict=True))
    if not found:
        raise CannotCheck("no admissible parameter point was found")


def _draw(symbol: Symbol, random: Random) -> Expr:
    if symbol.is_integer:
        return Integer(random.randint(1, 4))
    value = Rational(random.randint(50, 200), 128)
    if symbol.is_positive or symbol.is_nonnegative:
        return value
    if symbol.is_negative or symbol.is_nonpositive:
        return -value
    return Rational(random.randint(-150, 150), 128)


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
