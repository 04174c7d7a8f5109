"""Groups of networks by each method, reduced to what the moments over networks are taken of."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from numerics.network import Network
from numerics.simulation.batch import Batch, Recorder
from numerics.simulation.brute import QUANTITIES, BruteForce, group_size
from numerics.simulation.forward import ForwardPass, averages
from numerics.simulation.streams import restartable
from numerics.simulation.unit_moments import UnitMoments

Floats = NDArray[np.float64]


class Method(Protocol):
    """Draws groups of at most ``group`` networks; rows of the features are ``names`` by layer."""

    @property
    def group(self) -> int:
        """How many networks are drawn together: the same for a network whatever the run, so that seeds last."""

    @property
    def names(self) -> tuple[str, ...]:
        """The quantities, in the order of the rows."""

    def batch(self, rng: Generator, count: int) -> Batch:
        """Draw and reduce a group of networks."""


class BackAndForth:
    """Brute force, forward and backward."""

    names = QUANTITIES

    def __init__(self, network: Network, recorder: Recorder, networks: int, dtype: str) -> None:
        self.group, self._recorder = group_size(network), recorder
        self._brute = BruteForce(network, networks, dtype)

    def batch(self, rng: Generator, count: int) -> Batch:
        """Draw a group of networks and reduce each to its layer averages."""
        features = self._brute.averages(self._brute.draw(rng, count), self._recorder)
        return Batch(features, self._recorder.collected())


class Forward:
    """One sample a network, forward only."""

    names = ("var_z", "var_s")

    def __init__(self, passing: ForwardPass, recorder: Recorder) -> None:
        self.group, self._passing, self._recorder = passing.group, passing, recorder
        f = passing.network.activation
        self._origin, self._has_mean = float(f.expression.subs(f.symbol, 0)), not f.is_odd

    def batch(self, rng: Generator, count: int) -> Batch:
        """Draw a group of networks and reduce each to its layer averages."""
        network = self._passing.network
        out = np.zeros((1 + self._has_mean, 2, network.d + 1, count))
        for i, _, z, s in self._passing.layers(restartable(rng), rng, count):
            averages(network, i, z, s, self._origin, out)
            self._recorder.take(i, s)
        return Batch(out.reshape(len(out), -1, count), self._recorder.collected())


class ManySamples:
    """Many samples a network: each network's debiased m2 and its v2, averaged over a layer's units."""

    names = ("m2", "v2")

    def __init__(self, passing: ForwardPass, recorder: Recorder) -> None:
        self.group, self._passing, self._recorder = passing.group, passing, recorder

    def batch(self, rng: Generator, count: int) -> Batch:
        """Draw a group of networks; the two features are m2 and v2, of shape (2, d + 1, count)."""
        passing = self._passing
        moments = [UnitMoments(passing.samples) for _ in range(passing.network.d + 1)]
        for i, start, _, s in passing.layers(restartable(rng), rng, count):
            moments[i].add(s, start)
            self._recorder.take(i, s)
        return Batch(np.stack([layer.by_network() for layer in moments], axis=1), self._recorder.collected())
