"""Oracles: cases in which both sides of a statement are known without its derivation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from derive.errors import InputError
from derive.proof.outcomes import ROUNDING
from derive.proof.outcomes import Known as Known
from derive.proof.verdict import Counterexample, Grade, Verdict

if TYPE_CHECKING:
    from derive.proof.derivation import Derivation, Statement


@dataclass(frozen=True)
class Case:
    """One case of a statement: what everything that occurs in it is worth, so that both sides are numbers.

    ``known`` gives these values; they come from the definition (outcomes enumerated, integrals), from the field's
    papers, or are typed. ``equals`` is the number (or truth value) that both sides are known to have. Where the left
    side cannot be read (a limit of wide networks), ``reads_left`` is False and ``equals`` stands for it.
    Sides may differ by ``within``, relative to ``scale`` (by default the larger of the two); for an expansion the
    scale is its last term. A bound ``<=`` must be as sharp as that.
    """

    words: str
    known: Callable[[], Known]
    equals: Callable[[], Any] | float | None = None
    within: float = ROUNDING
    scale: float | None = None
    reads_left: bool = True

    def refutation(self, statement: Statement) -> tuple[Any, Any] | None:
        """Return the two numbers that should agree and do not, or None."""
        from derive.proof.oracle_reading import Reader  # Not before a check: it needs NumPy and the Gaussian language.

        reader = Reader(self.known())
        equals = self.equals() if callable(self.equals) else self.equals
        right = reader.number(statement.rhs)
        left = reader.number(statement.lhs) if self.reads_left else equals
        for a, b in ((left, right), *(((equals, right),) if equals is not None else ())):
            if not self._agree(a, b, statement.relation):
                return a, b
        return None

    def _agree(self, left: Any, right: Any, relation: str) -> bool:
        if isinstance(left, bool) or isinstance(right, bool):
            return left is right
        scale = self.scale or max(abs(left), abs(right))
        near = isfinite(scale) and abs(left - right) <= self.within * scale
        return bool(near) and (relation != "<=" or bool(left <= right))


@dataclass(frozen=True)
class Limit:
    """An asymptotic statement held against a sequence, at two layers far out.

    ``known(l)`` gives the values at a layer. The ratio of the sides is 1 but for ``within`` at the second layer, and
    nearer to 1 there than at the first. Where the statement has the logarithm of the next order, what is left is a
    constant over l: l (ratio - 1) then changes by at most ``steady`` between the layers.
    """

    words: str
    known: Callable[[int], Known]
    layers: tuple[int, int]
    within: float
    steady: float | None = None

    def refutation(self, statement: Statement) -> tuple[Any, Any] | None:
        """Return the two numbers that should agree and do not, or None."""
        from derive.proof.oracle_reading import Reader

        off = []
        for layer in self.layers:
            reader = Reader(self.known(layer))
            left, right = reader.number(statement.lhs), reader.number(statement.rhs)
            off.append(left / right - 1)
        near = abs(off[1]) <= min(self.within, abs(off[0]))
        drift = abs(self.layers[1] * off[1] - self.layers[0] * off[0])
        return None if near and (self.steady is None or drift <= self.steady) else (left, right)


NOT_RUN = Verdict(Grade.UNDECIDED, "not run yet")


@dataclass(frozen=True)
class Oracle:
    """A second, independent way to a statement: its cases, where they come from, and the verdict once they ran."""

    source: str
    cases: tuple[Case | Limit, ...]
    verdict: Verdict = NOT_RUN

    def ask(self, statement: Statement) -> Verdict:
        """Return the verdict of the cases on a statement: `sampled` where all agree, `failed` where one does not."""
        for case in self.cases:
            try:
                found = case.refutation(statement)
            except (InputError, ArithmeticError, LookupError, ValueError) as failure:
                return Verdict(Grade.FAILED, f"{case.words}: the statement has no value here ({failure})")
            if found is not None:
                left, right = map(str, found)
                at = Counterexample({"case": case.words}, {}, left, statement.relation, right)
                return Verdict(Grade.FAILED, f"{case.words}: {left} and {right} disagree", at)
        count = len(self.cases)
        return Verdict(Grade.SAMPLED, f"{count} case{'s agree' if count > 1 else ' agrees'}")


def with_oracles(derivation: Derivation, oracles: Mapping[str, Oracle]) -> Derivation:
    """Return the derivation with the oracles of its name and of the names of its parts."""
    parts = tuple(with_oracles(part, oracles) for part in derivation.parts)
    return replace(derivation, parts=parts, oracle=oracles.get(derivation.name, derivation.oracle))


def gathered(derivation: Derivation) -> Iterable[Oracle]:
    """Yield the oracles of a derivation and of its parts."""
    if derivation.oracle is not None:
        yield derivation.oracle
    for part in derivation.parts:
        yield from gathered(part)
