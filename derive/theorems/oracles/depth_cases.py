"""How deep signals reach, and a first step: networks enumerated, maps in closed form, moments of polynomials."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Law, Network
from derive.theorems.oracles.cases import identity, iterated, known, signs, skewed
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


# 3/5 (exp(2 s) - 1): E[exp(2 u) exp(2 w)] = exp(4 q (1 + c)), E[exp(2 u)] = exp(2 q).

_GAIN, _SHARE = 0.9, 0.3
_CURVED: dict[str, Callable[..., Any]] = {
    "Activation": lambda s: 0.6 * _exp(2 * s) - 0.6,
    "ActivationSlope": lambda s: 1.2 * _exp(2 * s),
    "f''": lambda s: 2.4 * _exp(2 * s),
    "f'''": lambda s: 4.8 * _exp(2 * s),
}


def _exp(s: Any) -> Any:
    import numpy as np

    return np.exp(s)


def _covariance(q: float, c: float = 1.0) -> float:
    return _GAIN * 0.36 * (math.expm1(4 * q * (1 + c)) - 2 * math.expm1(2 * q))


def _small(q: float, **more: Any) -> Known:
    lengths = {"q": lambda at: iterated(_covariance, q, int(at))}
    return Known({"q": q, "sigma_w2": _GAIN, "sigma_b2": 0, **more}, {**_CURVED, **lengths})


_NEXT_ORDER = _GAIN * (3 * 2.4**2 / 4 + 1.2 * 4.8)
_SLOPE = _GAIN * 1.2**2

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
    "nearly-linear": Oracle(
        "a map in closed form, iterated",
        (
            Case(
                "five layers",
                lambda: _small(1e-5, l=5),
                within=0.02,
                scale=1e-10 * _NEXT_ORDER * _SLOPE**4 * sum(_SLOPE**k for k in range(5)),
            ),
        ),
    ),
    "nearly-linear-length": Oracle(
        "integrals, and a closed form",
        (
            Case(
                "an exponential",
                lambda: _small(1e-4),
                equals=lambda: _covariance(1e-4),
                within=0.02,
                scale=1e-8 * _NEXT_ORDER,
            ),
        ),
    ),
    "nearly-linear-correlation": Oracle(
        "integrals, and a closed form",
        (
            Case(
                "an exponential, correlation 0.3",
                lambda: _small(1e-4, c=_SHARE),
                equals=lambda: _covariance(1e-4, _SHARE) - _SHARE * _covariance(1e-4),
                within=0.02,
                scale=1e-8 * _GAIN * 0.7 * 0.4 * 2.4**2 / 4,
            ),
        ),
    ),
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
