"""Criticality: how the length goes to its fixed point, by maps in closed form iterated layer by layer."""

from __future__ import annotations

import math
from typing import Any

from derive.proof.oracle import Case, Known, Limit, Oracle
from derive.theorems.oracles.cases import FAR, cos, iterated, sin

PDLT = "Roberts, Yaida & Hanin 2022, section 5.3.3"

_RISE, _BEND = 1.3, 0.5
"""The activation function is 1.3 sin(s) + (1 - cos(s))/2."""


def _bent_square(q: float) -> float:
    """Return E[f^2]: the cross term is odd."""
    curved = -math.expm1(-2 * q) / 2
    return _RISE**2 * curved + _BEND**2 * (-2 * math.expm1(-q / 2) - curved)


def _bent_map(q: float) -> float:
    return _bent_square(q) / _RISE**2


_BENT = {
    "Activation": lambda s: _RISE * sin(s) + _BEND * (1 - cos(s)),
    "ActivationSlope": lambda s: _RISE * cos(s) + _BEND * sin(s),
    "f''": lambda s: -_RISE * sin(s) + _BEND * cos(s),
    "f'''": lambda s: -_RISE * cos(s) - _BEND * sin(s),
}


def _length(layer: int) -> Known:
    return Known({"l": layer}, {**_BENT, "q": lambda at: iterated(_bent_map, 0.3, int(at))})


def _printed(third: float, constant: float) -> Known:
    """The length 1/(constant l) of an odd activation function with slope 1 at zero."""
    functions = {"ActivationSlope": lambda _: 1, "f''": lambda _: 0, "f'''": lambda _: third}
    return Known({"l": 100}, {**functions, "q": lambda at: 1 / (constant * at)})


# A saturating exponential on each side: slope 3/2 and rate 2 above zero, slope 7/10 and rate 1/2 below.
_ABOVE, _BELOW = (1.5, 2.0), (0.7, 0.5)
_SIDES = {(1, 1): 1.5, (2, 1): -3.0, (1, -1): 0.7, (2, -1): 0.35}
_SIDED_GAIN = 2 / (1.5**2 + 0.7**2)
_SERIES = [
    (-1) ** k * (2**k - 2) / math.factorial(k) * 2 ** (k / 2) * math.gamma((k + 1) / 2) / (2 * math.sqrt(math.pi))
    for k in range(2, 16)
]
"""(1 - exp(-s))^2 in powers of s, times the means of powers of the positive half of a standard normal variable."""


def _one_sided(order: int, side: int) -> float:
    return _SIDES[order, side]


def _saturating(s: Any) -> Any:
    import numpy as np

    slope, rate = (np.where(s > 0, above, below) for above, below in zip(_ABOVE, _BELOW, strict=True))
    return np.sign(s) * slope / rate * -np.expm1(-rate * np.abs(s))


def _half_square(q: float, slope: float, rate: float) -> float:
    return slope**2 * q * math.fsum(c * (rate**2 * q) ** (k / 2) for k, c in enumerate(_SERIES))


def _sided_square(q: float) -> float:
    return _SIDED_GAIN * (_half_square(q, *_ABOVE) + _half_square(q, *_BELOW))


def _sided_length(layer: int) -> Known:
    lengths = {"q": lambda at: iterated(_sided_square, 0.01, int(at))}
    return Known({"l": layer}, {"OneSided": _one_sided, **lengths})


def _sided_map(q: float) -> Known:
    symbols = {"q": q, "sigma_w2": _SIDED_GAIN, "sigma_b2": 0}
    return Known(symbols, {"OneSided": _one_sided, "Activation": _saturating}, kinks=(0,))


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
    functions = {**_POLYNOMIAL, "x": lambda at: iterated(_offset, 0.05, int(at))}
    return Known({"l": layer, "q": _FIXED, "sigma_w2": 1 / _SLOPE}, functions)


def _half_stable_map(x: float) -> Known:
    bias = _FIXED - _square(_FIXED) / _SLOPE
    return Known({"x": x, "q": _FIXED, "sigma_w2": 1 / _SLOPE, "sigma_b2": bias}, _POLYNOMIAL)


ORACLES = {
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
