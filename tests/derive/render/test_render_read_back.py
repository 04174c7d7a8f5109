"""What is printed as text or as LaTeX is read back to the same object."""

from __future__ import annotations

import pytest
from sympy import Basic, Float, Rational

import derive
from derive.equations.grammar import parse
from derive.equations.meaning import Meaning
from derive.equations.vocabulary import Vocabulary
from derive.errors import InputError
from derive.proof.derivation import Statement
from derive.render import latex, text
from derive.render.outline import Outline


def _exact(e: Basic) -> Basic:
    """Return an expression with the decimals that it is printed with."""
    return e.xreplace({number: Rational(str(number)) for number in e.atoms(Float)})


def read_back(statement, over, brackets=None):
    """Return whether both forms of a statement are read as that statement; a > b is read as b < a."""
    sides = tuple(map(_exact, (statement.lhs, statement.rhs)))
    relation = {">": "<", ">=": "<="}.get(statement.relation)
    expected = (sides, statement.relation) if relation is None else (sides[::-1], relation)
    for printed in (text.relation_text(statement, brackets), latex.relation_latex(statement, brackets)):
        names = Vocabulary.of(statement.lhs, statement.rhs, over=over)
        (found,) = Meaning(printed, names).statements(parse(printed, names))
        assert ((found.lhs, found.rhs), found.relation) == expected, printed
    return True


@pytest.mark.parametrize("name", derive.theorems())
def test_statements_of_theorems_are_read_back(theorem, name):
    """The statement of every theorem and of all its parts."""
    found = theorem(name)
    assert read_back(found.statement, found.setting.over, Outline(found).theorem.brackets)
    for part in found.parts:
        assert read_back(part.statement, part.setting.over, Outline(part).theorem.brackets)


@pytest.mark.parametrize("name", derive.claims())
def test_claims_are_read_back(name):
    """Every printed formula of the catalogue."""
    claim = derive.claim(name)
    assert read_back(claim.printed, claim.setting.over)


@pytest.mark.parametrize(
    "name", ["product-variance", "forward-variance", "network-variance", "total-variance", "length-map", "kernel-K"]
)
def test_steps_are_read_back(theorem, name):
    """Every step of some theorems, from before it to after it."""
    found = theorem(name)
    brackets = Outline(found).theorem.brackets
    for step in found.steps:
        assert read_back(Statement(step.before, step.relation, step.after), found.setting.over, brackets)


def test_a_wrong_reading_is_noticed(theorem):
    """A vocabulary in which another family has the name gives another object."""
    found = theorem("forward-variance")
    printed = text.statement_text(found)
    names = Vocabulary.of(found.statement.lhs, found.statement.rhs, over=found.setting.over)
    names.families["z", 0] = names.families["W", 0]
    with pytest.raises(InputError, match=r"W takes 2 indices below|z takes 2 indices below"):
        Meaning(printed, names).statements(parse(printed, names))
