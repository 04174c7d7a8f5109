"""The catalogue of activations, and reading their names."""

import mpmath
import pytest
from sympy import Rational, lambdify

from derive.activations import activation, activations
from derive.errors import InputError

ALL = [*activations(), "leaky-relu(0.2)", "leaky-relu(1/3)"]


@pytest.mark.parametrize("name", ALL)
def test_derivative_is_the_slope_of_the_expression(name):
    """The derivative equals mpmath's numerical one away from kinks."""
    f = activation(name)
    value, slope = (lambdify(f.symbol, e, "mpmath") for e in (f.expression, f.derivative))
    for point in (-2.5, -0.3, 0.7, 1.9):
        assert mpmath.almosteq(mpmath.diff(value, point), slope(mpmath.mpf(point)), rel_eps=1e-12)


@pytest.mark.parametrize(
    ("name", "at_zero"),
    [("relu", 0), ("leaky-relu(0.2)", Rational(1, 5)), ("abs", 0), ("tanh", 1), ("linear", 1)],
)
def test_derivative_at_zero_is_the_one_of_automatic_differentiation(name, at_zero):
    """At a kink: relu 0, leaky relu its negative slope, abs 0 (the conventions of PyTorch)."""
    f = activation(name)
    assert f.derivative.subs(f.symbol, 0) == at_zero


@pytest.mark.parametrize("name", ALL)
def test_kinks_are_where_the_slope_jumps(name):
    """The slopes on both sides of 0 differ exactly when 0 is listed as a kink."""
    f = activation(name)
    left, right = (f.derivative.subs(f.symbol, Rational(sign, 10**9)).evalf() for sign in (-1, 1))
    assert (abs(left - right) > 1e-6) == (0 in f.kinks)


@pytest.mark.parametrize(
    ("name", "linear", "odd"),
    [
        ("linear", True, True),
        ("tanh", False, True),
        ("relu", False, False),
        ("leaky-relu(0.2)", False, False),
        ("leaky-relu(1)", True, True),
        ("leaky-relu(-1)", False, False),
        ("abs", False, False),
    ],
)
def test_properties_are_computed_from_the_expression(name, linear, odd):
    """A leaky relu of slope 1 is linear and has no kink."""
    f = activation(name)
    assert (f.is_linear, f.is_odd) == (linear, odd)
    assert not (linear and f.kinks)


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("leaky-relu", Rational(1, 100)),
        ("leaky-relu()", Rational(1, 100)),
        ("leaky-relu(0.2)", Rational(1, 5)),
        (" leaky-relu( +.2 ) ", Rational(1, 5)),
        ("leaky-relu(1/3)", Rational(1, 3)),
        ("leaky-relu(2e-1)", Rational(1, 5)),
        ("leaky-relu(-3)", Rational(-3)),
    ],
)
def test_parameters_are_read_exactly(text, slope):
    """0.2 is one fifth, and the printed name reads back as the same activation."""
    f = activation(text)
    assert f.parameters == (("slope", slope),)
    assert activation(str(f)) == f


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tahn", "unknown activation 'tahn'; did you mean tanh?"),
        ("zzz", "unknown activation 'zzz'; known: linear, tanh, relu, leaky-relu, abs"),
        ("relu(0.2)", "activation relu takes no parameters, got 1 in 'relu(0.2)'"),
        (
            "leaky-relu(1,2)",
            "activation leaky-relu takes at most 1 (slope) parameters, got 2 in 'leaky-relu(1,2)'",
        ),
        ("leaky-relu(x)", "activation parameters must be numbers, got 'x' in 'leaky-relu(x)'"),
        ("leaky-relu(1/0)", "activation parameters must be numbers, got '1/0' in 'leaky-relu(1/0)'"),
        ("leaky-relu(nan)", "activation parameters must be numbers, got 'nan' in 'leaky-relu(nan)'"),
        (
            "leaky-relu(1e999999999)",
            "activation parameters must be numbers, got '1e999999999' in 'leaky-relu(1e999999999)'",
        ),
        (
            "relu(__import__('os'))",
            "activation must be a name with optional numbers, such as 'leaky-relu(0.2)', "
            "got \"relu(__import__('os'))\"",
        ),
    ],
)
def test_bad_names_get_one_clear_line(text, message):
    """The error names the rule and the value."""
    with pytest.raises(InputError) as caught:
        activation(text)
    assert str(caught.value) == message
