"""What the functions of `derive.expressions.accurate` are in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from sympy import Basic, Function

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


class _Special:
    """A function of `scipy.special`, which is imported when one is called first."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, u: Floats) -> Floats:
        found: Floats = getattr(scipy.special, self.name)(u)
        return found


NAMES: dict[str, Any] = {
    "_logistic": _logistic,
    "_softplus": _softplus,
    "_expm1": np.expm1,
    "_tanh": np.tanh,
    "_ndtr": _Special("ndtr"),
    "_log1p": np.log1p,
    "_log_ndtr": _Special("log_ndtr"),
    "_erfcx": _Special("erfcx"),
    "_root": _root,
    "_plus_root": _plus_root,
    "erf": _Special("erf"),
    "erfc": _Special("erfc"),
    "erfcx": _Special("erfcx"),
}
"""What `sympy.lambdify` needs beside NumPy and SciPy; all of them keep float32."""

_IN_NUMPY = ("sympy.functions.elementary.", "derive.expressions.accurate")


def modules(*expressions: Basic) -> list[Any]:
    """The modules of `sympy.lambdify`: NumPy itself, since its name would import every part of it, and SciPy if needed.

    Either takes as long as what an everyday command computes.
    """
    used = {type(f).__module__ for e in expressions for f in e.atoms(Function)}
    return [NAMES, *(() if all(m.startswith(_IN_NUMPY) for m in used) else ("scipy",)), np]
