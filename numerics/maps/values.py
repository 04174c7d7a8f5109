"""What the maps return, and what they accept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from derive.activations import Activation, activation
from derive.errors import InputError
from numerics.maps.functions import Array

Methods = np.ndarray[Any, Any]


class Evaluated:
    """Values of a map, of the broadcast shape of its arguments.

    ``error`` is the absolute error of each: for ``closed form`` a bound on the rounding; for ``compiled closed form``
    twice the largest error that was measured against the closed form in 110 digits, at about this variance; for
    ``quadrature`` and ``series`` an estimate: the difference of two rules, what the series leaves out, and the
    rounding. It is computed when it is asked for. ``method`` names what was used for each value. A value beyond
    float64 is infinite, and so is its error.
    """

    def __init__(self, value: Array, error: Array | Callable[[], Array], method: Methods | str) -> None:
        self.value = value
        self._error = error
        self._method = method

    @property
    def error(self) -> Array:
        """The absolute error of each value."""
        if callable(self._error):
            self._error = np.asarray(self._error(), dtype=np.float64)
        return self._error

    @property
    def method(self) -> Methods:
        """How each value was computed; read-only."""
        if isinstance(self._method, str):
            self._method = np.broadcast_to(np.array(self._method, dtype=object), self.value.shape)
        return self._method

    @property
    def relative_error(self) -> float:
        """The largest error / |value|, over values that are finite and not 0."""
        usable = np.isfinite(self.value) & (self.value != 0)
        return float((self.error[usable] / np.abs(self.value[usable])).max(initial=0.0))

    def __repr__(self) -> str:
        return f"Evaluated(value={self.value!r}, error={self.error!r}, method={self.method!r})"


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


def numbers_of(name: str, values: ArrayLike) -> Array:
    """Return float64 values; raise `InputError` for what are no numbers."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers, got {values!r}") from None


def variances_of(name: str, values: ArrayLike) -> Array:
    """Return positive finite numbers."""
    numbers = numbers_of(name, values)
    bad = ~(np.isfinite(numbers) & (numbers > 0))
    if bad.any():
        raise InputError(f"{name} must be positive and finite, got {numbers[bad].flat[0]}")
    return numbers


def bounded(name: str, values: ArrayLike) -> Array:
    """Return correlations from -1 to 1, or gaps from 0 to 2."""
    numbers = numbers_of(name, values)
    low, high = (-1.0, 1.0) if name == "rho" else (0.0, 2.0)
    bad = ~((numbers >= low) & (numbers <= high))
    if bad.any():
        raise InputError(f"{name} must be from {low:g} to {high:g}, got {numbers[bad].flat[0]}")
    return numbers


def shares(m: ArrayLike, v: ArrayLike) -> tuple[Array, Array]:
    """Return the variance m² + v² and what of it is not shared, v²/(m² + v²)."""
    shared, private = numbers_of("m", m) ** 2, numbers_of("v", v) ** 2
    q = variances_of("m² + v²", shared + private)
    return q, np.asarray(private / q)
