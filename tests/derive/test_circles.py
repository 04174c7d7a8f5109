"""A derivation that rests on itself, by name or by content, directly or through lemmas and parts, is a clear error."""

from dataclasses import replace

import pytest
from planting import check, checked_theorem, derived
from sympy import Symbol

import derive
from derive.averages import Variance
from derive.errors import InputError
from derive.network import z
from derive.proof.circles import circle
from derive.proof.derivation import Proof
from derive.proof.verdict import Grade
from derive.randomness import EVERYTHING
from derive.registry import Registry
from derive.rules import ByLemma, Define, LinearRegime
from derive.setting import Setting
from derive.theorems import THEOREMS
from derive.theorems.forward import BEFORE_LAST, FORWARD, forward_step, pre_activation_variance
from derive.theorems.product import product_variance

K = Symbol("k", integer=True)
LEMMA = pre_activation_variance()


def planted(lemma, name="planted"):
    """A derivation whose last step is by a lemma."""
    proof = Proof(Setting(FORWARD, BEFORE_LAST), Variance(z(BEFORE_LAST.nonnegative[0] + 1, K), EVERYTHING))
    return proof.by(Define(z), LinearRegime(), ByLemma(lemma)).done(name, "Planted")


def fails(derivation, words):
    checked = check(derivation)
    assert not checked.passed
    assert checked.grade is Grade.FAILED
    assert any(words in failure for failure in checked.failures), checked.failures


def with_lemmas(derivation, *lemmas):
    """The derivation with further lemmas at its last step, as somebody might claim."""
    *steps, last = derivation.steps
    return replace(derivation, steps=(*steps, replace(last, lemmas=(*last.lemmas, *lemmas))))


def test_no_theorem_rests_on_itself():
    for name in derive.theorems():
        assert circle(derived(name)) is None


def test_a_lemma_of_the_derivation_s_own_name_is_refused_while_deriving():
    with pytest.raises(InputError, match="pre-activation-variance rests on itself: pre-activation-variance needs"):
        planted(LEMMA, name=LEMMA.name)


def test_a_lemma_of_the_derivation_s_own_statement_is_refused_while_deriving():
    """Under another name, and with the same assumptions: what is to be shown is put in."""
    with pytest.raises(InputError, match="mine rests on itself: mine needs pre-activation-variance"):
        Proof(LEMMA.setting, LEMMA.statement.lhs).by(ByLemma(LEMMA)).done("mine", "Mine")
    weaker = Proof(LEMMA.setting.assuming(*FORWARD), LEMMA.statement.lhs).by(ByLemma(LEMMA)).done("mine", "Mine")
    assert check(weaker).passed


def test_a_circle_of_two_is_found():
    """Neither names itself: each rests on the other."""
    one = planted(LEMMA)
    two = with_lemmas(LEMMA, one)
    with pytest.raises(
        InputError, match="planted rests on itself: planted needs pre-activation-variance needs planted"
    ):
        planted(two)
    fails(with_lemmas(one, two), "planted rests on itself: planted needs")
    fails(two, "pre-activation-variance rests on itself: pre-activation-variance needs planted needs")


def test_a_circle_under_other_names_is_found_by_what_is_stated():
    one = planted(LEMMA)
    renamed = replace(with_lemmas(LEMMA, replace(one, name="another")), name="renamed")
    with pytest.raises(InputError, match="planted rests on itself: planted needs renamed needs another"):
        planted(renamed)
    fails(with_lemmas(one, renamed), "planted rests on itself: planted needs renamed needs another")


def test_a_circle_through_a_part_of_a_lemma_is_found():
    one = planted(LEMMA)
    two = replace(LEMMA, parts=(one,))
    fails(replace(one, steps=with_lemmas(one, two).steps), "planted rests on itself")


def test_a_circle_deep_in_a_lemma_is_found_at_the_lemma():
    two = with_lemmas(LEMMA, planted(LEMMA))
    top = Proof(Setting(FORWARD, BEFORE_LAST), 2 * planted(LEMMA).statement.lhs)
    top = top.by(ByLemma(forward_step())).done("top", "Top")
    fails(with_lemmas(top, two), "pre-activation-variance rests on itself")


def test_a_derivation_that_is_its_own_lemma_does_not_run_forever():
    one = planted(LEMMA)
    object.__setattr__(one.steps[-1], "lemmas", (one,))
    fails(one, "planted rests on itself: planted needs planted")
    two = planted(LEMMA)
    other = replace(LEMMA, steps=tuple(replace(s) for s in LEMMA.steps))
    object.__setattr__(other.steps[-1], "lemmas", (two,))
    object.__setattr__(two.steps[-1], "lemmas", (other,))
    fails(two, "planted rests on itself")


def test_a_part_may_rest_on_what_it_belongs_to():
    """The compromise's bound rests on the compromise."""
    theorem = derived("glorot-condition")
    (bound,) = (p for p in theorem.parts if p.name == "uniform-bound")
    assert any(m.statement == theorem.statement for m in bound.lemmas)
    assert circle(theorem) is None


def test_theorems_whose_builders_ask_for_each_other_are_named():
    registry = Registry("theorem", {"one": f"{__name__}:ask_two", "two": f"{__name__}:ask_one"})
    REGISTRIES.append(registry)
    with pytest.raises(InputError, match="theorem one rests on itself: one needs two needs one"):
        registry.builder("one")()
    REGISTRIES.pop()
    # What failed is not remembered.
    assert THEOREMS.builder("product-variance")().statement == product_variance().statement


REGISTRIES: list[Registry] = []


def ask_one():
    return REGISTRIES[-1].builder("one")()


def ask_two():
    return REGISTRIES[-1].builder("two")()


def test_all_lemmas_of_one_name_count_for_the_grade():
    """Closed forms share a name: the weakest of them is the grade."""
    theorem = checked_theorem("kernel-K").derivation
    lemmas = [m for step in theorem.steps for m in step.lemmas]
    assert len({m.name for m in lemmas}) < len(lemmas)
    weak = replace(
        lemmas[-1], steps=tuple(replace(s, verdict=replace(s.verdict, grade=Grade.FAILED)) for s in lemmas[-1].steps)
    )
    last = replace(theorem.steps[-1], lemmas=(*theorem.steps[-1].lemmas[:-1], weak))
    assert replace(theorem, steps=(*theorem.steps[:-1], last)).grade is Grade.FAILED
