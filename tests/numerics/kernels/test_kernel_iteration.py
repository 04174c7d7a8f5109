"""`iterate`: a million layers, against 40-digit arithmetic."""

from __future__ import annotations

import json
import math
from pathlib import Path

import mpmath
import numpy as np
import pytest

from numerics.kernels import iterate, sample_variance_step

ORACLE = json.loads((Path(__file__).parents[2] / "oracles" / "sample_variance_depth.json").read_text())


@pytest.fixture(params=["numpy", "numba"])
def backend(request):
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param


@pytest.mark.parametrize("name", ORACLE["cases"])
def test_a_million_layers(name, backend):
    """Relative error of m^2 and v^2 below 1e-14 (the target is 1e-12) at every layer of the oracle."""
    case = ORACLE["cases"][name]
    step = sample_variance_step(name, case["gain"], case["bias_variance"], backend)
    curve = iterate(step, *case["start"], layers=10**6)
    assert case["rows"][-1][0] == 10**6
    for layer, m2, v2 in case["rows"]:
        for got, want in ((curve.m2[layer], m2), (curve.v2[layer], v2)):
            assert abs(mpmath.mpf(float(got)) / mpmath.mpf(want) - 1) < 1e-14, layer


def test_repeating_the_step_is_worse():
    """The reason for `iterate`: over 10^5 layers plain repetition drifts by more."""
    case = ORACLE["cases"]["relu"]
    row = next(row for row in case["rows"] if row[0] == 10**5)
    step = sample_variance_step()
    m2, v2 = case["start"]
    for _ in range(row[0]):
        m2, v2 = step(m2, v2)
    curve = iterate(step, *case["start"], layers=row[0])
    drift = abs(mpmath.mpf(m2) / mpmath.mpf(row[1]) - 1)
    kept = abs(mpmath.mpf(float(curve.m2[-1])) / mpmath.mpf(row[1]) - 1)
    assert drift > 10 * kept


@pytest.mark.parametrize(
    ("activation", "gain", "bias"),
    [
        ("relu", 2.0, 0.1),
        ("abs", 0.9, 0.2),
        ("leaky-relu(0.3)", 1.2, 0.0),
        ("linear", 1.01, 0.0),
        ("relu", 5.0, 1.0),
    ],
)
def test_first_layers_are_repeated_steps(activation, gain, bias, backend):
    step = sample_variance_step(activation, gain, bias, backend)
    curve = iterate(step, 0.3, 2.0, layers=20)
    m2, v2 = 0.3, 2.0
    for layer in range(21):
        assert curve.m2[layer] == pytest.approx(m2, rel=1e-14)
        assert curve.v2[layer] == pytest.approx(v2, rel=1e-14)
        assert curve.one_minus_rho[layer] == pytest.approx(v2 / (m2 + v2), rel=1e-14)
        m2, v2 = step(m2, v2)


def test_linear_net_has_its_closed_form():
    """v^2 grows like gain^layer: the rounding of the gain's excess does not add up."""
    curve = iterate(sample_variance_step("linear", gain=1.0 + 2.0**-10), 1.0, 1.0, layers=500_000)
    with mpmath.workdps(30):
        want = (1 + mpmath.mpf(2) ** -10) ** 500_000
        assert abs(mpmath.mpf(float(curve.v2[-1])) / want - 1) < 1e-12


def test_arrays_of_starts(backend):
    step = sample_variance_step(backend=backend)
    curve = iterate(step, np.zeros((2, 1)), np.array([1.0, 2.0, 3.0]), layers=5)
    assert curve.m2.shape == (6, 2, 3)
    np.testing.assert_allclose(curve.v2[:, 1, 2], 3 * iterate(step, 0.0, 1.0, 5).v2, rtol=4e-16)
    assert iterate(step, 0.0, 1.0, layers=0).v2.tolist() == [1.0]


def test_zero_and_nan_stay():
    step = sample_variance_step()
    assert iterate(step, 0.0, 0.0, layers=3).v2.tolist() == [0.0] * 4
    assert np.isnan(iterate(step, 0.0, 0.0, layers=3).rho).all()
    assert np.isnan(iterate(step, math.nan, 1.0, layers=3).v2[1:]).all()


def test_errors(backend):
    step = sample_variance_step(gain=4.0, backend=backend)
    with pytest.raises(OverflowError, match=r"must stay below 2\*\*1022, got more at layer 10\d\d"):
        iterate(step, 0.0, 1.0, layers=3000)
    for layers in (-1, 1.5, True, "3"):
        with pytest.raises(ValueError, match="layers must be a non-negative integer"):
            iterate(step, 0.0, 1.0, layers=layers)
    with pytest.raises(ValueError, match=r"v2 must not be negative, got -1\.0"):
        iterate(step, 0.0, -1.0, layers=3)
