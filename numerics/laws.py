"""The laws that weights and inputs are drawn from: zero mean, symmetric, variance one before scaling."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from derive.errors import InputError, unknown_name

Floats = NDArray[np.float64]

# Draws are made in pieces that stay in the cache between the passes over them.
_PIECE = 1 << 16


@dataclass(frozen=True)
class Law:
    """A law symmetric about zero, in units of its own standard deviation.

    ``kurtosis`` is E[w^4] / E[w^2]^2 (3 for the normal law) and ``bound`` the largest possible |w| in
    standard deviations (infinite for the normal law).
    """

    name: str
    kurtosis: float
    bound: float
    _fill: Callable[[Generator, Any], None] = field(repr=False, compare=False)

    def fill(self, out: NDArray[Any], *, rng: Generator, scale: float = 1.0) -> None:
        """Overwrite a contiguous float64 or float32 array with independent draws of standard deviation ``scale``.

        Raises `InputError` when the array is not contiguous (a copy would be filled instead of the array).
        """
        if not out.flags.c_contiguous:
            raise InputError("out must be contiguous")
        flat = out.reshape(-1)
        for start in range(0, flat.size, _PIECE):
            piece = flat[start : start + _PIECE]
            self._fill(rng, piece)
            if scale != 1:
                piece *= scale

    def sample(self, shape: int | tuple[int, ...], *, variance: float = 1.0, rng: Generator) -> Floats:
        """Return independent draws of the given variance, as a float64 array of the given shape."""
        out = np.empty(shape)
        self.fill(out, rng=rng, scale=math.sqrt(variance))
        return out

    def __str__(self) -> str:
        return self.name


def _normal(rng: Generator, out: Any) -> None:
    rng.standard_normal(out=out, dtype=out.dtype)


def _uniform(rng: Generator, out: Any) -> None:
    rng.random(out=out, dtype=out.dtype)
    out -= 0.5
    out *= math.sqrt(12)


def _rademacher(rng: Generator, out: Any) -> None:
    bits = np.frombuffer(rng.bytes(-(-out.size // 8)), np.uint8)
    np.multiply(np.unpackbits(bits, count=out.size), 2.0, out=out)
    out -= 1


_CUT = 2.0
_INSIDE = math.erf(_CUT / math.sqrt(2))
_EDGE = math.exp(-(_CUT**2) / 2) / math.sqrt(2 * math.pi) / _INSIDE
# Integration by parts gives E[w^k] = (k - 1) E[w^(k-2)] - 2 c^(k-1) phi(c) / P(|w| < c) for a normal w cut
# at +-c.
_CUT_VARIANCE = 1 - 2 * _CUT * _EDGE
_CUT_FOURTH = 3 * _CUT_VARIANCE - 2 * _CUT**3 * _EDGE


def _truncated_normal(rng: Generator, out: Any) -> None:
    rng.standard_normal(out=out, dtype=out.dtype)
    beyond = np.flatnonzero(np.abs(out) > _CUT)
    while beyond.size:
        redrawn = rng.standard_normal(beyond.size, dtype=out.dtype)
        out[beyond] = redrawn
        beyond = beyond[np.abs(redrawn) > _CUT]
    out /= math.sqrt(_CUT_VARIANCE)


NORMAL = Law("normal", 3.0, math.inf, _normal)
"""The normal law."""

UNIFORM = Law("uniform", 9 / 5, math.sqrt(3), _uniform)
"""The uniform law on [-sqrt(3), sqrt(3)] standard deviations (Glorot & Bengio 2010, equations 1 and 16)."""

RADEMACHER = Law("rademacher", 1.0, 1.0, _rademacher)
"""A fair sign times the standard deviation."""

TRUNCATED_NORMAL = Law(
    "truncated-normal",
    _CUT_FOURTH / _CUT_VARIANCE**2,
    _CUT / math.sqrt(_CUT_VARIANCE),
    _truncated_normal,
)
"""A normal law cut at plus and minus two of *its own* standard deviations, then rescaled.

The cut alone leaves 0.774 of the variance; dividing by that makes the variance the one asked for, as Keras's
``VarianceScaling`` does (its constant 0.87962566 is the square root). Moments: Johnson, Kotz & Balakrishnan,
*Continuous Univariate Distributions* vol. 1 (1994), section 13.10.1.
"""

_LAWS = {law.name: law for law in (NORMAL, UNIFORM, RADEMACHER, TRUNCATED_NORMAL)}


def laws() -> tuple[str, ...]:
    """Return the names of the laws.

    >>> laws()
    ('normal', 'uniform', 'rademacher', 'truncated-normal')
    """
    return tuple(_LAWS)


def law(name: str) -> Law:
    """Return a law by its name; raise `InputError`, listing close matches, when there is none.

    >>> law("rademacher").kurtosis
    1.0
    """
    if name not in _LAWS:
        raise unknown_name("law", name, _LAWS)
    return _LAWS[name]
