"""The stable form of an expression is the same function: every pattern it knows, and what only looks like one."""

from itertools import product

import mpmath
import pytest
from mpmath import mp
from sympy import Rational, Symbol, cos, cosh, erf, erfc, exp, lambdify, log, sin, sinh, sqrt, tanh

from derive.expressions.stable import precise, stable
from derive.gaussian.functions import NormalDensity, Phi
from derive.gaussian.numeric import mp_phi
from numerics.true_values import true_value

X = Symbol("x", real=True)
PLACES = ("-2.3", "-0.7", "0.4", "1.9")
SIGMOID = 1 / (1 + exp(-X))
BASES = {
    "erf": erf(X), "tanh": tanh(X), "Phi": Phi(X), "sigmoid": SIGMOID, "cos": cos(X), "cosh": cosh(X), "sin": sin(X),
    "exp": exp(X), "erfc": erfc(X), "sinh": sinh(X),
}  # fmt: skip


def same(e) -> None:
    """The expression and its stable form at a few places, to 40 digits."""
    plain = lambdify(X, e, [{"Phi": mp_phi, "NormalDensity": mpmath.npdf}, "mpmath"])
    made = stable(e)
    with mp.workdps(50):
        for place in map(mp.mpf, PLACES):
            truth = plain(place)
            assert abs(precise(made, X)(place) - truth) <= mp.mpf(10) ** -40 * (1 + abs(truth)), (e, made, place)


@pytest.mark.parametrize("name", BASES)
def test_a_constant_and_a_function(name):
    """c + k g^p, of which some cancel."""
    for constant, factor, power in product((1, -1, 2, Rational(1, 3)), (1, -1, 2, -2, 4, Rational(-1, 3)), (1, 2)):
        same(constant + factor * BASES[name] ** power)


@pytest.mark.parametrize("name", ["Phi", "sigmoid", "cosh", "exp"])
@pytest.mark.parametrize("power", [1, -1, 2, 3, Rational(1, 2), Rational(-5, 2)])
def test_logarithms_of_products(name, power):
    """log(c g^p h): a sum of logarithms, each with its power."""
    for constant, other in product((1, Rational(2, 7)), (1, Phi(2 * X) ** 2, NormalDensity(X), 1 / cosh(X / 2) ** 3)):
        same(log(constant * BASES[name] ** power * other))


@pytest.mark.parametrize(("first", "second"), [(X, X), (X, 2 * X), (3 * X, X / 2), (X, -X), (X + 1, X), (2 * X, 2 * X)])
def test_a_constant_and_a_product_of_waves(first, second):
    """c + k sin u cos v: a square where u = v and k = ±2c."""
    for constant, factor in product((1, -1, 3), (2, -2, 6, -6, 1)):
        same(constant + factor * sin(first) * cos(second))
        same(constant + factor * sin(first) * sin(second + 1))


@pytest.mark.parametrize(
    "e",
    [
        exp(-2 * X) * SIGMOID**3,
        exp(-3 * X) * SIGMOID**2,
        exp(X) * SIGMOID**2,
        exp(2 * X) - 1 + 3 * X,
        5 - 5 * exp(X / 2),
        5 + 5 * exp(X / 2),
        X + sqrt(X**2 + 1),
        X - sqrt(X**2 + 1),
        3 * X + sqrt(9 * X**2 + 2) + 1,
        3 * X + sqrt(4 * X**2 + 2),
        exp(X**2 / 2) * Phi(X) ** 2,
        NormalDensity(X) / Phi(X),
        Phi(X) ** -2 * exp(-X),
        exp(-(X**2)) / Phi(X) / SIGMOID,
        1 / (1 + exp(2 * X)) ** 3,
        tanh(X) * (1 - tanh(X) ** 2),
    ],
    ids=str,
)
def test_factors_that_make_up_for_each_other(e):
    same(e)
    same(e.diff(X))


def test_two_precisions_that_nearly_agree_are_not_enough():
    """What 30 digits do not show, and 60 not fully."""
    for x in (3.7e-59, 1.1e-58, 7.3e-60):
        assert true_value(lambda u: 1 + ((1 + u) - 1) / u / 200, x) == 1.005
