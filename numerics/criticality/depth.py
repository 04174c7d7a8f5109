"""Depth scales: in how many layers a deviation falls by e, and the word where there is no such number."""

from __future__ import annotations

import math

from numerics.criticality.theorems import layers

LEFT = "unstable: a network does not stay here"
REPELS = "none: correlation 1 repels"
INFINITE = "infinite"


def depth_scale(chi: float, error: float = 0.0) -> float | None:
    """Return -1/log|χ| by the theorem ``trainable-depth``: infinite where |χ| is 1 within its error, None above.

    At χ = 0 a deviation is gone after one layer: 0.

    >>> depth_scale(0.5), depth_scale(1 - 1e-15, 4e-15), depth_scale(1.5)
    (1.4426950408889634, inf, None)
    """
    size = abs(chi)
    if size < math.inf and abs(size - 1) <= error:
        return math.inf
    if not size < 1:
        return None
    return float(layers()(size)) if size else 0.0


def word(scale: float | None, without: str) -> str | None:
    """Return what is said where a depth scale is no number: ``infinite``, or why there is none."""
    return without if scale is None else INFINITE if scale == math.inf else None
