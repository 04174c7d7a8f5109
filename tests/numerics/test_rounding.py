"""The running bound on rounding errors is a bound, and is not much more than the error."""

from random import Random

import mpmath
import numpy as np
import pytest
from mpmath import mp
from sympy import (
    Abs,
    DiracDelta,
    Heaviside,
    Max,
    Min,
    Piecewise,
    Rational,
    S,
    Symbol,
    acos,
    asin,
    atan,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    log,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
    tanh,
)

from derive.activations import activation, activations
from derive.expressions.stable import precise, stable
from derive.gaussian.functions import NormalDensity, OwensT, Phi
from numerics.activations import numpy_function, rounding_bound
from numerics.rounding import EPS, Bounded, NotSupported, evaluate

X = Symbol("x", real=True)
SIZES = np.logspace(-12, 2, 29)
POINTS = np.concatenate([-SIZES, [0.0], SIZES])
UNARY = (
    *(exp, sin, cos, tanh, erf, erfc, Phi, NormalDensity, atan, sinh, cosh, Abs, sign),
    lambda u: log(1 + u**2),
    lambda u: log(Phi(u)),
    lambda u: sqrt(u**2 + Rational(1, 3)),
    lambda u: 1 / (1 + exp(-u)),
    lambda u: 1 / (2 + u**2),
    lambda u: u**3,
    lambda u: asin(u / (1 + u**2)),
    lambda u: Max(u, 0),
    lambda u: Min(u, Rational(7, 10)),
    lambda u: Heaviside(u - 1),
    lambda u: Piecewise((u, u > Rational(1, 10)), (exp(u) - 1, True)),
)
NUMBERS = (1, -1, 2, Rational(1, 10), Rational(-7, 3), sqrt(2), pi, 1000, Rational(1, 1000))


def tree(random, depth):
    """A random expression."""
    if depth == 0:
        return random.choice((X, X, X * random.choice(NUMBERS), X + random.choice(NUMBERS)))
    if random.random() < 0.5:
        return random.choice(UNARY)(tree(random, depth - 1))
    left, right = tree(random, depth - 1), tree(random, random.randrange(depth))
    return random.choice((lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b))(left, right)


def true_values(e, points):
    """Values by mpmath on which two precisions agree, or None."""
    exact = precise(e, X)
    for point in points:
        found = []
        for digits in (90, 140):
            with mp.workdps(digits):
                try:
                    found.append(mp.mpmathify(exact(mp.mpf(float(point)))))
                except (ValueError, ZeroDivisionError, OverflowError):
                    found.append(mp.nan)
        few, many = found
        real = isinstance(many, mpmath.mpf) and mp.isfinite(many)
        yield many if real and abs(few - many) <= mp.mpf("1e-40") * abs(many) else None


def hold(e, points, found, bounds):
    """The share of the points with a value at which the bound was tested; it may be infinite, but not too small."""
    tested = possible = 0
    with mp.workdps(120):
        for x, true, got, bound in zip(points, true_values(e, points), found, bounds, strict=True):
            possible += true is not None and abs(true) < 1e300
            if true is not None and np.isfinite(bound):
                tested += 1
                assert abs(mp.mpf(float(got)) - true) <= mp.mpf(float(bound)) * (1 + mp.mpf(1) / 1000), (e, x)
    return tested / possible if possible else 1


@pytest.mark.parametrize("seed", range(40))
def test_a_bound_for_random_expressions(seed):
    """As they are written, and in their stable form."""
    e = tree(Random(seed), 3)
    for form in (e, stable(e)):
        if not form.has(X):
            continue
        found, bounds = evaluate(form, {X: Bounded(POINTS, np.zeros_like(POINTS))})
        found, bounds = (np.broadcast_to(part, POINTS.shape) for part in (found, bounds))
        assert hold(e, POINTS, found, bounds) >= 1 / 3, e


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", [*activations(), "gelu_tanh(x)-gelu(x)", "tanh(x)**2-sin(x)**2", "exp(x)-1-x"])
def test_a_bound_for_the_numbers_of_an_activation(name, order):
    """What `numpy_function` computes, kinks aside."""
    f = activation(name)
    e = (f.expression.diff(f.symbol, order) if order else f.expression).replace(DiracDelta, lambda *_: S.Zero)
    points = np.array([p for p in POINTS if p not in [float(k) for k in f.breakpoints] and abs(p) < 30])
    found, bounds = numpy_function(f, order)(points), rounding_bound(f, order)(points)
    assert hold(e.subs(f.symbol, X), points, found, bounds) == 1


@pytest.mark.parametrize(
    ("e", "at", "roundings"),
    [
        (X**2 + 1, 3.0, 10),
        (exp(X), -20.0, 10),
        (exp(-(X**2)), 5.0, 150),
        (Phi(X), 0.5, 10),
        (tanh(X), 1e-9, 10),
        (sin(X) * cos(X), 0.7, 20),
        (1 - tanh(X) ** 2, 10.0, 1e10),
        (sqrt(X**2 + 1) - X, 1e4, 1e10),
        (log(X), 1e-200, 10),
        (1 / X**3, 1e-50, 20),
    ],
)
def test_not_much_more_than_the_error(e, at, roundings):
    """A few roundings where nothing is lost, and what cancels where it is."""
    value, bound = evaluate(e, {X: Bounded(np.array([at]), np.zeros(1))})
    assert 0 < bound[0] <= roundings * EPS * abs(value[0])


def test_exact_is_exact():
    """What is exactly 0 carries no error."""
    zero = Bounded(np.zeros(1), np.zeros(1))
    for e in (X, 3 * X, X**2, exp(X) * X, sin(X), sin(X) * tanh(X) / 3):
        assert evaluate(e, {X: zero}).error[0] == 0, e


def test_rounding_may_choose_a_branch():
    """Where a condition is decided by rounding, both branches are within the bound."""
    e = Piecewise((1, X - 1 > 0), (-1, True))
    near = Bounded(np.array([1.0, 2.0]), np.array([1e-10, 1e-10]))
    value, bound = evaluate(e, {X: near})
    assert (value.tolist(), bound[0] >= 2, bound[1] == 0) == ([-1.0, 1.0], True, True)
    assert evaluate(sign(X), {X: Bounded(np.array([0.0]), np.array([1e-10]))}).error[0] >= 1
    assert evaluate(Heaviside(X), {X: Bounded(np.array([0.0]), np.array([1e-10]))}).error[0] >= 0.5


@pytest.mark.parametrize("off", [1e-9, 0.01, 0.3, 0.6, 0.95])
@pytest.mark.parametrize(
    "e", [log(X), X**3, X**4, X**-1, X**-2, sqrt(X), X ** Rational(5, 2), asin(X), acos(X)], ids=str
)
def test_what_an_argument_that_is_off_may_make(e, off):
    """However far it is off: the values at both ends are within the bound."""
    exact = precise(e, X)
    for at in (0.999, 0.3, -0.2, -0.9) if e.func in (asin, acos) else (1.0, 0.25, 7.5):
        wrong = off * (2.0 if e.func in (asin, acos) else at)
        value, bound = evaluate(e, {X: Bounded(np.array([at]), np.array([wrong]))})
        with mp.workdps(30):
            low, high = mp.mpf(at) - mp.mpf(wrong), mp.mpf(at) + mp.mpf(wrong)
            if e.func in (asin, acos):
                low, high = max(low, mp.mpf(-1)), min(high, mp.mpf(1))
            change = max(abs(exact(end) - mp.mpf(float(value[0]))) for end in (low, high))
        assert change <= mp.mpf(float(bound[0])) * (1 + mp.mpf("1e-12")), (e, at, off)


def test_two_arguments():
    """Owen's T, whose arguments both may be off."""
    h, a = Symbol("h"), Symbol("a")
    at = {h: Bounded(np.array([1.5]), np.array([1e-9])), a: Bounded(np.array([0.7]), np.array([1e-9]))}
    bound = evaluate(OwensT(h, a), at).error[0]
    corners = [
        float(OwensT(Rational(3, 2) + i * Rational(1, 10**9), Rational(7, 10) + j * Rational(1, 10**9)).evalf(25))
        for i in (-1, 1)
        for j in (-1, 1)
    ]
    middle = float(OwensT(Rational(3, 2), Rational(7, 10)).evalf(25))
    largest = max(abs(c - middle) for c in corners)
    assert largest <= bound <= 3 * largest


def test_what_has_no_rule():
    """A function without a derivative or a number raises."""
    with pytest.raises(NotSupported):
        evaluate(Symbol("b") ** X, {X: Bounded(np.ones(1), np.zeros(1))})
