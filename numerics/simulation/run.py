"""The run: groups of networks through a method, moments streamed, progress shown."""

from __future__ import annotations

import operator
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from derive.errors import InputError, unknown_name
from numerics.network import Network
from numerics.simulation.brute import QUANTITIES, BruteForce, group_size, weight_count
from numerics.simulation.moments import Moments
from numerics.simulation.result import Simulation, variance_estimates
from numerics.simulation.streams import RNG, Seed, generator, groups

Floats = NDArray[np.float64]

OVER = ("network",)


def simulate(
    network: Network,
    *,
    over: str = "network",
    rng: RNG = None,
    networks: int = 1000,
    workers: int = 1,
    progress: bool | None = None,
) -> Simulation:
    """Estimate the variances of every layer by drawing networks: real weight matrices, forward and backward.

    Args:
        network: what is drawn.
        over: what the variances are taken over. ``"network"`` is the randomness of Glorot & Bengio (2010):
            input, weights, biases and output gradient together, each drawn once per network.
        rng: a seed or a NumPy generator. The same seed gives the same numbers whatever the number of workers.
        networks: how many networks to draw, at least 2.
        workers: how many threads draw and run networks.
        progress: whether to show a progress bar on standard error; by default, when that is a terminal.

    Memory does not grow with ``networks``: each worker holds one group of networks, whose weights take 4 MiB
    or, if that is more, what one network needs (8 bytes a weight).

    Raises:
        InputError: for an unknown ``over``, fewer than 2 networks or 1 worker, an ``rng`` that NumPy does
            not take, or a network whose weights do not fit in memory.

    >>> simulation = simulate(Network(widths=[3, 4, 2], gain=1.0), rng=1, networks=100)
    >>> [name for name, values in simulation.estimate.items() if len(values) == 2]
    ['var_z', 'var_s', 'var_grad_s', 'var_grad_w']

    """
    if over not in OVER:
        raise unknown_name("over", over, OVER)
    networks = _at_least("networks", networks, 2)
    workers = _at_least("workers", workers, 1)
    parent = generator(rng)
    seed = Seed.of(parent)
    parts = groups(parent, networks=networks, size=group_size(network))
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            batches = _run(network, parts, workers, networks)
            estimate, error = _stream(_shown(batches, networks, progress))
    except MemoryError:
        size = 8 * weight_count(network) / 2**30
        raise InputError(
            f"widths: the weights of one network take {size:.3g} GiB, more than there is"
        ) from None
    return Simulation(
        network=network,
        over=over,
        networks=networks,
        seed=seed,
        estimate=_by_quantity(estimate),
        standard_error=_by_quantity(error),
    )


def _at_least(name: str, value: int, least: int) -> int:
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise InputError(f"{name} must be an integer of at least {least}, got {value!r}")
    return number


def _run(
    network: Network, parts: Iterable[tuple[Generator, int]], workers: int, networks: int
) -> Iterator[Floats]:
    """Yield the layer averages of each group, in the order of the groups, with a bounded number under way."""
    if workers == 1:
        method = BruteForce(network, networks)
        for rng, count in parts:
            yield method.averages(method.draw(rng, count))
        return
    # One buffer for each thread. Drawing and matrix products release Python's lock, so threads suffice.
    idle: SimpleQueue[BruteForce] = SimpleQueue()
    for _ in range(workers):
        idle.put(BruteForce(network, networks))

    def job(rng: Generator, count: int) -> Floats:
        # A thread starts from NumPy's default error state, not from its parent's.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            method = idle.get()
            try:
                return method.averages(method.draw(rng, count))
            finally:
                idle.put(method)

    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[Floats]] = deque()
        try:
            for part in parts:
                under_way.append(pool.submit(job, *part))
                if len(under_way) > 2 * workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            # Interrupted: do not wait for what has not begun.
            for future in under_way:
                future.cancel()


def _stream(batches: Iterable[Floats]) -> tuple[Floats, Floats]:
    """Return the estimates and standard errors of all rows.

    Averages of squares may lie anywhere in float64's range, and their variances are squares again: each row
    is scaled by a power of four (a power of two for the means), which changes no digit, to lie near one.
    """
    moments = Moments()
    scale: Floats | None = None
    for batch in batches:
        if scale is None:
            scale = _scale(batch[0].mean(axis=-1))
        batch[0] *= scale[:, None] ** 2
        batch[1:] *= scale[:, None]
        moments.add(batch)
    assert scale is not None  # there is at least one group
    estimate, error = variance_estimates(moments)
    return estimate / scale**2, error / scale**2


def _scale(typical: Floats) -> Floats:
    usable = np.isfinite(typical) & (typical > 0)
    exponent = np.round(np.log2(np.where(usable, typical, 1.0)) / 2)
    return np.exp2(-np.clip(exponent, -500, 500))


def _by_quantity(rows: Floats) -> dict[str, Floats]:
    split = rows.reshape(len(QUANTITIES), -1)
    split.setflags(write=False)
    return dict(zip(QUANTITIES, split, strict=True))


def _shown(batches: Iterable[Floats], networks: int, progress: bool | None) -> Iterator[Floats]:
    """Pass the batches on, with a progress bar where it is wanted."""
    if progress is None:
        progress = sys.stderr.isatty()
    if not progress:
        yield from batches
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("simulating networks", total=networks)
        for batch in batches:
            yield batch
            bar.advance(task, batch.shape[-1])
