"""Activations as NumPy functions that neither overflow nor lose digits.

Most are printed by SymPy from the activation's own expression. Where float64 arithmetic on that expression is unsound
(exp overflows, 1 + tanh cancels, a small difference of large numbers), a stable form of the same function stands here
beside it; the tests hold each of them, value and derivative, against mpmath.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from sympy import Expr, lambdify

from derive.activations import Activation
from derive.errors import InputError

Floats = NDArray[np.float64]
Function = Callable[[ArrayLike], Floats]
_Raw = Callable[..., Any]


@lru_cache(maxsize=256)
def numpy_function(activation: Activation, order: int = 0) -> Function:
    """Return f (order 0), f' (1) or f'' (2, away from kinks) as a function from an array to a float64 array.

    At kinks f' has PyTorch's value. Accuracy of the catalogue's entries for orders 0 and 1: within a few units in the
    last place of |g| + |s g'|, for g = f or f', for all finite s where float64 can hold the value.

    Raises:
        InputError: for an order outside 0..2 or an activation with free parameters.

    >>> from derive.activations import activation
    >>> numpy_function(activation("sigmoid"), 1)([-1000.0, 0.0, 1000.0])
    array([0.  , 0.25, 0.  ])

    """
    if order not in (0, 1, 2):
        raise InputError(f"order must be 0, 1 or 2, got {order}")
    if activation.free_parameters:
        free = ", ".join(map(str, activation.free_parameters))
        raise InputError(f"activation must have no free parameters to be evaluated, got {activation} with {free}")
    stable = _STABLE.get(activation.name)
    if stable is not None and order < 2:
        parameters = [float(value) for _, value in activation.parameters]
        return _on_arrays(lambda x: stable[order](x, *parameters))
    expressions = (activation.expression, activation.derivative, activation.second_derivative)
    return _on_arrays(_printed(activation, expressions[order]))


def value_and_derivative(activation: Activation) -> tuple[Function, Function]:
    """Return f and f' as functions of an array; see `numpy_function`."""
    return numpy_function(activation), numpy_function(activation, 1)


def _printed(activation: Activation, expression: Expr) -> _Raw:
    function: _Raw = lambdify(activation.symbol, expression, modules=["scipy", "numpy"], cse=True)
    return function


def _on_arrays(function: _Raw) -> Function:
    def evaluate(values: ArrayLike) -> Floats:
        x = np.asarray(values, dtype=np.float64)
        # Overflow to infinity and underflow to 0 are the right values of exp and of its reciprocal.
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            result = np.asarray(function(x), dtype=np.float64)
        return np.array(np.broadcast_to(result, x.shape)) if result.shape != x.shape else result

    return evaluate


# ---- stable forms


def _density(x: Floats) -> Floats:
    """The standard normal density; x² is split so that rounding it does not cost x²/2 units in the last place."""
    head = np.round(np.clip(x, -64, 64) * 16) / 16
    tail = np.clip(x, -64, 64) - head
    return np.exp(-head * head / 2) * np.exp(-tail * (head + tail / 2)) * 0.3989422804014326779


def _cumulative(x: Floats) -> Floats:
    """The standard normal distribution function; left of -1 by the scaled complementary error function."""
    left = np.minimum(x, -1.0)
    scaled = special.erfcx(-left * 0.7071067811865475244) * 1.2533141373155002512
    return np.where(x < -1, scaled * _density(left), special.ndtr(x))


def _sech2(x: Floats) -> Floats:
    """1/cosh² without the cancellation of 1 - tanh²."""
    e = np.exp(-np.abs(x))
    return (2 * e / (1 + e * e)) ** 2


def _swish(x: Floats, beta: float = 1.0) -> Floats:
    return x * special.expit(beta * x)


def _swish_slope(x: Floats, beta: float = 1.0) -> Floats:
    t = beta * x
    return special.expit(t) * (1 + t * special.expit(-t))


def _gelu_slope(x: Floats) -> Floats:
    # Left of -1 both terms share the density: φ(x) (x + Mills' ratio).
    left = np.minimum(x, -1.0)
    mills = special.erfcx(-left * 0.7071067811865475244) * 1.2533141373155002512
    return np.where(x < -1, (left + mills) * _density(left), special.ndtr(x) + x * _density(x))


_TWICE_ROOT = 1.5957691216057307118
"""2 sqrt(2/pi)."""


def _gelu_tanh(x: Floats) -> Floats:
    # (1 + tanh u)/2 is the logistic function of 2u.
    return x * special.expit(_TWICE_ROOT * x * (1 + 0.044715 * x * x))


def _gelu_tanh_slope(x: Floats) -> Floats:
    t = _TWICE_ROOT * x * (1 + 0.044715 * x * x)
    slope = _TWICE_ROOT * (1 + 3 * 0.044715 * x * x)
    # Where expit(-t) or expit(t) is 0, so is its product with what grows like a power.
    product = special.expit(t) * special.expit(-t)
    return special.expit(t) + np.where(product > 0, product * x * slope, 0.0)


def _tanh_softplus(x: Floats) -> Floats:
    """tanh(log(1 + e^x)) = (e^2x + 2 e^x)/(e^2x + 2 e^x + 2), in powers of e^-|x|."""
    e = np.exp(-np.abs(x))
    return np.where(x > 0, (1 + 2 * e) / (1 + 2 * e + 2 * e * e), e * (e + 2) / (e * (e + 2) + 2))


def _mish_slope(x: Floats) -> Floats:
    e = np.exp(-np.abs(x))
    # sech²(softplus(x)) expit(x) = 4 e^x (1 + e^x)/(e^2x + 2 e^x + 2)²
    right, left = 4 * e * e * (1 + e) / (1 + 2 * e + 2 * e * e) ** 2, 4 * e * (1 + e) / (e * (e + 2) + 2) ** 2
    return _tanh_softplus(x) + np.clip(x, -800, 800) * np.where(x > 0, right, left)


def _tanh_shrink(x: Floats) -> Floats:
    """Return x - tanh x = x t/(1 + t): t = x²/(3 + x²/(5 + ...)) below 1 (Lambert's fraction tanh x = x/(1 + t))."""
    square = np.minimum(x * x, 1.0)
    t = np.zeros_like(square)
    for odd in range(21, 1, -2):
        t = square / (odd + t)
    return np.where(np.abs(x) < 1, x * t / (1 + t), x - np.tanh(x))


def _squareplus(x: Floats, b: float = 4.0) -> Floats:
    root = np.hypot(x, np.sqrt(b))
    return np.where(x > 0, (x + root) / 2, b / 2 / np.where(x > 0, 1, root - x) if b else 0.0)


def _squareplus_slope(x: Floats, b: float = 4.0) -> Floats:
    root = np.hypot(x, np.sqrt(b))
    safe = np.where(root > 0, root, 1)
    left = b / (2 * safe * np.where(x > 0, 1, np.where(root > 0, root - x, 1)))
    return np.where(x > 0, (x + root) / (2 * safe), left)


def _elu(x: Floats, alpha: float = 1.0) -> Floats:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _elu_slope(x: Floats, alpha: float = 1.0) -> Floats:
    return np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0)))


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848, 1.0507009873554804934

_STABLE: dict[str, tuple[_Raw, _Raw]] = {
    "tanh": (np.tanh, _sech2),
    "lecun-tanh": (lambda x: 1.7159 * np.tanh(x * (2 / 3)), lambda x: 1.7159 * 2 / 3 * _sech2(x * (2 / 3))),
    "tanh-shrink": (_tanh_shrink, lambda x: np.tanh(x) ** 2),
    "sigmoid": (special.expit, lambda x: special.expit(x) * special.expit(-x)),
    "silu": (_swish, _swish_slope),
    "swish": (_swish, _swish_slope),
    "softplus": (lambda x, b: np.logaddexp(0, b * x) / b, lambda x, b: special.expit(b * x)),
    "mish": (lambda x: x * _tanh_softplus(x), _mish_slope),
    "gelu": (lambda x: x * _cumulative(x), _gelu_slope),
    "gelu-tanh": (_gelu_tanh, _gelu_tanh_slope),
    "elu": (_elu, _elu_slope),
    "celu": (lambda x, a: _elu(x / a) * a, lambda x, a: _elu_slope(x / a)),
    "selu": (
        lambda x: _SELU_SCALE * _elu(x, _SELU_ALPHA),
        lambda x: _SELU_SCALE * _elu_slope(x, _SELU_ALPHA),
    ),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
    "squareplus": (_squareplus, _squareplus_slope),
    # The product 2 sin cos would not cancel with 1 where the slope touches 0.
    "snake": (lambda x, a: x + np.sin(a * x) ** 2 / a, lambda x, a: (np.sin(a * x) + np.cos(a * x)) ** 2),
    "asinh": (np.arcsinh, lambda x: 1 / np.hypot(1, x)),
}
