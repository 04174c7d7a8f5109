"""A weight matrix that is never held: its rows are drawn in blocks, the same ones at every pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from numerics.laws import Law

Array = NDArray[Any]

BLOCK_NUMBERS = 1 << 21
"""A block holds this many numbers at most (16 MiB), or one row."""


class Redrawn:
    """An n x m matrix of independent entries of variance one, drawn block by block into a buffer.

    ``restart`` gives a generator that starts anew at each call; the buffer holds `BLOCK_NUMBERS` + m numbers.
    """

    def __init__(self, n: int, m: int, law: Law, restart: Callable[[], Generator], buffer: Array) -> None:
        self.n, self.m, self._law, self._restart, self._buffer = n, m, law, restart, buffer

    def forward(self, vectors: Array) -> Array:
        """Return ``v W``, for vectors of shape (T, n)."""
        product = np.zeros((len(vectors), self.m), self._buffer.dtype)
        for start, block in self._blocks():
            product += vectors[:, start : start + len(block)] @ block
        return product

    def back(self, vectors: Array) -> Array:
        """Return ``W v``, for vectors of shape (T, m)."""
        product = np.empty((len(vectors), self.n), self._buffer.dtype)
        for start, block in self._blocks():
            product[:, start : start + len(block)] = vectors @ block.T
        return product

    def _blocks(self) -> Iterator[tuple[int, Array]]:
        rng, rows = self._restart(), max(1, BLOCK_NUMBERS // self.m)
        for start in range(0, self.n, rows):
            count = min(rows, self.n - start)
            block = self._buffer[: count * self.m].reshape(count, self.m)
            self._law.fill(block, rng=rng)
            yield start, block
