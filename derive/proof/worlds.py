"""Tiny worlds: sizes, values, functions, and finite laws that have the declared properties and no others.

In a world every outcome can be enumerated and every expectation is an exact fraction, so an equality that is wrong
by an index, a term or a hypothesis is refuted by a number that a person can recompute.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product as cartesian
from typing import Any

from sympy import Add, Basic, Expr, Function, Integer, Rational, Symbol

from derive.averages import SharedVariance
from derive.chances import Index, Number, whole
from derive.hypotheses import Kind
from derive.layers import d
from derive.proof.atoms import opaque
from derive.proof.code import Nonexistent, NotEvaluable
from derive.proof.knots import Knot
from derive.proof.laws import Laws
from derive.proof.regime import Regime, is_size, regime
from derive.proof.scope import declared_in, extents_of, scope_of
from derive.proof.tiny_functions import TinyActivation
from derive.randomness import Entry, Family
from derive.setting import Setting

_PRIMES = (3, 5, 7, 2, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)
_UNCOMMON = (53, 59, 61, 67, 71, 73)
_MOST_TRIED = 50


@dataclass(frozen=True, eq=False)
class World:
    """Families with concrete sizes, values and functions; what the setting does not declare does not hold here.

    ``sizes`` gives a positive whole number to every size of an index: a symbol, or n(0), n(1), and so on.
    ``values`` gives numbers to symbols and to shared variances; the last layer d is a symbol like any other. What has
    none there gets a value of its own, which respects its sign and the inequalities of hypotheses. ``functions`` says
    what f is. ``special`` are properties that the scalars of a family in one layer have though nothing declares them.
    ``number`` tells worlds apart: their laws and opaque atoms have other values. ``declared`` is the setting that
    ``setting`` was cut out of, and ``drawn`` are the families that are spoken of. Those of
    the ``knot`` are independent in pairs here and not together.
    """

    setting: Setting
    sizes: Mapping[Expr, int]
    values: Mapping[Basic, Number] = field(default_factory=dict)
    functions: Mapping[type, TinyActivation] = field(default_factory=dict)
    number: int = 0
    special: Mapping[tuple[Family, int], Kind] = field(default_factory=dict)
    declared: Setting | None = None
    drawn: tuple[Family, ...] = ()
    knot: Knot = ()

    @property
    def layers(self) -> range:
        """The layers that there are: from 0 to d."""
        return range(int(self.values.get(d, 0)) + 1)

    @property
    def extent(self) -> tuple[int, int, int]:
        """How large a world is: its sizes first, then its layers; and whether something special holds there."""
        return (sum(self.sizes.values()), len(self.layers), len(self.special))

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes alone."""
        return tuple(size for _, size in self._named_sizes.values())

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """The drawn families that are spoken of, here or in the hypotheses, by name."""
        return self.drawn or scope_of(*declared_in(self.setting)).drawn

    @cached_property
    def laws(self) -> Laws:
        """The laws of the drawn scalars."""
        return Laws(self)

    def declares(self, kind: Kind, family: Family) -> bool:
        """Return True when the theorem's setting declares a property, whether this world grants it or not."""
        return (self.declared or self.setting).citing(kind, family) is not None

    def speaks_of(self, family: Family) -> bool:
        """Return True when an equation of the theorem's setting gives the shared variance of a family a meaning."""
        equations = (e for h in (self.declared or self.setting).hypotheses for e in h.equations)
        return any(v.family == family for e in equations for v in e.atoms(SharedVariance))

    def size(self, e: Expr) -> int:
        """Return the size of a concrete layer, or raise `Nonexistent`."""
        if e not in self.sizes:
            raise Nonexistent(f"there is no layer {e.args[0]} in a world of layers 0 to {self.layers[-1]}")
        return self.sizes[e]

    def units(self, family: Family, layer: int) -> tuple[int, ...]:
        """Return how many values each unit index of a family has in a layer."""
        if (family, layer) not in self._units:
            sizes = [self.sizes.get(e) or self.number_of(e) for e in extents_of(family, layer, self.layers[-1])]
            self._units[family, layer] = tuple(map(int, sizes))
        return self._units[family, layer]

    @cached_property
    def _units(self) -> dict[tuple[Family, int], tuple[int, ...]]:
        return {}

    def indices(self, family: Family) -> list[Index]:
        """Return all indices of a family's scalars."""
        found: list[Index] = []
        for layer in self.layers if family.layered else [0]:
            try:
                ranges = [range(1, size + 1) for size in self.units(family, layer)]
            except NotEvaluable:
                continue
            found += [(*((layer,) if family.layered else ()), *units) for units in cartesian(*ranges)]
        return found

    def number_of(self, e: Expr | int) -> Number:
        """Return the number that an expression in sizes and symbols stands for."""
        if isinstance(e, int) or e.is_Integer:
            return int(e)
        known = e.xreplace({s: _exact(self.symbol(s)) for s in e.free_symbols})
        known = known.xreplace({s: Integer(self.size(s)) for s in known.atoms(Function) if is_size(s)})
        shared = {v: _exact(self.meant(v.family, *map(int, v.layer or (0,)))) for v in known.atoms(SharedVariance)}
        value = known.xreplace(shared)
        if not isinstance(value, Rational):
            raise NotEvaluable(f"{e} is no fraction here")
        return whole(Fraction(int(value.p), int(value.q)))

    def symbol(self, symbol: Symbol) -> Number:
        """Return the number that a symbol stands for."""
        if symbol in self.sizes:
            return self.sizes[symbol]
        if symbol in self.values:
            return self.values[symbol]
        laid_down = self.regime.values.get(symbol)
        return self.number_of(laid_down) if laid_down is not None else self.free(symbol)

    def free(self, symbol: Symbol) -> Number:
        """Return a value of its own for a symbol, within its sign and the inequalities that hypotheses state of it."""
        bounds = [b for h in self.setting.hypotheses for b in h.bounds if b.free_symbols == {symbol}]
        value = opaque(self.number, symbol.name, like=symbol)
        for attempt in range(_MOST_TRIED):
            below_one = Fraction(value) / (1 + abs(Fraction(value)))
            for tried in (value,) if symbol.is_integer else (value, below_one):
                if all(b.subs(symbol, _exact(tried)) == True for b in bounds):  # noqa: E712 - SymPy's true
                    return whole(Fraction(tried))
            value = opaque(self.number, symbol.name, attempt, like=symbol)
        raise NotEvaluable(f"no value of {symbol} satisfies what the hypotheses state")

    def is_zero(self, family: Family, layer: int) -> bool:
        """Return True when all scalars of a family in a layer are zero here."""
        return self.special.get((family, layer)) == Kind.ZERO or self.setting.citing(Kind.ZERO, family) is not None

    def variance(self, family: Family, layer: int) -> Number:
        """Return the variance that is meant for a family in a layer, whether or not its laws can have it."""
        return 0 if self.is_zero(family, layer) else self.meant(family, layer)

    def meant(self, family: Family, layer: int) -> Number:
        """Return the variance of a family in a layer where its scalars are not zero."""
        if (family, layer) not in self._meant:
            self._meant[family, layer] = self._variance(family, layer)
        return self._meant[family, layer]

    @cached_property
    def _meant(self) -> dict[tuple[Family, int], Number]:
        return {}

    @cached_property
    def regime(self) -> Regime:
        """What the equations of hypotheses fix."""
        return regime(self.setting.hypotheses)

    def laid_down(self, family: Family) -> bool:
        """Return True when an equation lays down the variance of a family in each layer."""
        return self.regime.shared(family) is not None

    def _variance(self, family: Family, layer: int) -> Number:
        fixed = self.regime
        shared = fixed.shared(family)
        if shared is not None:
            formula = fixed.values[shared]
            value = self.number_of(formula.subs(shared.layer[0], layer) if shared.layer else formula)
            if value <= 0:
                raise NotEvaluable(f"{shared} is not positive here")
            return value
        layer = 0 if family in fixed.steady else layer
        named = SharedVariance(family, layer) if family.layered else SharedVariance(family)
        return self.values[named] if named in self.values else self._own_variance(family, layer)

    def _own_variance(self, family: Family, layer: int) -> Number:
        """Return a variance that is no other's: a prime, or its square where symmetric laws of two values have it."""
        if self._apart(family):
            # No sum of products of the other values, whose denominators are others, cancels such a scalar.
            return Fraction(1, _UNCOMMON[layer % len(_UNCOMMON)]) ** 2
        rank = self.families.index(family) if family in self.families else len(self.families)
        prime = _PRIMES[(layer + 3 * rank) % len(_PRIMES)]
        if not self.setting.citing(Kind.SYMMETRIC, family):
            return prime
        square = prime**2
        if len(extents_of(family, 0)) <= 1 and self.number % 2:
            # No square, so that zero is among the values: nothing says that what it is added to is never zero.
            return square - 1
        return square

    def _apart(self, family: Family) -> bool:
        """Return True for a family whose scalars are added to what is never exactly zero."""
        never = [p.family for h in self.setting.hypotheses for p in h.properties if p.kind == Kind.NEVER_ZERO]
        return any(f is not None and family in added_to(f) for f in never)

    def describe(self, read: frozenset[Hashable]) -> dict[str, Any]:
        """Return, in words and fractions, the sizes, laws and functions that a statement reads, and nothing else."""
        functions = [a.name for f, a in self.functions.items() if f in read]
        layered = {e for e in read if isinstance(e, Function)}
        widths = {name: str(size) for e, (name, size) in self._named_sizes.items() if e in read and e in layered}
        plain = {name: str(size) for e, (name, size) in self._named_sizes.items() if e in read and e not in layered}
        return {
            **({"depth": self.layers[-1]} if d in read else {}),
            **({"widths": widths} if widths else {}),
            **({"sizes": plain} if plain else {}),
            **({"activation": ", ".join(functions)} if functions else {}),
            **self._degeneration(),
            "laws": self.laws.describe(),
        }

    @property
    def sizes_in_words(self) -> dict[str, str]:
        """All sizes, by name."""
        return {name: str(size) for name, size in self._named_sizes.values()}

    @cached_property
    def _named_sizes(self) -> dict[Expr, tuple[str, int]]:
        names = {e: str(e) if isinstance(e, Symbol) else f"{_head(e)}_{e.args[0]}" for e in self.sizes}
        return {e: (names[e], self.sizes[e]) for e in sorted(self.sizes, key=names.__getitem__)}

    def _degeneration(self) -> dict[str, str]:
        met = [key for key in self.special if self.laws.met(key[0])]
        return {"degenerate": "; ".join(f"all {f} are zero, layer {layer}" for f, layer in met)} if met else {}


def added_to(family: Family) -> set[Family]:
    """Return the drawn families whose scalars are terms of a family's definition."""
    if family.definition is None:
        return set()
    indices = [Integer(1)] * (len(family.extents(Integer(0))) + family.layered)
    terms = Add.make_args(family.definition(*indices))
    return {t.family for t in terms if isinstance(t, Entry) and t.family.source is not None}


def _head(e: Expr) -> str:
    """Return the name of the function that gives the size of a layer: n for n_0."""
    return str(e).partition("_")[0].partition("(")[0]


def _exact(value: Number) -> Expr:
    return Rational(value.numerator, value.denominator)
