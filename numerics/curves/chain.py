"""Curves of the papers' chain: the blocks of one of its layers, again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Basic, Symbol

from derive.activations import Activation
from derive.averages import Variance
from derive.blocks import Dense, Elementwise
from derive.blocks.signal import UNIT, Axis
from derive.errors import InputError
from derive.indices import K
from derive.layers import i
from derive.network import BIAS_VARIANCE, cost_gradient, f, s
from derive.proof.derivation import Derivation
from derive.randomness import EVERYTHING
from derive.rules.wide import Q, U, one_gaussian
from derive.theorems.forward import biased_step, one_layer_from_moments
from numerics.activations import slopes
from numerics.curves.blocks import correlation, through
from numerics.curves.expectations import Step
from numerics.curves.lemma_plans import Plan
from numerics.curves.places import Shape
from numerics.curves.plans import expectations, plan
from numerics.curves.prediction import COLUMNS, Prediction, made
from numerics.curves.runs import Column, Once, Run
from numerics.curves.state import EPS, Numbers, Port, State, absolute, relative
from numerics.derivations import derivation
from numerics.network import Network

Floats = NDArray[np.float64]

_FAN_IN, _FAN_OUT = (Symbol(name, integer=True, positive=True) for name in ("n_in", "n_out"))
_WEIGHT_VARIANCE = Symbol("Var_W", nonnegative=True)
_ALONE = Shape(1)


def wide_predictions(networks: Sequence[Network]) -> list[Prediction]:
    """Return all columns in the limit of wide layers, for networks of one activation and depth; see `predict`."""
    activation = networks[0].activation
    columns = _columns(networks, activation)
    found = slopes(activation)
    used = _theorems(rectified=found is not None and found[0] == 1)
    return [_made(network, "wide", columns, at, used) for at, network in enumerate(networks)]


def linear_prediction(network: Network) -> Prediction:
    """Return `COLUMNS` in the linear regime, where the activation function is the identity; see `predict`."""
    _check_linear_regime(network)
    columns = _columns([network], None)
    used = {name: tuple(map(_derivation, names)) for name, names in _linear(biased=any(network.bias_variance)).items()}
    # There are no expectations whose errors it could have.
    return made(network, "linear-regime", {name: columns[name].value[0].copy() for name in used}, used)


def _made(
    network: Network, theory: str, columns: dict[str, Column], at: int, used: dict[str, tuple[Derivation, ...]]
) -> Prediction:
    values, errors = ({name: read(columns[name])[at].copy() for name in used} for read in (_values, _relative))
    return made(network, theory, values, used, errors)


def _values(column: Column) -> Floats:
    return column.value


def _relative(column: Column) -> Floats:
    return column.relative


def _columns(networks: Sequence[Network], activation: Activation | None) -> dict[str, Column]:
    """Return all columns of networks of one depth; without an activation function, of linear units."""
    start, segments = _planned(networks, activation)
    back = np.array([network.gradient_variance for network in networks], np.float64).reshape(-1, 1, 1)
    with np.errstate(all="ignore"):
        rows = through(segments, start, back)
        every = 1 if activation is None else 2
        # What a layer computes is behind its weights; in front of them is what it reads.
        q, m2, v2, grad = (
            column.at(slice(1, None, every))
            for column in (*(rows.numbers[n] for n in ("square", "product", "gap")), rows.gradient)
        )
        square = rows.numbers["square"].at(slice(0, None, every))
        square = Column(*(part[:, : networks[0].d + 1] for part in (square.value, square.error)))
        columns = {"var_s": q, "m2": m2, "v2": v2, "rho": correlation(m2, v2), "var_grad_s": grad}
        columns["var_z"] = square if activation is None else _spread(square, q, activation)
        return {**columns, "var_grad_w": _weight_gradient(square, grad)}


def _planned(networks: Sequence[Network], activation: Activation | None) -> tuple[State, list[Once | Run]]:
    values = _symbols(networks)
    dense = Dense(_FAN_OUT, gain=_FAN_IN * _WEIGHT_VARIANCE, bias_variance=BIAS_VARIANCE)
    port = Port((Axis(UNIT, _FAN_IN),), _ALONE, pairs=False, gaussian=True, source="the weights")
    first = plan(dense, port, pairs=False)
    plans: list[Plan] = [] if activation is None else [plan(Elementwise(activation), port, pairs=False)]
    inputs = np.array([network.input_variance for network in networks], np.float64).reshape(-1, 1, 1)
    zero = 0 * inputs
    state = State(
        {
            name: Numbers(v, _ALONE, error=np.zeros((1, 1, 1, 1)))
            for name, v in (("mean", zero), ("square", inputs), ("product", zero), ("gap", inputs))
        }
    )
    segments: list[Once | Run] = [Once(first, {symbol: v[..., :1] for symbol, v in values.items()})]
    if networks[0].d:
        later = {symbol: v[..., 1:] for symbol, v in values.items()}
        segments.append(Run([*plans, first], port, networks[0].d, later))
    return state, segments


def _symbols(networks: Sequence[Network]) -> dict[Basic, Floats]:
    """Return the sizes and variances of all layers, of shape (networks, 1, layers)."""
    found = {
        _FAN_IN: [network.widths[:-1] for network in networks],
        _FAN_OUT: [network.widths[1:] for network in networks],
        _WEIGHT_VARIANCE: [network.weight_variance for network in networks],
        BIAS_VARIANCE: [network.bias_variance for network in networks],
    }
    return {symbol: np.array(values, np.float64)[:, None] for symbol, values in found.items()}


def _spread(square: Column, q: Column, activation: Activation) -> Column:
    """Return Var[z^i]: that of the input, and E[f^2] - E[f]^2 without a subtraction."""
    step, more = Step(_part("length-map", "activation-variance")), 2.0**-20
    at = q.value[:, :-1]
    value, error = step(expectations(activation), {Q: np.stack([at, at * (1 + more)])})
    reach = np.abs(value[1] - value[0]) / more
    inherited = np.where((reach == 0) | (q.error[:, :-1] == 0), 0.0, reach * relative(q.error[:, :-1], at))
    first = square.value[:, :1]
    return Column(np.hstack([first, value[0]]), np.hstack([0 * first, error[0] + inherited]))


def _weight_gradient(square: Column, grad: Column) -> Column:
    """Return Var[dCost/dw^i], of a product of z^i and the gradient at s^i."""
    z = Symbol("z_square", nonnegative=True)
    of = _part("gradient-variance", "weight-gradient-variance-wide")
    step = Step(of.result.xreplace({one_gaussian(f(U) ** 2): z}), (z, Variance(cost_gradient(s(i, K)), EVERYTHING)))
    value = step.value(square.value, grad.value)
    return Column(value, absolute(square.relative + grad.relative + EPS, value))


def _part(theorem: str, name: str) -> Derivation:
    return next(part for part in derivation(theorem).parts if part.name == name)


@lru_cache
def _theorems(*, rectified: bool) -> dict[str, tuple[Derivation, ...]]:
    """Return the theorems on the whole chain that each column is by, in the limit of wide layers."""
    lengths, spread = derivation("length-map"), _part("length-map", "activation-variance")
    back, weight = derivation("gradient-variance"), _part("gradient-variance", "weight-gradient-variance-wide")
    sample = (derivation("sample-variance-map"), _part("sample-variance-map", "fluctuation-map"))
    if rectified:
        lengths, back = derivation("network-variance"), _part("rectifier-gradient", "rectifier-gradient-closed")
        sample = (derivation("sample-variance"), derivation("sample-variance-stable"))
        weight = _part("rectifier-gradient", "rectifier-weight-gradient")
    return {
        "var_z": (lengths, spread),
        "var_s": (lengths,),
        **dict.fromkeys(("m2", "v2", "rho"), sample),
        "var_grad_s": (back,) if rectified else (lengths, back),
        "var_grad_w": (lengths, back, weight),
    }


def _linear(*, biased: bool) -> dict[str, tuple[str, ...]]:
    """Return the theorems on the whole chain that each column is by, in the linear regime."""
    forward = ("biased-step",) if biased else ("forward-variance",)
    product = ("product-variance", *forward, "backward-variance")
    found = {
        "var_z": forward,
        "var_s": ("pre-activation", *forward),
        "var_grad_s": ("backward-variance",),
        "var_grad_w": product if biased else ("weight-gradient-variance",),
    }
    return {name: found[name] for name in COLUMNS}


_OWN: dict[str, Callable[[], Derivation]] = {"pre-activation": one_layer_from_moments, "biased-step": biased_step}


@lru_cache
def _derivation(name: str) -> Derivation:
    return _OWN[name]() if name in _OWN else derivation(name)


def _check_linear_regime(network: Network) -> None:
    activation = network.activation
    smooth = 0 not in activation.kinks
    at_zero: Any = activation.expression.subs(activation.symbol, 0), activation.derivative.subs(activation.symbol, 0)
    if network.d > 0 and not (smooth and at_zero == (0, 1)):
        raise InputError(
            f"activation must have f(0) = 0 and f'(0) = 1, so that it has a linear regime, got {activation}; "
            "the theory 'wide' takes any activation"
        )
