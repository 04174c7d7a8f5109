"""Leaky ReLU backward: the variance of the gradients, exactly at every width (He et al. 2015, section 2.2)."""

from __future__ import annotations

from sympy import Eq

from derive.averages import SharedVariance, Variance
from derive.hypotheses import (
    FINITE_MOMENTS,
    NEVER_ZERO,
    NONDEGENERATE,
    OUTPUT_GRADIENT_CENTRED,
    OUTPUT_GRADIENT_INDEPENDENT,
    OUTPUT_GRADIENT_SHARES_VARIANCE,
    RECTIFIER,
    UNITS_ALIKE,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_SHARE_VARIANCE,
    WEIGHTS_SYMMETRIC,
    Hypothesis,
)
from derive.indices import J, K, L
from derive.layers import d, i
from derive.network import W, cost_gradient, s
from derive.proof.derivation import Derivation, Proof
from derive.randomness import BIASES, OUTPUT_GRADIENT, Over
from derive.randomness import WEIGHTS as THE_WEIGHTS
from derive.rules import (
    ByLemma,
    CancelEquation,
    DeclaredVariance,
    DrawnGradient,
    Induction,
    Isolate,
    ReindexProduct,
    SameGradients,
)
from derive.rules.gradients import RectifierGradient
from derive.setting import Setting
from derive.theorems.backpropagation import gradient_recursion, weight_gradient
from derive.theorems.forward import BEFORE_LAST, HERE, LAST
from derive.theorems.meanings import RECTIFIER_NOTATION
from derive.words import Words

FIXED_INPUT = Over("networks and output gradients", (THE_WEIGHTS, BIASES, OUTPUT_GRADIENT))
"""The weights, the biases and the output gradient, with the input fixed."""

_SIGNS = (
    RECTIFIER,
    FINITE_MOMENTS,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_SYMMETRIC,
    NEVER_ZERO,
    OUTPUT_GRADIENT_INDEPENDENT,
    OUTPUT_GRADIENT_CENTRED,
)
_PASSING = (*_SIGNS, WEIGHTS_SHARE_VARIANCE)
HYPOTHESES = (*_PASSING, OUTPUT_GRADIENT_SHARES_VARIANCE)


def _step(*more: Hypothesis) -> Proof:
    """Var[dCost/ds^i_k] = (1 + a^2)/2 Var[W^{i+1}] sum_j Var[dCost/ds^{i+1}_j]."""
    proof = Proof(Setting((*_PASSING, *more), BEFORE_LAST, FIXED_INPUT), Variance(cost_gradient(s(i, K)), FIXED_INPUT))
    return proof.by(ByLemma(gradient_recursion()), RectifierGradient())


def rectifier_gradient() -> Derivation:
    """Var[dCost/ds^i_k] = (1 + a^2)/2 n_{i+2} Var[W^{i+1}] Var[dCost/ds^{i+1}_j], exactly, for leaky ReLU."""
    proof = _step(OUTPUT_GRADIENT_SHARES_VARIANCE, UNITS_ALIKE).by(SameGradients())
    return proof.done(
        "rectifier-gradient",
        "The gradient's variance one layer back, for leaky ReLU, at every width",
        symbols=RECTIFIER_NOTATION,
        source="He et al. 2015, equations 13 and 14",
        parts=(closed_form(), rectifier_weight_gradient(), backward_condition()),
        remarks=(
            Words(
                "He et al. assume that the slope and the gradient are independent. They are not, and the variance is "
                "what it would be if they were."
            ),
        ),
    )


def closed_form() -> Derivation:
    """Var[dCost/ds^i_k] = Var[dCost/ds^d] prod_{i'=i+1}^{d} (1 + a^2)/2 n_{i'+1} Var[W^{i'}]."""
    start = Variance(cost_gradient(s(d, K)), FIXED_INPUT)
    given = (OUTPUT_GRADIENT_INDEPENDENT, OUTPUT_GRADIENT_SHARES_VARIANCE)
    base = Proof(Setting(given, LAST, FIXED_INPUT), start).by(DrawnGradient(), DeclaredVariance())
    rule = Induction(
        base.done("rectifier-gradient-base", "At the last layer the gradient is given"),
        _step().done("rectifier-gradient-step", "One layer back, unit by unit"),
    )
    proof = Proof(Setting(HYPOTHESES, HERE, FIXED_INPUT), Variance(cost_gradient(s(i, K)), FIXED_INPUT))
    proof.by(rule, ReindexProduct(1))
    return proof.done("rectifier-gradient-closed", "All layers at once")


def rectifier_weight_gradient() -> Derivation:
    """Var[dCost/dw^i_{lk}] = E[(z^i_l)^2] Var[dCost/ds^i_k]."""
    proof = Proof(Setting(_SIGNS, HERE, FIXED_INPUT), Variance(cost_gradient(W(i, L, K)), FIXED_INPUT))
    proof.by(ByLemma(weight_gradient()), RectifierGradient())
    return proof.done("rectifier-weight-gradient", "The gradient of a weight")


def backward_condition() -> Derivation:
    """Var[dCost/ds^i] = Var[dCost/ds^{i+1}] <=> Var[W^{i+1}] = 2/((1 + a^2) n_{i+2})."""
    sides = Eq(Variance(cost_gradient(s(i, K)), FIXED_INPUT), Variance(cost_gradient(s(i + 1, J)), FIXED_INPUT))
    proof = Proof(Setting((*HYPOTHESES, NONDEGENERATE), BEFORE_LAST, FIXED_INPUT), sides)
    proof.by(ByLemma(closed_form()), CancelEquation(), Isolate(SharedVariance(W, i + 1)))
    return proof.done(
        "rectifier-backward-condition",
        "When the gradients keep their variance",
        source="He et al. 2015, equation 14",
    )
