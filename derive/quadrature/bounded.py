"""A number and how far it can be off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Bounded:
    """A value, or an array of them: the truth lies within ``error`` of ``value``.

    The error is an absolute bound. It is infinite where nothing is known, and ``reason`` says why; an infinite value
    with the error 0 is an integral that diverges. ``size`` is the integral of the modulus, to a few digits, where it is
    known.
    """

    value: Any
    error: Any
    reason: str = ""
    size: Any = None

    @property
    def relative(self) -> Any:
        """The error relative to the value; infinite where that is 0 and the error is not."""
        with np.errstate(all="ignore"):
            return np.where(np.equal(self.error, 0), 0.0, np.abs(np.divide(self.error, self.value)))

    def map(self, part: Callable[[Any], Any]) -> Bounded:
        """The same part of values and errors."""
        return Bounded(part(self.value), part(self.error), self.reason, None if self.size is None else part(self.size))
