"""Curves of wide layers: any activation function, forward, over samples and backward."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Basic

from derive.averages import SharedVariance, Variance
from derive.indices import K
from derive.layers import i
from derive.network import BIAS_VARIANCE, GAIN, W, cost_gradient, n, s
from derive.proof.derivation import Derivation
from derive.randomness import EVERYTHING
from derive.rules.wide import Q
from numerics.curves.columns import Column
from numerics.curves.expectations import Expectations, Step
from numerics.curves.prediction import Prediction, made
from numerics.curves.rectifier import gradient_columns, rectifier_slope, sample_columns
from numerics.curves.recursion import bounded, lengths, over_samples
from numerics.derivations import derivation
from numerics.network import Network

Floats = NDArray[np.float64]


def wide_predictions(networks: Sequence[Network]) -> list[Prediction]:
    """Return all columns in the limit of wide layers, for networks of one activation and depth; see `predict`."""
    first = networks[0]
    rectifier = rectifier_slope(first)
    of = Expectations(first.activation)
    gains, biases, inputs = (
        np.array([getattr(network, name) for network in networks], np.float64)
        for name in ("gain", "bias_variance", "input_variance")
    )
    with np.errstate(all="ignore"):
        if rectifier is None:
            start = gains[:, 0] * inputs
            q = lengths(_step("length-map", (GAIN, BIAS_VARIANCE)), of, gains, biases, start + biases[:, 0])
            columns = {"var_s": q, **over_samples(_sample_steps(), of, gains, biases, start)}
            columns |= dict(zip(("var_grad_s", "var_grad_w"), _gradients(networks, of, q, inputs), strict=True))
        else:
            columns = _rectified(networks, rectifier)
        later = bounded(_step("activation-variance"), of, Q, columns["var_s"].first(-1))
        columns["var_z"] = later.after(inputs)
    used = _derivations(rectified=rectifier is not None)
    return [
        made(
            network,
            "wide",
            {name: columns[name].value[at] for name in used},
            used,
            {name: columns[name].error[at] for name in used},
        )
        for at, network in enumerate(networks)
    ]


def _rectified(networks: Sequence[Network], slope: float) -> dict[str, Column]:
    """Return all columns of (leaky) ReLU but var_z, from certified kernels."""
    found: dict[str, list[Floats]] = {}
    for network in networks:
        sample = sample_columns(network, slope)
        var_s = sample["m2"] + sample["v2"]
        back, weight = gradient_columns(network, slope, var_s)
        for name, values in {**sample, "var_s": var_s, "var_grad_s": back, "var_grad_w": weight}.items():
            found.setdefault(name, []).append(values)
    return {name: Column.exact(np.array(rows)) for name, rows in found.items()}


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


@lru_cache(maxsize=1)
def _compiled() -> dict[tuple[int, tuple[Basic, ...]], tuple[Derivation, Step]]:
    """Return the steps made so far, by the identity of their derivations: hashing one takes as long as a layer."""
    return {}


def _step(name: str, arguments: tuple[Basic, ...] = ()) -> Step:
    """Return a theorem, or a part of one, as a function of numbers."""
    of = part(_PARTS[name], name) if name in _PARTS else derivation(name)
    kept, known = _compiled(), (id(of), arguments)
    if known not in kept:
        kept[known] = of, Step(of, arguments)
    return kept[known][1]


_PARTS = {
    "activation-variance": "length-map",
    "fluctuation-map": "sample-variance-map",
    "weight-gradient-variance-wide": "gradient-variance",
}


def _sample_steps() -> tuple[Step, Step]:
    return _step("sample-variance-map", (GAIN, BIAS_VARIANCE)), _step("fluctuation-map", (GAIN,))


def _gradients(networks: Sequence[Network], of: Expectations, q: Column, inputs: Floats) -> tuple[Column, Column]:
    """Return Var[dCost/ds^i] and Var[dCost/dw^i]: from the last layer back, proportional to the next one's."""
    fan_out, variances, last = (
        np.array(values, np.float64)
        for values in zip(
            *((network.widths[2:], network.weight_variance[1:], (network.gradient_variance,)) for network in networks),
            strict=True,
        )
    )
    back = derivation("gradient-variance")
    (unit,) = next(iter(back.result.atoms(Variance))).inside[0].variable.units
    known = (n(i + 2), SharedVariance(W, i + 1), _gradient(i + 1, unit))
    factors = bounded(_step("gradient-variance", known), of, Q, q.first(-1), fan_out, variances, 1.0)
    var_grad_s = factors.products_back(last[:, 0])
    of_weight = _step("weight-gradient-variance-wide", (_gradient(i),))
    second = bounded(of_weight, of, Q, q.first(-1), 1.0)
    return var_grad_s, second.after(inputs).times(var_grad_s)


def _gradient(layer: Any, unit: Any = K) -> Variance:
    return Variance(cost_gradient(s(layer, unit)), EVERYTHING)
