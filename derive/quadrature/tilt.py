"""An exponential of a quadratic polynomial times the density of a Gaussian is a number times another such density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sympy as sp
from mpmath import mp


class Tilted(NamedTuple):
    """E[g] = factor · E[rest] under the law (mean, covariance), in mpmath."""

    factor: Any
    rest: sp.Expr
    mean: list[Any]
    covariance: list[list[Any]]


def tilted(g: sp.Expr, variables: Sequence[sp.Symbol], mean: Sequence[Any], covariance: Any) -> Tilted | None:
    """Take the exponentials of at most quadratic polynomials out of a product; None where there are none.

    Where they leave no Gaussian density, or the covariance is singular, None as well.
    """
    taken = _exponentials(g, variables)
    if not taken:
        return None
    total = sp.Poly(sp.expand(sp.Add(*(f.args[0] for f in taken))), *variables)
    n = len(variables)
    rest = sp.Mul(*(f for f in sp.Mul.make_args(g) if f not in taken))
    m, C = mp.matrix(list(mean)), mp.matrix(covariance)
    if mp.det(C) <= 0:
        return None
    P = C**-1
    slope, square = mp.matrix(n, 1), mp.matrix(n, n)
    for k in range(n):
        slope[k] = _number(total.coeff_monomial(variables[k]))
        for j in range(n):
            square[k, j] = _number(total.coeff_monomial(variables[k] * variables[j])) * (2 if j == k else 1)
    left = P - square
    if any(mp.det(left[: k + 1, : k + 1]) <= 0 for k in range(n)):
        return None
    new = left**-1
    centre = new * (P * m + slope)
    start = _number(total.coeff_monomial(1))
    power = start + ((centre.T * left * centre)[0] - (m.T * P * m)[0]) / 2
    factor = mp.exp(power) * mp.sqrt(mp.det(P) / mp.det(left))
    return Tilted(factor, rest, list(centre), [[new[i, j] for j in range(n)] for i in range(n)])


def _exponentials(g: sp.Expr, variables: Sequence[sp.Symbol]) -> list[sp.Expr]:
    found = []
    for f in sp.Mul.make_args(g):
        if isinstance(f, sp.exp) and f.args[0].is_polynomial(*variables):
            own = sp.Poly(f.args[0], *variables)
            if 1 <= own.total_degree() <= 2:
                found.append(f)
    return found


def _number(e: sp.Expr) -> Any:
    return mp.mpf(sp.Float(e, mp.dps)._mpf_)
