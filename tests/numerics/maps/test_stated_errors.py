"""What the parts of the maps state of their errors, each held against formulas that are known exactly."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from mpmath import mp, mpf

from derive.activations import activation
from derive.quadrature import Bounded
from derive.quadrature.boxes import R
from derive.quadrature.discs import EPS, Disc, add
from numerics.maps import NumericalMaps, hermite, interpolant, plane
from numerics.maps.evaluation import evaluate
from numerics.maps.forms import form
from numerics.maps.hermite import CRAMER, Series, series
from numerics.maps.interpolant import Pair
from numerics.maps.octave import DEGREE, Ellipse
from numerics.maps.pairs import Pairs, _separation_series
from numerics.maps.parts import parts_of

X, Q = sp.Symbol("x", real=True), sp.Symbol("q", positive=True)
FIRST, SECOND = sp.symbols("first second", real=True)


def _evaluated(e: sp.Expr, first: tuple[float, float], second: tuple[float, float]) -> Bounded:
    known = {FIRST: first, SECOND: second}
    return evaluate(e, {Q: np.ones(1)}, {s: Bounded(*(np.array([v]) for v in known[s])) for s in known})


def test_errors_of_expectations_are_carried_through_a_formula() -> None:
    """A difference, a product and a quotient, where both are as wrong as they may be."""
    a, b = (3.0, 0.25), (2.0, 0.5)
    for e, worst in ((FIRST - SECOND, 1.75), (FIRST * SECOND, 3.25 * 2.5), (FIRST / SECOND, 3.25 / 1.5)):
        found = _evaluated(e, a, b)
        assert abs(found.value[0] - worst) <= found.error[0] * (1 + 1e-15)


def test_a_difference_of_two_infinite_expectations_is_not_known() -> None:
    infinite, unknown = (np.inf, 0.0), (np.nan, 0.0)
    assert _evaluated(FIRST - SECOND, infinite, infinite).error[0] == np.inf
    assert _evaluated(FIRST + SECOND, unknown, (1.0, 0.0)).error[0] == np.inf
    assert _evaluated(FIRST + SECOND, infinite, (1.0, 0.5)).error[0] == 0
    assert _evaluated(FIRST + SECOND, infinite, (1.0, np.inf)).error[0] == np.inf


def test_a_form_is_used_where_its_errors_are_small() -> None:
    """The decades about 1 up to the first with an error; twice the largest error that was measured in them."""
    made = form(activation("gelu"), "separation")
    assert made is not None
    good, bad = (1e-15, 1e-15), (1e-9, 1e-9)
    other = type(made)(made.activation, made.kind, made.expression, made.truth)
    other.measured = {k: bad if k in (-5, 3) else (7e-15, 2e-15) if k == 1 else good for k in range(-13, 7)}
    assert other.covers((1.1e-4, 999.0))
    assert not other.covers((0.9e-4, 1.0))
    assert not other.covers((1.0, 1001.0))
    assert not other.covers((1e-14, 1.0))
    assert not other.covers((1.0, 1.1e7))
    assert other.covers((1e-3, 500.0))
    assert not other.covers((1e-5, 1.0))
    assert not other.covers((1.0, 2e3))
    relative, of_size = other.errors((0.5, 50.0))
    assert 1.4e-14 <= relative <= 1.4e-14 + 2 * EPS
    assert 4e-15 <= of_size <= 4e-15 + 2 * EPS
    assert other.errors((2e-6, 50.0))[0] >= 2e-9


@pytest.mark.parametrize("n", range(1, 9))
def test_what_a_series_leaves_out_of_a_hermite_polynomial(n: int) -> None:
    """Of He_n/√n! the first n coefficients are 0 and leave out 1, and n in the mean square of the slope."""
    found = series(activation(f"hermite({n})"), 1.0, n)
    assert found is not None
    assert (np.abs(found.coefficients) <= found.errors).all()
    assert 1 - 1e-11 <= found.least_tail <= 1 <= found.tail <= 1 + 1e-11
    assert n <= found.slope_tail <= n * (1 + 1e-11)


@pytest.mark.parametrize("gap", [1e-14, 1e-3, 0.4, 1.0, 1.3, 1.9, 1.999, 2.0])
@pytest.mark.parametrize("n", range(1, 7))
def test_what_is_left_out_of_a_separation(n: int, gap: float) -> None:
    """1 - ρ^n, all of it left out: up to 2 for an odd n at a negative ρ."""
    found = series(activation(f"hermite({n})"), 1.0, n)
    assert found is not None
    value, wrong, left_out = _separation_series(found, np.array([gap]))
    with mp.workdps(40):
        truth = 1 - (1 - mpf(gap)) ** n
        assert abs(mpf(float(value[0])) - truth) <= mpf(float(wrong[0])) + mpf(float(left_out[0]))


@pytest.mark.parametrize("name", ["relu", "erf"])
def test_hermite_coefficients_within_their_errors(name: str) -> None:
    """By E[f] with He_k, as mpmath integrates it."""
    found = series(activation(name), 0.7, 48)
    assert found is not None
    e, s = activation(name).expression, activation(name).symbol
    with mp.workdps(30):
        exact = sp.lambdify(s, e.subs(sp.Heaviside(0), 0), ["mpmath"])
        root = mp.sqrt(mpf(0.7))
        for k in (1, 2, 21):
            truth = mp.quad(
                lambda z, k=k: exact(root * z) * mp.npdf(z) * mp.hermite(k, z / mp.sqrt(2)) / mp.sqrt(2) ** k,
                [-14, -10, *range(-8, 9), 10, 14],
            ) / mp.sqrt(mp.factorial(k))
            assert abs(mpf(float(found.coefficients[k])) - truth) <= mpf(float(found.errors[k])) + mpf(10) ** -25


def test_the_constant_of_the_hermite_functions() -> None:
    """|He_k(x)| exp(-x²/4)/√k! is at most κ."""
    x = np.linspace(0, 40, 4001)
    for k in range(0, 120, 7):
        before, now = np.zeros_like(x), np.exp(-x * x / 4)
        for n in range(k):
            before, now = now, (x * now - np.sqrt(n) * before) / np.sqrt(n + 1)
        assert np.abs(now).max() <= CRAMER


def test_the_height_of_an_ellipse() -> None:
    """Points (r e^(iθ) + e^(-iθ)/r)/2."""
    edge = R * np.exp(1j * np.linspace(0, 2 * np.pi, 401))
    assert (0.5 * (edge + 1 / edge)).imag.max() <= hermite._ACROSS


def test_the_error_of_a_square_of_a_coefficient() -> None:
    """(a ± e)² is off by up to 2 |a| e + e²."""
    a = np.zeros(48)
    a[[1, 3, 47]] = 0.5, -0.25, 1e-3
    poor = Series(1.0, a, np.full(48, 0.125), 0.0, 0.0, 0.0, 0.3125, 0.0)
    squares, wrong = interpolant._squares(poor, 50)
    assert np.all((np.abs(a) + 0.125) ** 2 - a**2 <= wrong[:48] * (1 + 1e-15))
    assert np.array_equal(squares[:48], a**2)
    assert not squares[48:].any()
    assert not wrong[48:].any()


CHANGES = ["log(1+x**2)", "tanh(7*x)", "1/(1+x**2)", "x*sigmoid(x)", "atan(3*x)", "sqrt(x**2+1/100)", "sin(4*x)"]


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_lies_within_its_error(name: str) -> None:
    """f(b + d) - f(b) for steps from 1e-13 to 1, next to poles in the plane."""
    f = activation(name)
    parts = parts_of(f)
    exact = sp.lambdify(f.symbol, f.expression, "mpmath")
    base, step = (a.ravel() for a in np.meshgrid([-0.9, -0.3, 0.0, 0.01, 0.4, 1.7], np.geomspace(1e-13, 1.0, 79)))
    start, way = Disc(base, 0 * base), Disc(step, 0 * step)
    found = parts.change(0, start, way, add(start, way))
    with mp.workdps(50):
        for b, d, mid, rad in zip(base, step, *found, strict=True):
            truth = exact(mpf(b) + mpf(d)) - exact(mpf(b))
            assert abs(mpf(float(mid)) - truth) <= mpf(float(rad)) * (1 + mpf(10) ** -12)


@pytest.mark.parametrize("name", ["sign", "step", "hard-tanh", "where(x>1,x,0)"])
def test_a_separation_holds_where_a_cut_is_rounded(name: str) -> None:
    """Jumps and kinks: the quadrature against the series of 60 digits is within both errors."""
    pairs = Pairs(activation(name))
    gap = np.array([1e-9, 1e-4, 0.03, 0.5])
    value, error, _ = pairs.separation(0.8, gap)
    for g, v, bound in zip(gap, value, error, strict=True):
        found = plane.separation(activation(name), 0.8, g)
        assert abs(found.value - v) <= found.error + bound


@pytest.mark.parametrize("angle", [0.7, 1.0, 1.3])
def test_the_error_of_chebyshev_interpolation(angle: float) -> None:
    """4 M ρ^-n/(ρ - 1) (Trefethen 2013, theorem 8.2), and no less than what T_(n+1) - T_(n-1) shows."""
    ellipse = Ellipse(0.75, angle)
    rho = angle / (0.5 * math.log(2)) + math.hypot(angle / (0.5 * math.log(2)), 1)
    assert ellipse.decay == pytest.approx(4 * rho**-DEGREE / (rho - 1), rel=1e-13, abs=0)
    assert ellipse.decay >= _between_nodes(rho)


def _between_nodes(rho: float) -> float:
    """How large a function that is at most 1 on the ellipse may be where it vanishes at all nodes."""
    n = DEGREE
    w = rho * np.exp(1j * np.linspace(0, 2 * np.pi, 2001))
    largest = np.abs(w ** (n + 1) + w ** -(n + 1) - w ** (n - 1) - w ** -(n - 1)).max() / 2
    t = np.linspace(0, np.pi, 2001)
    return float(np.abs(np.cos((n + 1) * t) - np.cos((n - 1) * t)).max() / largest)


def test_what_is_left_out_at_the_nodes_alone_says_nothing_between_them() -> None:
    """Nothing at the nodes, 1 on the ellipse."""
    nothing = Series(1.0, np.array([0.0, 1.0]), np.zeros(2), 0.0, 0.0, 0.0, 1.0, 0.0)
    above = replace(nothing, tail=1.0, slope_tail=1.0)
    ellipse = Ellipse(0.75, 1.0)

    def found(m: Series) -> tuple[float, float]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(interpolant, "_series", lambda *_, **__: [m])
            made = Pair._within(NumericalMaps("erf"), [nothing] * (DEGREE + 1), ellipse)
        assert made is not None
        polynomials = np.ones((DEGREE + 1, 1))
        rho, gap = np.array([0.5]), np.array([1e-3])
        return made.separation(polynomials, gap)[1][0], made.covariance(polynomials, rho)[1][0]

    (apart, together), (apart_known, together_known) = found(above), found(nothing)
    least = _between_nodes(ellipse._rho)
    assert apart - apart_known >= 1e-3 * least * (1 - 1e-9)
    assert together - together_known >= 0.25 * least * (1 - 1e-9)
