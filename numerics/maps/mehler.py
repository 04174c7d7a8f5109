"""Squares of Hermite coefficients, with bounds on what is left out: from E[f^2], and from E[f'^2]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numerics.maps.functions import Array
from numerics.maps.hermite import series
from numerics.maps.kernels import NumericalMaps

_ORDERS = (48, 128, 256, 512)
_ENOUGH = 1e-13


@dataclass(frozen=True, eq=False)
class Mehler:
    """The first a_k^2 at a variance q: E[f(u1) f(u2)] = sum a_k^2 rho^k.

    ``wrong`` bounds the error of each; ``left_out`` is the sum of those that are left out, from E[f^2] = sum a_k^2, and
    ``beyond`` that of k a_k^2, from q E[f'^2] = sum k a_k^2 (Parseval).
    """

    squares: Array
    wrong: Array
    left_out: float
    beyond: float

    @property
    def order(self) -> int:
        """How many coefficients there are."""
        return len(self.squares)

    def padded(self, order: int) -> tuple[Array, Array]:
        """Return the squares and their errors, followed by zeros."""
        more = (0, order - self.order)
        return np.pad(self.squares, more), np.pad(self.wrong, more)


def mehler(maps: NumericalMaps, q: float, enough: float = _ENOUGH) -> Mehler | None:
    """Return as many as leave no more than a part ``enough`` of q E[f'^2] out, or None where 512 do not suffice."""
    if not maps.functions.is_continuous:
        return None
    slope = maps.slope_second_moment(q)
    whole, error = q * float(slope.value), q * float(slope.error)
    for order in _ORDERS:
        s = series(maps.functions, q, order)
        if s is None:
            return None
        a, k = np.abs(s.coefficients), np.arange(order)
        wrong = 2 * s.error * a + s.error**2
        # By symmetry the others are 0.
        parity = {"odd": k % 2 == 1, "even": k % 2 == 0}.get(maps.activation.parity, k >= 0)
        squares, wrong = np.where(parity, a * a, 0.0), np.where(parity, wrong, 0.0)
        beyond = max(whole - float(k @ squares), 0.0) + error + float(k @ wrong)
        if beyond <= enough * whole:
            return Mehler(squares, wrong, min(s.tail, beyond / order), beyond)
    return None
