"""A form, bound to the state in front of a block: a function from states to one number behind it, with its error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Basic, Expr, lambdify

from derive.blocks.lemmas import UNIT_INDEX
from derive.indices import PLACES
from derive.rules.wide import Q
from numerics.curves.expectations import Q_OTHER, SHARED, Expectations
from numerics.curves.forms import Form, Read
from numerics.curves.places import Shape, Table, table
from numerics.curves.state import EPS, Numbers, Port, relative, times

Floats = NDArray[np.float64]
Values = Mapping[Basic, Any]
"""Values of symbols: numbers, or arrays of shape (settings, 1, 1)."""

_MORE = 2.0**-20
"""By how much a number is made larger, in proportion, to see what hangs on it."""


@lru_cache(maxsize=4096)
def parameter(e: Expr) -> Callable[[Values], Any]:
    """Return a parameter of a block as a function of the values of its symbols."""
    if not e.free_symbols:
        value = float(e)
        return lambda _: value
    symbols = sorted(e.free_symbols, key=str)
    run = lambdify(symbols, e, np)
    return lambda values: run(*(values[symbol] for symbol in symbols))


@dataclass(frozen=True)
class _Source:
    """Where a mean is read: the name of a number, its table, and the number of units that are alike."""

    name: str
    table: Table
    factor: Callable[[Values], Any]

    def __call__(self, state: Mapping[str, Numbers], values: Values) -> Floats:
        found = state[self.name].values
        if not self.table.is_one:
            found = self.table(found.reshape(len(found), -1))
        return np.asarray(self.factor(values) * found)

    def error(self, state: Mapping[str, Numbers], values: Values) -> Floats:
        """Return the parts of the error, of shape (parts, settings, groups, places)."""
        error = state[self.name].error
        assert error is not None  # errors are asked for where all have some
        parts = error.shape[0]
        flat = np.broadcast_to(error, (parts, *state[self.name].values.shape))
        found = self.table(flat.reshape(parts * flat.shape[1], -1))
        return np.asarray(self.factor(values) * found.reshape(parts, -1, *found.shape[1:]))


class Bound:
    """One number behind a block, as a function of the state in front of it.

    ``sources`` are the ports that the state's numbers are at; ``out`` is the shape of what comes out, and ``pairs``
    whether it has numbers for pairs of places.
    """

    def __init__(self, form: Form, sources: Mapping[str, Port], out: Shape, of: Expectations | None, *, pairs: bool):
        self._step, self._of, self._out, self._pairs = form.step, of, out, pairs
        known = {size: int(value) for size, value in form.given.items() if value.is_Integer}
        at = _places(out, pairs=pairs)

        def source(read: Read) -> _Source:
            port = sources[read.name]
            made = table(read.node, known, at, port.shape, pairs=port.pairs and not read.name.endswith(_OF_ONE))
            return _Source(read.name, made, parameter(made.factor.xreplace(dict(form.given))))

        self._reads = [source(read) for read in form.reads.values()]
        self._laws = {symbol: source(read) for symbol, read in form.laws.items()}
        self._parameters = [parameter(form.given[p]) for p in form.parameters]
        self.names = form.names
        # Each operation, and the factor of each mean, is off by half an EPS at most.
        self._rounding = 0.5 * EPS * (self._step.operations + len(self._reads))
        self._shape = (1, out.groups, out.places**2 if pairs else out.places)

    def __call__(self, state: Mapping[str, Numbers], values: Values) -> Numbers:
        """Return the number, with its error where all that is read has one."""
        reads = [source(state, values) for source in self._reads]
        given = [parameter(values) for parameter in self._parameters]
        laws = {symbol: source(state, values) for symbol, source in self._laws.items()}
        with_errors = all(state[name].error is not None for name in self.names)
        if with_errors and laws:
            found = self._around(laws, state, values)
        else:
            # Without an activation function nothing is asked of its expectations.
            found = [(*expectation(self._of, laws), None) for expectation in self._step.expectations]  # type: ignore[arg-type]
        inputs = [*(value for value, *_ in found), *reads]
        value = self._value(inputs, given)
        numbers = Numbers(self._shaped(value), self._out, self._pairs)
        if not with_errors:
            return numbers
        return Numbers(
            numbers.values, self._out, self._pairs, self._error(numbers.values, found, reads, given, state, values)
        )

    def quick(self, values: Values) -> Callable[[Mapping[str, Floats]], Floats]:
        """Return the number as a function of numbers alone, for a state of single numbers and these values.

        Where something is infinite it may have no value.
        """
        given = [parameter(values) for parameter in self._parameters]
        reads = [(source.name, source.factor(values)) for source in self._reads]
        laws = [(symbol, source.name, source.factor(values)) for symbol, source in self._laws.items()]
        expectations: Any = self._step.expectations
        of, value = self._of, self._step.value

        def run(numbers: Mapping[str, Floats]) -> Floats:
            law = {symbol: numbers[name] * factor for symbol, name, factor in laws}
            found = [expectation(of, law)[0] for expectation in expectations]
            result: Floats = value(*found, *(numbers[name] * factor for name, factor in reads), *given)
            return result

        return run

    def _value(self, inputs: list[Any], given: list[Any]) -> Any:
        value = self._step.value(*inputs, *given)
        if np.isnan(value).any() and any(np.isinf(x).any() for x in inputs):
            # What grows with each input is infinite where an input is and makes a difference.
            low, high = (self._step.value(*(np.where(np.isinf(x), end, x) for x in inputs), *given) for end in (0, 1))
            value = np.where(np.isnan(value), np.where(high > low, np.inf, low), value)
        return value

    def _shaped(self, value: Any) -> Floats:
        shape = np.broadcast_shapes(np.shape(value), self._shape)
        return np.asarray(value, np.float64) if np.shape(value) == shape else np.array(np.broadcast_to(value, shape))

    def _around(self, laws: dict[Basic, Floats], state: Mapping[str, Numbers], values: Values) -> list[Any]:
        """Return each expectation, its own error and what the errors of its law bring in, part by part."""
        names, base = list(laws), np.stack(np.broadcast_arrays(*laws.values()))
        same = {Q, Q_OTHER} <= set(names) and np.array_equal(laws[Q], laws[Q_OTHER])
        # Of two variances that are equal one hangs on what the other does.
        moves = [{Q, Q_OTHER}, {SHARED}] if same else [{name} for name in names]
        grown = np.stack(
            [base, *(base * (1 + _MORE * np.array([n in move for n in names])[:, None, None, None]) for move in moves)]
        )
        at = {name: grown[:, k].reshape(-1, *base.shape[2:]) for k, name in enumerate(names)}
        errors = {name: self._laws[name].error(state, values) for name in names}
        found = []
        for expectation in self._step.expectations:
            assert self._of is not None
            value, own = (part.reshape(grown.shape[0], *base.shape[1:]) for part in expectation(self._of, at))
            inherited: Any = 0.0
            for change, move in zip(value[1:] - value[0], moves, strict=True):
                reach = np.abs(change) / _MORE
                wrong = np.maximum.reduce([relative(errors[name], laws[name]) for name in move])
                inherited = inherited + times(reach, wrong)
            found.append((value[0], own[0], inherited))
        return found

    def _error(
        self,
        value: Floats,
        found: list[Any],
        reads: list[Floats],
        given: list[Any],
        state: Mapping[str, Numbers],
        values: Values,
    ) -> Floats:
        slopes = self._step.slopes(*(v for v, *_ in found), *reads, *given)
        own, inherited = self._rounding * np.abs(value), np.zeros((1, 1, 1, 1))
        for slope, (_, wrong, more) in zip(slopes, found, strict=False):
            own = own + times(np.abs(slope), wrong)
            inherited = inherited + times(np.abs(slope), more)
        for slope, source, read in zip(slopes[len(found) :], self._reads, reads, strict=False):
            size = np.abs(slope)
            if source.table.terms > 1:
                own = own + times(size, source.table.terms * EPS * np.abs(read))
            inherited = inherited + times(size, source.error(state, values))
        error = np.array(np.broadcast_to(inherited, (len(inherited), *value.shape)))
        error[0] += own
        return error


_OF_ONE = ("mean", "gradient")
"""Numbers that pairs of places have none of."""


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


def groups_of(form: Form, units: Expr, *sources: Port) -> int:
    """Return how many groups of units differ in what a form gives: as many as before, or every unit on its own."""
    means = [e for read in (*form.reads.values(), *form.laws.values()) for e in read.entries]
    if not any(e.has(UNIT_INDEX) for e in means):
        return 1
    moved = [e for e in means if UNIT_INDEX not in e.units and e.has(UNIT_INDEX)]
    alike = all(source.is_single for source in sources)
    return int(units) if moved and not alike else max(source.shape.groups for source in sources)
