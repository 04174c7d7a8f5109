"""Curves in the linear regime: exact for linear units, with or without biases."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.errors import InputError
from derive.proof.derivation import Derivation
from derive.theorems.forward import biased_step, one_layer_from_moments
from numerics.curves.prediction import COLUMNS, Prediction, made
from numerics.derivations import derivation
from numerics.kernels.layered import LayeredKernel, layered_kernel
from numerics.network import Network

Floats = NDArray[np.float64]

_LARGEST = float(np.finfo(np.float64).max)


def linear_prediction(network: Network) -> Prediction:
    """Return `COLUMNS` in the linear regime; see `predict`."""
    _check_linear_regime(network)
    biased = any(network.bias_variance)
    i, d = np.arange(network.d + 1), network.d
    n, var_W, var_b = (np.asarray(v) for v in (network.widths, network.weight_variance, network.bias_variance))
    var_x, var_grad_s_d = network.input_variance, network.gradient_variance
    var_z = _recursion(network) if biased else _kernel("forward-variance")(i, n, var_W, var_x)
    var_s = _extended(_kernel("pre-activation"), i=i, n=n, mean_z=0 * var_W, var_W=var_W, var_b=var_b, var_z=var_z)
    var_grad_s = _kernel("backward-variance")(i, d, n, var_W, var_grad_s_d)
    if biased:
        product = _kernel("product-variance")
        var_grad_w = _extended(product, mean_X=0.0, mean_Y=0.0, var_X=var_z, var_Y=var_grad_s)
    else:
        var_grad_w = _kernel("weight-gradient-variance")(i, d, n, var_W, var_grad_s_d, var_x)
    columns = dict(zip(COLUMNS, (var_z, var_s, var_grad_s, var_grad_w), strict=True))
    used = {name: tuple(map(_derivation, names)) for name, names in _theorems(biased).items()}
    return made(network, "linear-regime", columns, used)


def _theorems(biased: bool) -> dict[str, tuple[str, ...]]:
    """Return the derivations behind each column."""
    forward = ("biased-step",) if biased else ("forward-variance",)
    product = ("product-variance", *forward, "backward-variance")
    return {
        "var_z": forward,
        "var_s": ("pre-activation", *forward),
        "var_grad_s": ("backward-variance",),
        "var_grad_w": product if biased else ("weight-gradient-variance",),
    }


_OWN = {"pre-activation": one_layer_from_moments, "biased-step": biased_step}


@lru_cache
def _derivation(name: str) -> Derivation:
    return _OWN[name]() if name in _OWN else derivation(name)


@lru_cache
def _kernel(name: str) -> LayeredKernel:
    return layered_kernel(_derivation(name))


def _recursion(network: Network) -> Floats:
    """Return Var[z^i] from one layer to the next."""
    # The network checked its values; checking all of them at every layer would cost d^2.
    step = _kernel("biased-step").function
    n, var_W, var_b = (np.asarray(v, float) for v in (network.widths, network.weight_variance, network.bias_variance))
    mean_z, var_z = np.zeros(1), np.empty(network.d + 1)
    var_z[0] = network.input_variance
    with np.errstate(over="ignore", under="ignore"):
        for i in range(network.d):
            here = slice(i, i + 1)
            # From an overflow on, all is infinite, except that a layer without weights starts anew.
            before = np.minimum(var_z[here], _LARGEST if var_W[i] == 0 else np.inf)
            var_z[i + 1] = step(0, n[here], mean_z, var_W[here], var_b[here], before)
    return var_z


def _extended(function: LayeredKernel, **arguments: Any) -> Floats:
    """Evaluate a kernel that grows with each argument where arguments may have overflowed to infinity."""
    infinite = np.zeros((), bool)
    for value in arguments.values():
        infinite = infinite | np.isinf(value) if np.isinf(value).any() else infinite
    if not infinite.any():
        return function(**arguments)
    low, high = (
        function(**{name: np.where(np.isinf(value), stand_in, value) for name, value in arguments.items()})
        for stand_in in (0, 1)
    )
    return np.where(infinite & (high > low), np.inf, low)


def _check_linear_regime(network: Network) -> None:
    f = network.activation
    smooth = 0 not in f.kinks
    if network.d > 0 and not (smooth and f.expression.subs(f.symbol, 0) == 0 and f.derivative.subs(f.symbol, 0) == 1):
        raise InputError(
            f"activation must have f(0) = 0 and f'(0) = 1, so that it has a linear regime, got {f}; "
            "the theory 'wide' takes any activation"
        )
