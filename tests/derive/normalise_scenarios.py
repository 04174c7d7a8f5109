"""Rules for the samples of a batch, and for averages over many units or samples, at work; see `scenario`."""

from scenario import K, Scenario
from sympy import Integer, KroneckerDelta, Sum, Symbol, sqrt

from derive.averages import Average
from derive.blocks.lemmas import BATCH, BATCH_SIZE, EPSILON, EPSILON_ADDED, FIRST, OVER, SECOND
from derive.blocks.lemmas_batch import EXCHANGEABLE_SAMPLES, LARGE_BATCH, VARIANCE, Y, Z
from derive.blocks.lemmas_normalise import settling
from derive.gaussian import GaussianExpectation
from derive.hypotheses import RECTIFIER
from derive.network import n
from derive.rules.any_activation import CURVATURE_OF_F, SLOPE_OF_F, F, pair
from derive.rules.exchangeable import AnyOtherSample, AnySample, EqualSamples
from derive.rules.mean_field import NoCorrelation
from derive.rules.self_averaging import LargeBatch, SelfAveraging, SettledVariance
from derive.rules.spheres import LengthApart, OnSphere
from derive.rules.sums import BringIn
from derive.rules.weights import SplitOff
from derive.rules.wide import FIRST as ONE_U
from derive.rules.wide import SECOND as OTHER_U
from derive.rules.wide import U, one_gaussian
from derive.theorems.batch_growth import GAUSSIAN_BATCH_VALUES, GRADIENTS_INDEPENDENT, MORE_THAN_THREE
from derive.theorems.batch_growth import E as GRADIENTS
from derive.theorems.edge_of_chaos import SLOPE_EXISTS
from derive.theorems.signals import signal

L, J = (Symbol(name, integer=True) for name in "lj")
ALL = (L, Integer(1), BATCH)
ONE, OTHER = Y(FIRST, K), Y(SECOND, K)
NAMED = (BATCH_SIZE, EPSILON_ADDED)
VALUES = signal("z", "values")
ONE_Z = Z(FIRST, K)
SETTLING = settling(VALUES)


def mean(quantity):
    return Average(quantity, OVER)


def normalise_scenarios():
    """Exchangeable samples, averages that settle, Gaussians without correlation."""
    z, units = VALUES.family, (L, Integer(1), n(0))
    exchangeable = (*NAMED, EXCHANGEABLE_SAMPLES)
    total = Sum(Y(L, K), ALL)
    difference = mean((Z(FIRST, K) - Z(SECOND, K)) ** 2) / 2
    slopes = {"hypotheses": (SLOPE_EXISTS,), "needs": (SLOPE_EXISTS.key,), "undefined": (SLOPE_EXISTS.key,)}
    return [
        Scenario(
            AnySample(FIRST),
            mean(ONE**2),
            mean(Sum(Y(L, K) ** 2, ALL) / BATCH),
            (mean(Sum(Y(L, K) ** 2, ALL)), mean(total**2 / BATCH), mean(Sum(Z(L, K) ** 2, ALL) / BATCH)),
            exchangeable,
            over=OVER,
            needs=(EXCHANGEABLE_SAMPLES.key,),
        ),
        Scenario(
            AnyOtherSample(FIRST, SECOND),
            mean(ONE * OTHER),
            mean(ONE * (total - ONE)) / (BATCH - 1),
            (mean(ONE * (total - ONE)) / BATCH, mean(ONE * total) / (BATCH - 1), mean(ONE**2)),
            exchangeable,
            over=OVER,
            needs=(EXCHANGEABLE_SAMPLES.key,),
            apart=(FIRST, SECOND),
        ),
        *batch_scenarios(),
        Scenario(
            SelfAveraging(),
            mean(z(FIRST, K) / sqrt(Sum(z(FIRST, L) ** 2, units) / n(0) + EPSILON)),
            mean(z(FIRST, K) / sqrt(mean(z(FIRST, K) ** 2) + EPSILON)),
            (),
            (EPSILON_ADDED, SETTLING),
            over=OVER,
            needs=(SETTLING.key,),
            undefined=(SETTLING.key,),
        ),
        Scenario(
            SettledVariance(VARIANCE, Z, (FIRST, SECOND)),
            mean(VARIANCE(K) / (VARIANCE(K) + EPSILON)),
            mean(difference / (difference + EPSILON)),
            (),
            (*NAMED, LARGE_BATCH),
            over=OVER,
            needs=(LARGE_BATCH.key,),
            undefined=(LARGE_BATCH.key,),
            apart=(FIRST, SECOND),
        ),
        Scenario(
            LargeBatch(BATCH, Z),
            -mean(Z(FIRST, K)) / (BATCH - 1),
            Integer(0),
            (),
            (*NAMED[:1], LARGE_BATCH),
            over=OVER,
            needs=(LARGE_BATCH.key,),
            undefined=(LARGE_BATCH.key,),
        ),
        Scenario(
            NoCorrelation(),
            pair(F, SLOPE_OF_F, Integer(0)),
            one_gaussian(F(U)) * one_gaussian(SLOPE_OF_F(U)),
            (one_gaussian(F(U) * SLOPE_OF_F(U)), one_gaussian(F(U)) ** 2, one_gaussian(CURVATURE_OF_F(U))),
            **slopes,
        ),
    ]


def batch_scenarios():
    """Sums over the samples of a batch; a Gaussian batch, whose direction is independent of its length."""
    j = Symbol("m", integer=True)
    values, pairs = mean(Z(L, K) ** 2), mean(Z(L, K) * Z(j, K))
    different = Sum((1 - KroneckerDelta(L, j, (1, BATCH))) * pairs, ALL, (j, Integer(1), BATCH))
    square, product = mean(Z(FIRST, K) ** 2), mean(Z(FIRST, K) * Z(SECOND, K))
    spread = (square + mean(Z(SECOND, K) ** 2)) / 2 - product
    gaussian = (*NAMED, EXCHANGEABLE_SAMPLES, GAUSSIAN_BATCH_VALUES, MORE_THAN_THREE)
    both = GRADIENTS(FIRST, K) * GRADIENTS(SECOND, K)
    across = -1 / (BATCH - 1)
    slopes = GaussianExpectation.of(
        SLOPE_OF_F(ONE_U) * SLOPE_OF_F(OTHER_U), (ONE_U, OTHER_U), (0, 0), ((1, across), (across, 1))
    )
    limits = (GAUSSIAN_BATCH_VALUES.key, EXCHANGEABLE_SAMPLES.key)
    return [
        Scenario(
            EqualSamples(FIRST, SECOND),
            Sum(values, ALL),
            BATCH * square,
            ((BATCH - 1) * square, BATCH * product),
            (*NAMED, EXCHANGEABLE_SAMPLES),
            over=OVER,
            needs=(EXCHANGEABLE_SAMPLES.key,),
            apart=(FIRST, SECOND),
        ),
        Scenario(
            EqualSamples(FIRST, SECOND),
            different,
            BATCH * (BATCH - 1) * product,
            (BATCH**2 * product, BATCH * (BATCH - 1) * square),
            (*NAMED, EXCHANGEABLE_SAMPLES),
            over=OVER,
            needs=(EXCHANGEABLE_SAMPLES.key,),
            apart=(FIRST, SECOND),
        ),
        Scenario(
            SplitOff(GRADIENTS),
            mean(both * ONE_Z),
            mean(both) * mean(ONE_Z),
            (mean(GRADIENTS(FIRST, K)) * mean(GRADIENTS(SECOND, K)) * mean(ONE_Z), mean(both)),
            (*NAMED, GRADIENTS_INDEPENDENT),
            over=OVER,
            needs=(GRADIENTS_INDEPENDENT.key,),
            silent=(GRADIENTS_INDEPENDENT.key,),
        ),
        Scenario(
            BringIn(),
            BATCH * Sum(Z(L, K), ALL),
            Sum(BATCH * Z(L, K), ALL),
            (Sum(Z(L, K), ALL), Sum(BATCH**2 * Z(L, K), ALL)),
            NAMED,
        ),
        Scenario(
            LengthApart(VARIANCE, Z, Y, (FIRST, SECOND), BATCH),
            mean(SLOPE_OF_F(ONE) ** 2 / VARIANCE(K)),
            mean(SLOPE_OF_F(ONE) ** 2) * BATCH / ((BATCH - 3) * spread),
            (),
            gaussian,
            over=OVER,
            needs=(*limits, MORE_THAN_THREE.key),
            undefined=(*limits, MORE_THAN_THREE.key),
            apart=(FIRST, SECOND),
        ),
        Scenario(
            OnSphere(Z, Y, BATCH),
            mean(SLOPE_OF_F(ONE) * SLOPE_OF_F(OTHER)),
            slopes,
            (),
            (*gaussian, RECTIFIER),
            over=OVER,
            needs=(*limits, RECTIFIER.key),
            undefined=(*limits, RECTIFIER.key),
            apart=(FIRST, SECOND),
        ),
    ]
