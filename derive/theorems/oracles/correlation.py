"""Criticality: how the correlation of two inputs goes to one, by maps of known activations iterated layer by layer."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from derive.proof.oracle import Case, Known, Limit, Oracle
from derive.theorems.oracles.cases import FAR, iterated
from derive.theorems.oracles.sample_cases import gap_after
from derive.theorems.oracles.wide_cases import sine

HAYOU = "Hayou, Doucet & Rousseau 2019: 9 pi^2/(2 l^2) for ReLU"

_Q = 0.7
_SINE, _COSINE = (1 - math.exp(-2 * _Q)) / 2, (1 + math.exp(-2 * _Q)) / 2
"""E[sin^2] and E[cos^2]; at the edge of chaos sigma_w^2 is one over the second."""
_EDGE = {"sigma_w2": 1 / _COSINE, "sigma_b2": _Q - _SINE / _COSINE}


def _sine_gap(gap: float) -> float:
    """Return 1 less the next correlation: E[sin u sin w] = (exp(-q (1 - c)) - exp(-q (1 + c)))/2."""
    return (-math.expm1(-_Q * gap) + math.exp(-2 * _Q) * math.expm1(_Q * gap)) / (2 * _Q * _COSINE)


def _smooth(layer: int) -> Known:
    found = sine(**_EDGE, l=layer)
    return Known(found.symbols, {**found.functions, "epsilon": lambda at: iterated(_sine_gap, 0.3, int(at))})


def _kinks(at: tuple[float, ...], jumps: tuple[float, ...]) -> dict[str, Any]:
    return {"KinkAt": lambda j: at[int(j) - 1], "SlopeJump": lambda j: jumps[int(j) - 1]}


def _relu(layer: int) -> Known:
    functions = {**_kinks((0,), (1,)), "epsilon": lambda at: gap_after(int(at), 0)}
    return Known({"l": layer, "q": _Q, "n": 1, "sigma_w2": 2}, functions)


def _hayou() -> Known:
    found = _relu(1000)
    return Known(found.symbols, {**found.functions, "epsilon": lambda at: 9 * math.pi**2 / (2 * at**2)})


# A line with two kinks, at -9/10 and 6/5: its slopes are 1/2, 2 and -3/10.
_AT, _SLOPES, _JUMPS = (-0.9, 1.2), (0.5, 2.0, -0.3), (1.5, -2.3)


def _broken_line(s: Any) -> Any:
    return _SLOPES[0] * s + sum(jump * (s - at + abs(s - at)) / 2 for at, jump in zip(_AT, _JUMPS, strict=True))


def _below(at: float) -> float:
    """Return the probability of a pre-activation below this."""
    return math.erfc(-at / math.sqrt(2 * _Q)) / 2


_PROBABILITIES = (_below(_AT[0]), _below(_AT[1]) - _below(_AT[0]), 1 - _below(_AT[1]))
_BROKEN_GAIN = 1 / sum(p * slope**2 for p, slope in zip(_PROBABILITIES, _SLOPES, strict=True))


@lru_cache(maxsize=8)
def _broken_gap(gap: float) -> float:
    """Return sigma_w^2 E[(f(u) - f(w))^2]/(2 q), by the trapezoidal rule in the mean and half the difference."""
    import numpy as np

    x, y = np.linspace(-7, 7, 14_001)[:, None], np.linspace(0, 7, 71)[None, :]
    mean, half = x * math.sqrt(_Q * (1 - gap / 2)), y * math.sqrt(_Q * gap / 2)
    density = np.exp(-(x**2 + y**2) / 2)
    squares = (_broken_line(mean + half) - _broken_line(mean - half)) ** 2  # Zero for y = 0.
    return float(_BROKEN_GAIN * (squares * density).sum() * 1e-3 * 0.1 / math.pi / (2 * _Q))


def _broken_square() -> float:
    """Return E[f^2], by the trapezoidal rule."""
    import numpy as np

    x = np.linspace(-9, 9, 180_001)
    return float((_broken_line(math.sqrt(_Q) * x) ** 2 * np.exp(-(x**2) / 2)).sum() * 1e-4 / math.sqrt(2 * math.pi))


def _broken_rate() -> float:
    """Return beta of the map epsilon - beta epsilon^(3/2), from two gaps."""
    far, near = ((gap - _broken_gap(gap)) / gap**1.5 for gap in (4e-4, 1e-4))
    return 2 * near - far


def _broken(**symbols: float) -> Known:
    functions = {
        **_kinks(_AT, _JUMPS),
        "Activation": _broken_line,
        "epsilon": lambda at: 4 / (_broken_rate() * at) ** 2,
    }
    bias = _Q - _BROKEN_GAIN * _broken_square()
    return Known({"q": _Q, "n": 2, "sigma_w2": _BROKEN_GAIN, "sigma_b2": bias, **symbols}, functions, kinks=_AT)


ORACLES = {
    "critical-correlation-smooth": Oracle(
        "the map of sin in closed form, iterated", (Limit("layers 20000 and 40000", _smooth, FAR, 1e-3, 0.01),)
    ),
    "correlation-map-smooth": Oracle(
        "the map of sin, by integrals and in closed form",
        (
            Case(
                "a gap of 1/1000",
                lambda: sine(**_EDGE, epsilon=1e-3),
                equals=lambda: _sine_gap(1e-3),
                within=0.01,
                scale=1e-9 * _Q**2 / 6,
            ),
        ),
    ),
    "critical-correlation-kinked": Oracle(
        f"{HAYOU}, and its map (Cho & Saul 2009) iterated",
        (
            Case("as printed", _hayou),
            Limit("ReLU, layers 20000 and 40000", _relu, FAR, 0.01),
            Case("two kinks, the rate by integrals", lambda: _broken(l=1000), within=0.01),
        ),
    ),
    "correlation-map-kinked": Oracle(
        "integrals",
        (
            Case(
                "two kinks",
                lambda: _broken(epsilon=1e-4),
                equals=lambda: _broken_gap(1e-4),
                within=0.02,
                scale=1e-6,
            ),
        ),
    ),
}
