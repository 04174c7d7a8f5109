"""What a simulation returns: estimates with standard errors, and what was averaged over what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.network import Network
from numerics.simulation.moments import Moments
from numerics.simulation.streams import Seed

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Simulation:
    """Estimated variances of layers ``0..d``, each with its standard error.

    ``estimate[name][i]`` and ``standard_error[name][i]`` belong to layer ``i``, for the names ``var_z``
    (Var[z^i]), ``var_s`` (Var[s^i]), ``var_grad_s`` (Var[dCost/ds^i]) and ``var_grad_w`` (Var[dCost/dw^i]).

    The units of one layer of one network depend on each other, so a network counts once: its layer average
    is one sample, and the standard error is that of a mean over networks.
    """

    network: Network
    over: str
    networks: int
    seed: Seed
    estimate: Mapping[str, Floats]
    standard_error: Mapping[str, Floats]

    @property
    def averaged(self) -> str:
        """What the variances are taken over, and what the estimates are averages of, in words."""
        return (
            "variances over the input, the weights, the biases and the output gradient together, one draw of "
            f"each per network; estimates are means over the units of a layer and over {self.networks} "
            "networks; standard errors are over networks, because the units of one network's layer depend on "
            "each other"
        )

    def to_dict(self) -> dict[str, object]:
        """Return the simulation as plain data."""
        return {
            "network": self.network.to_dict(),
            "over": self.over,
            "networks": self.networks,
            "seed": self.seed.to_dict(),
            "averaged": self.averaged,
            "estimate": {name: values.tolist() for name, values in self.estimate.items()},
            "standard_error": {name: values.tolist() for name, values in self.standard_error.items()},
        }


def variance_estimates(moments: Moments) -> tuple[Floats, Floats]:
    """Return the estimated variances and their standard errors from the moments of layer averages.

    The first feature is the average square q of a layer, the second (if there is one) the average m; all
    expectations are over networks. With E[m] = 0 the variance is E[q]. Otherwise it is E[q] - E[m]^2,
    estimated without bias by ``q̄ - (m̄^2 - s_mm/R)``; its standard error is that of the mean of q - 2 E[m]
    m (delta method), plus the variance ``2 s_mm^2 / (R (R - 1))`` of the quadratic term, which is all that
    is left where E[m] = 0.
    """
    R = moments.count
    covariance = moments.covariance
    estimate, variance = moments.mean[0].copy(), covariance[0, 0] / R
    if len(moments.mean) > 1:
        mean, spread = moments.mean[1], covariance[1, 1]
        estimate -= mean**2 - spread / R
        variance = variance + (4 * mean**2 * spread - 4 * mean * covariance[0, 1]) / R
        variance = np.maximum(variance, 0) + 2 * spread**2 / (R * (R - 1))
    return estimate, np.sqrt(variance)
