"""Groups of networks by one thread or several, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
from numpy.random import Generator

from numerics.simulation.batch import Batch
from numerics.simulation.methods import Method


def run_groups(
    first: Method, make: Callable[[], Method], parts: Iterable[tuple[Generator, int]], workers: int
) -> Iterator[Batch]:
    """Yield the batch of each group, in the order of the groups, with a bounded number under way."""
    if workers == 1:
        for rng, count in parts:
            yield first.batch(rng, count)
        return
    # One set of buffers for each thread. Drawing and matrix products release Python's lock, so threads suffice.
    idle: SimpleQueue[Method] = SimpleQueue()
    for method in (first, *(make() for _ in range(workers - 1))):
        idle.put(method)

    def job(rng: Generator, count: int) -> Batch:
        # A thread starts from NumPy's default error state, not from its parent's.
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            method = idle.get()
            try:
                return method.batch(rng, count)
            finally:
                idle.put(method)

    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[Batch]] = deque()
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
