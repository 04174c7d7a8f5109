"""Products over ranges of layers, of many ranges at once: no overflow on the way, and no loss with depth.

A running product is kept as ``mantissa * 2^exponent``, so that only a result that itself leaves float64's range
overflows or underflows. The rounding error of every multiplication is caught exactly (Dekker 1971) and added up,
so that a product of a million factors is as accurate as one of ten (the compensated product of Ogita, Rump & Oishi
2005, carried through a prefix sum).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SPLITTER = 2.0**27 + 1


@dataclass(frozen=True)
class Scaled:
    """Numbers ``mantissa * 2^exponent``, where the mantissa is 0 or of size near one."""

    mantissa: Floats
    exponent: Integers

    def __pow__(self, power: int) -> Scaled:
        return _normalised(self.mantissa**power, self.exponent * power)


def layer_range(first: Integers | int, last: Integers | int) -> Integers:
    """Return the layers that any of the ranges ``first..last`` needs, in order."""
    first, last = np.broadcast_arrays(first, last)
    used = first <= last
    if not used.any():
        return np.empty(0, np.int64)
    return np.arange(first[used].min(), last[used].max() + 1)


def layer_product(factors: Sequence[Floats], layers: Integers, first: Integers | int, last: Integers | int) -> Scaled:
    """Return the product of all factors over the layers ``first..last``, one product for each such range.

    ``factors`` have the layers ``layers`` on the last axis; ranges go on the last axes of the result, in the shape
    that ``first`` and ``last`` broadcast to. An empty range (``last < first``) has the product 1.

    A range is the ratio of two running products, so its relative error is a few units of 2^-53 whatever its
    length; factors that are zero are counted apart, and make exactly the products that they are in zero.
    """
    first, last = np.broadcast_arrays(np.asarray(first), np.asarray(last))
    origin = layers[0] if layers.size else 0
    empty = last < first
    start = np.where(empty, 0, first - origin)
    stop = np.where(empty, 0, last + 1 - origin)
    mantissa: Floats = np.ones(first.shape)
    exponent: Integers = np.zeros(first.shape, np.int64)
    for factor in factors:
        values = np.broadcast_to(factor, (*np.shape(factor)[:-1], layers.size))
        zeros = values == 0
        m, e, c = _prefix(np.where(zeros, 1.0, values))
        count = _from_zero(np.cumsum(zeros, axis=-1))
        ratio = m[..., stop] / m[..., start] * (1 + (c[..., stop] - c[..., start]))
        mantissa = mantissa * np.where(count[..., stop] > count[..., start], 0.0, ratio)
        exponent = exponent + (e[..., stop] - e[..., start])
    return _normalised(mantissa, exponent)


def times(*parts: Any) -> Floats:
    """Return the product of scaled numbers and arrays; it overflows to infinity only where the result does."""
    mantissa: Floats = np.ones(())
    exponent: Integers = np.zeros((), np.int64)
    for part in parts:
        scaled = part if isinstance(part, Scaled) else _normalised(np.asarray(part, float), np.zeros((), np.int64))
        mantissa, shift = np.frexp(mantissa * scaled.mantissa)
        exponent = exponent + scaled.exponent + shift
    # Beyond these the result is infinite or zero anyway; ldexp takes a C int.
    return np.ldexp(mantissa, np.clip(exponent, -3000, 3000).astype(np.int32))


def _prefix(values: Floats) -> tuple[Floats, Integers, Floats]:
    """Return all running products of non-zero values, from none of them to all, on the last axis.

    The k-th is ``mantissa * (1 + correction) * 2^exponent``, to first order in the rounding errors.
    """
    exponent = _from_zero(np.rint(np.cumsum(np.log2(np.abs(values)), axis=-1)).astype(np.int64))
    # Powers of two, exact, that keep every running product near 1.
    factors = np.ldexp(values, -np.diff(exponent, axis=-1).astype(np.int32))
    product: Floats = np.concatenate([np.ones((*values.shape[:-1], 1)), factors], axis=-1)
    np.multiply.accumulate(product, axis=-1, out=product)
    error = _product_error(product[..., :-1], factors, product[..., 1:]) / product[..., 1:]
    return product, exponent, _from_zero(np.cumsum(error, axis=-1))


def _product_error(x: Floats, y: Floats, rounded: Floats) -> Floats:
    """Return ``x y - rounded`` exactly, where ``rounded`` is x y in float64 (Dekker 1971)."""
    x_high = _high_half(x)
    y_high = _high_half(y)
    x_low, y_low = x - x_high, y - y_high
    return ((x_high * y_high - rounded) + x_high * y_low + x_low * y_high) + x_low * y_low


def _high_half(x: Floats) -> Floats:
    big = _SPLITTER * x
    return big - (big - x)


def _normalised(mantissa: Floats, exponent: Integers) -> Scaled:
    m, shift = np.frexp(mantissa)
    return Scaled(m, exponent + shift)


def _from_zero(values: Any) -> Any:
    return np.concatenate([np.zeros((*values.shape[:-1], 1), values.dtype), values], axis=-1)
