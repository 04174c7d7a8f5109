"""Wide networks at the edge of chaos: how the correlation of two inputs goes to 1, for smooth activations and kinks."""

from __future__ import annotations

from sympy import Derivative, Eq, Expr, Function, Sum, exp, log, pi, sqrt

from derive.hypotheses import Hypothesis, Kind, Property
from derive.indices import J
from derive.network import BIAS_VARIANCE, GAIN
from derive.proof.derivation import Derivation, Proof
from derive.rules import Integrate
from derive.rules.any_activation import (
    CORRELATION,
    CURVATURE_OF_F,
    GAP,
    KINKS,
    SLOPE_OF_F,
    SMOOTH_CURVATURE,
    THIRD_OF_F,
    TIME,
    F,
    KinkAt,
    SlopeJump,
    pair,
)
from derive.rules.asymptotics import LAYER
from derive.rules.decay import DecayOfRecursion, recursion_of
from derive.rules.given import PutIn
from derive.rules.mean_field import FullCorrelation, PriceDerivative
from derive.rules.near_one import (
    CollectPowers,
    ExpandNearOne,
    JointDensity,
    SingularPart,
    SplitKinks,
    TaylorRemainder,
    at_one,
)
from derive.rules.wide import Q, U, one_gaussian
from derive.setting import Setting
from derive.theorems.edge_of_chaos import FIXED_LENGTH
from derive.words import Words

SEQUENCE = Function("epsilon", positive=True)
NEXT_GAP = 1 - (GAIN * pair(F, F, 1 - GAP) + BIAS_VARIANCE) / Q
"""1 less the correlation one layer on, of two inputs with correlation 1 - epsilon."""

AT_EDGE = Hypothesis(
    "edge-of-chaos",
    Words("The network is at the edge of chaos: {}.", Eq(GAIN * one_gaussian(SLOPE_OF_F(U) ** 2), 1)),
    (),
    source="theorem edge-of-chaos",
)
SMOOTH = Hypothesis(
    "four-derivatives",
    Words(
        "The activation is not affine, and has four derivatives, with finite mean squares, {} among them; what is left "
        "out of the expansion needs the fourth.",
        one_gaussian(THIRD_OF_F(U) ** 2),
    ),
    (Property(Kind.SMOOTH, order=4),),
    source="Hayou, Doucet & Rousseau 2019, section 3",
)
KINKED = Hypothesis(
    "kinks",
    Words(
        "The activation is continuous, and smooth but for {} different kinks: at the point {} its slope jumps by {}. "
        "Between them its curvature {} is bounded by a polynomial.",
        KINKS,
        KinkAt(J),
        SlopeJump(J),
        SMOOTH_CURVATURE(U),
    ),
    (Property(Kind.KINKED), Property(Kind.SMOOTH, order=1)),
    source="Hayou, Doucet & Rousseau 2019, section 3 (ReLU-like activations)",
)
LAYER_BY_LAYER = Hypothesis(
    "layer-by-layer",
    Words(
        "The layers are wide: each applies the same correlation map, {}, and the two inputs start so similar that {} "
        "stays in the range of its expansion.",
        recursion_of(SEQUENCE, LAYER, NEXT_GAP, GAP),
        SEQUENCE(LAYER),
    ),
    (Property(Kind.ATTRACTED),),
    exact=False,
    source="Poole et al. 2016; Schoenholz et al. 2017",
    for_all=(LAYER,),
)
_FIXED = PutIn(((BIAS_VARIANCE, Q - GAIN * one_gaussian(F(U) ** 2)),))
_EDGE = PutIn(((one_gaussian(SLOPE_OF_F(U) ** 2), 1 / GAIN),))
_INTRO = (
    Words(
        "Two inputs with correlation {} have one layer on a correlation that is {} less than one.", 1 - GAP, NEXT_GAP
    ),
    Words("On the edge of chaos the slope of this map at {} is one: the next order decides.", GAP),
)
_SYMBOLS = (
    (F(U), Words("the activation function, at a pre-activation {}", U)),
    (SLOPE_OF_F(U), Words("its derivative")),
    (CURVATURE_OF_F(U), Words("its second derivative, with a delta at each kink")),
    (THIRD_OF_F(U), Words("its third derivative")),
    (SMOOTH_CURVATURE(U), Words("its second derivative between the kinks")),
    (KINKS, Words("the number of kinks")),
    (KinkAt(J), Words("where the kink {} is", J)),
    (SlopeJump(J), Words("the jump of the slope there")),
    (Q, Words("the variance of a pre-activation, at a fixed point of the length map")),
    (CORRELATION, Words("the correlation of the pre-activations of two inputs")),
    (GAP, Words("one less the correlation")),
    (TIME, Words("one less a correlation, under an integral")),
    (GAIN, Words("the variance of the weights times the fan-in")),
    (BIAS_VARIANCE, Words("the variance of the biases")),
    (SEQUENCE(LAYER), Words("one less the correlation at layer {}", LAYER)),
    (LAYER, Words("the layer")),
)


def slope_at_one(order: int, given: Hypothesis = SMOOTH) -> Derivation:
    """d^k/dc^k E[f(u) f(w)] = q^k E[f^(k)(u)^2] at correlation 1."""
    proof = Proof(Setting((given,)), at_one(order)).by(PriceDerivative(), FullCorrelation())
    return proof.done(f"correlation-derivative-{order}", f"Derivative {order} at full correlation", symbols=_SYMBOLS)


def curvature() -> Derivation:
    """d^2/dc^2 E[f(u) f(w)] = q^2 E[f''(u) f''(w)]."""
    proof = Proof(Setting((KINKED,)), Derivative(pair(F, F), CORRELATION, CORRELATION)).by(PriceDerivative())
    return proof.done("correlation-curvature", "The curvature of the correlation map", symbols=_SYMBOLS)


def smooth_map() -> Derivation:
    """The map epsilon' = epsilon - beta epsilon^2 + gamma epsilon^3, with beta = sigma_w^2 q E[f''^2]/2."""
    proof = Proof(Setting((FIXED_LENGTH, AT_EDGE, SMOOTH)), NEXT_GAP)
    proof.by(ExpandNearOne(tuple(map(slope_at_one, (1, 2, 3)))), FullCorrelation(), _FIXED, _EDGE)
    return proof.by(CollectPowers(GAP)).done("correlation-map-smooth", "The correlation map near one", symbols=_SYMBOLS)


def critical_correlation_smooth() -> Derivation:
    """epsilon_l ~ (1 - c log(l)/l)/(beta l), with beta = sigma_w^2 q E[f''^2]/2."""
    lemma = smooth_map()
    proof = Proof(Setting((FIXED_LENGTH, AT_EDGE, SMOOTH, LAYER_BY_LAYER)), SEQUENCE(LAYER))
    proof.by(DecayOfRecursion(lemma, SEQUENCE, GAP))
    return proof.done(
        "critical-correlation-smooth",
        "How the correlation goes to one at the edge of chaos, for a smooth activation",
        source="Schoenholz et al. 2017, section 3; Hayou, Doucet & Rousseau 2019",
        symbols=_SYMBOLS,
        intro=_INTRO,
        parts=(lemma,),
        remarks=(
            Words(
                "In place of a depth scale there is a power law: one less the correlation falls like one over the "
                "depth, and the correction shrinks like {}.",
                log(LAYER) / LAYER,
            ),
        ),
    )


def kinked_map() -> Derivation:
    """The map epsilon' = epsilon - beta epsilon^(3/2), with beta = (2/3) sigma_w^2 sqrt(q/pi) sum_j J_j^2 n_q(p_j)."""
    proof = Proof(Setting((FIXED_LENGTH, AT_EDGE, KINKED)), NEXT_GAP)
    proof.by(
        TaylorRemainder(slope_at_one(1, KINKED), curvature()), FullCorrelation(), _FIXED, _EDGE, CollectPowers(GAP)
    )
    proof.by(SplitKinks(), JointDensity(), SingularPart(), Integrate())
    return proof.done("correlation-map-kinked", "The correlation map near one, with kinks", symbols=_SYMBOLS)


def density_of_kinks() -> Expr:
    """Return sum_j J_j^2 n_q(p_j), with the density of a pre-activation at each kink."""
    return Sum(SlopeJump(J) ** 2 * exp(-(KinkAt(J) ** 2) / (2 * Q)), (J, 1, KINKS)) / sqrt(2 * pi * Q)


def critical_correlation_kinked() -> Derivation:
    """epsilon_l ~ 4/(beta l)^2, with beta = (2/3) sigma_w^2 sqrt(q/pi) sum_j J_j^2 n_q(p_j)."""
    lemma = kinked_map()
    proof = Proof(Setting((FIXED_LENGTH, AT_EDGE, KINKED, LAYER_BY_LAYER)), SEQUENCE(LAYER))
    proof.by(DecayOfRecursion(lemma, SEQUENCE, GAP))
    return proof.done(
        "critical-correlation-kinked",
        "How the correlation goes to one at the edge of chaos, for an activation with kinks",
        source="Hayou, Doucet & Rousseau 2019 (for ReLU)",
        symbols=_SYMBOLS,
        intro=_INTRO,
        parts=(lemma,),
        remarks=(
            Words(
                "Only {} matters, the squared jumps of the slope weighted by the density of the pre-activation: a "
                "kink decorrelates inputs faster than any curvature does, and the correlation goes to one like one "
                "over the square of the depth.",
                density_of_kinks(),
            ),
        ),
    )
