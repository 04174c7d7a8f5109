"""Claims about layers that learn alike, and about the fluctuation of networks of real width."""

from __future__ import annotations

from sympy import And, Eq

from derive.claims.claim import Claim
from derive.claims.questions import ANSWER, activations_equal, gradients_equal
from derive.hypotheses import BACKWARD, FORWARD
from derive.layers import Facts, d, i
from derive.proof.derivation import Statement
from derive.setting import Setting
from derive.theorems.backward import backward_variance
from derive.theorems.first_step import contribution, first_step
from derive.theorems.forward import forward_variance
from derive.words import Words


def rhythm() -> Claim:
    """Constant gradients and activations imply that neighbouring layers contribute alike to a step."""
    both = (*FORWARD, *(h for h in BACKWARD if h not in FORWARD))
    printed = And(gradients_equal(), activations_equal(i + 1))
    return Claim(
        id="answer-2-rhythm",
        title="Where gradients and activations are constant, layers learn at the same rhythm",
        source=ANSWER,
        where='"globally these layers are learning at the same rhythm"',
        printed=Statement(printed, "=>", Eq(contribution(i), contribution(i + 1))),
        setting=Setting(both, Facts((i, d - 1 - i))),
        against=(forward_variance, backward_variance, first_step),
        reading=Words(
            "Rhythm is read as what the weights of a layer contribute to the change of the cost in a step of gradient "
            "descent, to first order: the step size times {}. The answer writes the gradient of the weights with the "
            "activations of the layer before.",
            contribution(i),
        ),
    )
