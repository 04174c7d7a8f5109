"""Finite laws for tiny worlds: they have the declared properties and no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import accumulate, pairwise
from math import lcm
from typing import TYPE_CHECKING, Any

from derive.chances import Chances, Index, Number, Scalar, skewed, whole
from derive.hypotheses import Kind
from derive.proof.coins import Coin, Law, Weights
from derive.proof.described import DescribedLaw, DescribedValue, Named
from derive.proof.hosts import Hosts, Key
from derive.proof.scope import extents_of
from derive.randomness import Family

if TYPE_CHECKING:
    from derive.proof.worlds import World

_MEANS = (2, 3, 5, 7, 11, 13, 17)


class Laws:
    """Laws of all drawn scalars of one world.

    What is not declared of a family does not hold: its mean is not zero and differs between scalars, as does its
    variance; laws are skewed (no two-point law has the kurtosis of a Gaussian); scalars that are not declared
    independent all hang on one coin, and so do families (see `Hosts`); what is independent in pairs only is tied to two
    coins at once: whether they show like halves decides from which half of its law a scalar is. What is declared is
    granted by the properties: a kind that lays down a law gives its values and weights. A coin has as many faces as the
    laws that hang on it need.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.coins: dict[tuple[Any, ...], Coin] = {}
        self._hosts = Hosts(world)
        self._known: dict[tuple[Family, Index], Law] = {}
        self._drafts: dict[tuple[Family, Index], Chances] = {}
        self._laid_down: dict[Family, Kind | None] = {}
        self._by_key: dict[Family, dict[Key, list[Index]]] = {}

    def __call__(self, family: Family, index: Index) -> Law:
        """Return the law of a drawn scalar."""
        key = (family, index)
        if key not in self._known:
            self._known[key] = self._law(family, index)
        return self._known[key]

    def met(self, family: Family) -> bool:
        """Return True when a scalar of the family has been asked for."""
        return any(known == family for known, _ in self._known)

    def describe(self) -> list[DescribedLaw]:
        """Return every law met so far."""
        return [
            DescribedLaw(
                named,
                tuple(law.chances),
                None if law.coin is None or law.coin.name == (named.family.name, *named.index) else _owner(law.coin),
                tuple(map(_owner, law.tied)),
            )
            for named, law in self._met()
        ]

    def drawn(self, faces: Mapping[Coin, int]) -> list[DescribedValue]:
        """Return the values of the scalars met so far whose coins show the given faces."""
        return [
            DescribedValue(named, law.at(faces)) for named, law in self._met() if law.coins and law.coins <= {*faces}
        ]

    def _met(self) -> list[tuple[Named, Law]]:
        return sorted(((Named(*key), law) for key, law in self._known.items()), key=lambda met: str(met[0]))

    def _law(self, family: Family, index: Index) -> Law:
        if self.world.is_zero(family, index[0] if family.layered else 0):
            return Law(None, (0,))
        key = self._hosts.key(family, index)
        if self._borrows(family, key):
            coin, scale = self._coin(family, key), 2 * self._scale(family, index)
            last = coin.weights[-1]
            values = [-last * scale] * (len(coin.weights) - 1) + [(coin.total - last) * scale]
            return Law(coin, tuple(map(whole, self._moved(family, index, values))))
        chances = self._chances(family, index)
        values = [value for _, value in chances]
        if len(chances) == 1:
            return Law(None, (whole(values[0]),))
        ties = self._hosts.ties(family, key)
        if ties:
            return self._tied(family, index, [self._coin(*tie) for tie in ties])
        coin = self._coin(family, key)
        if len(coin.weights) != len(chances):
            values = [values[cell] for cell in _cells(coin.weights, [w for w, _ in chances])]
        if self._granted(family) is None:
            values = self._moved(family, index, values)
        return Law(coin, tuple(map(whole, values)))

    def _tied(self, family: Family, index: Index, others: list[Coin]) -> Law:
        """Return the law of a scalar that is tied to others' coins: its own one decides within half of the chances."""
        chances, coin = self._chances(family, index), self._coin(family, self._hosts.key(family, index))
        cells = [cell for half in _halves(tuple(w for w, _ in chances)) for cell in _cells(coin.weights, list(half))]
        values = [chances[cell][1] for cell in cells]
        if self._granted(family) is None:
            values = self._moved(family, index, values)
        alike, unlike = (tuple(map(whole, part)) for part in (values[: len(coin.weights)], values[len(coin.weights) :]))
        return Law(coin, alike, tuple(others), unlike)

    def _granted(self, family: Family) -> Kind | None:
        """Return the kind that lays down the law of a family: the one that says most."""
        if family not in self._laid_down:
            kinds = [k for k in self._hosts.says(family) if k.law is not None]
            self._laid_down[family] = max(kinds, key=lambda k: (len(k.all), k.name)) if kinds else None
        return self._laid_down[family]

    def _chances(self, family: Family, index: Index) -> Chances:
        """Return the values of a scalar with their weights, of mean zero where no property says what they are."""
        if (family, index) not in self._drafts:
            self._drafts[family, index] = self._drafted(family, index)
        return self._drafts[family, index]

    def _drafted(self, family: Family, index: Index) -> Chances:
        kind, variance = self._granted(family), self._base(family, index)
        scale = self._scale(family, index)
        if kind is not None and kind.law is not None:
            return kind.law(Scalar(index, variance, scale, self.world.number_of))
        odd = sum(self._hosts.key(family, index)) % 2 == 1
        turned = odd and Kind.IDENTICAL not in self._hosts.says(family)
        return tuple((w, v * scale) for w, v in skewed(variance, turned=turned))

    def _moved(self, family: Family, index: Index, values: list[Number]) -> list[Number]:
        """Return centred values moved to a mean that is neither 0 nor 1, unless a mean of zero is declared."""
        says = self._hosts.says(family)
        if Kind.ZERO_MEAN in says:
            return values
        layer, units = index[0] if family.layered else 0, 0 if Kind.IDENTICAL in says else _units(family, index)
        rank = self.world.families.index(family) if family in self.world.families else sum(map(ord, family.name))
        mean = _MEANS[(3 * rank + 2 * layer + units + self.world.number) % len(_MEANS)]
        if Kind.NONDEGENERATE in says and -mean in values:
            # Not zero by accident either: move all values to one side of zero.
            mean += int(max(*values, *(-v for v in values)))
        return [v + mean for v in values]

    def _base(self, family: Family, index: Index) -> Fraction:
        """Return the variance where the factor is 1: that of the first layer where layers share a coin."""
        layer = index[0] if family.layered and self._alone(family) else 0
        return Fraction(self.world.meant(family, layer))

    def _alone(self, family: Family) -> bool:
        """Return True when the layers of a family have coins of their own."""
        return self.world.laid_down(family) or any(k.apart is not None for k in self._hosts.says(family))

    def _scale(self, family: Family, index: Index) -> int:
        """Return the factor between a scalar and one of its mean square: those that may differ do.

        Scalars that may depend on each other are mirrored in some places too: another law with the same mean and
        variance. No row or column is another one's mirror.
        """
        says, units = self._hosts.says(family), _units(family, index)
        scale = 1 if Kind.SHARED_VARIANCE in says else 1 + units
        if Kind.ENTRIES_INDEPENDENT in says:
            return scale
        alone = self._alone(family) or not family.layered or family in self.world.regime.steady
        mirrored = Kind.IDENTICAL not in says and units % 4 in (1, 2)
        return (-scale if mirrored else scale) * (1 if alone else 1 + index[0])

    def _borrows(self, family: Family, key: Key) -> bool:
        """Return True for scalars that take their weights from a host's coin: nothing says what theirs are."""
        said = self._granted(family) is not None or Kind.SHARED_VARIANCE in self._hosts.says(family)
        return not said and self._hosts.place(family, key) is not None

    def _coin(self, family: Family, key: Key) -> Coin:
        """Return the coin that decides the scalars of a key: the host's, or their own."""
        host, place = self._hosts.host(family), self._hosts.place(family, key)
        if host is not None and place is not None:
            return self._coin(host, place)
        name = (family.name, *key)
        if name not in self.coins:
            self.coins[name] = Coin(family, key, _common(set(self._weights(family, key))))
        return self.coins[name]

    def _weights(self, family: Family, key: Key) -> Iterator[Weights]:
        """Yield the weights that the laws of the scalars of a key need, and those of the guests that hang on them."""
        if not self._borrows(family, key):
            for index in self._with_key(family, key):
                weights = tuple(w for w, _ in self._chances(family, index))
                if self._hosts.ties(family, key):
                    yield from (tuple(w for w in half if w) for half in _halves(weights))
                else:
                    yield weights
        if self._hosts.decides(family, key):
            yield (1, 1)
        for guest in self._hosts.guests(family):
            for theirs in self._keys(guest):
                if self._hosts.place(guest, theirs) == key:
                    yield from self._weights(guest, theirs)

    def _with_key(self, family: Family, key: Key) -> list[Index]:
        if self._hosts.key(family, key) == key and len(key) == len(extents_of(family, 0)) + family.layered:
            return [key]
        known = self._keys(family).get(key, [])
        # Where no property says what the weights are, one scalar has those of all.
        return known if self._granted(family) is not None else known[:1]

    def _keys(self, family: Family) -> dict[Key, list[Index]]:
        if family not in self._by_key:
            found: dict[Key, list[Index]] = {}
            for index in self.world.indices(family):
                found.setdefault(self._hosts.key(family, index), []).append(index)
            self._by_key[family] = found
        return self._by_key[family]


def _common(needed: set[Weights]) -> Weights:
    """Return the weights of the fewest faces that can be told apart as all the laws need it."""
    if len(needed) == 1:
        return tuple(map(whole, map(Fraction, next(iter(needed)))))
    cuts = {c / sum(weights) for weights in needed for c in accumulate(map(Fraction, weights))}
    faces = [b - a for a, b in pairwise(sorted({Fraction(0), *cuts}))]
    least = lcm(*(f.denominator for f in faces))
    return tuple(int(f * least) for f in faces)


def _cells(faces: Weights, weights: list[Number]) -> list[int]:
    """Return which of some chances each face of a coin stands for: where it lies on the line from 0 to 1."""
    ends, total = list(accumulate(map(Fraction, weights))), sum(faces)
    shares = [end / sum(weights) for end in ends]
    return [
        next(k for k, share in enumerate(shares) if end <= share * total) for end in accumulate(map(Fraction, faces))
    ]


def _halves(weights: Weights) -> tuple[Weights, Weights]:
    """Return which part of each weight is in the first half of the chances, and which in the second."""
    ends = [Fraction(0), *accumulate(map(Fraction, weights))]
    middle = ends[-1] / 2
    first = [min(end, middle) - min(start, middle) for start, end in pairwise(ends)]
    return tuple(first), tuple(w - part for w, part in zip(weights, first, strict=True))


def _units(family: Family, index: Index) -> int:
    """Return a number for the units of a scalar, 0 for the first ones of a layer."""
    return sum(k - 1 for k in (index[1:] if family.layered else index))


def _owner(coin: Coin) -> Named:
    return Named(coin.family, coin.key)
