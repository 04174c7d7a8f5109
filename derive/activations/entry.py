"""What the catalogue holds of an activation, and the rules of its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Expr

HIGHEST_DEGREE = 20
DEGREE = f"a whole number from 0 to {HIGHEST_DEGREE}"


@dataclass(frozen=True)
class Parameter:
    """A parameter of an activation: its name, its default and the rule that its value must satisfy."""

    name: str
    default: Expr
    rule: str = "a real number"

    def allows(self, value: Expr) -> bool:
        """Whether the rule holds; for a symbol, whether its assumptions do not contradict the rule."""
        if value.is_extended_real is False or value.is_finite is False:
            return False
        if self.rule == "positive":
            return value.is_positive is not False
        if self.rule == "at least 0":
            return value.is_nonnegative is not False
        if self.rule == "other than 0":
            return value.is_zero is not True
        if self.rule == DEGREE:
            return bool(value.is_Integer and 0 <= value <= HIGHEST_DEGREE)
        return True


@dataclass(frozen=True)
class Entry:
    """One activation: its formula as a function of the argument and the parameters, and where it comes from."""

    name: str
    summary: str
    source: str
    make: Callable[..., Expr]
    parameters: tuple[Parameter, ...] = ()
    tails: Callable[..., tuple[Expr | None, Expr | None]] = lambda *_: (None, None)
