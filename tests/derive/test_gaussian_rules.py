"""Every rule on Gaussian expectations at work: what it gives, typed here, and errors planted in it that are seen."""

from dataclasses import dataclass
from importlib import import_module
from pkgutil import walk_packages

import pytest
from planting import derive_by, failure, spoiled
from sympy import (
    Abs,
    Dict,
    Heaviside,
    Integer,
    Integral,
    Max,
    Rational,
    Symbol,
    asin,
    cos,
    exp,
    log,
    pi,
    sign,
    sqrt,
    symbols,
    tanh,
)

import derive.gaussian
from derive.errors import InputError
from derive.gaussian import GaussianExpectation, Phi, gaussian_expectation
from derive.gaussian.breakpoints import SolveBreakpoints
from derive.gaussian.hermite import HermiteExpansion
from derive.gaussian.instance import PutNumbersIn
from derive.gaussian.parity import EvenPart
from derive.gaussian.price import IntegrateCovariance, PriceTheorem
from derive.gaussian.rules import (
    Characteristic,
    Collect,
    CompleteTheSquare,
    Degenerate,
    HalfSpaces,
    Linearity,
    OddSymmetry,
    SplitAtBreakpoints,
    SteinIdentity,
)
from derive.gaussian.uniform import UniformVariable
from derive.proof.rule import Evidence, Rule
from derive.setting import Setting, Undischarged

x, y, m, a = symbols("x y m a", real=True)
s, t, u = symbols("s t u", positive=True)
c = Symbol("c", real=True)
ZERO = Integer(0)
STEP = Heaviside(x)


def one(g, mean=ZERO, variance=s**2):
    """E[g(x)] for x ~ N(mean, variance)."""
    return GaussianExpectation.of(g, (x,), (mean,), ((variance,),))


def two(g, covariance=c):
    """E[g(x, y)] for centred x, y of variances s^2 and t^2."""
    return GaussianExpectation.of(g, (x, y), (Integer(0), Integer(0)), ((s**2, covariance), (covariance, t**2)))


@dataclass(frozen=True)
class Case:
    """A rule, what it is applied to, what it must give, and wrong results."""

    rule: Rule
    start: object
    right: object
    wrong: tuple
    node: GaussianExpectation | None = None

    @property
    def setting(self):
        """The setting of the derivation that the expectation, or the given one, has."""
        node = self.node or self.start
        return gaussian_expectation(node.integrand, node.variables, mean=node.mean, covariance=node.covariance).setting


def cases():
    tilted = one(x, m + a * s**2)
    general = one(exp(a * x))
    return [
        Case(
            Degenerate(),
            two(x**2 * y**2, s * t),
            one(x**4 * t**2 / s**2),
            (one(x**4 * s**2 / t**2), one(x**3 * t / s), one(2 * x**4 * t**2 / s**2)),
        ),
        Case(OddSymmetry(), one(x**3 + x * Abs(x)), Integer(0), (Integer(1), s**3)),
        Case(SplitAtBreakpoints(), one(Max(0, x)), one(x * STEP), (one(-x * STEP), one(STEP), one(x))),
        Case(
            Linearity(),
            one(3 * x**2 + a * x, m),
            3 * one(x**2, m) + a * one(x, m),
            (3 * one(x**2, m) + one(x, m), 3 * one(x**2, m), 3 * one(x**2, m) - a * one(x, m)),
        ),
        Case(
            CompleteTheSquare(),
            one(x * exp(a * x), m),
            exp(a * m + a**2 * s**2 / 2) * tilted,
            (exp(a * m + a**2 * s**2) * tilted, exp(a * m + a**2 * s**2 / 2) * one(x, m), tilted),
        ),
        Case(
            Characteristic(),
            one(cos(a * x), m),
            exp(-(a**2) * s**2 / 2) * cos(a * m),
            (exp(a**2 * s**2 / 2) * cos(a * m), exp(-(a**2) * s**2 / 2), exp(-(a**2) * s**2) * cos(a * m)),
        ),
        Case(SteinIdentity(), one(x**4), 3 * s**4, (s**4, 3 * s**2, 2 * s**4)),
        Case(
            SteinIdentity(),
            one(x**2, m),
            m**2 + s**2,
            (m**2, m**2 - s**2, s**2),
        ),
        Case(HalfSpaces(), one((1 + sign(x)) / 2, m), Phi(m / s), (Phi(-m / s), Phi(m), Rational(1, 2))),
        Case(
            HalfSpaces(),
            two((1 + sign(x)) / 2 * (1 + sign(y)) / 2),
            Rational(1, 4) + asin(c / (s * t)) / (2 * pi),
            (Rational(1, 4) + asin(c / (s * t)) / pi, Rational(1, 4) - asin(c / (s * t)) / (2 * pi), Rational(1, 4)),
        ),
        Case(
            Collect(),
            m * Phi(m / s) + s * Phi(m / s) + m * s,
            (m + s) * Phi(m / s) + m * s,
            ((m - s) * Phi(m / s) + m * s, (m + s) * Phi(m / s), (m + s) * Phi(-m / s) + m * s),
            one((1 + sign(x)) / 2, m),
        ),
        Case(
            SolveBreakpoints(),
            one(Max(0, x**2 - 1)),
            one((x**2 - 1) * (1 + sign(x - 1) * sign(x + 1)) / 2),
            (one(x**2 - 1), one(1 - x**2), one(Max(0, x - 1))),
        ),
        Case(
            HermiteExpansion(),
            two(x**2 * y**2),
            s**2 * t**2 + 2 * c**2,
            (s**2 * t**2 + c**2, s**2 * t**2, s**2 * t**2 - 2 * c**2),
        ),
        Case(
            EvenPart(),
            one(x**2 / (1 + exp(-x))),
            one(x**2 / 2),
            (one(x**2), one(-(x**2) / 2), Integer(0)),
        ),
        Case(EvenPart(), one(tanh(x) + 3), Integer(3), (Integer(0), Integer(2))),
        Case(
            PriceTheorem(u),
            two(x**2 * y**2),
            two(x**2 * y**2, Integer(0)) + Integral(two(4 * x * y, u), (u, 0, c)),
            (
                two(x**2 * y**2, Integer(0)),
                two(x**2 * y**2, Integer(0)) - Integral(two(4 * x * y, u), (u, 0, c)),
                two(x**2 * y**2, Integer(0)) + Integral(two(2 * x * y, u), (u, 0, c)),
            ),
        ),
        Case(
            IntegrateCovariance(),
            Integral(1 / sqrt(s**2 * t**2 - u**2), (u, 0, c)),
            asin(c / (s * t)),
            (2 * asin(c / (s * t)), asin(c / s), -asin(c / (s * t))),
            two(sign(x) * sign(y)),
        ),
        Case(
            UniformVariable(),
            one(log(Phi(x)), variance=Integer(1)),
            Integer(-1),
            (Integer(1), Integer(-2), Rational(-1, 2)),
        ),
        Case(
            PutNumbersIn(general, Dict({a: Integer(2), s: Integer(3)})),
            one(exp(2 * x), variance=Integer(9)),
            exp(18),
            (),
        ),
    ]


CASES = cases()
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: type(case.rule).__name__)


def test_no_rule_is_left_out():
    for module in walk_packages(derive.gaussian.__path__, "derive.gaussian."):
        import_module(module.name)
    found, waiting = set(), [Rule]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        waiting += kinds
        found |= {k for k in kinds if k.__module__.startswith("derive.gaussian.") and "name" in vars(k)}
    assert found == {type(case.rule) for case in CASES}


@every_case
def test_a_rule_computes_the_right_thing(case):
    after = case.rule.apply(case.start, case.setting).after
    assert after == case.right or (after - case.right).expand() == 0, after
    checked = derive_by(case.rule, case.setting, case.start).check()
    assert checked.passed, checked.failures
    if case.rule.evidence is Evidence.POINTS:
        assert "points" in checked.derivation.steps[0].verdict.evidence


@every_case
def test_a_wrong_result_is_refuted(case):
    for wrong in case.wrong:
        verdict = failure(derive_by(spoiled(case.rule, lambda _, wrong=wrong: wrong), case.setting, case.start))
        assert verdict is not None, wrong
        assert verdict.counterexample.left != verdict.counterexample.right


@every_case
def test_a_rule_refuses_what_has_no_gaussian_law(case):
    """Its obligation; an integral has no law, and numbers are put into a form that has its own."""
    if not isinstance(case.rule, IntegrateCovariance | PutNumbersIn):
        with pytest.raises(InputError):
            case.rule.apply(case.start, Setting(()))


def test_a_condition_that_is_not_assumed_is_refused():
    """exp(a x^2) has a finite mean only where 1 - 2 a s^2 > 0."""
    node = one(exp(a * x**2) * x**2)
    uses = CompleteTheSquare().apply(node, Case(CompleteTheSquare(), node, None, ()).setting).uses
    assert any("> 0" in key for key in uses)
    without = Case(CompleteTheSquare(), one(exp(a * x) * x**2), None, ()).setting
    with pytest.raises(Undischarged, match=r"needed and not assumed: .* > 0"):
        CompleteTheSquare().apply(node, without)


def test_numbers_at_which_a_form_does_not_hold_are_refused():
    """The same condition at numbers: 1 - 2 a s^2 = -17."""
    rule = PutNumbersIn(one(exp(a * x**2)), Dict({a: Integer(1), s: Integer(3)}))
    with pytest.raises(Undischarged, match="needed and not assumed: -17 > 0"):
        rule.apply(one(exp(x**2), variance=Integer(9)), Setting(()))


def test_a_breakpoint_that_may_not_exist_is_refused():
    """exp(x) > a has a breakpoint only where a > 0."""
    node = one(Heaviside(exp(x) - a))
    with pytest.raises(Undischarged, match="needed and not assumed: a > 0"):
        SolveBreakpoints().apply(node, Case(SolveBreakpoints(), one(exp(a * x)), None, ()).setting)
