"""A fixed sample of what `make mutation` does: one single error of each kind, planted in a process of its own.

What it has to be noticed by is a check or a clear error, and not a crash; no file is changed.
"""

import ast
from dataclasses import dataclass

import pytest
from equivalent import EQUIVALENT
from mutate import CHECK, CLEAR, PLACES, all_mutants, modules, place_of, report, sample, source, trial
from mutate import Outcome as Found
from single_errors import KINDS, mutants, planted
from trial import noticed


@dataclass(frozen=True)
class Planted:
    """The ``number``-th error of a kind at a place, and the subject that must notice it."""

    kind: str
    module: str
    place: str
    subject: str
    by: str
    number: int = 0

    @property
    def mutant(self):
        found = [m for m in mutants(self.module, source(self.module)) if (m.kind, m.place) == (self.kind, self.place)]
        return found[self.number]


EXPECTATION = "derive.rules.means"
SAMPLE = (
    Planted("index", "derive.network", "z", "total-variance", CLEAR, 1),
    Planted("dropped term", "derive.dependence.ranges", "Ranges._turns", "total-variance", CHECK, 1),
    Planted("sign", EXPECTATION, "VarianceDefinition.rewrite", "product-variance", CHECK),
    Planted("power", EXPECTATION, "VarianceDefinition.rewrite", "product-variance", CHECK, 2),
    Planted("constant", "derive.theorems.kumar", "UNIT", "kumar-2017", CLEAR),
    Planted("constant", "derive.theorems.layer_variance", "OWN", "layer-variance", CHECK),
    Planted("dropped term", "derive.rules.towers", "VarianceFromMoments.rewrite", "total-variance", CLEAR),
    Planted("obligation", EXPECTATION, "ProductLaw.rewrite", "product-variance", CHECK),
    Planted("relation", "derive.rules.decay", "DecayOfRecursion", "critical-length", CHECK),
    Planted("lemma", "derive.theorems.sample_variance", "sample_variance_stable", "sample-variance-stable", CLEAR),
    Planted("family", "derive.network", "Cost", "backward-variance", CLEAR),
    Planted("guard", "derive.rules.rectifier", "OddMean.rewrite", "half-variance", CLEAR, 4),
    Planted("premise", "derive.theorems.network_variance", "SYMMETRIC", "half-variance", CLEAR),
)


def outcome(planted_error):
    """What noticed the error: the answer of the process that it was planted in."""
    mutant, subject = planted_error.mutant, planted_error.subject
    sound = {subject: {"failures": [], "grade": 3}}
    answers, _ = trial([subject], [mutant.module], mutant.number, 60, sound)
    (answer,) = answers
    if "error" in answer:
        return CLEAR
    assert "crash" not in answer, answer["crash"]
    return CHECK if noticed(answer, sound[subject]) else None


@pytest.mark.parametrize("planted_error", SAMPLE, ids=lambda p: f"{p.kind}, {p.subject}")
def test_an_error_of_each_kind_is_noticed(planted_error):
    before = source(planted_error.module)
    assert outcome(planted_error) == planted_error.by
    source.cache_clear()
    assert source(planted_error.module) == before


def test_a_subject_without_an_error_is_sound():
    """Otherwise it would show nothing; that every theorem passes its check is held in test_grades.py."""
    subjects = ["product-variance", "half-variance"]
    assert {*subjects} <= {p.subject for p in SAMPLE}
    answers, _ = trial(subjects, [], None, 60, {})
    for answer in answers:
        assert not [f for f in answer["failures"] if "refuted" in f or "not follow" in f], answer["failures"]
    assert [a["subject"] for a in answers] == subjects


def test_there_are_errors_of_every_kind_in_every_place():
    found = all_mutants()
    assert {m.kind for m in found} == set(KINDS)
    assert {m.module for m in found} <= set(modules())
    assert {place_of(m) for m in found} == {*PLACES}
    assert len({m.name for m in found}) == len(found)


def test_an_error_is_one_change():
    """The tree with an error in it differs from the module's, and not from itself made again."""
    text = source("derive.dependence.ranges")
    plain = ast.unparse(ast.parse(text))
    for mutant in mutants("derive.dependence.ranges", text):
        changed = ast.unparse(planted(text, mutant.number))
        assert changed != plain, mutant.name
        assert changed == ast.unparse(planted(text, mutant.number))
        compile(changed, "derive.dependence.ranges", "exec")


def test_a_sample_is_spread_and_always_the_same():
    found = all_mutants()
    chosen = sample(found, 120, 1)
    assert chosen == sample(found, 120, 1) != sample(found, 120, 2)
    assert {m.kind for m in chosen} == set(KINDS)
    assert len(set(chosen)) == 120


def test_a_report_counts_by_place_and_kind_and_names_what_nothing_noticed():
    one, other = all_mutants()[:2]
    text = report({one: Found("nothing", "a theorem", "x = y", "exact", 1, 2), other: Found(CHECK, "a theorem")})
    assert "50%" in text
    assert f"nothing (1 of 2 subjects): {one.name}" in text
    assert other.name not in text


def test_what_is_said_to_be_no_error_can_still_be_planted():
    """A list of equivalent mutants that nobody can plant would hide others."""
    assert set(EQUIVALENT) <= {m.name for m in all_mutants()}
    assert all(len(reason) > 20 for reason in EQUIVALENT.values())
