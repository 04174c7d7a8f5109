"""How the variance of the gradients travels backward (Glorot & Bengio 2010, equations 6 and 7)."""

from __future__ import annotations

from functools import cache

from derive.averages import Average, Variance
from derive.hypotheses import (
    BACKWARD,
    FINITE_MOMENTS,
    FORWARD,
    LINEAR_REGIME,
    OUTPUT_GRADIENT_CENTRED,
    OUTPUT_GRADIENT_INDEPENDENT,
    OUTPUT_GRADIENT_SHARES_VARIANCE,
    WEIGHTS,
    WEIGHTS_CENTRED,
    WEIGHTS_INDEPENDENT,
)
from derive.indices import K, L
from derive.layers import d, i
from derive.network import W, cost_gradient, s
from derive.proof.derivation import Derivation, Proof
from derive.randomness import EVERYTHING
from derive.rules import (
    ByLemma,
    ByProductVariance,
    Centred,
    ContractDelta,
    DeclaredVariance,
    DrawnGradient,
    Induction,
    Linearity,
    LinearRegime,
    ProductLaw,
    PullOut,
    ReindexProduct,
    Uncorrelated,
    VarianceOfSum,
)
from derive.setting import Setting
from derive.theorems.backpropagation import gradient_recursion, weight_gradient
from derive.theorems.forward import BEFORE_LAST, HERE, LAST, activation_mean, forward_variance
from derive.theorems.product import product_variance

_QUESTION = "the question “Understanding an equation used in the Xavier initialization”"


@cache
def gradient_mean() -> Derivation:
    """E[dCost/ds^i_k] = 0 in the linear regime."""
    given = (OUTPUT_GRADIENT_INDEPENDENT, OUTPUT_GRADIENT_CENTRED)
    base = Proof(Setting(given, LAST), Average(cost_gradient(s(d, K)), EVERYTHING)).by(DrawnGradient(), Centred())
    passing = (LINEAR_REGIME, FINITE_MOMENTS, WEIGHTS_INDEPENDENT, WEIGHTS_CENTRED, OUTPUT_GRADIENT_INDEPENDENT)
    step = Proof(Setting(passing, BEFORE_LAST), Average(cost_gradient(s(i, K)), EVERYTHING)).by(
        ByLemma(gradient_recursion()), LinearRegime(), Linearity(), ProductLaw(), Centred()
    )
    rule = Induction(
        base.done("gradient-mean-base", "The gradient at the output has mean zero"),
        step.done("gradient-mean-step", "Each earlier gradient is a sum of centred terms"),
    )
    setting = Setting((*passing, OUTPUT_GRADIENT_CENTRED), HERE)
    proof = Proof(setting, Average(cost_gradient(s(i, K)), EVERYTHING)).by(rule)
    return proof.done("gradient-mean", "Every gradient has mean zero")


def backward_step() -> Derivation:
    """Var[dCost/ds^i_k] = Var[W^{i+1}] sum_j Var[dCost/ds^{i+1}_j] for i < d, in the linear regime."""
    hypotheses = (LINEAR_REGIME, *WEIGHTS, OUTPUT_GRADIENT_INDEPENDENT, OUTPUT_GRADIENT_CENTRED)
    proof = Proof(Setting(hypotheses, BEFORE_LAST), Variance(cost_gradient(s(i, K)), EVERYTHING))
    proof.by(
        ByLemma(gradient_recursion()),
        LinearRegime(),
        VarianceOfSum(),
        Uncorrelated(),
        ContractDelta(),
        ByProductVariance(product_variance()),
        Centred(),
        ByLemma(gradient_mean()),
        DeclaredVariance(),
        PullOut(),
    )
    return proof.done("backward-step", "One layer backward, in the linear regime")


@cache
def backward_variance() -> Derivation:
    """Var[dCost/ds^i_k] = Var[dCost/ds^d] prod_{i'=i+1}^{d} n_{i'+1} Var[W^{i'}] in the linear regime."""
    given = (OUTPUT_GRADIENT_INDEPENDENT, OUTPUT_GRADIENT_SHARES_VARIANCE)
    base = Proof(Setting(given, LAST), Variance(cost_gradient(s(d, K)), EVERYTHING)).by(
        DrawnGradient(), DeclaredVariance()
    )
    rule = Induction(base.done("backward-base", "At the last layer the gradient is given"), backward_step())
    proof = Proof(Setting(BACKWARD, HERE), Variance(cost_gradient(s(i, K)), EVERYTHING)).by(rule, ReindexProduct(1))
    return proof.done(
        "backward-variance",
        "The variance of the gradients at the pre-activations, from that at the output",
        source=f"Glorot & Bengio 2010, equation 6; equation (1) of {_QUESTION}",
    )


@cache
def weight_gradient_variance() -> Derivation:
    """Var[dCost/dw^i_{lk}] = Var[x] prod_{i'<i} n_{i'} Var[W^{i'}] Var[dCost/ds^d] prod_{i'>i} n_{i'+1} Var[W^{i'}]."""
    hypotheses = (*FORWARD, *(h for h in BACKWARD if h not in FORWARD))
    proof = Proof(Setting(hypotheses, HERE), Variance(cost_gradient(W(i, L, K)), EVERYTHING))
    proof.by(
        ByLemma(weight_gradient()),
        ByProductVariance(product_variance()),
        ByLemma(activation_mean()),
        ByLemma(gradient_mean()),
        ByLemma(forward_variance()),
        ByLemma(backward_variance()),
    )
    return proof.done(
        "weight-gradient-variance",
        "The variance of the gradients of the weights",
        source=f"Glorot & Bengio 2010, equation 7; equation (2) of {_QUESTION}",
    )
