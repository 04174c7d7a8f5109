"""What is carried of two samples' Gram matrix in a homogeneous layer, read from the theorem `angle-operator`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Poly, Rational, Symbol, lambdify, sqrt

from derive.rules.gram import Carried
from derive.theorems.angle import LAST_OF_ALL, operator, pair_sums
from numerics.power_series import Power

Floats = NDArray[np.float64]

_A, _B, _L = (Symbol(name, positive=True) for name in "ABL")
_C = Symbol("C", real=True)
_S, _DELTA, _D = _V = (Symbol("S", positive=True), Symbol("Delta", real=True), Symbol("D", positive=True))
"""(A + B)/2, (A - B)/2 and (A + B)/2 - C: what the means over a layer are given in."""


@dataclass(frozen=True, eq=False)
class Product:
    """A product P of A, B and C, the entries of a Gram matrix; E P over networks is ``weight m(t)`` of any layer's.

    By homogeneity ``weight`` is what P is of two like samples, C = sqrt(AB). ``alike`` is the mean of P where both
    samples are the first, or both the other; ``loss`` is that less P, as polynomials in `_V`: powers with factors.
    ``per_length`` is weight/sqrt(AB), of `_V` and sqrt(AB).
    """

    alike: Mapping[Power, float]
    loss: Mapping[Power, float]
    per_length: Callable[..., Floats]

    @property
    def degree(self) -> int:
        """How many entries the product has."""
        return max(map(sum, self.alike))

    def start(self, far: Floats) -> Floats:
        """Return (1 - P)/far for samples of length 1, with ``far`` = 1 - cos t."""
        return np.asarray(sum(c * far ** (k - 1) for (_, j, k), c in self.loss.items() if j == 0))


def mean(polynomial: Mapping[Power, float], moments: Floats) -> Floats:
    """Return the mean of a polynomial by the moments of v, a series."""
    return np.asarray(sum(c * moments[e] for e, c in polynomial.items()))


@lru_cache
def products() -> tuple[Product, ...]:
    """Return C, C² and C (A + B)/2: the first has the mean of a distance, all of them that of its square."""
    covariance, weight, mean = LAST_OF_ALL.rhs, _weight(), (_A + _B) * Rational(1, 2)
    return tuple(
        _product(p, w)
        for p, w in ((covariance, weight), (covariance**2, weight**2), (covariance * mean, weight * mean))
    )


def _weight() -> Expr:
    """Return the factor of m in the theorem's step, E[sqrt(alpha beta) m(t')]."""
    alpha, beta, _ = pair_sums(next(iter(operator().lhs.args[1:])))
    (carried,) = operator().rhs.atoms(Carried)
    (inner,) = (a.args[0] for a in operator().rhs.args if a.has(Carried))
    return (inner / carried).subs({alpha: _A, beta: _B})


def _product(product: Expr, weight: Expr) -> Product:
    first, other = (product.subs({_A: e, _B: e, _C: e}, simultaneous=True) for e in (_A, _B))
    entries = {_A: _S + _DELTA, _B: _S - _DELTA, _C: _S - _D}
    alike = ((first + other) / 2).subs(entries)
    per_length = lambdify((*_V, _L), (weight.subs(sqrt(_A) * sqrt(_B), _L) / _L).subs(entries), "numpy")
    return Product(_terms(alike), _terms(alike - product.subs(entries)), per_length)


def _terms(e: Expr) -> dict[Power, float]:
    return {power: float(c) for power, c in Poly(e, *_V).terms()}
