"""Sentences with formulas in them, kept as data so that every renderer prints the formulas in its own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Basic, Symbol

from derive.errors import InputError
from derive.provided import provided


@dataclass(frozen=True, init=False, repr=False)
class Words:
    """A sentence with ``{}`` where the expressions stand.

    >>> from sympy import Symbol
    >>> Words("the variance of {} is shared", Symbol("x")).render(str)
    'the variance of x is shared'
    """

    template: str
    objects: tuple[Basic, ...]

    def __init__(self, template: str, *objects: Basic) -> None:
        if template.count("{}") != len(objects):
            raise InputError(f"words need one expression per {{}}, got {len(objects)} for {template!r}")
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "objects", objects)

    @provided
    def __str__(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<Words: {self}>"

    def render(self, show: Callable[[Basic], str], plain: Callable[[str], str] = str) -> str:
        """Return the sentence; ``show`` prints a formula, ``plain`` escapes the words between."""
        pieces = self.template.split("{}")
        shown = [show(o) for o in self.objects]
        return "".join(plain(p) + (shown[n] if n < len(shown) else "") for n, p in enumerate(pieces))


class Title(Symbol):
    """The title of a derivation, where words cite it."""
