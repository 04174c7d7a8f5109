"""Dropout: a few units, and every outcome of their masks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Law, Made
from derive.theorems.oracles.blocks import (
    BEFORE,
    ENUMERATED,
    GAUSSIAN_HERE,
    GRADIENT,
    LAYER,
    ROWS,
    activated,
    behind,
    case,
    gaussian_product,
)
from derive.theorems.oracles.cases import gaussian
from derive.theorems.oracles.wide_cases import PARABOLA

_MASK: tuple[str, Law] = ("dropout masks", ((1, 0), (2, 1.5)))
"""A drop rate of 1/3."""


def _masked(of: str, mask: str) -> Made:
    return lambda at, *index: at(mask, *index) * at(of, *index)


def _dropped() -> Known:
    return case({"y": _masked("z", "D")}, {"z": (BEFORE, ROWS), "D": _MASK, **GRADIENT}, {0: 2}, p_drop=1 / 3)


def _dropped_layer() -> Known:
    """Pre-activations of variance 2 and correlation 6/10."""

    def incoming(at: Callable[..., Any], t: int, unit: int) -> Any:
        left, right = at("left", unit), at("right", unit)
        return math.sqrt(2) * (left if t == 1 else 0.6 * left + 0.8 * right)

    made = {"y": incoming, "z": activated("y"), "y'": _masked("z", "M"), "s": behind("y'", 2)}
    laws = {"left": (BEFORE, gaussian(1)), "right": (BEFORE, gaussian(1)), "M": _MASK, **LAYER}
    return case(made, laws, {0: 2}, q=2, c=0.6, p_drop=1 / 3, sigma_w2=2 * 2, sigma_b2=9)


_FIXED = 2 - 0.2 * gaussian_product(2, 2, 2) * 1.5
"""The variance of the biases at which a variance of 2 stays, at the gain 1/5 and the drop rate 1/3."""


def _at_one(rate: float) -> Known:
    return Known({"q": 2, "sigma_w2": 0.2, "sigma_b2": _FIXED, "p_drop": rate}, PARABOLA)


ORACLES = {
    # E[z_11^2] = (1 + 2 + 4)/4, E[z_11] = (1 - 2 + 2)/4 and E[z_11 z_21] = (3 - 2 - 4)/4.
    "dropout-variance": Oracle(ENUMERATED, (Case("a drop rate of 1/3", _dropped, equals=7 / 4 * 3 / 2),)),
    "dropout-mean": Oracle(ENUMERATED, (Case("a drop rate of 1/3", _dropped, equals=1 / 4),)),
    "dropout-covariance": Oracle(ENUMERATED, (Case("a drop rate of 1/3", _dropped, equals=-3 / 4),)),
    "dropout-spread": Oracle(ENUMERATED, (Case("a drop rate of 1/3", _dropped, equals=7 / 4 * 3 / 2 - 1 / 16),)),
    "dropout-gradient": Oracle(ENUMERATED, (Case("a drop rate of 1/3", _dropped, equals=2 * 3 / 2),)),
    "dropout-length-map": Oracle(
        GAUSSIAN_HERE, (Case("a parabola", _dropped_layer, equals=lambda: 4 * gaussian_product(2, 2, 2) * 3 / 2 + 9),)
    ),
    "dropout-covariance-map": Oracle(
        GAUSSIAN_HERE, (Case("a parabola", _dropped_layer, equals=lambda: 4 * gaussian_product(2, 2, 1.2) + 9),)
    ),
    "dropout-correlation-at-one": Oracle(
        "the moments of a Gaussian, by hand",
        (Case("a parabola", lambda: _at_one(1 / 3), equals=lambda: (0.2 * gaussian_product(2, 2, 2) + _FIXED) / 2),),
    ),
    "dropout-no-critical-point": Oracle(
        "the moments of a Gaussian, by hand",
        (
            Case("a drop rate of 1/3", lambda: _at_one(1 / 3), equals=True),
            Case("no dropout", lambda: _at_one(0), equals=False),
        ),
    ),
}
