"""What a layer of N units makes of two samples at given angles: drawn layers whose weights have its exact moments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from numerics.gram_law.points import calibrated
from numerics.power_series import mean_of_units, monomials, powers

Floats = NDArray[np.float64]

MOST_UNITS = 128
"""Of wider layers so many units are drawn, and the deviations from the mean made as small as those of all."""

_NODES = 24  # a sector of the means over directions
_BITS = 30  # of the points of a Sobol sequence


@dataclass(frozen=True, eq=False)
class DrawnLayers:
    """Of samples at angles: ``v``, means over units, (3, angles, layers), and weights of the layers, (angles, layers).

    ``moments`` are exact ones of v, a series.
    """

    v: Floats
    weights: Floats
    moments: Floats


def drawn_layers(slope: float, units: int, angles: Floats, batch: int, layers: int, degree: int) -> DrawnLayers:
    """Return layers of units of slopes 1 and ``slope``, others for each ``batch``, with all exact moments to a degree.

    Points are of a Sobol sequence, scrambled anew for each batch (Owen 1995), so that batches are independent and
    without bias; the weights are a regression on control variates, the monomials of v. ``layers`` is a power of 2.
    """
    raw = unit_moments(slope, angles, degree)
    few = min(units, MOST_UNITS)
    sequence = scipy.stats.qmc.Sobol(2 * few, bits=_BITS, rng=np.random.default_rng([units, batch]))
    normals = scipy.special.ndtri(sequence.random(layers) + 0.5 ** (_BITS + 1))
    v = layer_means(normals[:, :few], normals[:, few:], slope, angles)
    mean, exponents = np.stack([raw[1, 0, 0], raw[0, 1, 0], raw[0, 0, 1]])[..., None], powers(degree)
    v = mean + math.sqrt(few / units) * (v - mean)
    scale = v.std(axis=2, keepdims=True)
    known = mean_of_units(raw, units, mean[..., 0], scale[..., 0])
    target = np.stack([known[e] for e in exponents])
    equal, x = np.full(layers, 1 / layers), (v - mean) / scale
    weights = [calibrated(equal, monomials(x[:, [k]], exponents), target[:, [k]])[0] for k in range(len(angles))]
    zero, one = np.zeros_like(mean[..., 0]), np.ones_like(mean[..., 0])
    return DrawnLayers(v, np.array(weights), mean_of_units(raw, units, zero, one))


def unit_moments(slope: float, angles: Floats, degree: int) -> Floats:
    """Return raw moments of one unit's products at angles, of pre-activations of variance 1.

    A unit's v is R² times a function of a direction, smooth in each sector of signs; E R^(2k) = 2^k k!.
    """
    x, w = np.polynomial.legendre.leggauss(_NODES)
    half, exponents = angles[:, None] / 2, powers(degree)
    found = np.zeros((len(exponents), len(angles)))
    for middle, reach, one, other in (
        (0.0, math.pi / 2 - half, 1.0, 1.0),
        (0.0, math.pi / 2 - half, slope, slope),
        (math.pi / 2, half, 1.0, slope),
        (math.pi / 2, half, slope, 1.0),
    ):
        near, far = np.cos(middle + reach * x), np.sin(middle + reach * x)
        v = _quadratic([near * near, near * far, far * far], half, one, other)
        found += (monomials(v, exponents) * w * reach).sum(axis=2) / (2 * math.pi)
    raw = np.zeros((degree + 1,) * 3 + (len(angles),))
    for e, value in zip(exponents, found, strict=True):
        raw[e] = 2.0 ** sum(e) * math.factorial(sum(e)) * value
    return raw


def layer_means(near: Floats, far: Floats, slope: float, angles: Floats) -> Floats:
    """Return v, the means over the units of layers, of standard normals of shape (layers, units).

    At an angle t two pre-activations are ``cos(t/2) near ± sin(t/2) far``; they have different signs where
    |near/far| < tan(t/2), and those of ``near`` or ``far`` otherwise. So one pass sorts units between the angles, and
    sums up to each, and from each on, are those of all angles.
    """
    layers, units = near.shape
    order = np.argsort(angles)
    half, bins = angles[order] / 2, len(angles) + 1
    place = np.searchsorted(np.tan(half), np.abs(near / far), side="right") + bins * np.arange(layers)[:, None]
    squares = near * near, near * far, far * far
    out = np.zeros((3, layers, len(angles)))
    for signs, apart in ((near > 0, False), (far > 0, True)):
        for up in (True, False):
            sums = [_counted(place, np.where(signs == up, e, 0.0), bins) for e in squares]
            sums = [np.cumsum(e, 1)[:, :-1] if apart else np.cumsum(e[:, ::-1], 1)[:, -2::-1] for e in sums]
            one, other = (1.0, slope) if up else (slope, 1.0)
            out += _quadratic(sums, half, one, other if apart else one)
    v = np.empty((3, len(angles), layers))
    v[:, order] = out.transpose(0, 2, 1) / units
    return v


def _counted(place: NDArray[np.intp], values: Floats, bins: int) -> Floats:
    return np.asarray(np.bincount(place.ravel(), values.ravel(), len(place) * bins), np.float64).reshape(-1, bins)


def _quadratic(sums: list[Floats], half: Floats, one: float, other: float) -> Floats:
    """Return sums of v for values ``one (c near + s far)`` and ``other (c near - s far)``, by sums of squares."""
    c, s = np.cos(half), np.sin(half)
    near, mixed, far = c * c * sums[0], 2 * c * s * sums[1], s * s * sums[2]
    both, gap = (one**2 + other**2) / 2, (one**2 - other**2) / 2
    distance = ((one - other) ** 2 * near + (one + other) ** 2 * far) / 2 + gap * mixed
    return np.stack([both * (near + far) + gap * mixed, gap * (near + far) + both * mixed, distance])
