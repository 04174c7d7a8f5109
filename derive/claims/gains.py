"""Numbers that libraries and papers ship: gains, constants, points on the edge of chaos.

A printed number holds if the true value rounds to the digits that are printed, or if it is the float64 nearest to the
true value; an exact one (5/3) must be equal.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import (
    Expr,
    Integer,
    Rational,
    Symbol,
    acos,
    pi,
    sqrt,
    symbols,
)

from derive.averages import Average, Variance
from derive.claims.claim import Claim, number_claim
from derive.claims.quadrature import edge_of_chaos
from derive.claims.reduction import built
from derive.claims.rows import AS_GIVEN
from derive.hypotheses import RECTIFIER, RELU, Hypothesis
from derive.network import AT_ZERO, SLOPE, SLOPE_AT_ZERO
from derive.rules.wide import M, V
from derive.theorems.kernel_k import kernel_k
from derive.theorems.kumar import CENTRED, FAN_IN, FIRST_ORDER, KEPT, UNIT, kumar_2017
from derive.theorems.network_variance import SYMMETRIC, half_variance
from derive.theorems.product import FACTORS_INDEPENDENT, X, Y, product_variance
from derive.theorems.selu import FIXED_MEAN, FIXED_SQUARE, alpha, selu_fixed_point
from derive.words import Words

TORCH = "PyTorch, torch.nn.init.calculate_gain"
SELU_SOURCE = "PyTorch, torch.nn.SELU; Klambauer et al. 2017"
HAYOU = "Hayou, Doucet & Rousseau 2019, On the impact of the activation function on deep neural networks training"


_KEEPS = (
    "The gain is read as He's: the factor on the weights' standard deviation that keeps a second moment of one, from "
    "one pre-activation to the next."
)
_HIS_METHOD = (
    'For (leaky) ReLU PyTorch says so: kaiming_normal_ is "the method described in Delving deep into rectifiers", and '
    '"fan_in" "preserves the magnitude of the variance of the weights in the forward pass".'
)


def _torch(name: str, printed: Expr, value: Callable[[], Expr], *, where: str, stated: tuple[Hypothesis, ...]) -> Claim:
    title, reading = f"The torch gain of {name} keeps the second moment at one", Words(f"{_KEEPS} {_HIS_METHOD}")
    about = (f"torch-gain-{name}", title, "gain", printed, value)
    return number_claim(*about, source=TORCH, where=where, reading=reading, against=(half_variance,), stated=stated)


def _half(slope: Expr) -> Expr:
    lemma = built(half_variance).result
    (square,) = [f for f in lemma.args if not f.is_number and not f.has(SLOPE)]
    return (lemma / square).subs(SLOPE, slope)


def torch_relu() -> Claim:
    """sqrt(2)."""
    return _torch(
        "relu", sqrt(2), lambda: 1 / sqrt(_half(Integer(0))), where="nonlinearity relu", stated=(RELU, SYMMETRIC)
    )


def torch_leaky_relu() -> Claim:
    """sqrt(2/(1 + a^2))."""
    printed = sqrt(2 / (1 + SLOPE**2))
    return _torch(
        "leaky-relu",
        printed,
        lambda: 1 / sqrt(_half(SLOPE)),
        where="nonlinearity leaky-relu",
        stated=(RECTIFIER, SYMMETRIC),
    )


def kumar_sigmoid() -> Claim:
    """3.6/sqrt(N)."""

    def value() -> Expr:
        at_zero = {AT_ZERO: Rational(1, 2), SLOPE_AT_ZERO: Rational(1, 4)}
        return sqrt(built(kumar_2017).result.subs(at_zero) * FAN_IN).evalf(30)

    return number_claim(
        "kumar-sigmoid",
        "The deviation of the weights of a sigmoid network, times the root of the fan-in",
        "v sqrt(N)",
        "3.6",
        value,
        source="Kumar 2017, On weight initialization in deep neural networks",
        where="section 4",
        reading=Words("With {} and {} at the sigmoid's values, to first order.", AT_ZERO, SLOPE_AT_ZERO),
        against=(kumar_2017,),
        stated=(FIRST_ORDER, CENTRED, KEPT, UNIT),
    )


def selu_alpha() -> Claim:
    """1.6732632423543772848170429916717."""
    printed = "1.6732632423543772848170429916717"

    def value() -> Expr:
        return built(alpha).result.evalf(45)

    about = ("selu-alpha", "SELU's alpha", "alpha", printed, value)
    return number_claim(*about, source=SELU_SOURCE, where="alpha", against=(alpha,), stated=(FIXED_MEAN,))


def selu_lambda() -> Claim:
    """1.0507009873554804934193349852946."""
    printed = "1.0507009873554804934193349852946"

    def value() -> Expr:
        return built(selu_fixed_point).result.evalf(45)

    about = ("selu-lambda", "SELU's lambda", "lambda", printed, value)
    return number_claim(
        *about, source=SELU_SOURCE, where="scale", against=(selu_fixed_point,), stated=(FIXED_MEAN, FIXED_SQUARE)
    )


def hayou_tanh() -> Claim:
    """(sigma_b, sigma_w) = (0.2, 1.302)."""
    return number_claim(
        "hayou-tanh-eoc",
        "The edge of chaos of tanh",
        "sigma_w",
        "1.302",
        lambda: sqrt(edge_of_chaos("tanh", Rational(1, 25))),
        source=HAYOU,
        where="figure 1 and section 3.2, sigma_b = 0.2",
        against=(),
    )


def hayou_elu() -> Claim:
    """(sigma_b, sigma_w) = (0.2, 1.227)."""
    return number_claim(
        "hayou-elu-eoc",
        "The edge of chaos of ELU",
        "sigma_w",
        "1.227",
        lambda: sqrt(edge_of_chaos("elu", Rational(1, 25))),
        source=HAYOU,
        where="section 3.2, sigma_b = 0.2",
        against=(),
    )


def swish() -> Claim:
    """(sigma_b^2, sigma_w^2) = (0.04, 2.952)."""
    return number_claim(
        "swish-eoc",
        "The edge of chaos of swish",
        "sigma_w2",
        "2.952",
        lambda: edge_of_chaos("silu", Rational(1, 25)),
        source="A public implementation of edge-of-chaos initialisation",
        where="swish, sigma_b^2 = 0.04",
        against=(),
    )


def dropout() -> Claim:
    """Var = s/(1 - p) for inverted dropout with drop rate p and inputs of any mean."""
    s, p = symbols("s p", positive=True)
    mu = Symbol("mu", real=True)

    def value() -> Expr:
        formula = built(product_variance).result
        over = built(product_variance).setting.over
        values = {
            Average(X(), over): mu,
            Variance(X(), over): s,
            # The mask is 1/(1 - p) with probability 1 - p, else 0.
            Average(Y(), over): Integer(1),
            Variance(Y(), over): p / (1 - p),
        }
        return formula.xreplace(values)

    return number_claim(
        "dropout-variance",
        "Inverted dropout divides the variance by the keep rate",
        "variance",
        s / (1 - p),
        value,
        source="A public initialisation library, for inputs of any mean",
        where="its rule for dropout layers",
        reading=Words("The input has variance {} and mean {}; {} is the drop rate.", s, mu, p),
        against=(product_variance,),
        stated=(FACTORS_INDEPENDENT,),
    )


def tat_correlation() -> Claim:
    """C + (1 - a)^2/(pi (1 + a^2)) (sqrt(1 - c^2) - c arccos c)."""
    c = Symbol("c", positive=True)
    printed = c + (1 - SLOPE) ** 2 / (pi * (1 + SLOPE**2)) * (sqrt(1 - c**2) - c * acos(c))

    def value() -> Expr:
        # What two samples share has the variance c, and what each has alone 1 - c.
        shared = kernel_k().result.subs({M: sqrt(c), V: sqrt(1 - c)}, simultaneous=True)
        return shared / _half(SLOPE)

    return number_claim(
        "tat-correlation",
        "The correlation map of leaky ReLU",
        "c'",
        printed,
        value,
        source="Zhang et al. 2022, Deep learning without shortcuts (TAT)",
        where=AS_GIVEN,
        reading=Words("The correlation of two pre-activations of one variance is {}, without biases.", c),
        against=(kernel_k, half_variance),
        stated=(RECTIFIER, SYMMETRIC),
    )
