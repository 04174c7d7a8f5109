import math

import mpmath
import numpy as np
import pytest
from map_oracles import expectation, relative

from derive.activations import activation, activations
from derive.errors import InputError
from derive.expressions.stable import precise
from numerics.activations import numpy_function
from numerics.kernels.panels import own_edges
from numerics.maps import NumericalMaps

HARD = [1e-12, 1e-3, 1.0, 25.0, 1e6]


@pytest.mark.parametrize("q", HARD)
def test_tanh_second_moment_and_slopes_at_every_scale(q: float) -> None:
    maps = NumericalMaps("tanh")
    sech2 = lambda s: mpmath.sech(s) ** 2  # noqa: E731
    cases = [
        (maps.second_moment(q), lambda s: mpmath.tanh(s) ** 2),
        (maps.chi_perp(q), lambda s: sech2(s) ** 2),
        (maps.chi_par(q), lambda s: s * mpmath.tanh(s) * sech2(s) / mpmath.mpf(q)),
    ]
    for found, integrand in cases:
        truth = expectation(integrand, q)
        assert relative(float(found.value), truth) < 1e-13
        assert found.relative_error < 1e-12


@pytest.mark.parametrize("q", [1e-12, 1.0, 25.0, 100.0, 170.0])
def test_exp_has_all_its_mass_where_it_lies(q: float) -> None:
    """The mode of exp(2s) under N(0, q) is at s = 2q, which is 2√q standard deviations out."""
    maps = NumericalMaps("exp", method="quadrature")
    with mpmath.workdps(30):
        assert relative(float(maps.second_moment(q).value), mpmath.exp(2 * mpmath.mpf(q))) < 1e-12
        assert relative(float(maps.mean(q).value), mpmath.exp(mpmath.mpf(q) / 2)) < 1e-12


def test_a_window_around_zero_would_have_lost_it() -> None:
    """What a rule on ten standard deviations gives at q = 100: the test above has something to catch."""
    z, w = np.polynomial.hermite_e.hermegauss(100)
    inside = np.abs(z) < 10
    lost = (w[inside] * np.exp(20 * z[inside])).sum() / math.sqrt(2 * math.pi)
    assert lost < 1e-3 * math.exp(200)


def test_beyond_float64_is_infinite_and_says_so() -> None:
    found = NumericalMaps("exp", method="quadrature").second_moment(1e6)
    assert math.isinf(found.value)
    assert math.isinf(found.error)


@pytest.mark.parametrize("q", [1e-12, 1.0, 100.0, 1e6])
def test_sine_oscillates_a_thousand_times_a_standard_deviation(q: float) -> None:
    maps = NumericalMaps("sin", method="quadrature")
    with mpmath.workdps(30):
        truth = -mpmath.expm1(-2 * mpmath.mpf(q)) / 2
        assert relative(float(maps.second_moment(q).value), truth) < 1e-13


@pytest.mark.parametrize("name", [n for n in activations() if n not in {"step", "sign", "hard-shrink"}])
@pytest.mark.parametrize("q", [1e-12, 1.0, 1e3])
def test_every_activation_in_the_catalogue_says_at_most_1e_12(name: str, q: float) -> None:
    if name == "exp" and q == 1e3:
        pytest.skip("exp(2000) is beyond float64")
    maps = NumericalMaps(name, method="quadrature")
    for found in (maps.second_moment(q), maps.slope_second_moment(q)):
        assert found.relative_error < 1e-12


@pytest.mark.parametrize("name", ["gelu", "elu", "selu", "hard-tanh", "softsign", "mish", "tanh-shrink", "relu6"])
def test_second_moment_against_mpmath(name: str) -> None:
    made = activation(name)
    f = precise(made.expression, made.symbol)
    points = [float(p) for p in made.breakpoints]
    for q in (1e-8, 2.0):
        with mpmath.workdps(30):
            variance = mpmath.mpf(q)
            root = mpmath.sqrt(variance)
            edges = sorted({-12 * root, -root, 0, root, 12 * root, *(p for p in points if abs(p) < 12 * root)})
            truth = mpmath.quad(lambda s: f(s) ** 2 * mpmath.npdf(s, 0, root), edges)  # noqa: B023
        found = NumericalMaps(name, method="quadrature").second_moment(q)
        assert relative(float(found.value), truth) < 1e-12


@pytest.mark.parametrize("name", ["relu", "gelu", "erf", "elu", "hard-tanh", "squared-relu", "gaussian"])
def test_closed_form_and_quadrature_agree(name: str) -> None:
    q = np.array([1e-6, 0.3, 1.0, 40.0])
    closed, numeric = NumericalMaps(name), NumericalMaps(name, method="quadrature")
    for what in ("second_moment", "slope_second_moment", "second_moment_slope"):
        a, b = getattr(closed, what)(q), getattr(numeric, what)(q)
        assert np.all(np.abs(a.value - b.value) <= 2e-13 * np.abs(b.value) + a.error + b.error)
    assert "closed form" in set(closed.second_moment(q).method)


def test_an_unsound_closed_form_is_not_used() -> None:
    """(1 - exp(-2q))/2 keeps four digits at q = 1e-12; its error bound says so and quadrature takes over."""
    found = NumericalMaps("sin").second_moment(1e-12)
    assert found.method == "quadrature"
    assert relative(float(found.value), mpmath.mpf("1e-12") - mpmath.mpf("1e-24")) < 1e-14
    forced = NumericalMaps("sin", method="closed form").second_moment(1e-12)
    assert abs(float(forced.value) - 1e-12) > 1e-17
    assert forced.error >= abs(float(forced.value) - 1e-12)


def test_jumps_have_no_finite_slope() -> None:
    assert NumericalMaps("step").chi_perp(1.0).value == math.inf


def test_own_expression() -> None:
    found = NumericalMaps("x*Phi(1.702*x)").second_moment(1.0)
    c = mpmath.mpf("1.702") ** 2
    truth = (mpmath.mpf(1) / 4 + mpmath.asin(c / (1 + c)) / (2 * mpmath.pi)) + c / (
        mpmath.pi * (1 + c) * mpmath.sqrt(1 + 2 * c)
    )
    assert relative(float(found.value), truth) < 1e-13


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"weight_variance": -1.0}, "weight_variance must be finite and not negative, got -1.0"),
        ({"method": "guess"}, "method must be one of"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        NumericalMaps("tanh", **arguments)  # type: ignore[arg-type]


def test_bad_points() -> None:
    maps = NumericalMaps("tanh")
    with pytest.raises(InputError, match=r"q must be positive and finite, got 0\.0"):
        maps.second_moment([1.0, 0.0])
    with pytest.raises(InputError, match=r"rho must be from -1 to 1, got 1\.5"):
        maps.covariance(1.0, 1.5)
    with pytest.raises(InputError, match="no closed form"):
        NumericalMaps("tanh", method="closed form").second_moment(1.0)


@pytest.mark.parametrize("name", ["x*erf(exp(x)/2)", "x*erf(sinh(x))"])
def test_a_slope_or_curvature_without_a_number_costs_few_panels(name: str) -> None:
    """Where f'' or f' is 0 times infinity in float64 there is nothing to resolve: f is x or 0 there."""
    assert len(own_edges(activation(name), 256.0)) < 2500


def test_a_product_of_exponentials_does_not_overflow() -> None:
    """d/dx erf(exp(x)/2) = exp(x - exp(2x)/4)/√π: 0 for a large x, where exp(x) is infinite."""
    slope = numpy_function(activation("erf(exp(x)/2)"), 1)
    assert slope(np.array([400.0, 720.0, 1e6])).tolist() == [0.0, 0.0, 0.0]
    with mpmath.workdps(30):
        for x in (-2.5, 0.3, 1.7):
            truth = mpmath.diff(lambda s: mpmath.erf(mpmath.exp(s) / 2), x)
            assert relative(float(slope(np.array([x]))[0]), truth) < 1e-14
