"""The variance over samples, with the weights fixed: the post's steps 1 to 4 (2020-02-18), and a form to compute."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from sympy import Eq, Expr, Rational

from derive.averages import Average, SharedVariance, Variance
from derive.hypotheses import BIASES_SHARE_VARIANCE, INPUT_INDEPENDENT, RECTIFIER, WEIGHTS, Hypothesis, Kind, Property
from derive.indices import K
from derive.kinds import definition
from derive.layers import i
from derive.network import BIAS_VARIANCE, GAIN, SLOPE, W, b, n, s, z
from derive.proof.derivation import Derivation, Proof
from derive.randomness import NETWORKS, SAMPLES
from derive.rules import (
    ByLemma,
    Define,
    EqualTerms,
    Linearity,
)
from derive.rules.algebra import ByComplement, CollectIn
from derive.rules.analysis import (
    H_DEFINED,
    T_DEFINED,
    ArcsineToArctangent,
    DecayFunction,
    InTermsOfT,
    NameDecayFunction,
    T,
)
from derive.rules.given import Rename
from derive.rules.wide import GaussianLimit, M, V
from derive.setting import Setting
from derive.theorems.forward import BEFORE_LAST, HERE, weighted_sum
from derive.theorems.kernel_k import GAUSSIAN_MEAN, nested
from derive.theorems.meanings import SAMPLE_NOTATION
from derive.words import Words

GAIN_DEFINED = definition(
    "gain",
    Words("{} is the gain of the weights: {}.", GAIN, Eq(GAIN, n(i + 1) * SharedVariance(W, i + 1), evaluate=False)),
)
BIAS_DEFINED = definition(
    "bias-variance",
    Words("{} is the variance of the biases: {}.", BIAS_VARIANCE, Eq(BIAS_VARIANCE, SharedVariance(b, i + 1))),
)
RATIO_DEFINED = definition("ratio", Words("{} measures the fluctuation: {}.", T, T_DEFINED))
FUNCTION_DEFINED = definition("decay-function", Words("{} is a name: {}.", H_DEFINED.lhs, H_DEFINED), for_all=(T,))
SYMBOLS = (
    *SAMPLE_NOTATION,
    (GAIN, Words("the gain of the weights, {}", GAIN_DEFINED.equations[0].rhs)),
    (BIAS_VARIANCE, Words("the variance of the biases")),
)
WIDE = Hypothesis(
    "wide",
    Words(
        "The layers are wide, and the inputs are white noise of high dimension: over networks the pre-activations of "
        "two samples are jointly Gaussian, with variance {} and covariance {}.",
        M**2 + V**2,
        M**2,
    ),
    (Property(Kind.JOINT_GAUSSIAN_LIMIT, licenses="->"),),
    exact=False,
    source="the post's step 2; Lee et al. 2018, Matthews et al. 2018",
)


@cache
def mean_over_samples() -> Derivation:
    """Var_w[<s^i_k>] = Var[W^i] sum_l <<<z^i_l>^2>> + Var[b^i], exactly and for any activation function."""
    setting = Setting((*WEIGHTS, BIASES_SHARE_VARIANCE, INPUT_INDEPENDENT), HERE, NETWORKS)
    proof = Proof(setting, Variance(Average(s(i, K), SAMPLES), NETWORKS))
    proof.by(Define(s), Linearity(), *weighted_sum())
    return proof.done("mean-over-samples", "The variance over networks of the mean over samples")


@cache
def sample_variance() -> Derivation:
    """m'^2 = sigma_w^2 K(m, v) + sigma_b^2 as the width grows; v'^2 = q' - m'^2 is the part `sample-variance-v`."""
    hypotheses = (RECTIFIER, *WEIGHTS, BIASES_SHARE_VARIANCE, INPUT_INDEPENDENT, WIDE, GAIN_DEFINED, BIAS_DEFINED)
    setting = Setting(hypotheses, BEFORE_LAST, NETWORKS)
    proof = Proof(setting, Variance(Average(s(i + 1, K), SAMPLES), NETWORKS))
    proof.by(
        ByLemma(mean_over_samples()),
        Define(z),
        GaussianLimit(),
        EqualTerms(),
        ByLemma(nested()),
        Rename((GAIN, BIAS_VARIANCE)),
    )
    return proof.done(
        "sample-variance",
        "One layer of the variance over samples",
        symbols=SYMBOLS,
        source="The post of 2020-02-18, steps 1 to 4",
        intro=(
            Words(
                "Freeze the weights: each pre-activation has a mean over the samples and fluctuates about it. Over "
                "networks the mean has variance {}, and the fluctuation has variance {} on average.",
                M**2,
                V**2,
            ),
        ),
        remarks=(
            Words(
                "Step 1 of the post puts the average over networks for the variance in one network (self-averaging): "
                "with finite width that is an approximation, whose relative error falls like one over the root of "
                "the width. Step 3 has a factor 2 because He's gain is 2; in general it is {}.",
                GAIN,
            ),
        ),
    )


def total(m2: Expr, v2: Expr) -> Expr:
    """Return q' = sigma_w^2 (1 + a^2)/2 (m^2 + v^2) + sigma_b^2, the theorem `network-variance` in these symbols."""
    return GAIN * (1 + SLOPE**2) * Rational(1, 2) * (m2 + v2) + BIAS_VARIANCE


_NEXT_MEAN = GAIN * GAUSSIAN_MEAN + BIAS_VARIANCE
_TOTAL = total(M**2, V**2)
_STABLE = (RECTIFIER, RATIO_DEFINED, FUNCTION_DEFINED)


@cache
def sample_variance_stable() -> Derivation:
    """v'^2 = sigma_w^2/2 v^2 [(1 + a^2) - (1 - a)^2 h(T)/pi] with T = v/sqrt(v^2 + 2 m^2)."""
    proof = Proof(Setting(_STABLE), _TOTAL - _NEXT_MEAN)
    proof.by(ByLemma(nested()), ArcsineToArctangent(), InTermsOfT(), NameDecayFunction())
    core = proof.done("sample-variance-v", "The fluctuation over samples, without cancellation")
    return replace(
        core,
        name="sample-variance-stable",
        symbols=SYMBOLS,
        title="The sample variance without cancellation",
        source="The post of 2020-02-18 leaves the difference of two nearly equal terms",
        parts=(stable_mean(core),),
        remarks=(
            Words(
                "Every term of the next mean square is positive, and the bracket of the next variance is at least a "
                "third of its first term: no digits are lost at any depth or slope. {} rises from 0 to 1.",
                DecayFunction(T),
            ),
        ),
    )


def stable_mean(fluctuation: Derivation) -> Derivation:
    """m'^2 = sigma_w^2/2 [(1 + a^2) m^2 + (1 - a)^2 v^2 h(T)/pi] + sigma_b^2."""
    proof = Proof(Setting(_STABLE), _NEXT_MEAN)
    proof.by(ByComplement(_TOTAL, fluctuation), CollectIn((M**2, V**2)))
    return proof.done("sample-variance-m", "The mean over samples, without cancellation")
