"""What a counterexample tells of the scalars of a tiny world, as data; each prints as a line."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.chances import Number, whole
from derive.randomness import Family


@dataclass(frozen=True)
class Named:
    """A scalar of a family, ``W[0, 1, 2]``, or with fewer indices those that have these first, ``W[0]`` or ``W``."""

    family: Family
    index: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.family.name}{list(self.index) or ''}"


@dataclass(frozen=True)
class DescribedLaw:
    """The law of a scalar: its values with their chances, and whose coin decides them where that is not its own.

    ``tied`` are the coins that decide from which half of the chances the value is.
    """

    scalar: Named
    chances: tuple[tuple[Number, Number], ...]
    coin: Named | None = None
    tied: tuple[Named, ...] = ()

    def __str__(self) -> str:
        coin = "" if self.coin is None else f", on the coin of {self.coin}"
        return f"{self.scalar} = {self.outcomes}{coin}{self.ties(*map(str, self.tied))}"

    @property
    def outcomes(self) -> str:
        """The values with their chances in brackets; a constant alone."""
        if len(self.chances) == 1:
            return str(self.chances[0][0])
        return " or ".join(f"{value} ({chance})" for value, chance in self.chances)

    @property
    def variance(self) -> Number:
        """The variance of the law."""
        mean = sum((chance * value for value, chance in self.chances), Fraction(0))
        return whole(sum((chance * value**2 for value, chance in self.chances), Fraction(0)) - mean**2)

    @staticmethod
    def ties(*coins: str) -> str:
        """Return in words how the named coins decide from which half of the chances the value is."""
        if not coins:
            return ""
        named = f"{', '.join(coins[:-1])} and {coins[-1]}"
        return f", from the first half where an even number of the coins of {named} show their second half"


@dataclass(frozen=True)
class DescribedValue:
    """The value that was drawn for a scalar."""

    scalar: Named
    value: Number

    def __str__(self) -> str:
        return f"{self.scalar} = {self.value}"
