"""Definitions as programs of array operations: the third reading of what a block says once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from sympy import Add, Dummy, Expr, Integer, Mul, Piecewise, Sum, Symbol, lambdify, sympify

from derive.activations import s as argument
from derive.errors import InputError
from derive.randomness import Entry
from numerics.arrays.contractions import Labels
from numerics.arrays.gathers import Gather, grid, parts
from numerics.arrays.integers import integers, truth
from numerics.arrays.operations import (
    Apply,
    ApplyMany,
    Constant,
    Contraction,
    Join,
    LinearSum,
    Operation,
    Read,
    Spread,
    Total,
)
from numerics.arrays.steps import Compiled, Key, Step
from numerics.arrays.structure import (
    Bound,
    Domain,
    atoms_of,
    check,
    entries,
    is_number,
    restricted,
    runs_through,
    split,
)


@dataclass(frozen=True)
class _Value:
    register: int
    labels: Labels


class Compiler:
    """Turns definitions into steps; ``values`` are for symbols and sizes, ``functions`` make f(s) an expression."""

    def __init__(
        self, values: Mapping[Expr, Any] | None = None, functions: Mapping[Any, Callable[[Expr], Expr]] | None = None
    ) -> None:
        self._values = {sympify(symbol): sympify(value) for symbol, value in (values or {}).items()}
        self._functions = dict(functions or {})
        self.made = Compiled()
        self._sizes: dict[Symbol, int] = {}

    # ---- families

    def add(self, wanted: Key) -> None:
        """Add the steps that compute a family, and all that it needs."""
        waiting, definitions = [wanted], {}
        while waiting:
            key = waiting[-1]
            if key in self.made.families:
                waiting.pop()
            elif key[0].definition is None:
                self._draw(key)
            elif key not in definitions:
                definitions[key] = self._definition(key)
                for entry in entries(definitions[key][1]):
                    needed = self._key(entry)
                    if needed in definitions and needed not in self.made.families:
                        raise InputError(f"{key[0].name} is defined by itself, through {needed[0].name}")
                    waiting.append(needed)
            else:
                self._compute(key, *definitions[key])

    def _key(self, entry: Entry) -> Key:
        if not entry.family.layered:
            return entry.family, None
        layer = entry.indices[0]
        if not layer.is_Integer:
            raise InputError(f"the layer of {entry} must be a number")
        return entry.family, int(layer)

    def _shape(self, key: Key) -> tuple[int, ...]:
        if key not in self.made.shapes:
            sizes = [
                self._with_values(sympify(size)) for size in key[0].extents(Integer(0 if key[1] is None else key[1]))
            ]
            for size in sizes:
                if not (size.is_Integer and size.is_positive):
                    raise InputError(f"the sizes of {key[0].name} must be positive integers, got {size}")
            self.made.shapes[key] = tuple(map(int, sizes))
        return self.made.shapes[key]

    def _draw(self, key: Key) -> None:
        self._shape(key)
        self.made.drawn.append(key)
        self.made.families[key] = self._register()

    def _definition(self, key: Key) -> tuple[Labels, Expr]:
        family, layer = key
        indices = tuple(Symbol(f"k{place}", integer=True, positive=True) for place in range(len(self._shape(key))))
        where = indices if layer is None else (Integer(layer), *indices)
        return indices, self._with_values(sympify(family.defined(*where)))

    def _with_values(self, e: Expr) -> Expr:
        for function, expression in self._functions.items():
            e = e.replace(function, expression)
        return e.xreplace(self._values)

    def _compute(self, key: Key, indices: Labels, definition: Expr) -> None:
        shape = self._shape(key)
        domain: Domain = {}
        for index, size in zip(indices, shape, strict=True):
            definition = split(definition, index, size, domain)
        sizes = tuple(len(values) for values in domain.values())
        value = self._expression(definition, domain, ())
        spread = Spread(value.labels, tuple(domain), sizes, shape, indices)
        self.made.families[key] = self._step(spread, value).register

    # ---- steps

    def _register(self) -> int:
        self.made.registers += 1
        return self.made.registers - 1

    def _step(self, operation: Operation, *inputs: _Value) -> _Value:
        output = self._register()
        self.made.steps.append(Step(operation, tuple(value.register for value in inputs), output))
        return _Value(output, operation.labels)

    # ---- expressions

    def _expression(self, e: Expr, domain: Domain, bounds: Sequence[Bound]) -> _Value:
        """Return the value of an expression at all values of its index symbols."""
        atoms = atoms_of(e)
        if not atoms:
            return self._constant(e, domain)
        if isinstance(e, Entry):
            return self._read(e, domain, bounds)[0]
        if isinstance(e, Sum):
            return self._sum(e, domain, bounds)
        if isinstance(e, Piecewise) and not any(atoms_of(condition) for _, condition in e.args):
            return self._pieces(e, domain, bounds)
        if isinstance(e, Mul) and all(part == atoms[0] or is_number(part) for part in e.args):
            return self._product(e, domain, bounds, ())
        if len(atoms) == 1 and not (e.xreplace({atoms[0]: argument}).free_symbols - {argument}):
            inner = self._expression(atoms[0], domain, bounds)
            return self._step(Apply(inner.labels, e.xreplace({atoms[0]: argument}), argument), inner)
        if isinstance(e, Add):
            return self._linear(e, domain, bounds)
        if isinstance(e, Mul):
            return self._product(e, domain, bounds, ())
        return self._function(e, atoms, domain, bounds)

    def _constant(self, e: Expr, domain: Domain) -> _Value:
        labels = tuple(label for label in domain if label in e.free_symbols)
        if e.free_symbols - set(labels):
            names = ", ".join(sorted(map(str, e.free_symbols - set(labels))))
            raise InputError(f"{names} in {e} must have a value")
        shape = tuple(len(domain[label]) for label in labels)
        at = grid(labels, domain)
        values = lambdify(labels, e, "numpy")(*(at[label].astype(float) for label in labels))
        return self._step(Constant(labels, np.array(np.broadcast_to(np.asarray(values, float), shape))))

    def _read(self, e: Entry, domain: Domain, bounds: Sequence[Bound]) -> tuple[_Value, set[int]]:
        """Return a family's values at the indices, and which of the bounds are where it is read outside of its axes."""
        key = self._key(e)
        shape = self.made.shapes[key]
        indices = e.indices[1:] if e.family.layered else e.indices
        given = _Value(self.made.families[key], ())
        if len(set(indices)) == len(shape) and all(map(runs_through, indices, shape, [domain] * len(shape))):
            return _Value(given.register, tuple(indices)), set()
        found = parts(shape, indices, domain)
        covered = {place for part in found for place in check(e, part, bounds)}
        axes = tuple(Symbol(f"axis{place}") for place in range(len(shape)))
        size = prod(len(domain[label]) for part in found for label in part.labels)
        self.made.largest = max(self.made.largest, size)
        return self._step(Read(axes, Gather(shape, found)), given), covered

    def _sum(self, e: Sum, domain: Domain, bounds: Sequence[Bound]) -> _Value:
        inner, more = dict(domain), list(bounds)
        renamed: dict[Symbol, Symbol] = {}
        for index, low, high in reversed(e.limits):
            low, high = low.xreplace(renamed), high.xreplace(renamed)
            fresh = renamed[index] = Symbol(f"{index.name}{len(inner)}_", integer=True, positive=True)
            labels = tuple(k for k in inner if k in low.free_symbols | high.free_symbols)
            at = grid(labels, inner)
            first, last = (np.asarray(integers(edge, at)) for edge in (low, high))
            inner[fresh] = np.arange(first.min(), last.max() + 1)
            if labels:
                at = grid((*labels, fresh), inner)
                inside = (at[fresh] >= first[..., None]) & (at[fresh] <= last[..., None])
                shape = tuple(len(inner[k]) for k in (*labels, fresh))
                more.append(Bound((*labels, fresh), np.broadcast_to(inside, shape)))
        return self._product(e.function.xreplace(renamed), inner, more, tuple(k for k in inner if k not in domain))

    def _product(self, e: Expr, domain: Domain, bounds: Sequence[Bound], over: Labels) -> _Value:
        """Return a product, summed over index symbols."""
        number, factors = sympify(1), []
        for factor in Mul.make_args(e):
            if is_number(factor):
                number *= factor
            else:
                factors.append(factor)
        values: list[_Value] = []
        covered: set[int] = set()
        for factor in factors:
            if isinstance(factor, Entry):
                value, outside = self._read(factor, domain, bounds)
                covered |= outside
            else:
                value = self._expression(factor, domain, bounds)
            values.append(value)
        for place, bound in enumerate(bounds):
            if place not in covered and set(bound.labels) & set(over):
                values.append(self._step(Constant(bound.labels, bound.inside.astype(float))))
        known = {label for value in values for label in value.labels}
        count = prod(len(domain[label]) for label in over if label not in known)
        if not values:
            return self._constant(number * count, domain)
        result = self._contracted(values, domain, over)
        factor = number * count
        return result if factor == 1 else self._step(LinearSum([result.labels], [float(factor)], result.labels), result)

    def _contracted(self, values: list[_Value], domain: Domain, over: Labels) -> _Value:
        sizes = {label: len(numbers) for label, numbers in domain.items()}
        while len(values) > 1:
            values.sort(key=lambda value: prod(sizes[label] for label in value.labels))
            # The smallest first, so that constants join what they hang on and the largest product is the last.
            a = values.pop(0)
            place = max(range(len(values)), key=lambda p: (len(set(values[p].labels) & set(a.labels)), -p))
            b = values.pop(place)
            others = {label for value in values for label in value.labels}
            a, b = (self._without(v, others | set(w.labels), over, sizes) for v, w in ((a, b), (b, a)))
            every = [label for label in domain if label in a.labels or label in b.labels]
            kept = tuple(label for label in every if label not in over or label in others)
            values.append(self._step(Contraction(a.labels, b.labels, kept), a, b))
        return self._without(values[0], set(), over, sizes)

    def _without(self, value: _Value, others: set[Symbol], over: Labels, sizes: dict[Symbol, int]) -> _Value:
        """Sum over the labels that nothing else has."""
        kept = tuple(label for label in value.labels if label in others or label not in over)
        if kept == value.labels:
            return value
        return self._step(Total(value.labels, kept, {label: sizes[label] for label in value.labels}), value)

    def _linear(self, e: Add, domain: Domain, bounds: Sequence[Bound]) -> _Value:
        values, factors = [], []
        for term in e.args:
            parts = Mul.make_args(term)
            number, rest = (Mul(*(p for p in parts if is_number(p) is wanted)) for wanted in (True, False))
            values.append(self._expression(rest, domain, bounds))
            factors.append(float(number))
        labels = tuple(label for label in domain if any(label in value.labels for value in values))
        return self._step(LinearSum([value.labels for value in values], factors, labels), *values)

    def _pieces(self, e: Piecewise, domain: Domain, bounds: Sequence[Bound]) -> _Value:
        """Return values that another formula gives at other indices."""
        symbols = {symbol for _, condition in e.args for symbol in condition.free_symbols}
        if not symbols:
            return self._expression(next(value for value, condition in e.args if condition == True), domain, bounds)  # noqa: E712
        if len(symbols) > 1:
            names = ", ".join(sorted(map(str, symbols)))
            raise InputError(f"the conditions of a definition may depend on one index, got {names}")
        (index,) = symbols
        left = np.ones(len(domain[index]), bool)
        values, places = [], []
        for formula, condition in e.args:
            here = left & np.broadcast_to(truth(condition, {index: domain[index]}), left.shape)
            left &= ~here
            if here.any():
                some = domain | {index: domain[index][here]}
                values.append(self._expression(formula, some, [restricted(bound, index, here) for bound in bounds]))
                places.append(np.flatnonzero(here))
        if left.any():
            raise InputError(f"{e} must have a value for all {index}")
        if len(values) == 1:
            return values[0]
        labels = tuple(k for k in domain if k == index or any(k in value.labels for value in values))
        return self._step(Join([value.labels for value in values], places, index, labels), *values)

    def _function(self, e: Expr, atoms: Sequence[Expr], domain: Domain, bounds: Sequence[Bound]) -> _Value:
        inside = [*atoms, *sorted(e.xreplace({a: Integer(0) for a in atoms}).free_symbols & set(domain), key=str)]
        dummies = [Dummy(real=True) for _ in inside]
        values = [self._expression(atom, domain, bounds) for atom in inside]
        labels = tuple(label for label in domain if any(label in value.labels for value in values))
        formula = e.xreplace(dict(zip(inside, dummies, strict=True)))
        return self._step(ApplyMany([value.labels for value in values], formula, dummies, labels), *values)
