"""The Gram matrix of a few samples, layer by layer, for a group of networks at once: no weight is drawn.

Given the activations ``z`` (T x n) that enter a layer, its units are independent and the T samples of one are jointly
normal with covariance ``K = Var[W] z zᵀ + Var[b] 1 1ᵀ``, at any width. A layer is T normal numbers a unit,
``s = L ξ`` with ``L Lᵀ = K``, then ``z = f(s)`` and the next K: for many networks together, where method conditional
goes through them one by one.

The samples are turned by an orthogonal H whose first row is their mean, up to a factor, and whose others are contrasts.
``H K Hᵀ`` then holds fluctuations far below the mean to full digits, and its first entry alone takes the bias.
"""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.random import Generator
from numpy.typing import NDArray

from numerics.activations_in_place import value_into
from numerics.network import Network
from numerics.simulation.batch import Batch, Recorder

Floats = NDArray[np.float64]

# A group holds about this many numbers (512 KiB), which stay in the cache.
_GROUP_NUMBERS = 1 << 16
# What is left of a variance below this part of it is rounding: the samples are linearly dependent.
_RANK = 1e-14


class GramMatrices:
    """Each network's debiased m2 and its v2 of a unit, given what enters the layer: their means over its units' law.

    ``m2`` is the mean of K over pairs of different samples, ``v2`` the mean of its diagonal less that: what
    `ManySamples` estimates from the units, without the noise of drawing those. Memory: three arrays of 512 KiB, or of
    one network's T samples by its widest layer if that is more. With ``spread`` also the mean squares over samples of
    |s|²/n, and over pairs of them of |s - s'|²/(2n), of as many units as one likes.
    """

    names = ("m2", "v2")

    def __init__(self, network: Network, recorder: Recorder, samples: int, *, spread: bool = False) -> None:
        self.network, self._recorder, self._samples, self._spread = network, recorder, samples, spread
        self.group = max(1, _GROUP_NUMBERS // (samples * max(network.widths)))
        self._turn = np.ascontiguousarray(scipy.linalg.helmert(samples, full=True))
        self._f = value_into(network.activation)

    def batch(self, rng: Generator, count: int) -> Batch:
        """Draw a group of networks; the features are m2, v2 and, with spread, two squares: (features, d + 1, count)."""
        network, T = self.network, self._samples
        out = np.empty((4 if self._spread else 2, network.d + 1, count))
        z = np.empty((count, T, network.widths[0]))
        network.input_law.fill(z, rng=rng, scale=math.sqrt(network.input_variance))
        for i, width in enumerate(network.widths[1:]):
            turned = network.weight_variance[i] * _gram(_mixed(self._turn, z))
            turned[:, 0, 0] += T * network.bias_variance[i]
            out[1, i] = np.einsum("gtt->g", turned[:, 1:, 1:]) / (T - 1)
            out[0, i] = (turned[:, 0, 0] - out[1, i]) / T
            if self._spread:
                out[2:, i] = self._squares(turned)
            if i < network.d or i in self._recorder.layers:
                s = _mixed(self._turn.T @ factors(turned), rng.standard_normal((count, T, width)))
                self._recorder.take(i, s)
                z = np.empty_like(s)
                self._f(s, z)
        return Batch(out, self._recorder.collected())

    def _squares(self, turned: Floats) -> Floats:
        """Return the mean square of a sample's variance, and of half the mean squared difference of two samples."""
        lengths = np.einsum("ut,guv,vt->gt", self._turn, turned, self._turn)
        pairs = np.array([self._turn[:, t] - self._turn[:, u] for t in range(self._samples) for u in range(t)])
        distances = np.einsum("pu,guv,pv->gp", pairs[:, 1:], turned[:, 1:, 1:], pairs[:, 1:]) / 2
        return np.stack([(lengths**2).mean(axis=1), (distances**2).mean(axis=1)])


def _mixed(matrix: Floats, rows: Floats) -> Floats:
    """Return the matrices times (networks, T, units): by rows, as T is too small for BLAS."""
    if matrix.ndim == 2:
        matrix = np.broadcast_to(matrix, (len(rows), *matrix.shape))
    out = np.empty_like(rows)
    for t in range(rows.shape[1]):
        np.multiply(matrix[:, t, :1], rows[:, 0], out=out[:, t])
        for u in range(1, rows.shape[1]):
            out[:, t] += matrix[:, t, u, None] * rows[:, u]
    return out


def _gram(rows: Floats) -> Floats:
    """Return the Gram matrices, (networks, T, T), of (networks, T, units)."""
    T = rows.shape[1]
    out = np.empty((len(rows), T, T))
    for t in range(T):
        for u in range(t + 1):
            out[:, t, u] = out[:, u, t] = np.einsum("gn,gn->g", rows[:, t], rows[:, u])
    return out


def factors(gram: Floats) -> Floats:
    """Return lower triangular L with ``L Lᵀ = gram``, for a group of positive semidefinite matrices of any rank.

    Cholesky's factorisation; a direction of which nothing is left beside those before it has a column of zeros.
    """
    T = gram.shape[1]
    L = np.zeros_like(gram)
    for t in range(T):
        rest = gram[:, t:, t] - np.einsum("gau,gu->ga", L[:, t:, :t], L[:, t, :t])
        alive = rest[:, 0] > _RANK * gram[:, t, t]
        root = np.sqrt(np.where(alive, rest[:, 0], 1.0))
        L[:, t:, t] = np.where(alive[:, None], rest / root[:, None], 0.0)
    return L
