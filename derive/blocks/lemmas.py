"""The lemmas of blocks: how mean, mean square, mean product of two samples and gradient come through one block.

Each is derived once for a kind of block, from the block's own definition at a generic signal of symbolic sizes. What
the symbols are in one network is said beside it, by ``given``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sympy import Basic, Expr, Integer, Mul, Sum, Symbol, symbols, sympify

from derive.averages import Average, SharedVariance
from derive.blocks.block import Block
from derive.blocks.dropout import MASKS
from derive.blocks.signal import CHANNEL, POSITIONS, SAMPLE, UNIT, Axis, Drawn, Extents, Signal
from derive.hypotheses import FINITE_MOMENTS
from derive.indices import PLACES, K, T, V
from derive.kinds import Hypothesis, Kind, Property, definition
from derive.layers import Facts
from derive.network import Partial, n
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule
from derive.randomness import BEFORE, BIASES, OUTPUT_GRADIENT, WEIGHTS, Entry, Family, Over, Source
from derive.setting import Setting
from derive.words import Words

OVER = Over("networks", (BEFORE, WEIGHTS, BIASES, MASKS, OUTPUT_GRADIENT), "network")
"""Over networks: all weights and biases, with masks, inputs and the gradient that comes back."""

BRANCH = "r"
FIRST, SECOND, UNIT_INDEX = T, V, K
"""Two samples, and a unit."""
SIZES = tuple(Symbol(name, integer=True, positive=True) for name in ("T", "T'"))
"""How many places there are along both axes of positions."""


@dataclass(frozen=True)
class Lemma:
    """What one number of a signal's state is behind a block.

    The result of ``derivation`` is the number. ``reads`` says what each mean in it is called in a state: ``mean``,
    ``square``, ``product`` (of two samples) or ``gradient``, and ``branch mean``, ... of a branch that is added.
    ``given`` are the values of the derivation's sizes and parameters for one block.
    """

    derivation: Derivation
    reads: Mapping[Basic, str] = field(default_factory=dict)
    given: Mapping[Basic, Expr] = field(default_factory=dict)


Lemmas = Mapping[str, Lemma]


def incoming(
    positions: int,
    *,
    name: str = "z",
    samples: bool = True,
    meaning: str = "the signal that comes in",
    window: int = 1,
    groups: int = 1,
    count: Expr | int = 2,
) -> Signal:
    """Return a signal of n_0 units, or n_0 channels a group at T (times T') windows, for one sample or ``count``."""
    sizes = (groups * n(0), *(window * size for size in SIZES[:positions]))
    names = (CHANNEL, *POSITIONS[:positions]) if positions else (UNIT,)
    axes = tuple(Axis(*axis) for axis in zip(names, sizes, strict=True))
    axes = (Axis(SAMPLE, sympify(count)), *axes) if samples else axes
    family = Family(name, meaning=meaning, extents=Extents(axes), layered=False, source=BEFORE)
    return Signal(family, axes, (Drawn(family),))


def place(which: int, positions: tuple[Axis, ...]) -> tuple[Expr, ...]:
    """Return the indices of the first or the second place that a lemma is about; the only one is 1."""
    return tuple(Integer(1) if p.size == 1 else axis[which] for p, axis in zip(positions, PLACES, strict=False))


def into(block: Callable[[Signal], Signal], positions: int, *, samples: bool = True) -> Signal:
    """Return a generic signal that fits a block: whole windows, where it has some."""
    return incoming(positions, samples=samples, window=getattr(block, "window", None) or 1)


def _inside(indices: tuple[Expr, ...], axes: tuple[Axis, ...]) -> tuple[Expr, ...]:
    """Return what is not negative where indices are places on these axes."""
    pairs = ((index, axis.size) for index, axis in zip(indices, axes, strict=True) if index.free_symbols)
    return tuple(e for index, size in pairs for e in (size - index, index - 1))


def moments(
    block: Callable[[Signal], Signal],
    positions: int,
    mean: tuple[Rule, ...],
    second: tuple[Rule, ...],
    *assumed: Hypothesis,
    word: str | None = None,
    **others: tuple[Rule, ...],
) -> dict[str, Lemma]:
    """Return the lemmas on mean, mean square and mean product of two samples, at one place or at two.

    ``product`` and ``between`` are rules of their own: for two samples, and for one sample at two places.
    """
    out, word = block(into(block, positions)), word or getattr(block, "word", "")
    y, (here, there) = out.family, (place(which, out.positions) for which in (0, 1))
    one, other = y(FIRST, UNIT_INDEX, *here), y(SECOND, UNIT_INDEX, *there)
    facts = Facts((*_inside(here, out.positions), *_inside(there, out.positions)))
    setting = Setting((FINITE_MOMENTS, *out.assumed, *assumed), facts, OVER)
    starts = {"mean": (one, mean), "square": (one**2, second), "product": (one * other, second)}
    settings = {}
    if "product" in others:
        settings["product"] = setting.with_distinct(FIRST, SECOND)
    if "between" in others and here:
        settings["between"] = setting.with_distinct(here[0], there[0])
        starts["between"] = (one * y(FIRST, UNIT_INDEX, *there), ())
    return {
        name: made(
            settings.get(name, setting),
            Average(start, OVER),
            others.get(name, rules),
            f"{word}-{name}",
            f"{TITLES[name]} behind {word}",
        )
        for name, (start, rules) in starts.items()
    }


def gradient(block: Block, positions: int, rules: tuple[Rule, ...], *assumed: Hypothesis) -> Lemma:
    """Return the lemma on the mean square of the gradient at what comes in, from that at what comes out.

    The cost is replaced by its linear part, sum_k g_k y_k, whose gradient is the chain rule's.
    """
    z = into(block, positions, samples=False)
    out = block(z)
    g = gradient_at(out)
    here = place(0, z.positions)
    facts = Facts(_inside(here, z.positions))
    setting = Setting((FINITE_MOMENTS, *out.assumed, gradient_independence(out, g), *assumed), facts, OVER)
    start = Average(passed_back(out, g, z.family(UNIT_INDEX, *here)) ** 2, OVER)
    return made(setting, start, rules, f"{block.word}-gradient", f"The gradient in front of {block.word}")


def gradient_at(out: Signal, *sample: Expr, name: str = "g") -> Family:
    """Return the gradient of the cost at what comes out of a block, of one sample where it is given."""
    meaning = "the gradient of the cost at what comes out"
    return Family(
        name,
        meaning=Words(f"{meaning} for the sample {{}}", *sample) if sample else meaning,
        extents=Extents(_of_one_sample(out)),
        layered=False,
        source=OUTPUT_GRADIENT,
    )


def passed_back(out: Signal, g: Family, to: Entry, *sample: Expr) -> Partial:
    """Return the gradient at a scalar that goes into a block: the derivative of the cost's linear part, sum g y."""
    axes = _of_one_sample(out)
    indices = symbols("j q q'", integer=True)[: len(axes)]
    limits = ((index, Integer(1), axis.size) for index, axis in zip(indices, axes, strict=True))
    return Partial(Sum(g(*indices) * out.family(*sample, *indices), *limits), to)


def _of_one_sample(out: Signal) -> tuple[Axis, ...]:
    return tuple(axis for axis in out.axes if axis.name != SAMPLE)


def gradient_independence(out: Signal, g: Family, which: str = "gradient") -> Hypothesis:
    """Return the hypothesis that gradients that come back are independent of all that went forward.

    ``which`` begins its key.
    """
    return Hypothesis(
        f"{which}-independence",
        Words(
            "The layers are wide: the gradients {} that come back are independent of the weights and of all that went "
            "forward, together, as if the backward pass had weights of its own.",
            g(*(UNIT_INDEX, *place(0, _of_one_sample(out)[1:]))),
        ),
        (Property(Kind.INDEPENDENT_OF, g, *(drawn.family for drawn in out.drawn)),),
        exact=False,
        source="Schoenholz et al. 2017, section 4; Yang 2020, Tensor Programs II",
    )


def made(setting: Setting, start: Expr, rules: tuple[Rule, ...], name: str, title: str) -> Lemma:
    """Return the lemma that the rules derive."""
    derivation = derived(setting, start, rules, name, title)
    return Lemma(derivation, reads(derivation.result))


def derived(setting: Setting, start: Expr, rules: tuple[Rule, ...], name: str, title: str) -> Derivation:
    """Return the derivation by the rules, with what the symbols in it mean."""
    occurring = start.free_symbols.union(*(e.definition.free_symbols for e in start.atoms(Entry) if e.definition))
    named = (h for symbol, h in _NAMED.items() if symbol in occurring)
    return Proof(setting.assuming(*named), start).by(*rules).done(name, title)


def reads(result: Expr) -> dict[Basic, str]:
    """Return the means of the signal before that a result has, with the names that they have in a state."""
    return {node: name_of(node) for node in sorted(result.atoms(Average), key=str)}


def name_of(node: Average) -> str:
    """Return what a mean is called in a state; that of a branch with the word before it."""
    factors = [f.as_base_exp() for f in Mul.make_args(node.inside[0])]
    (entry, power), *others = factors
    which = "branch " if entry.family.name == BRANCH else ""
    if entry.family.source == OUTPUT_GRADIENT:
        return f"{which}gradient"
    if not others and power == 1:
        return f"{which}mean"
    return (
        f"{which}product" if {entry.units[0], *(e.units[0] for e, _ in others)} == {FIRST, SECOND} else f"{which}square"
    )


def known(lemmas: Lemmas, sizes: Mapping[Basic, Expr], variances: Mapping[Source, Expr]) -> Lemmas:
    """Return lemmas with the sizes and variances of one block."""
    return {
        name: replace(
            lemma,
            given={
                **sizes,
                **{v: variances[v.family.source] for v in lemma.derivation.result.atoms(SharedVariance)},
            },
        )
        for name, lemma in lemmas.items()
    }


TITLES = {
    "mean": "The mean",
    "square": "The mean square",
    "product": "The mean product of two samples",
    "between": "The mean product of two places",
}
FACTOR = Symbol("alpha", real=True)
RATE = Symbol("p_drop", nonnegative=True)
EPSILON = Symbol("epsilon", nonnegative=True)
BATCH = Symbol("B", integer=True, positive=True)
EPSILON_ADDED = definition("epsilon", Words("{} is what a normalisation adds to the variance.", EPSILON))
BATCH_SIZE = definition("batch-size", Words("{} is the number of samples of a batch.", BATCH))
_NAMED = {
    FACTOR: definition("factor", Words("{} is a constant.", FACTOR)),
    EPSILON: EPSILON_ADDED,
    BATCH: BATCH_SIZE,
    RATE: definition("drop-rate", Words("{} is the probability with which a unit is dropped.", RATE)),
    **{
        size: definition(f"{axis}s", Words(f"A channel has {{}} {axis}s.", size))
        for axis, size in zip(POSITIONS, SIZES, strict=True)
    },
}
"""What symbols of blocks mean."""
