"""Code: what an expression is in a tiny world, a small function of the current outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from derive.proof.coins import Coin

NO_COINS: frozenset[Coin] = frozenset()


class NotEvaluable(Exception):
    """An expression that has no exact value in this world, with the reason."""


class Nonexistent(NotEvaluable):
    """An expression that speaks of a unit or a layer that this world does not have."""


class Undeclared(NotEvaluable):
    """An expression that has no meaning, since the setting does not declare what it speaks of."""


@dataclass(frozen=True, slots=True)
class Code:
    """A function of the current outcome, and the coins that it looks at."""

    run: Callable[[], Any]
    coins: frozenset[Coin] = NO_COINS


def constant(value: Any) -> Code:
    """Return the code of a value that no coin changes."""
    return Code(lambda: value)


def coins_of(codes: list[Code]) -> frozenset[Coin]:
    """Return the coins that any of the codes looks at."""
    return NO_COINS.union(*(c.coins for c in codes))


def folded(run: Callable[[], Any], codes: list[Code]) -> Code:
    """Return the code of a function of other codes, run at once where no coin changes it."""
    coins = coins_of(codes)
    return Code(run, coins) if coins else constant(run())


def plus(terms: list[Code | None]) -> Code | None:
    """Return the code of a sum of those terms that are not zero, or None if all are."""
    codes = [t for t in terms if t is not None]
    return plus_code(codes) if codes else None


def plus_code(codes: list[Code]) -> Code:
    """Return the code of a sum."""
    runs = [c.run for c in codes]
    if len(runs) == 2:
        one, two = runs
        return folded(lambda: one() + two(), codes)
    return folded(lambda: sum(run() for run in runs), codes)


def times_code(codes: list[Code]) -> Code:
    """Return the code of a product."""
    runs = [c.run for c in codes]
    if len(runs) == 2:
        one, two = runs
        return folded(lambda: one() * two(), codes)
    return folded(lambda: prod(run() for run in runs), codes)
