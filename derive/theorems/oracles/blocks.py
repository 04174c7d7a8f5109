"""Blocks: networks of a few units written out by hand, every outcome of their coins tossed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Coins, Law, Made, variance
from derive.theorems.oracles.cases import gaussian, signs, skewed
from derive.theorems.oracles.wide_cases import PARABOLA, parabola

ENUMERATED = "a network of a few units, every outcome of its coins"
GAUSSIAN_HERE = f"{ENUMERATED}; laws with the moments of a Gaussian"
BEFORE, WEIGHTS, BIASES = "layers before", "weights", "biases"


def case(
    made: Mapping[str, Made],
    laws: Mapping[str, tuple[str, Law]],
    widths: Mapping[int, int],
    functions: Mapping[str, Callable[..., Any]] | None = None,
    /,
    **symbols: Any,
) -> Known:
    """What is known of a few scalars: their laws and variances, how others are made of them, symbols."""

    def shared(family: str) -> float:
        return variance([(w, _first(v)) for w, v in laws[family][1]])

    table: dict[str, Callable[..., Any]] = {
        "Width": widths.__getitem__,
        "SharedVariance": shared,
        **PARABOLA,
    }
    world = Coins(made, **laws)
    return Known({"t": 1, "u": 2, "k": 1, **symbols}, {**table, **(functions or {})}, world)


def _first(value: Any) -> Any:
    return _first(value[0]) if isinstance(value, tuple) else value


def behind(of: str, units: int, biased: bool = True) -> Made:
    """s_tk = sum_l z_tl W_lk + b_k"""

    def made(at: Callable[..., Any], *index: int) -> Any:
        *sample, k = index
        total = sum(at(of, *sample, unit) * at("W", unit, k) for unit in range(1, units + 1))
        return total + (at("b", k) if biased else 0)

    return made


def activated(of: str, f: Callable[[Any], Any] = parabola) -> Made:
    """z_tl = f(y_tl)"""
    return lambda at, *index: f(at(of, *index))


ROWS: Law = ((1, ((1, 2), (3, -1))), (2, ((-1, 0), (1, 2))), (1, ((2, 1), (-2, 0))))
"""The values of two units for the first sample, and for the second, three times."""


LAYER = {"W": (WEIGHTS, skewed(1)), "b": (BIASES, signs(3))}


def _covariance(u: int) -> Known:
    return case({"z": activated("y"), "s": behind("z", 2)}, {"y": (BEFORE, ROWS), **LAYER}, {0: 2}, u=u)


def by_hand(u: int) -> float:
    """Var[W] = 2 times the mean of z_11 z_u1 + z_12 z_u2, and 9: f(-2, -1, 0, 1, 2, 3) = -1/4, -3/4, -1/4, ...."""
    f = {y: y * y / 2 + y - 1 / 4 for y in range(-2, 4)}
    total = sum(w * sum(f[a] * f[b] for a, b in zip(r[0], r[u - 1], strict=True)) for w, r in ROWS)
    return 2 * total / 4 + 9


def joint(at: Callable[..., Any], t: int, unit: int) -> Any:
    """Two samples with the variances 2 and 3/2 and the covariance 1."""
    left, right = at("left", unit), at("right", unit)
    return math.sqrt(2) * left if t == 1 else left / math.sqrt(2) + right


def _covariance_map() -> Known:
    made = {"y": joint, "z": activated("y"), "s": behind("z", 2)}
    laws = {"left": (BEFORE, gaussian(1)), "right": (BEFORE, gaussian(1)), **LAYER}
    return case(made, laws, {0: 2}, q_1=2, q_2=1.5, q_12=1, sigma_w2=2 * 2, sigma_b2=9)


def _samples() -> Known:
    def made(at: Callable[..., Any], t: int, _: int) -> Any:
        return at("x", t) ** 2 * at("w") + 3 * at("x", t) * at("w") ** 2 - 1

    return case({"y": made}, {"x": ("input", ((1, 2), (2, -1))), "w": (BEFORE, ((1, 1), (1, -3)))}, {0: 2})


def _layers() -> Known:
    """Two layers of two units, and one; Var[W^i] = 2 (i + 1)^2 and Var[b^i] = 9 (i + 2)^2."""

    def activation(at: Callable[..., Any], layer: int, t: int, k: int) -> Any:
        return parabola(at("s", layer - 1, t, k)) if layer else at("x", t, k)

    def summed(at: Callable[..., Any], layer: int, t: int, k: int) -> Any:
        return sum(at("z", layer, t, unit) * at("W", layer, unit, k) for unit in (1, 2)) + at("b", layer, k)

    made: dict[str, Made] = {
        "W": lambda at, layer, *units: (layer + 1) * at("drawn", layer, *units),
        "b": lambda at, layer, k: (layer + 2) * at("shift", layer, k),
        "z": activation,
        "s": summed,
    }
    laws = {"x": ("input", ROWS), "drawn": (WEIGHTS, skewed(1)), "shift": (BIASES, signs(3))}
    variances = {"W": lambda layer: 2 * (layer + 1) ** 2, "b": lambda layer: 9 * (layer + 2) ** 2}
    return case(
        made, laws, {0: 2, 1: 2, 2: 1}, {"SharedVariance": lambda name, layer: variances[name](layer)}, i=1, d=1
    )


def gaussian_product(q_1: float, q_2: float, q_12: float) -> float:
    """E[f(y_1) f(y_2)] for the parabola: E[y_1^2 y_2^2] = q_1 q_2 + 2 q_12^2."""
    return (q_1 * q_2 + 2 * q_12**2) / 4 + q_12 - (q_1 + q_2) / 8 + 1 / 16


GRADIENT: dict[str, tuple[str, Law]] = {"g": ("output gradient", ((1, (2, -2)), (2, (-1, 1))))}
"""Two components of mean zero and variance 2."""


ORACLES = {
    "covariance-recursion": Oracle(
        ENUMERATED,
        (
            Case("two samples", lambda: _covariance(2), equals=lambda: by_hand(2)),
            Case("one sample", lambda: _covariance(1), equals=lambda: by_hand(1)),
        ),
    ),
    "covariance-map": Oracle(
        GAUSSIAN_HERE, (Case("a parabola", _covariance_map, equals=lambda: 4 * gaussian_product(2, 1.5, 1) + 9),)
    ),
    "covariance-of-layers": Oracle(ENUMERATED, (Case("the second layer", _layers),)),
    "covariance-of-samples": Oracle(
        # E[x] = 0 and E[x^2] = 2: the mean over samples is 2 w - 1, and Var[w] = 4.
        ENUMERATED,
        (Case("a sample and a network of two values each", _samples, equals=4 * 4),),
    ),
}
