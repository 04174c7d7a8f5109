"""What the averages of an equation are over where it does not say: the first under which a theorem speaks of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice

from sympy import Basic

from derive.equations.equation_reading import Reading, read
from derive.equations.presets import draws_input, fixes_input
from derive.equations.speakers import batches, of_theorems, speaking
from derive.equations.vocabulary import Vocabulary
from derive.errors import InputError
from derive.randomness import EVERYTHING, NETWORKS, Over


def read_with(theorem: str, text: str, over: Over | None, let: Sequence[str]) -> Reading:
    """Read with the names of a theorem's statement, or else of one of its parts: a name may be another family there."""
    first: InputError | None = None
    for one in of_theorems((theorem,)):
        statement, usual = one.derivation.statement, over or one.derivation.setting.over
        try:
            return read(text, over=usual, let=let, names=Vocabulary.of(statement.lhs, statement.rhs, over=usual))
        except InputError as error:
            first = first or error
    assert first is not None
    raise first


def usual_reading(text: str, over: Over | None, let: Sequence[str], assume: Sequence[str]) -> Reading:
    """Read with the averages that are given, or else with the first under which a theorem speaks of a left side."""
    if over is not None:
        return read(text, over=over, let=let)
    from derive.theorems.product import BOTH_FACTORS
    from derive.theorems.rectifier_gradient import FIXED_INPUT

    usual: tuple[Over, ...] = (EVERYTHING, NETWORKS, FIXED_INPUT, BOTH_FACTORS)
    readings = [read(text, over=o, let=let) for o in usual]
    if not any(sign in ("E", "Var", "Cov") for sign in readings[0].averages):
        return readings[0]
    if not fixes_input(assume):
        # Where all is exact, a limit is asked of what equalities are about.
        relation = "=" if draws_input(assume) else readings[0].statements[0].relation
        return next((r for r in readings if _spoken_of(r, r.statements[0].lhs, relation=relation)), readings[0])
    inputs_fixed = readings[1:]
    told = (r for r in inputs_fixed if _spoken_of(r, r.statements[0].lhs))
    # Where no theorem speaks of the first left side, one may speak of another.
    beside = (r for r in (*inputs_fixed, readings[0]) if _spoken_of(r, *sides_of(r)))
    return next(chain(told, beside), readings[1])


def _spoken_of(reading: Reading, *expressions: Basic, relation: str = "") -> bool:
    """Return whether a quick theorem speaks of one of the expressions, with averages as they are read."""
    relation = relation or reading.statements[0].relation
    quick = islice(batches(*sides_of(reading)), 2)
    return any(one.says(relation) for batch in quick for one in speaking(batch, *expressions))


def sides_of(reading: Reading) -> list[Basic]:
    """Return both sides of each statement."""
    return [side for statement in reading.statements for side in (statement.lhs, statement.rhs)]
