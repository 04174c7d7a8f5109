"""An activation, its slope and its curvature as arrays see them, with the places where one formula ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from derive.activations import Activation
from numerics.activations import numpy_function

Array = np.ndarray[Any, np.dtype[np.float64]]
Real = Callable[[Array], Array]


@dataclass(frozen=True)
class Functions:
    """An activation f as arrays see it.

    ``points`` are the places where one formula gives way to another, in increasing order; ``jumps`` and
    ``slope_jumps`` are f(p+) - f(p-) and f'(p+) - f'(p-) there. ``value``, ``slope`` and ``curvature`` take
    arrays of any shape; at a point they take one of the two sides' values.
    """

    activation: Activation
    value: Real
    slope: Real
    curvature: Real
    points: tuple[float, ...]
    jumps: tuple[float, ...]
    slope_jumps: tuple[float, ...]

    @property
    def is_continuous(self) -> bool:
        """Whether f has no jumps, so that E[f'^2] is finite."""
        return not any(self.jumps)


@lru_cache(maxsize=64)
def functions(activation: Activation) -> Functions:
    """Return an activation's functions, compiled once.

    Raises `InputError` when the activation has a parameter without a number.
    """
    value, slope, curvature = (numpy_function(activation, order) for order in range(3))
    points = tuple(sorted(float(p) for p in activation.breakpoints))
    return Functions(activation, value, slope, curvature, points, _sides(value, points), _sides(slope, points))


def _sides(f: Real, points: tuple[float, ...]) -> tuple[float, ...]:
    """Return f(p+) - f(p-) at each point, 0 where f is continuous to ten digits."""
    found = []
    for p in points:
        left, right = f(
            np.array([np.nextafter(p, -np.inf), np.nextafter(p, np.inf)]) if p else np.array([-1e-290, 1e-290])
        )
        jump = float(right - left)
        found.append(jump if abs(jump) > 1e-10 * (1 + abs(left) + abs(right)) else 0.0)
    return tuple(found)
