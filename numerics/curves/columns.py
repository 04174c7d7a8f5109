"""Numbers by network and layer, each with its relative error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Column:
    """Values of shape (networks, layers), and the relative error of each, 0 where a value is exact."""

    value: Floats
    error: Floats

    @classmethod
    def exact(cls, value: Floats) -> Column:
        """Return values without an error."""
        return cls(value, np.zeros(value.shape))

    def first(self, stop: int) -> Column:
        """Return the layers before ``stop``."""
        return Column(self.value[:, :stop], self.error[:, :stop])

    def after(self, value: Floats) -> Column:
        """Return the column behind a layer of exact values."""
        return Column(
            *(np.column_stack([start, part]) for start, part in ((value, self.value), (0 * value, self.error)))
        )

    def times(self, other: Column) -> Column:
        """Return the products; relative errors add."""
        return Column(self.value * other.value, self.error + other.error + EPS)

    def products_back(self, last: Floats) -> Column:
        """Return, behind the last value, each layer's product of it with all factors from that layer on."""
        reversed_ = np.column_stack([last, self.value[:, ::-1]])
        errors = np.column_stack([0 * last, self.error[:, ::-1] + EPS])
        products, sums = (np.asarray(part[:, ::-1], np.float64) for part in (reversed_.cumprod(1), errors.cumsum(1)))
        return Column(products, sums)
