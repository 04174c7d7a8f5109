"""Closed forms as kernels, evaluated with a running bound on their rounding error.

A closed form that is exact may still be useless in floating point (1 - exp(-2q) at q = 1e-12). So every operation
carries the bound of what rounding did so far, and only values with a small bound are used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.special
from sympy import Add, Expr, Mul, Pow, Symbol, asin, atan, cos, erf, erfc, exp, sin

from derive.activations import Activation
from derive.gaussian import NoClosedForm, gaussian_expectation
from derive.gaussian.functions import NormalDensity, OwensT, Phi
from numerics.maps.functions import Array
from numerics.maps.line import EPS

Q = Symbol("q", positive=True)
C = Symbol("c", real=True)
_V = Symbol("y", real=True)


class Bounded(NamedTuple):
    """Values, and a first-order bound on the absolute error of each."""

    value: Array
    error: Array


class NotSupported(Exception):
    """An expression holds a function that has no rule here."""


@lru_cache(maxsize=512)
def closed_form(activation: Activation, what: str) -> Expr | None:
    """Return the closed form of a map in the variance `Q` (and the covariance `C`), or None where there is none.

    ``what`` is one of mean, second, slope_second, second_slope, covariance. It is the result of a derivation.
    """
    x = activation.symbol
    f, slope = activation.expression, activation.derivative
    if activation.jumps and what == "slope_second":
        return None
    try:
        if what == "mean":
            return gaussian_expectation(f, {x: (0, Q)}).result
        if what == "second":
            return gaussian_expectation(f**2, {x: (0, Q)}).result
        if what == "slope_second":
            return gaussian_expectation(slope**2, {x: (0, Q)}).result
        if what == "second_slope":
            second = closed_form(activation, "second")
            return None if second is None else second.diff(Q)
        return gaussian_expectation(f * f.subs(x, _V), (x, _V), covariance=[[Q, C], [C, Q]]).result
    except NoClosedForm:
        return None


def evaluate(e: Expr, at: Mapping[Symbol, Bounded]) -> Bounded:
    """Return the values of an expression and bounds on their rounding errors.

    Raises `NotSupported` for a function without a rule.
    """
    with np.errstate(all="ignore"):
        return _evaluate(e, at)


def _evaluate(e: Expr, at: Mapping[Symbol, Bounded]) -> Bounded:
    if e.is_Symbol:
        return at[e]
    if not e.free_symbols:
        number = float(e)
        return Bounded(np.array(number), np.array(abs(number) * EPS if not e.is_Integer else 0.0))
    args = [_evaluate(a, at) for a in e.args if not isinstance(e, Pow)]
    if isinstance(e, Add):
        total, error = np.zeros(()), np.zeros(())
        for term in args:
            total = total + term.value
            error = error + term.error + EPS * np.abs(total)
        return Bounded(total, error)
    if isinstance(e, Mul):
        product = np.ones(())
        error = np.zeros(())
        for factor in args:
            error = error * np.abs(factor.value) + np.abs(product) * factor.error + error * factor.error
            product = product * factor.value
            error = error + EPS * np.abs(product)
        return Bounded(product, error)
    if isinstance(e, Pow):
        return _power(_evaluate(e.base, at), e.exp)
    if isinstance(e, OwensT):
        h, a = args
        value = scipy.special.owens_t(h.value, a.value)
        slope = np.exp(-0.5 * h.value**2) / 2 / np.pi
        by_a = np.exp(-0.5 * h.value**2 * (1 + a.value**2)) / (1 + a.value**2) / (2 * np.pi)
        return Bounded(value, slope * h.error + by_a * a.error + 8 * EPS * np.abs(value))
    for kind, (value_of, slope_of) in _UNARY.items():
        if isinstance(e, kind):
            (u,) = args
            value = value_of(u.value)
            return Bounded(value, np.abs(slope_of(u.value)) * u.error + 4 * EPS * np.abs(value))
    raise NotSupported(type(e).__name__)


def _power(base: Bounded, exponent: Expr) -> Bounded:
    if not exponent.is_Rational:
        raise NotSupported("Pow")
    p = float(exponent)
    value = np.sqrt(base.value) if p == 0.5 else base.value**p
    slope = p * base.value ** (p - 1)
    # A square root of what may be zero is off by as much as the root of the error.
    jump = np.abs(base.error) ** min(p, 1.0) if 0 < p < 1 else np.inf
    error = np.minimum(np.abs(slope) * base.error, jump)
    error = np.where(base.error == 0, 0.0, error)
    return Bounded(value, error + 2 * EPS * np.abs(value))


_ROOT_PI = np.sqrt(np.pi)
_UNARY: dict[type, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    exp: (np.exp, np.exp),
    sin: (np.sin, np.cos),
    cos: (np.cos, np.sin),
    atan: (np.arctan, lambda u: 1 / (1 + u * u)),
    asin: (np.arcsin, lambda u: 1 / np.sqrt((1 - u) * (1 + u))),
    erf: (scipy.special.erf, lambda u: 2 / _ROOT_PI * np.exp(-u * u)),
    erfc: (scipy.special.erfc, lambda u: 2 / _ROOT_PI * np.exp(-u * u)),
    Phi: (scipy.special.ndtr, lambda u: np.exp(-0.5 * u * u) / np.sqrt(2 * np.pi)),
    NormalDensity: (lambda u: np.exp(-0.5 * u * u) / np.sqrt(2 * np.pi), lambda u: 0.25 + 0 * u),
}
