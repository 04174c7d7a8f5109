"""The bound on the work of a command: ``--time-limit``."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from numerics.cli.numbers import NUMBER

_REMEDY = "allow more with --time-limit SECONDS, or give a simpler function"
_TICK = 0.25


def time_limit(command: Callable[..., Any], seconds: float = 60.0) -> Callable[..., Any]:
    """Give a command the option ``--time-limit``, and stop it there: one line, and the exit code of bad input."""

    @click.option(
        "--time-limit",
        type=NUMBER,
        default=seconds,
        show_default=True,
        metavar="SECONDS",
        help="Processor time after which there is no answer; what was asked to be drawn is not counted.",
    )
    @wraps(command)
    def limited(*args: Any, time_limit: float, **options: Any) -> Any:
        from derive import limits

        if not time_limit > 0:
            raise click.UsageError(f"--time-limit must be a positive number of seconds, got {time_limit}")
        with limits.within(time_limit, remedy=_REMEDY), _ticking(limits.check):
            return command(*args, **options)

    return limited


@contextmanager
def _ticking(check: Callable[[], None]) -> Iterator[None]:
    """Check the limit now and then wherever the program is: also in a library that knows nothing of it."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGPROF, lambda *_: check())
    signal.setitimer(signal.ITIMER_PROF, _TICK, _TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
