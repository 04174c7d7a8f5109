"""Residual streams: networks of a few units written out by hand, and blocks multiplied out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from derive.proof.oracle import Case, Known, Limit, Oracle
from derive.proof.outcomes import Law, Made, variance
from derive.theorems.oracles.blocks import (
    BEFORE,
    ENUMERATED,
    GAUSSIAN_HERE,
    GRADIENT,
    ROWS,
    WEIGHTS,
    activated,
    behind,
    by_hand,
    case,
    gaussian_product,
    joint,
)
from derive.theorems.oracles.cases import gaussian, leaky, signs, skewed
from derive.theorems.oracles.wide_cases import parabola

ALPHA = 3
_MIX = {"W": (WEIGHTS, skewed(1))}


def _added_to(at: Callable[..., Any], *index: int) -> Any:
    """h'_tk = h_tk + alpha r_tk"""
    return at("h", *index) + ALPHA * at("r", *index)


_BRANCH: dict[str, Made] = {"a": activated("h"), "r": behind("a", 2, biased=False), "h'": _added_to}


def _residual(u: int) -> Known:
    return case(_BRANCH, {"h": (BEFORE, ROWS), **_MIX, **GRADIENT}, {0: 2}, u=u, alpha=ALPHA)


_FACTORS = (0.3, 0.7, 1.1, 0.2, 0.5)
"""The factors of the branches of five blocks."""


def _residual_layers() -> Known:
    """Two blocks of two units, with Var[W^i] = 2 (i + 1)^2."""

    def stream(at: Callable[..., Any], layer: int, t: int, k: int) -> Any:
        if layer == 0:
            return at("x", t, k)
        return at("h", layer - 1, t, k) + _FACTORS[layer - 1] * sum(
            parabola(at("h", layer - 1, t, unit)) * layer * at("drawn", layer, unit, k) for unit in (1, 2)
        )

    made: dict[str, Made] = {"h": stream, "a": lambda at, layer, t, k: parabola(at("h", layer, t, k))}
    laws = {"x": ("input", ROWS), "drawn": (WEIGHTS, skewed(1))}
    functions: dict[str, Callable[..., Any]] = {
        "SharedVariance": lambda _, layer: 2 * (layer + 1) ** 2,
        "alpha": _FACTORS.__getitem__,
    }
    return case(made, laws, {0: 2}, functions, i=1, d=2)


def _added(u: int) -> float:
    """E[h_11 h_u1], and alpha^2 = 9 times what weights of variance 2 make of the activations."""
    return sum(w * r[0][0] * r[u - 1][0] for w, r in ROWS) / 4 + 9 * (by_hand(u) - 9)


def _residual_map() -> Known:
    laws = {"left": (BEFORE, gaussian(1)), "right": (BEFORE, gaussian(1)), **_MIX, **GRADIENT}
    lengths = {"q_1": 2, "q_2": 1.5, "q_12": 1}
    return case({"h": joint, **_BRANCH}, laws, {0: 2}, **lengths, alpha=ALPHA, sigma_w2=2 * 2)


def _ending(f: Callable[[Any], Any] = parabola, **symbols: Any) -> Known:
    """A fixed stream, (1, 2) and (3, -1), through weights with the moments of a Gaussian."""

    def summed(at: Callable[..., Any], t: int, k: int) -> Any:
        return sum(at("h", t, unit) * at("V", unit, k) for unit in (1, 2))

    def added(at: Callable[..., Any], *index: int) -> Any:
        return at("h", *index) + ALPHA * at("a", *index)

    laws = {"h": (BEFORE, ROWS[:1]), "V": (WEIGHTS, gaussian(1)), "g": ("output gradient", skewed(1))}
    made: dict[str, Made] = {"r": summed, "a": activated("r", f), "h'": added}
    return case(made, laws, {0: 2}, **{"q_1": 5, "q_2": 10, "q_12": 1, "alpha": ALPHA, **symbols})


def _rectified(a: float, deviation: float) -> float:
    """The mean of leaky ReLU over N(0, deviation^2), by the midpoint rule."""
    step, f = 1e-3, leaky(a)
    points = (step * (k + 0.5) for k in range(-10_000, 10_000))
    return sum(f(deviation * x) * math.exp(-(x**2) / 2) for x in points) * step / math.sqrt(2 * math.pi)


def _he(a: float) -> Known:
    """Two units of mean square 4 with a symmetric law, and weights of variance 2/(2 (1 + a^2))."""
    laws = {"h": (BEFORE, signs(2)), "W": (WEIGHTS, skewed(math.sqrt(1 / (2 * (1 + a**2)))))}
    made = {**_BRANCH, "a": activated("h", leaky(a))}
    return case(made, laws, {0: 2}, {"Activation": leaky(a)}, q_1=4, a=a, alpha=ALPHA)


def _one_unit(a: float, weights: Law, alpha: float) -> Known:
    """One unit, always 2, with a branch that ends in leaky ReLU."""
    made: dict[str, Made] = {
        "r": lambda at, t, k: at("h", t, k) * at("V", 1, k),
        "a": activated("r", leaky(a)),
        "h'": lambda at, t, k: at("h", t, k) + alpha * at("a", t, k),
    }
    laws = {"h": (BEFORE, ((1, 2),)), "V": (WEIGHTS, weights)}
    return case(made, laws, {0: 1}, q_1=4, a=a, alpha=alpha, sigma_w2=variance(weights))


def _stream(depth: int, factor: Callable[[int], float], growth: Callable[[float], float], **symbols: Any) -> Known:
    """A stream of mean square 1.7, of root 1.3 and of mean .9, multiplied block by block."""
    q = math.prod(growth(factor(block)) for block in range(depth))
    starts = {name: {0: start, depth: start * q}.__getitem__ for name, start in (("q", 1.7), ("rho", 1.3), ("m", 0.9))}
    return Known({"L": depth, **symbols}, {**starts, "alpha": factor})


def _squared(alpha: float) -> float:
    return 1 + alpha**2


def _by_depth(depth: int) -> Known:
    return _stream(depth, lambda _: 0.8 / math.sqrt(depth), _squared, c=0.8)


def _small(block: int) -> float:
    return 0.001 * (block + 1)


def _ending_small() -> Known:
    return _stream(5, _small, lambda alpha: 1 + 0.7 * alpha, **{"c": 0.7, "c'": 0.7})


BLOCK_BY_BLOCK = "multiplied out, block by block"


ORACLES = {
    "residual-variance": Oracle(
        ENUMERATED,
        (
            Case("two samples", lambda: _residual(2), equals=lambda: _added(2)),
            Case("one sample", lambda: _residual(1), equals=lambda: _added(1)),
        ),
    ),
    "residual-of-layers": Oracle(ENUMERATED, (Case("the second block", _residual_layers),)),
    # (1 - 2 + 2)/4.
    "residual-mean": Oracle(ENUMERATED, (Case("a mean of 1/4", lambda: _residual(2), equals=1 / 4),)),
    "residual-map": Oracle(
        GAUSSIAN_HERE, (Case("a parabola", _residual_map, equals=lambda: 1 + 9 * 4 * gaussian_product(2, 1.5, 1)),)
    ),
    "residual-gradient": Oracle(
        # f'(h) = h + 1 is 2, 0 (twice) and 3.
        ENUMERATED,
        (Case("a parabola", lambda: _residual(1), equals=2 * (9 * 2 * 2 * (4 + 9) / 4 + 1)),),
    ),
    "residual-gradient-map": Oracle(
        # E[f'^2] = q_1 + 1.
        GAUSSIAN_HERE,
        (Case("a parabola", _residual_map, equals=2 * (9 * 4 * 3 + 1)),),
    ),
    "ending-activation-mean": Oracle(GAUSSIAN_HERE, (Case("a parabola", _ending, equals=1 + 3 * (5 / 2 - 1 / 4)),)),
    "ending-activation-map": Oracle(
        GAUSSIAN_HERE,
        (
            Case(
                "a parabola",
                _ending,
                equals=lambda: (
                    1 * 3 + 3 * (1 * (10 / 2 - 1 / 4) + 3 * (5 / 2 - 1 / 4)) + 9 * gaussian_product(5, 10, 1)
                ),
            ),
        ),
    ),
    "ending-activation-gradient": Oracle(
        # With f'(r) = r + 1 and r = V_1 + 2 V_2: E[V_1 f'] = 1, and E[V_1^2 f'^2] = 3 + 4 + 1 for each of two units.
        GAUSSIAN_HERE,
        (Case("a parabola", _ending, equals=2 * (1 + 2 * 3 * 1 + 9 * 16)),),
    ),
    "residual-depth": Oracle(
        BLOCK_BY_BLOCK, (Case("five blocks", lambda: _stream(5, _FACTORS.__getitem__, _squared)),)
    ),
    "residual-step": Oracle(ENUMERATED, (Case("slope 1/2", lambda: _he(0.5), equals=4 * (1 + 9)),)),
    "residual-depth-unscaled": Oracle(
        BLOCK_BY_BLOCK, (Case("five blocks", lambda: _stream(5, lambda _: 1, _squared), equals=32 * 1.7),)
    ),
    "residual-depth-bounded": Oracle(
        BLOCK_BY_BLOCK, (Case("ten thousand blocks", lambda: _by_depth(10_000), within=1e-4),)
    ),
    "residual-depth-limit": Oracle(
        BLOCK_BY_BLOCK, (Limit("a thousand blocks, and ten thousand", _by_depth, (1_000, 10_000), 1e-4),)
    ),
    "residual-depth-above": Oracle(
        BLOCK_BY_BLOCK, (Case("five small factors", lambda: _stream(5, _small, _squared), within=1e-8),)
    ),
    "residual-depth-below": Oracle(
        BLOCK_BY_BLOCK, (Case("five small factors", lambda: _stream(5, _small, _squared), within=1e-8),)
    ),
    "ending-rectifier-step": Oracle(
        "one unit whose branch is the same at every draw; one whose branch is almost always on its steeper side",
        (
            Case("the absolute value", lambda: _one_unit(-1, signs(3), 0.7), equals=2 * (1 + 0.7 * 3)),
            Case("slope 2", lambda: _one_unit(2, ((1, -99), (99, 1)), -30), within=0.01),
        ),
    ),
    "residual-depth-ending": Oracle(BLOCK_BY_BLOCK, (Case("five small factors", _ending_small, within=1e-4),)),
    "ending-mean-step": Oracle(
        "the integral over a Gaussian, by the midpoint rule",
        (
            # The stream is 1, and the branch has the mean square 4/2 times 5.
            Case(
                "slope 1/4",
                lambda: _ending(leaky(0.25), a=0.25, sigma_w2=4),
                equals=lambda: 1 + ALPHA * _rectified(0.25, math.sqrt(20)),
                reads_left=False,
                within=1e-6,
            ),
        ),
    ),
    "mean-below-root": Oracle(
        "one unit that is always 2", (Case("always 2", lambda: _one_unit(0, signs(3), 0.7), equals=2),)
    ),
    "residual-depth-ending-below": Oracle(BLOCK_BY_BLOCK, (Case("five small factors", _ending_small, within=1e-4),)),
}
