"""What a method hands back for a group of networks: averages over each layer, and single neurons to keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Batch:
    """Averages over units of a group of networks, ``(features, rows, networks)``, and what was recorded.

    ``recorded[i]`` holds pre-activations of layer ``i``, of shape ``(networks, samples, units)``.
    """

    features: Floats
    recorded: Mapping[int, Floats] = field(default_factory=dict)


class Recorder:
    """Keeps the first units of some layers' pre-activations."""

    def __init__(self, layers: Iterable[int] = (), units: int | None = None) -> None:
        self.layers, self.units = frozenset(layers), units
        self._kept: dict[int, list[Floats]] = {layer: [] for layer in sorted(self.layers)}

    def take(self, layer: int, s: NDArray[Any]) -> None:
        """Keep what is wanted of an array of shape ``(networks, samples, units)``; later calls add samples."""
        if layer in self.layers:
            self._kept[layer].append(s[:, :, : self.units].astype(np.float64))

    def collected(self) -> dict[int, Floats]:
        """Return what was kept since the last call, and forget it."""
        found = {layer: np.concatenate(parts, axis=1) for layer, parts in self._kept.items() if parts}
        self._kept = {layer: [] for layer in self._kept}
        return found
