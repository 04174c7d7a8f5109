"""An activation in place, in cache-sized pieces: two straight lines as a maximum, all else by its stable form."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.activations import Activation
from numerics.activations import fast_value, slopes

# Numbers that stay in the cache between the operations of one expression.
_PIECE = 1 << 15


@lru_cache(maxsize=64)
def value_into(activation: Activation) -> Callable[[NDArray[Any], NDArray[Any]], None]:
    """Return a function that writes ``f(s)`` of a contiguous array s into another, of float64 or float32."""
    found = slopes(activation)
    if found is not None:
        return _two_slopes(*found)
    function = fast_value(activation)

    def write(s: NDArray[Any], out: NDArray[Any]) -> None:
        flat, into = s.reshape(-1), out.reshape(-1)
        for start in range(0, flat.size, _PIECE):
            into[start : start + _PIECE] = function(flat[start : start + _PIECE])

    return write


def _two_slopes(up: float, down: float) -> Callable[[NDArray[Any], NDArray[Any]], None]:
    # c₊ s and c₋ s cross at 0 only: f is their maximum where c₊ >= c₋, and their minimum where not.
    choose = np.maximum if up >= down else np.minimum

    def write(s: NDArray[Any], out: NDArray[Any]) -> None:
        np.multiply(s, s.dtype.type(down), out=out)
        if up == 1:
            choose(s, out, out=out)
        elif up != down:
            choose(s * s.dtype.type(up), out, out=out)

    def rectify(s: NDArray[Any], out: NDArray[Any]) -> None:
        np.maximum(s, 0, out=out)

    return rectify if (up, down) == (1, 0) else write
