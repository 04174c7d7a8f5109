"""Curves of wide layers: any activation function, forward, over samples and backward."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.averages import SharedVariance, Variance
from derive.layers import i
from derive.network import W, cost_gradient, n, s
from derive.proof.derivation import Derivation
from derive.randomness import EVERYTHING
from derive.rules.wide import M, Q, V
from derive.theorems.sample_variance import BIAS_VARIANCE, GAIN, K
from numerics.curves.expectations import Expectations, evaluate
from numerics.curves.prediction import Prediction, made
from numerics.curves.rectifier import gradient_columns, rectifier_slope, sample_columns
from numerics.derivations import derivation
from numerics.network import Network

Floats = NDArray[np.float64]


def wide_prediction(network: Network) -> Prediction:
    """Return all columns in the limit of wide layers; see `predict`."""
    rectifier = rectifier_slope(network)
    expectations = Expectations(network.activation)
    gains, biases = np.asarray(network.gain), np.asarray(network.bias_variance)
    start = gains[0] * network.input_variance
    errors: dict[str, float] = {}
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if rectifier is None:
            sample, errors["m2"] = _over_samples(expectations, gains, biases, float(start))
            var_s, errors["var_s"] = _lengths(expectations, gains, biases, float(start + biases[0]))
            var_grad_s, errors["var_grad_s"] = _gradients(network, expectations, var_s[:-1])
            var_grad_w, errors["var_grad_w"] = _weight_gradients(network, expectations, var_s[:-1], var_grad_s)
        else:
            sample = sample_columns(network, rectifier)
            var_s = sample["m2"] + sample["v2"]
            var_grad_s, var_grad_w = gradient_columns(network, rectifier, var_s)
            errors = dict.fromkeys(("m2", "var_s", "var_grad_s", "var_grad_w"), 0.0)
        spread = part("length-map", "activation-variance")
        var_z, errors["var_z"] = _measured(expectations, spread, {Q: var_s[:-1]}, {})
        columns = {
            "var_z": np.append(network.input_variance, var_z),
            "var_s": var_s,
            **sample,
            "var_grad_s": var_grad_s,
            "var_grad_w": var_grad_w,
        }
    errors |= dict.fromkeys(("v2", "rho"), errors["m2"])
    used = _derivations(rectified=rectifier is not None)
    return made(network, "wide", columns, used, {column: errors[column] for column in columns})


def part(theorem: str, name: str) -> Derivation:
    """Return a part of a theorem by its name."""
    return next(p for p in derivation(theorem).parts if p.name == name)


@lru_cache
def _derivations(*, rectified: bool) -> dict[str, tuple[Derivation, ...]]:
    """Return the derivations behind each column."""
    lengths, spread = derivation("length-map"), part("length-map", "activation-variance")
    back, weight = derivation("gradient-variance"), part("gradient-variance", "weight-gradient-variance-wide")
    sample = (derivation("sample-variance-map"), part("sample-variance-map", "fluctuation-map"))
    if rectified:
        lengths, back = derivation("network-variance"), part("rectifier-gradient", "rectifier-gradient-closed")
        sample = (derivation("sample-variance"), derivation("sample-variance-stable"))
        weight = part("rectifier-gradient", "rectifier-weight-gradient")
    return {
        "var_z": (lengths, spread),
        "var_s": (lengths,),
        **dict.fromkeys(("m2", "v2", "rho"), sample),
        "var_grad_s": (back,) if rectified else (lengths, back),
        "var_grad_w": (lengths, back, weight),
    }


def _measured(expectations: Expectations, of: Derivation, at: Any, arguments: Any) -> tuple[Floats, float]:
    """Return the values of a result and the largest relative error of its expectations."""
    expectations.worst = 0.0
    return evaluate(of, expectations, at, arguments), expectations.worst


def _lengths(expectations: Expectations, gains: Floats, biases: Floats, start: float) -> tuple[Floats, float]:
    """Return q by layer, one step of `length-map` after the other."""
    q, step = np.empty(len(gains)), derivation("length-map")
    q[0], expectations.worst = start, 0.0
    for layer in range(1, len(gains)):
        same = layer > 1 and (gains[layer], biases[layer]) == (gains[layer - 1], biases[layer - 1])
        if same and _settled(q[layer - 2 : layer]):
            q[layer] = q[layer - 1]
            continue
        here = {GAIN: gains[layer], BIAS_VARIANCE: biases[layer]}
        q[layer] = evaluate(step, expectations, {Q: q[layer - 1]}, here)
    return q, expectations.worst


def _over_samples(
    expectations: Expectations, gains: Floats, biases: Floats, start: float
) -> tuple[dict[str, Floats], float]:
    """Return m^2, v^2 and rho by layer, one step of `sample-variance-map` after the other."""
    mean, fluctuation = derivation("sample-variance-map"), part("sample-variance-map", "fluctuation-map")
    m2, v2 = np.empty((2, len(gains)))
    m2[0], v2[0], expectations.worst = biases[0], start, 0.0
    for layer in range(1, len(gains)):
        same = layer > 1 and (gains[layer], biases[layer]) == (gains[layer - 1], biases[layer - 1])
        if same and _settled(m2[layer - 2 : layer]) and _settled(v2[layer - 2 : layer]):
            m2[layer], v2[layer] = m2[layer - 1], v2[layer - 1]
            continue
        at = {M: m2[layer - 1], V: v2[layer - 1]}
        m2[layer] = evaluate(mean, expectations, at, {GAIN: gains[layer], BIAS_VARIANCE: biases[layer]})
        v2[layer] = evaluate(fluctuation, expectations, at, {GAIN: gains[layer]})
    total = m2 + v2
    rho = np.divide(m2, total, out=np.full_like(total, np.nan), where=total > 0)
    return {"m2": m2, "v2": v2, "rho": rho}, expectations.worst


def _settled(pair: Floats) -> bool:
    """Return whether two neighbouring layers agree to rounding: at a fixed point nothing is left to compute."""
    return bool(abs(pair[1] - pair[0]) <= 2e-16 * abs(pair[1]))


def _gradients(network: Network, expectations: Expectations, q: Floats) -> tuple[Floats, float]:
    """Return Var[dCost/ds^i] by layer, from the last one back: `gradient-variance` is proportional to the next one."""
    fan_out, variances = np.asarray(network.widths[2:], float), np.asarray(network.weight_variance[1:])
    back = derivation("gradient-variance")
    (unit,) = next(iter(back.result.atoms(Variance))).inside[0].variable.units
    one = {n(i + 2): fan_out, SharedVariance(W, i + 1): variances, _gradient(i + 1, unit): np.ones(network.d)}
    factors, error = _measured(expectations, back, {Q: q}, one)
    column = np.empty(network.d + 1)
    column[-1] = network.gradient_variance
    for layer in range(network.d - 1, -1, -1):
        column[layer] = factors[layer] * column[layer + 1]
    return column, error


def _weight_gradients(
    network: Network, expectations: Expectations, q: Floats, var_grad_s: Floats
) -> tuple[Floats, float]:
    """Return Var[dCost/dw^i] by layer; at layer 0 what the gradient is multiplied with is the input."""
    of = part("gradient-variance", "weight-gradient-variance-wide")
    later, error = _measured(expectations, of, {Q: q}, {_gradient(i): var_grad_s[1:]})
    return np.append(network.input_variance * var_grad_s[0], later), error


def _gradient(layer: Any, unit: Any = K) -> Variance:
    return Variance(cost_gradient(s(layer, unit)), EVERYTHING)
