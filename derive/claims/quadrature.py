"""High-precision numbers for claims: Gaussian means of any activation, and its edge of chaos, by mpmath."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import mpmath
from sympy import Expr, Float, Symbol, lambdify, sqrt

from derive.activations import Activation, activation

DIGITS = 30
_REACH = 14
_Q = Symbol("q", positive=True)


def _function(expression: Expr, symbol: Symbol) -> Callable[[mpmath.mpf], mpmath.mpf]:
    compiled: Callable[[mpmath.mpf], mpmath.mpf] = lambdify(symbol, expression, modules="mpmath")
    return compiled


def gaussian_mean(g: Callable[[mpmath.mpf], mpmath.mpf], kinks: tuple[float, ...] = ()) -> mpmath.mpf:
    """Return E[g(z)] for z ~ N(0, 1) to about 30 digits, split where g has a kink.

    The tails beyond 14 standard deviations weigh less than 1e-43.
    """
    cuts = sorted({-_REACH, -6, -2, 0, 2, 6, _REACH, *(k for k in kinks if abs(k) < _REACH)})
    with mpmath.workdps(DIGITS + 15):
        value = mpmath.quad(lambda z: g(z) * mpmath.npdf(z), cuts)
    return +value


@cache
def mean(name: str, power: int = 1) -> Float:
    """Return E[phi(z)^power] for an activation of the catalogue and z ~ N(0, 1)."""
    phi = activation(name)
    f = _function(phi.expression, phi.symbol)
    return _float(gaussian_mean(lambda z: f(z) ** power, _kinks(phi)))


def standard_deviation(name: str) -> Float:
    """Return the standard deviation of phi(z) for z ~ N(0, 1)."""
    return sqrt(mean(name, 2) - mean(name, 1) ** 2)


def edge_of_chaos(name: str, bias_variance: Expr, start: tuple[float, float]) -> Float:
    """Return the weight variance at which chi_perp = 1 at a fixed point of the length map.

    Solves q = sigma_w^2 E[phi(sqrt(q) z)^2] + sigma_b^2 and sigma_w^2 E[phi'(sqrt(q) z)^2] = 1 from a starting point.
    """
    phi = activation(name)
    f, slope = _function(phi.expression, phi.symbol), _function(phi.derivative, phi.symbol)
    kinks = _kinks(phi)
    with mpmath.workdps(DIGITS):
        b = mpmath.mpf(bias_variance.p) / bias_variance.q

        def equations(w: mpmath.mpf, q: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
            root = mpmath.sqrt(q)
            scaled = tuple(k / float(root) for k in kinks)
            length = w * gaussian_mean(lambda z: f(root * z) ** 2, scaled) + b - q
            return length, w * gaussian_mean(lambda z: slope(root * z) ** 2, scaled) - 1

        solution = mpmath.findroot(equations, start, tol=mpmath.mpf(10) ** -20)
    return _float(solution[0])


def _kinks(phi: Activation) -> tuple[float, ...]:
    return tuple(float(k) for k in phi.kinks)


def _float(value: mpmath.mpf) -> Float:
    return Float(mpmath.nstr(value, DIGITS), DIGITS)
