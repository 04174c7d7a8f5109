"""The running bound on rounding errors is a bound, and is not much more than the error."""

from random import Random

import mpmath
import numpy as np
import pytest
from mpmath import mp
from sympy import (
    Abs,
    Heaviside,
    Max,
    Min,
    Piecewise,
    Rational,
    Symbol,
    acos,
    asin,
    atan,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    gamma,
    log,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
    tanh,
)

from derive.expressions.stable import precise, stable
from derive.gaussian.functions import NormalDensity, OwensT, Phi
from derive.quadrature import CannotRead
from derive.quadrature.discs import EPS, Disc
from numerics.maps.evaluation import evaluate

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
        # At single points, which have no weight, a condition may be either: sign(Heaviside(u)) where u < 0.
        steps = form.atoms(sign, Heaviside, Piecewise)
        if not form.has(X) or any(a.has(sign, Heaviside) for s in steps for a in s.args):
            continue
        found = evaluate(form, {X: POINTS})
        assert hold(e, POINTS, found.value, found.error) >= 1 / 3, e


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
    found = evaluate(e, {X: at})
    assert 0 < found.error <= roundings * EPS * abs(found.value)


def test_exact_is_exact():
    """What is exactly 0 carries no error."""
    for e in (X, 3 * X, X**2, exp(X) * X, sin(X), sin(X) * tanh(X) / 3):
        assert evaluate(e, {X: 0.0}).error == 0, e


def test_rounding_may_choose_a_branch():
    """Where a condition is decided by rounding, both branches are within the bound."""
    e = Piecewise((1, X - 1 > 0), (-1, True))
    near = Disc(np.array([1.0, 2.0]), np.array([1e-10, 1e-10]))
    found = evaluate(e, {X: near})
    assert [abs(v - truth) <= r for v, r, truth in zip(found.value, found.error, (1, 1), strict=True)] == [True] * 2
    assert [abs(v - truth) <= r for v, r, truth in zip(found.value, found.error, (-1, 1), strict=True)] == [True] * 2
    assert (found.value[1], found.error[1]) == (1, 0)
    assert evaluate(sign(X), {X: Disc(np.array([0.0]), np.array([1e-10]))}).error[0] >= 1
    assert evaluate(Heaviside(X), {X: Disc(np.array([0.0]), np.array([1e-10]))}).error[0] >= 0.5


@pytest.mark.parametrize("off", [1e-9, 0.01, 0.3, 0.6, 0.95])
@pytest.mark.parametrize(
    "e", [log(X), X**3, X**4, X**-1, X**-2, sqrt(X), X ** Rational(5, 2), asin(X), acos(X)], ids=str
)
def test_what_an_argument_that_is_off_may_make(e, off):
    """However far it is off: the values at both ends are within the bound."""
    exact = precise(e, X)
    for at in (0.999, 0.3, -0.2, -0.9) if e.func in (asin, acos) else (1.0, 0.25, 7.5):
        wrong = off * (2.0 if e.func in (asin, acos) else at)
        found = evaluate(e, {X: Disc(np.array(at), np.array(wrong))})
        value, bound = found.value, found.error
        with mp.workdps(30):
            low, high = mp.mpf(at) - mp.mpf(wrong), mp.mpf(at) + mp.mpf(wrong)
            if e.func in (asin, acos):
                low, high = max(low, mp.mpf(-1)), min(high, mp.mpf(1))
            change = max(abs(exact(end) - mp.mpf(float(value))) for end in (low, high))
        assert change <= mp.mpf(float(bound)) * (1 + mp.mpf("1e-12")), (e, at, off)


def test_two_arguments():
    """Owen's T, whose arguments both may be off."""
    h, a = Symbol("h"), Symbol("a")
    at = {h: Disc(np.array([1.5]), np.array([1e-9])), a: Disc(np.array([0.7]), np.array([1e-9]))}
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
    """A function that nothing bounds raises."""
    with pytest.raises(CannotRead):
        evaluate(gamma(X), {X: 1.0})
