"""He-initialised (leaky) ReLU networks: the variance over samples decreases to zero, and how fast."""

from __future__ import annotations

from functools import cache

from sympy import Eq, Expr, Gt, Integer, log, simplify, solve, sqrt

from derive.hypotheses import Hypothesis, Kind, MadeHypothesis, Property
from derive.network import BIAS_VARIANCE, GAIN, SLOPE
from derive.proof.derivation import Derivation, Proof
from derive.rules import ByLemma
from derive.rules.asymptotics import LAYER, SMALL, LocalExpansion, Positive, SimplifySides, U
from derive.rules.decay import DecayOfRecursion, recursion_of
from derive.rules.given import PutIn
from derive.rules.wide import M, Q, V
from derive.setting import Setting
from derive.theorems.sample_variance import FUNCTION_DEFINED, RATIO_DEFINED, SYMBOLS, sample_variance_stable
from derive.words import Words

HE_GAIN = 2 / (1 + SLOPE**2)
HE = Hypothesis(
    "he-gain",
    Words(
        "He's gain, {}, without biases, {}; then {} does not change with depth.",
        Eq(GAIN, HE_GAIN),
        Eq(BIAS_VARIANCE, 0),
        Eq(Q, M**2 + V**2),
    ),
    (),
    source="He et al. 2015, equation 15; theorem network-variance",
)
_HE = PutIn(((GAIN, HE_GAIN), (BIAS_VARIANCE, Integer(0))))


def decrease(stable: Derivation) -> Derivation:
    """v^2 - v'^2 > 0 for every slope but 1."""
    setting = Setting((*stable.setting.hypotheses, HE))
    proof = Proof(setting, Gt(V**2, stable.statement.lhs, evaluate=False))
    proof.by(ByLemma(stable), _HE, SimplifySides(), Positive())
    return proof.done(
        "sample-variance-decreases",
        "The variance over samples decreases at every layer",
        remarks=(
            Words(
                "The condition holds for every slope {} but 1, the linear network. A decreasing sequence of positive "
                "numbers has a limit, and the map leaves only zero fixed: the limit is zero.",
                SLOPE,
            ),
        ),
    )


def local_map(stable: Derivation) -> Derivation:
    """U' = u - A u^2 - B u^3 + ..., with u = v/sqrt(2 q), A = 2 (1 - a)^2/(3 pi (1 + a^2)), B = A^2/2."""
    proof = Proof(Setting((HE, FUNCTION_DEFINED)), next_fluctuation(stable)).by(_HE, LocalExpansion(SMALL, 4))
    return proof.done("local-map", "The map for small fluctuations, in units of the conserved second moment")


def next_fluctuation(stable: Derivation) -> Expr:
    """Return u one layer on, from u = v/sqrt(2 q): v'/v is a function of T, in which q = m^2 + v^2 gives m."""
    (ratio,) = RATIO_DEFINED.equations
    (mean_square,) = {m for e in HE.equations if e.has(M) for m in solve(e, M**2)}
    value = ratio.rhs.subs(M**2, mean_square).subs(V, sqrt(2 * Q) * SMALL)
    return SMALL * sqrt((stable.result / V**2).subs(ratio.lhs, simplify(value)))


def follows(stable: Derivation) -> Hypothesis:
    """Return the hypothesis that the fluctuation is mapped from layer to layer by what a theorem derives."""
    return Hypothesis(
        "layer-by-layer-fluctuation",
        Words(
            "The layers are wide: {}, the standard deviation over samples at layer {} in units of {}, follows {}, and "
            "{} starts small.",
            U(LAYER),
            LAYER,
            sqrt(2 * Q),
            recursion_of(U, LAYER, next_fluctuation(stable), SMALL),
            U(LAYER),
        ),
        (Property(Kind.ATTRACTED),),
        exact=False,
        source="theorem sample-variance-stable",
        for_all=(LAYER,),
    )


MADE_HYPOTHESES = (
    MadeHypothesis(
        "layer-by-layer-fluctuation",
        Words("The layers are wide: a layer's fluctuation follows from that of the layer before, and starts small."),
        "theorem sample-variance-stable",
        lambda: follows(sample_variance_stable()),
    ),
)
"""Hypotheses of this file that rest on what a theorem derives."""


@cache
def sample_variance_decay() -> Derivation:
    """v_l^2 ~ 2 q/(A l)^2 (1 - c log(l)/l)^2 with A = 2 (1 - a)^2/(3 pi (1 + a^2)) and c = 3/2."""
    stable = sample_variance_stable()
    expansion = local_map(stable)
    setting = Setting((HE, FUNCTION_DEFINED, follows(stable)))
    proof = Proof(setting, 2 * Q * U(LAYER) ** 2).by(DecayOfRecursion(expansion))
    return proof.done(
        "sample-variance-decay",
        "How the variance over samples decays with depth",
        symbols=(
            *SYMBOLS,
            (Q, Words("the second moment of a pre-activation, {}", M**2 + V**2)),
            (LAYER, Words("the layer")),
        ),
        source="The post of 2020-02-18 shows it; the rate is derived here",
        parts=(decrease(stable), expansion),
        intro=(
            Words(
                "Measure the fluctuation by {} = {}: then {} is the variance over samples at layer {}.",
                U(LAYER),
                V / sqrt(2 * Q),
                2 * Q * U(LAYER) ** 2,
                LAYER,
            ),
        ),
        remarks=(
            Words(
                "The variance falls like one over the square of the depth, slowed by a logarithm: the correction "
                "shrinks like {}.",
                log(LAYER) / LAYER,
            ),
        ),
    )
