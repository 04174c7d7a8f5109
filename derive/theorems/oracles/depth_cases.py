"""How deep signals reach, and a first step: networks enumerated, maps in closed form, moments of polynomials."""

from __future__ import annotations

import math
from collections.abc import Mapping

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Law, Network
from derive.theorems.oracles.cases import identity, known, signs, skewed
from derive.theorems.oracles.glorot_cases import SOURCE, G, X
from derive.theorems.oracles.wide_cases import EXACT_HERE, backward


def _linear(i: int, first: Law, second: Law, widths: tuple[int, ...] = (1, 2, 1, 3)) -> Known:
    return known(Network(widths, (signs(2), first, second), identity, X, G), i=i)


def _when(second: Law, holds: bool) -> Case:
    return Case(f"variances 2 and {'2' if holds else '9'}", lambda: _linear(1, skewed(1), second), equals=holds)


_CHI = 0.9
"""A factor a layer."""


def _falls(layers: float) -> Known:
    return Known({"l": layers, "chi": _CHI}, {"epsilon": lambda at: 0.3 * _CHI**at})


def _reach(chi: float) -> float:
    """In how many layers powers of a number pass 1/e or e, in units of one over its distance from 1, by bisection."""
    low, high, goal = 0.0, 1e6, -1 if chi < 1 else 1
    for _ in range(200):
        mid = (low + high) / 2
        low, high = (mid, high) if mid * math.log1p(chi - 1) * goal < 1 else (low, mid)
    return low * abs(chi - 1)


def _near(distance: float, side: int) -> Case:
    return Case(
        f"a distance of {distance}",
        lambda: Known({"delta": distance}),
        equals=lambda: _reach(1 + side * distance),
        within=0.02,
        scale=distance / 2,
    )


ORACLES: Mapping[str, Oracle] = {
    "trainable-depth": Oracle(
        "0.9^6.578 = 0.5, and so 0.9^9.491 = 1/e",
        (
            Case("after 9.491 layers", lambda: _falls(6.578813478960583 / math.log(2)), equals=True),
            Case("after 9 layers", lambda: _falls(9), equals=False),
        ),
    ),
    "trainable-depth-gradient": Oracle(
        # E[f'^2] = q + 1.
        EXACT_HERE,
        (Case("a parabola, layers of one unit", lambda: backward(1, (1, 2, 1, 1)), equals=9 * 3.5 * 2),),
    ),
    "trainable-depth-ordered": Oracle("powers of a number", (_near(0.01, -1),)),
    "trainable-depth-chaotic": Oracle("powers of a number", (_near(0.01, 1),)),
    "first-step": Oracle(
        SOURCE,
        # n_1 n_2 Var[x] Var[g] (n_0 Var[W^0]) (n_3 Var[W^2]), and the first layer's.
        (
            Case("a layer in the middle", lambda: _linear(1, skewed(1), signs(3)), equals=2 * 2 * 2 * 4 * (3 * 9)),
            Case("the first layer", lambda: _linear(0, skewed(1), signs(3)), equals=2 * 2 * 2 * (1 * 2) * (3 * 9)),
        ),
    ),
    "first-step-ratio": Oracle(SOURCE, (Case("variances 2 and 9", lambda: _linear(1, skewed(1), signs(3))),)),
    "first-step-equal": Oracle(SOURCE, (_when(signs(3), False), _when(signs(2**0.5), True))),
    "first-step-relative": Oracle(SOURCE, (Case("variances 2 and 9", lambda: _linear(1, skewed(1), signs(3))),)),
}
