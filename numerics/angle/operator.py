"""The operator that takes a function of the angle between two samples through a layer of N units, as a matrix.

Let A, B, C be the entries of two samples' Gram matrix and ``cos t = C/sqrt(AB)``, at the gain that keeps E A. Over
networks with normal weights and no biases, and a homogeneous f, E C after l layers is ``sqrt(AB) m_l(t)``, with
m_0 = cos: given (A, B, C), the next ones are ``(A alpha, B beta, sqrt(AB) gamma)``, where alpha, beta, gamma are means
over N independent units of f(s)², f(s')² and f(s) f(s') over E f(s)², (s, s') standard normal of correlation cos t, and
so, with the first of the layers taken last,

``m_{l+1}(t) = E[sqrt(alpha beta) m_l(t')]``, ``cos t' = gamma/sqrt(alpha beta)``.

In place of m, which is near 1 where samples are alike, the share ``r = (1 - m)/(1 - cos t)`` of the distance that is
left: r_0 = 1, r_l(0) = 1 and, since E alpha = E beta = 1,

``r_{l+1}(t) = (E[distance] - E[sqrt(alpha beta) (1 - cos t') (1 - r_l(t'))])/(1 - cos t)``,
``distance = (alpha + beta)/2 - gamma``.

This recursion is typed here: it is for the theorem `angle-operator` to derive.

As r has features at every t down to 1/depth, it is a polynomial in log t, by its values at Chebyshev points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from numerics.angle.moments import Moments, moments
from numerics.angle.points import Points, cubature, drawn, standard_normals

Floats = NDArray[np.float64]

SMALLEST = 1e-4
"""Below this angle r is taken to be what it is there: an angle t loses a share of order t of itself in a layer."""

CUBATURE_FROM = 128
"""From this width on, expectations are deterministic."""

BATCHES = 6
"""Independent draws of the points of narrower layers, each an operator of its own."""

_FINE, _COARSE = (8, 11, 32), (6, 9, 28)  # degree, points in each direction, nodes
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
    """Return the operator by deterministic points: for wide layers."""

    def at(t: float, known: Moments) -> Points:
        return cubature(known, t, degree=degree, points=points)

    return _operator(slope, units, degree, nodes, at)


def by_draws(slope: float, units: int, batch: int) -> AngleOperator:
    """Return the operator by draws of the layer, the same ones for a batch of a width: for narrow layers."""
    degree, layers = 6 if units >= 32 else 4, min(max(4096, _DRAWS // units), _MOST_DRAWS)
    rng = np.random.default_rng(SeedSequence([units, batch]))
    normals = standard_normals(rng, layers=layers, units=units)

    def at(t: float, known: Moments) -> Points:
        return drawn(known, normals, slope, t, degree=degree)

    return _operator(slope, units, degree, _FINE[2] - 2 + batch, at)


def _operator(
    slope: float, units: int, degree: int, nodes: int, points: Callable[[float, Moments], Points]
) -> AngleOperator:
    low, high = math.log(SMALLEST), math.log(largest(slope))
    x = (low + high + (high - low) * np.cos(np.pi * np.arange(nodes) / (nodes - 1))) / 2
    kept, passing = np.empty(nodes), np.empty((nodes, nodes))
    for row, t in enumerate(np.minimum(np.exp(x), largest(slope))):
        known = moments(slope, float(t), units, degree)
        found, far = points(float(t), known), 2 * math.sin(t / 2) ** 2
        kept[row] = known.mean[2] / far
        passing[row] = (found.weights * found.distance / far) @ _interpolation(x, found.angle)
    return AngleOperator(x, kept, passing)


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
