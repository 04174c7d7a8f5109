"""Printed formulas as lines of data: what is printed where, and what it is said to be, as text that is read."""

from __future__ import annotations

from typing import NamedTuple

AS_GIVEN = "as given"
"""Where the text of a source was not at hand, only the formula."""


class Number(NamedTuple):
    """A printed number or function of numbers, and the formula of what it is said to be.

    The formula is read by `derive.equations.formulas`; ``positive`` and ``real`` are the names of numbers in it.
    """

    title: str
    source: str
    where: str
    symbol: str
    printed: str
    formula: str
    reading: str = ""
    positive: str = ""
    real: str = ""

    @property
    def says(self) -> str:
        """What is printed, in one line."""
        return f"{self.title}: {self.formula} = {self.printed}"

    @property
    def theorems(self) -> tuple[str, ...]:
        """The theorems that decide it: none, the formula is computed."""
        return ()


class Equation(NamedTuple):
    """A printed equation, read with the names of a theorem and held against it.

    ``part`` is the part of the theorem that has the equation's names and hypotheses, where it is not the statement;
    ``without`` are keys of hypotheses of it that the source does not state, ``let`` what other names stand for.
    """

    title: str
    source: str
    where: str
    equation: str
    theorem: str
    part: str = ""
    reading: str = ""
    without: tuple[str, ...] = ()
    let: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """What is printed, in one line."""
        return f"{self.title}: {self.equation}"

    @property
    def theorems(self) -> tuple[str, ...]:
        """The theorem that decides it."""
        return (self.theorem,)
