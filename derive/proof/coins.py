"""Coins: the finite draws of a tiny world, and the values that scalars have at their outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import Any

from derive.chances import Number
from derive.randomness import Family, Source

Weights = tuple[Number, ...]


@dataclass(frozen=True, eq=False)
class Coin:
    """A finite random draw: outcomes 0..len(weights)-1 with probabilities proportional to the weights.

    A coin is itself and no other: two coins of one world never stand for the same draw.
    """

    family: Family
    key: tuple[int, ...]
    weights: Weights

    @cached_property
    def name(self) -> tuple[Any, ...]:
        """What coins of a world are told apart by."""
        return (self.family.name, *self.key)

    @cached_property
    def source(self) -> Source:
        """The source that it is tossed with."""
        assert self.family.source is not None
        return self.family.source

    @cached_property
    def total(self) -> Number:
        """The sum of the weights."""
        return sum(self.weights)

    @cached_property
    def half(self) -> int:
        """How many of the outcomes make up the first half of the chance, where they do."""
        return [2 * w for w in accumulate(self.weights)].index(self.total) + 1


@dataclass(frozen=True)
class Law:
    """The law of one drawn scalar: the coin that decides it (None for a constant), and its value at each outcome.

    A scalar that is tied to other coins has ``values`` where an even number of them show their second half, and those
    of ``unlike`` where an odd number do: any of the coins left out, it is independent of the others.
    """

    coin: Coin | None
    values: tuple[Number, ...]
    tied: tuple[Coin, ...] = ()
    unlike: tuple[Number, ...] = ()

    @property
    def coins(self) -> frozenset[Coin]:
        """All coins that decide the value."""
        return frozenset((*self.tied, *(() if self.coin is None else (self.coin,))))

    @property
    def chances(self) -> list[tuple[Number, Number]]:
        """The values with their chances, in the order of the outcomes."""
        weights = (1,) if self.coin is None else self.coin.weights
        both = [(self.values, weights), *([(self.unlike, weights)] if self.tied else [])]
        total = sum(weights) * len(both)
        return [(v, Fraction(w) / total) for values, ws in both for v, w in zip(values, ws, strict=True)]

    def at(self, faces: Mapping[Coin, int]) -> Number:
        """Return the value where the coins show the given faces."""
        odd = sum(faces[coin] >= coin.half for coin in self.tied) % 2
        return (self.unlike if odd else self.values)[0 if self.coin is None else faces[self.coin]]
