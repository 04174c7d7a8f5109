"""What the oracles' cases are made of: laws with few outcomes, networks of a few units, activation functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from derive.proof.oracle import Known
from derive.proof.outcomes import Law, Network, variance

UNITS = {"k": 1, "l": 1, "j": 1, "m": 1}


def signs(size: float) -> Law:
    """A fair coin: -size or size."""
    return (1, size), (1, -size)


def skewed(size: float) -> Law:
    """2 size with probability 1/3, else -size: mean 0, variance 2 size^2."""
    return (1, 2 * size), (2, -size)


def with_zeros(weight: int) -> Law:
    """-1 or 1, with 0 between them ``weight`` times as likely as one of them: variance 2/(2 + weight)."""
    return (1, 1), (1, -1), (weight, 0)


def gaussian(v: float) -> Law:
    """Three points with the moments of N(0, v) up to the fifth: 0, and the root of 3 v with probability 1/6."""
    return (4, 0.0), (1, math.sqrt(3 * v)), (1, -math.sqrt(3 * v))


def leaky(a: float) -> Callable[[Any], Any]:
    """Leaky ReLU of slope a below zero, for numbers and arrays."""
    return lambda s: (1 + a) / 2 * s + (1 - a) / 2 * abs(s)


def sin(s: Any) -> Any:
    """The sine of numbers and arrays."""
    import numpy as np  # Not before a check: deriving needs no NumPy.

    return np.sin(s)


def cos(s: Any) -> Any:
    """The cosine of numbers and arrays."""
    return sin(s + math.pi / 2)


def identity(s: Any) -> Any:
    """The linear regime."""
    return s


def known(network: Network, functions: dict[str, Callable[..., Any]] | None = None, **symbols: Any) -> Known:
    """What is known of a network: its widths, its laws' variances, and symbols (every unit index is 1)."""

    def shared(family: str, layer: Any = None) -> float:
        if family in ("x", "g"):
            return variance(network.inputs if family == "x" else network.gradients, 0)
        laws = network.weights if family == "W" else network.biases
        return variance(dict(enumerate(laws))[layer]) if laws else 0.0

    widths = dict(enumerate(network.widths))
    table: dict[str, Callable[..., Any]] = {"Width": widths.__getitem__, "SharedVariance": shared}
    return Known({**UNITS, "d": network.depth, **symbols}, {**table, **(functions or {})}, network)


FAR = (20_000, 40_000)
"""Two layers at which a power law is held against a sequence."""


@lru_cache(maxsize=16)
def iterated(step: Callable[..., float], start: float, layers: int, *parameters: float) -> float:
    """Return what a map makes of a start after so many layers."""
    for _ in range(layers):
        start = step(start, *parameters)
    return start
