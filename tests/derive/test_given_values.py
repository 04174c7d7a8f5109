"""Values that hypotheses give: put in as they are stated, and no others; solved for where one equation states them."""

import pytest
from sympy import Integer, Symbol

from derive.network import SLOPE
from derive.rules import Solve
from derive.rules.algebra import PutIn
from derive.rules.any_activation import SLOPE_OF_F
from derive.rules.wide import U, one_gaussian
from derive.setting import Setting, Undischarged
from derive.theorems.critical import AT_EDGE, FIXED_LENGTH
from derive.theorems.decay import HE, HE_GAIN
from derive.theorems.sample_variance import BIAS_VARIANCE, GAIN


def test_a_value_must_be_what_the_hypothesis_says():
    """A theorem's file cannot put in another value than its hypothesis states, nor one of a symbol it is silent on."""
    setting = Setting((AT_EDGE, FIXED_LENGTH))
    slope = one_gaussian(SLOPE_OF_F(U) ** 2)
    assert PutIn(((slope, 1 / GAIN),), AT_EDGE.key).apply(GAIN * slope, setting).after == 1
    for wrong in (((slope, 2 / GAIN),), ((GAIN, slope),), ((BIAS_VARIANCE, Integer(0)),)):
        with pytest.raises(Undischarged, match="does not say"):
            PutIn(wrong, AT_EDGE.key).apply(GAIN * slope + BIAS_VARIANCE, setting)


def test_values_given_together_are_checked_together():
    """He's gain and the absence of biases are two equations of one hypothesis; with another slope neither fits."""
    both = ((GAIN, HE_GAIN), (BIAS_VARIANCE, Integer(0)))
    assert PutIn(both, HE.key).apply(GAIN + BIAS_VARIANCE, Setting((HE,))).after == HE_GAIN
    with pytest.raises(Undischarged, match="does not say"):
        PutIn(((GAIN, HE_GAIN.subs(SLOPE, -2 * SLOPE)),), HE.key).apply(GAIN, Setting((HE,)))


def test_an_unknown_that_no_equation_states_is_not_solved_for():
    """An equation in the words of a hypothesis is not one to solve for something else."""
    unknown = Symbol("unknown", positive=True)
    with pytest.raises(Undischarged, match="states 0 equations for unknown"):
        Solve(unknown, HE.key).apply(unknown, Setting((HE,)))
