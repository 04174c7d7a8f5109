"""Normalisation over the samples of a batch: moments that it fixes, and the gradients that it makes grow."""

from __future__ import annotations

from functools import cache

from sympy import Expr, Gt, Heaviside, Integer, Max, Sum, Symbol

from derive.averages import Average
from derive.blocks.lemmas import BATCH, BATCH_SIZE, EPSILON, EPSILON_ADDED, FIRST, OVER, SECOND
from derive.blocks.lemmas_batch import (
    BACKWARD,
    EXCHANGEABLE_SAMPLES,
    GIVEN,
    LARGE_BATCH,
    VARIANCE,
    Y,
    Z,
    batch_product,
    batch_square,
    batch_sum,
    large_batch_gradient,
)
from derive.blocks.lemmas_normalise import NO_EPSILON
from derive.hypotheses import MadeHypothesis
from derive.indices import J, K
from derive.kinds import Hypothesis
from derive.network import GAIN
from derive.proof.derivation import Derivation, Proof
from derive.randomness import OUTPUT_GRADIENT, Entry
from derive.rules.algebra import Expand, FactorOut
from derive.rules.any_activation import SLOPE_OF_F, F
from derive.rules.asymptotics import SimplifySides
from derive.rules.definitions import Define
from derive.rules.given import PutIn
from derive.rules.lemma import ByLemma
from derive.rules.means import Linearity
from derive.rules.naming import Gather
from derive.rules.self_averaging import LargeBatch, SettledVariance
from derive.rules.sums import PullOut
from derive.rules.wide import ByClosedForm, U, one_gaussian
from derive.setting import Setting
from derive.theorems.batch_gradient import batch_derivative, batch_derivative_length, batch_derivative_sum
from derive.theorems.batch_growth import finite_batch_gradient, finite_batch_linear, finite_batch_relu
from derive.theorems.signals import alike
from derive.words import Words

_SOURCE = "Ioffe & Szegedy 2015, algorithm 1"
_YANG = "Yang et al. 2019, A mean field theory of batch normalization"
_SAMPLES = ((FIRST, Words("a sample of the batch")), (SECOND, Words("another sample of the batch")))
_NOTATION = (
    *_SAMPLES,
    (BATCH, Words("the number of samples of a batch")),
    (EPSILON, Words("what is added to the variance")),
)
_ALL = (J, Integer(1), BATCH)
_APART = (FIRST, SECOND)
_NAMED = (BATCH_SIZE, EPSILON_ADDED)
_ASSUMED = (EXCHANGEABLE_SAMPLES, *BACKWARD)
_SETTING = GIVEN.assuming(EPSILON_ADDED).with_distinct(*_APART)
_NONE = (PutIn(((EPSILON, Integer(0)),)), Linearity())
_ONE, _TWO = Average(Y(FIRST, K) ** 2, OVER), Average(Y(FIRST, K) * Y(SECOND, K), OVER)


def batch_norm() -> Derivation:
    """E[y_tk y_uk] = -1/(B - 1) for two samples of one batch: exact, for exchangeable samples of any law."""
    proof = Proof(_SETTING.assuming(NO_EPSILON), _TWO).by(ByLemma(batch_product()), *_NONE)
    return proof.done(
        "batch-norm",
        "Two samples of one batch behind BatchNorm",
        symbols=_NOTATION,
        source=_SOURCE,
        parts=(batch_sum(), batch_length(), batch_square(), batch_product(), batch_norm_square()),
        remarks=(
            Words(
                "What BatchNorm sets is the variance over samples, of every unit alone: the mean over samples is gone, "
                "and with it what all samples share. The decay of the variance over samples is removed by "
                "construction, at every depth."
            ),
        ),
    )


def batch_length() -> Derivation:
    """sum_t y_tk^2 = B V_k/(V_k + epsilon)"""
    proof = Proof(Setting(_NAMED), Sum(Y(J, K) ** 2, _ALL)).by(Define(Y), PullOut(), Gather((VARIANCE(K),)))
    return proof.done("batch-norm-length", "The sum of squares over a batch", symbols=_NOTATION)


def batch_norm_square() -> Derivation:
    """E[y_tk^2] = 1"""
    proof = Proof(GIVEN.assuming(EPSILON_ADDED, NO_EPSILON).without(BATCH_SIZE.key), _ONE).by(
        ByLemma(batch_square()), *_NONE
    )
    return proof.done("batch-norm-square", "The variance over samples behind BatchNorm", symbols=_NOTATION)


def large_batch() -> tuple[Derivation, Derivation]:
    """E[y_tk^2] -> v^2/(v^2 + epsilon) and E[y_tk y_uk] -> 0, with v^2 half the mean squared difference before."""
    setting = _SETTING.assuming(LARGE_BATCH)
    square = Proof(setting.without(BATCH_SIZE.key), _ONE).by(
        ByLemma(batch_square()), SettledVariance(VARIANCE, Z, _APART), Linearity(), Expand(), Linearity()
    )
    product = Proof(setting, _TWO).by(ByLemma(batch_product()), LargeBatch(BATCH, Z))
    return (
        square.done("large-batch-variance", "The mean square behind BatchNorm, large batch", symbols=_NOTATION),
        product.done("large-batch-covariance", "Two samples of a large batch", symbols=_NOTATION),
    )


_MEAN, _SQUARE, _SLOPE = (one_gaussian(e, Integer(1)) for e in (F(U), F(U) ** 2, SLOPE_OF_F(U) ** 2))
_COMING = Symbol("G", positive=True)
_VARIES = Hypothesis(
    "normalised-activation-varies",
    Words("The activation function is not constant: {}.", Gt(_SQUARE - _MEAN**2, 0)),
    (),
)


def _layer() -> tuple[Hypothesis, tuple[tuple[Expr, Expr], ...]]:
    """Return what stands before and behind: normalised values, f, and weights; forward and backward."""
    lemma = large_batch_gradient()
    (g,) = {a for a in lemma.result.atoms(Average) if any(e.family.source == OUTPUT_GRADIENT for e in a.atoms(Entry))}
    z, w = Z(FIRST, K), Z(SECOND, K)
    values = (
        (Average(z**2, OVER), GAIN * _SQUARE),
        (Average(w**2, OVER), GAIN * _SQUARE),
        (Average(z * w, OVER), GAIN * _MEAN**2),
        (g, GAIN * _SLOPE * _COMING),
    )
    return alike("normalised-layers", *values, unit=K), values


MADE_HYPOTHESES = (
    MadeHypothesis(
        "normalised-layers",
        Words("Every unit {} has the same moments, in front of the activation function's weights and behind them.", K),
        "",
        lambda: _layer()[0],
    ),
)
"""Hypotheses of this file that rest on what a lemma derives."""


def batch_norm_gradient() -> Derivation:
    """E[(dC/dz_tk)^2] -> E[f'(u)^2]/(E[f(u)^2] - E[f(u)]^2) G, u ~ N(0, 1), for any f and an infinite batch."""
    lemma, (layer, values) = large_batch_gradient(), _layer()
    setting = lemma.setting.assuming(layer, _VARIES, NO_EPSILON)
    proof = Proof(setting, lemma.statement.lhs).by(*(step.rule for step in lemma.steps))
    proof.by(PutIn((*values, (EPSILON, Integer(0)))), FactorOut(_COMING))
    return proof.done(
        "batch-norm-gradient",
        "Squared gradients grow by a factor at every layer with BatchNorm",
        symbols=(*_NOTATION, (_COMING, Words("the mean square of the gradient one layer on"))),
        source=_YANG,
        parts=(
            *large_batch(),
            lemma,
            gradient_of_relu(),
            batch_derivative(),
            batch_derivative_sum(),
            batch_derivative_length(),
            finite_batch_gradient(),
            finite_batch_relu(),
            finite_batch_linear(),
        ),
        remarks=(
            Words(
                "At every size of the batch, what comes back is across two directions: all samples alike, and the "
                "normalised values themselves. A batch of two has no other direction: nothing comes back."
            ),
        ),
    )


@cache
def gradient_of_relu() -> Derivation:
    """E[f'(u)^2]/(E[f(u)^2] - E[f(u)]^2) = pi/(pi - 1) for ReLU and u ~ N(0, 1)."""

    def with_relu(e: Expr) -> Expr:
        return e.replace(F, lambda u: Max(u, 0)).replace(SLOPE_OF_F, lambda u: Heaviside(u))

    start = with_relu(_SLOPE / (_SQUARE - _MEAN**2))
    proof = Proof(Setting(()), start).by(ByClosedForm(), SimplifySides())
    return proof.done("batch-norm-gradient-relu", "ReLU behind BatchNorm")
