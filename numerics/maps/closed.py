"""Closed forms of the integrals of the maps, in the variance q and the covariance c."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr

from derive.activations import Activation
from derive.gaussian import NoClosedForm, gaussian_expectation
from derive.maps import symbols
from derive.maps.symbols import c, q


@lru_cache(maxsize=512)
def closed_form(activation: Activation, kind: str) -> Expr | None:
    """Return the closed form of an integral of `definitions`, by its kind, or None where there is none.

    It is the result of a derivation.
    """
    x, f = activation.symbol, activation.expression
    if kind == "second_slope":
        second = closed_form(activation, "second")
        return None if second is None else second.diff(q)
    if activation.jumps and kind == "slope_second":
        return None
    try:
        if kind == "covariance":
            pair = symbols.x, symbols.y
            return gaussian_expectation(
                f.subs(x, pair[0]) * f.subs(x, pair[1]), pair, covariance=[[q, c], [c, q]]
            ).result
        integrands = {"mean": f, "second": f**2, "slope_second": activation.squared_derivative}
        return gaussian_expectation(integrands[kind], {x: (0, q)}).result if kind in integrands else None
    except NoClosedForm:
        return None
