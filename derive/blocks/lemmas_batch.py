"""Lemmas of batch normalisation: exact for a finite batch, and in the limit of a large one."""

from __future__ import annotations

from functools import lru_cache

from sympy import Integer, Sum, sympify

from derive.averages import Average
from derive.blocks.lemmas import (
    BATCH,
    BATCH_SIZE,
    EPSILON,
    FIRST,
    OVER,
    SECOND,
    UNIT_INDEX,
    Lemma,
    Lemmas,
    derived,
    incoming,
    known,
    made,
    reads,
)
from derive.blocks.lemmas_normalise import NO_EPSILON
from derive.blocks.normalise import BatchNorm
from derive.blocks.signal import Extents, Signal
from derive.errors import InputError
from derive.hypotheses import FINITE_MOMENTS
from derive.indices import J, L
from derive.kinds import Hypothesis, Kind, Property
from derive.network import Partial
from derive.proof.derivation import Derivation
from derive.randomness import OUTPUT_GRADIENT, Family
from derive.rules.algebra import Expand
from derive.rules.calculus import Differentiate
from derive.rules.definitions import Define
from derive.rules.exchangeable import EXCHANGEABLE, AnyOtherSample, AnySample
from derive.rules.given import PutIn
from derive.rules.lemma import ByLemma
from derive.rules.means import Centred, Linearity
from derive.rules.naming import Gather
from derive.rules.self_averaging import MANY_SAMPLES, SELF_AVERAGING, LargeBatch, SelfAveraging, SettledVariance
from derive.rules.sums import ContractDelta, EqualTerms, PullOut
from derive.setting import Setting
from derive.words import Words

IN = incoming(0, count=BATCH)
OUT = BatchNorm(epsilon=EPSILON)(IN)
Z = IN.family
MEAN, VARIANCE, Y = OUT.defined
_APART = (FIRST, SECOND)
_ONE, _TWO = Y(FIRST, UNIT_INDEX), Y(FIRST, UNIT_INDEX) * Y(SECOND, UNIT_INDEX)

EXCHANGEABLE_SAMPLES = Hypothesis(
    "samples-exchangeable",
    Words("No sample of a batch is special: the joint law of {} does not depend on the order of the samples.", Z(J, L)),
    (Property(EXCHANGEABLE, Z),),
)
LARGE_BATCH = Hypothesis(
    "large-batch",
    Words(
        "The batch is large and the layers are wide: the variance {} of a unit over the batch settles, at the same "
        "value for every unit.",
        VARIANCE(UNIT_INDEX),
    ),
    (Property(SELF_AVERAGING, VARIANCE, licenses="->"), Property(MANY_SAMPLES, Z, licenses="->")),
    exact=False,
    source="Yang et al. 2019, A mean field theory of batch normalization",
)
GRADIENT = Family(
    "g",
    meaning="the gradients of the cost at what comes out",
    extents=Extents(IN.axes),
    layered=False,
    source=OUTPUT_GRADIENT,
)
_AT = GRADIENT(FIRST, UNIT_INDEX)
_GRADIENT_CENTRED = Hypothesis(
    "batch-gradient-zero-mean", Words("The gradients {} have mean zero.", _AT), (Property(Kind.ZERO_MEAN, GRADIENT),)
)
_GRADIENTS_SETTLE = Hypothesis(
    "batch-gradients-settle",
    Words("The average of the gradients {} over a large batch settles at their mean.", _AT),
    (Property(SELF_AVERAGING, GRADIENT, licenses="->"),),
    exact=False,
)
BACKWARD = (_GRADIENT_CENTRED, _GRADIENTS_SETTLE)
GIVEN = Setting((FINITE_MOMENTS, BATCH_SIZE, EXCHANGEABLE_SAMPLES), over=OVER)


def batchnorm(block: BatchNorm, z: Signal) -> Lemmas:
    """E[y^2] = 1, E[y y'] = -1/(B - 1) at epsilon = 0; of an infinite batch v^2/(v^2 + epsilon) and 0."""
    if z.positions:
        raise InputError("batchnorm is predicted for units, and not for channels with positions")
    if block.batch is None:
        return known(_infinite(), {EPSILON: sympify(block.epsilon)}, {})
    if block.epsilon != 0:
        raise InputError(f"batchnorm of a finite batch is predicted for epsilon = 0, got {block.epsilon}")
    return known(_finite(), {BATCH: sympify(block.batch)}, {})


@lru_cache(maxsize=1)
def batch_sum() -> Derivation:
    """sum_t y_tk = 0, whatever epsilon is."""
    start = Sum(Y(J, UNIT_INDEX), (J, Integer(1), BATCH))
    rules = (Define(Y), PullOut(), Expand(), EqualTerms(), Gather((MEAN(UNIT_INDEX),)))
    return derived(Setting((), over=OVER), start, rules, "batchnorm-sum", "The sum over a batch")


@lru_cache(maxsize=1)
def batch_square() -> Derivation:
    """E[y_tk^2] = E[V_k/(V_k + epsilon)]"""
    rules = (AnySample(FIRST), Define(Y), PullOut(), Gather((VARIANCE(UNIT_INDEX),)))
    return derived(GIVEN, Average(_ONE**2, OVER), rules, "batchnorm-share", "The mean square of a batch")


@lru_cache(maxsize=1)
def batch_product() -> Derivation:
    """E[y_tk y_uk] = -E[V_k/(V_k + epsilon)]/(B - 1) for two samples of a batch."""
    rules = (
        AnyOtherSample(*_APART),
        Expand(),
        Linearity(),
        ByLemma(batch_sum()),
        Linearity(),
        ByLemma(batch_square()),
    )
    setting = GIVEN.with_distinct(*_APART)
    return derived(setting, Average(_TWO, OVER), rules, "batchnorm-pair", "Two samples of a batch")


@lru_cache(maxsize=1)
def _mean() -> Lemma:
    """E[y_tk] = 0"""
    rules = (AnySample(FIRST), ByLemma(batch_sum()), Linearity())
    return made(GIVEN, Average(_ONE, OVER), rules, "batchnorm-mean", "The mean behind batchnorm")


@lru_cache(maxsize=1)
def _finite() -> Lemmas:
    """E[y^2] = 1 and E[y y'] = -1/(B - 1), where epsilon is zero."""
    setting = GIVEN.assuming(NO_EPSILON)
    none = (PutIn(((EPSILON, Integer(0)),)), Linearity())
    square = (ByLemma(batch_square()), *none)
    product = (ByLemma(batch_product()), *none)
    return {
        "mean": _mean(),
        "square": made(setting, Average(_ONE**2, OVER), square, "batchnorm-square", "The mean square behind batchnorm"),
        "product": made(
            setting.with_distinct(*_APART), Average(_TWO, OVER), product, "batchnorm-product", "Two samples of a batch"
        ),
    }


@lru_cache(maxsize=1)
def _infinite() -> Lemmas:
    """E[y^2] -> v^2/(v^2 + epsilon), E[y y'] -> 0 and E[(dC/dz)^2] -> E[g^2]/(v^2 + epsilon), v^2 the gap before."""
    setting = GIVEN.assuming(LARGE_BATCH).with_distinct(*_APART)
    settled = (SettledVariance(VARIANCE, Z, _APART), Linearity(), Expand(), Linearity())
    square = (ByLemma(batch_square()), *settled)
    product = (ByLemma(batch_product()), LargeBatch(BATCH, Z))
    return {
        "mean": _mean(),
        "square": made(setting, Average(_ONE**2, OVER), square, "large-batch-square", "The mean square, large batch"),
        "product": made(setting, Average(_TWO, OVER), product, "large-batch-product", "Two samples of a large batch"),
        "gradient": Lemma(large_batch_gradient(), reads(large_batch_gradient().result)),
    }


@lru_cache(maxsize=1)
def large_batch_gradient() -> Derivation:
    """E[(dC/dz_tk)^2] -> E[g_tk^2]/(v^2 + epsilon), the cost being a sum over the batch."""
    limits = ((J, Integer(1), BATCH), (L, Integer(1), IN.feature.size))
    cost = Sum(GRADIENT(J, L) * Y(J, L), *limits)
    rules = (
        Define(Y),
        SettledVariance(VARIANCE, Z, _APART),
        Define(MEAN),
        Differentiate(),
        ContractDelta(),
        Expand(),
        ContractDelta(),
        PullOut(),
        SelfAveraging(FIRST, BATCH),
        Centred(),
        Linearity(),
        Linearity(),
    )
    setting = Setting((FINITE_MOMENTS, BATCH_SIZE, LARGE_BATCH, *BACKWARD), over=OVER).with_distinct(*_APART)
    start = Average(Partial(cost, Z(FIRST, UNIT_INDEX)) ** 2, OVER)
    return derived(setting, start, rules, "large-batch-gradient", "The gradient in front of batchnorm, large batch")
