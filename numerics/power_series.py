"""Truncated power series in several variables, of many points at once: from one unit's moments to those of a mean.

A series of degree d in k variables is an array of shape (d + 1,)^k + (points,), without the last for one point; powers
beyond the degree are 0.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Power = tuple[int, ...]


@lru_cache
def powers(degree: int, variables: int = 3) -> tuple[Power, ...]:
    """Return the exponents of all monomials up to a degree."""
    return tuple(e for e in product(range(degree + 1), repeat=variables) if sum(e) <= degree)


def monomials(x: Floats, exponents: tuple[Power, ...]) -> Floats:
    """Return the monomials of variables x, of shape (k, ...), by exponents: of shape (monomials, ...)."""
    tables = []
    for values, most in zip(x, np.max(exponents, axis=0), strict=True):
        tables.append([np.ones_like(values)])
        for _ in range(most):
            tables[-1].append(tables[-1][-1] * values)
    return np.stack([math.prod(t[k] for t, k in zip(tables, e, strict=True)) for e in exponents])


def mean_of_units(raw: Floats, units: int, centre: Floats, scale: Floats) -> Floats:
    """Return the moments of ``(v - centre)/scale`` for the mean v of independent units, from one unit's raw moments.

    ``raw`` is of shape (d + 1,)^k + (points,), ``centre`` and ``scale`` are (k, points). The logarithm of the moment
    generating function of a mean over N units is ``N K(t/N)``, with the cumulants K of one.
    """
    degree, variables = raw.shape[0] - 1, raw.ndim - 1
    unit, shift = np.zeros_like(raw), np.zeros_like(raw)
    for e in powers(degree, variables):
        by = _factorial(e)
        unit[e] = raw[e] / math.prod(s**k for s, k in zip(scale, e, strict=True)) / by
        shift[e] = math.prod((-c / s) ** k for c, s, k in zip(centre, scale, e, strict=True)) / by
    unit = times(unit, shift, variables)
    one = (0,) * variables
    unit[one] = 0.0
    cumulants, power = unit.copy(), unit
    for order in range(2, degree + 1):
        power = times(power, unit, variables)
        cumulants += (-1) ** (order + 1) / order * power
    for e in powers(degree, variables):
        cumulants[e] *= float(units) ** (1 - sum(e))
    found, power = cumulants.copy(), cumulants
    for order in range(2, degree + 1):
        power = times(power, cumulants, variables) / order
        found += power
    found[one] = 1.0
    for e in powers(degree, variables):
        found[e] *= _factorial(e)
    return found


def _factorial(e: Power) -> int:
    return math.prod(map(math.factorial, e))


def times(a: Floats, b: Floats, variables: int) -> Floats:
    """Return the product of two series, to their degree."""
    size, out = len(a), np.zeros_like(a)
    for e in powers(size - 1, variables):
        out[tuple(slice(k, None) for k in e)] += a[e] * b[tuple(slice(size - k) for k in e)]
    out[np.indices(a.shape[:variables]).sum(axis=0) >= size] = 0.0
    return out
