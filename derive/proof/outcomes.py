"""What is random in an oracle's case: coins with few outcomes, tossed in every way; and a network in plain Python."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from math import prod
from typing import Any

Coin = tuple[Any, ...]
"""The name of the source, that of the family, and indices."""
Toss = Callable[[Coin], Any]
Law = Sequence[tuple[float, Any]]
"""Outcomes, each after its weight."""


class World:
    """What a reader asks of a case: scalars at given coins, and every outcome of the coins of some sources."""

    def law(self, coin: Coin) -> Law:
        """Return the law of a coin."""
        raise NotImplementedError

    def value(self, family: str, index: tuple[int, ...], toss: Toss) -> Any:
        """Return the value of a scalar, the coins tossed so."""
        raise NotImplementedError

    def cost_slope(self, family: str, index: tuple[int, ...], toss: Toss) -> Any:
        """Return the derivative of the cost by a scalar."""
        raise ArithmeticError("there is no cost here")

    def moved(self, family: str, index: tuple[int, ...], by: Any) -> World:
        """Return the world in which a number is added to one scalar."""
        raise ArithmeticError("scalars cannot be moved here")

    def fixed(self, coin: Coin) -> Any:
        """Return the outcome of a coin that nothing averages over: the first of its law."""
        return self.law(coin)[0][1]

    def outcomes(self, quantity: Callable[[Toss], Any], sources: frozenset[str], outer: Toss) -> list[tuple[Any, Any]]:
        """Return the weight and the value of each joint outcome of the sources' coins that the quantity tosses."""
        faces: dict[Coin, Any] = {}

        def toss(coin: Coin) -> Any:
            if coin[0] not in sources:
                return outer(coin)
            return faces.setdefault(coin, self.fixed(coin))

        quantity(toss)  # This meets every coin: which ones are tossed does not hang on how they fall.
        coins, table = tuple(faces), []
        for joint in product(*(self.law(c) for c in coins)):
            for coin, (_, face) in zip(coins, joint, strict=True):
                faces[coin] = face
            table.append((prod(w for w, _ in joint), quantity(toss)))
        return table


Made = Callable[..., Any]
"""How a scalar comes about: a function of ``at``, where ``at(family, *index)`` is another scalar, and its indices."""


class Coins(World):
    """A world of scalars that are coins of their own: one source and one law for each family.

    ``made`` are families of scalars that are computed from others; ``moves`` are numbers added to single scalars.
    """

    def __init__(self, made: Mapping[str, Made] | None = None, /, **laws: tuple[str, Law]) -> None:
        self.laws = {name.replace("_", "-"): law for name, law in laws.items()}
        self.made = made or {}
        self.moves: dict[Coin, Any] = {}

    def law(self, coin: Coin) -> Law:
        """Return the law of a coin."""
        return self.laws[coin[1]][1]

    def value(self, family: str, index: tuple[int, ...], toss: Toss) -> Any:
        """Return the outcome of the scalar's coin; where outcomes are vectors, one coin is for all components."""
        return self._computed(family, index, toss) + self.moves.get((family, *index), 0)

    def moved(self, family: str, index: tuple[int, ...], by: Any) -> Coins:
        """Return the world in which a number is added to one scalar."""
        other = copy(self)
        other.moves = {(family, *index): by}
        return other

    def _computed(self, family: str, index: tuple[int, ...], toss: Toss) -> Any:
        if family in self.made:
            return self.made[family](lambda name, *at: self.value(name, at, toss), *index)
        source, law = self.laws[family]
        vectors = isinstance(law[0][1], tuple)
        found = toss((source, family, *(() if vectors else index)))
        return reduce(lambda v, k: v[k - 1], index, found) if vectors else found


SOURCES = {"W": "weights", "b": "biases", "x": "input", "g": "output gradient"}
_BUMP = 2.0**-12
NOTHING: Law = ((1, 0),)


@dataclass(frozen=True)
class Network(World):
    """A network from its definition: s^i_k = sum_l z^i_l W^i_lk + b^i_k, z^{i+1} = f(s^i), z^0 = x.

    The cost is sum_k g_k s^d_k.
    ``widths`` are n_0 to n_{d+1}, ``weights`` the laws of the weights, one a layer, ``biases`` those of the biases.
    ``inputs`` and ``gradients`` are laws of whole vectors x and g, so that components may depend on each other.
    """

    widths: tuple[int, ...]
    weights: tuple[Law, ...]
    f: Callable[[Any], Any]
    inputs: Law
    gradients: Law = NOTHING
    biases: tuple[Law, ...] = field(default=())

    @property
    def depth(self) -> int:
        """The last layer of weights."""
        return len(self.widths) - 2

    def law(self, coin: Coin) -> Law:
        """Return the law of a coin; the whole input is one, and so is the whole output gradient."""
        family, *index = coin[1:]
        if family in ("x", "g"):
            return self.inputs if family == "x" else self.gradients
        laws = self.weights if family == "W" else self.biases
        return laws[index[0]] if laws else NOTHING

    def value(self, family: str, index: tuple[int, ...], toss: Toss) -> Any:
        """Return the value of a scalar by the definition of the network."""
        if family in ("x", "g"):
            return toss((SOURCES[family], family))[index[0] - 1]
        if family in ("W", "b"):
            return toss((SOURCES[family], family, *index))
        layer, unit = index
        if unit not in self._units(layer + (family == "s")):
            raise LookupError(f"there is no unit {unit} in layer {layer}")
        if family == "z":
            return self.f(self.value("s", (layer - 1, unit), toss)) if layer else self.value("x", (unit,), toss)
        entering = [self.value("z", (layer, k), toss) for k in self._units(layer)]
        return self._pre_activation(layer, unit, entering, toss)

    def _units(self, layer: int) -> range:
        return range(1, self.widths[layer] + 1)

    def _pre_activation(self, layer: int, unit: int, entering: list[Any], toss: Toss) -> Any:
        weights = (toss(("weights", "W", layer, k, unit)) for k in self._units(layer))
        return sum(map(operator.mul, entering, weights)) + toss(("biases", "b", layer, unit))

    def cost_slope(self, family: str, index: tuple[int, ...], toss: Toss) -> Any:
        """Return the derivative of the cost by a pre-activation or a weight, as a quotient of differences."""
        ahead, behind = (self._cost(toss, family, index, side * _BUMP) for side in (1, -1))
        return (ahead - behind) / (2 * _BUMP)

    def _cost(self, toss: Toss, family: str, index: tuple[int, ...], more: float) -> Any:
        """Return sum_k g_k s^d_k with one weight or pre-activation moved."""
        layer, *units = index
        entering = [self.value("x", (k,), toss) for k in self._units(0)]
        for here in range(self.depth + 1):
            found = [self._pre_activation(here, k, entering, toss) for k in self._units(here + 1)]
            if here == layer:
                found[units[-1] - 1] += more * (entering[units[0] - 1] if family == "W" else 1)
            entering = [self.f(s) for s in found] if here < self.depth else found
        return sum(self.value("g", (k,), toss) * s for k, s in enumerate(entering, 1))


def variance(law: Law, component: int | None = None) -> float:
    """Return the variance of a law, or of one component of a law of vectors."""
    values = [(w, v if component is None else v[component]) for w, v in law]
    total = sum(w for w, _ in values)
    mean = sum(w * v for w, v in values) / total
    return sum(w * v**2 for w, v in values) / total - mean**2


ROUNDING = 1e-9
"""How far two numbers that are equal may be apart, relative to the larger one: what rounding leaves."""


@dataclass(frozen=True)
class Known:
    """What the parts of an expression are worth in one case.

    ``symbols`` by name; ``functions`` by name, that of an applied function or of its class; ``world`` for what is
    random; ``kinks``: where the activation function is not smooth.
    """

    symbols: Mapping[str, Any] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    world: World | None = None
    kinks: tuple[float, ...] = ()
