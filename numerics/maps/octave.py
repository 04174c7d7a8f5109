"""Chebyshev interpolation on an octave of variances, in log q, and the ellipse that bounds its error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from numerics.maps.values import Array

DEGREE = 20
HALF = 0.5 * math.log(2)
"""Half an octave, in log q."""
DEGREES = np.arange(DEGREE + 1)[:, None]
_NODES = np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)


@dataclass(frozen=True)
class Ellipse:
    """The Bernstein ellipse about the octave of variances around ``middle`` whose height is ``angle``, in log q."""

    middle: float
    angle: float

    @property
    def _rho(self) -> float:
        height = self.angle / HALF
        return height + math.hypot(height, 1.0)

    @property
    def decay(self) -> float:
        """The interpolation error of a function that is at most 1 on it."""
        return 4 * self._rho**-DEGREE / (self._rho - 1)

    @property
    def _reach(self) -> float:
        return HALF * 0.5 * (self._rho + 1 / self._rho)

    @property
    def narrowest(self) -> float:
        """A lower bound of the modulus of q on it."""
        return self.middle * math.exp(-self._reach)

    def widest(self, tilt: float = 0.0) -> float:
        """An upper bound of the modulus of q over cos(its angle + tilt) on it."""
        return self.middle * math.exp(self._reach) / math.cos(self.angle + tilt)


COEFFICIENTS: Array = np.asarray(np.linalg.inv(chebvander(_NODES, DEGREE)), np.float64)
"""From values at the nodes to Chebyshev coefficients."""


def middle(octave: int) -> float:
    """The middle, in log q, of the variances whose exponent of two (`frexp`) is given."""
    return math.ldexp(math.exp(-HALF), octave) if octave <= 1024 else math.inf


def nodes(octave: int) -> Array:
    """The Chebyshev points of an octave, its ends included."""
    found: Array = np.ldexp(np.exp(HALF * (_NODES - 1)), octave)
    return found


def polynomials_at(mantissa: Array) -> Array:
    """The Chebyshev polynomials, in log q, of variances with these mantissas, from 1/2 to 1."""
    return np.asarray(chebvander(np.clip(np.log(mantissa) / HALF + 1, -1.0, 1.0), DEGREE).T, np.float64)
