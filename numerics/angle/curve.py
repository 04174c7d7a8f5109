"""Two samples' distance over networks of real widths, layer by layer: its mean and its fluctuation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from numerics.angle.operator import BATCHES, largest, operators

Floats = NDArray[np.float64]

_NODES = 200
# A normal input's angle lies within this many of its standard deviations, about 1/sqrt(n), of π/2.
_DEVIATIONS = 12.0
_CONFIDENCE = 0.999


@dataclass(frozen=True, eq=False)
class Share:
    """A number of s^0, s^1, ... over E m² + E v², and the ``error`` of each, absolute: at 99.9 %, by its scatter."""

    value: Floats
    error: Floats


def fluctuating_share(slope: float, widths: Sequence[int]) -> Share:
    """Return E v²/(E m² + E v²) of layers 0, 1, ..., one for each of the ``widths`` n_0, n_1, ... behind it.

    Two inputs are independent normal vectors of n_0 numbers, and the slopes of the activation are 1 and ``slope``,
    -1 <= slope <= 1. A layer's pre-activations have the covariance that what enters it has: for two inputs of squared
    lengths A and B and angle t, E C over networks is in proportion to ``sqrt(AB) m(t)``, with m of the layers between,
    each of its own width. The inputs' lengths and angle are independent.
    """
    # Linear units keep E C, which is 0.
    return _scattered(lambda batch: _share(slope, widths, batch), len(widths), drawn=slope != 1)


def fluctuating_spread(slope: float, widths: Sequence[int]) -> Share:
    """Return the standard deviation of the distance (A + B)/2 - C over networks and inputs, as `fluctuating_share`.

    The mean of its square is by those of A², AB, C² and C (A + B)/2, each exact or by an operator. The distance of
    linear units is the length of one vector.
    """
    if slope == 1:
        return Share(np.sqrt(np.cumprod(1 + 2 / np.array(widths)) - 1), np.zeros(len(widths)))
    return _scattered(lambda batch: _spread(slope, widths, batch), len(widths), drawn=True)


def _scattered(of: Callable[[int], Floats], layers: int, *, drawn: bool) -> Share:
    if not drawn:
        return Share(np.ones(layers), np.zeros(layers))
    runs = np.array([of(batch) for batch in range(BATCHES)])
    quantile = float(scipy.special.stdtrit(BATCHES - 1, (1 + _CONFIDENCE) / 2))
    return Share(runs.mean(axis=0), quantile * runs.std(axis=0, ddof=1) / math.sqrt(BATCHES))


def _share(slope: float, widths: Sequence[int], batch: int) -> Floats:
    _, lost, _ = _run(slope, widths, 0, batch)
    return np.append(1.0, 1 - _power_mean(widths[0], 1) ** 2 * (1 - lost))


def _spread(slope: float, widths: Sequence[int], batch: int) -> Floats:
    """Return it by E D² = E[A² + B²]/4 + E[AB]/2 - E[C (A + B)] + E C²."""
    n = widths[0]
    products_lost, squares_lost, growth = _run(slope, widths, 1, batch)
    _, mixed_lost, _ = _run(slope, widths, 2, batch)
    mixed = _power_mean(n, 3) * _power_mean(n, 1) * (1 - mixed_lost)
    second = growth * ((1 + 2 / n + 1 - products_lost) / 2 - 2 * mixed + 1 - squares_lost)
    return np.sqrt(np.maximum(np.append(1 + 2 / n, second) - _share(slope, widths, batch) ** 2, 0))


def _run(slope: float, widths: Sequence[int], number: int, batch: int) -> tuple[Floats, Floats, Floats]:
    """Return, for layers 1, 2, ..., 1 - m/m(0) over the inputs' angles, and m(0), by the operator of a product.

    The first is of the product of two samples that stays m(0) behind the last layer, such as AB beside C²; the second
    of the product itself. It is linear in r, ``constant + weights r``, and takes up a layer after the other.
    """
    out = np.empty((3, len(widths) - 1))
    angle, weights = _angles(widths[0])
    angle = np.minimum(angle, 2 * largest(slope) - angle)
    constant, growth, weights = 0.0, 1.0, weights * 2 * np.sin(angle / 2) ** 2
    current = None
    for layer, n in enumerate(widths[1:]):
        operator = operators(slope, n, batch)[number]
        if operator is not current:
            weights = weights @ operator.read(angle if current is None else np.exp(current.nodes))
            current = operator
        constant += float(weights @ operator.constant)
        weights = weights @ operator.passing
        growth *= operator.growth
        out[:, layer] = constant, constant + float(weights @ operator.start), growth
    return out[0], out[1], out[2]


def _power_mean(n: int, power: int) -> float:
    """Return E|x|^p/n^(p/2) of n normal numbers: |x| has the chi law."""
    log = math.lgamma((n + power) / 2) - math.lgamma(n / 2) + power / 2 * math.log(2 / n)
    return math.exp(log)


@lru_cache
def _angles(n: int) -> tuple[Floats, Floats]:
    """Return angles of two normal vectors of n numbers with weights.

    Their density is in proportion to sin(t)^(n - 2) (Muirhead 1982, section 1.5).
    """
    if n == 1:
        return np.array([0.0, math.pi]), np.array([0.5, 0.5])
    x, w = np.polynomial.legendre.leggauss(_NODES)
    angle = math.pi / 2 + min(math.pi / 2, _DEVIATIONS / math.sqrt(n)) * x
    weights = w * np.sin(angle) ** (n - 2)
    return angle, weights / weights.sum()
