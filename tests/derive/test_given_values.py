"""Values that hypotheses give: put in as they are stated, and no others; solved for where one equation states them."""

import pytest
from sympy import Abs, Derivative, Eq, Integer, Integral, Max, Rational, Sum, Symbol, exp

from derive.errors import InputError
from derive.hypotheses import RECTIFIER, RELU, Hypothesis, leaky_relu_slope
from derive.network import BIAS_VARIANCE, GAIN, SLOPE
from derive.proof.rule import RuleDoesNotApply
from derive.rules import Solve
from derive.rules.any_activation import SLOPE_OF_F, F
from derive.rules.given import PutIn, Rename
from derive.rules.wide import Q, U, one_gaussian
from derive.setting import Setting, Undischarged
from derive.theorems.critical import AT_EDGE, FIXED_LENGTH
from derive.theorems.sample_variance import BIAS_DEFINED, GAIN_DEFINED
from derive.theorems.sample_variance_decay import HE, HE_GAIN
from derive.theorems.selu import SELU, SELU_UNIT, Z
from derive.words import Words

X, Y = Symbol("x", real=True), Symbol("y", real=True)
J = Symbol("j", integer=True)
(S,) = RECTIFIER.for_all


def stated(*equations, for_all=()):
    """A setting whose one hypothesis states these equations."""
    words = Words("Stated: " + ", ".join("{}" for _ in equations) + ".", *equations)
    return Setting((Hypothesis("stated", words, (), for_all=for_all),))


def test_a_value_must_be_what_a_hypothesis_says():
    """A theorem's file cannot put in another value than its hypothesis states, nor one of a symbol it is silent on."""
    setting = Setting((AT_EDGE, FIXED_LENGTH))
    slope = one_gaussian(SLOPE_OF_F(U) ** 2)
    made = PutIn(((slope, 1 / GAIN),)).apply(GAIN * slope, setting)
    assert (made.after, made.uses) == (1, {AT_EDGE.key})
    for wrong in (((slope, 2 / GAIN),), ((GAIN, slope),), ((BIAS_VARIANCE, Integer(0)),)):
        with pytest.raises(Undischarged, match="no hypothesis says"):
            PutIn(wrong).apply(GAIN * slope + BIAS_VARIANCE, setting)


def test_values_given_together_are_checked_together():
    """He's gain and the absence of biases are two equations of one hypothesis; with another slope neither fits."""
    both = ((GAIN, HE_GAIN), (BIAS_VARIANCE, Integer(0)))
    assert PutIn(both).apply(GAIN + BIAS_VARIANCE, Setting((HE,))).after == HE_GAIN
    with pytest.raises(Undischarged, match="no hypothesis says"):
        PutIn(((GAIN, HE_GAIN.subs(SLOPE, -2 * SLOPE)),)).apply(GAIN, Setting((HE,)))


@pytest.mark.parametrize(
    ("equation", "value"),
    [
        (Eq(X**2, 1), -1),  # 1 would do as well
        (Eq(X * Y, 0), 0),  # x may be anything where y is 0
        (Eq(X, X + Y - Y, evaluate=False), 5),
        (Eq(X * (X - 1), 0), 1),
    ],
)
def test_an_equation_that_allows_other_values_gives_none(equation, value):
    with pytest.raises(Undischarged, match="no hypothesis says"):
        PutIn(((X, Integer(value)),)).apply(X + 1, stated(equation))


def test_the_slopes_at_which_leaky_relu_is_another_function_are_solved_for():
    assert leaky_relu_slope(Max(S, 0)) == Eq(SLOPE, 0)
    assert leaky_relu_slope((3 * S + 7 * Abs(S)) / 10) == Eq(SLOPE, Rational(-2, 5))
    for other in (exp(S), 2 * S, Max(S, 0) + 1):
        with pytest.raises(InputError, match="at no slope"):
            leaky_relu_slope(other)


def test_what_a_hypothesis_says_aside_is_no_fact():
    """Leaky ReLU may have the slopes 0, 1 and -1; that it is ReLU says it is 0."""
    assert {Eq(SLOPE, 0), Eq(SLOPE, 1), Eq(SLOPE, -1)} <= set(RECTIFIER.text.objects)
    for value in (0, 1, -1):
        with pytest.raises(Undischarged, match="no hypothesis says that a is"):
            PutIn(((SLOPE, Integer(value)),)).apply(SLOPE + 1, Setting((RECTIFIER,)))
    assert PutIn(((SLOPE, Integer(0)),)).apply(SLOPE + 1, Setting((RELU,))).after == 1


def test_a_value_at_one_point_is_not_put_under_what_runs_over_points():
    """q = 1 at the fixed point says nothing of the slope of q^2 there, nor of what an integral over q is."""
    at_point = stated(Eq(X, 2))
    for under in (Derivative(X**2, X), Integral(X * Y, (X, 0, 1)), one_gaussian(F(U) * X).xreplace({U: X})):
        with pytest.raises(Undischarged, match="holds at one value of x"):
            PutIn(((X, Integer(2)),)).apply(under + X, at_point)
    # Another variable's derivative may hold it, and so may a sum that does not run over it.
    assert PutIn(((X, Integer(2)),)).apply(Derivative(X * Y, Y), at_point).after == Derivative(2 * Y, Y)
    assert PutIn(((X, Integer(2)),)).apply(Sum(X * J, (J, 1, 3)), at_point).after == Sum(2 * J, (J, 1, 3))


def test_a_value_that_depends_on_the_point_is_not_put_in_before_a_derivative_by_it():
    """sigma_b^2 = q - sigma_w^2 E[f^2] holds at the fixed point q: the length map's slope there is another."""
    value = Q - GAIN * one_gaussian(F(U) ** 2)
    slope = Derivative(GAIN * one_gaussian(F(U) ** 2) + BIAS_VARIANCE, Q)
    with pytest.raises(Undischarged, match="holds at one value of q"):
        PutIn(((BIAS_VARIANCE, value),)).apply(slope, Setting((FIXED_LENGTH,)))


def test_what_holds_for_every_value_is_put_in_under_a_mean():
    """The activation is SELU at every pre-activation."""
    from derive.gaussian import GaussianExpectation

    mean = GaussianExpectation.of(F(Z), (Z,), (0,), ((1,),))
    made = PutIn(((F(Z), SELU),)).apply(mean, Setting((SELU_UNIT,)))
    assert made.after == GaussianExpectation.of(SELU, (Z,), (0,), ((1,),))
    with pytest.raises(Undischarged, match="holds at one value of z"):
        PutIn(((F(Z), SELU),)).apply(mean, stated(*SELU_UNIT.equations))


def test_an_equation_that_no_hypothesis_states_is_not_solved():
    unknown = Symbol("unknown", positive=True)
    with pytest.raises(Undischarged, match="no hypothesis states"):
        Solve(unknown, Eq(unknown, 2 * GAIN)).apply(unknown, Setting((HE,)))


def test_a_name_is_given_by_its_definition_alone():
    gain, bias = (h.equations[0].rhs for h in (GAIN_DEFINED, BIAS_DEFINED))
    both = Setting((GAIN_DEFINED, BIAS_DEFINED))
    made = Rename((GAIN, BIAS_VARIANCE)).apply(gain * Y + bias, both)
    assert made.after == GAIN * Y + BIAS_VARIANCE
    assert made.uses == {GAIN_DEFINED.key, BIAS_DEFINED.key}
    with pytest.raises(RuleDoesNotApply, match="finds nothing to call sigma_b2"):
        Rename((GAIN, BIAS_VARIANCE)).apply(gain * Y, both)
    with pytest.raises(Undischarged, match="0 hypotheses define sigma_b2"):
        Rename((GAIN, BIAS_VARIANCE)).apply(gain * Y + bias, Setting((GAIN_DEFINED,)))
