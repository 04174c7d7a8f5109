"""Points and weights that take means over a layer of N units, with the layer's exact moments up to a degree.

A mean over the law of ``v`` (see `numerics.angle.moments`) is a weighted sum over points. Two sets of points:

- `cubature`: Gauss-Hermite points of a normal law in the logarithms of the length, of the ratio of the two lengths and
  of the angle, of the covariance to first order in 1/N. Deterministic, for wide layers.
- `drawn`: independent draws of the N units. For narrow layers.

Either way the weights are then changed, as little as can be in the mean square, to those that give *all moments up to
the degree exactly*: what is left is the error of a polynomial of that degree, and the law of the points matters to that
alone. (In sampling this is a regression on control variates; the sum of the weights of a polynomial is its true mean.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from numerics.angle.moments import Moments
from numerics.power_series import monomials, powers

Floats = NDArray[np.float64]

# Points of less weight than this are left out; directions of less spread, relative to the largest, are none.
_WEIGHT, _RANK = 1e-9, 1e-8
# Up to this angle the points keep |cos t'| <= 1 as they are made, beyond it the linear relation that holds at π.
_WIDE_ANGLE = 1.5


@dataclass(frozen=True, eq=False)
class Points:
    """Points of a mean over a layer, with their ``weights``.

    ``angle`` is t', and ``distance`` is ``sqrt(alpha beta) (1 - cos t')``: the squared lengths of the layer's two
    activations over their mean are alpha and beta.
    """

    weights: Floats
    distance: Floats
    angle: Floats


def cubature(known: Moments, t: float, *, degree: int, points: int) -> Points:
    """Return points³ points, less those of no weight, for a layer whose moments are known."""
    step = 1e-4 * known.deviation
    centre = _logs(known.mean, t)
    jacobian = np.stack([(_logs(known.mean + h, t) - _logs(known.mean - h, t)) / 2e-4 for h in np.diag(step)], axis=1)
    pairs = np.array([[known.standard[tuple(np.eye(3, dtype=int)[[i, j]].sum(0))] for i in range(3)] for j in range(3)])
    values, vectors = np.linalg.eigh(jacobian @ pairs @ jacobian.T)
    x, w = np.polynomial.hermite_e.hermegauss(points)
    z = np.stack(np.meshgrid(x, x, x, indexing="ij")).reshape(3, -1)
    weights = np.prod(np.meshgrid(w, w, w, indexing="ij"), axis=0).ravel() / w.sum() ** 3
    kept = weights > _WEIGHT
    v = _from_logs(centre[:, None] + (vectors * np.sqrt(np.maximum(values, 0))) @ z[:, kept], t)
    return _points(v, _calibrated(v, weights[kept] / weights[kept].sum(), known, degree))


def _logs(v: Floats, t: float) -> Floats:
    """Return log sqrt(alpha beta), log sqrt(alpha/beta), and the logarithm of a share that measures the angle."""
    length = math.sqrt((v[0] - v[1]) * (v[0] + v[1]))
    part, whole = (v[2], 2 * v[0]) if t > _WIDE_ANGLE else (v[2] - v[1] ** 2 / (v[0] + length), 2 * length)
    return np.array([math.log(length), math.atanh(v[1] / v[0]), math.log(part / (whole - part))])


def _from_logs(y: Floats, t: float) -> Floats:
    length, share = np.exp(y[0]), 1 / (1 + np.exp(-y[2]))
    excess = 2 * length * np.sinh(y[1] / 2) ** 2  # (sqrt(alpha) - sqrt(beta))²/2
    mean = length + excess
    return np.stack(
        [mean, length * np.sinh(y[1]), 2 * mean * share if t > _WIDE_ANGLE else 2 * length * share + excess]
    )


def drawn(known: Moments, normals: Floats, slope: float, t: float, *, degree: int) -> Points:
    """Return a point for each layer of ``normals``, of shape (2, layers, units): standard normals, used at every t."""
    near, far = math.cos(t / 2) * normals[0], math.sin(t / 2) * normals[1]
    x, y = near + far, near - far
    up, up_too = x > 0, y > 0
    f, g = np.where(up, x, slope * x), np.where(up_too, y, slope * y)
    d = np.where(up == up_too, np.where(up, 2.0, 2 * slope) * far, f - g)
    scale = normals.shape[2] * (1 + slope**2)
    v = np.stack([(f * f + g * g).sum(1), (d * (f + g)).sum(1), (d * d).sum(1)]) / scale
    return _points(v, _calibrated(v, np.full(len(x), 1 / len(x)), known, degree))


def standard_normals(rng: Generator, *, layers: int, units: int) -> Floats:
    """Return what `drawn` takes."""
    return rng.standard_normal((2, layers, units))


def _calibrated(v: Floats, weights: Floats, known: Moments, degree: int) -> Floats:
    """Return the nearest weights, in the mean square relative to the given ones, with the known moments."""
    x = (v - known.mean[:, None]) / known.deviation[:, None]
    terms = monomials(x, powers(degree))
    size = np.sqrt(terms**2 @ weights)
    terms /= np.where(size > 0, size, 1.0)[:, None]
    missing = known.of(degree) / np.where(size > 0, size, 1.0) - terms @ weights
    shape = (terms * weights) @ terms.T
    found = np.linalg.lstsq(shape, missing, rcond=_RANK**1.5)[0]
    result: Floats = weights * (1 + found @ terms)
    return result


def _points(v: Floats, weights: Floats) -> Points:
    """Return points by their distance and angle; a layer in which a sample has died counts for nothing."""
    length = np.sqrt(np.maximum((v[0] - v[1]) * (v[0] + v[1]), 0))
    alive = length > 0
    v, length, weights = v[:, alive], length[alive], weights[alive]
    distance = np.maximum(v[2] - v[1] ** 2 / (v[0] + length), 0)
    return Points(weights, distance, 2 * np.arcsin(np.sqrt(np.minimum(distance / (2 * length), 1))))
