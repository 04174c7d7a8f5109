"""Verdicts: how a step is known, with its evidence. There is no single word "verified"."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Grade(IntEnum):
    """How a step is known, from the strongest to the weakest; a derivation has the grade of its weakest step."""

    EXACT = 0
    ENUMERATED = 1
    SAMPLED = 2
    ASSUMED = 3
    UNDECIDED = 4
    FAILED = 5

    @property
    def meaning(self) -> str:
        """What the grade says, in the words that every legend prints."""
        return _MEANINGS[self]

    def __str__(self) -> str:
        return self.name.lower()


_MEANINGS = {
    Grade.EXACT: "a rule computed it, its conditions are met, and a second way confirms it: tiny worlds in exact "
    "arithmetic, a residual proved to be 0, or the match with a lemma",
    Grade.ENUMERATED: "both sides are equal in every tiny world tried; the rule is not one of varprop's own",
    Grade.SAMPLED: "both sides are equal to the stated digits at the stated points, or at outcomes that were drawn",
    Grade.ASSUMED: "taken from a cited source: a limit theorem, an approximation",
    Grade.UNDECIDED: "computed by the rule only: nothing independent could be evaluated, or nobody has checked it yet",
    Grade.FAILED: "refuted, with a counterexample where there is one",
}


def legend() -> str:
    """Return what every grade means, a line each, as the documentation prints it."""
    return "\n".join(f"- `{grade}`: {grade.meaning}." for grade in Grade)


@dataclass(frozen=True)
class Counterexample:
    """A concrete case in which two sides that were said to be related are not.

    ``world`` describes widths, laws (`DescribedLaw`) and what was drawn (`DescribedValue`), ``at`` gives the values of
    the free indices, ``left`` and ``right`` both sides, as fractions or high-precision numbers.
    """

    world: dict[str, Any] = field(hash=False)
    at: dict[str, str] = field(hash=False)
    left: str
    relation: str
    right: str

    def __str__(self) -> str:
        where = f" at {self.place}" if self.at else ""
        world = f" [{'; '.join(self.facts)}]" if self.facts else ""
        return f"left side {self.left}, right side {self.right} (not {self.relation}){where}{world}"

    @property
    def place(self) -> str:
        """The values of the free indices in words: ``i = 0, k = 1``."""
        return listed(self.at)

    @property
    def facts(self) -> list[str]:
        """The world in words, a line for each thing told of it: ``widths: n_1 = 1``, ``laws: W[0, 1, 1] = ...``."""
        return [f"{key.replace('_', ' ')}: {listed(value)}" for key, value in self.world.items() if value]

    def to_dict(self) -> dict[str, Any]:
        """Return the counterexample as plain data."""
        return {
            "world": {k: list(map(str, v)) if isinstance(v, list) else v for k, v in self.world.items()},
            "at": self.at,
            "left": self.left,
            "relation": self.relation,
            "right": self.right,
        }


def listed(value: object, between: str = "; ") -> str:
    """Return a part of a counterexample in words: ``n_0 = 1, n_1 = 2`` for a dictionary, the items of a list."""
    if isinstance(value, dict):
        return ", ".join(f"{name} = {part}" for name, part in value.items())
    return between.join(map(str, value)) if isinstance(value, list) else str(value)


@dataclass(frozen=True)
class Verdict:
    """A grade, the evidence for it in words, and the counterexample if there is one."""

    grade: Grade
    evidence: str
    counterexample: Counterexample | None = None

    def __str__(self) -> str:
        return f"{self.grade}: {self.evidence}" if self.evidence else str(self.grade)


UNCHECKED = Verdict(Grade.UNDECIDED, "computed by the rule; not checked yet")
"""The verdict of a step that a rule has made and no check has looked at."""
