"""Wide networks with any activation: tiny networks with Gaussian weights, closed forms of sin, published numbers.

With Gaussian weights and inputs of fixed length the pre-activations of a layer are Gaussian at every width, so that the
limit is exact there: the weights before it are zero. A law with three points has the moments of a Gaussian that a
parabola needs.
"""

from __future__ import annotations

import math
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import NOTHING, Law, Network
from derive.theorems.oracles.cases import cos, gaussian, known, signs, sin

EXACT_HERE = "a network enumerated, with a layer that is Gaussian at every width"
SINE = "the closed forms of sin"
Q, GAIN, BIAS = 0.7, 1.3, 0.2


def parabola(s: Any) -> Any:
    """An activation function that is neither even nor odd."""
    return s**2 / 2 + s - 0.25


def parabola_slope(s: Any) -> Any:
    """Its derivative."""
    return s + 1


PARABOLA = {"Activation": parabola, "ActivationSlope": parabola_slope}


ZERO = parabola(0)


def _forward() -> Known:
    """The layer has the variance q = Var[W^1] f(0)^2 + Var[b^1] = 5/2."""
    weights = (NOTHING, gaussian(1 / ZERO**2), signs(2))
    biases = (NOTHING, gaussian(1.5), signs(3))
    network = Network((3, 1, 2, 1), weights, parabola, ((1, (2, 1, 0)),), NOTHING, biases)
    return known(network, PARABOLA, i=1, q=2.5, sigma_w2=2 * 4, sigma_b2=9)


def _forward_square() -> float:
    """E[f^2] at q = 5/2, by E[u^2] = q and E[u^4] = 3 q^2: f^2 = u^4/4 + u^3 + 3 u^2/4 - u/2 + 1/16."""
    return 3 * 2.5**2 / 4 + 3 * 2.5 / 4 + 1 / 16


def backward(i: int, widths: tuple[int, ...] = (1, 2, 1, 3)) -> Known:
    """The layer has the variance 5/2 again, with two units before the layer."""
    weights = (NOTHING, gaussian(1 / (2 * ZERO**2)), signs(3))
    gradients: Law = ((1, (2, -2, 2)), (2, (-1, 1, -1)))
    biases = (NOTHING, gaussian(1.5), NOTHING)
    network = Network(widths, weights, parabola, ((1, (2,)), (1, (-1,))), gradients, biases)
    return known(network, PARABOLA, i=i, q=2.5, sigma_w2=widths[-1] * 9)


def _over_samples() -> Known:
    """In every network a pre-activation of the first layer is b + x or b - x: N(b, 2) over samples, b ~ N(0, 4)."""
    inputs: Law = tuple((weight, (value,)) for weight, value in gaussian(2))
    biases = (gaussian(4), signs(3))
    network = Network((1, 2, 1), (signs(1), signs(2)), parabola, inputs, NOTHING, biases)
    return known(network, PARABOLA, i=0, m=2, v=math.sqrt(2), sigma_w2=2 * 4, sigma_b2=9)


MEAN_SQUARE = 3 * 4**2 / 4 + 4 + 9 / 16 + 3 / 4 * 4
"""E[(E_nu f)^2] there: E_nu f(mu + nu) = mu^2/2 + mu + 3/4."""
SQUARE = 3 * 6**2 / 4 + 3 * 6 / 4 + 1 / 16
"""E[f^2] there, at q = 6."""


def sine(**symbols: float) -> Known:
    """Sin and its derivatives."""
    functions = {
        "Activation": sin,
        "ActivationSlope": cos,
        "f''": lambda s: -sin(s),
        "f'''": lambda s: -cos(s),
        "f''''": sin,
    }
    return Known({"q": Q, "sigma_w2": GAIN, "sigma_b2": BIAS, **symbols}, functions)


_FIXED = Q - GAIN * (1 - math.exp(-2 * Q)) / 2
"""The variance of the biases at which the variance q of a pre-activation stays, by sin^2 u = (1 - cos 2u)/2."""


def _sine_slope(correlation: float) -> float:
    """Return sigma_w^2 E[cos u cos w], by cos u cos w = (cos(u - w) + cos(u + w))/2."""
    return GAIN * (math.exp(-Q * (1 - correlation)) + math.exp(-Q * (1 + correlation))) / 2


def _edge(gain: float) -> Known:
    return sine(sigma_w2=gain)


def _relu_edge(gain: float) -> Known:
    return Known({"q": Q, "sigma_w2": gain}, {"ActivationSlope": lambda s: (s > 0) * 1.0}, kinks=(0,))


def _geometric() -> Known:
    epsilon = 0.3
    for _ in range(7):
        epsilon *= 0.9
    return Known({"l": 7, "chi": 0.9}, {"epsilon": {0: 0.3, 7: epsilon}.__getitem__})


def _kumar(at_zero: float, slope: float, width: int, variance: float) -> Known:
    return Known({"N": width, "f(0)": at_zero, "f'(0)": slope, "v^2": variance})


_ALPHA, _LAMBDA = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
_SELU = {"alpha": _ALPHA, "lambda": _LAMBDA}

ORACLES = {
    "length-map": Oracle(EXACT_HERE, (Case("a parabola", _forward, equals=lambda: 8 * _forward_square() + 9),)),
    "activation-variance": Oracle(
        # E[f] = q/2 - 1/4 = 1.
        EXACT_HERE,
        (Case("a parabola", _forward, equals=lambda: _forward_square() - 1),),
    ),
    "sample-variance-map": Oracle(EXACT_HERE, (Case("a parabola", _over_samples, equals=8 * MEAN_SQUARE + 9),)),
    "fluctuation-map": Oracle(EXACT_HERE, (Case("a parabola", _over_samples, equals=8 * (SQUARE - MEAN_SQUARE)),)),
    "gradient-variance": Oracle(
        # E[f'^2] = q + 1.
        EXACT_HERE,
        (Case("a parabola", lambda: backward(1), equals=3 * 9 * 3.5 * 2),),
    ),
    "weight-gradient-variance-wide": Oracle(
        EXACT_HERE, (Case("a parabola", lambda: backward(2), equals=lambda: _forward_square() * 2),)
    ),
    "kumar-2017": Oracle(
        "the condition N v^2 (f(0)^2 + f'(0)^2 q) = q by hand; Kumar 2017, section 3",
        (
            # q = 16, E[f^2] = 1/4 + 1.
            Case("sigmoid, 400 inputs", lambda: _kumar(0.5, 0.25, 400, 16 / (400 * 1.25))),
            Case("sigmoid, printed as 3.6/sqrt(N)", lambda: _kumar(0.5, 0.25, 400, 3.6**2 / 400), within=0.015),
            Case("tanh, printed as 1/sqrt(N)", lambda: _kumar(0, 1, 100, 0.01)),
        ),
    ),
    "selu-fixed-point": Oracle(
        "Klambauer et al. 2017, section 2 and their code", (Case("the constant", lambda: Known(_SELU)),)
    ),
    "selu-alpha": Oracle(
        "Klambauer et al. 2017, section 2 and their code", (Case("the constant", lambda: Known(_SELU)),)
    ),
    "selu-stability": Oracle(
        "Klambauer et al. 2017, section 2: the Jacobian that they print",
        (
            Case(
                "its second eigenvalue is 0.782648",
                lambda: Known({"J_11": 0, "J_12": 0.088834, "J_21": 0, "J_22": 0.782648}),
                within=1e-4,
            ),
        ),
    ),
    "selu-mean-by-variance": Oracle(
        "Klambauer et al. 2017, section 2: the Jacobian that they print",
        (Case("printed as 0.088834", lambda: Known({**_SELU, "J_12": 0.088834}), within=2e-5),),
    ),
    "correlation-map-slope": Oracle(SINE, (Case("sin", sine, equals=lambda: _sine_slope(1)),)),
    "correlation-map-derivative": Oracle(
        SINE,
        (
            Case("sin at correlation 4/10", lambda: sine(c=0.4, sigma_b2=_FIXED), equals=lambda: _sine_slope(0.4)),
            Case("sin at correlation -1/2", lambda: sine(c=-0.5, sigma_b2=_FIXED), equals=lambda: _sine_slope(-0.5)),
        ),
    ),
    "edge-of-chaos": Oracle(
        f"{SINE}; ReLU's gain 2 (Hayou, Doucet & Rousseau 2019)",
        (
            Case("sin at the edge", lambda: _edge(2 / (1 + math.exp(-2 * Q))), equals=True),
            Case("sin, the inverse", lambda: _edge((1 + math.exp(-2 * Q)) / 2), equals=False),
            Case("ReLU at gain 2", lambda: _relu_edge(2), equals=True),
            Case("ReLU at gain 1", lambda: _relu_edge(1), equals=False),
        ),
    ),
    "depth-scale": Oracle("seven layers multiplied out", (Case("a slope of 9/10", _geometric),)),
}
