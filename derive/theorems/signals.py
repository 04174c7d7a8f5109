"""What theorems on blocks have in common: a signal that comes in, what averages are over, two samples, gradients."""

from __future__ import annotations

from sympy import Basic, Eq, Expr, Symbol, symbols

from derive.averages import Average, SharedVariance
from derive.blocks.lemmas import gradient_at, gradient_independence, incoming, place
from derive.blocks.signal import Signal
from derive.hypotheses import FINITE_MOMENTS, Hypothesis, Kind, Property
from derive.indices import K, L, T, V
from derive.kinds import definition
from derive.layers import Facts
from derive.network import BIAS_VARIANCE, GAIN, n
from derive.proof.derivation import Proof
from derive.proof.rule import Rule
from derive.randomness import BEFORE, BIASES, OUTPUT_GRADIENT, WEIGHTS, Family, Over
from derive.rules.wide import FIRST, SECOND, U
from derive.setting import Setting
from derive.words import Words

OVER = Over("networks", (BEFORE, WEIGHTS, BIASES), "network")
"""The layers before a block, and the block's own weights and biases; the input is fixed."""
OVER_ALL = Over("networks and output gradients", (BEFORE, WEIGHTS, BIASES, OUTPUT_GRADIENT))
"""With the gradient that comes back to what comes out of the block."""
ANYWHERE = Facts()
Q1, Q2 = symbols("q_1 q_2", positive=True)
Q12 = Symbol("q_12", real=True)
"""The mean squares of the pre-activations of two samples, and their mean product."""

TWO_SAMPLES = (
    (T, Words("a sample")),
    (V, Words("another sample, or the same one")),
)
GAINS = ((GAIN, Words("the gain of the weights")), (BIAS_VARIANCE, Words("the variance of the biases")))
PAIR = (
    (FIRST, Words("the pre-activation of one sample")),
    (SECOND, Words("that of the other, in the same network")),
)
ONE = ((U, Words("a pre-activation")),)


def signal(name: str, meaning: str, *, positions: int = 0, groups: int = 1) -> Signal:
    """Return what comes into a block, for two samples: n_0 units, or n_0 channels a group at T (times T') positions."""
    return incoming(positions, name=name, meaning=meaning, groups=groups)


def proof(
    hypotheses: tuple[Hypothesis, ...],
    start: Basic,
    *rules: Rule,
    over: Over = OVER,
    apart: tuple[Expr, ...] = (),
    facts: Facts = ANYWHERE,
) -> Proof:
    """Return the proof by these rules from those of the hypotheses that they rest on, and from what names things.

    ``apart`` are two samples that are not the same.
    """
    setting = Setting((FINITE_MOMENTS, *hypotheses), facts, over)
    setting = setting.with_distinct(*apart) if apart else setting
    used = {key for step in Proof(setting, start).by(*rules).steps for key in step.uses}
    named = {h.key for h in hypotheses if h.declares(Kind.DEFINITION) and not h.equations}
    return Proof(setting.only(frozenset(used | named)), start).by(*rules)


def gain_defined(weights: Family, biases: Family | None = None) -> tuple[Hypothesis, ...]:
    """Return the definitions of the gain of some weights, and of the variance of the biases."""
    gain = Eq(GAIN, n(0) * SharedVariance(weights), evaluate=False)
    found = [definition("gain", Words("{} is the gain of the weights: {}.", GAIN, gain))]
    if biases is not None:
        spread = Eq(BIAS_VARIANCE, SharedVariance(biases), evaluate=False)
        found.append(definition("bias-variance", Words("{} is the variance of the biases: {}.", BIAS_VARIANCE, spread)))
    return tuple(found)


def gaussian(y: Family) -> Hypothesis:
    """Return the hypothesis that values, of one sample or of two, are jointly Gaussian."""
    return Hypothesis(
        f"gaussian-{y.name}",
        Words(
            "The layers are wide: the values {} of two samples, {} and {}, are jointly Gaussian with mean zero.",
            y(T, L),
            T,
            V,
        ),
        tuple(Property(kind, y, licenses="->") for kind in (Kind.GAUSSIAN_LIMIT, Kind.JOINT_GAUSSIAN_LIMIT)),
        exact=False,
        source="Neal 1996; Lee et al. 2018; Matthews et al. 2018",
    )


def alike(key: str, *values: tuple[Expr, Expr], unit: Expr = L) -> Hypothesis:
    """Return the hypothesis that moments, each given with its symbol, are the same for every unit."""
    shown = ", ".join(["{}"] * len(values))
    return Hypothesis(
        key,
        Words(f"Every unit {{}} has the same moments: {shown}.", unit, *(Eq(*v, evaluate=False) for v in values)),
        (),
        for_all=(unit,),
    )


def lengths(y: Family, unit: Expr = L) -> tuple[tuple[Expr, Expr], ...]:
    """Return the mean squares of two samples and their mean product, each with its symbol."""
    one, other = y(T, unit), y(V, unit)
    return (Average(one**2, OVER), Q1), (Average(other**2, OVER), Q2), (Average(one * other, OVER), Q12)


def coming_back(out: Signal, which: str = "gradient", name: str = "g") -> tuple[Family, tuple[Hypothesis, ...]]:
    """Return the gradient of the cost at what comes out for one sample, and what is assumed of it.

    ``which`` begins the keys of the hypotheses.
    """
    g = gradient_at(out, T, name=name)
    at = g(*(K, *place(0, out.positions)))
    centred = Hypothesis(
        f"{which}-zero-mean",
        Words("The gradients {} have mean zero and one variance, {}.", at, SharedVariance(g)),
        (Property(Kind.ZERO_MEAN, g), Property(Kind.SHARED_VARIANCE, g)),
    )
    return g, (gradient_independence(out, g, which), centred)
