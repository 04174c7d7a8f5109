"""Bounds are bounds: every value lies within its stated error of what ball arithmetic says."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

import flint
import numpy as np
import pytest
import sympy as sp
from balls import exact, expectation, holds, normal_cdf, normal_density

from derive.gaussian import Phi
from derive.quadrature import Line, Space
from derive.quadrature.digits import many_digits

x, y, z = sp.symbols("x y z", real=True)
HALF = flint.arb(1) / 2


class Function(NamedTuple):
    """A function of one variable, and the formulas of its pieces in balls."""

    expression: sp.Expr
    formula: Callable[[Any, Any], Any]
    edges: tuple[Any, ...] = ()


OUTER = {
    "relu": Function(sp.Max(x, 0), lambda t, at: t if at > 0 else 0 * t, (0,)),
    "step at 3": Function(sp.Heaviside(x - 3), lambda t, at: 1 + 0 * t if at > 3 else 0 * t, (3,)),
    "|x - 1/2|": Function(sp.Abs(x - sp.Rational(1, 2)), lambda t, at: t - HALF if at > HALF else HALF - t, (0.5,)),
    "tanh": Function(sp.tanh(x), lambda t, at: t.tanh()),
    "cube": Function(x**3, lambda t, at: t**3),
    "exp": Function(sp.exp(x / 2), lambda t, at: (t / 2).exp()),
    "wave": Function(sp.cos(20 * x), lambda t, at: (20 * t).cos()),
    "bump": Function(sp.exp(-2500 * (x - sp.Rational(1, 4)) ** 2), lambda t, at: (-2500 * (t - HALF / 2) ** 2).exp()),
    "Phi": Function(Phi(x), lambda t, at: normal_cdf(t)),
}
"""f(x): the outer integral is by balls."""


def _mean_of_relu(m: Any, s: Any) -> Any:
    return m * normal_cdf(m / s) + s * normal_density(m / s)


INNER: dict[str, tuple[sp.Expr, Callable[[Any, Any], Any]]] = {
    "relu": (sp.Max(y, 0), _mean_of_relu),
    "step": (sp.Heaviside(y), lambda m, s: normal_cdf(m / s)),
    "|y|": (sp.Abs(y), lambda m, s: 2 * _mean_of_relu(m, s) - m),
    "square": (y**2, lambda m, s: m * m + s * s),
    "exp": (sp.exp(-y / 2), lambda m, s: (-m / 2 + s * s / 8).exp()),
    "Phi": (Phi(y), lambda m, s: normal_cdf(m / (1 + s * s).sqrt())),
    "wave": (sp.sin(2 * y), lambda m, s: (2 * m).sin() * (-2 * s * s).exp()),
}
"""h(y), and E[h(y)] of a Gaussian y: the inner integral is known."""


def plane(outer: str, inner: str, mean: tuple[Any, Any], deviations: tuple[Any, Any], rho: Any) -> Any:
    """E[f(x) h(y)] in balls: y given x is Gaussian."""
    flint.ctx.dps = 40
    f, (_, h) = OUTER[outer], INNER[inner]
    m, n, s, t, r = (exact(v) for v in (*mean, *deviations, rho))
    left = t * (1 - r * r).sqrt()
    return expectation(lambda u, at: f.formula(u, at) * h(n + r * t / s * (u - m), left), f.edges, m, s)


CORRELATIONS = [Fraction(n, d) for n, d in ((0, 1), (1, 2), (-1, 2), (49, 50), (-49, 50), (999, 1000), (-999, 1000))]


@pytest.mark.parametrize("rho", CORRELATIONS, ids=str)
@pytest.mark.parametrize(("outer", "inner"), [("relu", "relu"), ("exp", "Phi"), ("cube", "|y|"), ("step at 3", "step")])
def test_pairs_of_every_correlation(outer: str, inner: str, rho: Fraction) -> None:
    """Values are right to eleven digits or more of E|g|, and bounds hold."""
    truth = plane(outer, inner, (0, 0), (1, 1), rho)
    r = sp.Rational(rho.numerator, rho.denominator)
    (found,) = Space([OUTER[outer].expression * INNER[inner][0]], (x, y))([0, 0], [[1, r], [r, 1]])
    assert holds(found.value, found.error, truth)
    assert found.error <= 1e-11 * found.size + 1e-290


@pytest.mark.parametrize("rho", [Fraction(1, 2), Fraction(-49, 50)], ids=str)
@pytest.mark.parametrize("inner", [sp.Heaviside(y**2 - 1), sp.Heaviside(y**3 - y) + sp.Heaviside(y - y**3) - 1 + y])
def test_pairs_with_conditions_that_are_solved(inner: sp.Expr, rho: Fraction) -> None:
    """exp(x) > 2 where x > log 2, y² > 1 beyond ±1; of the second h only y is left."""
    flint.ctx.dps = 40
    edge, r = flint.arb(2).log(), exact(rho)
    left = (1 - r * r).sqrt()

    def beyond_one(m: Any) -> Any:
        return 1 - normal_cdf((1 - m) / left) + normal_cdf((-1 - m) / left)

    def formula(t: Any, at: Any) -> Any:
        return (t.exp() - 2) * (r * t if inner.has(y**3) else beyond_one(r * t)) if at > edge else 0 * t

    truth = expectation(formula, (edge,), 0, 1)
    rational = sp.Rational(rho.numerator, rho.denominator)
    (found,) = Space([sp.Max(sp.exp(x) - 2, 0) * inner], (x, y))([0, 0], [[1, rational], [rational, 1]])
    assert holds(found.value, found.error, truth)
    assert found.error <= 1e-11 * found.size


def random_pairs() -> list[tuple[str, str, tuple[Any, ...]]]:
    """Sixty products with laws of every kind: shifted, narrow, wide, of either sign of correlation."""
    random = Random(8)
    made = []
    for _ in range(60):
        mean = (random.randint(-24, 24) / 8, random.randint(-16, 16) / 8)
        deviations = (random.choice([1 / 16, 0.5, 1.0, 3.0]), random.choice([0.25, 1.0, 2.0]))
        law = mean, deviations, random.randint(-62, 62) / 64
        made.append((random.choice(list(OUTER)), random.choice(list(INNER)), law))
    return made


@pytest.mark.parametrize(("outer", "inner", "law"), random_pairs())
def test_random_pairs(outer: str, inner: str, law: tuple[Any, ...]) -> None:
    """The same of a random family."""
    mean, (s, t), rho = law
    truth = plane(outer, inner, mean, (s, t), rho)
    covariance = [[s * s, rho * s * t], [rho * s * t, t * t]]
    (found,) = Space([OUTER[outer].expression * INNER[inner][0]], (x, y))(mean, covariance)
    assert holds(found.value, found.error, truth)
    assert found.error <= 1e-9 * found.size + 1e-290


def _holds_to_many_digits(found: Any, truth: Any) -> bool:
    flint.ctx.dps = 60
    value, error = (flint.arb(sp.Float(v, 60).__str__()) for v in (found.value, found.error))
    return bool(abs(value - truth).mid() <= error + truth.rad())


@pytest.mark.parametrize("mean", [0.0, 0.375, -6.0, -20.0])
@pytest.mark.parametrize("variance", [1.0, 1 / 64, 4.0])
@pytest.mark.parametrize("name", OUTER)
def test_a_line(name: str, variance: float, mean: float) -> None:
    """One variable: bounds hold to float64, and where many digits are given, to these."""
    f = OUTER[name]
    truth = expectation(f.formula, f.edges, mean, exact(variance).sqrt())
    line = Line([f.expression], x)
    (found,) = line(mean, variance)
    if found.size < 1e-280:
        pytest.skip("float64 holds no such number")
    assert holds(found.value, found.error, truth)
    precise = many_digits(line, mean, variance, 30)
    assert precise is None or _holds_to_many_digits(precise, truth)
    assert precise is None or precise.error <= 1e-29 * precise.size


def test_most_lines_are_known_to_many_digits() -> None:
    """Kinks, jumps and analytic functions alike."""
    known = {name for name, f in OUTER.items() if many_digits(Line([f.expression], x), 0.375, 1.0, 30) is not None}
    assert known >= OUTER.keys() - {"bump"}


TAILS = {
    "Phi^2": (Phi(x) ** 2, lambda t, at: normal_cdf(t) ** 2, (), -20.0),
    "relu^3": (sp.Max(x, 0) ** 3, lambda t, at: t**3 if at > 0 else 0 * t, (0,), -15.0),
    "a tail beyond a step": (
        sp.Heaviside(x - 15) * Phi(-x),
        lambda t, at: normal_cdf(-t) if at > 15 else 0 * t,
        (15,),
        0.0,
    ),
}


@pytest.mark.parametrize("name", TAILS)
def test_tails_are_relative(name: str) -> None:
    """Values as small as 1e-102 keep their digits."""
    g, formula, edges, mean = TAILS[name]
    truth = expectation(formula, edges, mean, 1, digits=60)
    line = Line([g], x)
    (found,) = line(mean, 1.0)
    assert holds(found.value, found.error, truth)
    assert found.error <= 1e-11 * abs(found.value)
    precise = many_digits(line, mean, 1.0, 30)
    assert precise is not None
    assert _holds_to_many_digits(precise, truth)


@pytest.mark.parametrize("correlations", [(0.5, 0.25, 0.375), (-0.5, 0.25, -0.125), (0.875, 0.75, 0.75)])
def test_three_variables(correlations: tuple[float, float, float]) -> None:
    """The orthant probability (Sheppard 1898) and a moment (Isserlis 1918)."""
    a, b, c = correlations
    covariance = [[1, a, b], [a, 1, c], [b, c, 1]]
    step = sp.Heaviside(x) * sp.Heaviside(y) * sp.Heaviside(z)
    orthant, moment = Space([step, x**2 * y**2 * z**2], (x, y, z))([0, 0, 0], covariance, 1e-11)
    known = 1 / 8 + (np.arcsin(a) + np.arcsin(b) + np.arcsin(c)) / (4 * np.pi)
    assert abs(orthant.value - known) <= orthant.error + 1e-16
    isserlis = 1 + 2 * (a * a + b * b + c * c) + 8 * a * b * c
    assert abs(moment.value - isserlis) <= moment.error + 1e-15
    assert max(orthant.error / known, moment.error / isserlis) < 1e-9


@pytest.mark.parametrize("r", [sp.Rational(1, 2), 1 - sp.Rational(1, 10**12), -1 + sp.Rational(1, 10**12)])
def test_a_diagonal(r: sp.Rational) -> None:
    """E max(x, y) = √((1 - r)/π) (Clark 1961)."""
    (found,) = Space([sp.Max(x, y)], (x, y))([0, 0], [[1, r], [r, 1]])
    assert abs(sp.Float(float(found.value), 30) - sp.sqrt((1 - r) / sp.pi).evalf(30)) <= float(found.error)
    assert found.error <= 1e-11 * found.size


def test_three_lines_through_no_common_point() -> None:
    """E[x; x > 0, 0 < y < x + 1] of independent x and y."""
    g = sp.Max(x, 0) * sp.Heaviside(y) * sp.Heaviside(x - y + 1)
    (found,) = Space([g], (x, y))([0, 0], [[1, 0], [0, 1]])
    truth = expectation(lambda t, at: t * (normal_cdf(t + 1) - HALF) if at > 0 else 0 * t, (0,), 0, 1)
    assert holds(found.value, found.error, truth)
    assert found.error <= 1e-11 * found.size


def test_bounds_within_bounds() -> None:
    """A maximum in a minimum, and a minimum in a maximum of three."""
    window = sp.Min(1, sp.Max(-1, x)) * sp.Max(y, sp.Min(x, 0), -1)
    (found,) = Space([window], (x, y))([0, 0], [[1, 0], [0, 1]])

    def given(t: Any, at: Any) -> Any:
        inside = -1 if at < -1 else 1 if at > 1 else t
        floor = -1 if at < -1 else 0 if at > 0 else t
        # E max(y, c) = c Φ(c) + φ(c).
        return inside * (floor * normal_cdf(floor + 0 * t) + normal_density(floor + 0 * t))

    truth = expectation(given, (-1, 0, 1), 0, 1)
    assert holds(found.value, found.error, truth)
    assert found.error <= 1e-11 * found.size


def test_singular_laws_and_deltas() -> None:
    """A law on a line, at a point, and densities: E[δ(x - y) x₊] is a density at 0 times a mean on the diagonal."""
    (on_line,) = Space([sp.Max(x, 0) * y], (x, y))([0, 0], [[1, 2], [2, 4]])
    assert abs(on_line.value - 1) <= on_line.error
    (at_point,) = Space([sp.Max(x, 0) * y], (x, y))([2, 3], [[0, 0], [0, 0]])
    assert abs(at_point.value - 6) <= at_point.error
    r = sp.Rational(1, 2)
    (found,) = Space([sp.DiracDelta(x - y) * sp.Max(x, 0) + y**2], (x, y))([0, 0], [[1, r], [r, 1]])
    known = sp.sqrt((1 + r) / 2) / sp.sqrt(2 * sp.pi) / sp.sqrt(2 * sp.pi * 2 * (1 - r)) + 1
    assert abs(sp.Float(float(found.value), 30) - known.evalf(30)) <= float(found.error)
    both = sp.DiracDelta(x - 1) + x * sp.DiracDelta(x + 1) + sp.Heaviside(x)
    (found,) = Space([both], (x,))([0], [[1]])
    assert abs(found.value - 0.5) <= found.error


def test_several_laws_and_outputs() -> None:
    """Arrays of laws give arrays of values."""
    laws = [[[1, 0.5], [0.5, 1]], [[4, -1], [-1, 1]]]
    square, product = Space([x**2, x * y], (x, y))([[0, 0], [1, 2]], laws)
    assert np.allclose(square.value, [1, 5], rtol=1e-13)
    assert np.allclose(product.value, [0.5, 1], rtol=1e-13)
    assert square.error.shape == product.error.shape == (2,)


def test_conditions_that_are_equalities_on_half_a_line() -> None:
    """max(x, 0) <= 0 holds for x <= 0, and the sign of max(x, 0) is 0 there."""
    below = sp.Piecewise((1, sp.Max(0, x) <= 0), (2, True))
    never = sp.Piecewise((1, sp.Max(0, x) < 0), (2, True))
    values = [float(b.value) for b in Line([below, never, sp.sign(sp.Max(0, x))], x)(0.0, 1.0)]
    assert np.allclose(values, [1.5, 2.0, 0.5], rtol=1e-13, atol=0)


def test_nothing_is_said_where_nothing_bounds_the_integrand() -> None:
    """No number, and the reason."""
    (found,) = Space([sp.exp(x**2 + y**2)], (x, y))([0, 0], [[1, 0], [0, 1]])
    assert found.error == np.inf
    assert found.reason == "nothing bounds the integrand far out"
