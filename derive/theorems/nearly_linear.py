"""A smooth activation near zero: length and correlation to the next order, and how long a network stays linear."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Expr, Integer, Symbol, diff, factor, simplify, tanh

from derive.hypotheses import Hypothesis
from derive.network import BIAS_VARIANCE, DERIVATIVES, GAIN
from derive.proof.derivation import Derivation, Proof
from derive.rules.any_activation import CORRELATION, CURVATURE_OF_F, SLOPE_OF_F, THIRD_OF_F, F, pair
from derive.rules.asymptotics import LAYER
from derive.rules.decay import recursion_of
from derive.rules.given import PutIn
from derive.rules.near_one import CollectPowers
from derive.rules.near_zero import ExpandInVariance, IterateNearZero
from derive.rules.wide import Q, U
from derive.setting import Setting
from derive.theorems.critical_length import LENGTH, NEXT_LENGTH, NO_BIAS, SMOOTH_AT_ZERO
from derive.words import Words

FOLLOWS = Hypothesis(
    "nearly-linear-layers",
    Words(
        "The layers are wide, and each applies the same length map, {}, from a small length {} on.",
        recursion_of(LENGTH, LAYER, NEXT_LENGTH, Q),
        Eq(LENGTH(0), Q, evaluate=False),
    ),
    (),
    exact=False,
    source="Poole et al. 2016",
    for_all=(LAYER,),
)
_AT_ORIGIN = PutIn(((F(0), Integer(0)), (BIAS_VARIANCE, Integer(0))))
_SETTING = Setting((NO_BIAS, SMOOTH_AT_ZERO))
_SYMBOLS = (
    (F(U), Words("the activation function, at a pre-activation {}", U)),
    (SLOPE_OF_F(0), Words("its slope at zero")),
    (CURVATURE_OF_F(0), Words("its second derivative there")),
    (THIRD_OF_F(0), Words("its third")),
    (Q, Words("the variance of a pre-activation")),
    (GAIN, Words("the variance of the weights times the fan-in")),
    (CORRELATION, Words("the correlation of the pre-activations of two inputs")),
)
_TURN = GAIN * pair(F, F) + BIAS_VARIANCE - CORRELATION * NEXT_LENGTH
"""The next covariance less the correlation times the next length: the length times how much the correlation changes."""


def length_near_zero() -> Derivation:
    """The map q' ~ sigma_w^2 f'(0)^2 q + sigma_w^2 (f'(0) f'''(0) + 3 f''(0)^2/4) q^2."""
    proof = Proof(_SETTING, NEXT_LENGTH).by(ExpandInVariance(Q, 3), _AT_ORIGIN, CollectPowers(Q))
    return proof.done("nearly-linear-length", "The length map to the next order", symbols=_SYMBOLS)


def correlation_near_zero() -> Derivation:
    """Q' (c' - c) ~ sigma_w^2 f''(0)^2/4 (1 - c) (1 - 2 c) q^2, for the correlation map c'."""
    proof = Proof(_SETTING, _TURN).by(ExpandInVariance(Q, 3), _AT_ORIGIN, CollectPowers(Q))
    return proof.done(
        "nearly-linear-correlation", "How a layer changes a correlation, times the next length", symbols=_SYMBOLS
    )


def nearly_linear() -> Derivation:
    """q_l ~ a^l q + b a^(l - 1) q^2 sum_{k<l} a^k, with a = sigma_w^2 f'(0)^2 and b from the next order."""
    lemma, correlation = length_near_zero(), correlation_near_zero()
    proof = Proof(_SETTING.assuming(FOLLOWS), LENGTH(LAYER)).by(IterateNearZero(lemma, LENGTH, Q))
    return replace(
        proof.done(
            "nearly-linear",
            "How the length of a small signal leaves that of the linear network, layer by layer",
            symbols=(*_SYMBOLS, (LENGTH(LAYER), Words("the variance of a pre-activation at layer {}", LAYER))),
            source="derived here",
        ),
        parts=(lemma, correlation),
        remarks=_remarks(proof.now, lemma.result, correlation.result),
    )


def _remarks(length: Expr, one_layer: Expr, turn: Expr) -> tuple[Words, ...]:
    z, off = Symbol("z", real=True), Symbol("delta", positive=True)
    critical = simplify(length.subs(GAIN, 1 / SLOPE_OF_F(0) ** 2).doit())
    at_zero = {f(0): tanh(z).diff(z, k).subs(z, 0) for k, f in enumerate(DERIVATIVES)}
    of_tanh = critical.xreplace(at_zero)
    per_layer = factor((1 - of_tanh / Q) / LAYER)
    change = factor(turn / (one_layer.coeff(Q) * Q))
    slope = 1 + factor(diff(change, CORRELATION).subs(CORRELATION, 1))
    return (
        Words(
            "Where the linear network keeps its length, {}, it is {}; for tanh {}: a tanh network of small lengths is "
            "as good as linear, up to a share {} of its length, for {} layers.",
            Eq(GAIN * SLOPE_OF_F(0) ** 2, 1),
            critical,
            of_tanh,
            off,
            off / per_layer,
        ),
        Words(
            "A correlation {} changes by {} a layer, to this order, and the slope of its map at {} is {}. Of an odd "
            "activation such as tanh neither changes at this order.",
            CORRELATION,
            change,
            Eq(CORRELATION, 1),
            slope,
        ),
    )
