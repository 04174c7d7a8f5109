"""A network that learns: its definition as arrays, with several seeds side by side, and its weights as they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from derive.blocks import Dense
from derive.randomness import Family
from numerics.arrays import Program, Run
from numerics.arrays.drawing import Drawing
from numerics.arrays.steps import Key
from numerics.laws import laws
from numerics.network import Network
from numerics.network_blocks import Row

Floats = NDArray[Any]  # of float32 or float64
Values = dict[Key, Floats]


@dataclass(frozen=True)
class Learner:
    """A network that sees ``batch`` samples at once, of which several copies are drawn: the first axis of all arrays.

    ``dtype`` is that of all numbers that it computes with.
    """

    network: Network
    batch: int
    dtype: str = "float32"

    @cached_property
    def rows(self) -> tuple[Family, ...]:
        """The families of the input and of what comes out of each block."""
        return tuple(row.signal.family for row in self._rows)

    @cached_property
    def weights(self) -> tuple[Key, ...]:
        """All that is learnt: what is drawn by a law of weights, in the order of the layers; masks are not."""
        return tuple((drawn.family, None) for drawn in self._rows[-1].signal.drawn[1:] if drawn.law in laws())

    @cached_property
    def matrices(self) -> tuple[Key, ...]:
        """The weights that have a fan-in: all but the biases."""
        return tuple(key for key in self.weights if len(self.program.shape(key)) > 1)

    @cached_property
    def dense(self) -> tuple[tuple[Family, Key], ...]:
        """The dense layers of the network itself, each with its row and its matrix; those of branches are left out."""
        found, before = [], frozenset[Key]()
        for row in self._rows[1:]:
            drawn = frozenset((d.family, None) for d in row.signal.drawn)
            new = [key for key in self.matrices if key in drawn - before]
            if isinstance(row.block, Dense):
                found.append((row.signal.family, new[0]))
            before = drawn
        return tuple(found)

    @cached_property
    def program(self) -> Program:
        """The definition, with the gradients of the weights."""
        return Program(self._rows[-1].signal, gradients=self.weights)

    @cached_property
    def whole(self) -> Program:
        """The definition, with all rows kept and their gradients."""
        return Program(self._rows[-1].signal, keep=self.rows, gradients=(*self.rows, *self.weights))

    def draw(self, streams: list[Generator]) -> Values:
        """Return the weights of one copy for each stream, which depend on nothing but that stream."""
        return _stacked(self._drawing(self.weights), streams, self.dtype)

    def masks(self, streams: list[Generator]) -> Values:
        """Return what is drawn anew at every step, such as the masks of dropout."""
        if not self._masks:
            return {}
        return _stacked(self._drawn_masks, streams, self.dtype)

    def means(self) -> Values:
        """Return ones in place of masks, whose mean is 1: the network that is tested."""
        return {key: np.ones((1, *self.program.shape(key)), self.dtype) for key in self._masks}

    def run(self, program: Program, values: Mapping[Key, Floats], x: NDArray[np.float64]) -> Run:
        """Run all copies on samples: of shape (batch, features), or (copies, batch, features)."""
        samples = x.astype(self.dtype)
        return program.run({**values, self._input: samples if samples.ndim > 2 else samples[None]})

    def output(self, run: Run) -> Floats:
        """Return the last row."""
        return run[self.rows[-1]]

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        return self.network.rows_of(self.batch)

    @cached_property
    def _input(self) -> Key:
        return (self.rows[0], None)

    @cached_property
    def _masks(self) -> tuple[Key, ...]:
        return tuple(key for key in self.program.drawn if key not in self.weights and key != self._input)

    @cached_property
    def _drawn_masks(self) -> Drawing:
        return self._drawing(self._masks)

    def _drawing(self, keys: Sequence[Key]) -> Drawing:
        return Drawing(self.network, self._rows[-1].signal, {key: self.program.shape(key) for key in keys})


def _stacked(drawing: Drawing, streams: list[Generator], dtype: str) -> Values:
    """Return what is drawn, one copy for each stream, side by side."""
    copies = [drawing.within(rng, 1) for rng in streams]
    return {key: np.concatenate([copy[key] for copy in copies]).astype(dtype) for key in copies[0]}
