import math

import mpmath
import numpy as np
import pytest
from map_oracles import DIGITS, KERNELS, expectation, relative

from numerics.maps import NumericalMaps

GAPS = [1e-15, 1e-12, 1e-8, 1e-4, 0.01, 0.3, 1.0]
RHOS = [-1 + 1e-12, -0.99, -0.6, -0.1, 1e-9, 0.2, 0.7, 0.99, 1 - 1e-9]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("q", [1e-12, 1.0, 1e6])
def test_separation_near_correlation_one(name: str, q: float) -> None:
    """E[f²] - E[f f] at 12 digits or more down to 1 - ρ = 1e-15, held against published kernels at 60 digits."""
    if q == 1e6 and name in {"sin", "exp"}:
        pytest.skip("beyond float64, or a thousand oscillations a standard deviation: see the error that is stated")
    found = NumericalMaps(name, method="quadrature").separation(q, GAPS)
    with mpmath.workdps(DIGITS):
        kernel, variance = KERNELS[name], mpmath.mpf(q)
        for value, gap in zip(found.value, GAPS, strict=True):
            truth = kernel(variance, mpmath.mpf(1)) - kernel(variance, 1 - mpmath.mpf(gap))
            assert relative(float(value), truth) < 5e-12
    assert found.relative_error < 1e-11


def test_subtraction_would_have_lost_all_but_three_digits() -> None:
    maps = NumericalMaps("relu")
    naive = float(maps.second_moment(1.0).value) - float(maps.covariance(1.0, 1 - 1e-15).value)
    with mpmath.workdps(DIGITS):
        truth = KERNELS["relu"](mpmath.mpf(1), mpmath.mpf(1)) - KERNELS["relu"](mpmath.mpf(1), 1 - mpmath.mpf(1e-15))
    assert relative(naive, truth) > 1e-4
    assert relative(float(maps.separation(1.0, 1e-15).value), truth) < 1e-14


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("method", ["auto", "quadrature"])
def test_covariance_over_all_correlations(name: str, method: str) -> None:
    maps = NumericalMaps(name, method=method)
    for q in (1e-6, 1.0, 20.0):
        found = maps.covariance(q, RHOS)
        with mpmath.workdps(DIGITS):
            variance = mpmath.mpf(q)
            size = KERNELS[name](variance, mpmath.mpf(1))
            for value, error, rho in zip(found.value, found.error, RHOS, strict=True):
                truth = KERNELS[name](variance, mpmath.mpf(rho))
                assert abs(float(value - truth)) <= 2e-13 * abs(float(truth)) + 2 * float(error)
                # A covariance of 1 where E[f²] is 1e17 is a sum of alternating terms.
                share = 1.0 if (name, q) == ("exp", 20.0) else 1e-3
                assert float(error) <= 1e-12 * max(abs(float(truth)), share * float(size))


@pytest.mark.parametrize("q", [1e-12, 1.0, 30.0, 1e6])
@pytest.mark.parametrize("gap", [1e-15, 1e-8])
def test_tanh_by_expansion_in_the_gap(q: float, gap: float) -> None:
    """D = g q E[f'²] - g² q² E[f''²]/2 + ..., Price's theorem at correlation 1; q g stays far below 1."""
    with mpmath.workdps(30):
        first = expectation(lambda s: mpmath.sech(s) ** 4, q)
        second = expectation(lambda s: 4 * mpmath.tanh(s) ** 2 * mpmath.sech(s) ** 4, q)
        x = mpmath.mpf(gap) * mpmath.mpf(q)
        truth = x * first - x * x * second / 2
    found = NumericalMaps("tanh").separation(q, gap)
    assert relative(float(found.value), truth) < 2e-12 + float(x * x)


def _plane(f: object, q: float, rho: float, step: float = 1 / 16) -> float:
    """The trapezoidal rule in both of two independent normals: exponentially accurate for what is analytic."""
    z = np.arange(-9, 9 + step / 2, step)
    x, y = z[:, None], z[None, :]
    weight = np.exp(-(x * x + y * y) / 2) * step * step / (2 * np.pi)
    u, v = np.sqrt(q) * x, np.sqrt(q) * (rho * x + np.sqrt((1 - rho) * (1 + rho)) * y)
    return float((weight * f(u) * f(v)).sum())  # type: ignore[operator]


@pytest.mark.parametrize("rho", [-0.95, -0.2, 0.0, 0.5, 0.97])
@pytest.mark.parametrize("q", [0.01, 1.0, 4.0])
def test_tanh_against_the_trapezoidal_rule(q: float, rho: float) -> None:
    truth = _plane(np.tanh, q, rho)
    assert abs(float(NumericalMaps("tanh").covariance(q, rho).value) - truth) < 1e-13 * max(abs(truth), 1e-2 * q)


def test_unequal_variances() -> None:
    maps = NumericalMaps("erf", method="quadrature")
    q1, q2, rho = 0.3, 5.0, np.array([-0.9, 0.1, 0.9])
    truth = 2 / np.pi * np.arcsin(2 * rho * np.sqrt(q1 * q2) / np.sqrt((1 + 2 * q1) * (1 + 2 * q2)))
    assert np.allclose(maps.covariance(q1, rho, q2).value, truth, rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", ["relu", "tanh", "hard-tanh", "silu"])
def test_second_moment_splits_into_k_and_sample_variance(name: str) -> None:
    """E[f²] = K + E_mu Var_nu f: the law of total variance."""
    maps = NumericalMaps(name)
    for m, v in ((1.0, 1e-6), (0.5, 0.5), (1e-3, 2.0), (0.0, 1.0)):
        whole = float(maps.second_moment(m * m + v * v).value)
        parts = float(maps.K(m, v).value) + float(maps.sample_variance_map(m, v).value)
        assert abs(parts - whole) < 1e-13 * whole


def test_sample_variance_of_relu_for_a_tiny_fluctuation() -> None:
    """The published K of relu, at 60 digits, where q - 2K keeps nothing in float64."""
    m, v = 1.0, 1e-9
    with mpmath.workdps(DIGITS):
        a, b = mpmath.mpf(m) ** 2, mpmath.mpf(v) ** 2
        k = a / 4 + (a * mpmath.asin(a / (a + b)) + mpmath.sqrt(b * (b + 2 * a))) / (2 * mpmath.pi)
        truth = 2 * ((a + b) / 2 - k)
    found = NumericalMaps("relu", weight_variance=2.0).sample_variance_map(m, v)
    assert relative(float(found.value), truth) < 1e-13


def test_maps_of_layers() -> None:
    maps = NumericalMaps("tanh", weight_variance=1.5, bias_variance=0.1)
    q, rho = 0.8, 0.6
    length = float(maps.length_map(q).value)
    covariance = 1.5 * _plane(np.tanh, q, rho) + 0.1
    assert abs(float(maps.covariance_map(q, rho).value) - covariance) < 1e-13
    assert abs(float(maps.correlation_map(q, rho).value) - covariance / length) < 1e-13
    assert abs(float(maps.gap_map(q, 1 - rho).value) - (1 - covariance / length)) < 1e-13


def test_hermite_coefficients_of_relu() -> None:
    """Daniely, Frostig & Singer 2016, section 4: a_0 = 1/√(2π), a_1 = 1/2, a_2 = 1/(2√π), a_3 = 0."""
    found = NumericalMaps("relu").hermite_coefficients(1.0, 4)
    assert np.allclose(found.value, [1 / np.sqrt(2 * np.pi), 0.5, 1 / np.sqrt(4 * np.pi), 0], atol=1e-15)


def test_what_cannot_be_computed_says_so() -> None:
    """A sine of a thousand waves a standard deviation: nothing of it is among the first coefficients."""
    maps = NumericalMaps("sin", method="quadrature")
    with mpmath.workdps(30):
        far = maps.covariance(1e6, 0.5)
        assert abs(float(far.value - KERNELS["sin"](mpmath.mpf(10) ** 6, mpmath.mpf(0.5)))) <= float(far.error) < 1e-20
        near, whole = maps.separation(1e6, 1e-5), KERNELS["sin"](mpmath.mpf(10) ** 6, mpmath.mpf(1))
        truth = whole - KERNELS["sin"](mpmath.mpf(10) ** 6, 1 - mpmath.mpf(1e-5))
        assert 0.1 < float(near.error) >= abs(float(near.value - truth))
    closed = NumericalMaps("sin").covariance(1e6, 1 - 1e-6)
    with mpmath.workdps(30):
        truth = KERNELS["sin"](mpmath.mpf(10) ** 6, mpmath.mpf(1 - 1e-6))
    assert "closed form" in str(closed.method)
    assert abs(float(closed.value - truth)) <= float(closed.error)


@pytest.mark.parametrize("gap", [1e-20, 1e-12, 1e-5, 0.3])
def test_K_of_a_step_keeps_its_digits_as_the_samples_come_together(gap: float) -> None:
    """K falls like the root of v²/q, which 1 - v²/q does not hold in float64: to the stated error (Cho & Saul 2009)."""
    m, v = math.sqrt(2 * (1 - gap)), math.sqrt(2 * gap)
    found = NumericalMaps("step").K(m, v)
    with mpmath.workdps(60):
        m2, v2 = mpmath.mpf(m) ** 2, mpmath.mpf(v) ** 2
        truth = mpmath.mpf(1) / 4 + mpmath.asin(m2 / (m2 + v2)) / (2 * mpmath.pi)
        assert abs(float(found.value) - truth) <= found.error
    assert found.error < 1e-14
