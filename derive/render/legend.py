"""The legend of a derivation: every symbol that occurs, in order of first use, and what each average is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sympy import (
    Basic,
    DiracDelta,
    Eq,
    Expr,
    Heaviside,
    Integer,
    KroneckerDelta,
    Symbol,
    digamma,
    polygamma,
    preorder_traversal,
)

from derive.averages import SharedVariance
from derive.cost import CostFunction
from derive.layers import d, i
from derive.network import Activation, ActivationSlope, Cost, Partial, Width, f, g, n, s, slope
from derive.randomness import Entry, Family
from derive.render.outline import Outline, expressions_of
from derive.words import Words

_K = Symbol("k", integer=True)
_S = Symbol("s", real=True)
_U = Symbol("u", real=True)


@dataclass(frozen=True)
class Item:
    """One line of the legend: the symbol, what it means, its definition if it has one, and what its units run to."""

    symbols: tuple[Basic, ...]
    meaning: Words
    definitions: tuple[Basic, ...] = ()
    ranges: tuple[tuple[Basic, Basic], ...] = ()


def legend(outline: Outline) -> list[Item]:
    """Return the symbols that occur in a derivation, each once, in order of first use."""
    own = {symbol: words for section in outline.sections for symbol, words in section.derivation.symbols}
    return Legend(own).read(_reading(outline)).items()


def _reading(outline: Outline) -> Iterator[Basic]:
    """Yield all expressions of the outline, in the order in which they are read."""
    yield from expressions_of(outline.derivation)
    for assumption in outline.assumptions:
        yield from assumption.hypothesis.text.objects
    for section in outline.sections[1:]:
        yield from expressions_of(section.derivation)


class Legend:
    """Collects what has to be introduced: layers first, since every other symbol carries one."""

    def __init__(self, own: dict[Basic, Words] | None = None) -> None:
        self._own = own or {}
        self._layers: dict[Symbol, None] = {}
        self._units: dict[Symbol, None] = {}
        self._items: dict[object, Item] = {}
        self._open: set[Family] = set()

    def read(self, expressions: Iterable[Basic]) -> Legend:
        """Take in expressions; return the legend itself."""
        for expression in expressions:
            for node in preorder_traversal(expression):
                self._take(node)
        return self

    def items(self) -> list[Item]:
        """Return the lines of the legend: indices and widths first, since the other symbols carry them."""
        lines = []
        layers = sorted(self._layers.keys() - {d}, key=lambda e: (len(e.name), e.name))
        if layers:
            lines.append(Item(tuple(layers), Words("a layer, one of 0 to {}", d)))
        elif d in self._layers:
            lines.append(Item((d,), Words("the last layer; the layers are 0 to {}", d)))
        if self._units:
            units = sorted(self._units, key=lambda u: u.name)
            lines.append(Item(tuple(units), Words("units of a layer" if len(units) > 1 else "a unit of a layer")))
        lines += [self._items[Width]] if Width in self._items else []
        return lines + [item for key, item in self._items.items() if key is not Width]

    def _take(self, node: Basic) -> None:
        if node in self._own:
            self.read(self._own[node].objects)
            self._put(node, (node,), self._own[node])
        elif isinstance(node, Entry):
            self._note_indices(node.layer, node.units)
            self._family(node.family)
        elif isinstance(node, SharedVariance):
            self._family(node.family)
            self._shared(node.family)
        elif isinstance(node, Width):
            self._note_indices(node.args[0], ())
            self._put(Width, (n(i),), Words("the size of layer {}", i))
        elif isinstance(node, Activation):
            self._put(Activation, (f(_S),), Words("the activation function"))
        elif isinstance(node, ActivationSlope):
            self._put(ActivationSlope, (slope(_S),), Words("the slope of the activation function, its derivative"))
        elif isinstance(node, Partial):
            if isinstance(node.target, CostFunction):
                cost = node.target
                output = cost.output_at(*generic(cost.output).units)
                self.read((output,))
                last = f"the last {cost.output.singular.removeprefix('the ')}s {{}}" if cost.output.singular else "{}"
                self._put(cost, (cost,), Words(f"the cost, which depends on {last}", output))
        elif type(node).__name__ == "Phi":
            self._put("Phi", (node.func(_U),), Words("the standard normal distribution function"))
        elif type(node).__name__ == "NormalDensity":
            self._put("NormalDensity", (node.func(_U),), Words("the standard normal density"))
        elif isinstance(node, polygamma):
            words = "the derivative of the logarithm of the gamma function (digamma), with primes its own derivatives"
            self._put(polygamma, (digamma(_U),), Words(words))
        elif isinstance(node, Heaviside):
            self._put(
                Heaviside, (Heaviside(_U),), Words("the unit step: 1 where {} is positive, 0 where it is negative", _U)
            )
        elif isinstance(node, DiracDelta):
            self._put(DiracDelta, (DiracDelta(_U),), Words("Dirac's delta: a unit of mass where {} is zero", _U))
        elif isinstance(node, KroneckerDelta):
            j, k = node.args[:2]
            self._put(
                KroneckerDelta, (KroneckerDelta(j, k),), Words("1 where {}, and 0 elsewhere", Eq(j, k, evaluate=False))
            )

    def _put(self, key: object, symbols: tuple[Basic, ...], meaning: Words) -> None:
        self._items.setdefault(key, Item(symbols, meaning))

    def _note_indices(self, layer: Expr | None, units: Iterable[Expr]) -> None:
        if layer is not None:
            self._layers |= dict.fromkeys(sorted(layer.free_symbols, key=str))
        self._units |= {u: None for u in units if isinstance(u, Symbol)}

    def _family(self, family: Family) -> None:
        if family in self._items or family in self._open:
            return
        self._open.add(family)
        given = family == g
        entry = Partial(Cost, s(d, _K)) if given else generic(family)
        definitions = definitions_of(family)
        # What the definition and the ranges mention is introduced first.
        self.read((*definitions, *family.extents(i), *((entry,) if given else ())))
        self._note_indices(*((d, (_K,)) if given else (entry.layer, entry.units)))
        meaning = family.meaning if isinstance(family.meaning, Words) else Words(family.meaning)
        ranges = tuple(zip((_K,) if given else entry.units, family.extents(i), strict=True))
        self._items[family] = Item((entry,), meaning, definitions, ranges)

    def _shared(self, family: Family) -> None:
        layer = (i,) if family.layered else ()
        one = Partial(Cost, s(d, _K)) if family == g else generic(family)
        self._put(
            ("shared", family),
            (SharedVariance(family, *layer),),
            Words(f"the variance of every {{}}, over {family.source}", one),
        )


_OF_AXIS = {"sample": "t", "unit": "k", "channel": "k", "row": "p", "column": "q"}
"""The customary index on an axis of a signal."""


def generic(family: Family) -> Entry:
    """Return the scalar of a family at layer i and at units k (or l, k; or a sample, a channel and a position)."""
    count = len(family.extents(Integer(0)))
    axes = [_OF_AXIS.get(axis.name, "") for axis in getattr(family.extents, "axes", ())]
    if not all(axes) or len(axes) != count or len({*axes}) != count:
        axes = [*"ljmpq"[: count - 1], *"k"[:count]]
    units = (Symbol(name, integer=True) for name in axes)
    return family(*((i,) if family.layered else ()), *units)


def definitions_of(family: Family) -> tuple[Basic, ...]:
    """Return the equations that define a family's scalars, the first layer apart where it differs."""
    if family.definition is None:
        return ()
    one = generic(family)
    entries = (one,) if family.start is None else (family(i + 1, *one.units), family(0, *one.units))
    return tuple(Eq(e, e.definition, evaluate=False) for e in entries)
