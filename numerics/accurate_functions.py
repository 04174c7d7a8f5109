"""What the functions of `derive.expressions.accurate` are in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[Any]


def _logistic(u: Floats) -> Floats:
    small = np.exp(-np.abs(u))
    return np.where(u >= 0, small.dtype.type(1), small) / (1 + small)


def _softplus(u: Floats) -> Floats:
    return np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u)))


def _root(u: Floats, b: float) -> Floats:
    return np.hypot(u, u.dtype.type(np.sqrt(b)))


def _plus_root(u: Floats, b: float) -> Floats:
    root = _root(u, b)
    return np.where(u > 0, u + root, b / (root - u))


NAMES: dict[str, Any] = {
    "_logistic": _logistic,
    "_softplus": _softplus,
    "_expm1": np.expm1,
    "_tanh": np.tanh,
    "_ndtr": scipy.special.ndtr,
    "_log1p": np.log1p,
    "_log_ndtr": scipy.special.log_ndtr,
    "_erfcx": scipy.special.erfcx,
    "_root": _root,
    "_plus_root": _plus_root,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "erfcx": scipy.special.erfcx,
}
"""What `sympy.lambdify` needs beside NumPy and SciPy; all of them keep float32."""
