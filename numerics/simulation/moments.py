"""Streaming mean and covariance, merged batch by batch without keeping the samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Moments:
    """Mean and covariance of a stream of small feature vectors, for many rows at a time.

    A batch has shape ``(features, rows, samples)``. Batches are merged by the pairwise update of Chan,
    Golub & LeVeque (1983), which does not lose the digits that ``E[a^2] - E[a]^2`` loses.

    >>> moments = Moments()
    >>> moments.add(np.array([[[1.0, 2.0]]]))
    >>> moments.add(np.array([[[6.0]]]))
    >>> moments.mean.item(), moments.covariance.item()
    (3.0, 7.0)
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: Floats = np.zeros(())
        self._scatter: Floats = np.zeros(())

    def add(self, batch: Floats) -> None:
        """Take in a batch of shape ``(features, rows, samples)``."""
        count = batch.shape[-1]
        mean = batch.mean(axis=-1)
        centred = batch - mean[..., None]
        scatter = np.einsum("frs,grs->fgr", centred, centred)
        total = self.count + count
        shift = mean - self.mean
        between = shift[:, None] * shift[None, :] * (self.count * count / total)
        self._scatter = self._scatter + scatter + between
        self.mean = self.mean + shift * (count / total)
        self.count = total

    @property
    def covariance(self) -> Floats:
        """The unbiased covariance of the features, of shape ``(features, features, rows)``."""
        return self._scatter / (self.count - 1)
