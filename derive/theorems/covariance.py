"""Two samples in one network: the covariance over networks of their pre-activations."""

from __future__ import annotations

from sympy import Function, Integer

from derive.averages import Average, Covariance
from derive.blocks import Dense, Elementwise, Serial, layers, network_input
from derive.blocks.lemmas_linear import MEAN_OF_WEIGHTED, SECOND_MOMENT_OF_WEIGHTED
from derive.blocks.signal import SAMPLE, UNIT, Axis, Extents
from derive.hypotheses import FINITE_MOMENTS, Hypothesis, Kind, Property
from derive.indices import K, T, V
from derive.layers import Facts, d, i
from derive.network import BIAS_VARIANCE, GAIN, n
from derive.proof.derivation import Derivation, Proof
from derive.randomness import BEFORE, INPUT, NETWORKS, SAMPLES, Family, Over
from derive.rules import ByLemma, Define, EqualTerms
from derive.rules.given import PutIn, Rename
from derive.rules.means import CovarianceDefinition
from derive.rules.samples import IndependentSamples, SamplesAlike
from derive.rules.towers import Tower, VarianceFromMoments
from derive.rules.wide import GaussianLimit
from derive.setting import Setting
from derive.theorems.layer_variance import OVER_BEFORE
from derive.theorems.signals import (
    GAINS,
    OVER,
    PAIR,
    TWO_SAMPLES,
    alike,
    gain_defined,
    gaussian,
    lengths,
    proof,
    signal,
)
from derive.words import Words

_IN = signal("y", "the pre-activations of the layer before")
_OUT = Serial(Elementwise(), Dense(n(1), bias_variance=None))(_IN)
_Y, _Z, _S = _IN.family, *_OUT.defined
_W, _B = (drawn.family for drawn in _OUT.drawn[1:])
_COVARIANCE = Covariance(_S(T, K), _S(V, K), OVER)

_WIDE = (gaussian(_Y), alike("lengths", *lengths(_Y)), *gain_defined(_W, _B))
_CHAIN = layers(
    Serial(Dense(n(i + 1), bias_variance=None), Elementwise(output="z'")), network_input(n(i), samples=2), "z"
)
_LAYERS = Facts((i, d - i))

_X = Family("x", meaning="the samples", extents=Extents((Axis(SAMPLE, Integer(2)),)), layered=False, source=INPUT)
_NETWORK = Family(
    "w", meaning="the network: all its weights and biases", extents=lambda _: (), layered=False, source=BEFORE
)
_PHI = Function("phi", real=True)
_Y_OF = Family(
    "y",
    meaning="the pre-activations of a layer, for one sample",
    extents=Extents((Axis(SAMPLE, Integer(2)), Axis(UNIT, n(0)))),
    layered=False,
    definition=lambda t, k: _PHI(k, _X(t), _NETWORK()),
)
_BOTH = Over("networks and samples", (BEFORE, INPUT))
INDEPENDENT_SAMPLES = Hypothesis(
    "independent-samples",
    Words(
        "The samples {} are drawn independently of each other from one law, and of the network {}; a pre-activation is "
        "any function of both, {}.",
        _X(T),
        _NETWORK(),
        _PHI(K, _X(T), _NETWORK()),
    ),
    (
        Property(Kind.ENTRIES_INDEPENDENT, _X),
        Property(Kind.IDENTICAL, _X),
        Property(Kind.INDEPENDENT_OF, _X, _NETWORK),
    ),
)


def covariance_recursion() -> Derivation:
    """Cov[s_tk, s_uk] = Var[W] sum_l E[z_tl z_ul] + Var[b], exactly, for two samples t, u or one, and any z = f(y)."""
    rules = (CovarianceDefinition(), ByLemma(mean_behind_weights()), Define(_S), *SECOND_MOMENT_OF_WEIGHTED)
    return proof(_OUT.assumed, _COVARIANCE, *rules).done(
        "covariance-recursion",
        "The covariance over networks of two samples, behind a layer of weights",
        symbols=TWO_SAMPLES,
        source="Poole et al. 2016, equation 4 (in the limit)",
        parts=(covariance_map(), covariance_of_layers(), covariance_of_samples()),
        remarks=(
            Words(
                "Weights are shared: what two samples have in common in the layer before, they have in common behind "
                "the weights. With one sample, {} equal to {}, it is the variance.",
                V,
                T,
            ),
        ),
    )


def mean_behind_weights() -> Derivation:
    """E[s_tk] = 0: weights and biases have mean zero."""
    made = proof(_OUT.assumed, Average(_S(T, K), OVER), Define(_S), *MEAN_OF_WEIGHTED)
    return made.done("mean-behind-weights", "Behind weights of mean zero the mean over networks is zero")


def covariance_map() -> Derivation:
    """Cov[s_tk, s_uk] -> sigma_w^2 E[f(y_1) f(y_2)] + sigma_b^2 for Gaussian pre-activations of the layer before."""
    rules = (CovarianceDefinition(), ByLemma(mean_behind_weights()), Define(_S), *SECOND_MOMENT_OF_WEIGHTED)
    limit = (Define(_Z), GaussianLimit(), PutIn(lengths(_Y)), EqualTerms())
    return proof((*_OUT.assumed, *_WIDE), _COVARIANCE, *rules, *limit, Rename((GAIN, BIAS_VARIANCE))).done(
        "covariance-map",
        "The covariance of two samples one layer on, in a wide network",
        symbols=(*TWO_SAMPLES, *PAIR, *GAINS),
        source="Poole et al. 2016, equation 4",
    )


def covariance_of_layers() -> Derivation:
    """Cov[s^i_tk, s^i_uk] = Var[W^i] sum_l E[z^i_tl z^i_ul] + Var[b^i] in every layer, the two samples being fixed."""
    s = next(f for f in _CHAIN.defined if f.name == "s")
    mean = proof(
        _CHAIN.assumed, Average(s(i, T, K), NETWORKS), Define(s), *MEAN_OF_WEIGHTED, over=NETWORKS, facts=_LAYERS
    ).done("mean-of-layers", "Every pre-activation has mean zero over networks")
    rules = (CovarianceDefinition(), ByLemma(mean), Define(s), *SECOND_MOMENT_OF_WEIGHTED)
    start = Covariance(s(i, T, K), s(i, V, K), NETWORKS)
    return proof(_CHAIN.assumed, start, *rules, over=NETWORKS, facts=_LAYERS).done(
        "covariance-of-layers", "Layer by layer, for two given inputs", symbols=TWO_SAMPLES
    )


def covariance_of_samples() -> Derivation:
    """Cov[y_tk, y_uk] = Var_w[<y_tk>] for two independent samples: the post's m^2 is a covariance over networks."""
    setting = Setting((FINITE_MOMENTS, INDEPENDENT_SAMPLES), over=_BOTH).with_distinct(T, V)
    made = Proof(setting, Covariance(_Y_OF(T, K), _Y_OF(V, K), _BOTH))
    made.by(CovarianceDefinition(), Tower(SAMPLES, OVER_BEFORE), IndependentSamples(T, V), SamplesAlike(V, T))
    return made.by(VarianceFromMoments()).done(
        "covariance-of-samples",
        "The covariance of two independent samples is the variance over networks of the mean over samples",
        symbols=TWO_SAMPLES,
        source="The post of 2020-02-18: m²",
    )
