"""What was found of an equation: a verdict on each statement that it makes, and one on the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from derive.claims.claim import Audit, Finding
from derive.equations.deciding import decide
from derive.equations.presets import over_named
from derive.results import Result, plain

_WORST_LAST = (Finding.HOLDS, Finding.HOLDS_IF, Finding.UNDECIDED, Finding.REFUTED)


@dataclass(frozen=True, repr=False)
class EquationAudit(Result):
    """The audits of an equation's statements: one, or more for a chain a = b = c."""

    text_given: str
    audits: tuple[Audit, ...]

    @property
    def verdict(self) -> str:
        """The verdict on the whole: ``holds`` where all statements do, else that of the worst."""
        return max((a.finding for a in self.audits), key=_WORST_LAST.index).value

    @property
    def headline(self) -> str:
        """The equation as it was understood, and the verdict."""
        return f"{' and '.join(str(a.claim.printed) for a in self.audits)}: {self.verdict}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each statement: how it was read, the verdict, and what decides."""
        return [row for a in self.audits for row in a.rows()]

    def to_dict(self) -> dict[str, Any]:
        """Return the equation, the verdict and the audits as plain data."""
        found: dict[str, Any] = plain(
            {"equation": self.text_given, "verdict": self.verdict, "audits": [a.to_dict() for a in self.audits]}
        )
        return found

    def text(self) -> str:
        """Return the audits as Unicode text for a terminal."""
        return "\n\n".join(a.text() for a in self.audits)

    def _repr_html_(self) -> str:
        return "".join(a._repr_html_() for a in self.audits)

    def __str__(self) -> str:
        return self.text()


def audit(
    equation: str,
    *,
    assume: str | Sequence[str] | None = None,
    over: str | None = None,
    let: str | Sequence[str] = (),
    where: str = "",
    names: str | None = None,
    layers: str | None = None,
    input: str | None = None,
    name: str = "equation",
) -> EquationAudit:
    r"""Hold an equation, in LaTeX or Unicode text, against what is derived, and try it in tiny worlds.

    Args:
        equation: as papers or varprop print it; names are the network's: x, W, b, z, s, n, f, Cost.
        assume: ``glorot``, ``relu``, ``leaky-relu``, ``he``, ``wide``, or hypotheses by name. Without it, the
            smallest set under which a theorem speaks of the left side is proposed, and named.
        over: what E, Var and Cov are over: ``everything``, ``networks``, ``samples``, ``networks and output
            gradients``. Without it, the first under which a theorem speaks of the left side.
        let: what other names stand for: ``"y_l = s^l"``.
        where: layers and sizes that are held fixed: ``"i=2, d=3, n_0=5"``.
        names: a theorem about other networks (``residual-variance``), whose names the equation is read with.
        layers: a network of blocks, ``"dense(8, gain=2), relu, dense(8)"``: names are those of ``varprop network``,
            and ``assume`` picks some of what its blocks assume.
        input: the size of its input: ``"64"``, ``"3x32x32"``.
        name: the id of the equation in what comes back.

    Raises:
        InputError: for an equation that cannot be read, with the column, the part and what was expected; for an
            unknown assumption or average.

    >>> found = audit("Var[s^{i+1}] = Var[s^i]", assume="he")
    >>> found.verdict, found.audits[0].claim.printed
    ('holds', <Statement: Var[s^{i+1}_k] = Var[s^i_j]>)

    """
    words = [assume] if isinstance(assume, str) else assume
    found = decide(
        equation,
        assume=None if words is None else [w.strip() for word in words for w in word.split(",")],
        over=None if over is None else over_named(over),
        let=(let,) if isinstance(let, str) else let,
        where=where,
        names=names,
        layers=layers,
        input=input,
        id=name,
    )
    return EquationAudit(equation, tuple(found))
