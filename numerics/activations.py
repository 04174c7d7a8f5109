"""Activations as NumPy functions that neither overflow nor lose digits.

All are printed by SymPy from the activation's own expression, as `derive.expressions.stable` rewrites it. Near 0
a Taylor polynomial, computed in 80 digits, stands in where that form loses digits (s - tanh s). The tests hold value
and derivative of every catalogue entry against mpmath.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sympy import DiracDelta, Expr, Rational, S, Symbol, lambdify, simplify

from derive.activations import Activation
from derive.errors import InputError
from derive.expressions.stable import in_floats, precise, sharing, stable
from numerics.accurate_functions import modules
from numerics.true_values import TrueValues, poor_zones, within

Floats = NDArray[np.float64]
Function = Callable[[ArrayLike], Floats]

HIGHEST_ORDER = 4
NEAR_ZERO = 0.2
"""Where |s| is at most this, a Taylor polynomial may stand for a formula that loses digits."""

# Where the value of a formula is compared with many digits, and how many digits it may lose.
_PROBES = (1e-7, 1e-5, 1e-3, 0.03, NEAR_ZERO)
_LOST = 1e-13
_TAYLOR_RADIUS, _TAYLOR_ORDER = 0.25, 26
_PROBE = Rational(17, 11)


@lru_cache(maxsize=256)
def stable_expression(activation: Activation, order: int = 0) -> Expr:
    """Return a derivative of f, away from kinks and jumps, in functions that stay accurate; at kinks PyTorch's f'."""
    if order == 0:
        return stable(activation.expression)
    return stable(_pointwise(stable_expression(activation, order - 1).diff(activation.symbol)))


@dataclass(frozen=True)
class Formula:
    """An expression that stays accurate, but for |s| <= `NEAR_ZERO` where there are Taylor coefficients."""

    expression: Expr
    taylor: tuple[float, ...] | None


@lru_cache(maxsize=256)
def formula(activation: Activation, order: int = 0) -> Formula:
    """Return the formula of a derivative of f that `numpy_function` compiles; it raises as that does."""
    if order not in range(HIGHEST_ORDER + 1):
        raise InputError(f"order must be from 0 to {HIGHEST_ORDER}, got {order}")
    if activation.free_parameters:
        free = ", ".join(map(str, activation.free_parameters))
        raise InputError(f"activation must have no free parameters to be evaluated, got {activation} with {free}")
    x, expression = activation.symbol, stable_expression(activation, order)
    smooth_at_zero = all(abs(float(p)) > 2 * _TAYLOR_RADIUS for p in activation.breakpoints)
    return Formula(expression, _taylor(expression, x) if smooth_at_zero and x in expression.free_symbols else None)


@lru_cache(maxsize=256)
def numpy_function(activation: Activation, order: int = 0) -> Function:
    """Return f (order 0), f' (1), f'' or more (up to 4, away from kinks) as a function from an array to float64.

    At kinks f' has PyTorch's value. Accuracy of the catalogue's entries for orders 0 and 1: within a few units in the
    last place of |g| + |s g'|, for g = f or f', for all finite s where float64 can hold the value.

    Raises:
        InputError: for an order outside 0..4 or an activation with free parameters.

    >>> from derive.activations import activation
    >>> numpy_function(activation("sigmoid"), 1)([-1000.0, 0.0, 1000.0])
    array([0.  , 0.25, 0.  ])

    """
    made = formula(activation, order)
    evaluate = _on_arrays(_printed(activation.symbol, made.expression))
    return _repaired(_corrected(evaluate, activation, order), made.taylor)


def value_and_derivative(activation: Activation) -> tuple[Function, Function]:
    """Return f and f' as functions of an array; see `numpy_function`."""
    return numpy_function(activation), numpy_function(activation, 1)


@lru_cache(maxsize=64)
def fast_value(activation: Activation) -> Callable[[NDArray[Any]], Any]:
    """Return f for large arrays of float64 or float32, each in its own precision; a number where f is constant."""
    function = _printed(activation.symbol, stable_expression(activation))
    return lambda s: _like(s, _quietly(function, s))


@lru_cache(maxsize=64)
def fast_value_and_derivative(activation: Activation) -> Callable[[NDArray[Any]], tuple[Any, Any]]:
    """Return f and f' at once, with what they share computed once (one tanh); f' to 20 roundings of max |f'|."""
    value, slope = stable_expression(activation), stable_expression(activation, 1)
    function = _printed(activation.symbol, (value, sharing(slope, value)))

    def both(s: NDArray[Any]) -> tuple[Any, Any]:
        f, df = _quietly(function, s)
        return _like(s, f), _like(s, df)

    return both


@lru_cache(maxsize=64)
def slopes(activation: Activation) -> tuple[float, float] | None:
    """Return c₊ and c₋ when ``f(s) = c₊ s`` for s > 0 and ``c₋ s`` for s < 0, read off its expression; else None.

    (1, 0) is ReLU, (1, a) leaky ReLU, (1, -1) the absolute value, (1, 1) the identity.
    """
    if not all(_straight(activation, side) for side in (1, -1)):
        return None
    p = Symbol("p", positive=True)
    up, down = (simplify(activation.expression.subs(activation.symbol, sign * p) / (sign * p)) for sign in (1, -1))
    constant = up.is_real and down.is_real and not (up.free_symbols | down.free_symbols)
    return (float(up), float(down)) if constant else None


def _straight(activation: Activation, side: int) -> bool:
    """Whether numbers leave it open that f(2 x) = 2 f(x) on this side of 0: a refutation is cheap, a proof is not."""
    once, twice = (activation.expression.subs(activation.symbol, side * x).evalf(30) for x in (_PROBE, 2 * _PROBE))
    difference = twice - 2 * once
    return not difference.is_number or bool(abs(difference) <= 1e-20 * abs(twice))


def _pointwise(e: Expr) -> Expr:
    """Drop the deltas that SymPy's derivative of a step puts at the jump."""
    return e.replace(DiracDelta, lambda *_: S.Zero)


def _printed(x: Symbol, expression: Any) -> Callable[..., Any]:
    several = isinstance(expression, tuple)
    floats = tuple(map(in_floats, expression if several else [expression]))
    function: Callable[..., Any] = lambdify(x, floats if several else floats[0], modules=modules(*floats), cse=True)
    return function


def _quietly(function: Callable[..., Any], values: NDArray[Any]) -> Any:
    # The branch that a point does not take may overflow.
    with np.errstate(all="ignore"):
        return function(values)


def _like(given: NDArray[Any], result: Any) -> Any:
    """In the precision of the argument: a Piecewise comes back in float64."""
    return result.astype(given.dtype, copy=False) if np.ndim(result) else result


def _on_arrays(function: Callable[..., Any]) -> Function:
    def evaluate(values: ArrayLike) -> Floats:
        x = np.asarray(values, dtype=np.float64)
        # Overflow to infinity and underflow to 0 are the right values of exp and of its reciprocal.
        with np.errstate(all="ignore"):
            result = np.asarray(function(x), dtype=np.float64)
        return np.array(np.broadcast_to(result, x.shape)) if result.shape != x.shape else result

    return evaluate


@lru_cache(maxsize=256)
def _poor_zones(activation: Activation, order: int) -> Floats:
    """Return where the formula loses digits: see `numerics.true_values.poor_zones`."""
    x, made = activation.symbol, formula(activation, order)
    slope = stable(_pointwise(made.expression.diff(x)))
    return poor_zones(made.expression, slope, x)


@lru_cache(maxsize=256)
def _true_values(activation: Activation, order: int) -> TrueValues:
    return TrueValues(formula(activation, order).expression, activation.symbol)


def _in_poor_zone(activation: Activation, order: int, s: Floats) -> NDArray[np.bool_]:
    near = np.abs(s) <= (NEAR_ZERO if formula(activation, order).taylor else -1)
    return np.asarray(within(_poor_zones(activation, order), s) & ~near)


def _corrected(evaluate: Function, activation: Activation, order: int) -> Function:
    """Return the function with true values where its formula loses digits, if it does."""
    if not _poor_zones(activation, order).size:
        return evaluate
    true_values = _true_values(activation, order)

    def corrected(values: ArrayLike) -> Floats:
        s = np.asarray(values, dtype=np.float64)
        value = evaluate(s)
        poor = _in_poor_zone(activation, order, s)
        if poor.any():
            value[poor] = true_values(s[poor], value[poor])
        return value

    return corrected


def _taylor(e: Expr, x: Symbol) -> tuple[float, ...] | None:
    """Return Taylor coefficients at 0 if the formula loses digits near it (s - tanh s), else None."""
    evaluate, exact = _on_arrays(_printed(x, e)), precise(e, x)
    try:
        with mpmath.workdps(40):
            truth = [float(exact(mpmath.mpf(p))) for p in _PROBES]
            found = evaluate(np.array(_PROBES))
            largest = max(abs(t) for t in truth)
            bad = any(abs(f - t) > _LOST * abs(t) and abs(t) < 0.1 * largest for f, t in zip(found, truth, strict=True))
            if not bad:
                return None
            with mpmath.workdps(80):
                taylor = tuple(float(c) for c in mpmath.taylor(exact, 0, _TAYLOR_ORDER))
            at_edge = math.fsum(c * NEAR_ZERO**k for k, c in enumerate(taylor))
            return taylor if abs(at_edge - truth[-1]) <= _LOST * abs(truth[-1]) else None
    except (ValueError, TypeError, ArithmeticError, NotImplementedError):
        return None


def _repaired(evaluate: Function, taylor: tuple[float, ...] | None) -> Function:
    """Return the function with its Taylor polynomial near 0, if it has one."""
    if taylor is None:
        return evaluate
    reversed_ = taylor[::-1]

    def repaired(values: ArrayLike) -> Floats:
        s = np.asarray(values, dtype=np.float64)
        near = np.abs(s) <= NEAR_ZERO
        value = evaluate(s)
        if near.any():
            value[near] = np.polyval(reversed_, s[near])
        return value

    return repaired
