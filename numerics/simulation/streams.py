"""Reproducible streams of random numbers: one for each group of networks, whoever computes the group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import BitGenerator, Generator, SeedSequence

from derive.errors import InputError

RNG = int | Sequence[int] | SeedSequence | BitGenerator | Generator | None
"""Whatever `numpy.random.default_rng` takes."""


@dataclass(frozen=True)
class Seed:
    """Where a run's random numbers came from; ``simulate(network, rng=seed.generator())`` repeats the run."""

    entropy: int | tuple[int, ...]
    spawn_key: tuple[int, ...] = ()
    spawned: int = 0
    bit_generator: str = "PCG64"

    @classmethod
    def of(cls, rng: Generator) -> Seed:
        """Return where a generator's next children will come from."""
        sequence = rng.bit_generator.seed_seq
        if not isinstance(sequence, SeedSequence):
            raise InputError(f"rng must be seeded by a numpy.random.SeedSequence, got one seeded by {sequence!r}")
        entropy: Any = sequence.entropy
        assert entropy is not None  # NumPy draws the entropy when none is given
        return cls(
            int(entropy) if np.ndim(entropy) == 0 else tuple(int(word) for word in entropy),
            tuple(sequence.spawn_key),
            sequence.n_children_spawned,
            type(rng.bit_generator).__name__,
        )

    def generator(self) -> Generator:
        """Return a generator whose next children are those that the run used."""
        sequence = SeedSequence(self.entropy, spawn_key=self.spawn_key, n_children_spawned=self.spawned)
        return Generator(getattr(np.random, self.bit_generator)(sequence))

    def to_dict(self) -> dict[str, object]:
        """Return the seed as plain data; the entropy as text, for it may have 128 bits."""
        return {
            "entropy": str(self.entropy),
            "spawn_key": list(self.spawn_key),
            "spawned": self.spawned,
            "bit_generator": self.bit_generator,
        }


def generator(rng: RNG, seed: int | Sequence[int] | None = None) -> Generator:
    """Return ``numpy.random.default_rng`` of a seed or of what else it takes; of both, there is one too many.

    Raises `InputError` where both are given, and for what NumPy does not take.
    """
    if seed is not None and rng is not None:
        raise InputError(f"give seed or rng, not both, got seed={seed!r} and rng={rng!r}")
    try:
        if isinstance(seed, BitGenerator | Generator | SeedSequence):
            raise TypeError
        return np.random.default_rng(rng if seed is None else seed)
    except (TypeError, ValueError) as error:
        if seed is not None:
            raise InputError(f"seed must be a non-negative integer (rng takes generators), got {seed!r}") from error
        raise InputError(f"rng must be a non-negative integer seed or a NumPy generator, got {rng!r}") from error


def groups(rng: Generator, *, networks: int, size: int) -> Iterator[tuple[Generator, int]]:
    """Yield a child generator and a number of networks for each group of at most ``size`` networks.

    Spawned one at a time, so that a long run does not hold all its generators at once.
    """
    for start in range(0, networks, size):
        yield rng.spawn(1)[0], min(size, networks - start)


def restartable(rng: Generator) -> Callable[[], Generator]:
    """Return a function that gives the same fresh child of a generator at every call, to draw the same numbers anew."""
    (child,) = rng.bit_generator.seed_seq.spawn(1)  # type: ignore[attr-defined]
    kind = type(rng.bit_generator)
    return lambda: Generator(kind(child))
