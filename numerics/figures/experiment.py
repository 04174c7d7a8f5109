"""The post's experiment: a ReLU network of uniform width with He's weights, on white noise, over three things.

The post counts layers from one, and so do its figures: its y_l is s^{l-1} here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from derive.network import SLOPE
from numerics.curves import Prediction, predict
from numerics.network import Network
from numerics.simulation import Simulation, simulate
from numerics.stages import Stage, stream

_LAYERS = (1, 5, 10, 50)
NETWORKS = SAMPLES = 1000
NEURONS = 3


@dataclass(frozen=True)
class Experiment:
    """One seed, width and depth (the number of weight matrices)."""

    seed: int
    width: int
    depth: int

    @cached_property
    def network(self) -> Network:
        """The network."""
        return Network(widths=[self.width] * (self.depth + 1), activation="relu", gain=he_gain())

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers whose neurons are shown, counted from one."""
        shown = tuple(layer for layer in _LAYERS if layer <= self.depth)
        return shown if self.depth in shown else (*shown, self.depth)[-len(_LAYERS) :]

    def simulate(self, over: str, layers: tuple[int, ...]) -> Simulation:
        """Draw networks (for one input), samples (of one network) or units (of one layer); keep single neurons."""
        return _simulated(self, over, layers)

    def prediction(self, simulation: Simulation | None = None) -> Prediction:
        """Return the theory; with a simulation, for the input that it fixed, if it did."""
        return predict(self.network if simulation is None else simulation.predicted_network)

    @cached_property
    def real_v2(self) -> NDArray[np.float64]:
        """v² of layers of this width, where the limit of wide layers has another."""
        found: NDArray[np.float64] = predict(self.network, theory="finite").columns["v2"]
        return found


@lru_cache(maxsize=8)
def _simulated(experiment: Experiment, over: str, layers: tuple[int, ...]) -> Simulation:
    kinds = ("network", "sample", "layer")
    counts = {"network": {"networks": NETWORKS, "inputs": "fixed"}, "sample": {"samples": SAMPLES}, "layer": {}}
    kept = {"network": 1, "sample": NEURONS, "layer": None}
    return simulate(
        experiment.network,
        over=over,
        rng=stream(experiment.seed, Stage.FIGURE, kinds.index(over)),
        record_layers=[layer - 1 for layer in layers],
        record_units=kept[over],
        progress=False,
        **counts[over],  # type: ignore[arg-type]
    )


@lru_cache
def he_gain() -> float:
    """Return He's gain for ReLU, from its derivation's hypothesis."""
    from derive.theorems.sample_variance_decay import HE_GAIN

    return float(HE_GAIN.subs(SLOPE, 0))
