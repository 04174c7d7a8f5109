"""A derived expression as numbers: the expectations in it first, then what is made of them.

Nothing of a formula is typed here: the value and its bound come from reading the expression by discs, in which each
expectation stands with its own error.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from derive.quadrature import Bounded
from derive.quadrature.discs import Disc
from derive.quadrature.reading import Reading
from numerics.maps.values import Array

Values = Mapping[Symbol, Any]
"""Arrays, or discs of what is not exact."""

_NONE: Mapping[Symbol, Bounded] = MappingProxyType({})


@lru_cache(maxsize=1024)
def _reading(e: Expr) -> Reading:
    return Reading([e])


def evaluate(e: Expr, at: Values, expectations: Mapping[Symbol, Bounded] = _NONE) -> Bounded:
    """Return the value of an expression where its symbols have the values ``at``, which broadcast.

    ``expectations`` are what stand-ins in it stand for. Raises `CannotRead` for a function without a rule.
    """
    found = list(expectations.values())
    given = {s: v if isinstance(v, Disc) else exactly(v) for s, v in at.items()}
    given |= {name: Disc(b.value, b.error) for name, b in expectations.items()}
    ((mid, rad),), _ = _reading(e)(given)
    shape = np.broadcast_shapes(*(d.mid.shape for d in given.values()))
    mid, rad = (np.broadcast_to(part, shape).copy() for part in (mid, rad))
    # An expectation that diverges has the error 0, one that is beyond float64 has an infinite one.
    known = np.full(shape, bool(found))
    for b in found:
        known &= np.isfinite(b.error)
    rad[np.isinf(mid) & known] = 0.0
    rad[np.isinf(mid) & ~known] = np.inf
    rad[np.isnan(mid)] = np.inf
    reason = next((b.reason for b in found if b.reason), "")
    if len(found) != 1:
        methods = {str(m) for b in found for m in np.unique(b.method.astype(str))}
        return Bounded(mid, rad, methods.pop() if len(methods) == 1 else "quadrature", reason)
    return Bounded(mid, rad, np.broadcast_to(found[0].method, shape), reason)


def number(e: Expr, at: Values) -> Array:
    """Return the value of an expression without expectations."""
    if e in at:
        return np.asarray(at[e], dtype=np.float64)
    return evaluate(e, at).value


def exactly(values: Any) -> Disc:
    """Numbers without an error."""
    return Disc(np.asarray(values, np.float64), np.zeros(np.shape(values)))
