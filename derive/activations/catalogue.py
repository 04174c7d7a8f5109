"""The catalogue of activations: one entry each, in PyTorch's parametrisation where PyTorch has it.

The conditions of a ``Piecewise`` are written so that its last applicable branch gives PyTorch's derivative at a kink.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

from sympy import (
    Abs,
    Expr,
    Integer,
    Piecewise,
    Rational,
    S,
    asinh,
    cos,
    erf,
    exp,
    hermite_prob,
    log,
    pi,
    sign,
    sin,
    sqrt,
    tanh,
)

from derive.activations.entry import DEGREE, Entry, Parameter
from derive.gaussian.functions import Phi


def _number(text: str) -> Rational:
    return Rational(text)


def _clip(low: Expr, high: Expr) -> Callable[[Expr], Expr]:
    return lambda s: Piecewise((low, s <= low), (high, s >= high), (s, True))


def _selu(s: Expr) -> Expr:
    # The digits that PyTorch ships (Klambauer et al. 2017, equation 14, to 31 digits).
    alpha, scale = _number("1.6732632423543772848170429916717"), _number("1.0507009873554804934193349852946")
    return Piecewise((scale * s, s > 0), (scale * alpha * (exp(s) - 1), True))


def _gelu_tanh(s: Expr) -> Expr:
    return s * (1 + tanh(sqrt(2 / pi) * (s + Rational(44715, 10**6) * s**3))) / 2


def _power(s: Expr, k: Expr) -> Expr:
    return s**k


_SLOPE = Parameter("slope", Rational(1, 100))
_ALPHA = Parameter("alpha", S.One)
_BETA = Parameter("beta", S.One, "positive")
_THRESHOLD = Parameter("threshold", S.Half, "at least 0")
_DEGREE = Parameter("degree", Integer(2), DEGREE)

_ENTRIES = (
    Entry("linear", "the identity", "-", lambda s: s, tails=lambda s: (s, s)),
    Entry("tanh", "hyperbolic tangent", "LeCun et al. 1998", tanh, tails=lambda s: (-S.One, S.One)),
    Entry(
        "relu",
        "rectified linear unit",
        "Nair & Hinton 2010",
        lambda s: Piecewise((s, s > 0), (0, True)),
        tails=lambda s: (S.Zero, s),
    ),
    Entry(
        "leaky-relu",
        "relu with a slope left of 0",
        "Maas et al. 2013",
        lambda s, a: Piecewise((s, s > 0), (a * s, True)),
        (_SLOPE,),
        lambda s, a: (a * s, s),
    ),
    Entry("abs", "absolute value", "-", Abs, tails=lambda s: (-s, s)),
    Entry(
        "step",
        "1 for positive arguments, else 0",
        "McCulloch & Pitts 1943",
        lambda s: Piecewise((1, s > 0), (0, True)),
        tails=lambda s: (S.Zero, S.One),
    ),
    Entry("sign", "sign, 0 at 0", "Rosenblatt 1958", sign, tails=lambda s: (-S.One, S.One)),
    Entry("erf", "error function", "Williams 1997", erf, tails=lambda s: (-S.One, S.One)),
    Entry(
        "gelu",
        "Gaussian error linear unit, s Φ(s)",
        "Hendrycks & Gimpel 2016",
        lambda s: s * Phi(s),
        tails=lambda s: (S.Zero, s),
    ),
    Entry(
        "gelu-tanh",
        "the tanh approximation of gelu",
        "Hendrycks & Gimpel 2016",
        _gelu_tanh,
        tails=lambda s: (S.Zero, s),
    ),
    Entry(
        "sigmoid",
        "logistic function",
        "Rumelhart et al. 1986",
        lambda s: 1 / (1 + exp(-s)),
        tails=lambda s: (S.Zero, S.One),
    ),
    Entry(
        "silu",
        "sigmoid linear unit (swish)",
        "Elfwing et al. 2017",
        lambda s: s / (1 + exp(-s)),
        tails=lambda s: (S.Zero, s),
    ),
    Entry(
        "swish",
        "s times the logistic function of beta s",
        "Ramachandran et al. 2017",
        lambda s, b: s / (1 + exp(-b * s)),
        (_BETA,),
        lambda s, b: (S.Zero, s),
    ),
    Entry(
        "mish",
        "s tanh(softplus(s))",
        "Misra 2019",
        lambda s: s * tanh(log(1 + exp(s))),
        tails=lambda s: (S.Zero, s),
    ),
    Entry(
        "softplus",
        "smooth relu, log(1 + exp(beta s))/beta",
        "Dugas et al. 2001",
        lambda s, b: log(1 + exp(b * s)) / b,
        (_BETA,),
        lambda s, b: (S.Zero, s),
    ),
    Entry(
        "log-sigmoid",
        "logarithm of the logistic function, -softplus(-s)",
        "PyTorch",
        lambda s: -log(1 + exp(-s)),
        tails=lambda s: (s, S.Zero),
    ),
    Entry(
        "elu",
        "exponential linear unit",
        "Clevert et al. 2015",
        lambda s, a: Piecewise((s, s > 0), (a * (exp(s) - 1), True)),
        (_ALPHA,),
        lambda s, a: (-a, s),
    ),
    Entry(
        "selu",
        "scaled elu with fixed point (0, 1)",
        "Klambauer et al. 2017",
        _selu,
        tails=lambda s: (_selu(S.NegativeInfinity), _number("1.0507009873554804934193349852946") * s),
    ),
    Entry(
        "celu",
        "elu with continuous slope",
        "Barron 2017",
        lambda s, a: Piecewise((s, s > 0), (a * (exp(s / a) - 1), True)),
        (Parameter("alpha", S.One, "positive"),),
        lambda s, a: (-a, s),
    ),
    Entry(
        "hard-tanh",
        "s between two bounds",
        "Collobert 2004",
        lambda s, low, high: _clip(low, high)(s),
        (Parameter("lower", -S.One), Parameter("upper", S.One)),
        lambda s, low, high: (low, high),
    ),
    Entry(
        "threshold",
        "s above a threshold, else a value",
        "PyTorch",
        lambda s, t, v: Piecewise((s, s > t), (v, True)),
        (Parameter("threshold", S.Zero), Parameter("value", S.Zero)),
        lambda s, t, v: (v, s),
    ),
    Entry("relu6", "s between 0 and 6", "Krizhevsky 2010", _clip(S.Zero, Integer(6)), tails=lambda s: (S.Zero, S(6))),
    Entry(
        "hard-sigmoid",
        "(s + 3)/6 between 0 and 1",
        "Courbariaux et al. 2015; Howard et al. 2019",
        lambda s: Piecewise((0, s <= -3), (1, s >= 3), (s / 6 + S.Half, True)),
        tails=lambda s: (S.Zero, S.One),
    ),
    Entry(
        "hard-swish",
        "s hard-sigmoid(s)",
        "Howard et al. 2019",
        lambda s: Piecewise((0, s <= -3), (s, s >= 3), (s * (s + 3) / 6, True)),
        tails=lambda s: (S.Zero, s),
    ),
    Entry(
        "sparse-plus",
        "0, then (s + 1)²/4, then s: softplus in finite pieces",
        "JAX",
        lambda s: Piecewise((0, s <= -1), (s, s >= 1), ((s + 1) ** 2 / 4, True)),
        tails=lambda s: (S.Zero, s),
    ),
    Entry(
        "sparse-sigmoid",
        "(s + 1)/2 between 0 and 1, the slope of sparse-plus",
        "JAX; Martins & Astudillo 2016",
        lambda s: Piecewise((0, s <= -1), (1, s >= 1), (s / 2 + S.Half, True)),
        tails=lambda s: (S.Zero, S.One),
    ),
    Entry("squared-relu", "relu squared", "So et al. 2021", lambda s: Piecewise((s**2, s > 0), (0, True))),
    Entry("sin", "sine", "Sitzmann et al. 2020", sin),
    Entry("cos", "cosine", "Rahimi & Recht 2007", cos),
    Entry("exp", "exponential function", "Daniely et al. 2016", exp, tails=lambda s: (S.Zero, None)),
    Entry(
        "gaussian",
        "Gaussian bump, exp(-s²)",
        "Broomhead & Lowe 1988",
        lambda s: exp(-(s**2)),
        tails=lambda s: (S.Zero, S.Zero),
    ),
    Entry(
        "softsign", "s/(1 + |s|)", "Bergstra et al. 2009", lambda s: s / (1 + Abs(s)), tails=lambda s: (-S.One, S.One)
    ),
    Entry(
        "soft-shrink",
        "s moved towards 0 by a threshold",
        "Donoho 1995",
        lambda s, t: Piecewise((s - t, s > t), (s + t, s < -t), (0, True)),
        (_THRESHOLD,),
        lambda s, t: (s + t, s - t),
    ),
    Entry(
        "hard-shrink",
        "s where it exceeds a threshold, else 0",
        "Donoho & Johnstone 1994",
        lambda s, t: Piecewise((s, s > t), (s, s < -t), (0, True)),
        (_THRESHOLD,),
        lambda s, t: (s, s),
    ),
    Entry("tanh-shrink", "s - tanh(s)", "PyTorch", lambda s: s - tanh(s), tails=lambda s: (s + 1, s - 1)),
    Entry("monomial", "s^k", "-", _power, (_DEGREE,)),
    Entry(
        "rectified-monomial",
        "s^k for positive s, else 0",
        "Cho & Saul 2009",
        lambda s, k: Piecewise((s**k, s > 0), (0, True)),
        (_DEGREE,),
    ),
    Entry(
        "hermite",
        "normalised Hermite polynomial, He_k(s)/√k!",
        "Daniely et al. 2016",
        lambda s, k: (hermite_prob(k, s) / sqrt(Integer(factorial(int(k))))).expand(),
        (_DEGREE,),
    ),
    Entry("asinh", "inverse hyperbolic sine", "-", asinh),
    Entry(
        "squareplus",
        "(s + √(s² + b))/2",
        "Barron 2021",
        lambda s, b: (s + sqrt(s**2 + b)) / 2,
        (Parameter("b", Integer(4), "at least 0"),),
        lambda s, b: (S.Zero, s),
    ),
    Entry(
        "snake",
        "s + sin²(a s)/a",
        "Ziyin et al. 2020",
        lambda s, a: s + sin(a * s) ** 2 / a,
        (Parameter("a", S.One, "other than 0"),),
    ),
    Entry(
        "lecun-tanh",
        "1.7159 tanh(2s/3)",
        "LeCun et al. 1998",
        lambda s: _number("1.7159") * tanh(2 * s / 3),
        tails=lambda s: (-_number("1.7159"), _number("1.7159")),
    ),
)

CATALOGUE: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""Every activation by its name, in the order in which they are listed."""
