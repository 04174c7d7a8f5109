"""What theorems on blocks have in common: a signal that comes in, what averages are over, two samples, gradients."""

from __future__ import annotations

from sympy import Basic, Eq, Expr, Integer, Symbol, symbols

from derive.averages import Average, SharedVariance
from derive.blocks.signal import SAMPLE, UNIT, Axis, Drawn, Extents, Signal
from derive.hypotheses import FINITE_MOMENTS, Hypothesis, Kind, Property
from derive.kinds import definition
from derive.network import n
from derive.proof.derivation import Proof
from derive.proof.rule import Rule
from derive.randomness import BIASES, WEIGHTS, Family, Over
from derive.rules.wide import FIRST, SECOND, U
from derive.setting import Setting
from derive.theorems.layer_variance import BEFORE
from derive.theorems.sample_variance import BIAS_VARIANCE, GAIN
from derive.words import Words

OVER = Over("networks", (BEFORE, WEIGHTS, BIASES), "network")
"""The layers before a block, and the block's own weights and biases; the input is fixed."""
T, V, K, L = symbols("t u k l", integer=True)
"""Two samples; units behind a block, and before it."""
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


def signal(name: str, meaning: str, *, samples: bool = True) -> Signal:
    """Return what comes into a block, of n_0 units, for two samples or for one."""
    axes = (*((Axis(SAMPLE, Integer(2)),) if samples else ()), Axis(UNIT, n(0)))
    family = Family(name, meaning=meaning, extents=Extents(axes), layered=False, source=BEFORE)
    return Signal(family, axes, (Drawn(family),))


def proof(hypotheses: tuple[Hypothesis, ...], start: Basic, *rules: Rule, over: Over = OVER) -> Proof:
    """Return the proof by these rules from those of the hypotheses that they rest on."""
    setting = Setting((FINITE_MOMENTS, *hypotheses), over=over)
    used = frozenset[str]().union(*(step.uses for step in Proof(setting, start).by(*rules).steps))
    return Proof(setting.only(used), start).by(*rules)


def gain_defined(weights: Family, biases: Family | None = None, fan_in: Expr = n(0)) -> tuple[Hypothesis, ...]:
    """Return the definitions of the gain of some weights, and of the variance of the biases."""
    gain = Eq(GAIN, fan_in * SharedVariance(weights), evaluate=False)
    found = [definition("gain", Words("{} is the gain of the weights: {}.", GAIN, gain))]
    if biases is not None:
        spread = Eq(BIAS_VARIANCE, SharedVariance(biases), evaluate=False)
        found.append(definition("bias-variance", Words("{} is the variance of the biases: {}.", BIAS_VARIANCE, spread)))
    return tuple(found)


def gaussian(*families: Family) -> Hypothesis:
    """Return the hypothesis that pre-activations, of one sample or of two, are jointly Gaussian."""
    shown = " and ".join(["{}"] * len(families))
    return Hypothesis(
        "gaussian-pre-activations",
        Words(
            f"The layers before are wide: the pre-activations {shown} of samples are jointly Gaussian with mean zero.",
            *(y(*(T, L)[-len(y.extents(Integer(0))) :]) for y in families),
        ),
        tuple(
            Property(kind, y, licenses="->")
            for y in families
            for kind in (Kind.GAUSSIAN_LIMIT, Kind.JOINT_GAUSSIAN_LIMIT)
        ),
        exact=False,
        source="Neal 1996; Lee et al. 2018; Matthews et al. 2018",
    )


def alike(*values: tuple[Expr, Expr]) -> Hypothesis:
    """Return the hypothesis that moments, each given with its symbol, are the same for every unit."""
    shown = ", ".join(["{}"] * len(values))
    return Hypothesis(
        "units-alike-before",
        Words(f"Every unit {{}} has the same moments: {shown}.", L, *(Eq(*v, evaluate=False) for v in values)),
        (),
        for_all=(L,),
    )


def lengths(y: Family) -> tuple[tuple[Expr, Expr], ...]:
    """Return the mean squares of two samples and their mean product, each with its symbol."""
    one, other = y(T, L), y(V, L)
    return (Average(one**2, OVER), Q1), (Average(other**2, OVER), Q2), (Average(one * other, OVER), Q12)
