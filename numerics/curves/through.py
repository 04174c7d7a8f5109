"""The one loop of predictions: a state goes forward through blocks, block by block, and gradients come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Basic

from derive.activations import Activation
from derive.blocks import AveragePool, Block, Signal
from derive.blocks.lemmas import Lemmas
from derive.blocks.lemmas_other import added
from derive.blocks.signal import Axis, Extents
from derive.errors import InputError
from derive.proof.derivation import Derivation
from derive.randomness import INPUT, Family
from numerics.curves.expectations import Expectations
from numerics.curves.places import Shape
from numerics.curves.state import Numbers, State, evaluate, groups_of

Back = Callable[[Numbers], Numbers]
_GAUSSIAN_FIRST = (
    "{} is predicted for Gaussian values of mean zero, which come out of weights (dense, conv) and out of sums of "
    "such: what goes in here comes out of {}"
)
_WEIGHTLESS = "the branches of {} are predicted where they have weights; {} has none, and hangs on what it is added to"


@dataclass(frozen=True)
class Flow:
    """What flows through blocks: the axes of a signal, its state, and whether it is Gaussian."""

    axes: tuple[Axis, ...]
    state: State
    gaussian: bool
    source: str

    @property
    def shape(self) -> Shape:
        """The groups of units that differ, and the sizes along positions."""
        return self.state["square"].shape


@dataclass
class Loop:
    """Passes a state through blocks.

    ``values`` are those of symbols in the blocks' parameters, one for each setting. ``derivations`` collects what the
    numbers have come from, forward and backward.
    """

    values: Mapping[Basic, Any]

    def __post_init__(self) -> None:
        self.derivations: dict[str, dict[int, Derivation]] = {"forward": {}, "product": {}, "backward": {}}

    def through(self, blocks: Sequence[Block], flow: Flow, *, pairs: bool) -> tuple[Flow, Back]:
        """Return what comes out of blocks one after the other, and how gradients come back through them."""
        backs = []
        for place, block in enumerate(blocks):
            keep = pairs or any(map(reads_pairs, blocks[place:]))
            flow, back = self.one(block, flow, pairs=keep)
            backs.append(back)
        return flow, _in_turn(backs)

    def one(self, block: Block, flow: Flow, *, pairs: bool) -> tuple[Flow, Back]:
        """Return what comes out of one block, and how a gradient comes back through it."""
        if block.steps != (block,):
            return self.through(block.steps, flow, pairs=pairs)
        if block.paths:
            return self._sum(block, flow, pairs=pairs)
        return self._leaf(block, flow, pairs=pairs)

    def _leaf(self, block: Block, flow: Flow, *, pairs: bool) -> tuple[Flow, Back]:
        of = self._expectations(block, flow)
        lemmas, axes = _lemmas(block, flow.axes)
        here = tuple(int(a.size) for a in flow.axes[1:])
        there = tuple(int(a.size) for a in axes[1:])
        out = Shape(groups_of(lemmas["square"], int(axes[0].size), flow.state["square"]), there)
        state = self._forward(lemmas, flow.state, out, of, pairs=pairs and out.places > 1)

        def back(gradient: Numbers) -> Numbers:
            lemma = lemmas["gradient"]
            sources = {**flow.state, "gradient": gradient}
            read = [sources[name] for name in lemma.reads.values()]
            shape = Shape(groups_of(lemma, int(flow.axes[0].size), *read), here)
            return evaluate(lemma, sources, shape, of, self.values)

        gaussian = block.is_gaussian(incoming=flow.gaussian)
        return Flow(axes, state, gaussian, block.name), self._noted(lemmas["gradient"].derivation, back)

    def _expectations(self, block: Block, flow: Flow) -> Expectations | None:
        activation = getattr(block, "activation", None)
        if activation is None:
            return None
        if not flow.gaussian:
            raise InputError(_GAUSSIAN_FIRST.format(block.name, flow.source))
        return _expectations(activation)

    def _forward(
        self, lemmas: Lemmas, state: State, out: Shape, of: Expectations | None, *, pairs: bool
    ) -> dict[str, Numbers]:
        """Return mean, mean square and mean product behind a block; of pairs of places where those are wanted."""

        def found(name: str, **more: Any) -> Numbers:
            column = "product" if name == "product" else "forward"
            derivation = lemmas[name].derivation
            self.derivations[column][id(derivation)] = derivation
            return evaluate(lemmas[name], more.pop("state", state), out, of, self.values, **more)

        result = {name: found(name) for name in ("mean", "square")}
        if not pairs:
            return {**result, "product": found("product")}
        # Of one sample at two places, what is said of two samples holds, unless masks make a difference.
        one = {**state, **{n: state[n.replace("product", "square")] for n in state if n.endswith("product")}}
        beside = found("between", pairs=True) if "between" in lemmas else found("product", state=one, pairs=True)
        return {**result, "square": beside.with_diagonal(result["square"]), "product": found("product", pairs=True)}

    def _sum(self, block: Block, flow: Flow, *, pairs: bool) -> tuple[Flow, Back]:
        total: Flow | None = None
        backs: list[tuple[Back, Any]] = []
        for branch, factor in block.paths:
            out, back = self.through(branch.steps, flow, pairs=pairs)
            if total is None:
                total = out
                backs.append((back, None))
                continue
            if not branch.has_weights:
                raise InputError(_WEIGHTLESS.format(block, branch))
            lemmas = added(_signal(out.axes), factor, exact=_ends_in_weights(branch))
            state = {**total.state, **{f"branch {name}": numbers for name, numbers in out.state.items()}}
            shape = Shape(max(total.shape.groups, out.shape.groups), total.shape.positions)
            merged = self._forward(lemmas, state, shape, None, pairs=pairs and shape.places > 1)
            total = Flow(out.axes, merged, total.gaussian and out.gaussian, block.word)
            backs.append((back, lemmas["gradient"]))
        assert total is not None

        def through(gradient: Numbers) -> Numbers:
            found: Numbers | None = None
            for back, lemma in backs:
                mine = back(gradient)
                if found is None:
                    found = mine
                    continue
                self.derivations["backward"][id(lemma.derivation)] = lemma.derivation
                sources = {"gradient": found, "branch gradient": mine}
                groups = max(found.shape.groups, mine.shape.groups)
                found = evaluate(lemma, sources, Shape(groups, flow.shape.positions), None, self.values)
            assert found is not None
            return found

        return total, through

    def _noted(self, derivation: Derivation, back: Back) -> Back:
        def noted(gradient: Numbers) -> Numbers:
            self.derivations["backward"][id(derivation)] = derivation
            return back(gradient)

        return noted


def _in_turn(backs: Sequence[Back]) -> Back:
    def through(gradient: Numbers) -> Numbers:
        for back in reversed(backs):
            gradient = back(gradient)
        return gradient

    return through


@lru_cache(maxsize=512)
def reads_pairs(block: Block) -> bool:
    """Return whether a block has a part whose mean square reads pairs of places."""
    return isinstance(block, AveragePool) or any(map(reads_pairs, block.inside))


def _ends_in_weights(branch: Block) -> bool:
    """Return whether what comes out of a branch has mean zero given all before its last weights."""
    *_, last = branch.steps
    return last.has_weights and not last.inside


def _signal(axes: tuple[Axis, ...]) -> Signal:
    return Signal(Family("x", meaning="", extents=Extents(axes), layered=False, source=INPUT), axes)


@lru_cache(maxsize=1024)
def _lemmas(block: Block, axes: tuple[Axis, ...]) -> tuple[Lemmas, tuple[Axis, ...]]:
    """Return the lemmas of a block at a signal of these axes, and the axes of what comes out."""
    z = _signal(axes)
    return block.lemmas(z), block(z).axes


@lru_cache(maxsize=32)
def _expectations(activation: Activation) -> Expectations:
    return Expectations(activation)
