"""Equations that no theorem is about, decided by the rules themselves: steps that papers take without a word.

What is true is known from the algebra of variances; every false one differs from a true one in one place.
"""

import pytest
from sympy import expand

import derive
from derive.claims import by_rules
from derive.proof.rule import Rewrite
from derive.rules.means import VarianceDefinition

TRUE = (
    ("Cov[s^i_1, s^i_2] = 0", "glorot"),
    ("Var[W^i_{jk} z^i_j] = Var[W^i] Var[z^i_j]", "glorot"),
    ("Var[W^i_{jk} z^i_j] = Var[W^i] E[(z^i_j)^2]", "he"),
    (r"Var[\sum_{j=1}^{n_i} W^i_{jk} z^i_j] = \sum_{j=1}^{n_i} Var[W^i_{jk} z^i_j]", "glorot"),
    ("Var[3 W^i_{11} - W^{i+1}_{12}] = 9 Var[W^i] + Var[W^{i+1}]", "glorot"),
    (r"\frac{\partial s^{i+1}_j}{\partial s^i_k} = f'(s^i_k) W^{i+1}_{kj}", "weights-independent"),
)
FALSE = (
    ("Cov[s^i_1, s^i_1] = 0", "glorot"),
    ("Var[W^i_{jk} z^i_j] = 2 Var[W^i] Var[z^i_j]", "glorot"),
    ("Var[W^i_{jk} z^i_j] = Var[W^i] Var[z^i_j]", "he"),
    ("Var[3 W^i_{11} - W^i_{11}] = 10 Var[W^i]", "glorot"),
    ("Var[x_1 + x_2] = 2 Var[x]", "glorot"),
)


@pytest.mark.parametrize(("equation", "assume"), TRUE)
def test_a_step_that_no_theorem_is_about_is_proved(equation, assume):
    found = derive.audit(equation, assume=assume)
    assert found.verdict == "holds"
    (audit,) = found.audits
    assert "proved by the rules" in audit.evidence
    ends = [chain.result for chain in audit.proof]
    left, right = ends if len(ends) == 2 else (*ends, audit.claim.printed.rhs)
    assert expand(left - right) == 0
    for step in audit.proof[0].steps:
        assert step.rule.name in audit.text()
        assert step.rule.name in audit._repr_html_()


@pytest.mark.parametrize(("equation", "assume"), FALSE)
def test_a_false_step_is_refuted_by_a_network(equation, assume):
    found = derive.audit(equation, assume=assume)
    assert found.verdict == "refuted"
    assert found.audits[0].counterexample is not None


def test_the_hypotheses_that_a_step_needs_are_read_off_its_proof():
    (found,) = derive.audit("Var[3 W^i_{11} - W^{i+1}_{12}] = 9 Var[W^i] + Var[W^{i+1}]").audits
    assert found.finding.value == "holds-if"
    assert {h.key for h in found.suffices} == {"weights-independent", "weights-zero-mean"}


def test_a_wrong_rule_proves_nothing(monkeypatch):
    def twice(self, node, setting):
        made = rewrite(self, node, setting)
        return made and Rewrite(2 * made.after, made.uses)

    rewrite = VarianceDefinition.rewrite
    monkeypatch.setattr(VarianceDefinition, "rewrite", twice)
    found = derive.audit("Var[3 W^i_{11} - W^{i+1}_{12}] = 2 (9 Var[W^i] + Var[W^{i+1}])", assume="glorot")
    assert found.verdict == "refuted"
    chain = by_rules._reduced(found.audits[0].claim.printed.lhs, found.audits[0].claim.setting, by_rules._RULES)
    assert not chain.done("wrong", "a wrong chain").check()
