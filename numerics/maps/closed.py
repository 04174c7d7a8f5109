"""Closed forms of the maps in the variance and the covariance."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr

from derive.activations import Activation
from derive.gaussian import NoClosedForm, gaussian_expectation
from derive.maps import symbols

Q, C = symbols.q, symbols.c


@lru_cache(maxsize=512)
def closed_form(activation: Activation, what: str) -> Expr | None:
    """Return the closed form of a map in the variance `Q` (and the covariance `C`), or None where there is none.

    ``what`` is one of mean, second, slope_second, second_slope, covariance. It is the result of a derivation.
    """
    x = activation.symbol
    f = activation.expression
    if activation.jumps and what == "slope_second":
        return None
    try:
        if what == "mean":
            return gaussian_expectation(f, {x: (0, Q)}).result
        if what == "second":
            return gaussian_expectation(f**2, {x: (0, Q)}).result
        if what == "slope_second":
            return gaussian_expectation(activation.squared_derivative, {x: (0, Q)}).result
        if what == "second_slope":
            second = closed_form(activation, "second")
            return None if second is None else second.diff(Q)
        pair = symbols.x, symbols.y
        return gaussian_expectation(f.subs(x, pair[0]) * f.subs(x, pair[1]), pair, covariance=[[Q, C], [C, Q]]).result
    except NoClosedForm:
        return None
