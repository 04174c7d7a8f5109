"""Curves over samples for (leaky) ReLU networks: mean and fluctuation of a pre-activation, layer by layer.

Layer 0 is ``s^0 = x W^0 + b^0`` for white-noise inputs: m^2 = Var[b^0] and v^2 = n_0 Var[W^0] Var[x]. The steps come
from the certified kernel of `sample-variance-stable`, the total from `network-variance`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.kernels import iterate, sample_variance_step
from numerics.network import Network

Floats = NDArray[np.float64]


def rectifier(network: Network) -> str | None:
    """Return the name of the activation for the kernels, if it is a (leaky) ReLU, the identity or |.|."""
    from numerics.simulation.elementwise import slopes

    found = slopes(network.activation)
    if found is None or found[0] != 1:
        return None
    return f"leaky-relu({found[1]!r})"


def sample_columns(network: Network, name: str) -> dict[str, Floats]:
    """Return `SAMPLE_COLUMNS` at layers 0..d, as the width grows; ``name`` as `rectifier` gives it."""
    gains = np.multiply(network.widths[:-1], network.weight_variance)
    biases = np.asarray(network.bias_variance, float)
    m2, v2 = float(biases[0]), float(gains[0] * network.input_variance)
    alike = bool((gains == gains[0]).all() and (biases == biases[0]).all())
    if alike and network.d > 0 and gains[0] > 0:
        step = sample_variance_step(name, gain=float(gains[0]), bias_variance=float(biases[0]), backend=fastest())
        curve = iterate(step, m2, v2, network.d)
        return {"m2": curve.m2, "v2": curve.v2, "rho": curve.rho}
    columns = np.empty((2, network.d + 1))
    columns[:, 0] = m2, v2
    # One kernel serves all layers: the gain multiplies both, the bias variance adds to the mean.
    step = sample_variance_step(name, gain=1.0)
    for layer in range(1, network.d + 1):
        m2, v2 = step(m2, v2)
        m2, v2 = gains[layer] * m2 + biases[layer], gains[layer] * v2
        columns[:, layer] = m2, v2
    total = columns.sum(axis=0)
    rho = np.divide(columns[0], total, out=np.full_like(total, np.nan), where=total > 0)
    return {"m2": columns[0], "v2": columns[1], "rho": rho}


def fastest() -> str:
    """Return the backend that iterates fastest here: numba where it is installed."""
    from importlib.util import find_spec

    return "numba" if find_spec("numba") else "numpy"
