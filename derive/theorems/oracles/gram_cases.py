"""Two samples in layers of real width: networks of a few units, narrow laws, integrals over the angle of a pair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Coins
from derive.theorems.oracles.cases import gaussian, identity, leaky
from derive.theorems.oracles.wide_cases import PARABOLA, parabola
from derive.theorems.oracles.width_cases import GAIN, HERMITE, NARROW, hermite, power

POLAR = "integrals in polar coordinates"
KAPPA = "the mean product of two rectified Gaussians (Cho & Saul 2009, equation 6)"
At = Callable[..., Any]
V, B = {0: 0.5, 1: 0.3, 2: 0.4}, {0: 0.2, 1: 0.1, 2: 0.3}
"""Variances of weights and biases, layer by layer."""
SAMPLES = ((1, ((1.5,), (-0.8,))),)


def world(f: Callable[[Any], Any], widths: Mapping[int, int], nodes: tuple[int, int], biased: bool) -> Coins:
    """A network of two samples: z, s, its kernels K and its Gram matrices G; weights drawn at Gauss-Hermite nodes."""

    def weight(at: At, layer: int, unit: int, k: int) -> Any:
        return math.sqrt(V[layer]) * at("first" if layer == 0 else "later", layer, unit, k)

    def bias(at: At, layer: int, k: int) -> Any:
        return math.sqrt(B[layer]) * at("shift", layer, k) if B[layer] and biased else 0.0

    def activation(at: At, layer: int, t: int, k: int) -> Any:
        return f(at("s", layer - 1, t, k)) if layer else at("x", t, k)

    def summed(at: At, layer: int, t: int, k: int) -> Any:
        total = sum(at("z", layer, t, unit) * at("W", layer, unit, k) for unit in range(1, widths[layer] + 1))
        return total + at("b", layer, k)

    def gram(at: At, layer: int, t: int, u: int) -> Any:
        return sum(at("z", layer, t, k) * at("z", layer, u, k) for k in range(1, widths[layer] + 1))

    def kernel(at: At, layer: int, t: int, u: int) -> Any:
        return V[layer] * at("G", layer, t, u) + (B[layer] if biased else 0)

    made: dict[str, Callable[..., Any]] = {"W": weight, "b": bias, "z": activation, "s": summed, "G": gram, "K": kernel}
    first, later = (hermite(1, k) for k in nodes)
    laws = {"first": ("weights", first), "later": ("weights", later), "shift": ("biases", later)}
    return Coins(made, x=("input", SAMPLES), **laws)


def _shared(name: str, layer: int) -> float:
    return (V if name == "W" else B)[layer]


def _network(i: int) -> Known:
    """Two units with biases behind the input; or two without behind one, of whose weight K is of degree 4."""
    widths, biased = ({0: 1, 1: 2, 2: 1}, True) if i == 0 else ({0: 1, 1: 1, 2: 2, 3: 1}, False)
    functions: dict[str, Callable[..., Any]] = {**PARABOLA, "Width": widths.__getitem__, "SharedVariance": _shared}
    symbols = {"sigma_w2": 2 * V[i + 1], "sigma_b2": B[i + 1] if biased else 0}
    return Known({"i": i, **symbols}, functions, world(parabola, widths, (5 if i == 0 else 9, 5), biased))


# Narrow laws.

CUBIC = {3: 0.3, 2: 0.5, 1: 1.0}
"""An activation whose mean product has no derivative that is zero up to the second."""
MEANS, SIZE, WIDE = (1.1, 0.4, 0.9), 0.0005, 4_000_000
_STEPS = ((2, (-1.0, 0.5, -0.5)), (1, (0.0, -2.0, -1.5)), (1, (2.0, 1.0, 2.5)))


def _outcomes() -> list[tuple[int, tuple[float, ...]]]:
    return [(w, tuple(q * (1 + SIZE * u) for q, u in zip(MEANS, step, strict=True))) for w, step in _STEPS]


def _over(of: Callable[..., float]) -> float:
    return sum(w * of(*k) for w, k in _outcomes()) / 4


def _narrow() -> Known:
    law = tuple((w, (((a, c), (c, b)),)) for w, (a, c, b) in _outcomes())
    names = dict(zip(("q_1", "q_12", "q_2"), MEANS, strict=True))
    widths = {"Width": lambda layer: WIDE * layer}
    world = Coins(K=("weights", law))
    cubic = {"Activation": lambda s: sum(c * s**p for p, c in CUBIC.items())}
    return Known({"i": 1, "sigma_w2": GAIN, "sigma_b2": 0.4, **names}, {**cubic, **widths}, world)


def _joint(k: int, q_1: float, q_12: float, q_2: float) -> float:
    """E[f(u)^k f(w)^k], by w = (q_12/q_1) u + r e with e independent of u."""
    slope, rest = q_12 / q_1, q_2 - q_12**2 / q_1

    def of(p: int, v: float) -> float:
        return math.prod(range(1, p, 2)) * v ** (p // 2) if p % 2 == 0 else 0.0

    return sum(
        c * e * math.comb(q, j) * slope ** (q - j) * of(p + q - j, q_1) * of(j, rest)
        for p, c in power(k, CUBIC).items()
        for q, e in power(k, CUBIC).items()
        for j in range(q + 1)
    )


def _next_variance() -> float:
    mean = _over(lambda *k: _joint(1, *k))
    spread = _over(lambda *k: (_joint(1, *k) - mean) ** 2)
    return GAIN**2 * (spread + _over(lambda *k: _joint(2, *k) - _joint(1, *k) ** 2) / (2 * WIDE))


def _next_mean() -> float:
    return GAIN * _over(lambda *k: _joint(1, *k)) + 0.4


# Pairs of rectified Gaussians, in polar coordinates.

RHO, ACTIVE = 0.3, 11
_POWERS = ((2, 0), (4, 0), (1, 1), (2, 2), (3, 1))


@lru_cache
def rectified(a: int, b: int, rho: float, q: float = 1.0) -> float:
    """E[max(y_1, 0)^a max(y_2, 0)^b]: y_1 = r cos t and y_2 = r cos(t - arccos rho), r^2/2 exponential."""
    from numpy import cos, pi
    from numpy.polynomial.legendre import leggauss

    between = math.acos(rho)
    ends = (between - pi / 2, pi / 2) if b else (-pi / 2, pi / 2)
    x, w = leggauss(40)
    t = (ends[0] + ends[1] + (ends[1] - ends[0]) * x) / 2
    mean = float((w * cos(t) ** a * cos(t - between) ** b).sum()) * (ends[1] - ends[0]) / 2 / (2 * pi)
    half = (a + b) / 2
    return q**half * 2**half * math.gamma(half + 1) * mean


def _process() -> Known:
    moments = {f"J_{a}{b}": rectified(a, b, RHO) for a, b in _POWERS}
    return Known({"N": ACTIVE, **moments})


def _log_sine(alpha: float, gamma: float, beta: float) -> float:
    return math.log(1 - gamma**2 / (alpha * beta))


def _around() -> tuple[list[float], list[list[float]]]:
    """The means and the covariances of f_1^2, f_1 f_2 and f_2^2 of one unit."""
    powers = ((2, 0), (1, 1), (0, 2))

    def of(a: int, b: int) -> float:
        return rectified(max(a, b), min(a, b), RHO)

    means = [of(*p) for p in powers]
    rows = [[of(p[0] + q[0], p[1] + q[1]) - of(*p) * of(*q) for q in powers] for p in powers]
    return means, rows


def _moved(*steps: tuple[int, float]) -> float:
    means = list(_around()[0])
    for k, h in steps:
        means[k] += h
    return _log_sine(*means)


def _mean_log() -> float:
    """Half the second differences times the covariances, over the number of units."""
    h, rows = 1e-3, _around()[1]

    def second(j: int, k: int, h: float) -> float:
        signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
        return sum(u * v * _moved((j, u * h), (k, v * h)) for u, v in signs) / (4 * h * h)

    def sharp(j: int, k: int) -> float:
        return (4 * second(j, k, h / 2) - second(j, k, h)) / 3

    return sum(sharp(j, k) * rows[j][k] for j in range(3) for k in range(3)) / 2 / ACTIVE


def _spread_of_log() -> float:
    h, rows = 1e-3, _around()[1]
    slopes = [
        (4 * (_moved((k, h / 2)) - _moved((k, -h / 2))) / h - (_moved((k, h)) - _moved((k, -h))) / (2 * h)) / 3
        for k in range(3)
    ]
    return sum(slopes[j] * slopes[k] * rows[j][k] for j in range(3) for k in range(3)) / ACTIVE


def _pair(a: int, b: int) -> Case:
    def at() -> Known:
        return Known({"q": 1.7, "rho": RHO}, {"Activation": leaky(0)}, kinks=(0,))

    return Case("correlation 0.3", at, equals=lambda: rectified(a, b, RHO, 1.7), within=1e-8)


# The operator on functions of the angle.


def kappa(rho: float) -> float:
    """E[max(y_1, 0) max(y_2, 0)], y_1 and y_2 standard of correlation rho."""
    rho = min(max(rho, -1.0), 1.0)
    return (math.sqrt(1 - rho * rho) + rho * (math.pi - math.acos(rho))) / (2 * math.pi)


def _correlation(a: float, b: float, c: float) -> float:
    return c / math.sqrt(a * b) if a * b else 0.0


_PAIR_WIDTHS = {0: 2, 1: 1, 2: 2, 3: 1}
_TWO = ((1, ((4.0, 0.0), (1.5, 1.5 * math.sqrt(3)))),)
"""Inputs of lengths 4 and 3, at an angle of 60 degrees."""


def _operator(f: Callable[[Any], Any], carried: Callable[[int, float], float], **symbols: Any) -> Known:
    made = world(f, _PAIR_WIDTHS, (3, 3), False)
    made.laws["x"] = ("input", _TWO)
    functions: dict[str, Callable[..., Any]] = {"Carried": carried, "Correlation": _correlation}
    return Known(
        symbols, {**functions, "Width": _PAIR_WIDTHS.__getitem__, "SharedVariance": lambda _, layer: V[layer]}, made
    )


def _linear(layer: int, rho: float) -> float:
    """Every layer of lines keeps a correlation, in the mean, and multiplies it with n Var[W]."""
    return rho * math.prod(V[k] * _PAIR_WIDTHS[k + 1] for k in range(layer, 2))


def _one_unit(layer: int, rho: float) -> float:
    """Behind one rectified unit two samples are alike or dead: the next layer makes n Var[W]/2 of their product."""
    behind = V[1] * _PAIR_WIDTHS[2] / 2
    return {0: V[0] * kappa(rho) * behind, 2: rho}[layer]


def _lengths() -> Known:
    return Known({"a": 0.5, "i": 0}, {"Width": {1: 3}.__getitem__, "Activation": leaky(0.5)}, _pairs())


def _pairs() -> Coins:
    return Coins(xi=("Gaussian pairs", gaussian(1)))


_SIXTY = (math.sqrt(3) / 2 + math.pi / 3) / (2 * math.pi)
ORACLES: Mapping[str, Oracle] = {
    "width-correction-two-samples": Oracle(
        HERMITE,
        (
            Case("behind the input", lambda: _network(0), within=1e-8),
            Case("behind a layer that fluctuates", lambda: _network(1), within=1e-8),
        ),
    ),
    **{
        f"width-correction-two-samples-{name}": Oracle(
            HERMITE, (Case("behind a layer that fluctuates", lambda: _network(1), within=1e-8),)
        )
        for name in ("lengths", "cross")
    },
    "width-correction-two-samples-mean": Oracle(
        HERMITE,
        (
            Case("behind the input, with biases", lambda: _network(0)),
            Case("behind a layer that fluctuates", lambda: _network(1)),
        ),
    ),
    "width-correction-two-samples-variance": Oracle(
        NARROW, (Case("three outcomes", _narrow, equals=_next_variance, within=2e-3, reads_left=False),)
    ),
    "width-correction-two-samples-covariance": Oracle(
        NARROW, (Case("three outcomes", _narrow, equals=_next_mean, within=5e-3, scale=1e-7, reads_left=False),)
    ),
    "mean-correlation": Oracle(NARROW, (Case("three outcomes", _narrow, within=5e-3, scale=1e-7),)),
    "correlation-fluctuation": Oracle(NARROW, (Case("three outcomes", _narrow, within=5e-3),)),
    "angle-process": Oracle(
        f"{POLAR}, and differences", (Case("ReLU", _process, equals=_mean_log, within=1e-6, reads_left=False),)
    ),
    "angle-process-variance": Oracle(
        f"{POLAR}, and differences", (Case("ReLU", _process, equals=_spread_of_log, within=1e-6, reads_left=False),)
    ),
    **{f"rectified-moment-{a}{b}": Oracle(POLAR, (_pair(a, b),)) for a, b in _POWERS},
    "angle-operator": Oracle(
        f"{HERMITE}; {KAPPA}",
        (
            Case("lines", lambda: _operator(identity, _linear, d=2), equals=6 * 0.5 * 0.3 * 2),
            Case(
                "ReLU, one unit and then two",
                lambda: _operator(leaky(0), _one_unit, d=2),
                equals=12 * 0.5 * _SIXTY * 0.3,
                reads_left=False,
            ),
        ),
    ),
    "angle-operator-layers": Oracle(
        HERMITE, tuple(Case(f"lines, layer {i}", partial(_operator, identity, _linear, d=2, i=i)) for i in (1, 2))
    ),
    "angle-operator-length": Oracle(
        "the moments of a standard Gaussian", (Case("slope 1/2, three units", _lengths, equals=3 * 1.25 / 2),)
    ),
}
