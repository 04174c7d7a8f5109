"""Expressions of a user's own that are not smooth, not bounded or not integrable."""

import math

import mpmath
import pytest
from map_oracles import DIGITS, relative

from numerics.criticality import critical
from numerics.maps import NumericalMaps


@pytest.mark.parametrize("power", ["1/2", "3/2"])
@pytest.mark.parametrize("gap", [1e-12, 1e-6, 0.02, 0.7])
def test_powers_of_the_absolute_value(power: str, gap: float) -> None:
    """E|xy|^p = 2^p Γ((p+1)/2)²/π · ₂F₁(-p/2, -p/2; 1/2; ρ²) (Nabeya 1951)."""
    found = NumericalMaps(f"abs(x)**({power})", method="quadrature").separation(1.0, gap)
    with mpmath.workdps(DIGITS):
        p = mpmath.mpf(power.split("/")[0]) / 2

        def moment(rho: mpmath.mpf) -> mpmath.mpf:
            front = 2**p * mpmath.gamma((p + 1) / 2) ** 2 / mpmath.pi
            return front * mpmath.hyp2f1(-p / 2, -p / 2, mpmath.mpf(1) / 2, rho * rho)

        truth = moment(mpmath.mpf(1)) - moment(1 - mpmath.mpf(gap))
    assert abs(float(found.value) - float(truth)) <= 1e-11 * float(truth) + 2 * float(found.error)


def test_a_slope_without_second_moment_is_reported() -> None:
    """f' = 1/(2√|s|): E[f'²] is infinite; no critical point is made up."""
    found = critical("sqrt(abs(x))")
    assert found.kind == "none"
    assert "E[f'²] is infinite" in found.notes[0]


def test_a_power_has_no_slope_at_zero() -> None:
    assert critical("abs(x)**(3/2)").sigma_w2 is None


def test_growth_that_has_no_expectation() -> None:
    """E[exp(s²)²] = 1/√(1 - 4q) below q = 1/4, and infinite above."""
    found = NumericalMaps("exp(x**2)", method="quadrature").second_moment([0.2, 0.24, 0.26, 1.0])
    assert relative(float(found.value[0]), 1 / mpmath.sqrt(mpmath.mpf(1) - 4 * mpmath.mpf(0.2))) < 1e-12
    assert math.isinf(found.value[2])
    assert found.error[2] == 0  # proved, by the tail
    assert math.isinf(found.value[3])
    assert math.isinf(found.error[1]) or relative(float(found.value[1]), 1 / mpmath.sqrt(mpmath.mpf("0.04"))) < 1e-9


def test_a_bump_far_from_zero_is_seen() -> None:
    """exp(-(s - 50)²) at q = 100: E[f²] = exp(-2·2500/(1 + 4q))/√(1 + 4q)."""
    found = NumericalMaps("exp(-(x - 50)**2)", method="quadrature").second_moment(100.0)
    truth = mpmath.exp(mpmath.mpf(-5000) / 401) / mpmath.sqrt(401)
    assert relative(float(found.value), truth) < 1e-12
