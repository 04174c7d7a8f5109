"""Functions of log q as Chebyshev polynomials on panels, each with the error that its last coefficients tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import chebpts1, chebvander

Array = np.ndarray[Any, np.dtype[np.float64]]
EPS = float(np.finfo(float).eps)

NODES = 16
POINTS = chebpts1(NODES)
TO_COEFFICIENTS = 2 / NODES * chebvander(POINTS, NODES - 1).T
TO_COEFFICIENTS[0] /= 2

_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Curve:
    """A moment between nodes: Chebyshev coefficients of it, or of its logarithm.

    ``error`` is relative where the logarithm is taken, and absolute otherwise.
    """

    coefficients: Array
    logarithmic: bool
    error: float
    accurate: bool

    @classmethod
    def through(cls, values: Array, errors: Array, nothing: float) -> Curve:
        """Interpolate; the last two coefficients tell the error between nodes, which may be ``nothing`` anyway."""
        logarithmic = bool((values > 0).all() and (errors < 0.1 * values).all())
        coefficients = TO_COEFFICIENTS @ (np.log(values) if logarithmic else values)
        noise = float((errors / values if logarithmic else errors).max())
        largest = float(np.abs(values).max())
        tail = float(np.abs(coefficients[-2:]).sum())
        unit, other = (1.0, largest) if logarithmic else (largest, 1.0)
        accurate = tail <= max(_TOLERANCE * unit, 4 * noise) or tail * other <= nothing
        rounding = 32 * EPS * float(np.abs(coefficients).sum())
        return cls(coefficients, logarithmic, tail + noise + rounding, accurate)


@dataclass(frozen=True, eq=False)
class Panel:
    """Between two logarithms of q: nodes, the moments with their errors there, and a curve of each."""

    low: float
    high: float
    q: Array
    values: dict[str, Array]
    errors: dict[str, Array]
    curves: dict[str, Curve]

    @property
    def accurate(self) -> bool:
        """Whether all curves are."""
        return all(curve.accurate for curve in self.curves.values())


def clenshaw(coefficients: Array, x: Array) -> Array:
    """Sum a Chebyshev series, with coefficients of its own for every x."""
    later, last = np.zeros_like(x), np.zeros_like(x)
    for c in coefficients[:0:-1]:
        last, later = c + 2 * x * last - later, last
    total: Array = coefficients[0] + x * last - later
    return total
