"""Errors planted in every rule, self-consistently: replaying the rule agrees, and something else must not."""

import pytest
from planting import careless, derive_by, failure, spoiled
from rule_scenarios import SCENARIOS

from derive.errors import InputError
from derive.hypotheses import FINITE_MOMENTS
from derive.proof.rule import Evidence


def cases():
    for scenario in SCENARIOS:
        for number, wrong in enumerate(scenario.wrong):
            yield pytest.param(scenario, wrong, id=f"{type(scenario.rule).__name__}-{number}-{str(wrong)[:30]}")


def dropped():
    for scenario in SCENARIOS:
        for key in scenario.needs:
            if key not in (*scenario.undefined, FINITE_MOMENTS.key):
                yield pytest.param(scenario, key, id=f"{type(scenario.rule).__name__}-{key}")


@pytest.mark.parametrize(("scenario", "wrong"), list(cases()))
def test_a_wrong_result_is_refuted(scenario, wrong):
    """An index off by one, a lost term, a wrong constant: refuted by a world in fractions, or by the residual."""
    try:
        planted = derive_by(spoiled(scenario.rule, lambda _: wrong), scenario.setting, scenario.start)
    except InputError as noticed:
        if "the leading terms" not in str(noticed):
            raise
        return
    assert planted.result == wrong
    verdict = failure(planted)
    assert verdict is not None
    if scenario.rule.evidence is Evidence.WORLDS:
        if verdict.counterexample is None:
            assert "nothing says that" in verdict.evidence
        else:
            assert verdict.counterexample.left != verdict.counterexample.right
            assert verdict.counterexample.world["laws"] or verdict.counterexample.at


@pytest.mark.parametrize(("scenario", "key"), list(dropped()))
def test_a_dropped_obligation_is_refuted(scenario, key):
    """The rule takes a hypothesis for granted that the setting does not have: some world does without it."""
    rule = careless(scenario.rule, scenario.setting)
    verdict = failure(derive_by(rule, scenario.setting.without(key), scenario.start))
    assert verdict is not None
    said = ("nothing says that", "which the step does not cite")
    assert verdict.counterexample is not None or any(words in verdict.evidence for words in said)


def test_a_rule_with_a_residual_that_has_no_second_way_is_undecided_and_does_not_pass():
    rule = next(s for s in SCENARIOS if type(s.rule).__name__ == "Integrate")
    blind = spoiled(rule.rule, lambda e: 2 * e)
    type(blind).residual = lambda self, before, after, setting: None
    checked = derive_by(blind, rule.setting, rule.start).check()
    assert not checked.passed
    assert str(checked.grade) == "undecided"
