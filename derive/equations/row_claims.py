"""Claims of lines of data: numbers are computed, equations held against the theorem that speaks of them."""

from __future__ import annotations

from dataclasses import replace

from sympy import Symbol

from derive.claims import ROWS
from derive.claims.claim import Claim
from derive.claims.rows import Equation, Number
from derive.equations.constants import constant_claim
from derive.equations.equation_reading import read
from derive.equations.speakers import Speaker, linear_pre_activation, of_theorems
from derive.equations.vocabulary import Vocabulary
from derive.errors import InputError
from derive.proof.derivation import Statement
from derive.words import Words


def claim_of(id: str) -> Claim:
    """Return a line of the catalogue as a claim."""
    row = ROWS[id]
    made = _number(row) if isinstance(row, Number) else _equation(row)
    return replace(made, id=id, title=row.title, source=row.source, where=row.where)


def _number(row: Number) -> Claim:
    made = constant_claim(row.printed, row.formula, row.reading, row.positive, row.real)
    return replace(made, printed=Statement(Symbol(row.symbol), "=", made.printed.rhs))


def _equation(row: Equation) -> Claim:
    spoken = _speaker(row)
    says, setting = spoken.derivation.statement, spoken.derivation.setting
    names = Vocabulary.of(says.lhs, says.rhs, over=setting.over)
    (printed,) = read(row.equation, over=setting.over, let=row.let, names=names).statements
    stated = tuple(h for h in spoken.derivation.rests_on if h.key not in row.without)
    return Claim(
        id="",
        title="",
        source="",
        where="",
        printed=printed,
        setting=replace(setting, hypotheses=stated),
        against=(spoken,),
        reading=Words(row.reading) if row.reading else None,
    )


def _speaker(row: Equation) -> Speaker:
    """Return the part of a theorem that has the names of an equation."""
    said = of_theorems((row.theorem,))
    if row.part == linear_pre_activation().derivation.name:
        return linear_pre_activation()
    for one in said:
        if one.derivation.name == (row.part or row.theorem):
            return one
    raise InputError(f"{row.theorem} has no part {row.part!r}")
