"""Leaky ReLU backward, exactly: the theorem, the worlds in which no pre-activation is zero, and a claim."""

import pytest
from planting import CHECKER
from sympy import Rational

import derive
from derive.hypotheses import NEVER_ZERO
from derive.indices import K
from derive.layers import i
from derive.network import SLOPE, n, s
from derive.proof.environments import environments
from derive.proof.exact import NotEvaluable
from derive.proof.laboratory import Laboratory
from derive.proof.verdict import Grade
from derive.setting import Setting
from derive.theorems.forward import BEFORE_LAST
from derive.theorems.rectifier_gradient import FIXED_INPUT, HYPOTHESES


@pytest.fixture(scope="module")
def theorem():
    return derive.theorem("rectifier-gradient")


def test_exact_in_every_step(theorem):
    """Nothing is assumed of the limit of wide layers: all parts are exact, tried in worlds of two hidden layers."""
    result = CHECKER.check(theorem)
    assert result.failures == ()
    assert result.grade is Grade.EXACT


@pytest.mark.parametrize("key", ["weights-symmetric", "never-zero", "leaky-relu", "output-gradient-zero-mean"])
def test_it_needs_its_hypotheses(theorem, key):
    """A skewed law, a pre-activation that is zero, another activation or a biased gradient refute it."""
    statement = theorem.statement
    found = Laboratory(theorem.setting.without(key)).compare(statement.lhs, "=", statement.rhs.subs(SLOPE, 0))
    assert found.counterexample is not None


def test_another_width_or_slope_is_refuted(theorem):
    """The fan-in instead of the fan-out, and the share of the mean square that a linear unit lets through."""
    statement = theorem.statement
    worlds = Laboratory(theorem.setting)
    assert worlds.compare(statement.lhs, "=", statement.rhs).grade is Grade.ENUMERATED
    for wrong in (statement.rhs.subs(n(i + 2), n(i + 1)), statement.rhs.subs(SLOPE**2, 1), statement.rhs / 2):
        assert worlds.compare(statement.lhs, "=", wrong).counterexample is not None


def test_worlds_that_say_so_have_no_zero():
    """In every outcome of every such world no pre-activation is zero; without the hypothesis some are."""
    setting = Setting(HYPOTHESES, BEFORE_LAST, FIXED_INPUT)

    def zeros(setting):
        count = 0
        for exact in Laboratory(setting).worlds(s(i, K)):
            if exact.world.special:
                continue
            for at in environments(exact, s(i, K)):
                try:
                    count += sum(value == 0 for (value,) in exact.for_all((s(i, K),), at))
                except NotEvaluable:
                    continue
        return count

    assert zeros(setting) == 0
    assert zeros(setting.without(NEVER_ZERO.key)) > 0


def test_he_2015_is_right_where_nothing_is_zero():
    """Equations 13 and 14 assume an independence that does not hold, and are right for another reason."""
    found = derive.claim("he-2015-backward").audit()
    assert found.verdict == "holds-if"
    assert [h.key for h in found.suffices] == ["never-zero"]
    assert found.derived.subs(SLOPE, Rational(0)).has(Rational(1, 2))
