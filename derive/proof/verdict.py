"""Verdicts: how a step is known, with its evidence. There is no single word "verified"."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Grade(IntEnum):
    """How a step is known, from the strongest to the weakest."""

    EXACT = 0
    """Computed by a rule whose obligations are discharged, or a residual proved to be 0."""
    ENUMERATED = 1
    """Both sides equal in exact arithmetic in every tiny world tried."""
    SAMPLED = 2
    """Both sides equal to the stated digits at the stated number of admissible points."""
    ASSUMED = 3
    """Taken from a cited source: a limit theorem, an approximation."""
    UNDECIDED = 4
    """Neither proved nor refuted."""
    FAILED = 5
    """Refuted, with a counterexample."""

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Counterexample:
    """A concrete case in which two sides that were said to be related are not.

    ``world`` describes widths and laws, ``at`` gives the values of the free indices, ``left`` and ``right`` both
    sides, as fractions or high-precision numbers.
    """

    world: dict[str, Any] = field(hash=False)
    at: dict[str, str] = field(hash=False)
    left: str
    relation: str
    right: str

    def __str__(self) -> str:
        where = ", ".join(f"{k} = {v}" for k, v in self.at.items())
        laws = "; ".join(f"{k}: {v}" for k, v in self.world.items() if k != "laws")
        sides = f"left side {self.left}, right side {self.right} (not {self.relation})"
        return sides + (f" at {where}" if where else "") + (f" [{laws}]" if laws else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the counterexample as plain data."""
        return {
            "world": self.world,
            "at": self.at,
            "left": self.left,
            "relation": self.relation,
            "right": self.right,
        }


@dataclass(frozen=True)
class Verdict:
    """A grade, the evidence for it in words, and the counterexample if there is one."""

    grade: Grade
    evidence: str
    counterexample: Counterexample | None = None

    def __str__(self) -> str:
        return f"{self.grade}: {self.evidence}" if self.evidence else str(self.grade)
