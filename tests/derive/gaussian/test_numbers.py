"""Extraordinary numbers: derived with symbols, put in at the end, and evaluated to their last digit.

The right numbers are ball arithmetic's (python-flint), here or where it takes its time: `acb.integral` at 200 bits.
"""

import math
from collections.abc import Callable, Iterator

import flint
import mpmath
import pytest
from sympy import Dict, Expr, Max, Rational, Symbol, cos, exp, sqrt

from derive.expressions import parse_expression
from derive.gaussian import NoClosedForm, Phi, gaussian_expectation, number
from derive.gaussian.api import general_form
from derive.gaussian.generalise import generalised
from derive.gaussian.instance import PutNumbersIn
from derive.setting import Undischarged

X, Y = Symbol("x", real=True), Symbol("y", real=True)


@pytest.fixture(autouse=True)
def _many_bits() -> Iterator[None]:
    before, flint.ctx.prec = flint.ctx.prec, 300
    yield
    flint.ctx.prec = before


def line(text: str, mean: str = "0", variance: str = "1") -> Expr:
    """E[f(x)] in closed form."""
    law = {X: (Rational(mean), Rational(variance))}
    return gaussian_expectation(parse_expression(text, {"x": X}), law).result


def plane(text: str, correlation: str) -> Expr:
    """E[f(x, y)] in closed form, for standard normals."""
    r = Rational(correlation)
    g = parse_expression(text, {"x": X, "y": Y})
    return gaussian_expectation(g, (X, Y), covariance=[[1, r], [r, 1]]).result


def ball(f: Callable, low: float, high: float) -> str:
    """∫ f(z) φ(z) dz by ball arithmetic, 25 digits."""
    density = lambda z: (-z * z / 2).exp() / (2 * flint.acb.pi()).sqrt()  # noqa: E731
    return flint.acb.integral(lambda z, _: f(z) * density(z), low, high, abs_tol=1e-150).real.str(25, radius=False)


def upper(z: "flint.acb") -> "flint.acb":
    """Φ(-z)."""
    return (z / flint.acb(2).sqrt()).erfc() / 2


EXTREME: dict[str, tuple[Callable[[], Expr], Callable[[], str]]] = {
    "a fast wave": (lambda: line("cos(3*x)", variance="1e6"), lambda: flint.arb("-4.5e6").exp().str(25, radius=False)),
    "hardly integrable": (
        lambda: line("exp(x**2)", variance=str(Rational(1, 2) - Rational("1e-12"))),
        lambda: (1 / (2 * flint.arb("1e-12")).sqrt()).str(25, radius=False),
    ),
    "nearly opposite": (lambda: plane("max(x,0)*max(y,0)", "-0.99999"), lambda: nearly_opposite("-0.99999")),
    "a narrow bump": (
        lambda: line("exp(-1e10*(x-1)**2)"),
        lambda: ((-flint.arb("1e10") / flint.arb("20000000001")).exp() / flint.arb("20000000001").sqrt()).str(
            25, radius=False
        ),
    ),
    "a step in the tail": (lambda: line("where(x>15,1,0)*Phi(-x)"), lambda: ball(upper, 15, 40)),
    "a square in the tail": (
        lambda: line("Phi(x)**2", mean="-20"),
        lambda: ball(lambda z: upper(20 - z) ** 2, -20, 45),
    ),
    "a cube in the tail": (lambda: line("max(x,0)**3", mean="-15"), lambda: ball(lambda z: (z - 15) ** 3, 15, 60)),
    "nearly one": (lambda: plane("sign(x-0.5)*sign(y-0.5)", "0.999999999999"), lambda: "0.9999992054736396449"),
}


def nearly_opposite(correlation: str) -> str:
    """The arc-cosine kernel of order 1 (Cho & Saul 2009), with 60 digits to cancel."""
    rho = flint.arb(correlation)
    pi = flint.arb.pi()
    return (((1 - rho * rho).sqrt() + rho * (pi - rho.acos())) / (2 * pi)).str(25, radius=False)


@pytest.mark.parametrize("name", EXTREME)
def test_extraordinary_numbers(name: str) -> None:
    """The number is right to 19 digits, the stated bound is relative and holds."""
    form, right = EXTREME[name]
    value, bound = number(form())
    with mpmath.workdps(40):
        error = abs(value - mpmath.mpf(right()))
        assert error <= bound + abs(value) * mpmath.mpf(10) ** -19
        assert 0 < bound < abs(value) * mpmath.mpf(10) ** -20


def test_a_number_that_cancels_to_nothing() -> None:
    """E[relu(x) relu(y - 1)] at correlation -1 + 1e-12 is about exp(-5e23/1999999999999), and is told from 0."""
    value, bound = number(plane("max(0,x)*max(0,y-1)", "-0.999999999999"))
    assert 0 < bound < value
    assert mpmath.log10(value) == pytest.approx(-5e23 / 1999999999999 / math.log(10), rel=1e-9)


def test_the_next_number_needs_no_derivation() -> None:
    """One general form serves all numbers of its kind."""
    general_form.cache_clear()
    for variance in (10**6, 10**7, Rational(10**9, 3)):
        assert gaussian_expectation(cos(3 * X), {X: (0, variance)}).result == exp(-9 * Rational(variance) / 2)
    assert general_form.cache_info().misses == 1


def test_the_numbers_are_a_step_of_the_derivation() -> None:
    """Its lemma is the general form, with its own proof; the whole is replayed and checked."""
    found = gaussian_expectation(Max(0, X - 20), {X: (Rational(1, 3), 400)})
    step = found.steps[0]
    assert isinstance(step.rule, PutNumbersIn)
    (lemma,) = step.lemmas
    assert lemma.result.free_symbols
    assert len(lemma.agreement.points) == 3
    result = found.check()
    assert result.passed, result.failures


def test_equal_numbers_stay_equal() -> None:
    """A threshold at the mean is one at the mean: half of the mass is above it."""
    above = gaussian_expectation(parse_expression("where(x > 1234, 1, 0)", {"x": X}), {X: (1234, 10**8)})
    assert above.result == Rational(1, 2)


def test_conditions_are_asked_of_the_numbers() -> None:
    """exp(a x²) at a variance for which it is not integrable has no general form to put the numbers in."""
    node = gaussian_expectation(exp(X**2 / 10**6), {X: (0, 10**5)}).statement.lhs
    general = generalised(node)
    assert general is not None
    rule = PutNumbersIn(general.node, general.values)
    found = gaussian_expectation(exp(X**2 / 10**6), {X: (0, 10**5)})
    assert found.result == sqrt(5) / 2
    beyond = gaussian_expectation(exp(-(X**2) / 10**6), {X: (0, 10**5)}).statement.lhs
    with pytest.raises(NoClosedForm, match="does not damp"):
        gaussian_expectation(exp(X**2 / 10**6), {X: (0, 10**6)})
    assert rule.rewrite(beyond, found.setting) is None
    wrong = dict.fromkeys(general.values, 10**6)
    other = PutNumbersIn(general.node, Dict(wrong))
    with pytest.raises(Undischarged, match="needed and not assumed"):
        other.rewrite(general.node.xreplace(wrong), found.setting)


def test_ordinary_numbers_stay() -> None:
    """A derivation at ordinary numbers is made at these numbers."""
    for law in ((0, 1), (2, Rational(1, 4)), (Rational(-1, 3), 9)):
        found = gaussian_expectation(Max(0, X), {X: law})
        assert not any(isinstance(s.rule, PutNumbersIn) for s in found.steps)


@pytest.mark.parametrize(
    ("form", "right"),
    [
        (exp(Rational(1, 10**30)) - 1, "1.0000000000000000000000000000005e-30"),
        (Phi(-40) - exp(-800) / sqrt(3200), None),
        (1 - Phi(10) - Phi(-10), "0"),
        (Rational(1, 3), "0.33333333333333333333333333"),
    ],
)
def test_the_precision_is_raised_until_it_suffices(form: Expr, right: str | None) -> None:
    """A difference of nearly equal terms has all its digits; one that is 0 is said to be 0 to within a bound."""
    value, bound = number(form)
    with mpmath.workdps(60):
        if right is None:
            right = mpmath.nstr(mpmath.ncdf(-40) - mpmath.exp(-800) / mpmath.sqrt(3200), 30)
        assert abs(value - mpmath.mpf(right)) <= bound
        assert bound <= max(abs(value) * mpmath.mpf(10) ** -20, mpmath.mpf(10) ** -500)
