"""Tiny worlds: small networks with finite laws that have the declared properties and no others.

In a world every outcome can be enumerated and every expectation is an exact fraction, so an equality that is wrong
by an index, a term or a hypothesis is refuted by a number that a person can recompute.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import chain, islice
from itertools import product as cartesian
from typing import Any

from sympy import Expr, Integer, Rational, Symbol

from derive.averages import SharedVariance
from derive.hypotheses import Kind
from derive.layers import d, i
from derive.network import AT_ZERO, SLOPE, SLOPE_AT_ZERO, W, Width, b, curved_cost, g, linear_cost, x
from derive.proof.laws import Laws, Number
from derive.proof.regime import regime
from derive.randomness import Family
from derive.setting import Setting


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


_SLOPES: tuple[Number, ...] = (0, Fraction(1, 5), -1)


def affine(value: Number, slope: Number) -> TinyActivation:
    """Return an affine activation of a concrete value and slope at zero."""
    parameters = ((AT_ZERO, value), (SLOPE_AT_ZERO, slope))
    return TinyActivation(f"f(t) = {value} + {slope} t", lambda t: value + slope * t, lambda t: slope, parameters)


AFFINE = (affine(Fraction(1, 2), Fraction(1, 4)), affine(-1, 2))
RECTIFIERS = tuple(map(leaky_relu, _SLOPES))


@dataclass(frozen=True)
class World:
    """A network of depth ``depth`` (layers 0..depth) with concrete widths n_0..n_{depth+1}, laws and activation.

    ``variances`` are those of the weights, a fraction a layer. What is not declared in the setting does not hold
    here (see `Laws`). ``degenerate`` is a family, and a layer of it, whose scalars are all zero though nothing
    declares it. ``number`` tells worlds apart: their opaque atoms have other values. ``declared`` is the setting that
    ``setting`` was cut out of.
    """

    setting: Setting
    depth: int
    widths: tuple[int, ...]
    variances: tuple[Fraction, ...]
    activation: TinyActivation
    degenerate: tuple[Family, int] | None = None
    number: int = 0
    declared: Setting | None = None

    def declares(self, kind: Kind, family: Family) -> bool:
        """Return True when the theorem's setting declares a property, whether this world grants it or not."""
        return (self.declared or self.setting).citing(kind, family) is not None

    def speaks_of(self, family: Family) -> bool:
        """Return True when an equation of the theorem's setting gives the shared variance of a family a meaning."""
        equations = (e for h in (self.declared or self.setting).hypotheses for e in h.equations)
        return any(v.family == family for e in equations for v in e.atoms(SharedVariance))

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
        one_coin = not self.setting.citing(Kind.ENTRIES_INDEPENDENT, W) and not self.laws.laid_down
        if family == W and one_coin and (family, layer) != self.degenerate:
            return self.nominal(W, 0) * self.laws.spread(W, layer) ** 2
        return self.nominal(family, layer)

    def nominal(self, family: Family, layer: int) -> Fraction:
        """Return the variance that is declared of a family in a layer, whether or not its laws can have it."""
        if self.setting.citing(Kind.ZERO, family) or (family, layer) == self.degenerate:
            return Fraction(0)
        if family == W:
            return self.variances[layer]
        if family == b and self.setting.citing(Kind.NEVER_ZERO):
            # No sum of products of the other values, whose denominators are others, cancels such a bias.
            return Fraction(1, _PRIMES[layer]) ** 2
        if family == b and self.number % 2 and self.setting.citing(Kind.SYMMETRIC, b):
            # No square, so that zero is among the values: nothing says that a pre-activation is never zero.
            return Fraction(120)
        # Other families get squares, two neighbours in the alphabet different ones.
        other = Fraction((2, 3, 5)[ord(family.name[0]) % 3]) ** 2
        return {x: Fraction(7), g: Fraction(2), b: Fraction(121)}.get(family, other)

    @cached_property
    def laws(self) -> Laws:
        """The laws of the drawn scalars."""
        return Laws(self.setting, self.depth, self.variance, self.number)

    def _degeneration(self) -> dict[str, str]:
        if self.degenerate is None or not self.laws.met(self.degenerate[0]):
            return {}
        return {"degenerate": "all {} are zero, layer {}".format(*self.degenerate)}

    def describe(self, read: frozenset[Hashable]) -> dict[str, Any]:
        """Return, in words and fractions, the widths, laws and activation that a statement reads, and nothing else."""
        widths = {f"n_{layer}": str(self.widths[layer]) for layer in sorted(k for k in read if isinstance(k, int))}
        return {
            **({"depth": self.depth} if "depth" in read else {}),
            **({"widths": widths} if widths else {}),
            **({"activation": self.activation.name} if "activation" in read else {}),
            **self._degeneration(),
            "laws": self.laws.describe(),
        }


_WIDTHS: dict[int, list[tuple[int, ...]]] = {
    0: [(1, 2), (2, 1), (2, 3)],
    1: [(1, 2, 3), (2, 3, 1), (3, 1, 2)],
    2: [(1, 2, 3, 1), (2, 3, 1, 2), (3, 1, 2, 3)],
}
_EQUAL = {0: (2, 2), 1: (2, 2, 1), 2: (1, 2, 2, 1)}
"""Neighbouring layers of equal width, for equations between widths."""
_GENERIC = tuple(map(Fraction, (9, 25, 49, 4, 121, 169)))
_PRIMES = (7, 11, 13, 17, 19, 23)
MAX_DEPTH = len(_GENERIC) - 1
"""How deep a world can be; statements about later layers only are not tried."""
_ANY_SLOPE: tuple[tuple[Symbol, Number], ...] = ((SLOPE, Fraction(3, 5)),)
_FEW: dict[int, list[tuple[int, ...]]] = {
    0: [(1, 2), (2, 1)],
    1: [(1, 2, 1), (2, 1, 2), (1, 1, 2)],
    2: [(1, 1, 2, 1), (1, 2, 1, 1)],
}
"""Shapes with few weights, for statements about all layers at once, where every unit tosses coins for its bias too."""


def wide_worlds(setting: Setting, units: int, declared: Setting | None = None) -> Iterator[World]:
    """Yield worlds with one layer of many units, for statements about a unit that small layers do not have."""
    for depth in _depths(setting)[:2]:
        for place in range(depth + 2):
            widths = tuple(units if layer == place else 1 for layer in range(depth + 2))
            number = 100 + place
            yield World(setting, depth, widths, _GENERIC[: depth + 1], ARBITRARY[1], number=number, declared=declared)


def tiny_worlds(
    setting: Setting, *, critical: bool = False, every: bool = False, declared: Setting | None = None
) -> Iterator[World]:
    """Yield tiny worlds in which the setting's layer facts can hold, the smallest first.

    ``critical`` adds worlds whose weight variances make ``n_i Var[W^i]`` or ``n_{i+1} Var[W^i]`` equal to 1, in all
    layers or in turn: equalities between variances hold there, so that implications between them are put to the test.
    ``every`` adds those with every such choice in every layer.
    """
    for number, world in enumerate(_worlds(setting, critical=critical, every=every)):
        yield replace(world, number=number, declared=declared)


def _worlds(setting: Setting, *, critical: bool, every: bool) -> Iterator[World]:
    homogeneous = setting.citing(Kind.HOMOGENEOUS) is not None
    laid_down = regime(setting.hypotheses).get(SharedVariance(W, i))
    activations: tuple[TinyActivation, ...] = ARBITRARY
    if setting.citing(Kind.LINEAR):
        activations = (LINEAR,)
    elif setting.citing(Kind.FIRST_ORDER):
        activations = AFFINE
    elif setting.citing(Kind.RECTIFIER):
        activations = RECTIFIERS[:1] if setting.citing(Kind.RELU) else RECTIFIERS
    # A slope that is spoken of and not the activation's has a value too.
    activations = tuple(a if a.parameters else replace(a, parameters=_ANY_SLOPE) for a in activations)
    for depth in _depths(setting):
        shapes = _shapes(depth, few=setting.citing(Kind.NEVER_ZERO) is not None)
        if critical or every:
            # With every choice of variances there are many worlds: then fewer shapes of the deepest.
            shapes = [*(shapes[:1] if every and depth > 1 else shapes), _EQUAL.get(depth, (1,) * (depth + 2))]
        if homogeneous:
            shapes = [(w,) * (depth + 2) for w in (1, 2)]
        for widths in sorted(shapes, key=sum):
            for activation in activations:
                parameters = dict(activation.parameters)
                choices = _variance_choices(widths, homogeneous=homogeneous, critical=critical, every=every)
                if laid_down is not None:
                    choices = iter([_laid_down(laid_down, widths, parameters)])
                elif critical:
                    choices = chain(choices, _rectified(widths, Fraction(parameters.get(SLOPE, 1))))
                for variances in choices:
                    yield World(setting, depth, widths, variances, activation)
        for family, layer in dict.fromkeys(((x, 0), (g, 0), (W, 0), (W, depth))):
            if not setting.citing(Kind.NONDEGENERATE, family) and not (family == W and laid_down is not None):
                variances = _GENERIC[: depth + 1]
                if laid_down is not None:
                    variances = _laid_down(laid_down, shapes[0], dict(activations[0].parameters))
                yield World(setting, depth, shapes[0], variances, activations[0], (family, layer))


def _depths(setting: Setting) -> list[int]:
    """Return the three smallest depths with a layer that the facts allow."""
    allowed = (
        depth
        for depth in range(MAX_DEPTH + 1)
        if any(setting.facts.hold_at({i: layer, d: depth}) for layer in range(depth + 1))
    )
    return list(islice(allowed, 3))


def _shapes(depth: int, *, few: bool) -> list[tuple[int, ...]]:
    """Return the widths to try: all different where that can be enumerated, thin ones in deep worlds."""
    if depth in _WIDTHS:
        return _FEW[depth] if few else _WIDTHS[depth]
    thin = (1,) * depth
    return [(1, 1, *thin), (2, 1, *thin), (1, 2, *thin)]


def _laid_down(variance: Expr, widths: tuple[int, ...], parameters: dict[Symbol, Number]) -> tuple[Fraction, ...]:
    """Return the weight variances that a hypothesis lays down as a formula in the widths."""
    values = {parameter: Rational(Fraction(v)) for parameter, v in parameters.items()}
    found = []
    for layer in range(len(widths) - 1):
        value = variance.xreplace(values).subs(i, layer).replace(Width, lambda k: Integer(widths[int(k)]))
        found.append(Fraction(int(value.p), int(value.q)))
    return tuple(found)


def _rectified(widths: tuple[int, ...], slope: Fraction) -> Iterator[tuple[Fraction, ...]]:
    """Yield the weight variances that keep the variance in a net of leaky ReLU, forward and backward."""
    share = (1 + slope**2) / 2
    for sizes in (widths[:-1], widths[1:]):
        yield tuple(1 / (share * size) for size in sizes)


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
