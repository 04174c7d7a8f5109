"""Plans that run one after the other: once, or again and again.

Where blocks come again and again and a state has one number of a kind, the numbers go through layer after layer. Their
errors and the gradients, which no later layer's numbers need, are computed for all layers together: what the error of
one number does to those of the next layer is carried as a part of its own, to first order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.curves.bound import Values
from numerics.curves.lemma_plans import Plan, Quick, in_turn
from numerics.curves.state import CARRIED, EPS, Numbers, Port, State, absolute, relative, times

Floats = NDArray[np.float64]
Layers = NDArray[np.intp]

_LOOK = 8  # how often it is looked whether all settings rest
_ALL = 1e300
"""The relative error of what is not known at all: times 0 it is 0."""
_AT_ONCE = 2000
"""Layers times settings whose errors are computed together: what the expectations need for so many fits the cache."""


@dataclass(frozen=True)
class Column:
    """Numbers of shape (settings, rows), and the absolute error of each."""

    value: Floats
    error: Floats

    @property
    def relative(self) -> Floats:
        """The relative errors: 0 where a value is exact."""
        return relative(self.error, self.value)

    def at(self, rows: slice) -> Column:
        """Return some of the rows."""
        return Column(self.value[:, rows], self.error[:, rows])


def joined(columns: Sequence[Column]) -> Column:
    """Return columns one after the other; what no setting changes is there for all settings."""
    settings = max(len(column.value) for column in columns)

    def whole(parts: Iterator[Floats]) -> Floats:
        return np.concatenate([np.broadcast_to(p, (settings, p.shape[1])) for p in parts], axis=1)

    return Column(whole(c.value for c in columns), whole(c.error for c in columns))


def averaged(numbers: Numbers) -> Column:
    """Return the means over units and places, as one row; the error is the sum of its parts."""
    assert numbers.error is not None  # it was asked for
    error = np.broadcast_to(numbers.error.sum(axis=0), numbers.values.shape)
    return Column(*(part.mean(axis=(1, 2))[:, None] for part in (numbers.values, error)))


class Once:
    """A plan that is run once; ``columns`` and ``gradients`` have its one row when it has run."""

    def __init__(self, plan: Plan, values: Values) -> None:
        self.plans, self._values, self.rows = (plan,), values, 1

    def forward(self, start: State) -> State:
        """Return the state behind the plan."""
        (plan,) = self.plans
        state, self._memory = plan.forward(start, self._values)
        numbers = {name: state[name].diagonal for name in CARRIED}
        self.columns = {name: averaged(found) for name, found in numbers.items()}
        self.square = numbers["square"]
        if not plan.mean_is_an_expectation:
            # One by one: a mean that is read at the end would ask for all before it at once.
            _ = state["mean"]
        return state

    def back(self, gradient: Numbers) -> Numbers:
        """Return the gradient in front of the plan."""
        self.gradients = averaged(gradient)
        return self.plans[0].back(gradient, self._memory, self._values)


class Run:
    """Plans that are run ``times`` times, one after the other, at a port with one number of a kind.

    ``values`` are numbers, arrays of shape (settings, 1, 1), or of shape (settings, 1, layers) where layers differ.
    """

    def __init__(self, plans: Sequence[Plan], port: Port, times: int, values: Values) -> None:
        self.plans, self._times, self._shape = tuple(plans), times, port.shape
        self.rows = len(self.plans) * times
        self._values = {s: np.asarray(v, np.float64).reshape(len(v), -1) for s, v in values.items() if np.ndim(v)}
        self._constant = {s: v for s, v in values.items() if not np.ndim(v)}
        layered = [v for v in self._values.values() if v.shape[1] > 1]
        changes = [np.flatnonzero((np.diff(v) != 0).any(axis=0)) + 1 for v in layered]
        self._changes: Layers = np.unique(np.concatenate([*changes, [times]])).astype(np.intp)

    def forward(self, start: State) -> State:
        """Return the state behind the last layer."""
        self._names = (*CARRIED, *(("mean",) if self._reads_mean(start) else ()))
        base, self._like = self._states(start)
        self._todo = np.unique(self._like)
        step = max(1, _AT_ONCE // base.shape[-1])
        parts = [self._around(base, self._todo[k : k + step]) for k in range(0, self._todo.size, step)]
        rows, self._factors = (
            [
                [np.concatenate(pieces, axis=-2) for pieces in zip(*both, strict=True)]
                for both in zip(*found, strict=True)
            ]
            for found in zip(*parts, strict=True)
        )
        self._follow(start, base[0], rows)
        count = len(CARRIED)
        columns = [self._column(*numbers) for numbers in rows[: count * len(self.plans)]]
        self.columns = {name: interleaved(columns[k::count]) for k, name in enumerate(CARRIED)}
        last = {n: self._numbers(base[-2, k], self._wrong[-2][:, k]) for k, n in enumerate(self._names)}
        return self._once(last, self._at(self._times - 1))[-1][0]

    def back(self, gradient: Numbers) -> Numbers:
        """Return the gradient in front of the first layer."""
        columns = [self._column(*factor) for factor in self._factors]
        *inner, whole = columns
        assert gradient.error is not None  # it was asked for
        value = gradient.values[:, :, 0]
        wrong = relative(gradient.error.sum(axis=0), gradient.values)[:, :, 0]
        settings = max(len(value), len(whole.value))
        value, wrong = (np.broadcast_to(part, (settings, 1)) for part in (value, wrong))
        with np.errstate(all="ignore"):
            ends = np.concatenate([value, whole.value[:, ::-1]], axis=1).cumprod(axis=1)[:, ::-1]
            errors = np.concatenate([wrong, whole.relative[:, ::-1] + EPS], axis=1).cumsum(axis=1)[:, ::-1]

            def product(factor: Column) -> Column:
                found = factor.value * ends[:, 1:]
                return Column(found, absolute(factor.relative + errors[:, 1:], found))

            self.gradients = interleaved([product(column) for column in inner])
            front = ends[:, :1, None]
            return Numbers(front, self._shape, error=absolute(errors[:, :1, None], front)[None])

    def _reads_mean(self, start: State) -> bool:
        """Return whether the numbers of the next layer hang on the mean of this one."""
        seen = []

        def mean() -> Numbers:
            seen.append(True)
            return start["mean"]

        numbers: dict[str, Any] = {name: Numbers(start[name].values, self._shape) for name in CARRIED}
        self._once({**numbers, "mean": mean}, self._at(0))
        return bool(seen)

    def _at(self, layer: int) -> dict[Any, Any]:
        """Return the values of symbols at a layer."""
        mine = {s: v[:, layer if v.shape[1] > 1 else 0, None, None] for s, v in self._values.items()}
        return {**self._constant, **mine}

    def _once(self, start: Mapping[str, Any], values: Values) -> list[tuple[State, Any]]:
        """Return the state behind each plan with what the way back needs; the numbers of the last are there."""
        state, found = State(start), []
        for plan in self.plans:
            state, memory = plan.forward(state, values)
            found.append((state, memory))
        for name in CARRIED:
            _ = state[name]
        return found

    def _states(self, start: State) -> tuple[Floats, Layers]:
        """Return the numbers in front of all layers and behind the last, and of which layer each is a copy.

        Where all settings rest at a fixed point, and no value changes later, the layer before is copied.
        """
        first = [start[name].values[:, 0, 0] for name in self._names]
        settings = max(map(len, (*first, *self._values.values())))
        base = np.empty((self._times + 1, len(first), settings))
        base[0] = np.stack([np.broadcast_to(values, (settings,)) for values in first])
        like = np.arange(self._times)
        layer, change, run = 0, 0, self._quick(0)
        while layer < self._times:
            found = run({name: base[layer, k, :, None, None] for k, name in enumerate(self._names)})
            for k, name in enumerate(self._names):
                base[layer + 1, k] = np.reshape(found[name], -1)
            if not np.isfinite(base[layer + 1].sum()):
                base[layer + 1] = self._slow(base[layer], layer)
            layer += 1
            until = int(self._changes[change])
            if layer % _LOOK == 0 and layer < until and _rest(base[layer - 1], base[layer]):
                base[layer : until + 1], like[layer:until] = base[layer], layer - 1
                layer = until
            if layer == until < self._times:
                change, run = change + 1, self._quick(layer)
        return base, like

    def _quick(self, layer: int) -> Quick:
        values = self._at(layer)
        mean = "mean" in self._names or any(plan.reads_mean for plan in self.plans)
        return in_turn([plan.quick(values, mean=mean) for plan in self.plans])

    def _slow(self, before: Floats, layer: int) -> Floats:
        """Return the numbers behind a layer where some are infinite."""
        start = {n: Numbers(before[k, :, None, None], self._shape) for k, n in enumerate(self._names)}
        state = self._once(start, self._at(layer))[-1][0]
        return np.stack([np.broadcast_to(state[name].values[:, 0, 0], before.shape[1:]) for name in self._names])

    def _around(self, base: Floats, layers: Layers) -> tuple[list[tuple[Floats, Floats]], list[tuple[Floats, Floats]]]:
        """Return the numbers behind all plans, and the factors of gradients, of some layers, with parts of the errors.

        Of shapes (layers, settings) and (parts, layers, settings). The first part is their own error; each other one is
        what a relative error of one number in front would make of it.
        """
        count, settings = len(self._names), base.shape[-1]
        start = {}
        for k, name in enumerate(self._names):
            values = base[layers, k].reshape(-1, 1, 1)
            error = np.zeros((1 + count, *values.shape))
            error[1 + k] = np.abs(values)
            start[name] = Numbers(values, self._shape, error=error)
        mine = {
            s: np.broadcast_to(v.T[layers] if v.shape[1] > 1 else v.T, (len(layers), settings)).reshape(-1, 1, 1)
            for s, v in self._values.items()
        }
        values = {**self._constant, **mine}
        found = self._once(start, values)

        def parts(numbers: Numbers) -> tuple[Floats, Floats]:
            assert numbers.error is not None  # it was asked for
            shape = len(layers), settings
            value = np.broadcast_to(numbers.values[:, 0, 0], (shape[0] * shape[1],)).reshape(shape)
            error = np.broadcast_to(numbers.error[..., 0, 0], (1 + count, value.size)).reshape(1 + count, *shape)
            return value, error

        rows = [parts(state[name]) for state, _ in found for name in CARRIED]
        rows += [parts(found[-1][0][name]) for name in self._names[len(CARRIED) :]]
        gradient = Numbers(np.ones((len(layers) * settings, 1, 1)), self._shape, error=np.zeros((1 + count, 1, 1, 1)))
        factors = [parts(gradient)]
        for plan, (_, memory) in zip(reversed(self.plans), reversed(found), strict=True):
            gradient = plan.back(gradient, memory, values)
            factors.insert(0, parts(gradient))
        return rows, [*factors[1:], factors[0]]

    def _follow(self, start: State, first: Floats, rows: list[Any]) -> None:
        """Pass the relative errors on from layer to layer: of shape (parts, numbers, settings) in front of each."""
        count = len(self._names)
        last = rows[(len(self.plans) - 1) * len(CARRIED) :]
        where = np.searchsorted(self._todo, self._like)
        size = np.stack([np.abs(value) for value, _ in last])
        with np.errstate(all="ignore"):
            found = np.stack([relative(error, value[None]) for (_, error), value in zip(last, size, strict=True)])
            found = np.minimum(np.where(np.isnan(found), _ALL, found), _ALL)
        # A layer that is copied may be off by the rounding that it rests to.
        own, reach = np.moveaxis(found[:, 0], 0, 1), np.moveaxis(found[:, 1:], (0, 1, 2), (2, 1, 0))
        rest = 2 * EPS * (self._like != np.arange(self._times))
        own = own[where] + np.where(own[where] > 0, rest[:, None, None], 0.0)
        given = [start[name] for name in self._names]
        parts = max(len(numbers.error) for numbers in given if numbers.error is not None)
        wrong = np.zeros((self._times + 1, parts, count, first.shape[-1]))
        for k, numbers in enumerate(given):
            assert numbers.error is not None
            wrong[0, :, k] = relative(numbers.error, numbers.values[None])[..., 0, 0]
        for layer, at in enumerate(where):
            np.minimum((wrong[layer][:, :, None] * reach[at]).sum(axis=1), _ALL, out=wrong[layer + 1])
            wrong[layer + 1, 0] += own[layer]
        self._wrong, self._where = wrong, where

    def _column(self, value: Floats, error: Floats) -> Column:
        """Return numbers of all layers with the errors that they have inherited."""
        inherited = self._wrong[:-1].sum(axis=1)
        whole = error[0][self._where]
        for k in range(len(self._names)):
            part, wrong = error[1 + k][self._where], inherited[:, k]
            whole = whole + times(part, wrong)
        return Column(value[self._where].T, whole.T)

    def _numbers(self, values: Floats, wrong: Floats) -> Numbers:
        return Numbers(values[:, None, None], self._shape, error=absolute(wrong, values)[..., None, None])


def interleaved(columns: Sequence[Column]) -> Column:
    """Return the first rows of all columns, then the second ones, ..."""

    def whole(parts: Sequence[Floats]) -> Floats:
        stacked = np.stack(parts, axis=-1)
        return stacked.reshape(len(stacked), -1)

    return Column(whole([c.value for c in columns]), whole([c.error for c in columns]))


def _rest(before: Floats, now: Floats) -> bool:
    return bool((np.abs(now - before) <= 2e-16 * np.abs(now)).all())
