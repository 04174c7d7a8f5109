"""A derived expression with Gaussian expectations as numbers: the expectations first, then what is made of them.

Nothing of a formula is typed here: the value and its bound come from reading the expression by discs, in which each
expectation stands with its own error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from sympy import Dummy, Expr, Symbol

from derive.gaussian import GaussianExpectation
from derive.quadrature import Bounded
from derive.quadrature.discs import Disc
from derive.quadrature.reading import Reading
from numerics.maps.values import Array

Values = Mapping[Symbol, Any]
"""Arrays, or discs of what is not exact."""


@lru_cache(maxsize=1024)
def _parts(e: Expr) -> tuple[tuple[tuple[GaussianExpectation, Symbol], ...], Reading]:
    """The expectations of an expression with a stand-in for each, and the reading of the rest."""
    nodes = sorted(e.atoms(GaussianExpectation), key=str)
    names = {node: Dummy(f"expectation_{n}", real=True) for n, node in enumerate(nodes)}
    return tuple(names.items()), Reading([e.xreplace(names)])


def _nothing(*_: Any) -> Bounded:
    return Bounded(np.nan, np.inf)


def evaluate(e: Expr, at: Values, expectation: Callable[[GaussianExpectation, Values], Bounded] = _nothing) -> Bounded:
    """Return the value of an expression where its symbols have the values ``at``, which broadcast.

    Raises `CannotRead` for a function without a rule.
    """
    nodes, reading = _parts(e)
    found = [expectation(node, at) for node, _ in nodes]
    given = {s: v if isinstance(v, Disc) else exactly(v) for s, v in at.items()}
    given |= {name: Disc(b.value, b.error) for (_, name), b in zip(nodes, found, strict=True)}
    ((mid, rad),), _ = reading(given)
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
    method = found[0].method
    return Bounded(mid, rad, np.broadcast_to(method, shape) if method.shape != shape else method, reason)


def number(e: Expr, at: Values) -> Array:
    """Return the value of an expression without expectations."""
    if e in at:
        return np.asarray(at[e], dtype=np.float64)
    return evaluate(e, at).value


def exactly(values: Any) -> Disc:
    """Numbers without an error."""
    return Disc(np.asarray(values, np.float64), np.zeros(np.shape(values)))
