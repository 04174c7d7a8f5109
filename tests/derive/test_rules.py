"""Every rule computes what it says, refuses without what it needs, and does not act where it has nothing to do."""

from importlib import import_module
from pkgutil import walk_packages

import pytest
from planting import check, derive_by
from rule_scenarios import SCENARIOS
from sympy import Symbol

import derive
from derive.errors import InputError
from derive.hypotheses import FINITE_MOMENTS
from derive.indices import rename_bound
from derive.proof.rule import Evidence, Rewrite, Rule, RuleDoesNotApply
from derive.rules import (
    ByProductVariance,
    Linearity,
    MomentFromVariance,
    ProductLaw,
    SecondMoment,
    Uncorrelated,
    VarianceDefinition,
    VarianceOfSum,
)
from derive.rules.rectifier import OddMean
from derive.setting import Setting, Undischarged


def named(scenario):
    return f"{type(scenario.rule).__name__}-{str(scenario.start)[:30]}"


every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=named)


def same(left, right):
    """Equal up to the names of summation indices."""
    far = [Symbol(f"u{n}", integer=True) for n in range(9)]
    taken = {s for e in (left, right) for s in e.atoms(Symbol)} - (left.free_symbols | right.free_symbols)
    return left == right or rename_bound(left, taken | set(far)) == rename_bound(right, taken | set(far))


def every_rule():
    """Every class of rule that the product has, abstract ones left aside."""
    for module in walk_packages(derive.__path__, "derive."):
        import_module(module.name)
    found, waiting = set(), [Rule]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        waiting += kinds
        found |= {kind for kind in kinds if kind.__module__.startswith("derive.") and "name" in vars(kind)}
    return found


def test_no_rule_is_left_out():
    """A rule that is added comes with a scenario: what it computes, and errors that are seen when planted in it.

    Rules on Gaussian expectations have theirs in test_gaussian_rules.py.
    """
    covered = {type(s.rule) for s in SCENARIOS}
    missing = {k.__qualname__ for k in every_rule() - covered if not k.__module__.startswith("derive.gaussian.")}
    assert missing == set()


def test_a_rule_without_a_scenario_is_noticed():
    """Also one that is not exported, in whatever module it is."""

    class Unseen(Rule):
        name = "unseen"

        def rewrite(self, node, setting):
            return None

    Unseen.__module__ = "derive.rules.unseen"
    assert Unseen in every_rule()
    Unseen.__module__ = __name__
    assert Unseen not in every_rule()


@every_scenario
def test_a_rule_computes_the_right_thing(scenario):
    after = scenario.rule.apply(scenario.start, scenario.setting).after
    assert same(after, scenario.right), f"{after}\n is not\n{scenario.right}"


def test_a_step_that_changes_nothing_is_no_step():
    class Again(Rule):
        """u = u"""

        name = "again"
        words = "The same again."

        def rewrite(self, node, setting):
            return Rewrite(node)

    with pytest.raises(RuleDoesNotApply, match="finds nothing to act on"):
        Again().apply(Symbol("u") + 1, Setting(()))


@every_scenario
def test_a_right_step_passes_its_check(scenario):
    """Otherwise a failing check of a planted error would show nothing."""
    checked = check(derive_by(scenario.rule, scenario.setting, scenario.start))
    assert checked.passed, checked.failures


@every_scenario
def test_a_right_step_is_seen_by_something_besides_its_rule(scenario):
    """Tiny worlds enumerate both sides, a second way reduces what must vanish to 0, or both sides have numbers.

    A step that is a lemma rests on it; one that is taken from a source says from which.
    """
    checked = check(derive_by(scenario.rule, scenario.setting, scenario.start))
    evidence = checked.derivation.steps[0].verdict.evidence
    if scenario.rule.evidence is Evidence.ASSUMED:
        assert evidence == scenario.rule.source
        return
    if scenario.rule.evidence is Evidence.LEMMA:
        assert checked.derivation.steps[0].lemmas
        return
    assert any(sign in evidence for sign in ("tiny worlds (", "reduced to 0", " points", "another evaluation")), (
        evidence
    )


@every_scenario
def test_a_rule_refuses_when_a_hypothesis_that_it_needs_is_missing(scenario):
    for key in scenario.needs:
        error = RuleDoesNotApply if key in scenario.silent else Undischarged
        with pytest.raises(error):
            scenario.rule.apply(scenario.start, scenario.setting.without(key))


@every_scenario
def test_a_rule_names_the_hypotheses_that_it_uses(scenario):
    uses = scenario.rule.apply(scenario.start, scenario.setting).uses
    assert uses - {FINITE_MOMENTS.key} == {*scenario.needs} - {FINITE_MOMENTS.key}


SPLITTING = (
    ByProductVariance,
    Linearity,
    MomentFromVariance,
    OddMean,
    ProductLaw,
    SecondMoment,
    Uncorrelated,
    VarianceDefinition,
    VarianceOfSum,
)


@every_scenario
def test_a_rule_that_splits_means_rests_on_moments_that_exist(scenario):
    """Without the hypothesis it refuses: a Cauchy variable has no mean to split."""
    if isinstance(scenario.rule, SPLITTING):
        assert FINITE_MOMENTS.key in scenario.rule.apply(scenario.start, scenario.setting).uses
        with pytest.raises(Undischarged, match="finite moments"):
            scenario.rule.apply(scenario.start, scenario.setting.without(FINITE_MOMENTS.key))


@every_scenario
def test_a_rule_says_when_it_has_nothing_to_act_on(scenario):
    with pytest.raises(InputError):
        scenario.rule.apply(Symbol("nothing"), scenario.setting)


@every_scenario
def test_a_rule_has_words_and_a_formula(scenario):
    assert scenario.rule.words
    assert scenario.rule.words.endswith(".")
    assert scenario.rule.formula
    assert scenario.rule.name == scenario.rule.name.strip().lower() or scenario.rule.name[0].isalpha()
