"""Dependence in tiny worlds: which families' coins decide the scalars of another one, and which of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from derive.chances import Index
from derive.hypotheses import Kind
from derive.proof.code import NotEvaluable
from derive.proof.scope import extents_of
from derive.randomness import Family

if TYPE_CHECKING:
    from derive.proof.worlds import World

Key = tuple[int, ...]


class Hosts:
    """Hangs families that nobody declares independent on each other's coins.

    A family is the guest of an earlier one, its *host*, of whom it is not declared independent, nor of the host's other
    guests. The order of families turns from world to world, so that any two hang on each other somewhere, both ways.
    Scalars of a family with one *key* have one coin; each key hangs on the coin of a host's scalar of the same layer,
    with units of the same sizes, as long as no other key of a family with several coins hangs there.
    Families of the world's knot (see `knots`) have coins of their own, and one of them is tied to those of the others.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        names = list(world.families)
        turn = world.number // 2 % max(1, len(names))
        self._order = names[turn:] + names[:turn]
        if world.number % 2:
            self._order.reverse()
        self._order.sort(key=lambda f: bool(f.source and f.source.last))
        self._keys: dict[Family, Callable[[Index], Key]] = {}
        self._guests: dict[Family, list[Family]] = {}
        self._hosts: dict[Family, Family | None] = {}
        self._places: dict[Family, dict[Key, tuple[Key, ...]]] = {}

    def says(self, family: Family) -> frozenset[Kind]:
        """Return what is declared of a family alone, with what that implies."""
        return self.world.setting.said_of(family)

    def key(self, family: Family, index: Index) -> Key:
        """Return what the scalars that hang on one coin have in common."""
        if family not in self._keys:
            self._keys[family] = self._key(family)
        return self._keys[family](index)

    def _key(self, family: Family) -> Callable[[Index], Key]:
        apart = [k.apart for k in sorted(self.says(family), key=lambda k: k.name) if k.apart is not None]
        if len(apart) == 1:
            return apart[0]
        if apart:
            return lambda index: tuple(u for key in apart for u in key(index))
        by_layer = self.world.laid_down(family) or (self.host(family) is not None and self.world.number // 2 % 2 == 0)
        return (lambda index: index[:1]) if family.layered and by_layer else (lambda index: ())

    def host(self, family: Family) -> Family | None:
        """Return the family whose coins decide this one, which is not declared independent of it."""
        if family not in self._order:
            self._order.append(family)
            self._guests.clear()
        if family not in self._hosts:
            self._hosts[family] = None
            if not self.world.laid_down(family) and not self._constant(family) and family not in self.world.knot:
                self._hosts[family] = self._found(family)
        return self._hosts[family]

    def _found(self, family: Family) -> Family | None:
        earlier = self._order[: self._order.index(family)]
        for host in earlier:
            mates = [m for m in earlier if self._house(m) == self._house(host)]
            dependent = not any(self.world.setting.citing(Kind.INDEPENDENT_OF, family, m) for m in mates)
            if dependent and not self._constant(host) and host not in self.world.knot:
                return host
        return None

    def _house(self, family: Family) -> Family:
        host = self.host(family)
        return family if host is None else self._house(host)

    def _constant(self, family: Family) -> bool:
        return all(self.world.is_zero(family, layer) for layer in (self.world.layers if family.layered else [0]))

    def guests(self, host: Family) -> list[Family]:
        """Return the families that hang on a family's coins."""
        if host not in self._guests:
            self._guests[host] = [f for f in tuple(self._order) if self.host(f) == host]
        return self._guests[host]

    def place(self, family: Family, key: Key) -> Key | None:
        """Return the key of the host's coin that the scalars with a key hang on, or None where it is their own."""
        host = self.host(family)
        there = () if host is None else self._hung_on(family, (host,)).get(key)
        return there[0] if there else None

    def ties(self, family: Family, key: Key) -> list[tuple[Family, Key]]:
        """Return the families and keys whose coins the scalars with a key are tied to."""
        tied, *others = self.world.knot or (None,)
        if family != tied or any(map(self._constant, self.world.knot)):
            return []
        return list(zip(others, self._hung_on(family, tuple(others)).get(key, ()), strict=False))

    def decides(self, family: Family, key: Key) -> bool:
        """Return whether scalars are tied to the coin of a key."""
        tied = self.world.knot[0] if family in self.world.knot[1:] else None
        return tied is not None and any(
            (family, key) in self.ties(tied, theirs) for theirs in self._hung_on(tied, self.world.knot[1:])
        )

    def _hung_on(self, family: Family, hosts: tuple[Family, ...]) -> dict[Key, tuple[Key, ...]]:
        """Return, for the keys of a family that hang on other families' coins, the keys of those."""
        if family not in self._places:
            self._places[family] = self._hung(family, hosts)
        return self._places[family]

    def _hung(self, family: Family, hosts: tuple[Family, ...]) -> dict[Key, tuple[Key, ...]]:
        first: dict[Key, Index] = {}
        for index in self.world.indices(family):
            first.setdefault(self.key(family, index), index)
        keys = list(first)
        # Where one key only can hang, it is another one in every few worlds.
        turn = self.world.number // 2 % max(1, len(keys))
        apart = len(hosts) > 1 or any(k.apart is not None for k in self.says(family))
        found: dict[Key, tuple[Key, ...]] = {}
        for key in keys[turn:] + keys[:turn]:
            there = [(host, self._alike(family, first[key], host)) for host in hosts]
            place = tuple(self._moved(k, host, index) for k, (host, index) in enumerate(there) if index is not None)
            used = apart and any(k in taken for k, taken in zip(place, zip(*found.values(), strict=True), strict=False))
            if len(place) == len(hosts) and not used:
                found[key] = place
        return found

    def _moved(self, count: int, host: Family, index: Index) -> Key:
        """Return the key of a host's scalar, or in every other world that of one some places on for a later host."""
        keys = list(dict.fromkeys(self.key(host, other) for other in self.world.indices(host)))
        return keys[(keys.index(self.key(host, index)) + count * (self.world.number % 2)) % len(keys)]

    def _alike(self, family: Family, index: Index, host: Family) -> Index | None:
        """Return the host's scalar in the same layer, with units of the same sizes where it has such; None for none."""
        layers = list(self.world.layers) if host.layered else [0]
        if family.layered and host.layered:
            layers = [index[0]] if index[0] in layers else []
        best: tuple[int, Index] | None = None
        for layer in layers:
            found = self._matched(family, index, host, layer)
            if found is not None and (best is None or found[0] > best[0]):
                best = found
        return None if best is None else best[1]

    def _matched(self, family: Family, index: Index, host: Family, layer: int) -> tuple[int, Index] | None:
        try:
            sizes = self.world.units(host, layer)
        except NotEvaluable:
            return None
        last = self.world.layers[-1]
        slots, wanted = extents_of(host, layer, last), extents_of(family, index[0] if family.layered else 0, last)
        units: dict[int, int] = {}
        rest, alike = [], 0
        for unit, extent in zip(index[family.layered :], wanted, strict=True):
            slot = next((j for j, s in enumerate(slots) if s == extent and j not in units), None)
            if slot is None:
                rest.append(unit)
            else:
                units[slot], alike = unit, alike + 1
        for unit in rest:
            slot = next((j for j in range(len(slots)) if j not in units), None)
            if slot is not None:
                units[slot] = min(unit, sizes[slot])
        place = (units.get(j, 1) for j in range(len(slots)))
        return alike, (*((layer,) if host.layered else ()), *place)
