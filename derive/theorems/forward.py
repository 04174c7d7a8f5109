"""How the variance of the activations travels forward (Glorot & Bengio 2010, equation 5)."""

from __future__ import annotations

from functools import cache

from derive.averages import Average, Variance
from derive.hypotheses import (
    BIASES_SHARE_VARIANCE,
    BIASES_ZERO,
    FINITE_MOMENTS,
    FORWARD,
    INPUT_INDEPENDENT,
    INPUTS_CENTRED,
    INPUTS_SHARE_VARIANCE,
    LINEAR_REGIME,
    UNITS_ALIKE,
    WEIGHTS,
    WEIGHTS_CENTRED,
    WEIGHTS_INDEPENDENT,
)
from derive.indices import K
from derive.layers import Facts, d, i
from derive.network import s, x, z
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule
from derive.randomness import EVERYTHING, Over
from derive.rules import (
    ByLemma,
    ByProductVariance,
    Centred,
    ContractDelta,
    DeclaredVariance,
    Define,
    Induction,
    Linearity,
    LinearRegime,
    MomentFromVariance,
    NoBiases,
    ProductLaw,
    PullOut,
    SameForEveryUnit,
    SecondMoment,
    Uncorrelated,
    VarianceOfSum,
)
from derive.setting import Setting
from derive.theorems.product import product_variance
from derive.words import Words

LAST = Facts((d,))
HERE = Facts((i, d - i))
BEFORE_LAST = Facts((i, d - 1 - i))


def weighted_sum() -> tuple[Rule, ...]:
    """Return the rules that lead from Var[sum_l u_l W_l + b] to Var[W] sum_l E[u_l^2] + Var[b]."""
    return (
        VarianceOfSum(),
        Uncorrelated(),
        VarianceOfSum(),
        Uncorrelated(),
        ContractDelta(),
        ByProductVariance(product_variance()),
        Centred(),
        DeclaredVariance(),
        SecondMoment(),
        PullOut(),
    )


@cache
def pre_activation_variance(over: Over = EVERYTHING) -> Derivation:
    """Var[s^i_k] = Var[W^i] sum_l E[(z^i_l)^2] + Var[b^i] for any activation function and any input.

    With the input fixed, weights and biases must not depend on it.
    """
    fixed = (INPUT_INDEPENDENT,) if x.source not in over.sources else ()
    setting = Setting((*WEIGHTS, BIASES_SHARE_VARIANCE, *fixed), HERE, over)
    proof = Proof(setting, Variance(s(i, K), over))
    proof.by(Define(s), *weighted_sum())
    return proof.done("pre-activation-variance", "The variance of a pre-activation, for any activation function")


def one_layer_variance() -> Derivation:
    """Var[s^i_k] = n_i Var[W^i] E[(z^i)^2] + Var[b^i] for any activation, where all units are alike."""
    hypotheses = (*WEIGHTS, BIASES_SHARE_VARIANCE, UNITS_ALIKE, INPUTS_CENTRED, INPUTS_SHARE_VARIANCE)
    proof = Proof(Setting(hypotheses, HERE), Variance(s(i, K), EVERYTHING))
    proof.by(ByLemma(pre_activation_variance()), SameForEveryUnit())
    return proof.done("one-layer-variance", "One layer, any activation function, with biases")


def one_layer_from_moments() -> Derivation:
    """Var[s^i] = n_i Var[W^i] (Var[z^i] + E[z^i]^2) + Var[b^i]: one layer from mean and variance of its input."""
    one_layer = one_layer_variance()
    proof = Proof(one_layer.setting, one_layer.statement.lhs).by(ByLemma(one_layer), MomentFromVariance())
    return proof.done("pre-activation", "One layer, from mean and variance of its input")


def biased_step() -> Derivation:
    """Var[z^{i+1}] = n_i Var[W^i] (Var[z^i] + E[z^i]^2) + Var[b^i] in the linear regime."""
    inner = one_layer_from_moments()
    setting = inner.setting.assuming(LINEAR_REGIME).where(d - 1 - i)
    proof = Proof(setting, Variance(z(i + 1, K), EVERYTHING)).by(Define(z), LinearRegime(), ByLemma(inner))
    return proof.done("biased-step", "One layer forward, with biases, in the linear regime")


@cache
def activation_mean() -> Derivation:
    """E[z^i_k] = 0 in the linear regime."""
    base = Proof(Setting((INPUTS_CENTRED,), LAST), Average(z(0, K), EVERYTHING)).by(Define(z), Centred())
    independent = (LINEAR_REGIME, FINITE_MOMENTS, WEIGHTS_INDEPENDENT, WEIGHTS_CENTRED, BIASES_ZERO)
    step = Proof(Setting(independent, BEFORE_LAST), Average(z(i + 1, K), EVERYTHING)).by(
        Define(z), LinearRegime(), Define(s), NoBiases(), Linearity(), ProductLaw(), Centred()
    )
    rule = Induction(
        base.done("activation-mean-base", "The input has mean zero"),
        step.done("activation-mean-step", "Each next activation is a sum of centred terms"),
    )
    proof = Proof(Setting((*independent, INPUTS_CENTRED), HERE), Average(z(i, K), EVERYTHING)).by(rule)
    return proof.done("activation-mean", "Every activation has mean zero")


def forward_step() -> Derivation:
    """Var[z^{i+1}_k] = Var[W^i] sum_l Var[z^i_l] in the linear regime without biases."""
    setting = Setting((LINEAR_REGIME, *WEIGHTS, BIASES_ZERO, INPUTS_CENTRED), BEFORE_LAST)
    proof = Proof(setting, Variance(z(i + 1, K), EVERYTHING))
    proof.by(
        Define(z),
        LinearRegime(),
        ByLemma(pre_activation_variance()),
        NoBiases(),
        MomentFromVariance(),
        ByLemma(activation_mean()),
    )
    return proof.done("forward-step", "One layer forward, in the linear regime")


@cache
def forward_variance() -> Derivation:
    """Var[z^i_k] = Var[x] prod_{i'=0}^{i-1} n_{i'} Var[W^{i'}] in the linear regime."""
    start = Variance(z(0, K), EVERYTHING)
    base = Proof(Setting((INPUTS_SHARE_VARIANCE,), LAST), start).by(Define(z), DeclaredVariance())
    rule = Induction(base.done("forward-base", "At layer 0 the activation is the input"), forward_step())
    proof = Proof(Setting(FORWARD, HERE), Variance(z(i, K), EVERYTHING)).by(rule)
    return proof.done(
        "forward-variance",
        "The variance of the activations, from the variance of the input",
        source="Glorot & Bengio 2010, equation 5",
        parts=(one_layer_variance(),),
        intro=(
            Words(
                "How large is a typical activation {} of layer {}, if all we know is the law of the weights?",
                z(i, K),
                i,
            ),
        ),
    )
