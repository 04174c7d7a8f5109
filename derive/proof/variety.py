"""Which tiny worlds are tried: the shapes, activation functions and variances that the setting leaves open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count, cycle, islice, permutations
from itertools import product as cartesian
from math import prod

from sympy import Basic, Eq, Expr, Integer, Product, Symbol, solve

from derive.averages import Bracket, SharedVariance
from derive.chances import Number
from derive.hypotheses import Kind
from derive.layers import d, i
from derive.network import Activation
from derive.proof.code import NotEvaluable
from derive.proof.knots import knots
from derive.proof.regime import regime
from derive.proof.scope import Scope, declared_in, extents_of, scope_of
from derive.proof.tiny_functions import ARBITRARY, TinyActivation, parameter_values, parameters_of, stated
from derive.proof.worlds import World
from derive.randomness import Family
from derive.setting import Setting

_SHAPES: dict[int, list[tuple[int, ...]]] = {
    0: [(1, 2), (2, 1), (2, 3)],
    1: [(1, 2, 3), (2, 3, 1), (3, 1, 2)],
    2: [(1, 2, 3, 1), (2, 3, 1, 2), (3, 1, 2, 3)],
}
_EQUAL = {0: (2, 2), 1: (2, 2, 1), 2: (1, 2, 2, 1)}
"""Neighbouring layers of equal size, for equations between sizes."""
_FEW: dict[int, list[tuple[int, ...]]] = {
    0: [(1, 2), (2, 1)],
    1: [(1, 2, 1), (2, 1, 2), (1, 1, 2)],
    2: [(1, 1, 2, 1), (1, 2, 1, 1)],
}
"""Shapes with few scalars, for statements about all layers at once, where every unit tosses a coin of its own too."""
_LARGEST = 3
MAX_DEPTH = 5
"""How deep a world can be; statements about later layers only are not tried."""
Sizes = dict[Expr, int]
Values = dict[Basic, Number]


@dataclass(frozen=True)
class Variety:
    """What worlds of one setting have in common, and the choices that it leaves open."""

    setting: Setting
    scope: Scope
    critical: tuple[tuple[SharedVariance, Expr], ...] | None
    every: bool
    declared: Setting | None

    @property
    def _many(self) -> bool:
        return self.critical is not None or self.every

    def worlds(self) -> Iterator[World]:
        """Yield the worlds; each that can have a knot once more with one: they take turns."""
        return tied(self._untied(), self.setting, self.scope.drawn)

    def _untied(self) -> Iterator[World]:
        """Yield each shape with each activation and each choice of variances; then degenerate ones."""
        numbers = count()
        for depth in depths(self.setting):
            shapes = list(self.shapes(depth))
            for sizes in sorted(shapes, key=lambda s: sum(s.values())):
                for activation, values in self.activations():
                    plain = self._world(sizes, {d: depth, **values}, activation)
                    for variances in self.variances(plain, depth):
                        yield self._numbered(replace(plain, values={**plain.values, **variances}), next(numbers))
            activation, values = next(self.activations())
            for family, layer in self._degenerate(depth):
                plain = self._world(shapes[0], {d: depth, **values}, activation)
                yield self._numbered(replace(plain, special={(family, layer): Kind.ZERO}), next(numbers))

    def _world(self, sizes: Sizes, values: Values, activation: TinyActivation | None) -> World:
        functions: dict[type, TinyActivation] = {} if activation is None else {Activation: activation}
        return World(self.setting, sizes, values, functions, declared=self.declared, drawn=self.scope.drawn)

    def _numbered(self, world: World, number: int) -> World:
        """Return the world with a number, and with the numbers that its values are there."""
        world = replace(world, number=number)
        formulas = {v: e for v, e in world.values.items() if isinstance(e, Basic)}
        if not formulas:
            return world
        plain = replace(world, values={v: e for v, e in world.values.items() if v not in formulas})
        found: Values = {}
        for shared, formula in formulas.items():
            try:
                value = plain.number_of(formula)
            except NotEvaluable:
                continue
            if value > 0:
                found[shared] = value
        return replace(plain, values={**plain.values, **found})

    def shapes(self, depth: int) -> Iterator[Sizes]:
        """Yield sizes for all that has one: all different where that can be enumerated."""
        few = any(p.kind == Kind.NEVER_ZERO for h in self.setting.hypotheses for p in h.properties)
        shapes = layer_shapes(depth, few=few)
        if self._many:
            # With every choice of variances there are many worlds: then fewer shapes of the deepest.
            shapes = [*(shapes[:1] if self.every and depth > 1 else shapes), _EQUAL.get(depth, (1,) * (depth + 2))]
        steady = [n for n in self.scope.layered if n in regime(self.setting.hypotheses).steady]
        if steady:
            shapes = [(size,) * (depth + 2) for size in (1, 2)]
        plain = self._plain(depth)
        for turn, shape in enumerate(shapes):
            sizes: Sizes = {}
            for k, n in enumerate(self.scope.layered):
                # Sizes of another kind are other ones.
                moved = tuple((size + k - 1) % _LARGEST + 1 for size in shape) if n not in steady else shape
                sizes |= {n(layer): size for layer, size in enumerate(moved)}
            sizes |= {n: k for n, k in regime(self.setting.hypotheses).sizes.items() if n in sizes}
            yield sizes | plain[(turn + depth) % len(plain)]

    def _plain(self, depth: int) -> list[Sizes]:
        """Return sizes for the symbols, all different where facts and equations between them allow it."""
        symbols = self.scope.plain
        most = max(_LARGEST, len(symbols))
        found = self._fitting(symbols, most, depth) or self._fitting(symbols, 2 * most, depth)
        different = [at for at in found if len({*at.values()}) == len(at)]
        return different or found or [dict.fromkeys(symbols, 1)]

    def _fitting(self, symbols: tuple[Symbol, ...], most: int, depth: int) -> list[Sizes]:
        """Return the sizes up to a largest one that the facts and the equations allow, and that make whole ones."""
        tried = [*permutations(range(1, most + 1), len(symbols)), *cartesian(range(1, most + 1), repeat=len(symbols))]
        equations = [e for h in self.setting.hypotheses for e in h.equations if e.free_symbols <= {*symbols}]
        found = []
        for sizes in dict.fromkeys(tried):
            at = dict(zip(symbols, sizes, strict=True))
            exact = {s: Integer(k) for s, k in at.items()}
            if not all(size.subs(exact).is_integer for size in self.scope.composed):
                continue
            if self.setting.facts.allow({**at, d: depth}) and all(e.subs(exact) == True for e in equations if symbols):  # noqa: E712
                found.append(at)
        return found

    def activations(self) -> Iterator[tuple[TinyActivation | None, Values]]:
        """Yield what f can be, with the values of its parameters: several functions, or what an equation says."""
        fixed = regime(self.setting.hypotheses)
        if Activation not in fixed.functions:
            for activation in ARBITRARY:
                yield activation, {}
            return
        argument, formula = fixed.functions[Activation]
        known = {
            s: Fraction(int(v.p), int(v.q)) for s, v in fixed.values.items() if isinstance(s, Symbol) and v.is_Rational
        }
        for values in parameter_values(parameters_of(argument, formula), known):
            yield stated(argument, formula, values), dict(values)

    def variances(self, world: World, depth: int) -> Iterator[Mapping[Basic, Number | Expr]]:
        """Yield shared variances: those that no other has, and where wanted those that make a product with sizes 1."""
        yield {}
        fixed = regime(self.setting.hypotheses)
        families = [f for f in self.scope.drawn if len(extents_of(f, 0)) > 1 and not world.laid_down(f)]
        if not self._many or not families:
            return
        sides = sorted({side for f in families for side in range(len(extents_of(f, 0)))}, reverse=True)
        layers = range(1 if all(f in fixed.steady for f in families) else depth + 1)
        if self.every:
            choices: Iterator[tuple[int | None, ...]] = cartesian((None, *sides), repeat=len(layers))
            patterns = [c for c in choices if any(side is not None for side in c)]
        else:
            both = (sides[0], sides[-1])
            patterns = [tuple(both[(p, q)[m % 2]] for m in layers) for p, q in cartesian((0, 1), repeat=2)]
        shares = [1, *(() if self.every else dict.fromkeys(s for s in _shares(world) if s != 1))]
        for pattern, share in dict.fromkeys((p, s) for s in shares for p in patterns if s == 1 or len({*p}) == 1):
            yield {
                _shared(f, m): 1 / (share * Fraction(_without(world, f, m, side)))
                for f in families
                for m, side in zip(layers, pattern, strict=True)
                if side is not None and _has_layer(world, f, m)
            }
        for shared, formula in self.critical or ():
            if shared.family in families:
                at = [(dict.fromkeys(shared.layer, m), m) for m in layers]
                yield {_shared(shared.family, m): formula.subs(where) for where, m in at}

    def _degenerate(self, depth: int) -> Iterator[tuple[Family, int]]:
        """Yield the families, and layers of them, whose scalars may all be zero though nothing declares it."""
        for family in self.scope.drawn:
            said = self.setting.said_of(family)
            free = not any(k == Kind.NONDEGENERATE or k.law is not None for k in said)
            if free and regime(self.setting.hypotheses).shared(family) is None:
                layers = (0, depth) if family.layered and len(extents_of(family, 0)) > 1 else (0,)
                yield from dict.fromkeys((family, layer) for layer in layers)


def tiny_worlds(
    setting: Setting,
    *,
    critical: bool = False,
    every: bool = False,
    declared: Setting | None = None,
    about: tuple[Basic, ...] = (),
) -> Iterator[World]:
    """Yield tiny worlds in which the setting's facts can hold, the smallest first.

    They have what the setting and the expressions ``about`` speak of. ``critical`` adds worlds whose shared variances
    times sizes of the family's indices are 1, in all layers or in turn, and those that equations among the expressions
    are solved for: equalities between variances hold there, so that implications between them are put to the test.
    ``every`` adds those with every such choice in every layer.
    """
    scope = scope_of(*declared_in(declared or setting), *about)
    equations = critical_variances(about) if critical else None
    return Variety(setting, scope, equations, every, declared).worlds()


def wide_worlds(
    setting: Setting, units: int, *, declared: Setting | None = None, about: tuple[Basic, ...] = ()
) -> Iterator[World]:
    """Yield worlds with one size of many units, for statements about a unit that small sizes do not have."""
    scope = scope_of(*declared_in(declared or setting), *about)
    return tied(_wide(setting, units, declared, scope), setting, scope.drawn)


def _wide(setting: Setting, units: int, declared: Setting | None, scope: Scope) -> Iterator[World]:
    stated_by = Activation in regime(setting.hypotheses).functions
    activation, given = next(Variety(setting, scope, None, every=False, declared=declared).activations())
    numbers = count(100)
    for depth in depths(setting)[:2]:
        names = [*(n(layer) for n in scope.layered for layer in range(depth + 2)), *scope.plain]
        for wide in names:
            sizes = {name: units if name == wide else 1 for name in names}
            functions: dict[type, TinyActivation] = {Activation: ARBITRARY[1]}
            if stated_by and activation is not None:
                functions = {Activation: activation}
            values = {d: depth, **given}
            yield World(setting, sizes, values, functions, next(numbers), declared=declared, drawn=scope.drawn)


def tied(worlds: Iterator[World], setting: Setting, families: tuple[Family, ...]) -> Iterator[World]:
    """Yield worlds, each once more with a knot where the setting leaves one open."""
    turns = cycle(knots(setting, families))
    for world in worlds:
        yield world
        knot = next(turns, None)
        if knot is not None:
            yield replace(world, knot=knot)


def depths(setting: Setting) -> list[int]:
    """Return the three smallest last layers with a layer that the facts allow."""
    allowed = (
        depth
        for depth in range(MAX_DEPTH + 1)
        if any(setting.facts.allow({i: layer, d: depth}) for layer in range(depth + 1))
    )
    return list(islice(allowed, 3))


def layer_shapes(depth: int, *, few: bool) -> list[tuple[int, ...]]:
    """Return the sizes to try: all different where that can be enumerated, thin ones in deep worlds."""
    if depth in _SHAPES:
        return _FEW[depth] if few else _SHAPES[depth]
    thin = (1,) * depth
    return [(1, 1, *thin), (2, 1, *thin), (1, 2, *thin)]


def critical_variances(statement: tuple[Basic, ...]) -> tuple[tuple[SharedVariance, Expr], ...]:
    """Return what a statement's equations between sizes, symbols and one shared variance make of that.

    Of a product over layers, it is what makes each factor 1.
    """
    equations = {e for side in statement for e in side.atoms(Eq)}
    gaps = {e.lhs - e.rhs for e in equations if not e.atoms(Bracket, Product)}
    gaps |= {p.function - 1 for e in equations for p in e.atoms(Product)}
    found: list[tuple[SharedVariance, Expr]] = []
    for gap in sorted(gaps, key=str):
        shared = gap.atoms(SharedVariance)
        if len(shared) == 1:
            (variance,) = shared
            found += [(variance, s) for s in solve(gap, variance) if isinstance(s, Expr) and not s.has(variance)]
    return tuple(dict.fromkeys(_at_its_symbol(*pair) for pair in found))


def _at_its_symbol(variance: SharedVariance, formula: Expr) -> tuple[SharedVariance, Expr]:
    """Return a formula for Var[W^{i+1}] as one for Var[W^i]."""
    for layer in variance.layer:
        for index in layer.free_symbols:
            behind = index - (layer - index)
            return SharedVariance(variance.family, layer.subs(index, behind)), formula.subs(index, behind)
    return variance, formula


def _shared(family: Family, layer: int) -> SharedVariance:
    return SharedVariance(family, layer) if family.layered else SharedVariance(family)


def _has_layer(world: World, family: Family, layer: int) -> bool:
    try:
        return bool(world.units(family, layer))
    except NotEvaluable:
        return False


def _without(world: World, family: Family, layer: int, side: int) -> int:
    """Return how many scalars of a family meet at one unit of one of its indices."""
    sizes = world.units(family, layer)
    return prod(size for k, size in enumerate(sizes) if k != side or side >= len(sizes))


def _shares(world: World) -> Iterator[Fraction]:
    """Yield the share of the mean square that the activation function keeps, where it keeps one."""
    f = world.functions.get(Activation)
    if f is not None:
        above, below = Fraction(f.function(1)), Fraction(f.function(-1))
        yield (above**2 + below**2) / 2
