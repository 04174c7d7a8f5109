"""What a simulation returns: estimates with standard errors, and what was averaged over what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.results import Result, plain
from numerics.network import Network
from numerics.simulation.moments import Moments
from numerics.simulation.streams import Seed

Floats = NDArray[np.float64]

SPREAD = ("sd_q", "sd_v2")
"""Standard deviations over networks and inputs of |s|²/n of one sample, and of |s - s'|²/(2n) of a pair of samples."""


@dataclass(frozen=True, eq=False, repr=False)
class Simulation(Result):
    """Estimated variances of layers ``0..d``, each with its standard error.

    ``estimate[name][i]`` and ``standard_error[name][i]`` belong to layer ``i``. Which names there are depends on
    ``over``, on what the variances are taken over:

    - ``"network"``: ``var_z`` (Var[z^i]), ``var_s`` (Var[s^i]), ``var_grad_s`` (Var[dCost/ds^i]) and ``var_grad_w``
      (Var[dCost/dw^i]), or those asked for;
    - ``"both"``: ``m2`` = ⟪⟨s^i⟩²⟫, ``v2`` = ⟪⟨(s^i)²⟩ - ⟨s^i⟩²⟫, ``rho`` = m2/(m2 + v2) and ``var_s`` = m2 + v2, with
      ⟨·⟩ over samples and ⟪·⟫ over networks; with ``spread`` also ``sd_q`` and ``sd_v2``, see `SPREAD`;
    - ``"sample"``: the same ``m2``, ``v2`` and ``rho`` of one network, averaged over the units of a layer;
    - ``"layer"``: ``var_s``, the variance over the units of a layer, in one network with one input.

    The units of one layer of one network depend on each other, so a network counts once: its layer average is one
    sample, and the standard error is that of a mean over networks. With one network only (``"sample"``,
    ``"layer"``) the standard error is of *that network's* variance, over samples or units, and ``network_error`` is how
    far one network's variance lies from the mean over networks.

    The average square of a deep narrow layer has a long tail over networks: a few networks hold most of the mean, and a
    run that has none of them has a small estimate and a small standard error. Over many networks ``tail_error[name]``
    is the relative standard error that roots of the averages imply, which hardly need the tail (0 where the run's own
    is good), and ``tail_skewness[name]`` the skewness of the estimate; see `numerics.simulation.tails`.

    A network of blocks has a row for its input and for the output of each block, called ``names``, and the quantities
    ``q`` (mean square of a unit, over networks and samples), ``m2`` (mean product of two samples), ``v2`` = q - m2,
    ``rho`` = m2/q, and ``grad`` (mean square of dCost/d(that output)); where there are positions, ``q`` is their
    mean, ``position_q[row]`` the mean square at each, with standard errors ``position_q_error[row]``, and ``q_min`` and
    ``q_max`` the least and the largest of them (of many positions, noise alone spreads these).

    Where the numbers of a layer leave float64's range, an estimated variance is infinite, ``rho`` is not a number, and
    the errors are infinite: see ``overflows``.

    ``recorded[i]`` holds single pre-activations of layer ``i``, of shape ``(networks, samples, units)``.
    ``freedom`` is the number of degrees of freedom of the standard errors.
    """

    network: Network
    over: str
    networks: int
    seed: Seed
    estimate: Mapping[str, Floats]
    standard_error: Mapping[str, Floats]
    samples: int = 1
    method: str = "brute"
    dtype: str = "float64"
    fixed_input: Floats | None = None
    freedom: int = 1
    network_error: Mapping[str, Floats] = field(default_factory=dict)
    tail_error: Mapping[str, Floats] = field(default_factory=dict)
    tail_skewness: Mapping[str, Floats] = field(default_factory=dict)
    recorded: Mapping[int, Floats] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    position_q: Mapping[int, Floats] = field(default_factory=dict)
    position_q_error: Mapping[int, Floats] = field(default_factory=dict)

    @property
    def averaged(self) -> str:
        """What the variances are taken over, and what the estimates are averages of, in words."""
        kind = "blocks" if self.names else self.over
        return _AVERAGED[kind if self.fixed_input is None else "fixed"].format(
            networks=self.networks,
            samples=self.samples,
            gradient=" and the output gradient" if any("grad" in name for name in self.estimate) else "",
        )

    @property
    def predicted_network(self) -> Network:
        """The network to predict for: with one fixed input x, its |x|²/n_0 is what stands for Var[x]."""
        if self.fixed_input is None:
            return self.network
        mean_square = float(self.fixed_input @ self.fixed_input) / len(self.fixed_input)
        return replace(self.network, input_variance=mean_square)

    def batch_error(self, name: str, layer: int) -> float:
        """Return what B samples in place of an infinite batch may be off by, over a layer's variance: 4/B, else 0.

        Behind a batch two samples are correlated by -1/(B - 1), its variance is off by a share of the order 1/B, and
        the next batch undoes both; a squared gradient passes all that follow, and is allowed as much for each.
        """
        if self.network.is_chain:
            return 0.0
        blocks = self.network.blocks
        passed = sum(None in block.batches for block in (blocks[layer:] if name == "grad" else blocks[:layer]))
        return 4 * (passed if name == "grad" else min(1, passed)) / self.samples

    @property
    def overflows(self) -> dict[str, tuple[int, ...]]:
        """The layers in which an estimate left float64's range, by quantity; empty where all is well."""
        infinite = {
            name: tuple(np.flatnonzero(~np.isfinite(values) & np.isposinf(self.standard_error[name])).tolist())
            for name, values in self.estimate.items()
        }
        return {name: layers for name, layers in infinite.items() if layers}

    @property
    def headline(self) -> str:
        """The network, and what was drawn."""
        drawn = f"{self.networks} networks" if self.networks > 1 else "one network"
        drawn += f" of {self.samples} samples" if self.samples > 1 else ""
        what = self.network.sizes if self.names else f"{self.network.sizes}, {self.network.activation}"
        return f"{what}, {drawn}, over {self.over}: {', '.join(self.estimate)}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary per layer: ``layer``, and for each quantity the estimate and its standard error.

        The keys are ``var_s``, ``var_s_standard_error`` and, with one network, ``var_s_network_error``.
        """
        sides = (("", self.estimate), ("_standard_error", self.standard_error), ("_network_error", self.network_error))
        columns = {name + suffix: side[name] for name in self.estimate for suffix, side in sides if name in side}
        found = []
        for layer in range(len(next(iter(self.estimate.values())))):
            row: dict[str, Any] = {"layer": layer} | ({"name": self.names[layer]} if self.names else {})
            for name, values in columns.items():
                # What a block's row does not have is left out; an overflow stays what it is.
                row[name] = None if self.names and np.isnan(values[layer]) else float(values[layer])
            found.append(row)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the simulation as plain data, without the recorded neurons; a number that is not finite is None."""
        return {
            **self._table(),
            "network": self.network.to_dict(),
            "over": self.over,
            "method": self.method,
            "dtype": self.dtype,
            "networks": self.networks,
            "samples": self.samples,
            "fixed_input": None if self.fixed_input is None else self.fixed_input.tolist(),
            "seed": self.seed.to_dict(),
            "averaged": self.averaged,
            "freedom": self.freedom,
            "estimate": plain(self.estimate),
            "standard_error": plain(self.standard_error),
            "network_error": plain(self.network_error),
            "tail_error": plain(self.tail_error),
            "tail_skewness": plain(self.tail_skewness),
            "names": list(self.names),
            "position_q": plain(self.position_q),
            "position_q_error": plain(self.position_q_error),
            "overflows": plain(self.overflows),
        }


_AVERAGED = {
    "network": (
        "variances over the input, the weights, the biases{gradient} together, one draw of each per network; "
        "estimates are means over the units of a layer and over {networks} networks; standard errors are over "
        "networks, because the units of one network's layer depend on each other"
    ),
    "fixed": (
        "variances over the weights and the biases, for one fixed input; estimates are means over the units of a "
        "layer and over {networks} networks; standard errors are over networks"
    ),
    "both": (
        "variances over {samples} samples in each of {networks} networks (v2), and of the mean over samples from "
        "network to network (m2, where the {samples} samples' own share v2/{samples} is removed from their squared "
        "mean); estimates are means over the units of a layer and over networks; standard errors are over networks"
    ),
    "blocks": (
        "mean squares q and mean products m2 of different samples, over {samples} samples and {networks} networks; "
        "estimates are means over the units of a row (and its positions), over samples and over networks; standard "
        "errors are over networks"
    ),
    "sample": (
        "variances over {samples} samples in one network (v2), and mean squares of the mean over samples (m2, "
        "debiased), averaged over the units of a layer"
    ),
    "layer": ("variances over the units of a layer, in one network with one input"),
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


def decomposition_estimates(moments: Moments) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return m2, v2, rho and var_s = m2 + v2 and their standard errors, by each network's m2 and v2.

    With two more features, the mean squares of |s|²/n and |s - s'|²/(2n), also their standard deviations, `SPREAD`.
    The others are means over networks but ``rho``, a ratio of two means, whose error is by the delta method.
    """
    covariance = moments.covariance / moments.count
    m2, v2 = moments.mean[:2]
    mm, vv, mv = covariance[0, 0], covariance[1, 1], covariance[0, 1]
    total = m2 + v2
    rho = np.divide(m2, total, out=np.zeros_like(total), where=total != 0)
    ratio = (v2**2 * mm + m2**2 * vv - 2 * m2 * v2 * mv).clip(0)
    rho_error = np.divide(np.sqrt(ratio), total**2, out=np.zeros_like(total), where=total != 0)
    errors = np.sqrt(mm), np.sqrt(vv), rho_error, np.sqrt((mm + vv + 2 * mv).clip(0))
    names = ("m2", "v2", "rho", "var_s")
    found = dict(zip(names, (m2, v2, rho, total), strict=True)), dict(zip(names, errors, strict=True))
    if len(moments.mean) > 2:
        for side, values in zip(found, _spread_estimates(moments), strict=True):
            side |= dict(zip(SPREAD, values, strict=True))
    return found


def _spread_estimates(moments: Moments) -> tuple[Floats, Floats]:
    """Return sd_q and sd_v2 and their standard errors, by the delta method: of |s|²/n the mean is m2 + v2."""
    weights = np.array([[1.0, 1.0], [0.0, 1.0]])  # of m2 and v2 in the means
    means, squares = weights @ moments.mean[:2], moments.mean[2:]
    deviation = np.sqrt(np.maximum(squares - means**2, 0))
    errors = []
    for k in range(2):
        slope = np.zeros_like(moments.mean)
        slope[:2], slope[2 + k] = -2 * weights[k][:, None] * means[k], 1.0
        variance = np.einsum("fr,fgr,gr->r", slope, moments.covariance, slope) / moments.count
        root = np.sqrt(variance.clip(0))
        errors.append(np.divide(root, 2 * deviation[k], out=np.zeros_like(root), where=deviation[k] > 0))
    return deviation, np.stack(errors)


def amplified(moments: Moments) -> Floats:
    """Return by what a relative error of the mean squares grows in sd_q and sd_v2."""
    deviation, _ = _spread_estimates(moments)
    squares = moments.mean[2:]
    return np.divide(squares, 2 * deviation**2, out=np.zeros_like(squares), where=deviation > 0)


def beyond_float64(
    estimate: Mapping[str, Floats],
    error: Mapping[str, Floats],
    network_error: Mapping[str, Floats],
    defined: NDArray[np.bool_],
) -> None:
    """Where numbers overflowed: infinite variances and errors; inf - inf and 0 inf had left NaN of them."""
    for name, values in estimate.items():
        lost = defined & ~np.isfinite(values)
        values[lost] = np.nan if name == "rho" else np.inf
        for side in (error, network_error):
            if name in side:
                side[name][lost | (defined & ~np.isfinite(side[name]))] = np.inf
