"""Norms and gradients of single networks: every outcome of weights whose fourth moments are those of Gaussians."""

from __future__ import annotations

import math

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Law, Network
from derive.theorems.oracles.cases import gaussian, identity, known, leaky, signs

SOURCE = "a network enumerated from its definition"
COUNTED = "multiplied out, layer by layer"
V = (2.5, 3.0, 0.7)
"""The variances of the weights, layer by layer."""
X: Law = ((1, (2, 1)),)
G: Law = ((1, (2,)), (2, (-1,)))
"""One component: E[g^2] = 2 and E[g^4] = 6."""


def _half(a: float, power: int) -> float:
    return (1 + a**power) / 2


def _spread(a: float) -> float:
    return 6 * (1 + a**4) / (1 + a**2) ** 2 - 1


def _layer(a: float, units: int, v: float) -> float:
    """E[|z'|^4]/|z|^4: a unit with itself has E[f(u)^4], with another one E[f(u)^2]^2."""
    return units * 3 * v**2 * _half(a, 4) + units * (units - 1) * (v * _half(a, 2)) ** 2


def _mean(a: float, units: int, v: float) -> float:
    return units * v * _half(a, 2)


def _forward(a: float, i: int) -> Known:
    network = Network((2, 1, 3, 2), tuple(map(gaussian, V)), identity if a == 1 else leaky(a), X)
    return known(network, a=a, i=i, c=_spread(a))


def _any(i: int) -> Known:
    return known(Network((2, 1, 3, 2), (signs(2), signs(3), signs(1)), leaky(0.5), X), a=0.5, i=i)


def _moments(i: int) -> tuple[float, float]:
    """E[(sum z^2)^2] and E[sum z^4] for weights that are signs, E[W^4] = Var[W]^2: 3 - 1 ways are none."""
    pairs, fourth = 25.0, 17.0
    for units, v in ((1, 4), (3, 9))[:i]:
        unit = _half(0.5, 4) * v**2 * (3 * pairs - 2 * fourth)
        pairs, fourth = units * unit + units * (units - 1) * (v * _half(0.5, 2)) ** 2 * pairs, units * unit
    return pairs, fourth


def _away(v: float) -> Law:
    """Four values, none of them 0, with the moments of N(0, v) up to the fifth."""
    far = math.sqrt(5 + math.sqrt(40))
    scale = math.sqrt(v / ((10 + 2 * far**2) / 12))
    return (5, scale), (5, -scale), (1, far * scale), (1, -far * scale)


def _back(a: float, i: int) -> Known:
    network = Network((1, 1, 2, 1), tuple(map(_away, V)), identity if a == 1 else leaky(a), ((1, (1.5,)),), G)
    return known(network, a=a, i=i, c=_spread(a))


def _back_any(a: float) -> Known:
    network = Network((1, 1, 2, 1), (signs(1), signs(2), signs(3)), leaky(a), ((1, (1.5,)),), G)
    return known(network, a=a, i=1)


_RATIOS = (7, 2, 3, 1, 5)


def _wide(size: int) -> Known:
    return Known({"c": 5.0, "i": 3}, {"Width": lambda i: size * _RATIOS[i]})


def _product(size: int) -> float:
    return math.prod(1 + 5.0 / (size * _RATIOS[i]) for i in (1, 2, 3))


def _polygamma(order: int, x: float) -> float:
    import mpmath  # Not before a check.

    return float(mpmath.polygamma(order, x))


def _log(i: int) -> Known:
    network = Network((2, 1, 4, 2), tuple(map(gaussian, V)), identity, X)
    return known(network, {"polygamma": _polygamma}, i=i)


def _narrow(u: float) -> Known:
    return Known({"u": u}, {"polygamma": _polygamma})


EULER = 0.57721566490153286
_ONE_LOG = math.log(5) + math.log(2 * V[0]) - EULER - 2 * math.log(2)
"""psi(1/2) = -gamma - 2 log 2 for one unit; psi(2) = 1 - gamma for four."""
_TWO_LOGS = _ONE_LOG + math.log(2 * V[1]) + 1 - EULER
POLYGAMMA = "special values of the digamma and the trigamma function (DLMF, sections 5.4 and 5.15)"
_TWO = _layer(0, 1, V[0]) * _layer(0, 3, V[1])
_TWO_MEANS = _mean(0, 1, V[0]) * _mean(0, 3, V[1])
_TWO_BACK = _layer(0.5, 1, V[1]) * _layer(0.5, 2, V[2])
_TWO_MEANS_BACK = _mean(0.5, 1, V[1]) * _mean(0.5, 2, V[2])
ORACLES = {
    "norm-fourth-moment": Oracle(
        SOURCE,
        (
            Case("the input", lambda: _forward(0.5, 0), equals=25),
            Case("ReLU, two layers", lambda: _forward(0, 2), equals=25 * _TWO),
            Case(
                "slope 1/2, two layers",
                lambda: _forward(0.5, 2),
                equals=25 * _layer(0.5, 1, V[0]) * _layer(0.5, 3, V[1]),
            ),
        ),
    ),
    "norm-fourth-moment-linear": Oracle(
        # A chi-squared variable of n degrees of freedom has the mean square n (n + 2).
        SOURCE + "; the moments of a chi-squared variable",
        (Case("two layers", lambda: _forward(1, 2), equals=25 * (1 * 3 * V[0] ** 2) * (3 * 5 * V[1] ** 2)),),
    ),
    "gaussian-fourth-moment": Oracle(SOURCE, (Case("variance 3", lambda: _forward(0, 1), equals=3 * V[1] ** 2),)),
    "norm-any-law": Oracle(
        SOURCE,
        (
            Case("signs, one layer", lambda: _any(0), equals=lambda: _moments(1)[0]),
            Case("signs, two layers", lambda: _any(1), equals=lambda: _moments(2)[0]),
        ),
    ),
    "norm-fourth-powers": Oracle(SOURCE, (Case("signs, two layers", lambda: _any(1), equals=lambda: _moments(2)[1]),)),
    "norm-mean": Oracle(
        SOURCE,
        (
            Case("ReLU, two layers", lambda: _forward(0, 2), equals=5 * _TWO_MEANS),
            Case("slope 1/2, one layer", lambda: _forward(0.5, 1), equals=5 * _mean(0.5, 1, V[0])),
        ),
    ),
    "norm-fluctuation": Oracle(
        SOURCE, (Case("ReLU, two layers", lambda: _forward(0, 2), equals=_TWO / _TWO_MEANS**2 - 1),)
    ),
    "norm-fluctuation-above": Oracle(
        COUNTED,
        (Case("wide layers", lambda: _wide(20_000), equals=_product(20_000) - 1, within=1e-3, reads_left=False),),
    ),
    "norm-fluctuation-below": Oracle(
        COUNTED, (Case("wide layers", lambda: _wide(1_000), equals=_product(1_000), within=1e-4, reads_left=False),)
    ),
    "log-norm-law": Oracle(
        POLYGAMMA,
        (
            Case("one layer", lambda: _log(1), equals=_ONE_LOG, reads_left=False),
            Case("two layers", lambda: _log(2), equals=_TWO_LOGS, reads_left=False),
        ),
    ),
    "log-norm-variance": Oracle(
        POLYGAMMA,
        (
            Case("one layer", lambda: _log(1), equals=math.pi**2 / 2, reads_left=False),
            Case("two layers", lambda: _log(2), equals=math.pi**2 * (1 / 2 + 1 / 6) - 1, reads_left=False),
        ),
    ),
    "log-norm-drift": Oracle(
        "the function itself, for a wide layer", (Case("ten thousand units", lambda: _narrow(1e-4), within=1e-4),)
    ),
    "log-norm-spread": Oracle(
        "the function itself, for a wide layer", (Case("ten thousand units", lambda: _narrow(1e-4), within=2e-4),)
    ),
    "norm-fluctuation-first-order": Oracle(
        COUNTED,
        (
            Case(
                "three layers of a hundred thousand units",
                lambda: Known({"c": 5.0, "u": 1e-5, "L": 3}),
                equals=math.prod([1 + 5e-5] * 3) - 1,
                within=1e-4,
            ),
        ),
    ),
    "gradient-fluctuation": Oracle(
        SOURCE,
        (
            Case("slope 1/2, two layers back", lambda: _back(0.5, 0), equals=6 * _TWO_BACK),
            Case("slope 1/2, one layer back", lambda: _back(0.5, 1), equals=6 * _layer(0.5, 2, V[2])),
        ),
    ),
    "gradient-fluctuation-linear": Oracle(
        SOURCE + "; the moments of a chi-squared variable",
        (Case("two layers back", lambda: _back(1, 0), equals=6 * (1 * 3 * V[1] ** 2) * (2 * 4 * V[2] ** 2)),),
    ),
    "gradient-any-law": Oracle(
        # One gradient comes back, of E[g^4] = 6: E[W^4] = 81 for signs of size 3.
        SOURCE,
        (
            Case(
                "signs, one layer back",
                lambda: _back_any(0.5),
                equals=2 * _half(0.5, 4) * 81 * 6 + 2 * (9 * _half(0.5, 2)) ** 2 * 6,
            ),
        ),
    ),
    "gradient-mean": Oracle(
        SOURCE, (Case("slope 1/2, two layers back", lambda: _back(0.5, 0), equals=2 * _TWO_MEANS_BACK),)
    ),
    "gradient-relative-square": Oracle(
        SOURCE,
        (
            Case(
                "slope 1/2, two layers back",
                lambda: _back(0.5, 0),
                equals=6 * _TWO_BACK / (2 * _TWO_MEANS_BACK) ** 2,
            ),
        ),
    ),
}
