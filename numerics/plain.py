"""Numbers as plain data."""

from __future__ import annotations

import math


def finite(value: float | None) -> float | None:
    """Return the number, or None for one that is infinite or no number, which JSON cannot write.

    >>> finite(0.5), finite(float("inf")), finite(None)
    (0.5, None, None)
    """
    return value if value is not None and math.isfinite(value) else None
