"""Rules for the samples of a batch, and for averages over many units or samples, at work; see `scenario`."""

from scenario import K, Scenario
from sympy import Integer, Sum, Symbol, sqrt

from derive.averages import Average
from derive.blocks.lemmas import BATCH, BATCH_SIZE, EPSILON, EPSILON_ADDED, FIRST, OVER, SECOND
from derive.blocks.lemmas_batch import EXCHANGEABLE_SAMPLES, LARGE_BATCH, VARIANCE, Y, Z
from derive.blocks.lemmas_normalise import settling
from derive.network import n
from derive.rules.any_activation import CURVATURE_OF_F, SLOPE_OF_F, F, pair
from derive.rules.exchangeable import AnyOtherSample, AnySample
from derive.rules.mean_field import NoCorrelation
from derive.rules.self_averaging import LargeBatch, SelfAveraging, SettledVariance
from derive.rules.wide import U, one_gaussian
from derive.theorems.edge_of_chaos import SLOPE_EXISTS
from derive.theorems.signals import signal

L, J = (Symbol(name, integer=True) for name in "lj")
ALL = (L, Integer(1), BATCH)
ONE, OTHER = Y(FIRST, K), Y(SECOND, K)
NAMED = (BATCH_SIZE, EPSILON_ADDED)
VALUES = signal("z", "values")
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
