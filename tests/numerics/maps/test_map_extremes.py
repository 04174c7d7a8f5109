"""Corners that the scan of tests/benchmarks/test_extremes.py found: each was wrong, or said too little."""

import math

import mpmath
import pytest

from numerics.maps import NumericalMaps


@pytest.mark.parametrize(("name", "sign"), [("sin", -1), ("cos", 1)])
@pytest.mark.parametrize("method", ["auto", "quadrature"])
def test_opposite_inputs_of_a_fast_oscillation(name, sign, method):
    """E[f(s) f(-s)] = ±1/2 at q = 1000, where all of the series lies beyond its first 128 coefficients."""
    found = NumericalMaps(name, method=method).covariance(1000.0, -1.0)
    assert abs(float(found.value) - sign / 2) <= min(float(found.error) + 1e-16, 1e-11)


def test_a_notch_far_below_the_standard_deviation():
    """hard-shrink at q = 1e6: E[f(s) f(-s)] = -q + E[s²; |s| < 1/2], of which no series order holds the last."""
    found = NumericalMaps("hard-shrink").covariance(1e6, -1.0)
    with mpmath.workdps(30):
        root = mpmath.mpf(1000)
        inside = mpmath.quad(lambda s: s * s * mpmath.npdf(s, 0, root), [-0.5, 0, 0.5])
        assert abs(float(found.value) - (inside - root**2)) <= float(found.error) < 1e-6


@pytest.mark.parametrize(("name", "wanted"), [("sigmoid", 1 / 16), ("squareplus", 0.5), ("hard-sigmoid", 1 / 36)])
def test_slope_of_the_length_map_at_a_tiny_variance(name, wanted):
    """E[s f f']/q is a cancelling sum of terms of size f(0) f'(0)/√q; E[f'² + f f''] is not."""
    found = NumericalMaps(name, method="quadrature").chi_par(1e-12)
    assert abs(float(found.value) / wanted - 1) < 2e-12
    assert found.relative_error < 1e-12


def test_slope_of_the_length_map_with_a_kink():
    """hard-sigmoid at q = 1: the kinks at ±3 are deltas of f'', and both routes give the same."""
    found = NumericalMaps("hard-sigmoid", method="quadrature").chi_par(1.0)
    with mpmath.workdps(20):
        f = lambda s: mpmath.mpf(1) / 2 + s / 6  # noqa: E731
        truth = mpmath.quad(lambda s: s * f(s) / 6 * mpmath.npdf(s), [-3, 0, 3])
    assert abs(float(found.value) - truth) < 1e-15


def test_a_gap_that_is_known_better_than_the_covariance():
    """sin at q = 1e6, ρ = 1 - 1e-10: exp(-q(1 - ρ))/2 to 13 digits, where exp(-q + ρq) has nine."""
    rho = 1 - 1e-10
    found = NumericalMaps("sin").covariance(1e6, rho)
    with mpmath.workdps(30):
        truth = mpmath.exp(-(10**6) * (1 - mpmath.mpf(rho))) / 2
    assert abs(float(found.value) / truth - 1) < 1e-13
    assert found.relative_error < 1e-12


def test_beyond_float64_is_infinite_for_pairs_too():
    found = NumericalMaps("exp").covariance(1e3, 0.3)
    assert math.isinf(found.value)
    assert math.isinf(found.error)
