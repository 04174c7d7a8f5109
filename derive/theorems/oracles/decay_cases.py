"""The distance of two samples: networks of a few units enumerated, pairs in polar coordinates, chi laws of lengths."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Coins
from derive.theorems.oracles.cases import UNITS, leaky
from derive.theorems.oracles.gram_cases import V, world

ENUMERATED = "a network of two samples enumerated from its definition"
POLAR = "an integral in polar coordinates"
CHI = "lengths along and across a sample: chi laws of the number of active units"
_WIDTHS = {0: 1, 1: 2, 2: 3, 3: 1}
_APART, _NEAR, _OPPOSITE = ((1.5, -0.8), (1.5, 0.4), (1.2, -1.2))


def _network(i: int, a: float, samples: tuple[float, float] = _APART) -> Known:
    """Layers of one unit, two and three; weights of three points."""
    made: Coins = world(leaky(a), _WIDTHS, (3, 2), False)
    made.laws["x"] = ("input", ((1, tuple((x,) for x in samples)),))
    variances = {"SharedVariance": lambda _, layer: V[layer]}
    functions: dict[str, Callable[..., Any]] = {"Width": _WIDTHS.__getitem__, **variances}
    return Known({**UNITS, "i": i, "a": a}, functions, made)


def _lost(t: float) -> float:
    """E[|y_1 y_2| - y_1 y_2] of y_1 = r cos u, y_2 = r cos(u - t), which have different signs on two arcs."""
    from numpy import cos, pi
    from numpy.polynomial.legendre import leggauss

    x, w = leggauss(30)
    u = pi / 2 + t * (1 + x) / 2
    arc = float((w * -cos(u) * cos(u - t)).sum()) * t / 2
    return 2 * 2 * 2 * arc / (2 * pi)


def _power(units: int, p: float) -> float:
    """E[chi_n^(2 - p)] E[chi_{n-1}^p]/(N/2) for n active ones among N units: what a layer makes of a small t^p."""

    def log_moment(k: int, power: float) -> float:
        return power / 2 * math.log(2) + math.lgamma((k + power) / 2) - math.lgamma(k / 2)

    def log_chance(n: int) -> float:
        return math.lgamma(units + 1) - math.lgamma(n + 1) - math.lgamma(units - n + 1) - units * math.log(2)

    several = range(2, units + 1)
    terms = (math.exp(log_chance(n) + log_moment(n, 2 - p) + log_moment(n - 1, p)) for n in several)
    return 2 * math.fsum(terms) / units


def _pair(t: float) -> Known:
    return Known({"q": 1.7, "t": t}, {"sin": math.sin, "cos": math.cos}, kinks=(0,))


ORACLES: Mapping[str, Oracle] = {
    "finite-width-decay": Oracle(
        ENUMERATED,
        (
            Case("ReLU, behind the input", lambda: _network(0, 0.0)),
            Case("slope 1/2, one layer on", lambda: _network(1, 0.5)),
        ),
    ),
    "finite-width-decay-weights": Oracle(ENUMERATED, (Case("slope 1/2, one layer on", lambda: _network(1, 0.5)),)),
    "finite-width-decay-unit": Oracle(
        ENUMERATED,
        (Case("ReLU", lambda: _network(0, 0.0)), Case("slope 1/2, one layer on", lambda: _network(1, 0.5))),
    ),
    "finite-width-decay-above": Oracle(ENUMERATED, (Case("samples of one sign", lambda: _network(0, 0.5, _NEAR)),)),
    "finite-width-decay-loss": Oracle(ENUMERATED, (Case("opposite samples", lambda: _network(0, 0.5, _OPPOSITE)),)),
    "finite-width-decay-wide": Oracle(
        POLAR, (Case("angle 0.8", lambda: _pair(0.8), equals=lambda: 1.7 * _lost(0.8), within=1e-7),)
    ),
    "finite-width-decay-cubic": Oracle(
        POLAR,
        (Case("angle 0.01", lambda: _pair(0.01), equals=lambda: 1.7 * _lost(0.01), within=1e-3, reads_left=False),),
    ),
    "angle-process-power": Oracle(
        CHI,
        (
            Case(
                "4000 units, power 1.2",
                lambda: Known({"N": 4000, "p": 1.2}),
                equals=lambda: _power(4000, 1.2),
                within=0.01,
                scale=1.2 * 1.8 / 4000,
                reads_left=False,
            ),
        ),
    ),
}
