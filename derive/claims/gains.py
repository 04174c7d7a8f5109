"""Numbers that libraries and papers ship: gains, constants, points on the edge of chaos.

A printed number holds if the true value rounds to the digits that are printed, or if it is the float64 nearest to the
true value; an exact one (5/3) must be equal.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import (
    Expr,
    Float,
    Heaviside,
    Integer,
    Rational,
    Symbol,
    sqrt,
    symbols,
)

from derive.averages import Average, Variance
from derive.claims.claim import Claim
from derive.claims.decision import built
from derive.claims.quadrature import edge_of_chaos, mean, standard_deviation
from derive.gaussian import gaussian_expectation
from derive.hypotheses import RECTIFIER, RELU, Hypothesis
from derive.network import AT_ZERO, SLOPE, SLOPE_AT_ZERO
from derive.proof.derivation import Derivation, Statement
from derive.setting import Setting
from derive.theorems.kumar import CENTRED, FAN_IN, FIRST_ORDER, KEPT, UNIT, kumar_2017
from derive.theorems.network_variance import SYMMETRIC, half_variance
from derive.theorems.product import FACTORS_INDEPENDENT, X, Y, product_variance
from derive.theorems.selu import FIXED_MEAN, FIXED_SQUARE, alpha, selu_fixed_point
from derive.words import Words

TORCH = "PyTorch, torch.nn.init.calculate_gain"
NFNET = "Brock et al. 2021, High-performance large-scale image recognition without normalization (the reference code)"
SELU_SOURCE = "PyTorch, torch.nn.SELU; Klambauer et al. 2017"
HAYOU = "Hayou, Doucet & Rousseau 2019, On the impact of the activation function on deep neural networks training"


def _number(
    id: str,
    title: str,
    source: str,
    where: str,
    symbol: str,
    printed: Expr | str,
    value: Callable[[], Expr],
    reading: Words | None = None,
    against: tuple[Callable[[], Derivation], ...] = (),
    stated: tuple[Hypothesis, ...] = (),
) -> Claim:
    decimal = printed if isinstance(printed, str) else None
    if isinstance(printed, str):
        printed = Float(printed, len(printed.replace(".", "").lstrip("0")))
    return Claim(
        id=id,
        title=title,
        source=source,
        where=where,
        printed=Statement(Symbol(symbol), "=", printed),
        setting=Setting(stated),
        against=against,
        analytic=value,
        decimal=decimal,
        reading=reading,
    )


_KEEPS = (
    "The gain is read as He's: the factor on the weights' standard deviation that keeps a second moment of one, from "
    "one pre-activation to the next."
)
_HIS_METHOD = (
    'For (leaky) ReLU PyTorch says so: kaiming_normal_ is "the method described in Delving deep into rectifiers", and '
    '"fan_in" "preserves the magnitude of the variance of the weights in the forward pass".'
)
_NOT_TORCH = (
    'PyTorch itself calls it "recommended" and names no criterion; kaiming_normal_ is "recommended to use only with '
    "'relu' or 'leaky_relu'\"."
)
_NOT_SELU = (
    'PyTorch itself says that it does not: the gain for SELU "sacrifices the normalization effect for more stable '
    'gradient flow in rectangular layers".'
)
_COMMON = "A common reading of PyTorch, torch.nn.init.calculate_gain: that all of its gains do what He's does"


def _torch(
    name: str,
    printed: Expr,
    value: Callable[[], Expr],
    says: str,
    stated: tuple[Hypothesis, ...] = (),
) -> Claim:
    source, against = (TORCH, (half_variance,)) if stated else (_COMMON, ())
    title = f"The torch gain of {name} keeps the second moment at one"
    where, reading = f"nonlinearity {name}", Words(f"{_KEEPS} {says}")
    return _number(f"torch-gain-{name}", title, source, where, "torch_gain", printed, value, reading, against, stated)


def torch_tanh() -> Claim:
    """5/3."""
    return _torch("tanh", Rational(5, 3), lambda: 1 / sqrt(mean("tanh", 2)), _NOT_TORCH)


def torch_selu() -> Claim:
    """3/4."""
    return _torch("selu", Rational(3, 4), lambda: 1 / sqrt(mean("selu", 2)), _NOT_SELU)


def torch_sigmoid() -> Claim:
    """The gain 1."""
    return _torch("sigmoid", Integer(1), lambda: 1 / sqrt(mean("sigmoid", 2)), _NOT_TORCH)


def _half(slope: Expr) -> Expr:
    lemma = built(half_variance).result
    (square,) = [f for f in lemma.args if not f.is_number and not f.has(SLOPE)]
    return (lemma / square).subs(SLOPE, slope)


def torch_relu() -> Claim:
    """sqrt(2)."""
    return _torch("relu", sqrt(2), lambda: 1 / sqrt(_half(Integer(0))), _HIS_METHOD, (RELU, SYMMETRIC))


def torch_leaky_relu() -> Claim:
    """sqrt(2/(1 + a^2))."""
    printed = sqrt(2 / (1 + SLOPE**2))
    return _torch("leaky-relu", printed, lambda: 1 / sqrt(_half(SLOPE)), _HIS_METHOD, (RECTIFIER, SYMMETRIC))


def _nfnet(name: str, printed: str) -> Claim:
    return _number(
        f"nfnet-gamma-{name}",
        f"The scale that gives {name} variance one",
        NFNET,
        "nonlinearities",
        "gamma",
        printed,
        lambda: 1 / standard_deviation(name),
        Words("One over the standard deviation of the activation of a standard normal."),
    )


def nfnet_relu() -> Claim:
    """1.7139588594436646."""
    return _nfnet("relu", "1.7139588594436646")


def nfnet_gelu() -> Claim:
    """1.7015043497085571."""
    return _nfnet("gelu", "1.7015043497085571")


def nfnet_silu() -> Claim:
    """1.7881293296813965."""
    return _nfnet("silu", "1.7881293296813965")


def nfnet_tanh() -> Claim:
    """1.5939117670059204."""
    return _nfnet("tanh", "1.5939117670059204")


def nfnet_sigmoid() -> Claim:
    """4.803835391998291."""
    return _nfnet("sigmoid", "4.803835391998291")


def nfnet_elu() -> Claim:
    """1.2716004848480225."""
    return _nfnet("elu", "1.2716004848480225")


def kumar_sigmoid() -> Claim:
    """3.6/sqrt(N)."""

    def value() -> Expr:
        at_zero = {AT_ZERO: Rational(1, 2), SLOPE_AT_ZERO: Rational(1, 4)}
        return sqrt(built(kumar_2017).result.subs(at_zero) * FAN_IN).evalf(30)

    return _number(
        "kumar-sigmoid",
        "The deviation of the weights of a sigmoid network, times the root of the fan-in",
        "Kumar 2017, On weight initialization in deep neural networks",
        "section 4",
        "v sqrt(N)",
        "3.6",
        value,
        Words("With {} and {} at the sigmoid's values, to first order.", AT_ZERO, SLOPE_AT_ZERO),
        (kumar_2017,),
        (FIRST_ORDER, CENTRED, KEPT, UNIT),
    )


def selu_alpha() -> Claim:
    """1.6732632423543772848170429916717."""
    printed = "1.6732632423543772848170429916717"

    def value() -> Expr:
        return built(alpha).result.evalf(45)

    about = ("selu-alpha", "SELU's alpha", SELU_SOURCE, "alpha", "alpha")
    return _number(*about, printed, value, against=(alpha,), stated=(FIXED_MEAN,))


def selu_lambda() -> Claim:
    """1.0507009873554804934193349852946."""
    printed = "1.0507009873554804934193349852946"

    def value() -> Expr:
        return built(selu_fixed_point).result.evalf(45)

    about = ("selu-lambda", "SELU's lambda", SELU_SOURCE, "scale", "lambda")
    return _number(*about, printed, value, against=(selu_fixed_point,), stated=(FIXED_MEAN, FIXED_SQUARE))


def hayou_tanh() -> Claim:
    """(sigma_b, sigma_w) = (0.2, 1.302)."""
    return _number(
        "hayou-tanh-eoc",
        "The edge of chaos of tanh",
        HAYOU,
        "figure 1 and section 3.2, sigma_b = 0.2",
        "sigma_w",
        "1.302",
        lambda: sqrt(edge_of_chaos("tanh", Rational(1, 25))),
    )


def hayou_elu() -> Claim:
    """(sigma_b, sigma_w) = (0.2, 1.227)."""
    return _number(
        "hayou-elu-eoc",
        "The edge of chaos of ELU",
        HAYOU,
        "section 3.2, sigma_b = 0.2",
        "sigma_w",
        "1.227",
        lambda: sqrt(edge_of_chaos("elu", Rational(1, 25))),
    )


def swish() -> Claim:
    """(sigma_b^2, sigma_w^2) = (0.04, 2.952)."""
    return _number(
        "swish-eoc",
        "The edge of chaos of swish",
        "A public implementation of edge-of-chaos initialisation",
        "swish, sigma_b^2 = 0.04",
        "sigma_w2",
        "2.952",
        lambda: edge_of_chaos("silu", Rational(1, 25)),
    )


def truncated_normal() -> Claim:
    """0.87962566103423978."""

    def value() -> Expr:
        z = Symbol("z", real=True)
        inside = Heaviside(z + 2) - Heaviside(z - 2)
        square = gaussian_expectation(z**2 * inside, {z: (Integer(0), Integer(1))}).result
        weight = gaussian_expectation(inside, {z: (Integer(0), Integer(1))}).result
        return sqrt(square / weight).evalf(30)

    return _number(
        "truncated-normal-std",
        "The standard deviation of a normal truncated at two",
        "TensorFlow and JAX, variance_scaling initialisers",
        "the constant that they divide by",
        "std",
        "0.87962566103423978",
        value,
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

    return _number(
        "dropout-variance",
        "Inverted dropout divides the variance by the keep rate",
        "A public initialisation library, for inputs of any mean",
        "its rule for dropout layers",
        "variance",
        s / (1 - p),
        value,
        Words("The input has variance {} and mean {}; {} is the drop rate.", s, mu, p),
        (product_variance,),
        (FACTORS_INDEPENDENT,),
    )


def glorot_tanh() -> Claim:
    """Keeps q' = q in tanh nets with n Var[W] = 1."""
    return _number(
        "glorot-tanh-linear",
        "With Glorot's initialisation the forward variance of a tanh network stays constant",
        "A common reading of Glorot & Bengio 2010, section 4.2.1 (the linear regime)",
        "equation 10, for tanh",
        "q'",
        Integer(1),
        lambda: mean("tanh", 2),
        Words("One layer on from a pre-activation of variance one, with equal widths and without biases."),
    )
