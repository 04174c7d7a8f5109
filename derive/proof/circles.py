"""Circular derivations: one that rests on itself, by name or by content, through its lemmas or their parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from derive.indices import nameless

if TYPE_CHECKING:
    from derive.proof.derivation import Derivation

Trail = tuple[str, ...]


def circle(derivation: Derivation) -> Trail | None:
    """Return the names on the way from a derivation back to itself, or None.

    What it states by the way, its own parts, may rest on it; the parts of a lemma may not.
    """
    return _Search(derivation).found()


class _Search:
    """Looks below a derivation for itself; what has been looked through is not looked through again."""

    def __init__(self, root: Derivation) -> None:
        self._root, self._wanted = root, _content(root)
        self._done: set[int] = set()

    def found(self) -> Trail | None:
        """Return the way back, or None."""
        return self._below(self._root, (), _lemmas(self._root))

    def _below(self, node: Derivation, trail: Trail, below: Iterator[Derivation]) -> Trail | None:
        trail = (*trail, node.name)
        for inner in below:
            if inner is self._root or inner.name == self._root.name or _content(inner) == self._wanted:
                return (*trail, inner.name)
            if id(inner) not in self._done:
                self._done.add(id(inner))
                found = self._below(inner, trail, _lemmas(inner, with_parts=True))
                if found is not None:
                    return found
        return None


def _lemmas(derivation: Derivation, *, with_parts: bool = False) -> Iterator[Derivation]:
    for step in derivation.steps:
        yield from step.lemmas
    if with_parts:
        yield from derivation.parts


def _content(derivation: Derivation) -> tuple[Any, ...]:
    """Return what a derivation states, and under which assumptions."""
    statement, setting = derivation.statement, derivation.setting
    assumed = frozenset((h.key, h.properties) for h in setting.hypotheses)
    return nameless(statement.lhs), statement.relation, nameless(statement.rhs), assumed, setting.facts, setting.differ


def described(trail: Trail) -> str:
    """Return in words that a derivation rests on itself."""
    return f"{trail[0]} rests on itself: " + " needs ".join(trail)
