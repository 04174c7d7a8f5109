"""Finite laws for tiny worlds: they have the declared properties and no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import isqrt
from typing import Any

from derive.averages import SharedVariance
from derive.hypotheses import Kind
from derive.layers import i
from derive.network import W, b, g, x
from derive.proof.regime import regime
from derive.randomness import Family, Source
from derive.setting import Setting

Index = tuple[int, ...]
Number = Fraction | int
"""Exact numbers; whole ones are kept as int, whose arithmetic is many times faster."""


def whole(value: Number) -> Number:
    """Return a fraction as an int where it is one."""
    return value.numerator if value.denominator == 1 else value


def root(square: Fraction) -> Number | None:
    """Return the square root of a fraction if it is one itself."""
    found = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    return whole(found) if found * found == square else None


@dataclass(frozen=True, eq=False)
class Coin:
    """A finite random draw: outcomes 0..len(weights)-1 with probabilities proportional to the weights.

    A coin is itself and no other: two coins of one world never stand for the same draw.
    """

    name: tuple[Any, ...]
    source: Source
    weights: tuple[Number, ...]

    @cached_property
    def total(self) -> Number:
        """The sum of the weights."""
        return sum(self.weights)


@dataclass(frozen=True)
class Law:
    """The law of one drawn scalar: the coin that decides it (None for a constant), and its value at each outcome."""

    coin: Coin | None
    values: tuple[Number, ...]


_IMPLIED = {
    Kind.ZERO: (Kind.ZERO_MEAN, Kind.SHARED_VARIANCE),
    Kind.SYMMETRIC: (Kind.ZERO_MEAN,),
    Kind.IDENTICAL: (Kind.SHARED_VARIANCE,),
}
_NETWORK = (W, b, x, g)
_MEANS = (2, 3, 5, 7, 11, 13, 17)


class Laws:
    """Laws of all drawn scalars of one world.

    What is not declared of a family does not hold: its mean is not zero and differs between scalars, as does its
    variance; laws are skewed (no two-point law has the kurtosis of a Gaussian); scalars that are not declared
    independent all hang on one coin, and so do families: one of them is the other's *host*. A family cannot be the
    guest of a host with which somebody stays of whom it is declared independent.
    ``variance`` gives the variance meant for the scalars of a family in a layer.
    """

    def __init__(
        self, setting: Setting, depth: int, variance: Callable[[Family, int], Fraction], number: int = 0
    ) -> None:
        self.setting = setting
        self.depth = depth
        self.number = number
        # Dependence is hung both ways: the input on the weights' coins, or the weights on the input's.
        self._order = (x, b, W, g) if number % 2 else _NETWORK
        self.variance = variance
        self.coins: dict[tuple[Any, ...], Coin] = {}
        self._met: list[Family] = []
        self._hosts: dict[Family, Family | None] = {}
        self._known: dict[tuple[Family, Index], Law] = {}
        self._said: dict[Family, frozenset[Kind]] = {}

    def __call__(self, family: Family, index: Index) -> Law:
        """Return the law of a drawn scalar."""
        key = (family, index)
        if key not in self._known:
            self._known[key] = self._law(family, index)
        return self._known[key]

    @cached_property
    def laid_down(self) -> bool:
        """True when an equation lays down the variance of the weights of each layer, which then has its own coins."""
        return SharedVariance(W, i) in regime(self.setting.hypotheses)

    def met(self, family: Family) -> bool:
        """Return True when a scalar of the family has been asked for."""
        return any(known == family for known, _ in self._known)

    def describe(self) -> list[str]:
        """Return every law met so far in words and fractions: values, probabilities, and whose coin decides them."""
        return [self._in_words(*key, law) for key, law in sorted(self._known.items(), key=lambda kv: _named(*kv[0]))]

    def drawn(self, faces: Mapping[Coin, int]) -> list[str]:
        """Return the values of the scalars met so far whose coins show the given faces."""
        return [
            f"{_named(*key)} = {law.values[faces[law.coin]]}"
            for key, law in sorted(self._known.items(), key=lambda kv: _named(*kv[0]))
            if law.coin is not None and law.coin in faces
        ]

    def _in_words(self, family: Family, index: Index, law: Law) -> str:
        if law.coin is None:
            return f"{_named(family, index)} = {law.values[0]}"
        chances = (f"{v} ({Fraction(w) / law.coin.total})" for v, w in zip(law.values, law.coin.weights, strict=True))
        own = law.coin.name == (family.name, *index)
        where = "" if own else f", on the coin of {law.coin.name[0]}{list(law.coin.name[1:]) or ''}"
        return f"{_named(family, index)} = {' or '.join(chances)}{where}"

    def says(self, family: Family) -> frozenset[Kind]:
        """Return what is declared of a family alone, with what that implies."""
        if family not in self._said:
            declared = [p for h in self.setting.hypotheses for p in h.properties]
            alone = {p.kind for p in declared if p.family == family and p.other is None}
            self._said[family] = frozenset(alone.union(*(_IMPLIED.get(kind, ()) for kind in alone)))
        return self._said[family]

    def spread(self, family: Family, layer: int) -> int:
        """Return the factor between the scalars of a layer and those of layer 0 that hang on the same coin."""
        same = Kind.ENTRIES_INDEPENDENT in self.says(family) or not family.layered or (family == W and self.laid_down)
        return 1 if same or self.setting.citing(Kind.HOMOGENEOUS) else 1 + layer

    def _law(self, family: Family, index: Index) -> Law:
        says = self.says(family)
        layer = index[0] if family.layered else 0
        # The first scalar of a layer has the variance that is meant; the others differ where they may.
        units = sum(k - 1 for k in (index[1:] if family.layered else index))
        if self.variance(family, layer) == 0:
            return Law(None, (0,))
        coin = self._coin(family, index)
        values = self._symmetric(coin, family, layer) if Kind.SYMMETRIC in says else _centred(coin)
        if Kind.ENTRIES_INDEPENDENT not in says and Kind.IDENTICAL not in says and units % 4 in (1, 2):
            # A mirrored twin: another law with the same mean and variance. No row or column is another one's mirror.
            values = [-v for v in values]
        scale = self.spread(family, layer) * (1 if Kind.SHARED_VARIANCE in says else 1 + units)
        mean = 0 if Kind.ZERO_MEAN in says else self._mean(family, layer, 0 if Kind.IDENTICAL in says else units)
        values = [v * scale for v in values]
        if Kind.NONDEGENERATE in says and -mean in values and Kind.ZERO_MEAN not in says:
            # Not zero by accident either: move all values to one side of zero.
            mean += int(max(*values, *(-v for v in values)))
        return Law(coin, tuple(whole(v + mean) for v in values))

    def _mean(self, family: Family, layer: int, units: int) -> int:
        """Return a mean that is neither 0 nor 1, another one for every scalar that may have its own."""
        return _MEANS[(3 * sum(map(ord, family.name)) + 2 * layer + units + self.number) % len(_MEANS)]

    def _symmetric(self, coin: Coin, family: Family, layer: int) -> list[Number]:
        variance = self.variance(family, layer)
        if len(coin.weights) == 3:
            return [-_beyond(variance), 0, _beyond(variance)]
        half = root(variance) or 2
        return [-half, half]

    def _coin(self, family: Family, index: Index) -> Coin:
        """Return the coin that decides a scalar: its host's, or its own."""
        says = self.says(family)
        host = self._host(family)
        there = self._place(family, index, host) if host is not None else None
        if host is not None and there is not None:
            coin = self._coin(host, there)
            if Kind.SYMMETRIC not in says or coin.weights == coin.weights[::-1]:
                return coin
        shared = index[:1] if family == W and self.laid_down else ()
        key = (family.name, *(index if Kind.ENTRIES_INDEPENDENT in says else shared))
        if key not in self.coins:
            assert family.source is not None
            layer = key[1] if len(key) > 1 and family.layered else 0
            weights = self._weights(self.variance(family, layer), key, says)
            self.coins[key] = Coin(key, family.source, tuple(map(whole, weights)))
        return self.coins[key]

    @staticmethod
    def _weights(variance: Fraction, key: tuple[Any, ...], says: frozenset[Kind]) -> tuple[Fraction, ...]:
        if Kind.SYMMETRIC in says:
            if root(variance) is not None:
                return (Fraction(1), Fraction(1))
            p = variance / (2 * _beyond(variance) ** 2)
            return (p, 1 - 2 * p, p)
        small = Fraction(1) if variance != 1 else Fraction(1, 2)
        pair = (small, variance / small)
        odd = sum(k for k in key[1:] if isinstance(k, int)) % 2
        return pair[::-1] if odd and Kind.IDENTICAL not in says else pair

    def _host(self, family: Family) -> Family | None:
        """Return the family whose coins decide this one, which is not declared independent of it."""
        if family not in self._hosts:
            self._hosts[family] = None
            earlier = self._order[: self._order.index(family)] if family in _NETWORK else tuple(self._met)
            if family == W and self.laid_down:
                earlier = ()
            for host in earlier:
                mates = [m for m in earlier if self._house(m) == self._house(host)]
                constant = all(self.variance(host, layer) == 0 for layer in range(self.depth + 1))
                if not constant and not any(self.setting.citing(Kind.INDEPENDENT_OF, family, m) for m in mates):
                    self._hosts[family] = host
                    break
            self._met += [] if family in _NETWORK else [family]
        return self._hosts[family]

    def _house(self, family: Family) -> Family:
        host = self._host(family)
        return family if host is None else self._house(host)

    def _place(self, family: Family, index: Index, host: Family) -> Index | None:
        """Return the host's scalar whose coin decides a scalar, or None if it has its own."""
        apart = Kind.ENTRIES_INDEPENDENT in self.says(family)
        layers, units = index[: family.layered], index[family.layered :]
        first = not any(layers) and all(k == 1 for k in units)
        if apart and Kind.ENTRIES_INDEPENDENT not in self.says(host) and not first:
            # The host has one coin for all, which only one of these scalars may hang on.
            return None
        if family not in _NETWORK:
            return index if len(host.extents(0)) + host.layered == len(index) else None
        layer = {x: 0, g: self.depth}.get(family, index[0])
        unit = index[-1] if apart else 1
        if host in (x, g):
            return (unit,)
        if host == b:
            return (layer, unit)
        return (layer, unit, 1) if family == x else (layer, 1, unit)


def _beyond(variance: Fraction) -> int:
    """Return a whole number whose square is above the variance."""
    return isqrt(int(variance)) + 1


def _named(family: Family, index: Index) -> str:
    return f"{family.name}{list(index) or ''}"


def _centred(coin: Coin) -> list[Number]:
    """Return values with mean zero: one for the last face, the other for all the rest."""
    last = coin.weights[-1]
    return [-last] * (len(coin.weights) - 1) + [coin.total - last]
