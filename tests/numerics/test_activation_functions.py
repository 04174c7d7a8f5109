"""NumPy functions of the catalogue against mpmath, to a few units in the last place, and at the ends of float64."""

import mpmath
import numpy as np
import pytest
from mpmath import mp
from sympy import Symbol, cos, exp, lambdify, sin, sqrt, tanh

from derive.activations import activation, activations
from derive.errors import InputError
from derive.expressions.accurate import Logistic, PlusRoot, Root, Tanh
from derive.expressions.stable import precise, sharing, stable
from numerics.activations import (
    fast_value,
    fast_value_and_derivative,
    numpy_function,
    stable_expression,
    value_and_derivative,
)

NAMES = [*activations(), "swish(1.702)", "softplus(3)", "celu(0.5)", "squareplus(0.1)", "squareplus(0)", "snake(2.5)"]
SMALL = np.logspace(-8, 1, 40)
POINTS = np.concatenate([-SMALL, [0.0], SMALL, np.linspace(-12, 12, 61) + 0.003, [-30.1, -20.7, -0.7518, 30.1]])
ULPS = 8
EPSILON = 2.0**-52
UNDERFLOW = 1e-305


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_a_few_units_in_the_last_place(name, order):
    """|error| <= 8 ulp of |g| + |s g'|: what rounding s once would cost, and no more. Warnings are errors."""
    f = activation(name)
    expressions = [f.expression, f.derivative, f.second_derivative]
    exact, slope = (lambdify(f.symbol, e, "mpmath") for e in expressions[order : order + 2])
    for x, got in zip(POINTS, numpy_function(f, order)(POINTS), strict=True):
        # 1 + tanh and 1 + erf cancel in the reference too, by s² or s³ digits.
        with mp.workdps(40 + int(abs(x) ** (3 if name == "gelu-tanh" else 2))):
            point = mp.mpf(float(x))
            wanted = mp.mpf(exact(point))
            scale = abs(wanted) + (abs(point * slope(point)) if x not in f.kinks else 0)
            assert abs(mp.mpf(float(got)) - wanted) <= ULPS * EPSILON * scale + UNDERFLOW, x


@pytest.mark.parametrize("name", NAMES)
def test_far_out_values_are_the_tails(name):
    """At -1000 and 1000 nothing overflows that is finite, and nothing is NaN."""
    f = activation(name)
    far = np.array([-1000.0, 1000.0])
    for order in (0, 1):
        got = numpy_function(f, order)(far)
        assert not np.isnan(got).any()
        for side, tail in enumerate(f.tails):
            if tail is not None:
                wanted = tail if order == 0 else tail.diff(f.symbol)
                assert got[side] == pytest.approx(float(wanted.subs(f.symbol, int(far[side]))), rel=2e-3, abs=1e-2)


@pytest.mark.parametrize(
    ("name", "x", "wanted"),
    [
        ("sigmoid", -700.0, mpmath.exp(-700)),
        ("softplus", -700.0, mpmath.exp(-700)),
        ("softplus", 1000.0, 1000),
        ("silu", -700.0, -700 * mpmath.exp(-700)),
        ("mish", -700.0, -700 * mpmath.exp(-700)),
        ("gelu", -30.0, -30 * mpmath.ncdf(-30)),
        ("tanh-shrink", 1e-5, mpmath.mpf("3.33333333320000000005e-16")),
        ("squareplus", -1e9, mpmath.mpf("1e-9")),
        ("squareplus", -1e200, mpmath.mpf("1e-200")),
    ],
)
def test_digits_that_naive_forms_lose(name, x, wanted):
    """Tails and small differences to 1e-13, where 1 + tanh, log(1 + exp) and s - tanh s have no digit left."""
    (got,) = numpy_function(activation(name))([x])
    # the condition of exp(-700) is 700
    assert abs(got - wanted) <= 1e-12 * abs(wanted)


def test_shapes_constants_and_kinks():
    """Any shape; a constant derivative fills it; PyTorch's values at kinks."""
    f, slope = value_and_derivative(activation("linear"))
    assert f(np.zeros((2, 3))).shape == slope(np.zeros((2, 3))).shape == (2, 3)
    assert slope(2.0).shape == ()
    assert numpy_function(activation("relu"), 1)([-1.0, 0.0, 1.0]).tolist() == [0, 0, 1]
    assert numpy_function(activation("hard-tanh"), 1)([-1.0, 0.0, 1.0]).tolist() == [0, 1, 0]
    assert numpy_function(activation("elu"), 2)([-1.0, 1.0]).tolist() == [np.exp(-1.0), 0]
    assert numpy_function(activation("where(x > 0, x, 0.2*x)"))([-1.0, 1.0]).tolist() == [-0.2, 1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_fast_pair_of_the_simulator(name, dtype):
    """In the precision of its argument, f to that of f, f' to twenty roundings of the largest |f'| and |s f''|."""
    f = activation(name)
    points = POINTS[np.abs(POINTS) < 12].astype(dtype)
    value, slope = fast_value_and_derivative(f)(points)
    alone = fast_value(f)(points)
    for got in (value, slope, alone):
        assert np.ndim(got) == 0 or got.dtype == dtype
    exact, steep = (numpy_function(f, order)(points.astype(float)) for order in (0, 1))
    bend = np.abs(points * numpy_function(f, 2)(points.astype(float)))
    tiny = float(np.finfo(dtype).eps)
    smooth = ~np.isin(points, [float(k) for k in f.kinks])
    room = 8 * tiny * (np.abs(exact) + np.abs(points * steep) + (np.abs(points) if "shrink" in name else 0))
    for got in (value, alone):
        assert np.all(np.abs(np.broadcast_to(got, points.shape) - exact) <= room + tiny**2)
    # 1 - σ(s) is right to a rounding of 1, which silu multiplies by s, and gelu-tanh by s³.
    room = 20 * tiny * (np.abs(steep).max() + bend)
    assert np.all((np.abs(np.broadcast_to(slope, points.shape) - steep) <= room)[smooth])


def test_the_pair_shares_its_function():
    """One tanh and one logistic function for value and derivative: the simulator's time goes into them."""
    for name, function in (("tanh", Tanh), ("lecun-tanh", Tanh), ("sigmoid", Logistic), ("silu", Logistic)):
        value, slope = (stable_expression(activation(name), order) for order in (0, 1))
        shared = sharing(slope, value)
        assert value.atoms(function) == shared.atoms(function)
        assert len(shared.atoms(Tanh, Logistic)) == 1


@pytest.mark.parametrize(
    ("expression", "kinds"),
    [
        (lambda s: 3 * (1 + tanh(s)), {Logistic}),
        (lambda s: 1 / (1 + exp(-2 * s)) ** 3, {Logistic}),
        (lambda s: 5 * s + 5 * sqrt(s**2 + 7), {PlusRoot}),
        (lambda s: sqrt(9 * s**2 + 1) - 3 * s, {PlusRoot}),
        (lambda s: 2 - 4 * sin(3 * s) * cos(3 * s), {sin, cos}),
        (lambda s: s + sqrt(s**2 - 2), set()),
    ],
)
def test_rewriting_keeps_the_function(expression, kinds):
    """Expressions of one's own: what they become has the same values and derivative in 30 digits."""
    s = Symbol("s", real=True)
    before = expression(s)
    after = stable(before)
    assert {type(a) for a in after.atoms(Logistic, PlusRoot, Root, sin, cos)} == kinds
    with mp.workdps(40):
        for e, made in ((before, after), (before.diff(s), after.diff(s))):
            left, right = lambdify(s, e, "mpmath"), precise(made, s)
            for point in ("-2.7", "1.9", "-1.6"):
                assert abs(left(mp.mpf(point)) - right(mp.mpf(point))) < mp.mpf("1e-30")


def test_bad_arguments():
    """An order that is not there, an activation with free parameters."""
    with pytest.raises(InputError, match="order must be from 0 to 4, got 5"):
        numpy_function(activation("relu"), 5)
    with pytest.raises(InputError, match=r"no free parameters to be evaluated, got elu\(a\) with a"):
        numpy_function(activation("elu(a)", symbols=["a"]))
