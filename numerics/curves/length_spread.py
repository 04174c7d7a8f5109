"""How the length of a pre-activation fluctuates from network to network, by the theorem `norm-fourth-moment`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from derive.theorems.layer_variance import fluctuation
from derive.theorems.norm_moments import SPREAD
from numerics.derivations import derivation
from numerics.kernels.layered import LayeredKernel, layered_kernel
from numerics.network import Network

Floats = NDArray[np.float64]

THEOREM = "norm-fourth-moment"


def length_spread(network: Network, slope: float, total: Floats) -> Floats:
    """Return the standard deviations over networks and inputs of |s^i|²/n, as of very many units; ``total`` are means.

    ``slope`` is that of one side over that of the other. Exact at every width for normal weights and inputs, without
    biases: an input of n numbers has E|x|⁴ = n (n + 2) Var².
    """
    n = np.array(network.widths, float)
    relative = _fluctuation()(i=np.arange(network.d + 1), n=n, a=slope)
    return total * np.sqrt((1 + relative) * (1 + 2 / n[0]) - 1)


@lru_cache
def _fluctuation() -> LayeredKernel:
    """Return the relative variance of the squared norm of the activations, for one input."""
    (found,) = (part for part in derivation(THEOREM).parts if part.name == "norm-fluctuation")
    return layered_kernel(found.result.subs(SPREAD, fluctuation().result))
