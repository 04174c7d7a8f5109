"""Numbers of a phase diagram against closed forms by hand, solved in many digits: errors hold, digits are right."""

import csv
import io
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import mpmath
import numpy as np
import pytest
from map_oracles import erf, sine

from numerics.criticality.moments import moments_of
from numerics.maps.values import named
from numerics.phase import COLUMNS, Phase, held, phase_diagram
from numerics.phase_lengths import Values, slopes

Truth = dict[str, Any]


class Sine:
    """E[sin²] = (1 - exp(-2q))/2, E[sin sin] = exp(-q) sinh(q ρ): real and imaginary parts of E[exp(i s)]."""

    name = "sin"

    def second(self, q: Any) -> Any:
        return (1 - mpmath.exp(-2 * q)) / 2

    def par(self, q: Any) -> Any:
        return mpmath.exp(-2 * q)

    def perp(self, q: Any) -> Any:
        return (1 + mpmath.exp(-2 * q)) / 2

    def covariance(self, q: Any, rho: Any) -> Any:
        return sine(q, rho)

    def slope(self, q: Any, rho: Any) -> Any:
        """dE[f f]/dρ over q."""
        return mpmath.exp(-q) * mpmath.cosh(q * rho)


class Error:
    """E[erf erf] = (2/π) asin(2 q ρ/(1 + 2 q)) (Williams 1997)."""

    name = "erf"

    def second(self, q: Any) -> Any:
        return self.covariance(q, 1)

    def par(self, q: Any) -> Any:
        return mpmath.diff(self.second, q)

    def perp(self, q: Any) -> Any:
        return self.slope(q, 1)

    def covariance(self, q: Any, rho: Any) -> Any:
        return erf(q, rho)

    def slope(self, q: Any, rho: Any) -> Any:
        return 4 / mpmath.pi / mpmath.sqrt((1 + 2 * q) ** 2 - (2 * q * rho) ** 2)


class Kink:
    """|s| - 1: E[|u₁ u₂|] = (2/π) q (√(1 - ρ²) + ρ asin ρ) (Nabeya 1951), E[|u|] = √(2q/π); its series is slow."""

    name = "abs(x)-1"

    def second(self, q: Any) -> Any:
        return q - 2 * mpmath.sqrt(2 * q / mpmath.pi) + 1

    def par(self, q: Any) -> Any:
        return 1 - mpmath.sqrt(2 / (mpmath.pi * q))

    def perp(self, q: Any) -> Any:
        return mpmath.mpf(1)

    def covariance(self, q: Any, rho: Any) -> Any:
        shared = 2 / mpmath.pi * q * (mpmath.sqrt(1 - rho**2) + rho * mpmath.asin(rho))
        return shared - 2 * mpmath.sqrt(2 * q / mpmath.pi) + 1

    def slope(self, q: Any, rho: Any) -> Any:
        return 2 / mpmath.pi * mpmath.asin(rho)


def _truth(f: Any, w: Any, b: Any, near: float) -> Truth:
    """All columns at one point of the grid, by root finding from a start that is right to some digits."""
    with mpmath.workdps(40):
        q = mpmath.findroot(lambda x: w * f.second(x) + b - x, (near * 0.999, near * 1.001), tol=1e-60)
        par, perp = w * f.par(q), w * f.perp(q)
        rho, slope = mpmath.mpf(1), perp
        if perp > 1:
            # From 0 upwards the map climbs to its stable fixed point.
            rho = mpmath.mpf(0)
            for _ in range(400):
                change = w * f.covariance(q, rho) + b - q * rho
                rho += change / (q - q * w * f.slope(q, rho))
                if abs(change) < mpmath.mpf(10) ** -35:
                    break
            slope = w * f.slope(q, rho)
        scales = [-1 / mpmath.log(abs(x)) for x in (par, slope)]
        return dict(zip(COLUMNS, (q, par, perp, rho, *scales), strict=True))


def _points(diagram: Phase, f: Any, seed: int, count: int) -> list[tuple[int, int, Truth]]:
    rng = np.random.default_rng(seed)
    found = []
    while len(found) < count:
        row, column = (int(n) for n in rng.integers(0, diagram.q_star.shape[0], 2))
        if math.isfinite(diagram.q_star[row, column]) and diagram.q_star[row, column] > 0:
            w, b = (mpmath.mpf(float(x)) for x in (diagram.sigma_w2[column], diagram.sigma_b2[row]))
            found.append((row, column, _truth(f, w, b, float(diagram.q_star[row, column]))))
    return found


@pytest.mark.parametrize(("make", "low", "high"), [(Sine, 0.3, 9.0), (Error, 0.3, 9.0), (Kink, 1.001, 1.15)])
def test_errors_of_the_diagram_are_bounds(make: Callable[[], Any], low: float, high: float) -> None:
    f = make()
    diagram = phase_diagram(f.name, weight_variance=(low, high), points=67)
    for row, column, truth in _points(diagram, f, seed=3, count=80):
        for name in COLUMNS:
            value, error = getattr(diagram, name)[row, column], diagram.errors[name][row, column]
            assert abs(float(mpmath.mpf(float(value)) - truth[name])) <= error, (name, row, column)


@pytest.mark.parametrize("make", [Sine, Error])
def test_an_error_of_the_length_reaches_the_slopes(make: Callable[[], Any]) -> None:
    """Lengths that are off by 1e-6 of themselves, from 0.01 to 10: the slopes' errors hold, and are hardly larger."""
    f, w = make(), np.array([1.7])
    q = np.geomspace(0.01, 10, 13)[:, None]
    found = slopes(moments_of(named(f.name)), w, Values(q, 1e-6 * q))
    for slope, exact in zip(found, (f.par, f.perp), strict=True):
        for length, value, error in zip(q[:, 0], slope.value[:, 0], slope.error[:, 0], strict=True):
            ends = [
                1.7 * exact(mpmath.mpf(length) * factor) for factor in (1 - mpmath.mpf("1e-6"), 1 + mpmath.mpf("1e-6"))
            ]
            assert value == pytest.approx(float(1.7 * exact(mpmath.mpf(length))), rel=1e-12)
            assert error == pytest.approx(float(abs(ends[1] - ends[0]) / 2), rel=1e-3)


@pytest.mark.parametrize("make", [Sine, Error])
def test_digits_of_the_table_hold(make: Callable[[], Any]) -> None:
    """Each printed number is the truth, rounded to the digits that are printed; nearly all have nine."""
    f = make()
    diagram = phase_diagram(f.name, weight_variance=(1.0, 10.0), points=67)
    rows = list(csv.DictReader(io.StringIO(diagram.to_csv())))
    lengths = []
    for row, column, truth in _points(diagram, f, seed=5, count=60):
        line = rows[67 * row + column]
        assert (float(line["sigma_w2"]), float(line["sigma_b2"])) == (diagram.sigma_w2[column], diagram.sigma_b2[row])
        for name in COLUMNS:
            text = Decimal(line[name])
            unit = 10.0 ** text.as_tuple().exponent  # type: ignore[operator]
            # Half a unit of the last digit for rounding, and as much for the error.
            assert abs(float(truth[name]) - float(text)) <= 1.01 * unit, (name, line)
            lengths.append(len(text.as_tuple().digits))
    assert np.mean(np.array(lengths) >= 8) > 0.95


def test_the_tiny_slope_of_a_sine() -> None:
    """At σ_w² = 1 + 9·53/66, σ_b² = 1/11: χ_∥ = .0018366727, of which interpolation had three digits."""
    diagram = phase_diagram("sin", weight_variance=(1.0, 10.0), points=67)
    assert diagram.sigma_w2[53] == pytest.approx(8.22727273, abs=5e-9)
    assert diagram.sigma_b2[12] == pytest.approx(1 / 11)
    truth = _truth(Sine(), mpmath.mpf(float(diagram.sigma_w2[53])), mpmath.mpf(float(diagram.sigma_b2[12])), 4.2)
    assert float(truth["chi_par"]) == pytest.approx(0.0018366727, abs=5e-11)
    assert diagram.chi_par[12, 53] == pytest.approx(float(truth["chi_par"]), rel=1e-10)


@pytest.mark.parametrize("place", [(1, 2), (3, 5), (5, 1), (5, 5)])
def test_kinks_have_errors_that_hold(place: tuple[int, int]) -> None:
    """hard-tanh, whose Hermite series is slow: E[f²] by hand, and ρ* by quadrature of E[f(u) E[f(v) | u]]."""
    diagram = phase_diagram("hard-tanh", weight_variance=(0.4, 4.0), bias_variance=(0.05, 0.5), points=6)
    row, column = place
    w, b = (mpmath.mpf(float(x)) for x in (diagram.sigma_w2[column], diagram.sigma_b2[row]))
    with mpmath.workdps(25):

        def second(q: Any) -> Any:
            """q P(|s| < 1) less its boundary term, and 1 outside."""
            h = 1 / mpmath.sqrt(q)
            return q * (1 - 2 * mpmath.ncdf(-h)) - 2 * mpmath.sqrt(q) * mpmath.npdf(h) + 2 * mpmath.ncdf(-h)

        q = mpmath.findroot(lambda x: w * second(x) + b - x, float(diagram.q_star[row, column]))
        perp = w * (1 - 2 * mpmath.ncdf(-1 / mpmath.sqrt(q)))
        par = w * mpmath.diff(second, q)
    for name, truth in (("q_star", q), ("chi_perp", perp), ("chi_par", par)):
        assert abs(float(getattr(diagram, name)[row, column] - truth)) <= diagram.errors[name][row, column]
    if perp < 1:
        assert diagram.correlation[row, column] == 1
        return
    rho = float(diagram.correlation[row, column])
    root, rest = mpmath.sqrt(q), mpmath.sqrt(q * (1 - mpmath.mpf(rho) ** 2))

    def clipped(m: Any, v: Any) -> Any:
        """E[hard-tanh] of N(m, v²)."""
        a, c = (-1 - m) / v, (1 - m) / v
        inside = mpmath.ncdf(c) - mpmath.ncdf(a)
        return m * inside - v * (mpmath.npdf(c) - mpmath.npdf(a)) + mpmath.ncdf(-c) - mpmath.ncdf(a)

    with mpmath.workdps(20):
        shared = mpmath.quad(
            lambda s: max(min(s, 1), -1) * clipped(rho * s, rest) * mpmath.npdf(s / root) / root,
            [-14 * root, -4 * root, -1, 0, 1, 4 * root, 14 * root],
        )
    missed = abs(float((w * shared + b) / q) - rho)
    slope = math.exp(-1 / float(diagram.xi_c[row, column]))
    assert missed <= 1.1 * (1 - slope) * diagram.errors["correlation"][row, column] + 1e-14


def test_two_roots_between_neighbours_of_the_grid() -> None:
    """For exp, w exp(2q) + b - q is least where 2 w exp(2q) = 1: with 1e-6 below 0 there, the roots are 0.002 apart."""
    top = 1.5
    w, b = math.exp(-2 * top) / 2, top - 0.5 - 1e-6
    diagram = phase_diagram("exp", weight_variance=(w, 2 * w), bias_variance=(b, b + 0.1), points=2)
    with mpmath.workdps(30):
        exact = [mpmath.mpf(x) for x in (w, b)]
        q = mpmath.findroot(lambda x: exact[0] * mpmath.exp(2 * x) + exact[1] - x, top - 1e-3)
    assert 0.9e-3 < top - q < 1.1e-3
    assert abs(float(q) - diagram.q_star[0, 0]) <= diagram.errors["q_star"][0, 0] < 1e-10
    assert np.isinf(diagram.q_star[1, 1])


def test_every_length_of_a_linear_function_is_fixed() -> None:
    """At σ_w² = 1, σ_b² = 0 lengths stay at 1, and both depth scales are infinite."""
    diagram = phase_diagram("linear", weight_variance=(0.5, 1.5), bias_variance=(0.0, 0.2), points=3)
    assert diagram.q_star[0].tolist() == [0.0, 1.0, math.inf]
    assert diagram.xi_q[0, 1] == diagram.xi_c[0, 1] == math.inf
    assert diagram.q_star[1, 0] == pytest.approx(0.2, rel=1e-13)


def test_held_digits() -> None:
    values = np.array([[2 / 3, 2 / 3, 2 / 3, 2 / 3, 1e-7, math.inf, math.nan, 0.0]])
    errors = np.array([[1e-12, 1e-5, 0.5, math.inf, 1e-17, 0.0, 0.0, 0.0]])
    expected = [[0.666666667, 0.6667, math.nan, math.nan, 1e-7, math.inf, math.nan, 0.0]]
    assert np.array_equal(held(values, errors), expected, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("tanh", 1 / 4, 3),  # bounded: three times the critical gain
        ("relu", 1 / 2, 3),  # beyond 2 all lengths grow
        ("x**2", 1 / 12, 1 / 2),  # q = 3 w q² + b has a root for 12 w b <= 1, at b = 1/4
        ("abs(x)**3", 16 / 405, 96 / 405),  # q = 15 w q³ + b touches at q = 3 b/2, w = 4/(405 b²)
    ],
)
def test_the_default_range_shows_bounded_lengths(name: str, low: float, high: float) -> None:
    """From the critical gain, or else from the largest with a fixed length; E[s⁴] = 3 q², E[s⁶] = 15 q³."""
    diagram = phase_diagram(name, points=3)
    assert diagram.sigma_w2[0] == pytest.approx(low, rel=2e-3)
    assert diagram.sigma_w2[-1] == pytest.approx(high, rel=2e-3)


def test_the_default_range_is_about_the_edge_of_chaos() -> None:
    """cos: χ_⊥ = w (1 - exp(-2q))/2 = 1 and q = w (1 + exp(-2q))/2 + 1/4 give q = coth q + 1/4."""
    q = mpmath.findroot(lambda q: mpmath.coth(q) + 0.25 - q, 1.4)
    weight = float(2 / -mpmath.expm1(-2 * q))
    diagram = phase_diagram("cos", points=3)
    assert diagram.sigma_w2[[0, -1]] == pytest.approx([weight / 4, 3 * weight], rel=1e-9)
