"""Wide networks with any activation: slope of the correlation map, edge of chaos, depth scale."""

from __future__ import annotations

from sympy import Derivative, Eq, Function, Symbol

from derive.hypotheses import Hypothesis, Kind, Property
from derive.network import BIAS_VARIANCE, GAIN
from derive.proof.derivation import Derivation, Proof
from derive.rules.any_activation import CORRELATION, SLOPE_OF_F, F, pair
from derive.rules.given import PutIn
from derive.rules.mean_field import DivideByMeanSquare, FullCorrelation, GeometricDecay, PriceDerivative, unit
from derive.rules.wide import Q, U, one_gaussian
from derive.setting import Setting
from derive.words import Words

CHI = Symbol("chi", positive=True)
LAYER = Symbol("l", integer=True, nonnegative=True)
GAP = Function("epsilon", positive=True)
SLOPE = one_gaussian(SLOPE_OF_F(U) ** 2)
"""E[f'(u)^2] for u ~ N(0, q)."""

NOTATION = (
    (F(U), Words("the activation function, at a pre-activation {}", U)),
    (SLOPE_OF_F(U), Words("its derivative")),
    (Q, Words("the variance of a pre-activation, at a fixed point of the length map")),
    (CORRELATION, Words("the correlation of the pre-activations of two inputs")),
    (GAIN, Words("the variance of the weights times the fan-in")),
    (BIAS_VARIANCE, Words("the variance of the biases")),
    (GAP(LAYER), Words("the distance to the fixed point at layer {}", LAYER)),
    (CHI, Words("the slope of the map at the fixed point")),
)
FIXED_LENGTH = Hypothesis(
    "fixed-length",
    Words(
        "The variance {} of a pre-activation stays: {}.",
        Q,
        Eq(GAIN * one_gaussian(F(U) ** 2) + BIAS_VARIANCE, Q),
    ),
    (),
    source="Poole et al. 2016, section 3",
)
NOT_CONSTANT = Hypothesis(
    "activation-not-constant",
    Words("The activation is not constant, so that {} is positive.", SLOPE),
    (Property(Kind.NOT_CONSTANT),),
)
SLOPE_EXISTS = Hypothesis(
    "one-derivative",
    Words(
        "The activation has a derivative (kinks do not matter, jumps do), and {} and {} are finite.",
        one_gaussian(F(U) ** 2),
        SLOPE,
    ),
    (Property(Kind.SMOOTH, order=1),),
    source="Poole et al. 2016, section 3",
)
RECURSION = Eq(GAP(LAYER + 1), CHI * GAP(LAYER))
LINEARISED = Hypothesis(
    "linearised",
    Words(
        "The distance {} to the fixed point is small: the map is its derivative there, {}, {}.",
        GAP(LAYER),
        CHI,
        RECURSION,
    ),
    (),
    exact=False,
    source="Schoenholz et al. 2017, section 3",
    for_all=(LAYER,),
)


def correlation_map_slope() -> Derivation:
    """C'(1) = sigma_w^2 E[f'(u)^2] = chi_perp, at a fixed point q of the length map."""
    correlation_map = (GAIN * pair(F, F) + BIAS_VARIANCE) / (GAIN * one_gaussian(F(U) ** 2) + BIAS_VARIANCE)
    proof = Proof(Setting((FIXED_LENGTH, SLOPE_EXISTS)), Derivative(correlation_map, CORRELATION))
    proof.by(PriceDerivative(), PutIn(((BIAS_VARIANCE, Q - GAIN * one_gaussian(F(U) ** 2)),)))
    general = proof.done("correlation-map-derivative", "The slope of the correlation map anywhere")
    at_one = Proof(Setting((SLOPE_EXISTS,)), general.result.subs(CORRELATION, 1)).by(FullCorrelation())
    return at_one.done(
        "correlation-map-slope",
        "The slope of the correlation map at correlation one",
        source="Poole et al. 2016, equation 6; Schoenholz et al. 2017, equation 6",
        parts=(general,),
        symbols=NOTATION,
        intro=(
            Words(
                "Two inputs with equal lengths {} and correlation {} have the correlation {} one layer on.",
                Q,
                CORRELATION,
                correlation_map,
            ),
        ),
    )


def edge_of_chaos() -> Derivation:
    """chi_perp = 1 <=> sigma_w^2 = 1/E[f'(u)^2]."""
    setting = Setting((NOT_CONSTANT, SLOPE_EXISTS))
    proof = Proof(setting, unit(correlation_map_slope().result)).by(DivideByMeanSquare())
    return proof.done(
        "edge-of-chaos",
        "Where order turns into chaos",
        symbols=NOTATION,
        source="Poole et al. 2016; Schoenholz et al. 2017",
        remarks=(
            Words(
                "Where the slope {} is below one, equal inputs attract each other (order); above one they repel "
                "(chaos). At a fixed point {} of the length map the two meet here.",
                correlation_map_slope().result,
                Q,
            ),
        ),
    )


def depth_scale() -> Derivation:
    """epsilon_l = epsilon_0 exp(-l/xi) with xi = -1/log chi."""
    proof = Proof(Setting((LINEARISED,)), GAP(LAYER)).by(GeometricDecay(CHI, LAYER))
    return proof.done(
        "depth-scale",
        "How deep a signal reaches",
        symbols=NOTATION,
        source="Schoenholz et al. 2017, equations 7 to 9",
        intro=(
            Words(
                "Near a fixed point the distance {} is multiplied by the slope of the map, {}, at every layer.",
                GAP(LAYER),
                CHI,
            ),
        ),
    )
