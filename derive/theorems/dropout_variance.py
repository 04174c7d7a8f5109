"""Inverted dropout, y = D z: moments forward, the gradient back, and the end of the critical point."""

from __future__ import annotations

from sympy import Eq, Expr, Gt

from derive.averages import Average, Variance
from derive.blocks import Dense, Dropout, Elementwise, Serial
from derive.blocks.dropout import MASKS
from derive.blocks.lemmas import RATE, passed_back
from derive.blocks.lemmas_linear import SECOND_MOMENT_OF_WEIGHTED
from derive.blocks.lemmas_other import MASKED
from derive.gaussian import GaussianExpectation
from derive.hypotheses import Hypothesis, MadeHypothesis
from derive.indices import K, L, T, V
from derive.network import BIAS_VARIANCE, GAIN, n
from derive.proof.derivation import Derivation, Proof
from derive.randomness import BEFORE, BIASES, OUTPUT_GRADIENT, WEIGHTS, Over
from derive.rules import ContractDelta, Define, Differentiate, EqualTerms, VarianceDefinition
from derive.rules.any_activation import CORRELATION, W
from derive.rules.bounds import AgainstZero, DropPositive
from derive.rules.given import PutIn, Rename
from derive.rules.mean_field import FullCorrelation
from derive.rules.weights import CentredSquare
from derive.rules.wide import FIRST, SECOND, GaussianLimit, Q, U
from derive.setting import Setting
from derive.theorems.edge_of_chaos import SLOPE_EXISTS
from derive.theorems.signals import (
    GAINS,
    ONE,
    PAIR,
    TWO_SAMPLES,
    alike,
    coming_back,
    gain_defined,
    gaussian,
    proof,
    signal,
)
from derive.words import Words

OVER = Over("networks and masks", (BEFORE, WEIGHTS, BIASES, MASKS, OUTPUT_GRADIENT))
_NOTATION = (
    *TWO_SAMPLES,
    *ONE,
    *PAIR,
    (W, Words("the pre-activation of the other sample")),
    *GAINS,
    (Q, Words("the variance of a pre-activation")),
    (CORRELATION, Words("the correlation of the pre-activations of two samples")),
)
_SOURCE = "Schoenholz et al. 2017, section 5"

_IN = signal("z", "the values that dropout is applied to")
_OUT = Dropout(RATE)(_IN)
_Z, _Y = _IN.family, _OUT.family
_G, _COMING = coming_back(_OUT)
_SPLIT = (Define(_Y), *MASKED)


def dropout_variance() -> Derivation:
    """E[y_tk^2] = E[z_tk^2]/(1 - p), with a mask of its own for every unit of every sample."""
    return proof(_OUT.assumed, Average(_Y(T, K) ** 2, OVER), *_SPLIT, over=OVER).done(
        "dropout-variance",
        "The mean square behind dropout",
        symbols=TWO_SAMPLES,
        source="Schoenholz et al. 2017, section 5",
        parts=(dropout_mean(), dropout_covariance(), dropout_spread(), dropout_gradient(), *correlation()),
    )


def dropout_mean() -> Derivation:
    """E[y_tk] = E[z_tk]"""
    made = proof(_OUT.assumed, Average(_Y(T, K), OVER), *_SPLIT, over=OVER)
    return made.done("dropout-mean", "Inverted dropout keeps the mean", symbols=TWO_SAMPLES[:1])


def dropout_covariance() -> Derivation:
    """E[y_tk y_uk] = E[z_tk z_uk] for two samples: they have two masks."""
    start = Average(_Y(T, K) * _Y(V, K), OVER)
    made = proof(_OUT.assumed, start, *_SPLIT, *MASKED, over=OVER, apart=(T, V))
    return made.done("dropout-covariance", "Two samples have two masks", symbols=TWO_SAMPLES)


def dropout_spread() -> Derivation:
    """Var[y_tk] = E[z_tk^2]/(1 - p) - E[z_tk]^2"""
    made = proof(_OUT.assumed, Variance(_Y(T, K), OVER), VarianceDefinition(), *_SPLIT, over=OVER)
    return made.done("dropout-spread", "The variance behind dropout", symbols=TWO_SAMPLES[:1])


def dropout_gradient() -> Derivation:
    """E[(dC/dz_tk)^2] = E[g_k^2]/(1 - p)"""
    start = Average(passed_back(_OUT, _G, _Z(T, K), T) ** 2, OVER)
    rules = (Define(_Y), Differentiate(), ContractDelta(), *MASKED, CentredSquare())
    made = proof((*_OUT.assumed, *_COMING), start, *rules, over=OVER)
    return made.done("dropout-gradient", "The gradient in front of dropout", symbols=TWO_SAMPLES[:1])


_BEFORE = signal("y", "the pre-activations of the layer before")
_LAYER = Serial(Elementwise(), Dropout(RATE, mask="M", output="y'"), Dense(n(1), bias_variance=None))(_BEFORE)
_A, _MASKED, _S = _LAYER.defined
_, _D, _W, _B = (drawn.family for drawn in _LAYER.drawn)
_LENGTHS = tuple(
    (Average(_BEFORE.family(one, L) * _BEFORE.family(other, L), OVER), value)
    for one, other, value in ((T, T, Q), (V, V, Q), (T, V, CORRELATION * Q))
)
_HYPOTHESES = (*_LAYER.assumed, gaussian(_BEFORE.family), alike("equal-lengths", *_LENGTHS), *gain_defined(_W, _B))
_SUMMED = (Define(_S), *SECOND_MOMENT_OF_WEIGHTED, Define(_MASKED), *MASKED)


def dropout_length_map() -> Derivation:
    """E[s_tk^2] -> sigma_w^2 E[f(u)^2]/(1 - p) + sigma_b^2 behind an activation, dropout and weights."""
    limit = (Define(_A), GaussianLimit(), PutIn(_LENGTHS[:1]), EqualTerms(), Rename((GAIN, BIAS_VARIANCE)))
    return proof(_HYPOTHESES, Average(_S(T, K) ** 2, OVER), *_SUMMED, *limit, over=OVER).done(
        "dropout-length-map", "The length map with dropout", symbols=_NOTATION, source=_SOURCE
    )


def dropout_covariance_map() -> Derivation:
    """E[s_tk s_uk] -> sigma_w^2 E[f(y_1) f(y_2)] + sigma_b^2: the masks of two samples leave it as it is."""
    limit = (Define(_A), GaussianLimit(), PutIn(_LENGTHS), EqualTerms(), Rename((GAIN, BIAS_VARIANCE)))
    rules = (*_SUMMED, *MASKED, *limit)
    return proof(_HYPOTHESES, Average(_S(T, K) * _S(V, K), OVER), *rules, over=OVER, apart=(T, V)).done(
        "dropout-covariance-map", "The covariance map with dropout", symbols=_NOTATION, source=_SOURCE
    )


def correlation() -> tuple[Derivation, ...]:
    """C(1) = 1 - p/(1 - p) sigma_w^2 E[f(u)^2]/q, which is 1 without dropout only: there is no critical point."""
    lengths, covariances = dropout_length_map(), dropout_covariance_map()
    mapped = (covariances.result / lengths.result).subs(CORRELATION, 1).xreplace({FIRST: U, SECOND: W})
    at_one = Proof(Setting((SLOPE_EXISTS, fixed_length(lengths.result))), mapped)
    at_one.by(FullCorrelation(), PutIn(((BIAS_VARIANCE, Q - lengths.result + BIAS_VARIANCE),)))
    first = at_one.done(
        "dropout-correlation-at-one", "What dropout makes of equal inputs", symbols=_NOTATION, source=_SOURCE
    )
    return lengths, covariances, first, no_critical_point(first.result)


def fixed_length(mapped: Expr) -> Hypothesis:
    """Return the hypothesis that the variance of a pre-activation is a fixed point of the length map."""
    return Hypothesis(
        "fixed-length-with-dropout",
        Words("The variance {} of a pre-activation stays: {}.", Q, Eq(mapped, Q)),
        (),
        source=_SOURCE,
    )


def alive(result: Expr) -> Hypothesis:
    """Return the hypothesis that the one Gaussian mean of a result is positive, and that some units are kept."""
    (square,) = result.atoms(GaussianExpectation)
    both = Gt(square, 0), Gt(1 - RATE, 0)
    return Hypothesis(
        "alive", Words("The activation function is not zero, and some units are kept: {} and {}.", *both), ()
    )


MADE_HYPOTHESES = (
    MadeHypothesis(
        "fixed-length-with-dropout",
        Words("The variance {} of a pre-activation is a fixed point of the length map.", Q),
        _SOURCE,
        lambda: fixed_length(dropout_length_map().result),
    ),
    MadeHypothesis(
        "alive",
        Words("The activation function is not zero, and some units are kept."),
        "",
        lambda: alive(dropout_length_map().result),
    ),
)
"""Hypotheses of this file that rest on what a theorem derives."""


def no_critical_point(at_one: Expr) -> Derivation:
    """C(1) < 1 <=> p > 0: with dropout, correlation one is no fixed point, and there is no critical point."""
    proof = Proof(Setting((alive(at_one),)), Gt(1, at_one, evaluate=False)).by(AgainstZero(), DropPositive(RATE))
    return proof.done(
        "dropout-no-critical-point",
        "With dropout, equal inputs do not stay equal",
        symbols=_NOTATION,
        source=_SOURCE,
        remarks=(
            Words(
                "Correlation one is then no fixed point, at any gain: the fixed point is below, there is no edge of "
                "chaos, and the depth to which a signal reaches is finite."
            ),
        ),
    )
