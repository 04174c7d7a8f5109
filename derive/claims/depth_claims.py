"""Claims about layers that learn alike, and about the fluctuation of networks of real width."""

from __future__ import annotations

from functools import cache

from sympy import (
    And,
    Eq,
    Expr,
    Integer,
    Rational,
    Sum,
    Symbol,
    diff,
    exp,
    gammasimp,
    limit,
    oo,
    product,
    simplify,
    summation,
)

from derive.averages import Average, Variance
from derive.claims.claim import Claim
from derive.claims.questions import ANSWER, activations_equal, gradients_equal
from derive.hypotheses import BACKWARD, FORWARD, RECTIFIER, RELU, Hypothesis
from derive.layers import Facts, d, i
from derive.network import SLOPE, n
from derive.proof.derivation import Derivation, Proof, Statement
from derive.randomness import NETWORKS
from derive.rules.any_activation import SLOPE_OF_F, F
from derive.rules.asymptotics import LAYER
from derive.rules.given import PutIn
from derive.rules.near_zero import ExpandInVariance
from derive.rules.wide import Q, U, one_gaussian
from derive.setting import Setting
from derive.theorems.backward import backward_variance
from derive.theorems.critical_length import NO_BIAS, SMOOTH_AT_ZERO, critical_length, smooth_length_map
from derive.theorems.first_step import contribution, first_step
from derive.theorems.forward import forward_variance
from derive.theorems.layer_variance import fluctuation
from derive.theorems.norm_moments import (
    DEPTH,
    INVERSE,
    INVERSE_WIDTH,
    SPREAD,
    first_order,
    norm,
    norm_fourth_moment,
)
from derive.theorems.norm_moments import LAYER as SUM_LAYER
from derive.theorems.width_correction import VERTEX, layers_of
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


def _accumulated(id: str, title: str, number: int, slope: int, stated: Hypothesis) -> Claim:
    return Claim(
        id=id,
        title=title,
        source=PDLT,
        where="the four-point vertex of deep networks",
        printed=Statement(_RATIO, "=", number * (_LAYER - 1) / _WIDTH),
        setting=Setting((INVERSE, stated)),
        against=(first_order, fluctuation),
        analytic=lambda: _relative_variance(slope),
        reading=Words(
            "To first order in {}, at the gain that keeps the length: {} is the relative variance from network to "
            "network of the variance {} of a pre-activation. Layers are counted from one: {} layers of activations "
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
    return _accumulated("pdlt-relu", "How the fluctuation of ReLU networks grows with depth", 5, 0, RELU)


def pdlt_linear() -> Claim:
    """V/K^2 = 2 (l - 1)/n for linear networks."""
    return _accumulated("pdlt-linear", "How the fluctuation of linear networks grows with depth", 2, 1, RECTIFIER)


@cache
def vertex() -> Derivation:
    """Return the variance at every layer, to first order, part of `width-correction`."""
    return layers_of(VERTEX, "variance")


def _moment(power: int, terms: int) -> Expr:
    """Return E[f(u)^p] near length zero, in the length, at the critical gain."""
    proof = Proof(Setting((NO_BIAS, SMOOTH_AT_ZERO)), one_gaussian(F(U) ** power))
    return proof.by(ExpandInVariance(Q, terms), PutIn(((F(0), Integer(0)),))).now


def _universal() -> Expr:
    """Return V/q^2 for many layers: the sum of what the layers add, each times what those after it keep.

    Lengths are those of `critical-length`, where a layer far down is one over a constant times its number.
    """
    m, k = Symbol("m", integer=True, positive=True), Symbol("k", integer=True, positive=True)
    j = m + 2  # From layer 3 on, where no factor is zero: what the first layers add is forgotten.

    def at(e: Expr, layer: Expr) -> Expr:
        return simplify(e.subs(Q, critical_length().result.subs(LAYER, layer)))

    gain = 1 / SLOPE_OF_F(0) ** 2
    noise = gain**2 * (_moment(4, 3) - _moment(2, 2) ** 2)
    kept = product(at(diff(smooth_length_map().result, Q), k) ** 2, (k, j + 1, _LAYER - 1))
    added = simplify(at(noise, j) / at(Q**2, _LAYER) * gammasimp(kept))
    return limit(summation(added, (m, 1, _LAYER - 3)) / _LAYER, _LAYER, oo) * _LAYER / _WIDTH


def pdlt_universal() -> Claim:
    """V/K^2 tends to (2/3) l/n for activations that are critical at K* = 0."""
    lemmas = (critical_length(), vertex())
    return Claim(
        id="pdlt-universal",
        title="How the fluctuation grows with depth where the critical length is zero",
        source=PDLT,
        where="the class of activations critical at K* = 0",
        printed=Statement(_RATIO, "=", Rational(2, 3) * _LAYER / _WIDTH),
        setting=Setting(tuple(dict.fromkeys(h for lemma in lemmas for h in lemma.setting.hypotheses))),
        against=(critical_length, vertex),
        analytic=_universal,
        reading=Words(
            "The leading order for many layers {}, to first order in {}. What a layer adds, and what it keeps of the "
            "fluctuation before, are taken at the length that it has far down, {}.",
            _LAYER,
            1 / _WIDTH,
            lemmas[0].result,
        ),
    )


def _above() -> Derivation:
    """Return the bound on the fluctuation of a squared norm, part of `norm-fourth-moment`."""
    return next(part for part in norm_fourth_moment().parts if part.name == "norm-fluctuation-above")


def hanin_rolnick_sum() -> Claim:
    """Var[|z^i|^2]/E[|z^i|^2]^2 <= exp(c sum 1/n) - 1."""
    size = norm(i)
    ratio = Variance(size, NETWORKS) / Average(size, NETWORKS) ** 2
    return Claim(
        id="hanin-rolnick-sum",
        title="The fluctuation of lengths is governed by the sum of one over the widths",
        source="Hanin & Rolnick 2018, How to start training (as given, not quoted)",
        where="the fluctuation of the lengths of activations in fully connected networks",
        printed=Statement(ratio, "<=", exp(SPREAD * Sum(1 / n(SUM_LAYER), (SUM_LAYER, 1, i))) - 1),
        setting=Setting(_above().setting.hypotheses, Facts((i, d - i)), NETWORKS),
        against=(_above,),
        reading=Words(
            "Weights with the fourth moment of a Gaussian. The sum alone bounds the relative variance of the squared "
            "length, and to first order it is {} times the sum, the theorem's lower bound. Other laws add their excess "
            "fourth moment times fourth powers of activations.",
            SPREAD,
        ),
    )
