"""The state that predictions pass through blocks, and what one lemma makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sympy import Basic, Dummy, Expr, Sum

from derive.averages import Average
from derive.blocks.lemmas import PLACES, UNIT_INDEX, Lemma
from derive.gaussian import GaussianExpectation
from derive.proof.derivation import Derivation
from derive.randomness import Entry
from derive.rules.wide import Q
from numerics.curves.expectations import Q_OTHER, SHARED, Expectations, Step, nodes
from numerics.curves.places import Shape, Table, number, table

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Numbers:
    """One number of a state: of shape (settings, groups, places), or with a number for each pair of places."""

    values: Floats
    shape: Shape
    pairs: bool = False

    @property
    def diagonal(self) -> Numbers:
        """The numbers of the places alone."""
        if not self.pairs:
            return self
        places = self.shape.places
        return Numbers(self.values[..., np.arange(places) * (places + 1)], self.shape)

    def with_diagonal(self, other: Numbers) -> Numbers:
        """Return the numbers of pairs, with others where both places are one."""
        places = self.shape.places
        values = np.array(np.broadcast_to(self.values, np.broadcast_shapes(self.values.shape)))
        values[..., np.arange(places) * (places + 1)] = other.values
        return Numbers(values, self.shape, pairs=True)


State = Mapping[str, Numbers]


class Compiled:
    """A derivation's result as a function of what it reads of a state, of expectations and of its parameters."""

    def __init__(self, derivation: Derivation, parameters: tuple[Basic, ...]) -> None:
        self.derivation = derivation
        result, self.laws = derivation.result, dict[Basic, Expr]()
        for node in nodes(result):
            symbols = (Q,) if len(node.variables) == 1 else (Q, SHARED, SHARED, Q_OTHER)
            self.laws |= dict(zip(symbols, (e for row in node.covariance for e in row), strict=True))
            rows = [symbols[k : k + len(node.variables)] for k in range(0, len(symbols), len(node.variables))]
            named = GaussianExpectation.of(node.integrand, node.variables, node.mean, rows)
            result = result.xreplace({node: named})
        self.reads = _outermost(result)
        rest = result.xreplace({node: Dummy() for node in self.reads})
        self.parameters = tuple(p for p in parameters if rest.has(p))
        self.step = Step(result, (*self.reads, *self.parameters))
        self.tables: dict[Any, Table] = {}

    def table(self, node: Expr, source: Numbers, known: Mapping[Basic, int], out: Shape, *, pairs: bool) -> Table:
        """Return what a mean reads of a number of a state, for all places of what comes out; made once."""
        key = (node, source.shape, source.pairs, tuple(known.items()), out, pairs)
        if key not in self.tables:
            self.tables[key] = table(node, known, _places(out, pairs=pairs), source.shape, pairs=source.pairs)
        return self.tables[key]


def _outermost(e: Expr) -> tuple[Expr, ...]:
    """Return the means of a result, with the sums around them."""
    if isinstance(e, Average) or (isinstance(e, Sum) and e.has(Average)):
        return (e,)
    if isinstance(e, GaussianExpectation):
        return ()
    return tuple(dict.fromkeys(node for argument in e.args for node in _outermost(argument)))


def _places(out: Shape, *, pairs: bool) -> dict[Basic, Any]:
    """Return the indices of all units and places, or pairs of places, as arrays of shape (groups, places)."""
    at: dict[Basic, Any] = {UNIT_INDEX: np.arange(1, out.groups + 1).reshape(-1, 1)}
    flat = np.arange(out.places)
    first = np.repeat(flat, out.places) if pairs else flat
    second = np.tile(flat, out.places) if pairs else flat
    for which, chosen in enumerate((first, second)):
        indices = np.unravel_index(chosen, out.positions) if out.positions else ()
        at |= {PLACES[axis][which]: 1 + index.reshape(1, -1) for axis, index in enumerate(indices)}
    return at


_KEPT: dict[int, Compiled] = {}
"""What has been compiled, by the identity of its derivation: hashing one takes as long as a layer."""


def compiled(lemma: Lemma) -> Compiled:
    """Return a lemma as a function of numbers."""
    key = id(lemma.derivation)
    if key not in _KEPT:
        _KEPT[key] = Compiled(lemma.derivation, tuple(lemma.given))
    return _KEPT[key]


def evaluate(
    lemma: Lemma, state: State, out: Shape, of: Expectations | None, values: Mapping[Basic, Any], *, pairs: bool = False
) -> Numbers:
    """Return the number that a lemma gives of a state, at all places of what comes out, or at all pairs of them.

    ``values`` are arrays of shape (settings, 1, 1) for the symbols that settings tell apart.
    """
    run = compiled(lemma)
    known = {size: int(value) for size, value in lemma.given.items() if value.is_Integer}

    def read(node: Expr) -> Floats:
        (mean,) = node.atoms(Average)
        source = state[lemma.reads[mean]]
        flat = source.values.reshape(len(source.values), -1)
        return run.table(node, source, known, out, pairs=pairs)(flat)

    laws = {symbol: read(mean) for symbol, mean in run.laws.items()}
    parameters = [_value(lemma.given[p], values) for p in run.parameters]
    # Without an activation function nothing is asked of its expectations.
    found, _ = run.step(cast("Expectations", of), laws, *map(read, run.reads), *parameters)
    shape = (1, out.groups, out.places**2 if pairs else out.places)
    return Numbers(np.array(np.broadcast_to(found, np.broadcast_shapes(np.shape(found), shape))), out, pairs)


def _value(e: Expr, values: Mapping[Basic, Any]) -> Any:
    """Return the value of a parameter: a number, or one for each setting."""
    return number(e, values) if e.free_symbols else float(e)


def groups_of(lemma: Lemma, units: int, *sources: Numbers) -> int:
    """Return how many groups of units differ in what a lemma gives: as many as before, or every unit on its own."""
    means = [e for mean in lemma.derivation.result.atoms(Average) for e in mean.atoms(Entry)]
    if not lemma.derivation.result.has(UNIT_INDEX):
        return 1
    moved = [e for e in means if UNIT_INDEX not in e.units and e.has(UNIT_INDEX)]
    alike = all(source.shape.groups == 1 and source.shape.places == 1 for source in sources)
    if moved and not alike:
        return units
    return max(source.shape.groups for source in sources)
