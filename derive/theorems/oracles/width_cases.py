"""Layers of real width: networks of a few units with laws of many moments of a Gaussian, and narrow laws by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Coins, Law, Network, Toss, variance
from derive.theorems.oracles.cases import known, leaky
from derive.theorems.oracles.wide_cases import PARABOLA, parabola

HERMITE = "a network of a few units, weights drawn at the nodes of Gauss-Hermite quadrature"
NARROW = "a narrow law of three points, moments of polynomials by hand"
GAIN = 1.3


def hermite(v: float, nodes: int) -> Law:
    """A law with the moments of N(0, v) up to 2 nodes - 1."""
    from numpy.polynomial.hermite_e import hermegauss  # Not before a check: deriving needs no NumPy.

    x, w = hermegauss(nodes)
    return tuple((float(p), math.sqrt(v) * float(u)) for u, p in zip(x, w, strict=True))


@dataclass(frozen=True)
class Kernels(Network):
    """A network that knows the variance K of a layer's pre-activations over its own weights and biases."""

    def value(self, family: str, index: tuple[int, ...], toss: Toss) -> Any:
        """Return a scalar by the definition of the network, or K."""
        if family != "K":
            return Network.value(self, family, index, toss)
        (layer,) = index
        total = sum(self.value("z", (layer, k), toss) ** 2 for k in range(1, self.widths[layer] + 1))
        return variance(self.weights[layer]) * total + (variance(self.biases[layer]) if self.biases else 0)


def _network(i: int) -> Known:
    """Layers 0 and 1 for i = 0; for i = 1 a layer more, in front: K is of degree 4 in a weight, and then of 8."""
    if i == 0:
        biases = (hermite(0.2, 5), hermite(0.3, 2))
        network = Kernels((1, 2, 1), (hermite(0.6, 5), hermite(0.7, 2)), parabola, ((1, (1.5,)),), biases=biases)
    else:
        laws = (hermite(0.6, 9), hermite(0.7, 5), hermite(0.4, 2))
        network = Kernels((1, 1, 2, 1), laws, parabola, ((1, (1.5,)),))
    gain = 2 * variance(network.weights[i + 1])
    bias = variance(network.biases[i + 1]) if network.biases else 0.0
    return known(network, PARABOLA, i=i, sigma_w2=gain, sigma_b2=bias)


def _excess() -> Known:
    return known(Kernels((1, 2, 1), (hermite(0.6, 3), hermite(0.7, 3)), leaky(1), ((1, (1.5,)),)), i=1)


def _rectified(a: float) -> Known:
    """The input of one unit, and symmetric laws: leaky ReLU knows their even moments."""
    network = Kernels((1, 1, 2, 1), (hermite(0.6, 4), hermite(0.7, 4), hermite(0.4, 2)), leaky(a), ((1, (1.5,)),))
    return known(network, i=1, a=a, sigma_w2=2 * variance(network.weights[2]), c=6 * (1 + a**4) / (1 + a**2) ** 2 - 1)


# What the parabola makes of a Gaussian of variance q, multiplied out.


Polynomial = Mapping[int, float]
TWO: Polynomial = {2: 0.5, 1: 1.0, 0: -0.25}
"""The parabola."""


def power(k: int, of: Polynomial = TWO) -> dict[int, float]:
    """The coefficients of f(t)^k."""
    out = {0: 1.0}
    for _ in range(k):
        made: dict[int, float] = {}
        for p, c in out.items():
            for q, e in of.items():
                made[p + q] = made.get(p + q, 0.0) + c * e
        out = made
    return out


def moment(k: int, q: float) -> float:
    """E[f(u)^k] for u ~ N(0, q), by E[u^2m] = (2m - 1)!! q^m."""
    return sum(c * math.prod(range(1, p, 2)) * q ** (p // 2) for p, c in power(k).items() if p % 2 == 0)


Q, WIDE, SIZE = 0.8, 4_000_000, 0.0005
SKEWED = ((1, -2.0), (2, 1.0))
"""Mean 0, variance 2."""


def _narrow() -> Law:
    return tuple((w, Q * (1 + SIZE * u)) for w, u in SKEWED)


def _over(of: Callable[[float], float]) -> float:
    return sum(w * of(q) for w, q in _narrow()) / 3


def _first_order() -> Known:
    world = Coins(K=("weights", _narrow()))
    widths = {"Width": lambda layer: WIDE * layer}
    return Known({"q": Q, "i": 3, "sigma_w2": GAIN, "sigma_b2": 0.4}, {**PARABOLA, **widths}, world)


def _next_variance() -> float:
    """Var[K'] with the sums over the law's outcomes taken one by one."""
    mean = _over(lambda q: moment(2, q))
    spread = _over(lambda q: (moment(2, q) - mean) ** 2)
    return GAIN**2 * (spread + _over(lambda q: moment(4, q) - moment(2, q) ** 2) / (4 * WIDE))


def _next_mean() -> float:
    return GAIN * _over(lambda q: moment(2, q)) + 0.4


# Recursions, layer by layer.

_STEPS: dict[str, Callable[[int], float]] = {
    "chi": lambda i: 0.9 + 0.1 * i,
    "h": lambda i: 2.0 + i,
    "kappa": lambda i: 0.3 - 0.2 * i,
}
_WIDTHS = (3, 5, 2, 7, 4)


def _vertex(i: int) -> float:
    if i == 0:
        return 0.0
    return _STEPS["chi"](i - 1) ** 2 * _vertex(i - 1) + _STEPS["h"](i - 1) / _WIDTHS[i]


def _shift(i: int) -> float:
    return 0.0 if i == 0 else _STEPS["chi"](i - 1) * _shift(i - 1) + _STEPS["kappa"](i - 1) * _vertex(i - 1) / 2


def _recursion(i: int) -> Known:
    named: dict[str, Callable[..., Any]] = {"V": _vertex, "delta": _shift, "Width": _WIDTHS.__getitem__}
    return Known({"i": i}, {**_STEPS, **named})


ORACLES: Mapping[str, Oracle] = {
    "width-correction": Oracle(
        HERMITE,
        (
            Case("a layer with biases behind the input", lambda: _network(0), within=1e-8),
            Case("behind a layer that fluctuates", lambda: _network(1), within=1e-8),
        ),
    ),
    "width-correction-mean": Oracle(
        HERMITE,
        (
            Case("a layer with biases behind the input", lambda: _network(0)),
            Case("behind a layer that fluctuates", lambda: _network(1)),
        ),
    ),
    "width-correction-excess": Oracle(
        HERMITE,
        (Case("a linear layer", _excess, equals=lambda: 3 * (0.7 * 0.6 * 2.25) ** 2 * 4),),
    ),
    "width-correction-rectifier": Oracle(
        HERMITE,
        (Case("ReLU", lambda: _rectified(0.0)), Case("slope 1/2", lambda: _rectified(0.5))),
    ),
    "width-correction-variance": Oracle(
        NARROW, (Case("two outcomes", _first_order, equals=_next_variance, within=2e-3, reads_left=False),)
    ),
    "width-correction-length": Oracle(
        NARROW,
        (Case("two outcomes", _first_order, equals=_next_mean, within=2e-3, scale=1e-7, reads_left=False),),
    ),
    "width-correction-variance-layers": Oracle(
        "layer by layer", tuple(Case(f"layer {i}", partial(_recursion, i)) for i in (1, 4))
    ),
    "width-correction-shift-layers": Oracle("layer by layer", (Case("layer 4", lambda: _recursion(4)),)),
}
