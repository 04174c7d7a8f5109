"""The first step of gradient descent: what the weights of each layer contribute to the change of the cost."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from sympy import Eq, Expr, Sum, Symbol

from derive.averages import Average, SharedVariance
from derive.hypotheses import (
    BACKWARD,
    FORWARD,
    INPUTS_SHARE_VARIANCE,
    NONDEGENERATE,
    OUTPUT_GRADIENT_CENTRED,
    OUTPUT_GRADIENT_SHARES_VARIANCE,
    WEIGHTS_SHARE_VARIANCE,
)
from derive.indices import K, L
from derive.layers import i
from derive.network import Cost, W, cost_gradient, n
from derive.proof.derivation import Derivation, Proof
from derive.randomness import EVERYTHING
from derive.rules import (
    ByLemma,
    Cancel,
    CancelEquation,
    Centred,
    DeclaredVariance,
    EqualTerms,
    MomentFromVariance,
    ProductLaw,
)
from derive.setting import Setting
from derive.theorems.backpropagation import weight_gradient
from derive.theorems.backward import weight_gradient_variance
from derive.theorems.forward import BEFORE_LAST, HERE, activation_mean
from derive.words import Words

RATE = Symbol("eta", positive=True)
_BOTH = (*FORWARD, *(h for h in BACKWARD if h not in FORWARD))


def over_weights(layer: Expr, quantity: Expr) -> Sum:
    """Return the sum of a quantity of the weights W_lk of a layer over all of them."""
    return Sum(quantity, (L, 1, n(layer)), (K, 1, n(layer + 1)))


def contribution(layer: Expr) -> Expr:
    """Return sum_lk E[(dCost/dw_lk)^2], by how much a layer's weights lower the cost in one step, for its size."""
    return over_weights(layer, Average(cost_gradient(W(layer, L, K)) ** 2, EVERYTHING))


@cache
def gradient_mean_of_weights() -> Derivation:
    """E[dCost/dw^i_lk] = 0 in the linear regime."""
    means = (OUTPUT_GRADIENT_CENTRED, OUTPUT_GRADIENT_SHARES_VARIANCE, WEIGHTS_SHARE_VARIANCE, INPUTS_SHARE_VARIANCE)
    setting = Setting(tuple(h for h in _BOTH if h not in means), HERE)
    proof = Proof(setting, Average(cost_gradient(W(i, L, K)), EVERYTHING))
    proof.by(ByLemma(weight_gradient()), ProductLaw(), ByLemma(activation_mean()))
    return proof.done("weight-gradient-mean", "The gradient of every weight has mean zero")


def first_step() -> Derivation:
    """sum_lk E[(dCost/dw^i_lk)^2] = n_i n_{i+1} Var[dCost/dw^i], with the variance derived."""
    proof = Proof(Setting(_BOTH, HERE), contribution(i))
    proof.by(MomentFromVariance(), ByLemma(gradient_mean_of_weights()), ByLemma(weight_gradient_variance()))
    share = proof.by(EqualTerms()).done(
        "first-step",
        "What the weights of a layer contribute to the first step of gradient descent",
        source="derived here, for the answer's “learning at the same rhythm”",
        intro=_INTRO,
    )
    return replace(share, parts=(compared(share), alike(share), relative_moves()), remarks=_REMARKS)


_INTRO = (
    Words(
        "One step of gradient descent of size {} changes every weight by {} times the derivative of the cost by it. To "
        "first order in {} the cost {} falls by the sum over all weights of {}, and the weights of a layer contribute "
        "their part of it: here for {} = 1, averaged over weights, input and output gradient.",
        RATE,
        -RATE,
        RATE,
        Cost,
        RATE * cost_gradient(W(i, L, K)) ** 2,
        RATE,
    ),
)
_REMARKS = (
    Words(
        "Widths cancel: whether layers contribute alike is decided by the variances of their weights alone. Gradients "
        "of equal variance are another matter, by theorem layer-gradient-balance: there {} has to be {}. The two are "
        "the same exactly where {} is {}.",
        n(i + 2) * SharedVariance(W, i + 1),
        n(i) * SharedVariance(W, i),
        n(i + 2),
        n(i),
    ),
)


def compared(share: Derivation) -> Derivation:
    """The contributions of neighbouring layers have the ratio Var[W^{i+1}]/Var[W^i]."""
    proof = Proof(_setting(), contribution(i) / contribution(i + 1)).by(ByLemma(share), Cancel())
    return proof.done("first-step-ratio", "How the contributions of neighbouring layers compare")


def alike(share: Derivation) -> Derivation:
    """The contributions of neighbouring layers are equal exactly when Var[W^i] = Var[W^{i+1}]."""
    proof = Proof(_setting(), Eq(contribution(i), contribution(i + 1))).by(ByLemma(share), CancelEquation())
    return proof.done("first-step-equal", "Exactly when neighbouring layers contribute alike")


def _setting() -> Setting:
    return Setting((*_BOTH, NONDEGENERATE), BEFORE_LAST)


def relative_move(layer: Expr) -> Expr:
    """Return sum_lk E[(dCost/dw_lk)^2]/sum_lk E[w_lk^2], the squared relative size of a layer's step, for eta^2."""
    return contribution(layer) / over_weights(layer, Average(W(layer, L, K) ** 2, EVERYTHING))


def relative_moves() -> Derivation:
    """The squared relative sizes of the steps of neighbouring layers, as a ratio."""
    proof = Proof(_setting(), relative_move(i) / relative_move(i + 1))
    proof.by(MomentFromVariance(), ByLemma(gradient_mean_of_weights()), Centred(), DeclaredVariance())
    proof.by(ByLemma(weight_gradient_variance()), EqualTerms(), Cancel())
    return proof.done("first-step-relative", "How the relative sizes of the steps of neighbouring layers compare")
