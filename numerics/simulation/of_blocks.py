"""Networks of any blocks, simulated from their definitions: two samples forward, and a drawn gradient backward."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from derive.errors import InputError
from numerics.arrays import Program
from numerics.arrays.drawing import Drawing
from numerics.network import Network
from numerics.simulation.batch import Batch
from numerics.simulation.collector import Collector
from numerics.simulation.plan import at_least
from numerics.simulation.progress import progress_bar
from numerics.simulation.result import Simulation, beyond_float64
from numerics.simulation.streams import Seed, groups
from numerics.simulation.workers import Recipe, run_groups

Floats = NDArray[np.float64]

# As for the chain: a group of networks holds this many numbers (4 MiB), or one network.
_GROUP_NUMBERS = 1 << 19
_MOST_NUMBERS = 1 << 29


class OfBlocks:
    """Draws groups of networks and reduces each to the averages of its rows.

    The two features are each network's m2 and v2. Their rows are, in order: those of the network; the mean squares of
    the gradients, as v2; and the mean squares at every position of the rows that have positions, as v2.
    """

    names = ("m2", "v2")

    def __init__(self, network: Network) -> None:
        self.samples = network.samples
        rows = network.rows_of(self.samples)
        self._families = [row.signal.family for row in rows]
        self._program = Program(rows[-1].signal, keep=self._families, gradients=self._families)
        self._drawing = Drawing(network, rows[-1].signal, self._program.drawn)
        self._deviation = math.sqrt(network.gradient_variance)
        self.positions = {
            row.layer: tuple(int(axis.size) for axis in row.signal.positions) for row in rows if row.signal.positions
        }
        numbers = self._program.numbers
        if numbers > _MOST_NUMBERS:
            raise InputError(
                f"layers: one network takes {8 * numbers / 2**30:.3g} GiB, and may take {8 * _MOST_NUMBERS / 2**30:.0f}"
            )
        self.group = max(1, _GROUP_NUMBERS // numbers)

    def batch(self, rng: Generator, count: int) -> Batch:
        """Draw a group of networks and reduce each."""
        run = self._program.run(self._drawing.draw(rng, count))
        values = [run[family] for family in self._families]
        gradient = rng.standard_normal((count, *values[-1].shape[1:]))
        gradient *= self._deviation
        gradients = run.gradients(gradient)
        rows = len(values)
        features = np.zeros((2, 2 * rows + sum(math.prod(shape) for shape in self.positions.values()), count))
        start = 2 * rows
        for row, (family, z) in enumerate(zip(self._families, values, strict=True)):
            q, features[0, row] = _square(z), _product(z)
            features[1, row] = q - features[0, row]
            features[1, rows + row] = _square(gradients[family])
            if row in self.positions:
                size = math.prod(self.positions[row])
                features[1, start : start + size] = _by_position(z, len(self.positions[row]))
                start += size
        return Batch(features)


def _square(values: Floats) -> Floats:
    """Return each network's mean square."""
    flat = values.reshape(len(values), -1)
    found: Floats = np.einsum("ru,ru->r", flat, flat) / flat.shape[1]
    return found


def _product(values: Floats) -> Floats:
    """Return each network's mean product of two different samples, over all pairs; 0 for one sample."""
    samples = values.reshape(*values.shape[:2], -1)
    T, units = samples.shape[1:]
    if T == 1:
        return np.zeros(len(values))
    if T == 2:
        found: Floats = np.einsum("ru,ru->r", samples[:, 0], samples[:, 1]) / units
        return found
    total = samples.sum(axis=1)
    pairs: Floats = np.einsum("ru,ru->r", total, total) - np.einsum("rtu,rtu->r", samples, samples)
    return pairs / (T * (T - 1) * units)


def _by_position(values: Floats, axes: int) -> Floats:
    """Return the mean square at every position, of shape (positions, networks)."""
    flat = values.reshape(len(values), -1, math.prod(values.shape[-axes:]))
    found: Floats = np.einsum("rup,rup->pr", flat, flat) / flat.shape[1]
    return found


_FOR_CHAINS: dict[str, Any] = {
    "spread": False,
    "over": "network",
    "inputs": "random",
    "dtype": "float64",
    "record_layers": (),
}


def refuse_for_blocks(**given: Any) -> None:
    """Raise `InputError` for an argument of `simulate` that is for networks of widths."""
    for name, value in given.items():
        usual = _FOR_CHAINS.get(name)
        if value is not usual and not (isinstance(value, str | tuple) and value == usual):
            raise InputError(f"{name} goes with a network of widths, and not with one of layers")


def simulate_blocks(
    network: Network,
    *,
    networks: int | None,
    samples: int | None = None,
    rng: Generator,
    workers: int,
    executor: Executor | None = None,
    progress: bool | None,
) -> Simulation:
    """Return the averages of every row of a network, over networks; a network of widths is read by its blocks."""
    count = 1000 if networks is None else at_least("networks", networks, 2)
    drawn = network if samples is None else _of_samples(network, samples)
    seed = Seed.of(rng)
    collector = Collector(None, equal_powers=True)
    try:
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            method = OfBlocks(drawn)
            parts = groups(rng, networks=count, size=method.group)
            with progress_bar("simulating networks", count, progress) as advance:
                for batch in run_groups(method, Recipe.of(OfBlocks, drawn), parts, workers, executor):
                    collector.add(batch)
                    advance(batch.features.shape[-1])
            return _result(network, method, collector, count, seed)
    except MemoryError:
        raise InputError(f"layers: {network.sizes} do not fit in memory") from None


def _of_samples(network: Network, samples: int) -> Network:
    """Return the network to draw, where so many samples stand for an infinite batch."""
    drawn = network.with_batch(at_least("samples", samples, 2))
    if drawn is network:
        raise InputError("samples goes with a network of widths, or with an infinite batch")
    return drawn


def _result(network: Network, method: OfBlocks, collector: Collector, count: int, seed: Seed) -> Simulation:
    rows = len(network.rows)
    found, errors = collector.decomposition()
    tails = collector.tails(method.names)
    estimate, error, tail_error, tail_skewness = (_columns(side, rows) for side in (found, errors, *tails))
    beyond_float64(estimate, error, {}, np.ones(rows, bool))
    if method.samples == 1:
        for name in ("m2", "v2", "rho"):
            estimate[name][:], error[name][:] = np.nan, np.nan
    by_position = _positions(found["var_s"][2 * rows :], method.positions)
    their_error = _positions(errors["var_s"][2 * rows :], method.positions)
    if method.positions:
        for name, choose in (("q_min", np.argmin), ("q_max", np.argmax)):
            at = {row: np.unravel_index(choose(values), values.shape) for row, values in by_position.items()}
            for side, of_positions in ((estimate, by_position), (error, their_error)):
                side[name] = np.full(rows, np.nan)
                for row, place in at.items():
                    side[name][row] = of_positions[row][place]
    for values in (*estimate.values(), *error.values(), *by_position.values(), *their_error.values()):
        values.setflags(write=False)
    return Simulation(
        network=network,
        over="both",
        networks=count,
        seed=seed,
        estimate=estimate,
        standard_error=error,
        samples=method.samples,
        method="arrays",
        freedom=count - 1,
        tail_error=tail_error,
        tail_skewness=tail_skewness,
        names=tuple(row.name for row in network.rows),
        position_q=by_position,
        position_q_error=their_error,
    )


def _columns(side: Mapping[str, Floats], rows: int) -> dict[str, Floats]:
    """Return the columns of the table from the rows of the features."""
    names = {"q": "var_s", "m2": "m2", "v2": "v2", "rho": "rho"}
    return {name: side[of][:rows].copy() for name, of in names.items()} | {
        "grad": side["var_s"][rows : 2 * rows].copy()
    }


def _positions(values: Floats, shapes: Mapping[int, tuple[int, ...]]) -> dict[int, Floats]:
    found, start = {}, 0
    for row, shape in shapes.items():
        size = math.prod(shape)
        found[row] = values[start : start + size].reshape(shape).copy()
        start += size
    return found
