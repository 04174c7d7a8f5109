"""Checking an analytic step: both sides to many digits at admissible points of its symbols."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from sympy import Basic, Expr, Float, Rational, Symbol, Tuple
from sympy.core.relational import Relational

from derive.proof.verdict import Counterexample, Grade, Verdict

if TYPE_CHECKING:
    from derive.proof.derivation import Step

DIGITS = 30
POINTS = 6
_GUARD = 20
_SEED = 20100513


def compare_at_points(step: Step) -> Verdict:
    """Evaluate both sides of a step at admissible points; see `points`.

    The verdict is ``sampled`` with the number of points, the digits and the largest relative difference, ``failed``
    with the point at which the sides differ, or ``undecided`` where a side has no value.
    """
    symbols = sorted(step.before.free_symbols | step.after.free_symbols, key=lambda s: s.name)
    tried, largest = 0, 0.0
    for at in points(symbols):
        for left, right in zip(_sides(step.before), _sides(step.after), strict=True):
            a, b = _value(left, at), _value(right, at)
            if a is None or b is None:
                return Verdict(Grade.UNDECIDED, f"{left if a is None else right} has no value at {at}")
            scale = max(abs(a), abs(b), Float("1e-30"))
            error = abs(a - b) / scale
            if error > Float(10) ** (-DIGITS):
                found = Counterexample(
                    {"precision": f"{DIGITS} digits"}, {str(s): str(v) for s, v in at.items()}, str(a), "=", str(b)
                )
                return Verdict(Grade.FAILED, "both sides differ at an admissible point", found)
            largest = max(largest, float(error))
        tried += 1
    if step.relation not in ("=", "<=>"):
        return Verdict(Grade.UNDECIDED, f"points do not decide a relation {step.relation}")
    return Verdict(
        Grade.SAMPLED,
        f"computed by the rule; both sides equal at {tried} points to {DIGITS} digits (largest error {largest:.0e})",
    )


def points(symbols: list[Symbol]) -> Iterator[dict[Symbol, Expr]]:
    """Yield admissible points: rational values that respect the signs that the symbols declare."""
    random = Random(_SEED)
    for _ in range(POINTS):
        at: dict[Symbol, Expr] = {}
        for s in symbols:
            value = Rational(random.randint(1, 400), random.randint(50, 200))
            if s.is_integer:
                value = Rational(random.randint(1, 9))
            at[s] = value if s.is_positive or s.is_nonnegative or random.random() < 0.5 else -value
        yield at


def _sides(side: Basic) -> tuple[Basic, ...]:
    if isinstance(side, Relational):
        return (side.lhs - side.rhs,)
    return tuple(side.args) if isinstance(side, Tuple) else (side,)


def _value(side: Basic, at: dict[Symbol, Expr]) -> Expr | None:
    value = side.subs(at).doit().evalf(DIGITS + _GUARD)
    return value if value.is_number and value.is_finite else None
