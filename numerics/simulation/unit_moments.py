"""Sample mean and sample variance of every unit of a layer, streamed, and what follows for the whole layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Rows are taken in pieces of this many numbers, which stay in the cache between two passes.
_PIECE = 1 << 15


class UnitMoments:
    """Mean and variance over samples of each unit of one layer, for a group of networks.

    ``add`` takes consecutive samples, of shape ``(networks, samples, units)``. Sums are taken about the first
    sample, in float64: a variance far below the square of the mean keeps its digits, in one pass. The samples are
    split into ``batches`` consecutive parts of nearly equal size, for the jackknife.
    """

    def __init__(self, samples: int, batches: int = 1) -> None:
        self.samples, self.batches = samples, batches
        self._bounds = np.linspace(0, samples, batches + 1).astype(int)
        self._shift: Floats = np.zeros(0)
        self._sums: Floats = np.zeros(0)
        self._squares: Floats = np.zeros(0)

    def add(self, values: NDArray[Any], start: int) -> None:
        """Take in samples ``start``, ``start + 1``, ..., of which those beyond ``samples`` are left out."""
        networks, count, units = values.shape
        if start == 0:
            self._shift = values[:, :1].astype(np.float64)
            self._sums = np.zeros((self.batches, networks, units))
            self._squares = np.zeros((self.batches, networks, units))
        for batch, low, high in self._pieces(start, min(start + count, self.samples), max(1, _PIECE // units)):
            centred = values[:, low - start : high - start] - self._shift
            self._sums[batch] += centred.sum(axis=1)
            np.multiply(centred, centred, out=centred)
            self._squares[batch] += centred.sum(axis=1)

    def _pieces(self, start: int, stop: int, most: int) -> Iterator[tuple[int, int, int]]:
        for batch in range(self.batches):
            low, high = max(start, self._bounds[batch]), min(stop, self._bounds[batch + 1])
            for at in range(low, high, most):
                yield batch, at, min(at + most, high)

    def by_unit(self) -> tuple[Floats, Floats]:
        """Return debiased squared means and unbiased variances over samples, each of shape (networks, units).

        A squared sample mean ``ȳ²`` exceeds ``<y>²`` by ``v²/T`` on average: that much, estimated, is subtracted, so
        that the first can be negative.
        """
        return self._from_sums(self._sums.sum(axis=0), self._squares.sum(axis=0), self.samples)

    def by_network(self) -> Floats:
        """Return the averages over units of the two, ``m2`` and ``v2``: shape (2, networks)."""
        return np.stack([part.mean(axis=-1) for part in self.by_unit()])

    def leaving_out(self) -> Floats:
        """Return ``m2`` and ``v2`` without each batch in turn: shape (2, batches, networks)."""
        counts = self.samples - np.diff(self._bounds)[:, None, None]
        sums, squares = (part.sum(axis=0) - part for part in (self._sums, self._squares))
        return np.stack([part.mean(axis=-1) for part in self._from_sums(sums, squares, counts)])

    def _from_sums(self, sums: Floats, squares: Floats, count: Any) -> tuple[Floats, Floats]:
        mean = sums / count
        variance = (squares - sums * mean) / (count - 1)
        # What rounding leaves of a unit that does not vary is not a variance.
        np.maximum(variance, 0, out=variance)
        return (self._shift[:, 0] + mean) ** 2 - variance / count, variance


def jackknife(moments: UnitMoments) -> tuple[Floats, Floats]:
    """Return m2, v2 and rho of one network, and their standard errors over samples, by leaving out batches.

    ``(B - 1)/B sum_b (θ_b - θ̄)²`` with θ_b from all batches but one (Quenouille 1956, Tukey 1958). It overstates the
    error of ``m2`` where ``<y> = 0``, by up to the root of 2: there the estimate has no linear part.
    """
    batches = moments.batches
    left_out = with_rho(moments.leaving_out()[:, :, 0])
    # In units of the largest: squares leave float64 long before the deviations do.
    spread = left_out - left_out.mean(axis=1, keepdims=True)
    unit = np.maximum(np.abs(spread).max(axis=1, keepdims=True), np.finfo(float).tiny)
    error = np.sqrt((batches - 1) / batches * ((spread / unit) ** 2).sum(axis=1)) * unit[:, 0]
    return with_rho(moments.by_network()[:, 0]), error


def with_rho(pair: Floats) -> Floats:
    """Return m2, v2 and ``rho = m2/(m2 + v2)``, zero where both are."""
    m2, v2 = pair
    total = m2 + v2
    return np.stack([m2, v2, np.divide(m2, total, out=np.zeros_like(total), where=total != 0)])
