"""What is printed of normalisation, and of the variance over samples that it keeps or does not."""

from __future__ import annotations

from sympy import Expr, Integer, Limit, Sum, Symbol, exp, integrate, oo, pi, sqrt

from derive.averages import Average
from derive.blocks.lemmas import BATCH, BATCH_SIZE, EPSILON_ADDED, FIRST, OVER
from derive.blocks.lemmas_batch import EXCHANGEABLE_SAMPLES, Y, batch_sum
from derive.blocks.lemmas_normalise import NO_EPSILON
from derive.claims.claim import Claim, number_claim
from derive.claims.rectifier_claims import POST
from derive.hypotheses import FINITE_MOMENTS, HE_WEIGHTS
from derive.indices import J, K, L, T
from derive.layers import i
from derive.network import SLOPE, n
from derive.proof.derivation import Statement
from derive.rules.asymptotics import LAYER
from derive.setting import Setting
from derive.theorems.batch_growth import finite_batch_linear
from derive.theorems.batch_norm import batch_norm_square, gradient_of_relu
from derive.theorems.layer_norm import Y as OF_LAYER
from derive.theorems.layer_norm import layer_norm_length
from derive.theorems.layer_norm_invariance import MOVED_Y, SCALED, layer_norm_invariance
from derive.theorems.layer_norm_invariance import Y as OF_LAYER_BEFORE
from derive.theorems.sample_variance_decay import sample_variance_decay
from derive.theorems.signals import OVER as OVER_LAYER
from derive.words import Words

LUTHER = "K. Luther 2020, Why Batch Norm causes exploding gradients (a post of the same day and author)"
YANG = "Yang et al. 2019, A mean field theory of batch normalization"
_DISCUSSION = "introduction"
_FORWARD, _BACKWARD = "the forward pass", "the backward pass"


def shrinks() -> Claim:
    """The variance over samples decays to zero with depth: v^2 -> 0."""

    def limit() -> Expr:
        relu = sample_variance_decay().result.subs(SLOPE, 0)
        return Limit(relu, LAYER, oo).doit()

    return number_claim(
        "post-3-shrinks",
        "Kaiming initialization causes the variance over samples to decay to zero with depth",
        "v^2",
        Integer(0),
        limit,
        source=POST,
        where=_DISCUSSION,
        against=(sample_variance_decay,),
        reading=Words(
            "ReLU, He's gain, no biases; the printed limit is that of {} layers as their number grows.", LAYER
        ),
    )


def batch_norm_mean() -> Claim:
    """Over a batch BatchNorm's output has mean zero: sum_t y_tk = 0."""
    return Claim(
        id="post-3-batch-norm-mean",
        title="Batch Norm normalizes neurons so they are zero mean, over the batch",
        source=POST,
        where=_DISCUSSION,
        printed=Statement(Sum(Y(J, K), (J, Integer(1), BATCH)), "=", Integer(0)),
        setting=Setting((BATCH_SIZE, EPSILON_ADDED), over=OVER),
        against=(batch_sum,),
    )


def batch_norm() -> Claim:
    """Over a batch BatchNorm's output has unit variance: E[y_tk^2] = 1."""
    return Claim(
        id="post-3-batch-norm",
        title="Batch Norm normalizes neurons so they are unit variance, over the batch",
        source=POST,
        where=_DISCUSSION,
        printed=Statement(Average(Y(FIRST, K) ** 2, OVER), "=", Integer(1)),
        setting=Setting((FINITE_MOMENTS, BATCH_SIZE, EPSILON_ADDED, NO_EPSILON, EXCHANGEABLE_SAMPLES), over=OVER),
        against=(batch_norm_square,),
    )


def layer_norm() -> Claim:
    """Over a layer LayerNorm's output has unit variance: sum_l y_tl^2 = n."""
    return Claim(
        id="post-3-layer-norm",
        title="Layer Norm normalizes neurons so they are unit variance, over the layer",
        source=POST,
        where=_DISCUSSION,
        printed=Statement(Sum(OF_LAYER(T, L) ** 2, (L, Integer(1), n(0))), "=", n(0)),
        setting=Setting((EPSILON_ADDED, NO_EPSILON), over=OVER_LAYER),
        against=(layer_norm_length,),
    )


def layer_norm_of_a_neuron() -> Claim:
    """The same of one neuron: E[y_tk^2] = 1 for every unit k, which units that differ do not do."""
    return Claim(
        id="post-3-layer-norm-neuron",
        title="Layer Norm normalizes each neuron so it is unit variance",
        source=POST,
        where=_DISCUSSION,
        printed=Statement(Average(OF_LAYER(T, K) ** 2, OVER_LAYER), "=", Integer(1)),
        setting=Setting((FINITE_MOMENTS, EPSILON_ADDED, NO_EPSILON), over=OVER_LAYER),
        against=(layer_norm_length,),
        reading=Words("The sentence says of neurons what holds of a layer: the mean is read over what a neuron sees."),
    )


def invariance() -> Claim:
    """y'_tk = y_tk: LayerNorm does not see what scales all values of a case, or is added to them all."""
    return Claim(
        id="ba-invariance",
        title="Layer Norm is invariant to re-scaling and re-centring of the weights, and to re-scaling of a case",
        source="Ba, Kiros & Hinton 2016, Layer normalization",
        where="table 1",
        printed=Statement(MOVED_Y(T, K), "=", OF_LAYER_BEFORE(T, K)),
        setting=Setting((SCALED,), over=OVER_LAYER),
        against=(layer_norm_invariance,),
        reading=Words(
            "Weights or a case that are scaled scale all values of a case, weights that are re-centred add one number "
            "to them. The factor is read as positive: a negative one turns the sign."
        ),
    )


def _growth() -> Expr:
    return gradient_of_relu().result


def luther_rate() -> Claim:
    """pi/(pi - 1)"""
    about = ("luther-bn-rate", "Squared gradients grow by this factor a layer behind ReLU and Batch Norm", "rate")
    return number_claim(*about, pi / (pi - 1), _growth, source=LUTHER, where="result", against=(gradient_of_relu,))


def luther_sigma() -> Claim:
    """Sigma is sqrt((pi - 1)/pi): of pre-activations, over samples, at He's variance 2/N."""
    return number_claim(
        "luther-bn-sigma",
        "The standard deviation by which Batch Norm divides",
        "sigma",
        sqrt((pi - 1) / pi),
        lambda: sqrt(1 / _growth()),
        source=LUTHER,
        where=_FORWARD,
        against=(gradient_of_relu,),
        reading=Words(
            "At He's variance the mean square of the slopes and the gain make one: 1/sigma^2 is the whole factor."
        ),
    )


def luther_sigma_number() -> Claim:
    """0.82"""
    about = ("luther-bn-sigma-number", "The standard deviation by which Batch Norm divides, as a number", "sigma")
    return number_claim(
        *about, "0.82", lambda: sqrt(1 / _growth()), source=LUTHER, where=_FORWARD, against=(gradient_of_relu,)
    )


def luther_inverse() -> Claim:
    """1.2 for the mean of (1/sigma)^2, which is 1/sigma."""
    about = ("luther-bn-inverse", "The mean of (1/sigma)^2", "mean")
    return number_claim(*about, "1.2", _growth, source=LUTHER, where=_BACKWARD, against=(gradient_of_relu,))


def luther_weights() -> Claim:
    """sqrt(2)/N for the mean of w^2, which is the square of the standard deviation sqrt(2/N)."""
    fan_in = Symbol("N", positive=True)

    def value() -> Expr:
        (variance,) = HE_WEIGHTS.equations
        return variance.rhs.subs(SLOPE, 0).xreplace({n(i): fan_in})

    about = ("luther-bn-weights", "The mean square of He's weights", "mean")
    return number_claim(*about, sqrt(2) / fan_in, value, source=LUTHER, where=_BACKWARD)


def luther_integral() -> Claim:
    """The antiderivative of z exp(-z^2/2) is printed as exp(-z^2/2)."""
    z = Symbol("z", real=True)
    printed = exp(-(z**2) / 2)
    about = ("luther-bn-integral", "The antiderivative of z exp(-z^2/2)", "integral")
    return number_claim(*about, printed, lambda: integrate(z * printed, z), source=LUTHER, where="appendix")


def yang_relu() -> Claim:
    """pi/(pi - 1) as B grows."""
    about = ("yang-bn-relu", "The gradient explosion rate of ReLU with large batches", "rate")
    return number_claim(*about, pi / (pi - 1), _growth, source=YANG, where="abstract", against=(gradient_of_relu,))


def yang_linear() -> Claim:
    """(B - 2)/(B - 3) without an activation function, at any finite batch of B > 3."""
    return number_claim(
        "yang-bn-linear",
        "The gradient explosion rate of linear networks with Batch Norm",
        "rate",
        (BATCH - 2) / (BATCH - 3),
        lambda: finite_batch_linear().result,
        source=YANG,
        where="linear networks",
        against=(finite_batch_linear,),
    )
