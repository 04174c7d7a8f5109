"""Blocks: networks of a few units written out by hand, every outcome of their coins tossed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Coins, Law, Made, variance
from derive.theorems.oracles.cases import gaussian, signs, skewed
from derive.theorems.oracles.wide import PARABOLA, parabola

ENUMERATED = "a network of a few units, every outcome of its coins"
GAUSSIAN_HERE = f"{ENUMERATED}; laws with the moments of a Gaussian"
BEFORE, WEIGHTS, BIASES = "layers before", "weights", "biases"


def case(
    made: Mapping[str, Made],
    laws: Mapping[str, tuple[str, Law]],
    widths: Mapping[int, int],
    functions: Mapping[str, Callable[..., Any]] | None = None,
    **symbols: Any,
) -> Known:
    """What is known of a few scalars: their laws and variances, how others are made of them, symbols."""
    table: dict[str, Callable[..., Any]] = {
        "Width": widths.__getitem__,
        "SharedVariance": lambda family: variance(laws[family][1]),
        **PARABOLA,
    }
    world = Coins(made, **laws)
    return Known({"t": 1, "u": 2, "k": 1, **symbols}, {**table, **(functions or {})}, world)


def behind(of: str, units: int, biased: bool = True) -> Made:
    """s_tk = sum_l z_tl W_lk + b_k"""

    def made(at: Callable[..., Any], *index: int) -> Any:
        *sample, k = index
        total = sum(at(of, *sample, unit) * at("W", unit, k) for unit in range(1, units + 1))
        return total + (at("b", k) if biased else 0)

    return made


def activated(of: str) -> Made:
    """z_tl = f(y_tl)"""
    return lambda at, *index: parabola(at(of, *index))


_ROWS: Law = ((1, ((1, 2), (3, -1))), (2, ((-1, 0), (1, 2))), (1, ((2, 1), (-2, 0))))
"""The values of two units for the first sample, and for the second, three times."""


_LAYER = {"W": (WEIGHTS, skewed(1)), "b": (BIASES, signs(3))}


def _covariance(u: int) -> Known:
    return case({"z": activated("y"), "s": behind("z", 2)}, {"y": (BEFORE, _ROWS), **_LAYER}, {0: 2}, u=u)


def _by_hand(u: int) -> float:
    """Var[W] = 2 times the mean of z_11 z_u1 + z_12 z_u2, and 9: f(-2, -1, 0, 1, 2, 3) = -1/4, -3/4, -1/4, ...."""
    f = {y: y * y / 2 + y - 1 / 4 for y in range(-2, 4)}
    total = sum(w * sum(f[a] * f[b] for a, b in zip(r[0], r[u - 1], strict=True)) for w, r in _ROWS)
    return 2 * total / 4 + 9


def _joint(at: Callable[..., Any], t: int, unit: int) -> Any:
    """Two samples with the variances 2 and 3/2 and the covariance 1."""
    return math.sqrt(2) * at("g", unit) if t == 1 else at("g", unit) / math.sqrt(2) + at("h", unit)


def _covariance_map() -> Known:
    made = {"y": _joint, "z": activated("y"), "s": behind("z", 2)}
    laws = {"g": (BEFORE, gaussian(1)), "h": (BEFORE, gaussian(1)), **_LAYER}
    return case(made, laws, {0: 2}, q_1=2, q_2=1.5, q_12=1, sigma_w2=2 * 2, sigma_b2=9)


def _samples() -> Known:
    def made(at: Callable[..., Any], t: int, _: int) -> Any:
        return at("x", t) ** 2 * at("w") + 3 * at("x", t) * at("w") ** 2 - 1

    return case({"y": made}, {"x": ("input", ((1, 2), (2, -1))), "w": (BEFORE, ((1, 1), (1, -3)))}, {0: 2})


ORACLES = {
    "covariance-recursion": Oracle(
        ENUMERATED,
        (
            Case("two samples", lambda: _covariance(2), equals=lambda: _by_hand(2)),
            Case("one sample", lambda: _covariance(1), equals=lambda: _by_hand(1)),
        ),
    ),
    "covariance-map": Oracle(
        # E[(y^2/2 + y)(w^2/2 + w)] = (2 q_12^2 + q_1 q_2)/4 + q_12, and -1/4 ((q_1 + q_2)/2 - 1/4).
        GAUSSIAN_HERE,
        (Case("a parabola", _covariance_map, equals=4 * ((2 + 3) / 4 + 1 - (2 + 1.5) / 8 + 1 / 16) + 9),),
    ),
    "covariance-of-samples": Oracle(
        # E[x] = 0 and E[x^2] = 2: the mean over samples is 2 w - 1, and Var[w] = 4.
        ENUMERATED,
        (Case("a sample and a network of two values each", _samples, equals=4 * 4),),
    ),
}
