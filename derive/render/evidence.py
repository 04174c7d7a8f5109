"""How the steps of a derivation are known: a short mark at each step, and one legend that explains the marks.

Renderers read the verdict of a step here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_lowercase

from derive.proof.derivation import Step
from derive.proof.verdict import UNCHECKED, Counterexample, Grade

_NUMBER = re.compile(r"(?<![\w.-])(\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?![\w.]*\w)")


@dataclass(frozen=True)
class Known:
    """What is known of one step: the rule that made it, its grade, the evidence, a counterexample if it is wrong."""

    rule: str
    grade: Grade
    evidence: str
    counterexample: Counterexample | None

    @property
    def words(self) -> str:
        """The grade with its evidence."""
        return f"{self.grade}: {self.evidence}" if self.evidence else str(self.grade)

    @property
    def alarm(self) -> str:
        """What a reader must see at the step itself, in every format: that it failed or is undecided, and why."""
        return self.words if self.grade >= Grade.UNDECIDED and not self.unchecked else ""

    @property
    def unchecked(self) -> bool:
        """Whether nobody has checked the step yet, which says nothing against it."""
        return (self.grade, self.evidence) == (UNCHECKED.grade, UNCHECKED.evidence)

    @property
    def kind(self) -> tuple[Grade, str]:
        """What its mark stands for: the words without their numbers, which alone tell one check from the next.

        The numbers of a citation are part of what it cites.
        """
        cited = self.grade is Grade.ASSUMED
        return self.grade, self.evidence if cited else _NUMBER.sub("#", self.evidence)


def known(step: Step) -> Known:
    """Return how a step is known."""
    verdict = step.verdict
    return Known(step.rule.name, verdict.grade, verdict.evidence, verdict.counterexample)


class Marks:
    """A letter for every kind of evidence, in order of first use."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._kinds: dict[tuple[Grade, str], list[Known]] = {}
        for step in steps:
            found = known(step)
            self._kinds.setdefault(found.kind, []).append(found)

    @property
    def unchecked(self) -> bool:
        """Whether some step has not been checked yet."""
        return any(known.unchecked for found in self._kinds.values() for known in found)

    def of(self, step: Step) -> str:
        """Return the mark of a step; nothing where all steps are known alike."""
        if len(self._kinds) == 1:
            return ""
        return _letters(list(self._kinds).index(known(step).kind))

    def legend(self) -> list[tuple[str, str]]:
        """Return every mark with what it means; numbers that differ from step to step are given as a range.

        Where all steps are known alike, there is one line and it has no mark.
        """
        if len(self._kinds) == 1:
            return [("", _summary(*self._kinds.values()))]
        return [(_letters(n), _summary(found)) for n, found in enumerate(self._kinds.values())]


def _letters(number: int) -> str:
    """Return a, b, ..., z, aa, ab, ... for 0, 1, ..., 25, 26, 27, ..."""
    mark = ""
    while number >= 0:
        number, last = divmod(number, len(ascii_lowercase))
        mark, number = ascii_lowercase[last] + mark, number - 1
    return mark


def _summary(found: list[Known]) -> str:
    texts = list(dict.fromkeys(k.words for k in found))
    if len(texts) == 1:
        return texts[0]
    between, *others = (_NUMBER.split(text) for text in texts)
    columns = zip(between, *others, strict=True)
    return "".join(column[0] if n % 2 == 0 else _range(column) for n, column in enumerate(columns))


def _range(numbers: Iterable[str]) -> str:
    given = sorted(set(numbers), key=float)
    return given[0] if len(given) == 1 else f"{given[0]} to {given[-1]}"
