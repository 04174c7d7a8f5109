"""Expectations of one unit, E[g(s)] for s ~ N(0, q), with proved bounds, for arrays of variances."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from sympy import DiracDelta, Expr, Symbol

from derive.activations import Activation
from derive.quadrature import Bounded, CannotRead, Line
from derive.quadrature.digits import many_digits
from derive.quadrature.discs import EPS
from derive.quadrature.signs import split_deltas
from numerics.maps.values import Array

_GOOD = 1e-12

_MOST, _DIGITS = 12, 20
_LOT = 512
"""Variances that are integrated at once."""


@lru_cache(maxsize=512)
def _split(g: Expr, s: Symbol) -> tuple[Line, tuple[tuple[float, float], ...]]:
    """G as a function and the deltas h(p) δ(s - p) in it, as pairs p, h(p)."""
    smooth, deltas = split_deltas(g)
    found = []
    for form, weight in deltas:
        slope = form.coeff(s)
        p = -form.coeff(s, 0) / slope
        found.append((float(p), float(weight.subs(s, p) / abs(slope))))
    return Line([smooth], s), tuple(found)


@lru_cache(maxsize=512)
def _is_odd(g: Expr, s: Symbol) -> bool:
    return not g.has(DiracDelta) and Activation("g", g, symbol=s).is_odd


def _in_many_digits(line: Line, q: Array, value: Array, error: Array, good: float) -> None:
    """Integrands that cancel (s - tanh s near 0) in more digits than floats have, for a few variances."""
    with np.errstate(invalid="ignore"):
        poor = np.flatnonzero(np.isfinite(value) & ~(error <= good * np.abs(value)))
    if len(poor) > _MOST:
        return
    for n in poor:
        found = many_digits(line, 0.0, float(q[n]), _DIGITS)
        if found is not None and found.error + EPS * abs(found.value) < error[n]:
            value[n], error[n] = float(found.value), float(found.error) + EPS * float(abs(found.value))


def expectation(g: Expr, s: Symbol, q: Array, good: float = _GOOD) -> Bounded:
    """Return E[g(s)] for s ~ N(0, q) at each variance q; deltas in g count with the density there.

    A few numbers with a relative error above ``good`` are computed in many digits.
    Where g has a function that cannot be bounded the error is infinite, and the reason is given.
    """
    if _is_odd(g, s):
        return Bounded(np.zeros(q.shape), np.zeros(q.shape), "parity")
    distinct, where = np.unique(q, return_inverse=True)
    value, error, reason = np.full(distinct.shape, np.nan), np.full(distinct.shape, np.inf), ""
    try:
        line, deltas = _split(g, s)
    except CannotRead as why:
        return Bounded(np.full(q.shape, np.nan), np.full(q.shape, np.inf), reason=f"nothing bounds {why}")
    for start in range(0, distinct.size, _LOT):
        part = slice(start, start + _LOT)
        (found,) = line(0.0, distinct[part])
        value[part], error[part], reason = found.value, found.error, found.reason or reason
    _in_many_digits(line, distinct, value, error, good)
    with np.errstate(all="ignore"):
        for p, weight in deltas:
            height = weight * np.exp(-0.5 * p * p / distinct) / np.sqrt(2 * np.pi * distinct)
            value = value + height
            error = error + 4 * EPS * np.abs(height) * (1 + p * p / distinct)
    shape = q.shape
    return Bounded(value[where.ravel()].reshape(shape), error[where.ravel()].reshape(shape), reason=reason)
