"""Curves of (leaky) ReLU networks that need no Gaussian expectation: over samples, and of the gradients.

Layer 0 is ``s^0 = x W^0 + b^0`` for white-noise inputs: m^2 = Var[b^0] and v^2 = n_0 Var[W^0] Var[x]. The steps come
from the certified kernel of `sample-variance-stable`, the total from `network-variance`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numerics.activations import slopes
from numerics.derivations import derivation
from numerics.network import Network

if TYPE_CHECKING:
    from numerics.kernels import LayeredKernel

Floats = NDArray[np.float64]


def rectifier_slope(network: Network) -> float | None:
    """Return the slope at negative arguments if the activation is a (leaky) ReLU, the identity or |.|, else None."""
    found = slopes(network.activation)
    return None if found is None or found[0] != 1 else found[1]


def sample_columns(network: Network, slope: float) -> dict[str, Floats]:
    """Return `SAMPLE_COLUMNS` at layers 0..d, as the width grows; ``slope`` as `rectifier_slope` gives it."""
    from numerics.kernels import iterate, sample_variance_step

    name = f"leaky-relu({slope!r})"
    gains = np.multiply(network.widths[:-1], network.weight_variance)
    biases = np.asarray(network.bias_variance, float)
    m2, v2 = float(biases[0]), float(gains[0] * network.input_variance)
    alike = bool((gains == gains[0]).all() and (biases == biases[0]).all())
    if alike and network.d > 0 and gains[0] > 0:
        step = sample_variance_step(name, gain=float(gains[0]), bias_variance=float(biases[0]), backend=fastest())
        try:
            curve = iterate(step, m2, v2, network.d)
        except OverflowError:
            # Layer by layer: those before the overflow have their values, and later ones are infinite.
            pass
        else:
            return {"m2": curve.m2, "v2": curve.v2, "rho": curve.rho}
    columns = np.empty((2, network.d + 1))
    columns[:, 0] = m2, v2
    # One kernel serves all layers: the gain multiplies both, the bias variance adds to the mean.
    step = sample_variance_step(name, gain=1.0)
    for layer in range(1, network.d + 1):
        m2, v2 = _checked(step, m2, v2)
        # A layer without weights starts anew, whatever comes in.
        m2, v2 = (gains[layer] * value if gains[layer] else 0.0 for value in (m2, v2))
        m2 += biases[layer]
        columns[:, layer] = m2, v2
    total = columns.sum(axis=0)
    rho = np.divide(columns[0], total, out=np.full_like(total, np.nan), where=total > 0)
    return {"m2": columns[0], "v2": columns[1], "rho": rho}


def _checked(step: Callable[[float, float], tuple[float, float]], m2: float, v2: float) -> tuple[float, float]:
    """Return the step, or infinity where it leaves float64's range."""
    try:
        return step(m2, v2) if np.isfinite(m2 + v2) else (np.inf, np.inf)
    except OverflowError:
        return np.inf, np.inf


def gradient_columns(network: Network, slope: float, var_s: Floats) -> tuple[Floats, Floats]:
    """Return ``var_grad_s`` and ``var_grad_w`` at layers 0..d by `rectifier-gradient`, exact at any width."""
    i, d = np.arange(network.d + 1), network.d
    back = _kernel("rectifier-gradient-closed")
    n, var_W = np.asarray(network.widths), np.asarray(network.weight_variance)
    var_grad_s = back(i, d, n, var_W, slope, network.gradient_variance)
    # Unchecked, by name: what has overflowed stays infinite.
    square = _kernel("half-variance").function(mean_square_y=var_s[:-1], a=np.asarray(slope))
    weight = _kernel("rectifier-weight-gradient").function
    mean_square_z = np.append(network.input_variance, square)
    return var_grad_s, weight(i=i, mean_square_z=mean_square_z, var_grad_s=var_grad_s)


@lru_cache
def _kernel(name: str) -> LayeredKernel:
    from numerics.kernels.layered import layered_kernel

    parts = {part.name: part for part in derivation("rectifier-gradient").parts}
    return layered_kernel(parts[name] if name in parts else derivation(name))


def fastest() -> str:
    """Return the backend that iterates fastest here: numba where it is installed."""
    from importlib.util import find_spec

    return "numba" if find_spec("numba") else "numpy"
