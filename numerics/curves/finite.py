"""Curves of networks of real widths: over samples by the angle between two of them, the rest as in the wide limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from derive.errors import InputError
from numerics.activations import slopes
from numerics.angle import fluctuating_share
from numerics.curves.chain import wide_predictions
from numerics.curves.prediction import Prediction
from numerics.laws import NORMAL
from numerics.network import Network

Floats = NDArray[np.float64]

_COVERED = "theory 'finite' is for (leaky) ReLU, linear units and |.|, with normal weights and inputs and no biases"


def finite_prediction(network: Network) -> Prediction:
    """Return all columns for a network of the widths it has, of which m2, v2 and rho are its own.

    E v² is the share of `fluctuating_share` of E m² + E v², which is exact at any width, by `network-variance`. Raises
    `InputError` for what the theory does not cover.
    """
    slope = _slope(network)
    (wide,) = wide_predictions([network])
    share = fluctuating_share(slope, network.widths[:-1])
    total = wide.columns["var_s"]
    own = {"m2": total * (1 - share.value), "v2": total * share.value, "rho": np.where(total > 0, 1 - share.value, 0)}
    # Of no mean, as before the first layer and of linear units, there is no relative error: it is exactly 0.
    mean, fluctuation = (
        np.divide(share.error, part, out=np.zeros_like(part), where=part != 0)
        for part in (1 - share.value, share.value)
    )
    for values in own.values():
        values.setflags(write=False)
    return replace(
        wide,
        theory="finite",
        columns={**wide.columns, **own},
        approximations={**wide.approximations, **dict.fromkeys(own, ())},
        theorems={**wide.theorems, **dict.fromkeys(own, ("network-variance",))},
        relative_error={**wide.relative_error, "m2": mean, "v2": fluctuation, "rho": mean},
    )


def _slope(network: Network) -> float:
    """Return the slope of one side over that of the other, the larger one in size: which side is which is no matter."""
    found = slopes(network.activation)
    for given, name in ((network.weight_law, "weights"), (network.input_law, "inputs")):
        if given != NORMAL:
            raise InputError(f"{_COVERED}; the law of the {name} is {given}")
    if any(network.bias_variance):
        raise InputError(f"{_COVERED}; bias_variance is {network.bias_variance}")
    if found is None or not any(found):
        raise InputError(f"{_COVERED}; the activation is {network.activation}")
    small, large = sorted(found, key=abs)
    return small / large
