"""A bound on work: how much processor time a computation may take before it stops and says so."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import thread_time

from derive.errors import InputError


class LimitReached(InputError):
    """A computation was stopped by the limit that its caller set."""


class Deadline:
    """A moment on the clock of this thread's processor time: a busy machine must not change an answer."""

    def __init__(self, seconds: float, remedy: str = "") -> None:
        self.seconds, self.remedy, self._end = seconds, remedy, thread_time() + seconds

    @property
    def passed(self) -> bool:
        """Whether the time is spent."""
        return thread_time() > self._end


NEVER = Deadline(math.inf)
_current: ContextVar[Deadline] = ContextVar("deadline", default=NEVER)


@contextmanager
def within(seconds: float, *, remedy: str = "") -> Iterator[None]:
    """Give a block so many seconds of processor time; `check` raises `LimitReached` when they are spent.

    A block within it has no more time than what is left. ``remedy`` says what to do, in the error.
    """
    outer, inner = _current.get(), Deadline(seconds, remedy)
    token = _current.set(min(outer, inner, key=lambda d: d._end))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def uncounted() -> Iterator[None]:
    """Take a block out of the limit: its work is what was asked for, and has a size that the caller gave."""
    outer, start = _current.get(), thread_time()
    token = _current.set(NEVER)
    try:
        yield
    finally:
        _current.reset(token)
        outer._end += thread_time() - start


def check() -> None:
    """Raise `LimitReached` when the time is spent: to be called in every loop whose length depends on what is given."""
    deadline = _current.get()
    if deadline is not NEVER and deadline.passed:
        advice = f"; {deadline.remedy}" if deadline.remedy else ""
        raise LimitReached(
            f"time limit of {deadline.seconds:g} s of processor time was reached before there was an answer{advice}"
        )
