"""What plans of blocks are made of: lemmas on the moments behind a block, and on the gradient in front of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from derive.blocks.lemmas import Lemma, Lemmas
from derive.proof.derivation import Derivation
from numerics.curves.bound import Bound, Values, groups_of
from numerics.curves.expectations import Expectations
from numerics.curves.forms import form, gap
from numerics.curves.places import Shape
from numerics.curves.state import Numbers, Port, State

Memory = Any
"""What a plan keeps of its way forward for the way back."""

Quick = Callable[[Mapping[str, Any]], dict[str, Any]]


class Plan(ABC):
    """A block at a port. ``out`` is the port behind it, ``behind`` what its numbers come from, by kind of column."""

    out: Port
    behind: Mapping[str, tuple[Derivation, ...]]
    single: bool
    """Whether there is one number of a kind everywhere inside."""
    mean_is_an_expectation = False
    reads_mean = True
    """Whether the numbers behind the block, but for their mean, hang on the mean of what comes in."""

    @abstractmethod
    def forward(self, state: State, values: Values) -> tuple[State, Memory]:
        """Return the state behind the block, and what the way back needs."""

    @abstractmethod
    def quick(self, values: Values, *, mean: bool) -> Quick:
        """Return the numbers behind the block as a function of those in front, for a state of single numbers."""

    @abstractmethod
    def back(self, gradient: Numbers, memory: Memory, values: Values) -> Numbers:
        """Return the mean square of the gradient in front of the block, from that behind it."""


def joined(*parts: Mapping[str, tuple[Derivation, ...]]) -> dict[str, tuple[Derivation, ...]]:
    """Return the derivations behind several plans, each once."""
    names = ("forward", "product", "backward")
    return {n: tuple({id(d): d for part in parts for d in part.get(n, ())}.values()) for n in names}


class Moments:
    """Mean, mean square, mean product and gap behind a block, as functions of the state in front of it."""

    def __init__(self, lemmas: Lemmas, sources: Mapping[str, Port], out: Port, of: Expectations | None) -> None:
        shape, pairs = out.shape, out.pairs
        make = partial(Bound, sources=sources, out=shape, of=of)
        self._mean = make(form(lemmas["mean"], pairs=False), pairs=False)
        self._square = make(form(lemmas["square"], pairs=False), pairs=False)
        apart = gap(lemmas, pairs=False)
        assert apart is not None  # there is one at one place
        self._gap = make(apart, pairs=False)
        self._pairs: dict[str, Bound] = {}
        if pairs:
            self._pairs["product"] = make(form(lemmas["product"], pairs=True), pairs=True)
            if "between" in lemmas:
                self._pairs["between"] = make(form(lemmas["between"], pairs=True), pairs=True)
            between = gap(lemmas, pairs=True)
            if between is not None:
                self._pairs["gap"] = make(between, pairs=True)
        else:
            self._product = make(form(lemmas["product"], pairs=False), pairs=False)
        read = (self._square, self._gap, *(self._pairs.values() or (self._product,)))
        self.reads_mean = any("mean" in run.names for run in read)
        self.behind = {
            "forward": tuple(lemmas[n].derivation for n in ("mean", "square", "between") if n in lemmas),
            "product": (lemmas["product"].derivation,),
        }

    def __call__(self, state: State, values: Values) -> State:
        """Return the state behind the block; each number is computed when it is read."""
        alone = {"mean": partial(self._mean, state, values)}
        if not self._pairs:
            square, product, apart = self._square, self._product, self._gap
            found: dict[str, Any] = {"square": square, "product": product, "gap": apart}
            return State({**alone, **{name: partial(run, state, values) for name, run in found.items()}})
        return State({**alone, **self._of_pairs(state, values)})

    def quick(self, values: Values, *, mean: bool) -> Quick:
        """Return the numbers as functions of numbers alone, for a state of single numbers."""
        bound = {
            "square": self._square,
            "product": self._product,
            "gap": self._gap,
            **({"mean": self._mean} if mean else {}),
        }
        runs = {name: run.quick(values) for name, run in bound.items()}
        return lambda numbers: {name: run(numbers) for name, run in runs.items()}

    def _of_pairs(self, state: State, values: Values) -> dict[str, Numbers]:
        product = self._pairs["product"](state, values)
        # Of one sample at two places, what is said of two samples holds, unless masks make a difference.
        one = self._pairs.get("between")
        same = self._pairs["product"](state.of_one_sample(), values) if one is None else one(state, values)
        apart = self._pairs["gap"](state, values) if "gap" in self._pairs else same.less(product)
        return {
            "square": same.with_diagonal(self._square(state, values)),
            "product": product,
            "gap": apart.with_diagonal(self._gap(state, values)),
        }


class Back:
    """The gradient in front of a block; what comes back may tell units apart that are alike on the way forward."""

    def __init__(self, lemma: Lemma, sources: Mapping[str, Port], port: Port, of: Expectations | None) -> None:
        self._form, self._sources, self._port, self._of = form(lemma, pairs=False), sources, port, of
        self._bound: dict[tuple[Shape, ...], Bound] = {}
        self.behind = {"backward": (lemma.derivation,)}

    def __call__(self, state: State, gradients: Mapping[str, Numbers], values: Values) -> Numbers:
        """Return the gradient in front of the block, from the state there and what comes back."""
        shapes = tuple(gradient.shape for gradient in gradients.values())
        if shapes not in self._bound:
            ports = {name: replace(self._port, shape=g.shape, pairs=False) for name, g in gradients.items()}
            read = {**self._sources, **ports}
            named = [read[name] for name in self._form.names]
            groups = groups_of(self._form, self._port.axes[0].size, *named)
            shape = Shape(groups, self._port.shape.positions)
            self._bound[shapes] = Bound(self._form, read, shape, self._of, pairs=False)
        return self._bound[shapes](State({**{name: state.later(name) for name in state}, **gradients}), values)


def in_turn(runs: Sequence[Quick]) -> Quick:
    """Return functions of numbers as one, one after the other."""

    def run(numbers: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(numbers)
        for one in runs:
            found = one(found)
        return found

    return run
