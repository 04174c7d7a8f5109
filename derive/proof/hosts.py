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
        self._places: dict[Family, dict[Key, Key]] = {}

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
            if not self.world.laid_down(family) and not self._constant(family):
                self._hosts[family] = self._found(family)
        return self._hosts[family]

    def _found(self, family: Family) -> Family | None:
        earlier = self._order[: self._order.index(family)]
        for host in earlier:
            mates = [m for m in earlier if self._house(m) == self._house(host)]
            dependent = not any(self.world.setting.citing(Kind.INDEPENDENT_OF, family, m) for m in mates)
            if dependent and not self._constant(host):
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
        if host is None:
            return None
        if family not in self._places:
            self._places[family] = self._hung(family, host)
        return self._places[family].get(key)

    def _hung(self, family: Family, host: Family) -> dict[Key, Key]:
        first: dict[Key, Index] = {}
        for index in self.world.indices(family):
            first.setdefault(self.key(family, index), index)
        keys = list(first)
        # Where one key only can hang, it is another one in every few worlds.
        turn = self.world.number // 2 % max(1, len(keys))
        apart = any(k.apart is not None for k in self.says(family))
        found: dict[Key, Key] = {}
        for key in keys[turn:] + keys[:turn]:
            there = self._alike(family, first[key], host)
            if there is not None and not (apart and self.key(host, there) in found.values()):
                found[key] = self.key(host, there)
        return found

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
