"""What is printed of residual streams that are normalised: Xiong et al. 2020, read with these theorems' blocks."""

from __future__ import annotations

from sympy import Expr, Integer, Max, Rational, Symbol, sqrt

from derive.averages import SharedVariance
from derive.claims.claim import Claim, number_claim
from derive.claims.rows import AS_GIVEN
from derive.layers import i
from derive.network import SLOPE, n
from derive.rules.any_activation import F
from derive.rules.wide import Q, U, closed_form, one_gaussian
from derive.theorems.post_ln import post_ln_rectifier
from derive.theorems.post_ln_block import post_ln_sum
from derive.theorems.pre_ln_block import pre_ln_square
from derive.theorems.pre_ln_depth import ADDED, START, added, pre_ln_depth, pre_ln_rectifier, pre_ln_weights_in_depth
from derive.theorems.residual_variance import ALPHA
from derive.words import Words

XIONG = "Xiong et al. 2020, On layer normalization in the Transformer architecture"
_FEED_FORWARD = Words(
    "Blocks of LayerNorm and a feed-forward branch of one width, ReLU, weights of variance 1/d, the stream as it is."
)
_LAYERS, _LAYER = (Symbol(name, integer=True, positive=True) for name in ("L", "l"))


def _at_their_weights(e: Expr) -> Expr:
    """Return an expression for ReLU, alpha = 1, branches as wide as the stream and weights of variance 1/d."""
    square = one_gaussian(F(U) ** 2)
    relu = closed_form(square.replace(F, lambda u: Max(u, 0)).subs(Q, 1)).result
    variances = {v: 1 / n(1) for v in e.atoms(SharedVariance)}
    return e.xreplace({square: relu, **variances}).subs({ALPHA: 1, SLOPE: 0})


def lemma_1() -> Claim:
    """E|relu(X)|^2 = sigma^2 d/2"""
    width, sigma = Symbol("d", positive=True), Symbol("sigma", positive=True)

    def value() -> Expr:
        return width * closed_form(one_gaussian(Max(U, 0) ** 2, sigma**2)).result

    about = ("xiong-lemma-1", "The mean squared length behind ReLU", "length")
    return number_claim(*about, sigma**2 * width / 2, value, source=XIONG, where="lemma 1")


def stream() -> Claim:
    """(1 + l/2) d, which is printed as the lower end, for feed-forward blocks alone."""
    width, layer = Symbol("d", positive=True), Symbol("l", positive=True)

    def value() -> Expr:
        at = {START: 1, ADDED: _at_their_weights(added()), i: layer}
        return width * pre_ln_depth().result.subs(at)

    return number_claim(
        "xiong-lemma-1-stream",
        "The mean squared length of a pre-LN stream without attention",
        "length",
        width * (1 + layer / 2),
        value,
        source=XIONG,
        where=AS_GIVEN,
        against=(pre_ln_square, pre_ln_depth),
        reading=Words("The lower of the two printed ends; attention adds to it. {}", _FEED_FORWARD),
    )


def post_ln() -> Claim:
    """(2/3)^((L - l)/2): the gradient of a post-LN stream L - l blocks before the end, against that at the end."""
    distance = (_LAYERS - _LAYER) / Integer(2)

    def value() -> Expr:
        return post_ln_rectifier().result ** distance

    return number_claim(
        "xiong-post-ln",
        "The gradient through post-LN blocks falls by (2/3)^(1/2) a block",
        "gradient",
        Rational(2, 3) ** distance,
        value,
        source=XIONG,
        where="appendix F",
        against=(post_ln_rectifier,),
        reading=Words(
            "Root mean squares. This is what LayerNorm alone divides by; the branch, beside the stream, multiplies by "
            "the same. {}",
            _FEED_FORWARD,
        ),
    )


def post_ln_normalisation() -> Claim:
    """(2/3)^(1/2): what LayerNorm alone makes of the gradient in one block."""

    def value() -> Expr:
        return sqrt(1 / _at_their_weights(post_ln_sum().result))

    return number_claim(
        "xiong-post-ln-layer-norm",
        "LayerNorm behind the sum multiplies the gradient by (2/3)^(1/2)",
        "factor",
        sqrt(Rational(2, 3)),
        value,
        source=XIONG,
        where="appendix F",
        against=(post_ln_sum,),
        reading=_FEED_FORWARD,
    )


def pre_ln() -> Claim:
    """1: the squared gradient of the last feed-forward weights of block l, against those of the first block."""

    def value() -> Expr:
        weights = pre_ln_weights_in_depth().result
        ratio = (weights.subs(i, _LAYER) / weights.subs(i, 0)).simplify()
        return ratio.subs({START: 1, ADDED: _at_their_weights(added())}).simplify()

    return number_claim(
        "xiong-pre-ln",
        "In pre-LN nets the gradient of the last feed-forward weight is the same at every layer",
        "ratio",
        Integer(1),
        value,
        source=XIONG,
        where="appendix F",
        against=(pre_ln_rectifier, pre_ln_weights_in_depth),
        reading=Words("Mean squares, of block {} against the first. {}", _LAYER, _FEED_FORWARD),
    )
