"""A certificate says how accurate a kernel is, and notices one that is not."""

from __future__ import annotations

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest
import sympy as sp

from numerics.kernels import SampleVarianceStep, certify, sample_variance_step
from numerics.kernels.map_truth import chosen
from numerics.kernels.rectifier_programs import Parameters, step_program
from numerics.kernels.rectifier_truth import exact
from numerics.maps import rectifier_profile as profile
from numerics.maps import rectifier_theorem as source
from numerics.maps.definitions import OVER_SAMPLES, PAIRS
from numerics.programs.certificate import LIMITS, ULP, ulps
from numerics.programs.straight_line import Program

LIMIT = LIMITS[ULP]
QUICK = {"points": 300, "searched": 20_000}
SLOPES = {
    "relu": 0.0,
    "leaky-relu(0.01)": 0.01,
    "leaky-relu(0.2)": 0.2,
    "leaky-relu(0.5)": 0.5,
    "abs": -1.0,
    "linear": 1.0,
    "leaky-relu(-0.3)": -0.3,
}


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_points_of_a_certificate_belong_together(name):
    """Squares and roots are of the same numbers, no covariance exceeds what is possible, and ends are met."""
    points = chosen(name, (1e-3, 1e3), 400)
    if name in OVER_SAMPLES:
        q = points["m2"] + points["v2"]
        assert points["m"] ** 2 == pytest.approx(points["m2"], rel=1e-15, abs=0)
        assert points["v"] ** 2 == pytest.approx(points["v2"], rel=1e-15, abs=0)
        rho = points["m2"] / q
    else:
        q, rho = points["q_1"], points["rho"]
        assert (points["c"] ** 2 <= q * points["q_2"] * (1 + 1e-15)).all()
        assert points["c"] == pytest.approx(rho * np.sqrt(q * points["q_2"]), rel=1e-14, abs=0)
        assert (rho.min(), rho.max()) == (-1, 1)
    assert 1e-3 * (1 - 1e-15) <= q.min() < 1e-3 * 1.1
    assert 1e3 / 1.1 < q.max() <= 1e3 * (1 + 1e-15)
    gap = points["v2"] / q if name in OVER_SAMPLES else 1 - np.abs(rho)
    # Decades down to nothing: each has its share.
    assert all(((gap > 10.0 ** (-k - 2)) & (gap < 10.0**-k)).any() for k in range(14))


@pytest.mark.parametrize("bias_variance", [0.0, 0.1])
@pytest.mark.parametrize("gain", [2.0, 0.5, "he"])
@pytest.mark.parametrize("activation", SLOPES)
def test_three_ulps_hold(activation, gain, bias_variance):
    """m'^2, v'^2 and 1 - rho' stay within 3 ulps for every slope, gain and bias variance tried."""
    gain = 2 / (1 + SLOPES[activation] ** 2) if gain == "he" else gain
    certificate = certify(sample_variance_step(activation, gain, bias_variance), **QUICK)
    assert certificate.error <= LIMIT, certificate.text()


def test_certificate_of_a_step():
    """`step.certificate` names the kernel, the reference and where the worst errors are; it is kept."""
    step = sample_variance_step()
    certificate = step.certificate
    assert certificate.holds()
    assert certificate is step.certificate
    assert certificate.kernel == step.program.fingerprint
    assert certificate.points >= 3000
    assert [a.output for a in certificate.accuracies] == ["m2", "v2", "one_minus_rho"]
    worst = certificate.accuracies[1]
    got = step(**worst.at)[1]
    assert ulps(got, exact(step.parameters, **worst.at)["v2"]) == worst.error
    assert "ulp" in certificate.text()
    assert "definition" in certificate.to_dict()["reference"]


def test_same_seed_same_certificate():
    """A certificate is a function of the kernel, the numbers of points and the seed."""
    step = sample_variance_step()
    assert certify(step, rng=7, **QUICK) == certify(step, rng=7, **QUICK)
    assert certify(step, rng=8, **QUICK) != certify(step, rng=7, **QUICK)


def test_number_of_points_is_checked():
    with pytest.raises(ValueError, match="points must be between 1 and searched = 10, got 11"):
        certify(sample_variance_step(), points=11, searched=10)


def _planted(name: str, relative: float) -> SampleVarianceStep:
    step = sample_variance_step()
    value = {str(symbol): value for symbol, value in step.program.constants}[name]
    wrong = step.program.with_constant(name, value * (1 + relative))
    return replace(step, program=wrong)


@pytest.mark.parametrize(
    ("name", "relative"),
    [
        ("C1", 1e-15),
        ("P0", 1e-13),
        ("P1", 1e-12),
        ("P5", 1e-9),
        ("P11", 1e-6),
        ("KAPPA", 1e-13),
        ("TINY", 1e300),
    ],
)
def test_a_wrong_constant_is_noticed(name, relative):
    """Errors just above what rounding hides, from the leading constant to the last coefficient."""
    certificate = certify(_planted(name, relative), **QUICK)
    assert certificate.error > LIMIT, certificate.text()


def test_the_search_sees_smaller_errors_than_random_points_do():
    """Looking where the errors are largest must not find less than looking anywhere."""
    step = sample_variance_step()
    searched = certify(step, points=300, searched=100_000)
    unsearched = certify(step, points=300, searched=300)
    assert searched.error >= unsearched.error


def _with(step: SampleVarianceStep, change) -> SampleVarianceStep:
    return replace(step, program=change(step.program))


def test_swapped_outputs_are_noticed():
    step = _with(sample_variance_step(), lambda p: replace(p, outputs=p.outputs[::-1]))
    assert not certify(step, points=50, searched=50).holds()


def test_a_dropped_term_is_noticed():
    """Horner's last coefficient left out."""

    def drop(p: Program) -> Program:
        lines = [
            line if line.target.name != "p0" else type(line)(line.target, line.value.args[0] + 0)
            for line in p.assignments
        ]
        return replace(p, assignments=tuple(lines))

    assert not certify(_with(sample_variance_step(), drop), points=50, searched=50).holds()


def test_wrong_parameters_are_noticed():
    """A kernel of another slope, gain or bias variance is not certified for these."""
    for actual in (
        Parameters(1e-14, 2.0, 0.0),
        Parameters(0.0, 2.0 * (1 + 2e-15), 0.0),
        Parameters(0.0, 2.0, 1e-3),
    ):
        step = replace(sample_variance_step(), program=step_program(actual))
        assert not certify(step, **QUICK).holds(), actual


@pytest.fixture
def _clean_caches():
    yield
    profile.derived_profile.cache_clear()
    profile.polynomial.cache_clear()


@pytest.mark.usefixtures("_clean_caches")
def test_a_wrong_theorem_is_noticed(monkeypatch):
    """T = v/sqrt(v^2 + m^2), without its factor 2, has all the structure but is another function."""
    half = source.m**2 / 2
    wrong_v2 = source.STABLE.v2.subs(source.m, sp.sqrt(half))
    c0 = source.gain * (1 + source.slope**2) / 2
    wrong_m2 = c0 * (source.m**2 + source.v**2) - wrong_v2 + source.bias_variance
    monkeypatch.setattr(source, "STABLE", source.SampleVarianceExpressions(wrong_v2, wrong_m2))
    profile.derived_profile.cache_clear()
    profile.polynomial.cache_clear()
    step = replace(sample_variance_step(), program=step_program(Parameters(0.0, 2.0, 0.0)))
    assert not certify(step, points=50, searched=50).holds()


def test_ulps():
    """Units in the last place of the exact value; overflow and NaN are not excused."""
    assert ulps(1.0 + 2.0**-52, mpmath.mpf(1)) == 1.0
    assert ulps(5e-324, mpmath.mpf(0)) == 1.0
    assert ulps(math.inf, mpmath.mpf(10) ** 400) == 0.0
    assert ulps(1.7e308, mpmath.mpf(10) ** 400) == math.inf
    assert ulps(math.nan, mpmath.mpf(1)) == math.inf
    assert ulps(math.inf, mpmath.mpf(1)) == math.inf


def test_reference_keeps_its_digits_where_everything_cancels():
    """At v^2/m^2 = 1e-300 the definition still gives v'^2 = v^2 (1 - (4/3) T/pi + O(T^3)), to 40 digits."""
    values = exact(Parameters(0.0, 2.0, 0.0), 1.0, 1e-300)
    with mpmath.workdps(60):
        v2 = mpmath.mpf(1e-300)
        T = mpmath.sqrt(v2 / 2)
        series = v2 * (1 - mpmath.mpf(4) / 3 * T / mpmath.pi)
        assert abs(values["v2"] / series - 1) < 1e-40
