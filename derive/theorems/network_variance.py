"""Leaky ReLU over the weights: the half-variance step and the variance over networks (He et al. 2015)."""

from __future__ import annotations

from functools import cache

from sympy import Eq, Symbol

from derive.averages import Average, SharedVariance, Variance
from derive.hypotheses import (
    BIASES_SHARE_VARIANCE,
    BIASES_ZERO,
    FINITE_MOMENTS,
    INPUT_INDEPENDENT,
    NONDEGENERATE,
    RECTIFIER,
    WEIGHTS,
    WEIGHTS_CENTRED,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_SYMMETRIC,
    Hypothesis,
    Kind,
    Property,
)
from derive.indices import J, K
from derive.layers import i
from derive.network import W, f, s, z
from derive.proof.derivation import Derivation, Proof
from derive.randomness import NETWORKS, Family, Over, Source
from derive.rules import (
    ByLemma,
    CancelEquation,
    Centred,
    Define,
    Expand,
    Induction,
    Isolate,
    Linearity,
    MomentFromVariance,
    NoBiases,
    ProductLaw,
    PullOut,
    ReindexProduct,
)
from derive.rules.rectifier import ByHalfVariance, Collect, DefineRectifier, OddMean, SameByLemma
from derive.setting import Setting
from derive.theorems.forward import BEFORE_LAST, HERE, LAST, pre_activation_variance
from derive.theorems.meanings import RECTIFIER_NOTATION
from derive.words import Words

PRE_ACTIVATION = Source("law of the pre-activation")
Y = Family("y", meaning=Words("a pre-activation"), extents=lambda _: (), layered=False, source=PRE_ACTIVATION)
OVER_Y = Over("pre-activation", (PRE_ACTIVATION,))
SYMMETRIC = Hypothesis(
    "symmetric",
    Words("The law of {} is symmetric about zero.", Y()),
    (Property(Kind.SYMMETRIC, Y), Property(Kind.ZERO_MEAN, Y)),
    source="He et al. 2015, section 2.2",
)
NETWORK_HYPOTHESES = (RECTIFIER, *WEIGHTS, BIASES_SHARE_VARIANCE, WEIGHTS_SYMMETRIC)
NO_BIASES = (RECTIFIER, *WEIGHTS, BIASES_ZERO, WEIGHTS_SYMMETRIC)


@cache
def half_variance() -> Derivation:
    """E[f(y)^2] = (1 + a^2)/2 E[y^2] for leaky ReLU of slope a and a symmetric law of y."""
    proof = Proof(Setting((RECTIFIER, SYMMETRIC, FINITE_MOMENTS), over=OVER_Y), Average(f(Y()) ** 2, OVER_Y))
    proof.by(DefineRectifier(), Expand(), Linearity(), OddMean(), Collect())
    return proof.done(
        "half-variance",
        "Leaky ReLU keeps (1 + a²)/2 of the mean square",
        symbols=RECTIFIER_NOTATION,
        source="He et al. 2015, equations 8 to 10",
        remarks=(Words("For ReLU, {}, it is the half of the name.", Eq(Symbol("a"), 0)),),
    )


def pre_activation_mean() -> Derivation:
    """E[s^i_k] = 0 over the weights, for any activation function."""
    hypotheses = (FINITE_MOMENTS, WEIGHTS_INDEPENDENT, WEIGHTS_CENTRED, WEIGHTS_SYMMETRIC)
    proof = Proof(Setting(hypotheses, HERE, NETWORKS), Average(s(i, K), NETWORKS))
    proof.by(Define(s), Linearity(), ProductLaw(), Centred())
    return proof.done("pre-activation-mean", "Over the weights every pre-activation has mean zero")


def _step(hypotheses: tuple[Hypothesis, ...]) -> Proof:
    """Var[s^{i+1}_k] = (1 + a^2)/2 Var[W^{i+1}] sum_l Var[s^i_l] + Var[b^{i+1}]."""
    proof = Proof(Setting(hypotheses, BEFORE_LAST, NETWORKS), Variance(s(i + 1, K), NETWORKS))
    proof.by(ByLemma(pre_activation_variance(NETWORKS)), Define(z), ByHalfVariance(half_variance()))
    return proof.by(MomentFromVariance(), ByLemma(pre_activation_mean()))


def network_variance() -> Derivation:
    """Var[s^{i+1}_k] = (1 + a^2)/2 n_{i+1} Var[W^{i+1}] Var[s^i_l] + Var[b^{i+1}] over networks."""
    proof = _step(NETWORK_HYPOTHESES).by(PullOut(), SameByLemma(pre_activation_variance(NETWORKS)))
    return proof.done(
        "network-variance",
        "The variance over networks in a (leaky) ReLU network",
        symbols=RECTIFIER_NOTATION,
        source="He et al. 2015, equations 7 to 10",
        parts=(closed_form(), he_condition()),
        remarks=(
            Words("It is exact at every width, for one fixed input; the width only counts the terms of the sum."),
        ),
    )


def closed_form() -> Derivation:
    """Var[s^i_k] = Var[W^0] sum_l x_l^2 prod_{i'=1}^{i} (1 + a^2)/2 n_{i'} Var[W^{i'}], without biases."""
    setting = Setting((*WEIGHTS, BIASES_ZERO, INPUT_INDEPENDENT), LAST, NETWORKS)
    base = Proof(setting, Variance(s(0, K), NETWORKS))
    base.by(ByLemma(pre_activation_variance(NETWORKS)), Define(z), Linearity(), NoBiases())
    step = _step(NO_BIASES).by(NoBiases(), PullOut())
    rule = Induction(
        base.done("network-variance-base", "The first layer, for a fixed input"),
        step.done("network-variance-step", "One layer of leaky ReLU, without biases"),
    )
    proof = Proof(Setting(NO_BIASES, HERE, NETWORKS), Variance(s(i, K), NETWORKS)).by(rule, ReindexProduct(1))
    return proof.done("network-variance-closed", "All layers at once, without biases")


def he_condition() -> Derivation:
    """Var[s^{i+1}] = Var[s^i] <=> Var[W^{i+1}] = 2/((1 + a^2) n_{i+1}), without biases."""
    sides = Eq(Variance(s(i + 1, K), NETWORKS), Variance(s(i, J), NETWORKS))
    proof = Proof(Setting((*NO_BIASES, NONDEGENERATE), BEFORE_LAST, NETWORKS), sides)
    proof.by(ByLemma(closed_form()), CancelEquation(), Isolate(SharedVariance(W, i + 1)))
    return proof.done(
        "he-condition",
        "When the variance over networks stays constant",
        source="He et al. 2015, equations 10 and 15",
    )
