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
    out = np.empty((len(exponents), *x.shape[1:]))
    found: dict[Power, Floats] = {(0,) * len(x): np.ones(x.shape[1:])}

    def made(e: Power) -> Floats:
        if e not in found:
            k = max(place for place, power in enumerate(e) if power)
            found[e] = made((*e[:k], e[k] - 1, *e[k + 1 :])) * x[k]
        return found[e]

    for row, e in enumerate(exponents):
        out[row] = made(e)
    return out


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
    one = times(_by_degree(unit), _by_degree(shift), variables)
    cumulants = [part * float(units) ** (1 - k) for k, part in enumerate(_logarithm(one, variables))]
    found = np.zeros_like(raw)
    for k, part in enumerate(_exponential(cumulants, variables)):
        for e, values in zip(_of_degree(k, variables), part, strict=True):
            found[e] = values * _factorial(e)
    return found


Parts = list[Floats]
"""A series by total degree: of each, its coefficients in the order of `_of_degree`, of shape (monomials, points)."""


@lru_cache
def _of_degree(degree: int, variables: int) -> tuple[Power, ...]:
    return tuple(e for e in powers(degree, variables) if sum(e) == degree)


def _by_degree(series: Floats) -> Parts:
    variables = series.ndim - 1
    return [np.stack([series[e] for e in _of_degree(k, variables)]) for k in range(len(series))]


def _logarithm(series: Parts, variables: int) -> Parts:
    """Return the logarithm of a series that starts with 1; of degree n it takes n L_n = n S_n - sum_k k L_k S_(n-k)."""
    found = [np.zeros_like(series[0])]
    for n in range(1, len(series)):
        found.append(
            series[n] - sum(_product(found[k], series[n - k], k, n - k, variables) * (k / n) for k in range(1, n))
        )
    return found


def _exponential(series: Parts, variables: int) -> Parts:
    """Return the exponential of a series that starts with 0; of degree n it takes n E_n = sum_k k S_k E_(n-k)."""
    found = [np.ones_like(series[0])]
    for n in range(1, len(series)):
        found.append(
            series[n] + sum(_product(series[k], found[n - k], k, n - k, variables) * (k / n) for k in range(1, n))
        )
    return found


def times(a: Parts, b: Parts, variables: int) -> Parts:
    """Return the product of two series, to their degree."""
    nothing = np.zeros_like(a[0][0])
    return [sum((_product(a[k], b[n - k], k, n - k, variables) for k in range(n + 1)), nothing) for n in range(len(a))]


def _product(a: Floats, b: Floats, first: int, second: int, variables: int) -> Floats:
    """Return the product of parts of two degrees."""
    if len(a) > len(b):
        a, b, first, second = b, a, second, first
    out = np.zeros((len(_of_degree(first + second, variables)), *np.broadcast_shapes(a.shape[1:], b.shape[1:])))
    for values, places in zip(a, _places(first, second, variables), strict=True):
        out[places] += values * b
    return out


@lru_cache
def _places(first: int, second: int, variables: int) -> tuple[NDArray[np.intp], ...]:
    """Return, for each monomial of one degree, where its products with those of another are."""
    at = {e: place for place, e in enumerate(_of_degree(first + second, variables))}
    return tuple(
        np.array([at[tuple(p + q for p, q in zip(e, f, strict=True))] for f in _of_degree(second, variables)])
        for e in _of_degree(first, variables)
    )


def _factorial(e: Power) -> int:
    return math.prod(map(math.factorial, e))
