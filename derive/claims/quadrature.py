"""High-precision numbers for claims: Gaussian means of any activation, and its edge of chaos, by mpmath."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import mpmath
from sympy import Expr, Float, Symbol, lambdify, sqrt

from derive.activations import Activation, activation
from derive.errors import InputError

DIGITS = 30
_REACH = 14
_EDGE_DIGITS = 15
"""Digits of an edge of chaos; where its equation changes sign shows in five."""


def _function(expression: Expr, symbol: Symbol) -> Callable[[mpmath.mpf], mpmath.mpf]:
    compiled: Callable[[mpmath.mpf], mpmath.mpf] = lambdify(symbol, expression, modules="mpmath")
    return compiled


def gaussian_mean(
    g: Callable[[mpmath.mpf], mpmath.mpf], kinks: tuple[float, ...] = (), *, digits: int = DIGITS
) -> mpmath.mpf:
    """Return E[g(z)] for z ~ N(0, 1) to about so many digits (at most 40), split where g has a kink.

    The tails beyond 14 standard deviations weigh less than 1e-43.
    """
    cuts = sorted({-_REACH, -6, -2, 0, 2, 6, _REACH, *(k for k in kinks if abs(k) < _REACH)})
    with mpmath.workdps(digits + digits // 2):
        return mpmath.quad(lambda z: g(z) * mpmath.exp(-z * z / 2), cuts) / mpmath.sqrt(2 * mpmath.pi)


@cache
def mean(name: str, power: int = 1) -> Float:
    """Return E[phi(z)^power] for an activation of the catalogue and z ~ N(0, 1)."""
    phi = activation(name)
    f = _function(phi.expression, phi.symbol)
    return _float(gaussian_mean(lambda z: f(z) ** power, _kinks(phi)))


def standard_deviation(name: str) -> Float:
    """Return the standard deviation of phi(z) for z ~ N(0, 1)."""
    return sqrt(mean(name, 2) - mean(name, 1) ** 2)


@cache
def edge_of_chaos(name: str, bias_variance: Expr) -> Float:
    """Return the smallest weight variance at which chi_perp = 1 at a fixed point of the length map.

    With sigma_w^2 = 1/E[phi'^2] the fixed point solves q = E[phi^2]/E[phi'^2] + sigma_b^2, means over N(0, q): one
    equation, whose roots are bracketed on a grid from sigma_b^2 up and then refined.
    """
    phi = activation(name)
    f, slope = _function(phi.expression, phi.symbol), _function(phi.derivative, phi.symbol)
    b = mpmath.mpf(bias_variance.p) / bias_variance.q

    def means(q: mpmath.mpf, digits: int) -> tuple[mpmath.mpf, mpmath.mpf]:
        root = mpmath.sqrt(q)
        scaled = tuple(k / float(root) for k in _kinks(phi))
        square = gaussian_mean(lambda z: f(root * z) ** 2, scaled, digits=digits)
        return square, gaussian_mean(lambda z: slope(root * z) ** 2, scaled, digits=digits)

    def gap(q: mpmath.mpf, digits: int = _EDGE_DIGITS + 3) -> mpmath.mpf:
        square, squared_slope = means(q, digits)
        return square / squared_slope + b - q

    found = []
    with mpmath.workdps(15):
        grid = [b * mpmath.mpf(10) ** (mpmath.mpf(k) / 4) for k in range(13)]
        signs = [gap(q, 5) for q in grid]
    for low, high, left, right in zip(grid, grid[1:], signs, signs[1:], strict=False):
        if left * right < 0:
            with mpmath.workdps(_EDGE_DIGITS + 5):
                q = mpmath.findroot(gap, (low, high), solver="anderson", tol=1e-18, verify=False)
                found.append(1 / means(q, _EDGE_DIGITS + 3)[1])
    if not found:
        raise InputError(f"no edge of chaos of {name} was found for bias variance {bias_variance}")
    return _float(min(found), _EDGE_DIGITS)


def _kinks(phi: Activation) -> tuple[float, ...]:
    return tuple(float(k) for k in phi.kinks)


def _float(value: mpmath.mpf, digits: int = DIGITS) -> Float:
    return Float(mpmath.nstr(value, digits), digits)
