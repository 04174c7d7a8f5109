"""How far averages of squares spread over networks, by their roots: what a sample of a long tail does not show.

The average square X of a deep layer is a product of one random factor a layer, so that log X is a sum and nearly
normal. Its mean may rest on networks so rare that the run has none of them; the means of its roots do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A relative variance below this is rounding, or so small that the sample's own variance tells all.
_SMALL = 1e-10
_GOOD = 0.1


class Tails:
    """Means over networks of X, its square root and its fourth root, for many rows, streamed; X = 0 counts apart."""

    def __init__(self) -> None:
        self._count = 0
        self._sums: Floats = np.zeros((4, 1))

    def add(self, values: Floats) -> None:
        """Take in values of shape ``(rows, networks)``; what is negative counts as 0."""
        values = np.maximum(values, 0)
        root = np.sqrt(values)
        self._count += values.shape[1]
        self._sums = self._sums + np.stack([part.sum(axis=1) for part in (values > 0, values, root, np.sqrt(root))])

    def of_mean(self) -> tuple[Floats, Floats]:
        """Return the relative standard error of the mean of X over these networks, and its skewness.

        A log-normal X of log-variance b has E[X^2t]/E[X^t]^2 = exp(b t^2). b is what t = 1/4 says of the X > 0, or
        t = 1/2 if that is more; with w = exp(b) and p = P(X > 0), E[X^2]/E[X]^2 = w/p and E[X^3]/E[X]^3 = w^3/p^2.
        For a product of chi-square laws (linear units), or of bounded factors, b is a little too large. The error is 0
        where the run's own is good: the relative variance of a sample variance is about (E[X^2]/E[X]^2)^4/count.
        """
        with np.errstate(all="ignore"):
            alive, plain, root, fourth = self._sums / np.maximum(self._sums[0], 1)
            b = np.maximum(16 * np.log(root / fourth**2), 4 * np.log(plain / root**2))
            b, p = np.where(b > _SMALL, b, 0.0), self._sums[0] / self._count
            # E[(X/E[X] - 1)^2] and its third power's, in differences from p = 1 and b = 0.
            second = (np.expm1(b) + 1 - p) / p
            third = (np.expm1(3 * b) + 1 - p * p) / p**2 - 3 * second
            skewness = np.where(second > 0, third / second**1.5, 0.0)
            missed = (1 + second) ** 4 > _GOOD * self._count
        error = np.where(missed & (alive > 0), np.sqrt(second / self._count), 0.0)
        return error, np.where(alive > 0, np.nan_to_num(skewness, nan=np.inf) / np.sqrt(self._count), 0.0)
