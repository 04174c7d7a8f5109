"""A number and how far it can be off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from derive.results import Result

Floats = NDArray[np.float64]


_KINDS = {"compiled closed form": "measured"}


class Bounded(Result):
    """Values, numbers or arrays of them: the truth lies within ``error`` of ``value``.

    ``error`` is an absolute bound, computed when it is first asked for: proved for quadrature, series and closed forms
    (functions of NumPy and SciPy are taken to be right to a few units in the last place); for ``compiled closed form``
    it is twice the largest error that was measured against the closed form in 110 digits, at about this variance. It
    is infinite where nothing is known, and ``reason`` says why; an infinite value with the error 0 is an integral that
    diverges. ``method`` names what was used for each value, ``size`` is E|g| to a few digits
    where it is known.
    """

    def __init__(
        self,
        value: Any,
        error: Any | Callable[[], Any],
        method: NDArray[Any] | str = "quadrature",
        reason: str = "",
        size: Any = None,
    ) -> None:
        self.value = np.asarray(value, dtype=np.float64)
        self._error = error
        self._method = method
        self.reason = reason
        self.size = size

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

    @property
    def headline(self) -> str:
        """The value, or the first and the last values, the largest error and the method."""
        methods = " or ".join(dict.fromkeys(map(str, self.method.flat)))
        value = np.array2string(self.value, threshold=6, edgeitems=2, precision=9, separator=", ")
        return f"{value} ± {self.error.max(initial=0.0):.1g} ({methods or 'no values'})"

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each value, in the order of a flattened array.

        ``error_kind`` says whether the error is a ``bound`` or was ``measured``.
        """
        columns = (self.value.ravel().tolist(), self.error.ravel().tolist(), map(str, self.method.ravel()))
        return [
            {"value": value, "error": error, "error_kind": _KINDS.get(method, "bound"), "method": method}
            for value, error, method in zip(*columns, strict=True)
        ]


class Precise(NamedTuple):
    """A number of many digits, a bound of its error, and E|g| to a few digits, in mpmath."""

    value: Any
    error: Any
    size: Any
