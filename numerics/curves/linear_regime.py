"""Predicted curves: the variances of a network's layers, every number from a kernel of a derivation."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.averages import Variance
from derive.errors import InputError
from derive.hypotheses import LINEAR_REGIME, Hypothesis, Kind
from derive.layers import d, i
from derive.network import b, z
from derive.proof.derivation import Derivation, Proof
from derive.randomness import EVERYTHING
from derive.rules import ByLemma, Define, LinearRegime, MomentFromVariance
from derive.theorems.sample_variance import WIDE
from numerics.derivations import derivation
from numerics.kernels.layered import LayeredKernel, layered_kernel
from numerics.kernels.layered_quantities import text
from numerics.network import Network

Floats = NDArray[np.float64]

SAMPLE_COLUMNS = ("m2", "v2", "rho")
"""m^2 and v^2, and the correlation rho = m^2/(m^2 + v^2) of one pre-activation for two samples."""

COLUMNS = ("var_z", "var_s", "var_grad_s", "var_grad_w")
"""Var[z^i], Var[s^i], Var[dCost/ds^i] and Var[dCost/dw^i], the columns of every curve."""


_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class Prediction:
    """The predicted variances of layers ``0..d``, over input, weights, biases and output gradient together.

    ``columns[name]`` has one value per layer, for the names in `COLUMNS`. ``approximations[name]`` lists, in words,
    the hypotheses behind the column that this network satisfies only approximately; ``exact[name]`` is True
    when there are none, and the column then holds at any finite width.
    ``theorems[name]`` names the derivations that the numbers come from.
    """

    network: Network
    columns: Mapping[str, Floats]
    approximations: Mapping[str, tuple[str, ...]]
    theorems: Mapping[str, tuple[str, ...]]

    @property
    def exact(self) -> dict[str, bool]:
        """Whether each column is exact for this network."""
        return {name: not why for name, why in self.approximations.items()}

    def rows(self) -> list[dict[str, float]]:
        """Return one dictionary per layer: ``layer`` and the columns."""
        return [
            {"layer": layer, **{name: float(values[layer]) for name, values in self.columns.items()}}
            for layer in range(self.network.d + 1)
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the prediction as plain data; a number beyond float64's range becomes None, as JSON has none."""
        return {
            "network": self.network.to_dict(),
            "exact": self.exact,
            "approximations": {name: list(why) for name, why in self.approximations.items()},
            "theorems": {name: list(names) for name, names in self.theorems.items()},
            "columns": ["layer", *self.columns],
            "rows": [{k: v if math.isfinite(v) else None for k, v in row.items()} for row in self.rows()],
        }

    def to_json(self) -> str:
        """Return the prediction as JSON, in full precision."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def to_csv(self) -> str:
        """Return the columns as CSV, in full precision (the shortest digits that give the same float64)."""
        out = io.StringIO()
        table = csv.DictWriter(out, ["layer", *self.columns], lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows())
        return out.getvalue()


def predict(network: Network) -> Prediction:
    """Return the variances of all layers that the theorems predict for a network.

    Without biases the columns are by `forward-variance`, its part `one-layer-variance`, `backward-variance` and
    `weight-gradient-variance`. With biases ``Var[z^i]`` is by recursion, layer by layer, and ``Var[dCost/dw^i]`` is
    that of a product of independent factors of mean zero, by `product-variance`.

    For (leaky) ReLU and the absolute value the columns are ``var_s``, exact at any width by `network-variance`, and
    ``m2``, ``v2`` and ``rho``, in the limit of wide layers, by `sample-variance-stable`.

    Raises `InputError` for an activation that is none of these and has no linear regime at the origin, f(0) = 0 and
    f'(0) = 1.

    >>> curve = predict(Network(widths=[8, 14, 5], weight_variance=[0.125, 0.1]))
    >>> curve.columns["var_z"], curve.exact["var_z"]
    (array([1., 1.]), True)
    """
    from numerics.sample_curves import rectifier, rectifier_prediction

    name = rectifier(network)
    if name is not None and not network.activation.is_linear:
        return rectifier_prediction(network, name)
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
    theorems = _theorems(biased)
    approximations = {name: approximations_of(network, used) for name, used in theorems.items()}
    for values in columns.values():
        values.setflags(write=False)
    return Prediction(network, columns, approximations, theorems)


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


def _pre_activation() -> Derivation:
    """Var[s^i] = n_i Var[W^i] (Var[z^i] + E[z^i]^2) + Var[b^i]."""
    one_layer = next(p for p in derivation("forward-variance").parts if p.name == "one-layer-variance")
    proof = Proof(one_layer.setting, one_layer.statement.lhs).by(ByLemma(one_layer), MomentFromVariance())
    return proof.done("pre-activation", "One layer, from mean and variance of its input")


def _biased_step() -> Derivation:
    """Var[z^{i+1}] = n_i Var[W^i] (Var[z^i] + E[z^i]^2) + Var[b^i] in the linear regime."""
    inner = _pre_activation()
    (unit,) = inner.statement.lhs.inside[0].units
    setting = inner.setting.assuming(LINEAR_REGIME).where(d - 1 - i)
    proof = Proof(setting, Variance(z(i + 1, unit), EVERYTHING)).by(Define(z), LinearRegime(), ByLemma(inner))
    return proof.done("biased-step", "One layer forward, with biases, in the linear regime")


_OWN = {"pre-activation": _pre_activation, "biased-step": _biased_step}


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
            "the theorems so far predict no others"
        )


def approximations_of(network: Network, theorems: tuple[str, ...]) -> tuple[str, ...]:
    """Return the hypotheses of derivations that the network satisfies only approximately, in words."""
    used = {h.key: h for name in theorems for h in _derivation(name).assumptions}
    return tuple(h.text.render(text) for h in used.values() if not _satisfies(network, h))


def _satisfies(network: Network, hypothesis: Hypothesis) -> bool:
    """Return whether a network satisfies a hypothesis; all that is not asked for here, every `Network` does."""
    if hypothesis.declares(Kind.LINEAR):
        return network.activation.is_linear or network.d == 0
    if hypothesis.key == WIDE.key:
        return False
    if hypothesis.declares(Kind.ZERO, b):
        return not any(network.bias_variance)
    return True
