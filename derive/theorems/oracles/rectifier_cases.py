"""He et al.'s theorems for leaky ReLU, in networks of a few units: outcomes enumerated, values worked out by hand."""

from __future__ import annotations

import math

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import NOTHING, Coins, Law, Network
from derive.theorems.oracles.cases import known, leaky, signs

SOURCE = "a network enumerated from its definition"
HALF = 5 / 8
"""(1 + a^2)/2 for the slope a = 1/2."""
X: Law = ((1, (2, 1)),)
"""The input, which is fixed."""
G: Law = ((1, (2, -2, 2)), (2, (-1, 1, -1)))
"""Components of mean zero and variance 2, and as dependent as can be."""


def _half(a: float) -> Known:
    law: Law = ((2, 1), (2, -1), (1, 4), (1, -4))
    return Known({"a": a}, {"Activation": leaky(a)}, Coins(y=("law of the pre-activation", law)))


def _one_layer(a: float) -> Known:
    biases = (signs(0.5), signs(1), signs(2))
    network = Network((1, 1, 2, 3), (signs(1), signs(3), signs(2)), leaky(a), ((1, (2,)),), biases=biases)
    return known(network, a=a, i=1)


def _no_biases(i: int) -> Known:
    return known(Network((2, 1, 2, 3), (signs(4), signs(3), signs(2)), leaky(0.5), X), a=0.5, i=i)


def _he(fan_in: float) -> Known:
    """Weights for which the variance stays if ``fan_in`` is the width that counts."""
    weights = (signs(1), signs(2), signs(math.sqrt(1 / (HALF * fan_in))))
    return known(Network((2, 1, 3, 2), weights, leaky(0.5), X), a=0.5, i=1)


def _backward(i: int) -> Known:
    network = Network((2, 1, 2, 3), (signs(1), signs(3), signs(2)), leaky(0.5), X, G)
    return known(network, a=0.5, i=i)


def _relu_backward() -> Known:
    network = Network((2, 1, 3), (signs(1), signs(3)), leaky(0), X, G, (signs(0.5), NOTHING))
    return known(network, a=0, i=0)


def _he_backward(fan_out: float) -> Known:
    weights = (signs(1), signs(2), signs(math.sqrt(1 / (HALF * fan_out))))
    return known(Network((2, 1, 1, 3), weights, leaky(0.5), X, G), a=0.5, i=1)


ORACLES = {
    "half-variance": Oracle(
        "a law with four values, by hand",
        (
            # The mean square of the law is (4 + 32)/6 = 6.
            Case("ReLU", lambda: _half(0), equals=3),
            Case("the line", lambda: _half(1), equals=6),
            Case("slope 1/2", lambda: _half(0.5), equals=6 * HALF),
        ),
    ),
    "network-variance": Oracle(
        SOURCE,
        (
            # Var[s^0] = 4 + 1/4, Var[s^1] = (1 + a^2)/2 1 9 17/4 + 1.
            Case("ReLU", lambda: _one_layer(0), equals=2 * 4 / 2 * (9 / 2 * 17 / 4 + 1) + 4),
            Case("slope 1/2", lambda: _one_layer(0.5), equals=2 * 4 * HALF * (9 * HALF * 17 / 4 + 1) + 4),
        ),
    ),
    "network-variance-closed": Oracle(
        SOURCE,
        (
            Case("the first layer", lambda: _no_biases(0), equals=5 * 16),
            Case("the third layer", lambda: _no_biases(2), equals=5 * 16 * (HALF * 1 * 9) * (HALF * 2 * 4)),
        ),
    ),
    "he-condition": Oracle(
        SOURCE + "; He et al. 2015, equations 10 and 15",
        (
            Case("He's weights, by the fan-in", lambda: _he(3), equals=True),
            Case("weights by the fan-out", lambda: _he(2), equals=False),
        ),
    ),
    "rectifier-gradient": Oracle(
        SOURCE,
        (
            Case("slope 1/2, two layers back", lambda: _backward(0), equals=2 * (HALF * 3 * 4) * (HALF * 2 * 9)),
            Case("slope 1/2, one layer back", lambda: _backward(1), equals=2 * (HALF * 3 * 4)),
            Case("ReLU, one layer back", _relu_backward, equals=2 * (3 * 9 / 2)),
        ),
    ),
    "rectifier-gradient-closed": Oracle(
        SOURCE,
        (
            Case("two layers back", lambda: _backward(0), equals=2 * (HALF * 3 * 4) * (HALF * 2 * 9)),
            Case("at the output", lambda: _backward(2), equals=2),
        ),
    ),
    "rectifier-weight-gradient": Oracle(
        SOURCE,
        (
            # E[(z^1)^2] = HALF 5, and Var[dCost/ds^1] as above.
            Case("a layer in the middle", lambda: _backward(1), equals=(HALF * 5) * 2 * (HALF * 3 * 4)),
            Case("the first layer", lambda: _backward(0), equals=4 * 2 * (HALF * 3 * 4) * (HALF * 2 * 9)),
        ),
    ),
    "rectifier-backward-condition": Oracle(
        SOURCE + "; He et al. 2015, equation 14",
        (
            Case("He's weights, by the fan-out", lambda: _he_backward(3), equals=True),
            Case("weights by the fan-in", lambda: _he_backward(1), equals=False),
        ),
    ),
}
