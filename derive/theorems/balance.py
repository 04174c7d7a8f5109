"""Do neighbouring layers learn at the same pace? (the second question's claim, made exact)"""

from __future__ import annotations

from sympy import Eq

from derive.averages import Variance
from derive.hypotheses import BACKWARD, FORWARD, NONDEGENERATE
from derive.indices import J, K, L, M
from derive.layers import i
from derive.network import W, cost_gradient
from derive.proof.derivation import Derivation, Proof
from derive.randomness import EVERYTHING
from derive.rules import ByLemma, Cancel, CancelEquation
from derive.setting import Setting
from derive.theorems.backward import weight_gradient_variance
from derive.theorems.forward import BEFORE_LAST
from derive.words import Words


def layer_gradient_balance() -> Derivation:
    """Var[dCost/dw^i] / Var[dCost/dw^{i+1}] = n_{i+2} Var[W^{i+1}] / (n_i Var[W^i])."""
    hypotheses = (*FORWARD, *(h for h in BACKWARD if h not in FORWARD), NONDEGENERATE)
    setting = Setting(hypotheses, BEFORE_LAST)
    lemma = weight_gradient_variance()
    here = Variance(cost_gradient(W(i, L, K)), EVERYTHING)
    there = Variance(cost_gradient(W(i + 1, J, M)), EVERYTHING)
    exactly_when = Proof(setting, Eq(here, there)).by(ByLemma(lemma), CancelEquation())
    proof = Proof(setting, here / there).by(ByLemma(lemma), Cancel())
    return proof.done(
        "layer-gradient-balance",
        "How the weight gradients of neighbouring layers compare",
        source="Answer to the question why the variance should be the same in all layers",
        parts=(
            exactly_when.done("balance-condition", "Exactly when neighbouring weight gradients have equal variance"),
        ),
        remarks=(
            Words(
                "The ratio compares the fan-out side of layer {} with the fan-in side of layer {}: "
                "keeping both the forward and the backward variances constant is enough, but neither is needed.",
                i + 1,
                i,
            ),
        ),
    )
