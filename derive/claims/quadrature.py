"""Numbers for claims: the edge of chaos of an activation, by Gaussian means to many digits, of proved error."""

from __future__ import annotations

from functools import cache
from typing import Any

import mpmath
from sympy import Expr, Float

from derive.activations import activation
from derive.errors import InputError

DIGITS = 30
_EDGE_DIGITS, _WORKING = 15, 20
_NEAR = 1e-12
"""As near as float64 finds the root of a difference of means, with room."""


@cache
def _line(name: str, slope: bool, power: int) -> Any:
    from derive.quadrature import Line

    phi = activation(name)
    return Line([(phi.derivative if slope else phi.expression) ** power], phi.symbol)


def gaussian_mean(name: str, power: int, *, slope: bool = False, variance: Any = 1, digits: int = DIGITS) -> mpmath.mpf:
    """Return E[phi(z)^power] (``slope``: of phi') for z ~ N(0, variance) and an activation of the catalogue."""
    from derive.quadrature.digits import many_digits

    found = many_digits(_line(name, slope, power), 0.0, variance, digits)
    if found is None:
        raise InputError(f"the mean of {name} to the power {power} is not known to {digits} digits")
    return found.value


@cache
def edge_of_chaos(name: str, bias_variance: Expr) -> Float:
    """Return the smallest weight variance at which chi_perp = 1 at a fixed point of the length map.

    With sigma_w^2 = 1/E[phi'^2] the fixed point solves q = E[phi^2]/E[phi'^2] + sigma_b^2, means over N(0, q): one
    equation, whose roots are bracketed on a grid from sigma_b^2 up and then refined.
    """
    b = mpmath.mpf(bias_variance.p) / bias_variance.q

    def gap(q: Any) -> Any:
        square, slope = (_line(name, s, 2)(0.0, q)[0].value for s in (False, True))
        return square / slope + float(b) - q

    def precise_gap(q: mpmath.mpf) -> mpmath.mpf:
        square, slope = (gaussian_mean(name, 2, slope=s, variance=q, digits=_WORKING) for s in (False, True))
        return square / slope + b - q

    grid = [float(b) * 10 ** (k / 4) for k in range(13)]
    signs = gap(grid)
    found = []
    for low, high, left, right in zip(grid, grid[1:], signs, signs[1:], strict=False):
        if left * right < 0:
            near = mpmath.fp.findroot(gap, (low, high), solver="anderson", tol=1e-13, verify=False)
            with mpmath.workdps(_WORKING):
                q = mpmath.findroot(precise_gap, (near * (1 + _NEAR), near), tol=1e-36)
            found.append(1 / gaussian_mean(name, 2, slope=True, variance=q, digits=_WORKING))
    if not found:
        raise InputError(f"no edge of chaos of {name} was found for bias variance {bias_variance}")
    return _float(min(found), _EDGE_DIGITS)


def _float(value: mpmath.mpf, digits: int = DIGITS) -> Float:
    return Float(mpmath.nstr(value, digits), digits)
