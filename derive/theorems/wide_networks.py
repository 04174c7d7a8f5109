"""Wide networks with any activation function: lengths forward, means and fluctuations over samples, gradients back.

The expectations are left as they are: `derive.maps` gives them in closed form for one activation, where there is one.
"""

from __future__ import annotations

from derive.averages import Average, Variance
from derive.hypotheses import (
    BIASES_SHARE_VARIANCE,
    FINITE_MOMENTS,
    INPUT_INDEPENDENT,
    OUTPUT_GRADIENT_CENTRED,
    OUTPUT_GRADIENT_INDEPENDENT,
    OUTPUT_GRADIENT_SHARES_VARIANCE,
    UNITS_ALIKE,
    WEIGHTS,
    WEIGHTS_INDEPENDENT,
    Hypothesis,
    Kind,
    Property,
)
from derive.indices import K, L
from derive.layers import Facts, d, i
from derive.network import BIAS_VARIANCE, GAIN, W, cost_gradient, s, slope, z
from derive.proof.derivation import Derivation, Proof
from derive.randomness import EVERYTHING, NETWORKS, SAMPLES
from derive.rules import ByLemma, Define, EqualTerms, VarianceDefinition
from derive.rules.given import Rename
from derive.rules.gradients import GradientIndependence, SameGradients
from derive.rules.lemma import ByDifference
from derive.rules.replicas import HalfSquaredDifference
from derive.rules.towers import Tower
from derive.rules.wide import FIRST, SECOND, GaussianLimit, Q, U, one_gaussian
from derive.setting import Setting
from derive.theorems.backpropagation import gradient_recursion, weight_gradient
from derive.theorems.forward import BEFORE_LAST, pre_activation_variance
from derive.theorems.sample_variance import BIAS_DEFINED, GAIN_DEFINED, SYMBOLS, WIDE, mean_over_samples
from derive.theorems.total_variance import NETWORKS_AND_SAMPLES, total_variance
from derive.words import Words

AFTER_FIRST = Facts((i - 1, d - i))

GAUSSIAN = Hypothesis(
    "gaussian-pre-activations",
    Words(
        "The layers are wide (and so is the input, where it is random): a pre-activation {} is Gaussian, with mean "
        "zero and variance {}.",
        s(i, K),
        Q,
    ),
    (Property(Kind.GAUSSIAN_LIMIT, licenses="->"),),
    exact=False,
    source="Neal 1996; Lee et al. 2018; Matthews et al. 2018",
)
GRADIENT_INDEPENDENCE = Hypothesis(
    "gradient-independence",
    Words(
        "The layers are wide: the gradients {} that come back are independent of the weights and the activations that "
        "they are multiplied with, as if the backward pass had weights of its own.",
        cost_gradient(s(i, K)),
    ),
    (Property(Kind.GRADIENT_INDEPENDENCE, licenses="->"),),
    exact=False,
    source="Schoenholz et al. 2017, section 4; Yang 2020, Tensor Programs II",
)
_NAMES = Rename((GAIN, BIAS_VARIANCE))
_NOTATION = (
    (U, Words("a pre-activation")),
    (Q, Words("its variance")),
)
_TWO = ((FIRST, Words("a pre-activation")), (SECOND, Words("another one, independent of it")))
_GAINS = tuple(entry for entry in SYMBOLS if entry[0] in (GAIN, BIAS_VARIANCE))


def length_map() -> Derivation:
    """Var[s^{i+1}_k] -> sigma_w^2 E[f(u)^2] + sigma_b^2 over networks, u ~ N(0, q), q = Var[s^i]."""
    hypotheses = (*WEIGHTS, BIASES_SHARE_VARIANCE, INPUT_INDEPENDENT, GAUSSIAN, GAIN_DEFINED, BIAS_DEFINED)
    setting = Setting(hypotheses, BEFORE_LAST, NETWORKS)
    proof = Proof(setting, Variance(s(i + 1, K), NETWORKS))
    proof.by(ByLemma(pre_activation_variance(NETWORKS)), Define(z), GaussianLimit(), EqualTerms(), _NAMES)
    return proof.done(
        "length-map",
        "The length map: the variance of a pre-activation from that of the layer before",
        symbols=(*_NOTATION, *_GAINS),
        source="Poole et al. 2016, equation 3",
        parts=(activation_variance(),),
        remarks=(Words("All is exact at every width up to the Gaussian limit, which alone is an approximation."),),
    )


def activation_variance() -> Derivation:
    """Var[z^{i+1}_k] -> E[f(u)^2] - E[f(u)]^2 = E[(f(y_1) - f(y_2))^2]/2 over networks, independent of N(0, q)."""
    proof = Proof(Setting((GAUSSIAN, FINITE_MOMENTS), BEFORE_LAST, NETWORKS), Variance(z(i + 1, K), NETWORKS))
    proof.by(VarianceDefinition(), Define(z), GaussianLimit(), HalfSquaredDifference())
    return proof.done("activation-variance", "The variance of an activation", symbols=(*_NOTATION, *_TWO))


def sample_variance_map() -> Derivation:
    """m'^2 -> sigma_w^2 E_mu[(E_nu f)^2] + sigma_b^2; v'^2 -> sigma_w^2 E[(f(y_1) - f(y_2))^2]/2 is the part."""
    hypotheses = (*WEIGHTS, BIASES_SHARE_VARIANCE, INPUT_INDEPENDENT, WIDE, GAIN_DEFINED, BIAS_DEFINED)
    proof = Proof(Setting(hypotheses, BEFORE_LAST, NETWORKS), Variance(Average(s(i + 1, K), SAMPLES), NETWORKS))
    proof.by(ByLemma(mean_over_samples()), Define(z), GaussianLimit(), EqualTerms(), _NAMES)
    return proof.done(
        "sample-variance-map",
        "One layer of the mean and the variance over samples, for any activation function",
        symbols=SYMBOLS,
        source="The post of 2020-02-18, steps 1 to 3; Poole et al. 2016, equation 4",
        parts=(fluctuation_map(),),
        remarks=(
            Words(
                "A bias is the same for all samples: it moves the mean, and adds {} to its variance over networks; of "
                "the fluctuation it is no part, and there it cancels.",
                BIAS_VARIANCE,
            ),
        ),
    )


def fluctuation_map() -> Derivation:
    """v'^2 = <<Var_t[s^{i+1}_k]>> -> sigma_w^2 E[(f(y_1) - f(y_2))^2]/2: a mean of squares, without the bias."""
    hypotheses = (*WEIGHTS, BIASES_SHARE_VARIANCE, INPUT_INDEPENDENT, WIDE, GAIN_DEFINED)
    proof = Proof(Setting(hypotheses, BEFORE_LAST, NETWORKS), Average(Variance(s(i + 1, K), SAMPLES), NETWORKS))
    proof.by(
        ByDifference(total_variance()),
        ByLemma(pre_activation_variance(NETWORKS_AND_SAMPLES)),
        ByLemma(mean_over_samples()),
        Define(z),
        Tower(SAMPLES, NETWORKS),
        GaussianLimit(),
        EqualTerms(),
        Rename((GAIN,)),
        HalfSquaredDifference(),
    )
    return proof.done("fluctuation-map", "The fluctuation over samples, averaged over networks")


def one_layer_back(*more: Hypothesis) -> Proof:
    """Return the proof of the gradient's variance one layer back, under more hypotheses."""
    hypotheses = (*_BACKWARD, UNITS_ALIKE, OUTPUT_GRADIENT_SHARES_VARIANCE, *more)
    proof = Proof(Setting(hypotheses, BEFORE_LAST), Variance(cost_gradient(s(i, K)), EVERYTHING))
    return proof.by(ByLemma(gradient_recursion()), GradientIndependence(), SameGradients(), GaussianLimit())


def gradient_variance() -> Derivation:
    """Var[dCost/ds^i_k] -> n_{i+2} Var[W^{i+1}] E[f'(u)^2] Var[dCost/ds^{i+1}_j] for i < d, u ~ N(0, q)."""
    return one_layer_back().done(
        "gradient-variance",
        "The gradient's variance one layer back, for any activation function",
        symbols=(*_NOTATION, (slope(U), Words("the slope of the activation function"))),
        source="Schoenholz et al. 2017, equation 10",
        parts=(wide_weight_gradient_variance(),),
        remarks=(
            Words(
                "With equal widths the factor is {}, the one by which a small difference between two inputs grows "
                "forward: gradients vanish where inputs become alike, and explode where they come apart.",
                GAIN * one_gaussian(slope(U) ** 2),
            ),
        ),
    )


def wide_weight_gradient_variance() -> Derivation:
    """Var[dCost/dw^i_{lk}] -> E[f(u)^2] Var[dCost/ds^i_k] for i >= 1, u ~ N(0, q), q = Var[s^{i-1}]."""
    proof = Proof(
        Setting(tuple(h for h in _BACKWARD if h != WEIGHTS_INDEPENDENT), AFTER_FIRST),
        Variance(cost_gradient(W(i, L, K)), EVERYTHING),
    )
    proof.by(ByLemma(weight_gradient()), GradientIndependence(), Define(z), GaussianLimit())
    return proof.done("weight-gradient-variance-wide", "The variance of the gradient of a weight")


_BACKWARD = (
    *WEIGHTS,
    GAUSSIAN,
    GRADIENT_INDEPENDENCE,
    OUTPUT_GRADIENT_INDEPENDENT,
    OUTPUT_GRADIENT_CENTRED,
)
