"""Code: what an expression is in a tiny world, a small function of outcomes.

A code runs at many outcomes at once, and gives its values in their order: one pass over a list is many times faster
than a call an outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from operator import add, mul
from typing import Any

from derive.proof.coins import Coin

NO_COINS: frozenset[Coin] = frozenset()


class NotEvaluable(Exception):
    """An expression that has no exact value in this world, with the reason."""


class Nonexistent(NotEvaluable):
    """An expression that speaks of a unit or a layer that this world does not have."""


class Undeclared(NotEvaluable):
    """An expression that has no meaning, since the setting does not declare what it speaks of."""


@dataclass(frozen=True)
class Outcomes:
    """Some joint outcomes of coins: how many, and which face each coin shows in each."""

    count: int
    faces: Mapping[Coin, Sequence[int]]

    def only(self, rows: Sequence[int]) -> Outcomes:
        """Return some of the outcomes."""
        return Outcomes(len(rows), {c: [shown[row] for row in rows] for c, shown in self.faces.items()})

    def in_turn(self) -> Iterator[Outcomes]:
        """Yield the outcomes in parts, the first one alone: often it shows already that there is no value."""
        start, size = 0, 1
        while start < self.count:
            yield self.only(range(start, min(start + size, self.count)))
            start, size = start + size, 16 * size

    def of(self, coins: Sequence[Coin]) -> list[tuple[int, ...]]:
        """Return the faces of some coins, for each outcome."""
        return list(zip(*(self.faces[c] for c in coins), strict=True))


class Code:
    """A function of outcomes, and the coins that it looks at; ``value`` is that of one that looks at none."""

    __slots__ = ("coins", "run", "value")

    def __init__(self, run: Callable[[Outcomes], list[Any]], coins: frozenset[Coin], value: Any = None) -> None:
        self.run = run
        self.coins = coins
        self.value = value


def constant(value: Any) -> Code:
    """Return the code of a value that no coin changes."""
    return Code(lambda at: [value] * at.count, NO_COINS, value)


def coins_of(codes: list[Code]) -> frozenset[Coin]:
    """Return the coins that any of the codes looks at."""
    return NO_COINS.union(*[c.coins for c in codes])


def lifted(function: Callable[..., Any], codes: list[Code]) -> Code:
    """Return the code of a function of other codes' values, which is called at once where no coin changes them."""
    coins = coins_of(codes)
    if not coins:
        return constant(function(*[c.value for c in codes]))
    return Code(lambda at: list(map(function, *[c.run(at) for c in codes])), coins)


def plus(terms: list[Code | None]) -> Code | None:
    """Return the code of a sum of those terms that are not zero, or None if all are."""
    codes = [t for t in terms if t is not None]
    return plus_code(codes) if codes else None


def plus_code(codes: list[Code]) -> Code:
    """Return the code of a sum."""
    return _folded(codes, add, sum)


def times_code(codes: list[Code]) -> Code:
    """Return the code of a product."""
    return _folded(codes, mul, prod)


def _folded(codes: list[Code], two: Callable[[Any, Any], Any], many: Callable[[Sequence[Any]], Any]) -> Code:
    """Return the code of all codes' values in one, given how two are joined, and how many."""
    coins = coins_of(codes)
    if not coins:
        return constant(many([c.value for c in codes]))
    if len(codes) == 2:
        one, other = codes
        return Code(lambda at: list(map(two, one.run(at), other.run(at))), coins)
    return Code(lambda at: list(map(many, zip(*[c.run(at) for c in codes], strict=True))), coins)
