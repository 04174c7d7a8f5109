"""A block: a function from a signal to a signal. It adds a definition, what it draws and what it assumes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from derive.blocks.signal import Signal


class Block(ABC):
    """One part of a network; subclasses are frozen dataclasses of its parameters.

    ``word`` is its name in a network's text and in the rows of a curve.
    """

    word: ClassVar[str]

    @abstractmethod
    def __call__(self, z: Signal) -> Signal:
        """Return the signal that comes out when ``z`` goes in; raise `InputError` for one that does not fit."""

    @property
    def inside(self) -> tuple[Block, ...]:
        """The blocks that this one is made of."""
        return ()
