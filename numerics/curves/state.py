"""The state that predictions pass through blocks: its numbers, each with the errors that it has inherited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.blocks.signal import Axis
from numerics.curves.places import Shape

Floats = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)
CARRIED = ("square", "product", "gap")
"""The mean square, the mean product of two samples, and half their mean squared difference: square = product + gap."""


@dataclass(frozen=True)
class Numbers:
    """One number of a state: of shape (settings, groups, places), or with a number for each pair of places.

    ``error`` bounds what the values are off by, as absolute numbers of shape (parts, settings, groups, places): the
    sum of the parts is the error; how many there are, who starts the computation decides. None: errors are not wanted.
    """

    values: Floats
    shape: Shape
    pairs: bool = False
    error: Floats | None = None

    @property
    def diagonal(self) -> Numbers:
        """The numbers of the places alone."""
        if not self.pairs:
            return self
        one = np.arange(self.shape.places) * (self.shape.places + 1)
        return Numbers(self.values[..., one], self.shape, error=None if self.error is None else self.error[..., one])

    def with_diagonal(self, other: Numbers) -> Numbers:
        """Return the numbers of pairs, with others where both places are one."""
        one = np.arange(self.shape.places) * (self.shape.places + 1)
        error = None
        if self.error is not None and other.error is not None:
            error = np.array(self.error)
            error[..., one] = other.error
        values = np.array(self.values)
        values[..., one] = other.values
        return replace(self, values=values, error=error)

    def less(self, other: Numbers) -> Numbers:
        """Return the differences."""
        error = None if self.error is None or other.error is None else self.error + other.error
        return replace(self, values=self.values - other.values, error=error)

    def of_units(self, units: slice) -> Numbers:
        """Return the numbers of some of the units, which all have numbers of their own."""
        error = None if self.error is None else self.error[:, :, units]
        values = self.values[:, units]
        return replace(self, values=values, shape=replace(self.shape, groups=values.shape[1]), error=error)


def units_of(parts: Sequence[Numbers], counts: Sequence[int]) -> Numbers:
    """Return the numbers of units that come one after the other: so many of each part."""

    def whole(arrays: Sequence[Floats]) -> Floats:
        settings = np.broadcast_shapes(*(a.shape[:-2] for a in arrays))
        each = zip(arrays, counts, strict=True)
        return np.concatenate([np.broadcast_to(a, (*settings, n, a.shape[-1])) for a, n in each], axis=-2)

    first = parts[0]
    errors = [np.broadcast_to(p.error, (len(p.error), *p.values.shape)) for p in parts if p.error is not None]
    error = whole(errors) if len(errors) == len(parts) else None
    return Numbers(whole([p.values for p in parts]), replace(first.shape, groups=sum(counts)), first.pairs, error)


class State(Mapping[str, Numbers]):
    """The numbers of a signal by name, each computed when it is first read."""

    def __init__(self, made: Mapping[str, Numbers | Callable[[], Numbers]]) -> None:
        self._made = dict(made)

    def __getitem__(self, name: str) -> Numbers:
        found = self._made[name]
        if not isinstance(found, Numbers):
            found = self._made[name] = found()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def later(self, name: str) -> Callable[[], Numbers]:
        """Return a function that reads a number."""
        return lambda: self[name]

    def of_one_sample(self) -> State:
        """Return the state in which both samples are one."""
        return State({n: self.later(n.replace("product", "square")) for n in self})


@dataclass(frozen=True)
class Port:
    """What a block is joined to: the axes of a signal, what its state tells apart, and whether it is Gaussian.

    ``pairs`` says whether the state has numbers for pairs of places; ``source`` is the word of what it comes out of.
    ``on_sphere`` says that the samples of a batch are a direction: without their length they would be Gaussian.
    """

    axes: tuple[Axis, ...]
    shape: Shape
    pairs: bool
    gaussian: bool
    source: str
    on_sphere: bool = False

    @property
    def is_single(self) -> bool:
        """Whether there is one number of a kind: all units are alike, and there are no places."""
        return self.shape.groups == self.shape.places == 1


def relative(error: Floats, value: Floats) -> Floats:
    """Return errors in proportion to values: 0 where there is no error."""
    with np.errstate(all="ignore"):
        return np.asarray(np.where(error == 0, 0.0, error / np.abs(value)))


def absolute(wrong: Floats, value: Floats) -> Floats:
    """Return errors from those in proportion to values."""
    return times(wrong, np.abs(value))


def times(first: Any, second: Any) -> Floats:
    """Return products in which 0 times what is infinite or unknown is 0."""
    with np.errstate(all="ignore"):
        return np.asarray(np.where((first == 0) | (second == 0), 0.0, first * second))
