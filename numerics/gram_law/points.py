"""Points and weights: of what a layer makes of given samples, and few points with the moments of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from numerics.gram_law.samples import Samples
from numerics.power_series import mean_of_units, monomials, powers

Floats = NDArray[np.float64]

_WEIGHT, _RANK, _RIDGE, _STILL = 1e-5, 1e-6, 1e-11, 1e-12
_FEW = 30
_COLUMNS, _MET = 6, 1e-9


@dataclass(frozen=True, eq=False)
class Points:
    """Points ``at`` (variables, points) with ``weights``."""

    at: Floats
    weights: Floats


def after_layer(
    of: Samples, raw: Floats, units: int, gain: float, bias_variance: float, per_direction: int, least: float = _WEIGHT
) -> tuple[Floats, Floats]:
    """Return points of the next coordinates, (variables, given, points), and their weights, given each of some samples.

    ``raw`` are moments of a unit's v, a series; the mean of v over the units, times the gain, with the variance of the
    biases, makes the next coordinates. Points are Gauss-Hermite's in the coordinates, by the covariance to first order
    in 1/units; weights are changed, as little as can be, to those that give all moments up to the series' degree.
    Points of less weight than ``least`` are left out.
    """
    degree, k = raw.shape[0] - 1, raw.ndim - 1
    ones = np.eye(k, dtype=int)
    mean = np.stack([raw[tuple(e)] for e in ones])
    scale = np.abs(mean)
    if k == 3:
        scale[1] = scale[0]
    known = mean_of_units(raw, units, mean, scale)
    covariance = np.stack([[known[tuple(a + b)] for b in ones] for a in ones]) * scale * scale[:, None] * gain**2
    mean = gain * mean
    mean[0] += bias_variance
    by = of.jacobian(mean)
    spread = np.einsum("abn,bcn,dcn->nad", by, covariance, by)
    values, vectors = np.linalg.eigh(spread)
    roots = vectors * np.sqrt(np.maximum(values, 0))[:, None]
    centre = of.coordinates(mean) - np.diagonal(spread, axis1=1, axis2=2).T / 2
    z, weights = _grid(per_direction, k, least)
    at = centre[..., None] + np.einsum("nad,dp->anp", roots, z)
    deviation = np.sqrt(np.stack([covariance[a, a] for a in range(k)]))
    # What does not vary, as the length of an input of signs, is only at its mean.
    deviation = np.where(deviation > _STILL * scale, deviation, np.inf)
    x = (of.means(at) - mean[..., None]) / deviation[..., None]
    exponents = powers(degree, k)
    unit = gain * scale / deviation
    target = np.stack([known[e] for e in exponents]) * monomials(unit, exponents)
    return at, calibrated(weights, monomials(x, exponents), target)


def _grid(per_direction: int, variables: int, least: float) -> tuple[Floats, Floats]:
    x, w = np.polynomial.hermite_e.hermegauss(per_direction)
    z = np.stack([part.ravel() for part in np.meshgrid(*[x] * variables, indexing="ij")])
    weights = np.prod(np.meshgrid(*[w / w.sum()] * variables, indexing="ij"), axis=0).ravel()
    kept = weights > least
    return z[:, kept], weights[kept] / weights[kept].sum()


def calibrated(weights: Floats, of: Floats, target: Floats) -> Floats:
    """Return, for each given sample, the nearest weights with known means of ``of``, (monomials, given, points)."""
    of = np.ascontiguousarray(of.transpose(1, 0, 2))
    size = np.sqrt(of**2 @ weights)
    size = np.where(size > 0, size, 1.0)
    of = of / size[..., None]
    missing = target.T / size - of @ weights
    shape = (of * weights) @ of.transpose(0, 2, 1)
    found = np.linalg.solve(shape + _RIDGE * np.eye(shape.shape[1]), missing[..., None])
    result: Floats = weights * (1 + (found.transpose(0, 2, 1) @ of)[:, 0])
    return result


def few(of: Samples, points: Points, degree: int) -> Points:
    """Return some of the points, with weights that are not negative and keep the means of monomials up to a degree.

    By non-negative least squares (Lawson & Hanson 1974), which takes no more points than there are monomials, out of
    every so manieth point if these can have the means, or out of all. Of points that are few already all are kept.
    """
    if len(points.weights) <= _FEW:
        return points
    x = of.smooth(points.at)
    x = x - (x @ points.weights)[:, None]
    deviation = np.sqrt(np.maximum(x**2 @ points.weights, 0))
    x = x / np.where(deviation > _STILL, deviation, np.inf)[:, None]
    made = monomials(x, tuple(sorted(of.exponents(degree), key=sum)))
    target = made @ points.weights
    every = max(1, made.shape[1] // (_COLUMNS * len(made)))
    roots = np.sqrt(np.abs(points.weights))
    weights, missing = _not_negative(made[:, ::every], roots[::every], target)
    if missing > _MET:
        every, (weights, _) = 1, _not_negative(made, roots, target)
    chosen = weights > 0
    return Points(points.at[:, ::every][:, chosen], weights[chosen] / weights[chosen].sum())


def _not_negative(made: Floats, roots: Floats, target: Floats) -> tuple[Floats, float]:
    """Return weights of columns that are not negative and make a target, and what is missing of it."""
    # Orthonormal, each to all before it; those that bring nothing new are left out.
    sizes = np.asarray(np.linalg.qr((made * roots).T, mode="r"))
    kept = np.abs(np.diag(sizes)) > _RANK * np.abs(sizes).max(axis=0)
    by = sizes[np.ix_(kept, kept)].T
    made, target = np.linalg.solve(by, made[kept]), np.linalg.solve(by, target[kept])
    size = np.sqrt((made**2).sum(axis=0))
    found, missing = scipy.optimize.nnls(made / size, target)
    return found / size, missing / np.sqrt(target @ target)
