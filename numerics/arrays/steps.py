"""A compiled definition: operations in order, and where the array of each family stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.randomness import Family
from numerics.arrays.operations import Operation

Key = tuple[Family, int | None]
"""A family, and its layer where it has layers."""


@dataclass(frozen=True)
class Step:
    """An operation of a program: where its inputs stand, and where its result goes."""

    operation: Operation
    inputs: tuple[int, ...]
    output: int


@dataclass
class Compiled:
    """Steps in order; ``families`` says where the array of a family stands, ``shapes`` how large it is.

    ``largest`` is how many numbers the largest array between two families has, for one network.
    """

    steps: list[Step] = field(default_factory=list)
    families: dict[Key, int] = field(default_factory=dict)
    shapes: dict[Key, tuple[int, ...]] = field(default_factory=dict)
    drawn: list[Key] = field(default_factory=list)
    registers: int = 0
    largest: int = 0
