"""Work spread over processes that end with the work, or with the process that asked for it, however that ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import ModuleType
from typing import TypeVar

_Task = TypeVar("_Task")
_Made = TypeVar("_Made")

_MOST = 4


class WorkerLost(RuntimeError):
    """A process that worked for this one ended before it was done."""


def spread(
    function: Callable[[_Task], _Made],
    tasks: Sequence[_Task],
    *,
    workers: int | None = None,
    waiting: Callable[[_Task], None] = lambda task: None,
) -> list[_Made]:
    """Return what a function makes of each task, in their order; one worker works in this process.

    Args:
        function: of one task; defined in a module, for a process imports it by name.
        tasks: what it is called with.
        workers: how many processes; by default one a processor, at most four.
        waiting: called with each task when its turn to be waited for comes.

    Raises `WorkerLost` when a worker ends early, and what the function raises.

    """
    count = min(workers or min(os.cpu_count() or 1, _MOST), len(tasks))
    if count <= 1:
        made = []
        for task in tasks:
            waiting(task)
            made.append(function(task))
        return made
    with _pool(count) as pool:
        with _apart():
            futures = [pool.submit(function, task) for task in tasks]
        made = []
        for task, future in zip(tasks, futures, strict=True):
            waiting(task)
            try:
                made.append(future.result())
            except BrokenProcessPool:
                raise WorkerLost(
                    f"one of {count} worker processes ended before it was done, killed or out of memory: "
                    "give workers=1, or free memory"
                ) from None
        return made


@contextmanager
def _pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """Give processes that hold one end of a pipe, and end when the other, which is held here, is closed."""
    context = get_context("spawn")
    leash, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_follow, initargs=(leash,))
    try:
        yield pool
    finally:
        # Failed or interrupted: nobody waits for what is not wanted any more.
        held.close()
        pool.shutdown(cancel_futures=True)
        leash.close()


def _follow(leash: Connection) -> None:
    """End this process, whatever it does, when the other end of the leash is closed or its holder is gone."""

    def watch() -> None:
        try:
            leash.recv_bytes()
        finally:
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _apart() -> Iterator[None]:
    """Start processes that do not import the calling script again, and leave an interrupt to this one.

    Without it, a script needs the guard ``if __name__ == "__main__":``, and each process its own traceback.
    """
    main, held_back = sys.modules["__main__"], {signal.SIGINT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held_back) if hasattr(signal, "pthread_sigmask") else None
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
