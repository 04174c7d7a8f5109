"""The operator that takes a function of the angle between two samples through a layer of N units, as a matrix.

By the theorem `angle-operator`, E over networks of a homogeneous layer's covariance is ``sqrt(AB) m(t)`` in terms of
any layer's lengths and angle before it, and m of the one behind comes by ``E[sqrt(alpha beta) m(t')]``, at every width.
Here at the gain that keeps E A, and in place of m, which is near 1 where samples are alike, the share
``r = (1 - m)/(1 - cos t)`` of the distance that is left: r_0 = 1, r_l(0) = 1 and, since E alpha = E beta = 1,

``r_{l+1}(t) = (E[distance] - E[sqrt(alpha beta) (1 - cos t') (1 - r_l(t'))])/(1 - cos t)``,
``distance = (alpha + beta)/2 - gamma``.

As r has features at every t down to 1/depth, it is a polynomial in log t, by its values at Chebyshev points.
Means over a layer are by points with the layer's exact moments (`numerics.gram_law`): for wide layers those of the law
of two samples' Gram matrix; narrow ones have laws further from normal, and their points are drawn layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from derive.activations import activation
from numerics.gram_law.points import after_layer, calibrated
from numerics.gram_law.samples import TWO, Layers, lengths, parts, products
from numerics.power_series import mean_of_units, monomials, powers

Floats = NDArray[np.float64]

SMALLEST = 1e-4
"""Below this angle r is taken to be what it is there: an angle t loses a share of order t of itself in a layer."""

CUBATURE_FROM = 128
"""From this width on, points are those of a law."""

BATCHES = 6
"""Independent sets of the points of narrower layers, each an operator of its own."""

_FINE, _COARSE = (8, 11, 32), (6, 9, 28)  # degree, points in each direction, nodes
_LEAST = 1e-7  # points of less weight are left out
_OPPOSITE = 3.13  # at π itself the products of two samples are linearly dependent
_NODES = 12  # a panel of the means over units
_DRAWS, _MOST_DRAWS = 1 << 18, 1 << 14


@dataclass(frozen=True, eq=False)
class AngleOperator:
    """``r -> kept + passing (r - 1)`` on values of r at the angles ``exp(nodes)``."""

    nodes: Floats
    kept: Floats
    passing: Floats

    def layer(self, r: Floats) -> Floats:
        """Return what a layer makes of r, both by their values at the nodes."""
        return self.kept + self.passing @ (r - 1)

    def read(self, angle: Floats) -> Floats:
        """Return the matrix that takes values at the nodes to values at angles: of shape (angles, nodes)."""
        return _interpolation(self.nodes, angle)


@dataclass(frozen=True, eq=False)
class Operators:
    """One operator several times: as good as can be, by each of some independent draws, and once more for its error.

    Of wide layers there is one of each, deterministic, and ``coarse`` has fewer moments, points and nodes. Of narrow
    ones ``coarse`` is ``fine``, and their scatter is the error; they differ in their number of nodes, too.
    """

    fine: tuple[AngleOperator, ...]
    coarse: tuple[AngleOperator, ...]


@lru_cache(maxsize=64)
def operators(slope: float, units: int) -> Operators:
    """Return the operators of a layer of ``units`` units of slopes 1 and ``slope``, -1 <= slope < 1; kept once made."""
    if units >= CUBATURE_FROM:
        fine, coarse = (by_cubature(slope, units, *sizes) for sizes in (_FINE, _COARSE))
        return Operators((fine,), (coarse,))
    found = tuple(by_draws(slope, units, batch) for batch in range(BATCHES))
    return Operators(found, found)


def by_cubature(slope: float, units: int, degree: int, points: int, nodes: int) -> AngleOperator:
    """Return the operator by points of the law of the next Gram matrix: for wide layers."""
    x, t = _angles(slope, nodes)
    t = np.minimum(t, _OPPOSITE)
    raw = moments(slope, t, degree)
    gain = _gain(slope)
    at, weights = after_layer(TWO, raw, units, gain, 0.0, points, _LEAST)
    length, _, away = parts(at)
    return _operator(x, t, gain * raw[0, 0, 1], weights * length * away, 2 * np.arctan(np.exp(at[2] / 2)))


def by_draws(slope: float, units: int, batch: int) -> AngleOperator:
    """Return the operator by draws of the layer, the same ones for a batch of a width: for narrow layers.

    The sum of the calibrated weights of a polynomial is its true mean: a regression on control variates.
    """
    degree, layers = 6 if units >= 32 else 4, min(max(4096, _DRAWS // units), _MOST_DRAWS)
    x, t = _angles(slope, _FINE[2] - 2 + batch)
    raw = moments(slope, t, degree)
    normals = np.random.default_rng([units, batch]).standard_normal((2, layers, units))
    mean, exponents = np.stack([raw[1, 0, 0], raw[0, 1, 0], raw[0, 0, 1]]), powers(degree)
    passed, angle = np.zeros((2, len(t), layers))
    for k, v in enumerate(_drawn(normals, slope, float(angle)) for angle in t):
        centre, scale = mean[:, k, None], v.std(axis=1, keepdims=True)
        known = mean_of_units(raw[..., k, None], units, centre, scale)
        target = np.stack([known[e] for e in exponents])
        weights = calibrated(np.full(layers, 1 / layers), monomials((v - centre) / scale, exponents)[:, None], target)[
            0
        ]
        alive = np.abs(v[1]) < v[0]  # a layer in which a sample has died counts for nothing
        length, away = (np.maximum(part, 0) for part in lengths(np.where(alive, v, [[1.0], [0.0], [0.0]])))
        passed[k] = np.where(alive, weights * away, 0.0) * _gain(slope)
        angle[k] = 2 * np.arcsin(np.sqrt(np.minimum(away / (2 * length), 1)))
    return _operator(x, t, _gain(slope) * mean[2], passed, angle)


def _gain(slope: float) -> float:
    """Return the gain that keeps E A."""
    return 2 / (1 + slope**2)


def _angles(slope: float, nodes: int) -> tuple[Floats, Floats]:
    """Return Chebyshev points of log t, and t."""
    low, high = math.log(SMALLEST), math.log(largest(slope))
    x = (low + high + (high - low) * np.cos(np.pi * np.arange(nodes) / (nodes - 1))) / 2
    return x, np.minimum(np.exp(x), largest(slope))


def moments(slope: float, t: Floats, degree: int) -> Floats:
    """Return raw moments of one unit's products at angles t, of pre-activations of variance 1."""
    at = np.stack([np.zeros_like(t), np.zeros_like(t), 2 * np.log(np.tan(t / 2))])
    return TWO.unit(Layers(activation("leaky-relu", slope=slope), _NODES), at, np.zeros((3, 1)), degree)


def _drawn(normals: Floats, slope: float, t: float) -> Floats:
    """Return means of products over the units of layers, of standard normals of shape (2, layers, units)."""
    near, far = math.cos(t / 2) * normals[0], math.sin(t / 2) * normals[1]
    x, y = near + far, near - far
    up, up_too = x > 0, y > 0
    f, g = np.where(up, x, slope * x), np.where(up_too, y, slope * y)
    return products(f, g, np.where(up == up_too, np.where(up, 2.0, 2 * slope) * far, f - g)).mean(axis=2)


def _operator(x: Floats, t: Floats, kept: Floats, passed: Floats, angle: Floats) -> AngleOperator:
    """Return the operator at nodes t, from what is kept of a distance and, point by point, passed to other angles."""
    far = 2 * np.sin(t / 2) ** 2
    rows = [(part / size) @ _interpolation(x, to) for part, size, to in zip(passed, far, angle, strict=True)]
    return AngleOperator(x, kept / far, np.array(rows))


def largest(slope: float) -> float:
    """Return the largest angle: |.| does not tell t from π - t."""
    return math.pi / 2 if slope == -1 else math.pi


def _interpolation(nodes: Floats, angle: Floats) -> Floats:
    """Return the values at angles of the Lagrange polynomials in log t, by the barycentric formula."""
    x = np.log(np.clip(angle, SMALLEST, None)).clip(nodes.min(), nodes.max())
    signs = (-1.0) ** np.arange(len(nodes))
    signs[[0, -1]] /= 2
    gaps = x[:, None] - nodes
    hit = gaps == 0
    gaps[hit] = 1.0
    terms = signs / gaps
    terms /= terms.sum(axis=1, keepdims=True)
    rows = hit.any(axis=1)
    terms[rows] = hit[rows]
    return terms
