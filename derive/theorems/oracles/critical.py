"""Critical points: maps of known activations in closed form, iterated layer by layer, and published power laws."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from derive.proof.oracle import Case, Limit, Oracle
from derive.proof.reading import Known
from derive.theorems.oracles.samples import gap_after
from derive.theorems.oracles.wide import sine

Step = Callable[[float], float]
FAR = (20_000, 40_000)
HAYOU = "Hayou, Doucet & Rousseau 2019: 9 pi^2/(2 l^2) for ReLU"
PDLT = "Roberts, Yaida & Hanin 2022, section 5.3.3"


@lru_cache(maxsize=16)
def iterated(step: Step, start: float, layers: int) -> float:
    """Return what a map makes of a start after so many layers."""
    for _ in range(layers):
        start = step(start)
    return start


# The correlation of two inputs.

_Q = 0.7
_SINE, _COSINE = (1 - math.exp(-2 * _Q)) / 2, (1 + math.exp(-2 * _Q)) / 2
"""E[sin^2] and E[cos^2]; at the edge of chaos sigma_w^2 is one over the second."""
_EDGE = {"sigma_w2": 1 / _COSINE, "sigma_b2": _Q - _SINE / _COSINE}


def _sine_gap(gap: float) -> float:
    """Return 1 less the next correlation: E[sin u sin w] = (exp(-q (1 - c)) - exp(-q (1 + c)))/2."""
    return (-math.expm1(-_Q * gap) + math.exp(-2 * _Q) * math.expm1(_Q * gap)) / (2 * _Q * _COSINE)


def _smooth(layer: int) -> Known:
    found = sine(**_EDGE, l=layer)
    return Known(found.symbols, {**found.functions, "epsilon": lambda l: iterated(_sine_gap, 0.3, int(l))})


def _kinks(at: tuple[float, ...], jumps: tuple[float, ...]) -> dict[str, Any]:
    return {"KinkAt": lambda j: at[int(j) - 1], "SlopeJump": lambda j: jumps[int(j) - 1]}


def _relu(layer: int) -> Known:
    functions = {**_kinks((0,), (1,)), "epsilon": lambda l: gap_after(int(l), 0)}
    return Known({"l": layer, "q": _Q, "n": 1, "sigma_w2": 2}, functions)


def _hayou() -> Known:
    found = _relu(1000)
    return Known(found.symbols, {**found.functions, "epsilon": lambda l: 9 * math.pi**2 / (2 * l**2)})


# A line with two kinks, at -9/10 and 6/5: its slopes are 1/2, 2 and -3/10.
_AT, _SLOPES = (-0.9, 1.2), (0.5, 2.0, -0.3)


def _broken_line(s: Any) -> Any:
    jumps = (after - before for before, after in pairwise(_SLOPES))
    return _SLOPES[0] * s + sum(jump * np.maximum(s - at, 0) for at, jump in zip(_AT, jumps, strict=True))


def _below(at: float) -> float:
    """Return the probability of a pre-activation below this."""
    return math.erfc(-at / math.sqrt(2 * _Q)) / 2


_PROBABILITIES = (_below(_AT[0]), _below(_AT[1]) - _below(_AT[0]), 1 - _below(_AT[1]))
_BROKEN_GAIN = 1 / sum(p * slope**2 for p, slope in zip(_PROBABILITIES, _SLOPES, strict=True))


@lru_cache(maxsize=8)
def _broken_gap(gap: float) -> float:
    """Return sigma_w^2 E[(f(u) - f(w))^2]/(2 q): the trapezoidal rule for the mean and the half difference of u and w."""
    mean = np.linspace(-7, 7, 14_001)[:, None] * math.sqrt(_Q * (1 - gap / 2))
    half = np.linspace(0, 7, 71)[None, :] * math.sqrt(_Q * gap / 2)
    density = np.exp(-(np.linspace(-7, 7, 14_001)[:, None] ** 2 + np.linspace(0, 7, 71)[None, :] ** 2) / 2)
    density[:, 0] /= 2
    squares = (_broken_line(mean + half) - _broken_line(mean - half)) ** 2
    return float(_BROKEN_GAIN * (squares * density).sum() * 1e-3 * 0.1 / math.pi / (2 * _Q))


def _broken_square() -> float:
    """Return E[f^2], by the trapezoidal rule."""
    x = np.linspace(-9, 9, 180_001)
    return float((_broken_line(math.sqrt(_Q) * x) ** 2 * np.exp(-(x**2) / 2)).sum() * 1e-4 / math.sqrt(2 * math.pi))


def _broken_rate() -> float:
    """Return beta of the map epsilon - beta epsilon^(3/2), from two gaps."""
    far, near = ((gap - _broken_gap(gap)) / gap**1.5 for gap in (4e-4, 1e-4))
    return 2 * near - far


def _broken(**symbols: float) -> Known:
    functions = {
        **_kinks(_AT, (_SLOPES[1] - _SLOPES[0], _SLOPES[2] - _SLOPES[1])),
        "Activation": _broken_line,
        "epsilon": lambda l: 4 / (_broken_rate() * l) ** 2,
    }
    bias = _Q - _BROKEN_GAIN * _broken_square()
    return Known({"q": _Q, "n": 2, "sigma_w2": _BROKEN_GAIN, "sigma_b2": bias, **symbols}, functions, kinks=_AT)


# The length, from zero.

_RISE, _BEND = 1.3, 0.5
"""The activation function is 1.3 sin(s) + (1 - cos(s))/2."""


def _bent_square(q: float) -> float:
    """Return E[f^2]: the cross term is odd."""
    curved = -math.expm1(-2 * q) / 2
    return _RISE**2 * curved + _BEND**2 * (-2 * math.expm1(-q / 2) - curved)


def _bent_map(q: float) -> float:
    return _bent_square(q) / _RISE**2


_BENT = {
    "Activation": lambda s: _RISE * np.sin(s) + _BEND * (1 - np.cos(s)),
    "ActivationSlope": lambda s: _RISE * np.cos(s) + _BEND * np.sin(s),
    "f''": lambda s: -_RISE * np.sin(s) + _BEND * np.cos(s),
    "f'''": lambda s: -_RISE * np.cos(s) - _BEND * np.sin(s),
}


def _length(layer: int) -> Known:
    return Known({"l": layer}, {**_BENT, "q": lambda l: iterated(_bent_map, 0.3, int(l))})


def _printed(third: float, constant: float) -> Known:
    """The length 1/(constant l) of an odd activation function with slope 1 at zero."""
    functions = {"ActivationSlope": lambda _: 1, "f''": lambda _: 0, "f'''": lambda _: third}
    return Known({"l": 100}, {**functions, "q": lambda l: 1 / (constant * l)})


# A saturating exponential on each side: slope 3/2 and rate 2 above zero, slope 7/10 and rate 1/2 below.
_ABOVE, _BELOW = (1.5, 2.0), (0.7, 0.5)
_SIDES = {(1, 1): 1.5, (2, 1): -3.0, (1, -1): 0.7, (2, -1): 0.35}
_SIDED_GAIN = 2 / (1.5**2 + 0.7**2)
_SERIES = [
    (-1) ** k * (2**k - 2) / math.factorial(k) * 2 ** (k / 2) * math.gamma((k + 1) / 2) / (2 * math.sqrt(math.pi))
    for k in range(2, 16)
]
"""(1 - exp(-s))^2 in powers of s, times the means of powers of the positive half of a standard normal variable."""


def _saturating(s: Any) -> Any:
    slope, rate = (np.where(s > 0, above, below) for above, below in zip(_ABOVE, _BELOW, strict=True))
    return np.sign(s) * slope / rate * -np.expm1(-rate * np.abs(s))


def _half_square(q: float, slope: float, rate: float) -> float:
    return slope**2 * q * math.fsum(c * (rate**2 * q) ** (k / 2) for k, c in enumerate(_SERIES))


def _sided_square(q: float) -> float:
    return _SIDED_GAIN * (_half_square(q, *_ABOVE) + _half_square(q, *_BELOW))


def _sided_length(layer: int) -> Known:
    slopes = {"OneSided": lambda order, side: _SIDES[int(order), int(side)]}
    return Known({"l": layer}, {**slopes, "q": lambda l: iterated(_sided_square, 0.01, int(l))})


def _sided_map(q: float) -> Known:
    functions = {
        "OneSided": lambda order, side: _SIDES[int(order), int(side)],
        "Activation": _saturating,
    }
    return Known({"q": q, "sigma_w2": _SIDED_GAIN, "sigma_b2": 0}, functions, kinks=(0,))


# The length, from a fixed point.

_B, _C, _FIXED = 0.5, 0.25, 0.8


def _square(q: float) -> float:
    """Return E[f^2] for f = s^2 + b s^3 + c s^4, by the moments 3, 15 and 105."""
    return 3 * q**2 + (15 * _B**2 + 30 * _C) * q**3 + 105 * _C**2 * q**4


_SLOPE = 6 * _FIXED + 3 * (15 * _B**2 + 30 * _C) * _FIXED**2 + 420 * _C**2 * _FIXED**3
_POLYNOMIAL = {
    "Activation": lambda s: s**2 + _B * s**3 + _C * s**4,
    "ActivationSlope": lambda s: 2 * s + 3 * _B * s**2 + 4 * _C * s**3,
    "f''": lambda s: 2 + 6 * _B * s + 12 * _C * s**2,
    "f'''": lambda s: 6 * _B + 24 * _C * s,
    "f''''": lambda _: 24 * _C,
}


def _offset(x: float) -> float:
    return (_square(_FIXED) - _square(_FIXED - x)) / _SLOPE


def _half_stable(layer: int) -> Known:
    functions = {**_POLYNOMIAL, "x": lambda l: iterated(_offset, 0.05, int(l))}
    return Known({"l": layer, "q": _FIXED, "sigma_w2": 1 / _SLOPE}, functions)


def _half_stable_map(x: float) -> Known:
    bias = _FIXED - _square(_FIXED) / _SLOPE
    return Known({"x": x, "q": _FIXED, "sigma_w2": 1 / _SLOPE, "sigma_b2": bias}, _POLYNOMIAL)


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
    "critical-length": Oracle(
        f"{PDLT}; a map in closed form, iterated",
        (
            Case("tanh: 1/(2 l), as printed", lambda: _printed(-2, 2)),
            Case("sin: 1/l, as printed", lambda: _printed(-1, 1)),
            Limit("1.3 sin + (1 - cos)/2, layers 20000 and 40000", _length, FAR, 2e-3),
        ),
    ),
    "length-map-smooth": Oracle(
        "integrals, and a closed form",
        (
            Case(
                "1.3 sin + (1 - cos)/2",
                lambda: Known({"q": 1e-3, "sigma_w2": 1 / _RISE**2, "sigma_b2": 0}, _BENT),
                equals=lambda: _bent_map(1e-3),
                within=0.01,
                scale=1e-6,
            ),
        ),
    ),
    "critical-length-kinked": Oracle(
        "a series, iterated", (Limit("a saturating exponential on each side", _sided_length, FAR, 5e-3),)
    ),
    "length-map-kinked": Oracle(
        "integrals, and a series",
        (
            Case(
                "a saturating exponential on each side",
                lambda: _sided_map(1e-6),
                equals=lambda: _sided_square(1e-6),
                within=0.02,
                scale=1e-9,
            ),
        ),
    ),
    "critical-length-half-stable": Oracle(
        "a polynomial's map, by moments of the normal law, iterated",
        (Limit("layers 20000 and 40000", _half_stable, FAR, 2e-3),),
    ),
    "length-map-half-stable": Oracle(
        "a polynomial's map, by integrals and by moments of the normal law",
        (
            Case(
                "1/1000 below the fixed point",
                lambda: _half_stable_map(1e-3),
                equals=lambda: _offset(1e-3),
                within=2e-3,
                scale=1e-6,
            ),
        ),
    ),
}
