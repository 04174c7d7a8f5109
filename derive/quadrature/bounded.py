"""A number and how far it can be off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Bounded:
    """Values, numbers or arrays of them: the truth lies within ``error`` of ``value``.

    ``error`` is an absolute bound, computed when it is first asked for: proved for quadrature, series and closed forms
    (functions of NumPy and SciPy are taken to be right to a few units in the last place); for ``compiled closed form``
    it is twice the largest error that was measured against the closed form in 110 digits, at about this variance. It
    is infinite where nothing is known, and ``reason`` says why; an infinite value with the error 0 is an integral that
    diverges. ``method`` names what was used for each value.
    """

    def __init__(
        self, value: Any, error: Any | Callable[[], Any], method: NDArray[Any] | str = "quadrature", reason: str = ""
    ) -> None:
        self.value = np.asarray(value, dtype=np.float64)
        self._error = error
        self._method = method
        self.reason = reason

    @property
    def error(self) -> Floats:
        """The absolute error of each value."""
        if callable(self._error):
            self._error = self._error()
        self._error = np.asarray(self._error, dtype=np.float64)
        return self._error

    @property
    def method(self) -> NDArray[Any]:
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
        return f"Bounded(value={self.value!r}, error={self.error!r}, method={self.method!r})"
