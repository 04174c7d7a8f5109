"""The random numbers of what draws in several stages: one seed, and a stream of its own for each stage."""

from __future__ import annotations

from enum import IntEnum

from numpy.random import SeedSequence


class Stage(IntEnum):
    """What draws random numbers within one report; figures alone draw as they do in a report."""

    FIGURE = 0
    DECAY = 1
    NETWORK = 2
    WIDTH_BIAS = 3
    REGIME = 4
    ACTIVATION = 5
    EDGE = 6
    OWN = 7
    EVIDENCE = 8
    NORMALISED = 9


def stream(seed: int, stage: Stage, *number: int) -> SeedSequence:
    """Return the stream of a stage: of its ``number``-th part, counted with as many numbers for each of its parts.

    It is the descendant of ``SeedSequence(seed)`` with the key (stage, number...), as `SeedSequence.spawn` would give.
    """
    return SeedSequence(seed, spawn_key=(int(stage), *number))
