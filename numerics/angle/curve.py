"""The share of a pre-activation's variance that is over samples, layer by layer, in networks of real widths."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from numerics.angle.operator import BATCHES, AngleOperator, largest, operators

Floats = NDArray[np.float64]

_NODES = 200
# A normal input's angle lies within this many of its standard deviations, about 1/sqrt(n), of π/2.
_DEVIATIONS = 12.0
_CONFIDENCE = 0.99


@dataclass(frozen=True, eq=False)
class Share:
    """E v²/(E m² + E v²) of s^0, s^1, ..., and the ``error`` of each, absolute: at 99 % where points are drawn."""

    value: Floats
    error: Floats


def fluctuating_share(slope: float, widths: Sequence[int]) -> Share:
    """Return the share of layers 0, 1, ..., one for each of the ``widths`` n_0, n_1, ... behind it.

    Two inputs are independent normal vectors of n_0 numbers, and the slopes of the activation are 1 and ``slope``,
    -1 <= slope <= 1. A layer's pre-activations have the covariance that what enters it has: for two inputs of squared
    lengths A and B and angle t, E C over networks is in proportion to ``sqrt(AB) m(t)``, with m of the layers between,
    each of its own width. The inputs' lengths and angle are independent.
    """
    if slope == 1:
        # Linear units keep E C, which is 0.
        return Share(np.ones(len(widths)), np.zeros(len(widths)))
    made = {n: operators(slope, n) for n in widths[1:]}
    drawn = any(len(found.fine) > 1 for found in made.values())
    fine: list[Floats] = []
    coarse: list[Floats] = []
    for batch in range(BATCHES if drawn else 1):
        for runs, side in ((fine, "fine"), (coarse, "coarse")):
            of = {n: getattr(found, side)[batch % len(getattr(found, side))] for n, found in made.items()}
            runs.append(_run(slope, widths, of))
    value = np.mean(fine, axis=0)
    error = np.abs(np.mean(coarse, axis=0) - value)
    if drawn:
        quantile = float(scipy.special.stdtrit(BATCHES - 1, (1 + _CONFIDENCE) / 2))
        error += quantile * np.std(fine, axis=0, ddof=1) / math.sqrt(BATCHES)
    return Share(value, error)


def _run(slope: float, widths: Sequence[int], of: Mapping[int, AngleOperator]) -> Floats:
    """Return the share by one operator for each width.

    The mean of 1 - m over the inputs is linear in r, ``constant + weights r``, and takes up a layer after the other.
    """
    out = np.ones(len(widths))
    length, angle, weights = _inputs(widths[0])
    angle = np.minimum(angle, 2 * largest(slope) - angle)
    constant, weights = 0.0, weights * 2 * np.sin(angle / 2) ** 2
    current = None
    for layer, n in enumerate(widths[1:], start=1):
        operator = of[n]
        if operator is not current:
            weights = weights @ operator.read(angle if current is None else np.exp(current.nodes))
            current = operator
        constant += float(weights @ (operator.kept - operator.passing.sum(axis=1)))
        weights = weights @ operator.passing
        out[layer] = 1 - length * (1 - constant - weights.sum())
    return out


@lru_cache
def _inputs(n: int) -> tuple[float, Floats, Floats]:
    """Return (E|x|)²/E[|x|²] of a normal x of n numbers, and angles of two of them with weights.

    |x| has the chi law, and the angle's density is in proportion to sin(t)^(n - 2) (Muirhead 1982, section 1.5).
    """
    length = 2 / n * math.exp(2 * (math.lgamma((n + 1) / 2) - math.lgamma(n / 2)))
    if n == 1:
        return length, np.array([0.0, math.pi]), np.array([0.5, 0.5])
    x, w = np.polynomial.legendre.leggauss(_NODES)
    angle = math.pi / 2 + min(math.pi / 2, _DEVIATIONS / math.sqrt(n)) * x
    weights = w * np.sin(angle) ** (n - 2)
    return length, angle, weights / weights.sum()
