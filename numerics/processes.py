"""Work spread over any executor: by default over processes that end with the work, or with the process that asked."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import ModuleType
from typing import TypeVar

from derive.errors import InputError

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
    executor: Executor | None = None,
    waiting: Callable[[_Task], None] = lambda task: None,
) -> list[_Made]:
    """Return what a function makes of each task, in their order; one worker works in this process.

    Args:
        function: of one task; defined in a module, for a process imports it by name.
        tasks: what it is called with.
        workers: how many processes; by default one a processor, at most four.
        executor: what runs the tasks, in place of processes of this machine; it is left open.
        waiting: called with each task when its turn to be waited for comes.

    Raises `InputError` for fewer than one worker, `WorkerLost` when one ends early, and what the function raises.

    """
    made: dict[int, _Made] = {}
    arriving = completed(function, tasks, workers=workers, executor=executor)
    for place, task in enumerate(tasks):
        waiting(task)
        while place not in made:
            number, found = next(arriving)
            made[number] = found
    return [made[place] for place in range(len(tasks))]


def completed(
    function: Callable[[_Task], _Made],
    tasks: Sequence[_Task],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
) -> Iterator[tuple[int, _Made]]:
    """Yield the place of each task with what a function makes of it, as they are done; see `spread`."""
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise InputError(f"workers must be an integer of at least 1, got {workers!r}")
    count = min(workers or min(os.cpu_count() or 1, _MOST), len(tasks))
    if executor is None and count <= 1:
        for place, task in enumerate(tasks):
            yield place, function(task)
        return
    with nullcontext(executor) if executor is not None else _pool(count) as pool:
        with _apart() if executor is None else nullcontext():
            places = {pool.submit(function, task): place for place, task in enumerate(tasks)}
        try:
            for future in as_completed(places):
                yield places[future], result(future)
        finally:
            # Failed or interrupted: nobody waits for what is not wanted any more.
            for future in places:
                future.cancel()


def result(future: Future[_Made]) -> _Made:
    """Return what a worker made; raise `WorkerLost` where it ended before it was done."""
    try:
        return future.result()
    except Exception as error:
        if isinstance(error, BrokenExecutor) or type(error).__name__ in _LOST:
            raise WorkerLost(
                "a worker ended before it was done, killed or out of memory: give workers=1, or free memory"
            ) from None
        raise


_LOST = ("KilledWorker",)
"""How an engine that is no part of Python calls it, which is not imported for the name."""


@contextmanager
def engine(dask: str | None) -> Iterator[Executor | None]:
    """Give the executor of a dask cluster at an address, or none without one: then processes of this machine work.

    Raises `InputError` where dask is not installed (the extra ``dask``), and where no scheduler answers.
    """
    if dask is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--dask needs dask.distributed; install the extra: pip install 'varprop[dask]'") from None
    try:
        client = Client(dask, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"--dask must be the address of a scheduler that answers, got {dask!r}: {error}") from None
    with client, client.get_executor() as executor:
        yield executor


_PATIENCE = "10s"


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
