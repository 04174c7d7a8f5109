"""Tiny worlds: small networks with finite laws that have the declared properties and no others.

In a world every outcome can be enumerated and every expectation is an exact fraction, so an equality that is wrong
by an index, a term or a hypothesis is refuted by a number that a person can recompute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product as cartesian
from math import isqrt
from typing import Any

from sympy import Symbol

from derive.hypotheses import Kind
from derive.layers import d, i
from derive.network import SLOPE, W, b, curved_cost, g, linear_cost, x
from derive.randomness import Family, Source
from derive.setting import Setting

Index = tuple[int, ...]
Number = Fraction | int
"""Exact numbers; whole ones are kept as int, whose arithmetic is many times faster."""


def whole(value: Number) -> Number:
    """Return a fraction as an int where it is one."""
    return value.numerator if value.denominator == 1 else value


@dataclass(frozen=True)
class Coin:
    """A finite random draw: outcomes 0..len(weights)-1 with probabilities proportional to the weights."""

    name: tuple[Any, ...]
    source: Source
    weights: tuple[Number, ...]

    @cached_property
    def total(self) -> Number:
        """The sum of the weights."""
        return sum(self.weights)


def _root(square: Fraction) -> Number | None:
    """Return the square root of a fraction if it is one itself."""
    root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    return whole(root) if root * root == square else None


@dataclass(frozen=True)
class TinyActivation:
    """A concrete activation function and its derivative, in exact arithmetic."""

    name: str
    function: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    parameters: tuple[tuple[Symbol, Number], ...] = ()


LINEAR = TinyActivation("f(t) = t", lambda t: t, lambda t: 1)
ARBITRARY = (
    LINEAR,
    TinyActivation("f(t) = t + t^2", lambda t: t + t * t, lambda t: 1 + 2 * t),
    TinyActivation("f(t) = max(t, 0)", lambda t: max(t, 0), lambda t: int(t > 0)),
    TinyActivation("f(t) = 2 if t > 0 else -1", lambda t: 2 if t > 0 else -1, lambda t: 0),
)


def leaky_relu(slope: Number) -> TinyActivation:
    """Return leaky ReLU of a concrete slope."""
    return TinyActivation(
        f"f(t) = t if t > 0 else {slope} t",
        lambda t: t if t > 0 else slope * t,
        lambda t: 1 if t > 0 else slope,
        ((SLOPE, slope),),
    )


RECTIFIERS = tuple(map(leaky_relu, (0, Fraction(1, 5), -1)))


@dataclass(frozen=True)
class World:
    """A network of depth ``depth`` (layers 0..depth) with concrete widths n_0..n_{depth+1}, laws and activation.

    ``variances`` are those of the weights, a fraction a layer. What is not declared in the setting does not hold
    here: undeclared means are 1, undeclared independence is full dependence, laws are skewed unless symmetric.
    """

    setting: Setting
    depth: int
    widths: tuple[int, ...]
    variances: tuple[Fraction, ...]
    activation: TinyActivation
    _coins: dict[tuple[Any, ...], Coin] = field(default_factory=dict, compare=False, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """How large a world is: units first, then depth."""
        return (sum(self.widths), self.depth)

    @cached_property
    def cost(self) -> Any:
        """The cost as a function of s^d: linear where its gradient is declared independent, curved otherwise."""
        closed = self.setting.citing(Kind.INDEPENDENT_OF, g, W)
        return linear_cost() if closed else curved_cost()

    def variance(self, family: Family, layer: int) -> Fraction:
        """Return the variance that the scalars of a family are meant to have in a layer."""
        if self.setting.citing(Kind.ZERO, family):
            return Fraction(0)
        if family == W:
            return self.variances[layer]
        # Other families get squares, two neighbours in the alphabet different ones.
        other = Fraction(2 + ord(family.name[0]) % 3) ** 2
        return {x: Fraction(6), g: Fraction(2), b: Fraction(4)}.get(family, other)

    def draw(self, family: Family, index: Index) -> tuple[Coin | None, tuple[Number, ...]]:
        """Return the coin that a drawn scalar hangs on, and its value at each outcome."""
        units = index[1:] if family.layered else index
        says = self._says(family)
        if Kind.ZERO in says:
            return None, (0,)
        coin = self._coin(family, index)
        first, last = coin.weights[0], coin.weights[-1]
        if Kind.SYMMETRIC in says:
            root = _root(self.variance(family, index[0] if family.layered else 0))
            values: list[Number] = [-2, 0, 2] if root is None else [-root, root]
        else:
            values = [-last, first]
            # A mirrored twin: another law with the same mean and variance.
            if Kind.ENTRIES_INDEPENDENT not in says and sum(units) % 2 and Kind.IDENTICAL not in says:
                values = [last, -first]
        if Kind.SHARED_VARIANCE not in says:
            values = [v * (1 + sum(units)) for v in values]
        if Kind.ZERO_MEAN not in says:
            values = [v + 1 for v in values]
        return coin, tuple(map(whole, values))

    def _says(self, family: Family) -> frozenset[Kind]:
        return frozenset(
            p.kind for h in self.setting.hypotheses for p in h.properties if p.family == family and not p.other
        )

    def _coin(self, family: Family, index: Index) -> Coin:
        """Return the coin of a scalar; families not declared independent share one."""
        says = self._says(family)
        if family != W and not self.setting.citing(Kind.INDEPENDENT_OF, family, W) and family in (x, b, g):
            layer = {x: 0, b: index[0] if index else 0, g: self.depth}[family]
            return self._coin(W, (layer, 1, 1))
        if family == g and not self.setting.citing(Kind.INDEPENDENT_OF, g, x):
            return self._coin(x, ())
        layer_key = index[:1] if family.layered else ()
        key = (family.name, *(index if Kind.ENTRIES_INDEPENDENT in says else layer_key))
        if key not in self._coins:
            layer = index[0] if family.layered else 0
            weights = self._weights(self.variance(family, layer), key, says)
            assert family.source is not None
            self._coins[key] = Coin(key, family.source, tuple(map(whole, weights)))
        return self._coins[key]

    @staticmethod
    def _weights(variance: Fraction, key: tuple[Any, ...], says: frozenset[Kind]) -> tuple[Fraction, ...]:
        if Kind.SYMMETRIC in says:
            if _root(variance) is not None:
                return (1, 1)
            p = min(variance / 8, Fraction(1, 2))
            return (p, 1 - 2 * p, p)
        small = Fraction(1) if variance != 1 else Fraction(1, 2)
        pair = (small, variance / small)
        odd = sum(k for k in key[1:] if isinstance(k, int)) % 2
        return pair[::-1] if odd and Kind.IDENTICAL not in says else pair

    def describe(self) -> dict[str, Any]:
        """Return the widths, the laws and the activation, as words and fractions."""
        laws = []
        for coin in self._coins.values():
            family, index = coin.name[0], coin.name[1:]
            chances = ", ".join(str(Fraction(w) / coin.total) for w in coin.weights)
            laws.append(f"{family}{list(index) if index else ''}: outcomes with probabilities {chances}")
        return {
            "depth": self.depth,
            "widths": list(self.widths),
            "weight_variances": [str(v) for v in self.variances],
            "activation": self.activation.name,
            "laws": laws,
        }


_WIDTHS: dict[int, list[tuple[int, ...]]] = {
    0: [(1, 2), (2, 1), (2, 3)],
    1: [(1, 2, 3), (2, 3, 1), (3, 1, 2)],
    2: [(1, 2, 3, 1), (2, 3, 1, 2), (3, 1, 2, 3)],
}
_GENERIC = (Fraction(4), Fraction(9), Fraction(16))


def tiny_worlds(setting: Setting, *, critical: bool = False, every: bool = False) -> Iterator[World]:
    """Yield tiny worlds in which the setting's layer facts can hold, the smallest first.

    ``critical`` adds worlds whose weight variances make ``n_i Var[W^i]`` or ``n_{i+1} Var[W^i]`` equal to 1, in all
    layers or in turn: equalities between variances hold there, so that implications between them are put to the test.
    ``every`` adds those with every such choice in every layer.
    """
    homogeneous = setting.citing(Kind.HOMOGENEOUS) is not None
    activations = ARBITRARY
    if setting.citing(Kind.LINEAR):
        activations = (LINEAR,)
    elif setting.citing(Kind.RECTIFIER):
        activations = RECTIFIERS
    for depth in sorted(_WIDTHS):
        if not any(setting.facts.hold_at({i: layer, d: depth}) for layer in range(depth + 1)):
            continue
        shapes: list[tuple[int, ...]] = _WIDTHS[depth]
        if homogeneous:
            shapes = [(w,) * (depth + 2) for w in (1, 2)]
        for widths in sorted(shapes, key=sum):
            for variances in _variance_choices(widths, homogeneous=homogeneous, critical=critical, every=every):
                for activation in activations:
                    yield World(setting, depth, widths, variances, activation)


def _variance_choices(
    widths: tuple[int, ...], *, homogeneous: bool, critical: bool, every: bool
) -> Iterator[tuple[Fraction, ...]]:
    matrices = len(widths) - 1
    if homogeneous:
        yield (Fraction(2),) * matrices
        if critical or every:
            yield (Fraction(1, widths[0]),) * matrices
        return
    yield _GENERIC[:matrices]
    forward = [Fraction(1, widths[m]) for m in range(matrices)]
    backward = [Fraction(1, widths[m + 1]) for m in range(matrices)]
    if every:
        yield from cartesian(*(sorted({*side}) for side in zip(_GENERIC, forward, backward, strict=False)))
    elif critical:
        sides = (forward, backward)
        for first, second in cartesian((0, 1), repeat=2):
            yield tuple(sides[(first, second)[m % 2]][m] for m in range(matrices))
