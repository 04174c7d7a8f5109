"""How the squared norm of a gradient fluctuates from network to network, by the theorem `gradient-fluctuation`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from derive.averages import Average
from derive.theorems.layer_variance import fluctuation
from derive.theorems.norm_moments import SPREAD
from numerics.activations import slopes
from numerics.derivations import derivation
from numerics.kernels.layered import LayeredKernel, layered_kernel
from numerics.network import Network

Floats = NDArray[np.float64]

THEOREM = "gradient-fluctuation"


def gradient_spread(network: Network, mean: Floats) -> Floats | None:
    """Return the standard deviations over networks of |dCost/ds^i|²/n, exact at every width; ``mean`` are their means.

    The output gradient is a vector of n independent normal numbers, with E|g|⁴ = n (n + 2) Var². None where the theorem
    does not hold: for other activations than two straight lines through 0, and for weights whose kurtosis is not 3.
    """
    found = slopes(network.activation)
    if found is None or not any(found) or network.weight_law.kurtosis != 3:
        return None
    small, large = sorted(found, key=abs)
    variance = np.array(network.weight_variance) * large**2
    n = np.array(network.widths, float)
    growth = _growth()(i=np.arange(network.d + 1), d=network.d, n=n, var_W=variance, a=small / large)
    last = network.gradient_variance**2 * n[-1] * (n[-1] + 2)
    return np.sqrt(np.maximum(growth * last / n[1:] ** 2 - mean**2, 0))


@lru_cache
def _growth() -> LayeredKernel:
    """Return what the mean squared norm grows by from the last layer to another."""
    theorem = derivation(THEOREM)
    (last,) = theorem.result.atoms(Average)
    return layered_kernel((theorem.result / last).subs(SPREAD, fluctuation().result))
