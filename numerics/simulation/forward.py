"""The forward pass of a group of networks on many samples: with real weight matrices, or without.

`matrices` draws ``W`` and multiplies. `conditional` uses that, given the activations ``z`` that enter a layer, the
units of a layer with normal weights are independent, and the T samples of one unit are jointly normal with covariance
``Var[W] z zᵀ + Var[b] 1 1ᵀ`` (T x T): it draws those, T numbers a unit in place of n. Both are exact at any width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy
from numpy.random import Generator
from numpy.typing import NDArray

from numerics.activations_in_place import value_into
from numerics.laws import NORMAL
from numerics.network import Network
from numerics.simulation.redrawn import BLOCK_NUMBERS, Redrawn

Floats = NDArray[np.float64]
Array = NDArray[Any]

# A group of networks holds about this many numbers at most (4 MiB), or one network.
_GROUP_NUMBERS = 1 << 19
# A block of samples holds this many numbers a layer at most (16 MiB), or 64 samples.
_BLOCK_NUMBERS = 1 << 21


class ForwardPass:
    """Runs groups of networks forward, layer by layer, in buffers made once.

    Memory: one layer's weight matrix, up to 16 MiB (method brute), and three arrays of ``block`` samples by the widest
    layer, for each network of a group; a group is one network unless all this is below 4 MiB. Brute force takes the
    samples in blocks of at most 16 MiB and draws the same weights again for each block; `conditional` needs all samples
    at once.
    """

    def __init__(
        self,
        network: Network,
        *,
        method: str,
        samples: int,
        fixed: Floats | None = None,
        dtype: str = "float64",
        block: int | None = None,
        largest: int | None = None,
    ) -> None:
        self.network, self.method, self.samples, self.fixed = network, method, samples, fixed
        self.dtype = np.dtype(dtype)
        widest = max(network.widths)
        matrices = method == "brute"
        most = max(64, _BLOCK_NUMBERS // widest) if block is None else block
        self.block = min(samples, most) if matrices else samples
        matrix = max(n * m for n, m in zip(network.widths, network.widths[1:], strict=False)) if matrices else 0
        self.group = max(1, _GROUP_NUMBERS // (matrix + 3 * self.block * widest)) if self.block == samples else 1
        count = self.group if largest is None else min(self.group, largest)
        # A large matrix is drawn in blocks of rows.
        self._weights = np.empty(
            min(count * matrix, BLOCK_NUMBERS + widest) if count == 1 else count * matrix, self.dtype
        )
        self._z, self._s = (np.empty(count * self.block * widest, self.dtype) for _ in range(2))
        self._f = value_into(network.activation)
        self._layer = self._multiply if matrices else self._draw_one if samples == 1 else self._draw

    @property
    def blocks(self) -> int:
        """How many blocks the samples are taken in."""
        return -(-self.samples // self.block)

    def layers(
        self, weights: Callable[[], Generator], inputs: Generator, count: int
    ) -> Iterator[tuple[int, int, Array, Array]]:
        """Yield layer i, the first sample's number, z^i and s^i, block by block and layer by layer.

        The arrays are ``(count, samples of the block, units)``, float64 or float32, and are overwritten after each
        step. ``weights`` gives a generator that starts anew at each call.
        """
        network = self.network
        for start in range(0, self.samples, self.block):
            rng, here = weights(), min(self.block, self.samples - start)
            z = self._view(self._z, count, here, network.widths[0])
            if self.fixed is None:
                network.input_law.fill(z, rng=inputs, scale=math.sqrt(network.input_variance))
            else:
                z[...] = self.fixed
            for i, width in enumerate(network.widths[1:]):
                s = self._view(self._s, count, here, width)
                self._layer(i, z, s, rng)
                yield i, start, z, s
                if i < network.d:
                    z = self._view(self._z, count, here, width)
                    self._f(s, z)

    @staticmethod
    def _view(buffer: Array, *shape: int) -> Array:
        return buffer[: math.prod(shape)].reshape(shape)

    def _multiply(self, i: int, z: Array, s: Array, rng: Generator) -> None:
        """Set s = z W + b, with a matrix W for each network."""
        network, (count, _, n), m = self.network, z.shape, s.shape[2]
        scale = math.sqrt(network.weight_variance[i])
        if count == 1 and n * m > BLOCK_NUMBERS:
            s[0] = Redrawn(n, m, network.weight_law, lambda: rng, self._weights).forward(z[0])
            s *= s.dtype.type(scale)
        else:
            W = self._view(self._weights, count, n, m)
            network.weight_law.fill(W, rng=rng, scale=scale)
            np.matmul(z, W, out=s)
        if network.bias_variance[i] > 0:
            s += NORMAL.sample((count, 1, m), variance=network.bias_variance[i], rng=rng).astype(s.dtype)

    def _draw_one(self, i: int, z: Array, s: Array, rng: Generator) -> None:
        """Set s for one sample: given z its units are independent, of variance Var[W] |z|² + Var[b]."""
        variance = self.network.weight_variance[i] * np.einsum("gtn,gtn->gt", z, z) + self.network.bias_variance[i]
        NORMAL.fill(s, rng=rng)
        s *= np.sqrt(variance)[:, :, None]

    def _draw(self, i: int, z: Array, s: Array, rng: Generator) -> None:
        """Set s for T samples: a mean over samples and fluctuations about it, with the right joint law.

        Let a be the mean of z over samples and c_t = z_t - a. The direction of a is one standard normal ξ, and what
        is left of the c_t beside it has the Gram matrix C = c cᵀ - (c a)(c a)ᵀ/|a|², whose factor L gives the rest:
        ``s_t = |a| ξ + (c_t a/|a|) ξ + (L ξ')_t``. Rounding is relative to |c|², not to |z|², so that fluctuations
        far below the mean stay right; the pivoted factorisation stops at the rank, and nothing is added to C. A
        bias is the same in all samples: it lengthens the mean only.
        """
        network, count, m = self.network, len(z), s.shape[2]
        weight, bias = network.weight_variance[i], network.bias_variance[i]
        for g in range(count):
            a = z[g].mean(axis=0)
            c = z[g] - a
            along, length = c @ a, math.sqrt(a @ a)
            along = along / length if length > 0 else 0 * along
            factor = pivoted_factor(c @ c.T - np.outer(along, along))
            # |a| ξ is split in what the weights and what the biases give, each a normal of its own.
            rank = factor.shape[1]
            noise = rng.standard_normal((rank + 2, m))
            np.matmul(np.column_stack([along, factor]), noise[: rank + 1], out=s[g])
            s[g] += length * noise[0]
            s[g] *= math.sqrt(weight)
            s[g] += math.sqrt(bias) * noise[rank + 1]


def pivoted_factor(gram: Floats) -> Floats:
    """Return L, of shape (T, rank), with ``L Lᵀ = gram`` up to rounding, for a symmetric matrix of any rank.

    Cholesky's factorisation with complete pivoting (LAPACK's dpstrf): it ends when the largest remaining variance is
    within rounding of zero, relative to the largest of all.
    """
    T = len(gram)
    if not (np.isfinite(gram).all() and gram.diagonal().max() > 0):
        return gram[:, :1] * 0
    packed, pivot, rank, _ = scipy.linalg.lapack.dpstrf(gram, lower=1)
    factor = np.empty((T, rank))
    factor[pivot - 1] = np.tril(packed)[:, :rank]
    return factor


def averages(network: Network, i: int, z: Array, s: Array, origin: float, out: Floats) -> None:
    """Put each network's averages over the units of layer i into ``out``, of shape (features, 2, d + 1, networks).

    As in `BruteForce.averages`: mean squares of z^i and s^i, and, where there is a second feature, the mean of z^i,
    both about f(0).
    """
    z64, s64 = z[:, 0].astype(np.float64, copy=False), s[:, 0].astype(np.float64, copy=False)
    out[0, 1, i] = np.einsum("gu,gu->g", s64, s64) / s64.shape[1]
    if i > 0 and len(out) > 1:
        z64 = z64 - origin
        out[1, 0, i] = z64.mean(axis=1)
    out[0, 0, i] = np.einsum("gu,gu->g", z64, z64) / z64.shape[1]
