"""Blocks as plans: the forms of their lemmas, bound to what comes in, which pass a state on and a gradient back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from sympy import Integer, Symbol

from derive.activations import Activation
from derive.blocks import AveragePool, BatchNorm, Block, Concatenate, Residual
from derive.blocks.lemmas import Lemmas
from derive.blocks.lemmas_branches import side_by_side
from derive.blocks.lemmas_other import added
from derive.blocks.signal import Axis
from derive.errors import InputError
from derive.proof.derivation import Derivation
from numerics.curves.bound import Values, groups_of
from numerics.curves.expectations import Expectations
from numerics.curves.forms import form
from numerics.curves.lemma_plans import Back, Memory, Moments, Plan, Quick, in_turn, joined
from numerics.curves.places import Shape
from numerics.curves.state import CARRIED, Numbers, Port, State, units_of
from numerics.network_blocks import alone

_GAUSSIAN_FIRST = (
    "{} is predicted for Gaussian values of mean zero, which come out of weights (dense, conv) and out of sums of "
    "such: what goes in here comes out of {}"
)
_BEFORE_ITS_WEIGHTS = (
    ", which adds to what an activation left; one at the start of the branch is predicted: residual(relu, conv(8))"
)
_WEIGHTLESS = "the branches of {} are predicted where they have weights; {} has none, and hangs on what it is added to"


class Leaf(Plan):
    """A block with lemmas of its own."""

    def __init__(self, block: Block, port: Port, *, pairs: bool) -> None:
        of = _expected(block, port)
        lemmas, axes = _lemmas(block, port.axes)
        there = tuple(int(axis.size) for axis in axes[1:])
        square = form(lemmas["square"], pairs=False)
        shape = Shape(groups_of(square, axes[0].size, port), there)
        gaussian = block.is_gaussian(incoming=port.gaussian)
        sphere = isinstance(block, BatchNorm) and port.gaussian and not gaussian
        self.out = Port(axes, shape, pairs and shape.places > 1, gaussian, block.name, sphere)
        sources = dict.fromkeys(("mean", *CARRIED), port)
        self._moments = Moments(lemmas, sources, self.out, of)
        self._back = Back(lemmas["gradient"], sources, port, of) if "gradient" in lemmas else None
        self.behind = joined(self._moments.behind, self._back.behind if self._back else {})
        self.mean_is_an_expectation = of is not None
        self.reads_mean = self._moments.reads_mean
        self.single = port.is_single and self.out.is_single

    def forward(self, state: State, values: Values) -> tuple[State, Memory]:
        """Return the state behind the block, and the state in front of it."""
        return self._moments(state, values), state

    def quick(self, values: Values, *, mean: bool) -> Quick:
        """Return the numbers behind the block as a function of those in front."""
        return self._moments.quick(values, mean=mean)

    def back(self, gradient: Numbers, memory: Memory, values: Values) -> Numbers:
        """Return the gradient in front of the block."""
        if self._back is None:
            return replace(gradient, values=gradient.values * np.nan)
        return self._back(memory, {"gradient": gradient}, values)


class Row(Plan):
    """Blocks one after the other."""

    def __init__(self, blocks: Sequence[Block], port: Port, *, pairs: bool) -> None:
        self._plans: list[Plan] = []
        for place, block in enumerate(blocks):
            keep = pairs or any(map(reads_pairs, blocks[place:]))
            self._plans.append(plan(block, port, pairs=keep))
            port = self._plans[-1].out
        self.out = port
        self.behind = joined(*(p.behind for p in self._plans))
        self.single = all(p.single for p in self._plans)
        self.reads_mean = any(p.reads_mean for p in self._plans)

    def forward(self, state: State, values: Values) -> tuple[State, Memory]:
        """Return the state behind the last block."""
        memories = []
        for one in self._plans:
            state, memory = one.forward(state, values)
            memories.append(memory)
        return state, memories

    def quick(self, values: Values, *, mean: bool) -> Quick:
        """Return the numbers behind the last block as a function of those in front of the first."""
        return in_turn([one.quick(values, mean=mean or self.reads_mean) for one in self._plans])

    def back(self, gradient: Numbers, memory: Memory, values: Values) -> Numbers:
        """Return the gradient in front of the first block."""
        for one, kept in zip(reversed(self._plans), reversed(memory), strict=True):
            gradient = one.back(gradient, kept, values)
        return gradient


class Total(Plan):
    """Branches that are added up, one after the other, to the first of them."""

    def __init__(self, block: Block, port: Port, *, pairs: bool) -> None:
        paths = block.paths
        self._branches = [Row(branch.steps, port, pairs=pairs) for branch, _ in paths]
        self._sums: list[tuple[Moments, Back]] = []
        total = self._branches[0].out
        derivations: list[Mapping[str, tuple[Derivation, ...]]] = [b.behind for b in self._branches]
        for (branch, factor), row in zip(paths[1:], self._branches[1:], strict=True):
            if not branch.has_weights:
                raise InputError(_WEIGHTLESS.format(block, branch))
            lemmas = added(alone(row.out.axes), factor, exact=_ends_in_weights(branch))
            shape = Shape(max(total.shape.groups, row.out.shape.groups), total.shape.positions)
            gaussian = total.gaussian and row.out.gaussian
            after = Port(row.out.axes, shape, pairs and shape.places > 1, gaussian, block.word)
            sources = dict.fromkeys(("mean", *CARRIED), total)
            sources |= {f"branch {name}": row.out for name in ("mean", *CARRIED)}
            moments = Moments(lemmas, sources, after, None)
            self._sums.append((moments, Back(lemmas["gradient"], {}, port, None)))
            derivations += [moments.behind, self._sums[-1][1].behind]
            total = after
        self.out = total
        self.behind = joined(*derivations)
        self.single = port.is_single and all(branch.single for branch in self._branches)

    def forward(self, state: State, values: Values) -> tuple[State, Memory]:
        """Return the state of the sum."""
        memories, total = [], None
        for place, branch in enumerate(self._branches):
            out, memory = branch.forward(state, values)
            memories.append(memory)
            if total is None:
                total = out
                continue
            named = {f"branch {name}": out.later(name) for name in out}
            both = State({**{name: total.later(name) for name in total}, **named})
            total = self._sums[place - 1][0](both, values)
        assert total is not None
        return total, memories

    def quick(self, values: Values, *, mean: bool) -> Quick:
        """Return the numbers of the sum as a function of those in front."""
        first, *others = (branch.quick(values, mean=True) for branch in self._branches)
        sums = [moments.quick(values, mean=mean) for moments, _ in self._sums]

        def run(numbers: Mapping[str, Any]) -> dict[str, Any]:
            total = first(numbers)
            for other, add in zip(others, sums, strict=True):
                total = add({**total, **{f"branch {name}": value for name, value in other(numbers).items()}})
            return total

        return run

    def back(self, gradient: Numbers, memory: Memory, values: Values) -> Numbers:
        """Return the sum of what comes back along the branches."""
        found, *others = (b.back(gradient, kept, values) for b, kept in zip(self._branches, memory, strict=True))
        for mine, (_, run) in zip(others, self._sums, strict=True):
            found = run(State({}), {"gradient": found, "branch gradient": mine}, values)
        return found


class SideBySide(Plan):
    """Branches whose units come one after the other."""

    single = False

    def __init__(self, block: Block, port: Port, *, pairs: bool) -> None:
        self._branches = [Row(branch.steps, port, pairs=pairs) for branch in block.inside]
        free = [branch for branch in block.inside if not branch.has_weights]
        if len(free) > 1:
            raise InputError(_WEIGHTLESS.format(block, free[1]))
        # What comes back along the one without weights is what the others are added to.
        self._order = sorted(range(len(self._branches)), key=lambda k: block.inside[k].has_weights)
        outs = [branch.out for branch in self._branches]
        self._units = [int(out.axes[0].size) for out in outs]
        axes = block(alone(port.axes)).axes
        shape = Shape(sum(self._units), outs[0].shape.positions)
        gaussian = all(out.gaussian for out in outs)
        self.out = Port(axes, shape, pairs and shape.places > 1, gaussian, block.word)
        lemmas = side_by_side(len(shape.positions))
        names = ("mean", *CARRIED)
        self._moments = [
            Moments(lemmas, {f"branch {name}": out for name in names}, replace(self.out, shape=out.shape), None)
            for out in outs
        ]
        back = added(alone(port.axes), Integer(1), exact=True)["gradient"]
        self._sum = Back(back, {}, port, None)
        parts = [branch.behind for branch in self._branches] + [moments.behind for moments in self._moments]
        self.behind = joined(*parts, self._sum.behind)

    def forward(self, state: State, values: Values) -> tuple[State, Memory]:
        """Return the state of all units."""
        found, memories = [], []
        for branch, moments in zip(self._branches, self._moments, strict=True):
            out, memory = branch.forward(state, values)
            found.append(moments(State({f"branch {name}": out.later(name) for name in out}), values))
            memories.append(memory)
        return State({name: partial(self._all, found, name) for name in ("mean", *CARRIED)}), memories

    def _all(self, found: Sequence[State], name: str) -> Numbers:
        parts = [state[name] for state in found]
        return units_of(parts, self._units)

    def quick(self, values: Values, *, mean: bool) -> Quick:
        """Raise `NotImplementedError`: units of several branches differ."""
        raise NotImplementedError

    def back(self, gradient: Numbers, memory: Memory, values: Values) -> Numbers:
        """Return the sum of what comes back along the branches, each from its own units."""
        ends = np.cumsum(self._units)
        found = []
        for k in self._order:
            own = gradient
            if gradient.shape.groups > 1:
                own = gradient.of_units(slice(int(ends[k]) - self._units[k], int(ends[k])))
            found.append(self._branches[k].back(own, memory[k], values))
        total, *others = found
        for mine in others:
            total = self._sum(State({}), {"gradient": total, "branch gradient": mine}, values)
        return total


def plan(block: Block, port: Port, *, pairs: bool) -> Plan:
    """Return the plan of a block at a port; raise `InputError` where its lemmas are not about what comes in."""
    if block.steps != (block,):
        return Row(block.steps, port, pairs=pairs)
    kind: Callable[..., Plan] = Total if block.paths else SideBySide if isinstance(block, Concatenate) else Leaf
    return kind(block, port, pairs=pairs)


@lru_cache(maxsize=512)
def reads_pairs(block: Block) -> bool:
    """Return whether a block has a part whose mean square reads pairs of places."""
    return isinstance(block, AveragePool) or any(map(reads_pairs, block.inside))


def _ends_in_weights(branch: Block) -> bool:
    """Return whether what comes out of a branch has mean zero given all before its last weights."""
    *_, last = branch.steps
    return last.has_weights and not last.inside


def _expected(block: Block, port: Port) -> Expectations | None:
    activation = getattr(block, "activation", None)
    if isinstance(block, BatchNorm) and block.batch is None and not port.gaussian:
        # Other units have variances of their own over samples, each by its mean.
        raise InputError(_GAUSSIAN_FIRST.format("an infinite batch", port.source))
    if activation is None:
        return None
    if not port.gaussian and not (port.on_sphere and is_homogeneous(activation)):
        hint = _BEFORE_ITS_WEIGHTS if port.source == Residual.word else ""
        raise InputError(_GAUSSIAN_FIRST.format(block.name, port.source) + hint)
    return expectations(activation)


@lru_cache(maxsize=128)
def is_homogeneous(activation: Activation) -> bool:
    """Return whether f(c x) = c f(x) for c > 0: a direction then has the moments of Gaussians, up to their length."""
    sides = Symbol("s", positive=True), Symbol("s", negative=True)
    slopes = [activation.expression.subs(activation.symbol, side) / side for side in sides]
    return not any(slope.simplify().free_symbols for slope in slopes)


@lru_cache(maxsize=1024)
def _lemmas(block: Block, axes: tuple[Axis, ...]) -> tuple[Lemmas, tuple[Axis, ...]]:
    """Return the lemmas of a block at a signal of these axes, and the axes of what comes out."""
    z = alone(axes)
    return block.lemmas(z), block(z).axes


@lru_cache(maxsize=32)
def expectations(activation: Activation) -> Expectations:
    """Return the Gaussian expectations of an activation; all who ask share them."""
    return Expectations(activation)
