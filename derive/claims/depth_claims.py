"""Claims about layers that learn alike, and about the fluctuation of networks of real width."""

from __future__ import annotations

from sympy import And, Eq, Expr, Symbol

from derive.claims.claim import Claim
from derive.claims.questions import ANSWER, activations_equal, gradients_equal
from derive.hypotheses import BACKWARD, FORWARD
from derive.layers import Facts, d, i
from derive.network import SLOPE
from derive.proof.derivation import Statement
from derive.setting import Setting
from derive.theorems.backward import backward_variance
from derive.theorems.first_step import contribution, first_step
from derive.theorems.forward import forward_variance
from derive.theorems.layer_variance import fluctuation
from derive.theorems.norm_moments import DEPTH, INVERSE, INVERSE_WIDTH, SPREAD, first_order
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


PDLT = "Roberts, Yaida & Hanin 2022, The Principles of Deep Learning Theory, chapters 4 and 5 (as given, not quoted)"
_LAYER, _WIDTH = Symbol("l", integer=True, positive=True), Symbol("n", integer=True, positive=True)
_RATIO = Symbol("V/K^2", positive=True)


def _relative_variance(slope: int) -> Expr:
    """Return the relative variance of a squared norm to first order, behind the l - 1 layers before layer l."""
    spread = fluctuation().result.subs(SLOPE, slope)
    return first_order().result.subs({SPREAD: spread, DEPTH: _LAYER - 1, INVERSE_WIDTH: 1 / _WIDTH})


def _accumulated(id: str, title: str, number: int, slope: int) -> Claim:
    return Claim(
        id=id,
        title=title,
        source=PDLT,
        where="the four-point vertex of deep networks",
        printed=Statement(_RATIO, "=", number * (_LAYER - 1) / _WIDTH),
        setting=Setting((INVERSE,)),
        against=(first_order, fluctuation),
        analytic=lambda: _relative_variance(slope),
        reading=Words(
            "To first order in {}, at the gain that keeps the length: {} is the relative variance from network to network "
            "of the variance {} of a pre-activation. The layers are counted from one, so that {} layers of activations "
            "stand before layer {}.",
            1 / _WIDTH,
            _RATIO,
            Symbol("K"),
            _LAYER - 1,
            _LAYER,
        ),
    )


def pdlt_relu() -> Claim:
    """V/K^2 = 5 (l - 1)/n for ReLU."""
    return _accumulated("pdlt-relu", "How the fluctuation of ReLU networks grows with depth", 5, 0)


def pdlt_linear() -> Claim:
    """V/K^2 = 2 (l - 1)/n for linear networks."""
    return _accumulated("pdlt-linear", "How the fluctuation of linear networks grows with depth", 2, 1)
