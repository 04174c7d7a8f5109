"""The operator that takes a function of the angle between two samples through a layer of N units, as a matrix.

By the theorem `angle-operator`, E over networks of a homogeneous layer's covariance is ``sqrt(AB) m(t)`` in terms of
any layer's lengths and angle before it, and m of the one behind comes by ``E[sqrt(alpha beta) m(t')]``, at every width.
So it is for other products of the Gram matrix (`numerics.angle.products`), with their weights. In place of m, which is
near m(0) where samples are alike, is what is lost of it to the distance, ``r = (1 - m/m(0))/(1 - cos t)``:

``r_{l+1}(t) = (E[loss] + E[weight (1 - cos t') (r_l(t') - r_0(t'))])/(m(0) (1 - cos t))``.

As r has features at every t down to 1/depth, it is a polynomial in log t, by its values at Chebyshev points.
Means over a layer are by drawn layers with its exact moments (`numerics.angle.layers`): some batches of them, each with
another number of nodes, whose scatter is the error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from numerics.angle.layers import drawn_layers
from numerics.angle.products import Product, mean, products
from numerics.gram_law.samples import lengths

Floats = NDArray[np.float64]

SMALLEST = 1e-4
"""Below this angle r is taken to be what it is there: an angle t loses a share of order t of itself in a layer."""

BATCHES = 8
"""Independent sets of drawn layers, each an operator of its own."""

_FEWEST_NODES = 28
_LAYERS, _DEGREE = 1 << 11, 4


@dataclass(frozen=True, eq=False)
class AngleOperator:
    """``r -> constant + passing r`` on values of r at the angles ``exp(nodes)``; m(0) takes a factor ``growth``.

    Without a layer r is ``start``.
    """

    nodes: Floats
    start: Floats
    constant: Floats
    passing: Floats
    growth: float

    def layer(self, r: Floats) -> Floats:
        """Return what a layer makes of r, both by their values at the nodes."""
        return self.constant + self.passing @ r

    def read(self, angle: Floats) -> Floats:
        """Return the matrix that takes values at the nodes to values at angles: of shape (angles, nodes)."""
        return _interpolation(self.nodes, angle)


@lru_cache(maxsize=512)
def operators(slope: float, units: int, batch: int = 0) -> tuple[AngleOperator, ...]:
    """Return the operators of `products` for a layer of ``units`` units of slopes 1 and ``slope``, -1 <= slope < 1.

    The gain is the one that keeps E A. All are by the same drawn layers, others for each ``batch``; kept once made.
    """
    gain = 2 / (1 + slope**2)
    x, t = _angles(slope, _FEWEST_NODES + batch)
    layers = drawn_layers(slope, units, t, batch, _layers(units), _DEGREE)
    alive = np.abs(layers.v[1]) < layers.v[0]  # a layer in which a sample has died counts for nothing
    v = np.where(alive, layers.v, np.array([1.0, 0.0, 0.0])[:, None, None])
    length, away = (np.maximum(part, 0) for part in lengths(v))
    to = [_interpolation(x, angle) for angle in 2 * np.arcsin(np.sqrt(np.minimum(away / (2 * length), 1)))]
    weights = np.where(alive, layers.weights, 0.0) * away
    return tuple(
        _operator(x, t, gain, of, layers.moments, weights * of.per_length(*v, length), to) for of in products()
    )


def _operator(
    x: Floats, t: Floats, gain: float, of: Product, moments: Floats, passed: Floats, to: list[Floats]
) -> AngleOperator:
    """Return the operator at nodes t, from a layer's moments and, draw by draw, what is passed to other angles."""
    alike, far = mean(of.alike, moments), 2 * np.sin(t / 2) ** 2
    scale, start = alike * far, of.start(far) * np.ones_like(far)
    passing = np.array([part @ interpolation for part, interpolation in zip(passed, to, strict=True)]) / scale[:, None]
    return AngleOperator(
        x, start, mean(of.loss, moments) / scale - passing @ start, passing, float(alike[0]) * gain**of.degree
    )


def _layers(units: int) -> int:
    """Return how many layers are drawn: more of narrow ones, whose laws are further from what the moments tell."""
    return _LAYERS << (units < 64)


def _angles(slope: float, nodes: int) -> tuple[Floats, Floats]:
    """Return Chebyshev points of log t, and t."""
    low, high = math.log(SMALLEST), math.log(largest(slope))
    x = (low + high + (high - low) * np.cos(np.pi * np.arange(nodes) / (nodes - 1))) / 2
    return x, np.minimum(np.exp(x), largest(slope))


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
