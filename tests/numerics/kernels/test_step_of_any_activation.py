"""`sample_variance_step` of any activation: called like a rectifier's, held against SciPy and published kernels."""

from __future__ import annotations

import importlib.util
import inspect
import math

import numpy as np
import pytest
from scipy import integrate

from numerics import map_kernel, sample_variance_step
from numerics.kernels import Kernel, SampleVarianceStep, iterate

FUNCTIONS = {"tanh": np.tanh, "where(x > 0.3, tanh(x), 0.1*x)": lambda x: np.where(x > 0.3, np.tanh(x), 0.1 * x)}


def nested(f, gain, bias, m2, v2):
    """m'^2 and v'^2 by nested quadrature, the inner one split where the second function jumps."""
    m, v = math.sqrt(m2), math.sqrt(v2)

    def over_samples(g, mu):
        density = lambda nu: math.exp(-0.5 * (nu / v) ** 2) / (v * math.sqrt(2 * math.pi))  # noqa: E731
        jump = min(max(0.3 - mu, -9 * v), 9 * v)
        return sum(
            integrate.quad(lambda nu: float(g(mu + nu)) * density(nu), a, b, epsabs=1e-12, epsrel=1e-11)[0]
            for a, b in ((-9 * v, jump), (jump, 9 * v))
            if a < b
        )

    def over_networks(h):
        density = lambda mu: math.exp(-0.5 * (mu / m) ** 2) / (m * math.sqrt(2 * math.pi))  # noqa: E731
        return integrate.quad(lambda mu: h(mu) * density(mu), -9 * m, 9 * m, epsabs=1e-11, epsrel=1e-10, limit=200)[0]

    common = over_networks(lambda mu: over_samples(f, mu) ** 2)
    apart = over_networks(lambda mu: over_samples(lambda s: f(s) ** 2, mu) - over_samples(f, mu) ** 2)
    return gain * common + bias, gain * apart


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_the_step_is_the_nested_integral(activation):
    """Gain and bias included."""
    got = sample_variance_step(activation, gain=1.7, bias_variance=0.2)(0.5, 0.8)
    assert got == pytest.approx(nested(FUNCTIONS[activation], 1.7, 0.2, 0.5, 0.8), rel=1e-8)


@pytest.mark.parametrize("activation", ["relu", "tanh", "erf"])
def test_all_are_called_alike(activation):
    """The same signature, numbers and arrays, `out`, names, and errors that name the argument."""
    step = sample_variance_step(activation, 1.5, 0.1)
    assert isinstance(step, SampleVarianceStep)
    assert isinstance(step, Kernel)
    assert str(inspect.signature(step)) == "(m2, v2, *, out=None)"
    m2, v2 = step(0.3, v2=0.7)
    assert type(m2) is type(v2) is float
    arrays = step(np.array([[0.3], [0.4]]), [0.7, 0.8])
    assert [a.shape for a in arrays] == [(2, 2), (2, 2)]
    assert (arrays[0][0, 0], arrays[1][0, 0]) == pytest.approx((m2, v2), rel=1e-15)
    out = np.empty(3), np.empty(3)
    assert step([0.3, 0.4, 0.5], 0.7, out=out)[1] is out[1]
    full = step.full(0.3, 0.7)
    assert full[:2] == pytest.approx((m2, v2), rel=1e-15)
    assert full.one_minus_rho == pytest.approx(v2 / (m2 + v2), rel=1e-15)
    assert full.rho == pytest.approx(m2 / (m2 + v2), rel=1e-15)
    with pytest.raises(ValueError, match=r"v2 must not be negative, got -1\.0"):
        step(0.3, -1.0)
    assert all(map(math.isnan, step(math.nan, 1.0)))


def test_the_domain_of_a_rule():
    """A rule refuses variances beyond its domain; the certificate holds for what is inside."""
    step = sample_variance_step("tanh", 1.5, 0.1, domain=(0.5, 2.0))
    with pytest.raises(ValueError, match=r"m2 \+ v2 must be from 0\.5 to 2, got 3\.0"):
        step(1.0, 2.0)
    assert step.method == "quadrature"
    assert step.certificate.holds(1e-12), step.certificate.text()
    assert step.certificate.kernel == step.program.fingerprint


def test_the_map_with_its_arguments_is_the_same():
    """`map_kernel` gives the step with gain and bias variance as arguments."""
    m2, v2 = np.geomspace(0.01, 1, 5), np.geomspace(1, 0.01, 5)
    ours = sample_variance_step("tanh", 1.5, 0.25)(m2, v2)
    np.testing.assert_allclose(ours, map_kernel("tanh", "sample-variance")(m2, v2, 1.5, 0.25), rtol=1e-15)


def test_its_curve_repeats_it():
    """`iterate` takes any step; the variance over samples of tanh falls from layer to layer."""
    step = sample_variance_step("tanh", 1.2)
    curve = iterate(step, 0.1, 0.5, layers=4)
    m2, v2 = 0.1, 0.5
    for layer in range(5):
        assert (curve.m2[layer], curve.v2[layer]) == (m2, v2)
        m2, v2 = step(m2, v2)


def test_its_module_stands_alone(tmp_path):
    """The exported file computes the same numbers and has both maps."""
    step = sample_variance_step("tanh", 1.5, 0.1, domain=(0.5, 2.0))
    path = step.export(tmp_path / "tanh_step.py")
    spec = importlib.util.spec_from_file_location("tanh_step", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.sample_variance_step(0.3, 0.7) == step(0.3, 0.7)
    assert module.sample_variance_step_full(0.3, 0.7) == tuple(step.full(0.3, 0.7))
    assert step.certificate.text() in path.read_text()
    assert "sigma_w2 = 1.5, sigma_b2 = 0.1" in path.read_text()
