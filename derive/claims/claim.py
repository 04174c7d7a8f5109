"""A claim: a printed formula as data, with its source and the hypotheses that it states; and the audit of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sympy import Basic, Expr, Float, Symbol

from derive.errors import InputError
from derive.hypotheses import Hypothesis
from derive.proof.derivation import Derivation, Statement
from derive.proof.verdict import Counterexample
from derive.provided import provided
from derive.results import Result
from derive.setting import Setting
from derive.words import Words


class Finding(Enum):
    """What an audit finds."""

    HOLDS = "holds"
    HOLDS_IF = "holds-if"
    REFUTED = "refuted"
    UNDECIDED = "undecided"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, repr=False)
class Claim(Result):
    """A printed formula. ``against`` are the derivations that it is compared with, in the order of use.

    ``where`` tells where in the source it stands, ``reading`` how the print is read where it leaves a doubt; an audit
    takes ``told`` in its place, which may compute.
    ``analytic`` is given where both sides are functions of numbers: it puts the derived right-hand side into the
    claim's symbols, and the two are compared to many digits instead of in tiny worlds.
    ``decimal`` is a printed number as printed: it holds if the true value rounds to its digits, or if it is the
    nearest float64 to it. ``off`` goes with a printed ``≈``: the derived relative error, and what must grow for it to
    vanish.
    ``setting`` holds the hypotheses that the source states, and the layers that it speaks of.
    """

    id: str
    title: str
    source: str
    where: str
    printed: Statement
    setting: Setting
    against: tuple[Callable[[], Derivation], ...]
    analytic: Callable[[], Basic] | None = None
    decimal: str | None = None
    off: Callable[[], tuple[Expr, Symbol]] | None = None
    reading: Words | None = None
    told: Callable[[], Words | None] | None = None

    @property
    def headline(self) -> str:
        """The id and the title."""
        return f"{self.id}: {self.title}"

    @provided
    def rows(self) -> list[dict[str, Any]]:
        """Return one row: what is printed where, and under which hypotheses."""
        raise NotImplementedError

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The hypotheses that the source states."""
        return self.setting.hypotheses

    def derived(self) -> Basic:
        """Return the derived right-hand side of an analytic claim, in the claim's symbols."""
        if self.analytic is None:
            raise InputError(f"claim {self.id} is not a formula between numbers")
        return self.analytic()

    @provided
    def audit(self) -> Audit:
        """Compare the formula with the derived one and try it in tiny worlds; the verdict is computed."""
        raise NotImplementedError


def number_claim(
    id: str,
    title: str,
    symbol: str,
    printed: Expr | str,
    value: Callable[[], Expr],
    *,
    source: str,
    where: str,
    reading: Words | None = None,
    against: tuple[Callable[[], Derivation], ...] = (),
    stated: tuple[Hypothesis, ...] = (),
) -> Claim:
    """Return the claim of a printed number or function; a number that is given as text holds to its digits."""
    decimal = printed if isinstance(printed, str) else None
    if isinstance(printed, str):
        printed = Float(printed, len(printed.replace(".", "").lstrip("0")))
    return Claim(
        id=id,
        title=title,
        source=source,
        where=where,
        printed=Statement(Symbol(symbol), "=", printed),
        setting=Setting(stated),
        against=against,
        analytic=value,
        decimal=decimal,
        reading=reading,
    )


@dataclass(frozen=True, repr=False)
class Audit(Result):
    """What was found of a claim.

    ``condition`` is a condition under which the print is right, where it is not always right; ``condition_exact``
    tells whether it is right then only, or then among other cases (an implication is right where its premise fails,
    too). ``suffices`` are further hypotheses under which it is right. ``derived`` is the right-hand side that the
    derivation arrives at, ``counterexample`` the smallest world found in which the print is wrong, ``error`` how far
    off a number or an approximation is, relative to the truth. ``proof`` has the chains of both sides to what they
    share, where the rules by themselves prove the print.
    """

    claim: Claim
    finding: Finding
    evidence: str
    condition: Basic | None = None
    condition_exact: bool | None = None
    suffices: tuple[Hypothesis, ...] = ()
    derived: Basic | None = None
    counterexample: Counterexample | None = None
    error: Expr | None = None
    proof: tuple[Derivation, ...] = ()

    @property
    def verdict(self) -> str:
        """``holds``, ``holds-if``, ``refuted`` or ``undecided``."""
        return self.finding.value

    @property
    def headline(self) -> str:
        """The claim and its verdict."""
        return f"{self.claim.headline}: {self.verdict}"

    @provided
    def rows(self) -> list[dict[str, Any]]:
        """Return one row: the verdict, the printed and the derived formula, and what decides between them."""
        raise NotImplementedError

    @provided
    def to_dict(self) -> dict[str, Any]:
        """Return ``{id, source, printed, verdict, condition, counterexample, derived, ...}`` as plain data."""
        raise NotImplementedError

    @provided
    def text(self) -> str:
        """Return the audit as Unicode text for a terminal."""
        raise NotImplementedError

    @provided
    def _repr_html_(self) -> str:
        raise NotImplementedError

    def __str__(self) -> str:
        return self.text()
