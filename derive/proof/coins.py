"""Coins: the finite draws of a tiny world, and the values that scalars have at their outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from derive.chances import Number
from derive.randomness import Source

Weights = tuple[Number, ...]


@dataclass(frozen=True, eq=False)
class Coin:
    """A finite random draw: outcomes 0..len(weights)-1 with probabilities proportional to the weights.

    A coin is itself and no other: two coins of one world never stand for the same draw.
    """

    name: tuple[Any, ...]
    source: Source
    weights: Weights

    @cached_property
    def total(self) -> Number:
        """The sum of the weights."""
        return sum(self.weights)


@dataclass(frozen=True)
class Law:
    """The law of one drawn scalar: the coin that decides it (None for a constant), and its value at each outcome."""

    coin: Coin | None
    values: tuple[Number, ...]
