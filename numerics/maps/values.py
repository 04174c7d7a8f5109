"""What the maps accept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from derive.activations import Activation, activation
from derive.errors import InputError

Array = np.ndarray[Any, np.dtype[np.float64]]


def named(given: str | Activation) -> Activation:
    """Return the activation of a name, or the activation that was given."""
    return activation(given) if isinstance(given, str) else given


def variance(name: str, value: float) -> float:
    """Return a finite number that is not negative."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"{name} must be finite and not negative, got {value!r}")
    return number


def one_or_many(name: str, given: ArrayLike) -> float | Array:
    """Return a finite number that is not negative, or an array of such numbers."""
    if np.isscalar(given) or isinstance(given, str):
        return variance(name, given)  # type: ignore[arg-type]
    numbers = np.array(numbers_of(name, given))
    _checked(name, numbers, np.isfinite(numbers) & (numbers >= 0), "finite and not negative")
    numbers.setflags(write=False)
    return numbers if numbers.ndim else float(numbers)


def numbers_of(name: str, values: ArrayLike) -> Array:
    """Return float64 values; raise `InputError` for what are no numbers."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers, got {values!r}") from None


def variances_of(name: str, values: ArrayLike) -> Array:
    """Return positive finite numbers."""
    numbers = numbers_of(name, values)
    return _checked(name, numbers, np.isfinite(numbers) & (numbers > 0), "positive and finite")


def bounded(name: str, values: ArrayLike) -> Array:
    """Return correlations from -1 to 1, or gaps from 0 to 2."""
    numbers = numbers_of(name, values)
    low, high = (-1.0, 1.0) if name == "rho" else (0.0, 2.0)
    return _checked(name, numbers, (numbers >= low) & (numbers <= high), f"from {low:g} to {high:g}")


def _checked(name: str, numbers: Array, good: Any, rule: str) -> Array:
    if not good.all():
        raise InputError(f"{name} must be {rule}, got {numbers[~good].flat[0]}")
    return numbers
