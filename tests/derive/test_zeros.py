"""Where one formula gives way to another: breakpoints found exactly, or to 50 digits, and none missed."""

import math

import flint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from sympy import Abs, Rational, Symbol, atanh, lambdify, log

from derive.activations.pieces import breakpoints
from derive.errors import InputError
from derive.expressions import parse_expression
from derive.expressions.intervals import Undefined, bounds

x = Symbol("x", real=True)


def found(text):
    return breakpoints(Abs(parse_expression(text, {"x": x}), evaluate=False), x)


def test_functions_with_an_inverse_give_exact_breakpoints():
    """Also nested, scaled and shifted; none where the level is not reached."""
    assert found("tanh(x) - 0.5") == (atanh(Rational(1, 2)),)
    assert found("2 - 8*tanh(3*x + 1)") == ((atanh(Rational(1, 4)) - 1) / 3,)
    assert found("exp(exp(x)) - 5") == (log(log(5)),)
    assert found("1/(1 + exp(-x)) - 0.25") == (-log(3),)
    assert found("erf(tanh(x) - 0.2)") == (atanh(Rational(1, 5)),)
    assert found("tanh(x) - 2") == found("exp(x) + 1") == found("atan(x) - 2") == ()
    assert [float(p) for p in found("log(abs(x)) - 40")] == pytest.approx((-math.exp(40), 0, math.exp(40)), rel=1e-15)


# Zeros by formulas of their own; all are met, however close they lie.
KNOWN = [
    ("exp(-10000*(x - 0.7)**2) - 0.5", [0.7 - math.sqrt(math.log(2)) / 100, 0.7 + math.sqrt(math.log(2)) / 100]),
    ("exp(-1e14*(x - 0.7)**2) - 0.5", [0.7 - math.sqrt(math.log(2)) / 1e7, 0.7 + math.sqrt(math.log(2)) / 1e7]),
    ("sin(20*x)", [math.pi * k / 20 for k in range(-203, 204)]),
    ("sin(x)**3", [math.pi * k for k in range(-10, 11)]),
    ("tan(x)", [math.pi * k / 2 for k in range(-20, 21)]),  # zeros and poles
    ("cosh(x) - 2", [-math.acosh(2), math.acosh(2)]),
    ("tanh(x) - tanh(2*x)", [0]),
    ("x - sin(x)", [0]),
    ("cos(x) - 1", []),
    ("sqrt(x) - x", [1]),
    ("phi(x) - 0.1", [s * math.sqrt(-2 * math.log(0.1 * math.sqrt(2 * math.pi))) for s in (-1, 1)]),
]


@pytest.mark.parametrize(("text", "expected"), KNOWN, ids=[text for text, _ in KNOWN])
def test_sign_changes(text, expected):
    assert [float(p) for p in found(text)] == pytest.approx(expected, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("text", ["x*Phi(x) + 0.1", "exp(x) - 2 - x", "x**3 - exp(x)", "sin(x)/x - 0.1"])
def test_breakpoints_have_fifty_digits(text):
    """The function changes its sign within 1e-45 of each."""
    f = lambdify(x, parse_expression(text, {"x": x}), "mpmath")
    points = found(text)
    assert len(points) >= 2
    with mp.workdps(80):
        for p in points:
            at = mp.mpf(p)
            assert f(at - mp.mpf("1e-45")) * f(at + mp.mpf("1e-45")) < 0


@pytest.mark.parametrize("text", ["sin(1e50*x)", "sin(100*x)", "sin(1/x)"])
def test_more_than_can_be_used_are_refused(text):
    with pytest.raises(InputError, match="must have at most 1024 breakpoints"):
        found(text)


BALLS = {
    "exp(x)*sin(3*x)": lambda b: b.exp() * (3 * b).sin(),
    "x*tanh(x) - cos(x)": lambda b: b * b.tanh() - b.cos(),
    "erf(x)/(1 + x**2)": lambda b: b.erf() / (1 + b * b),
    "cosh(x - 1) - asinh(5*x)": lambda b: (b - 1).cosh() - (5 * b).asinh(),
    "x**3 - atan(x) + erfc(x)": lambda b: b**3 - b.atan() + b.erfc(),
    "(x - 2)**4/exp(2*x)": lambda b: (b - 2) ** 4 / (2 * b).exp(),
}


@pytest.mark.parametrize("text", BALLS)
@given(low=st.floats(-20, 20), width=st.floats(0, 8), part=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_an_interval_holds_every_value(text, low, width, part):
    """Against ball arithmetic, at a point of the interval."""
    high = low + width
    least, most = bounds(parse_expression(text, {"x": x}), x, low, high)
    value = BALLS[text](flint.arb(min(low + part * width, high)))
    assert not value < flint.arb(least)
    assert not value > flint.arb(most)


def test_an_interval_without_a_real_value_is_said_to_have_none():
    with pytest.raises(Undefined):
        bounds(parse_expression("log(x) + 1", {"x": x}), x, -2.0, -1.0)
    assert bounds(parse_expression("log(x)", {"x": x}), x, -2.0, 1.0)[1] < 1e-14
