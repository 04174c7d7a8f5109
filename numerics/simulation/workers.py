"""Groups of networks in order, by this thread, by several, or by any executor."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.random import Generator

from numerics.processes import result
from numerics.simulation.batch import Batch
from numerics.simulation.methods import Method


@dataclass(frozen=True)
class Recipe:
    """How a worker makes its method, wherever it works; ``run`` tells the methods of one run from those of another."""

    make: Callable[..., Method]
    arguments: tuple[Any, ...]
    run: str

    @classmethod
    def of(cls, make: Callable[..., Method], *arguments: Any) -> Recipe:
        """Return the recipe of a run; ``make`` is defined in a module, for a process imports it by name."""
        return cls(make, arguments, uuid4().hex)


def run_groups(
    first: Method,
    recipe: Recipe,
    parts: Iterable[tuple[Generator, int]],
    workers: int,
    executor: Executor | None = None,
) -> Iterator[Batch]:
    """Yield the batch of each group, in the order of the groups, with a bounded number under way."""
    if workers == 1 and executor is None:
        for rng, count in parts:
            yield first.batch(rng, count)
        return
    # Drawing and matrix products release Python's lock: on this machine, threads suffice.
    with ThreadPoolExecutor(workers) if executor is None else nullcontext(executor) as pool:
        under_way: deque[Future[Batch]] = deque()
        most = 2 * workers if executor is None else max(_UNDER_WAY, 2 * workers)
        try:
            for part in parts:
                under_way.append(pool.submit(_batch, recipe, *part))
                if len(under_way) > most:
                    yield result(under_way.popleft())
            while under_way:
                yield result(under_way.popleft())
        finally:
            # Interrupted: do not wait for what has not begun.
            for future in under_way:
                future.cancel()


_UNDER_WAY = 64
"""Groups given to an executor at once: nobody says how many workers it has."""


def _batch(recipe: Recipe, rng: Generator, count: int) -> Batch:
    """Return a group's batch, by the method that this thread made for the run."""
    # A thread starts from NumPy's default error state, not from its parent's.
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        if getattr(_MADE, "run", None) != recipe.run:
            _MADE.run, _MADE.method = recipe.run, recipe.make(*recipe.arguments)
        method: Method = _MADE.method
        return method.batch(rng, count)


_MADE = threading.local()
"""One set of buffers for each thread: those of the run that it worked for last."""
