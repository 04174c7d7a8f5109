"""`sample_variance_step`: values, arrays, domain, errors, backends."""

from __future__ import annotations

import math

import numpy as np
import pytest

from numerics.kernels import sample_variance_step
from numerics.kernels.rectifier_programs import Parameters
from numerics.kernels.rectifier_truth import exact
from numerics.programs import _runtime
from numerics.programs.certificate import ulps

BACKENDS = ["numpy", "numba"]
CASES = [("relu", 2.0, 0.0), ("leaky-relu(0.2)", 1.7, 0.1), ("abs", 1.0, 0.0), ("linear", 1.3, 0.2)]


@pytest.fixture(params=BACKENDS)
def backend(request):
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param


@pytest.fixture
def points():
    rng = np.random.default_rng(5)
    return 10 ** rng.uniform(-5, 5, 1000), 10 ** rng.uniform(-5, 5, 1000)


def test_first_layer_of_white_noise(backend):
    """m = 0: E[relu]^2 = v^2/(2 pi), so m'^2 = v^2/pi and v'^2 = v^2 (1 - 1/pi) at gain 2."""
    m2, v2 = sample_variance_step("relu", backend=backend)(0.0, 1.0)
    assert m2 == pytest.approx(1 / math.pi, rel=3e-16)
    assert v2 == pytest.approx(1 - 1 / math.pi, rel=3e-16)


def test_abs_and_linear_in_closed_form(backend):
    """|y| has mean sqrt(2/pi) v; a linear layer moves nothing between v^2 and m^2."""
    m2, v2 = sample_variance_step("abs", gain=1.0, backend=backend)(0.0, 3.0)
    assert m2 == pytest.approx(6 / math.pi, rel=4e-16)
    assert v2 == pytest.approx(3 - 6 / math.pi, rel=7e-16)
    assert sample_variance_step("linear", gain=1.5, bias_variance=0.25, backend=backend)(1.0, 2.0) == (
        1.75,
        3.0,
    )


def test_he_gain_preserves_the_sum(points):
    """q' = m'^2 + v'^2 = q at sigma_w2 = 2, and one network's share only grows."""
    m2, v2 = points
    m2_next, v2_next = sample_variance_step()(m2, v2)
    np.testing.assert_allclose(m2_next + v2_next, m2 + v2, rtol=4e-16)
    assert (v2_next < v2).all()
    assert (m2_next > m2).all()


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_scalars_arrays_and_backends_agree_bit_for_bit(case, points, backend):
    """One program, printed several ways: the same operations in the same order."""
    step = sample_variance_step(*case, backend=backend)
    arrays = (*step(*points), *step.full(*points))
    reference = sample_variance_step(*case)
    for i in range(0, 1000, 97):
        m2, v2 = float(points[0][i]), float(points[1][i])
        one = (*step(m2, v2), *step.full(m2, v2))
        assert all(type(x) is float for x in one)
        assert one == tuple(float(array[i]) for array in arrays)
    for ours, theirs in zip(arrays, (*reference(*points), *reference.full(*points)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_full_repeats_the_step(points, backend):
    """`full` has the same m2 and v2, and rho + (1 - rho) = 1 up to rounding."""
    step = sample_variance_step("leaky-relu(-0.5)", 1.1, 0.3, backend=backend)
    full = step.full(*points)
    np.testing.assert_array_equal(full.m2, step(*points)[0])
    np.testing.assert_array_equal(full.v2, step(*points)[1])
    np.testing.assert_allclose(full.rho + full.one_minus_rho, 1.0, rtol=1e-15)
    np.testing.assert_allclose(full.rho, full.m2 / (full.m2 + full.v2), rtol=1e-15)


def test_one_minus_rho_where_subtraction_gives_zero(backend):
    full = sample_variance_step(backend=backend).full(1.0, 1e-100)
    assert full.rho == 1.0
    assert full.one_minus_rho == pytest.approx(1e-100, rel=1e-15)


def test_block_size_does_not_matter(points, monkeypatch):
    step = sample_variance_step("relu", 1.9, 0.1)
    whole = step(*points)
    monkeypatch.setattr(_runtime, "BLOCK", 7)
    for a, b in zip(whole, step(*points), strict=True):
        np.testing.assert_array_equal(a, b)


def test_broadcasting_and_layout(backend):
    """Shapes broadcast, integers and strided arrays are taken, results are float64."""
    step = sample_variance_step(backend=backend)
    m2, v2 = np.arange(6).reshape(2, 3), np.linspace(0, 1, 8)[::4][:, None]
    a, b = step(m2, v2)
    assert a.shape == b.shape == (2, 3)
    assert a.dtype == np.float64
    assert (float(a[1, 2]), float(b[1, 2])) == step(5.0, float(v2[1, 0]))
    a, _ = step(np.float32(0.0), np.ones((2, 2)))
    assert a.shape == (2, 2)
    assert step(np.zeros(0), np.zeros(0))[0].shape == (0,)
    zero_d = step(np.array(0.0), np.array(1.0))
    assert zero_d[0].shape == ()


def test_out_is_written_and_may_be_the_inputs(points, backend):
    """`out` may be separate, strided, the inputs themselves, or the inputs in the other order."""
    step = sample_variance_step(backend=backend)
    m2, v2 = points
    expected = step(m2, v2)
    out = (np.empty(1000), np.empty(2000)[::2])
    result = step(m2, v2, out=out)
    assert result[0] is out[0]
    assert result[1] is out[1]
    for order in ((0, 1), (1, 0)):
        copies = (m2.copy(), v2.copy())
        target = (copies[order[0]], copies[order[1]])
        step(*copies, out=target)
        for got, want in zip(target, expected, strict=True):
            np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(out[1], expected[1])


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ((np.empty(3),), "out must hold 2 arrays, got 1"),
        ((np.empty(3), np.empty(4)), r"out must be float64 arrays of shape \(3,\), got float64 \(4,\)"),
        ((np.empty(3), np.empty(3, dtype=np.float32)), r"out must be float64 .*, got float32 \(3,\)"),
        ((np.empty(3), [1, 2, 3]), "out must be float64 .*, got list"),
    ],
)
def test_wrong_out(out, message):
    with pytest.raises(ValueError, match=message):
        sample_variance_step()(np.ones(3), np.ones(3), out=out)


def test_nan_in_nan_out(backend):
    """NaN passes through, at its own place only."""
    step = sample_variance_step(backend=backend)
    nan = math.nan
    for m2, v2 in ((nan, 1.0), (1.0, nan), (nan, nan), (nan, 0.0), (0.0, nan)):
        assert all(map(math.isnan, step(m2, v2)))
        assert all(map(math.isnan, step.full(m2, v2)))
    a, b = step(np.array([1.0, nan]), 1.0)
    assert np.isnan([a[1], b[1]]).all()
    assert np.isfinite([a[0], b[0]]).all()


def test_zeros(backend):
    """Both zero: only the bias variance is left, and without it no correlation. -0.0 counts as 0."""
    step = sample_variance_step(backend=backend)
    assert step(0.0, 0.0) == (0.0, 0.0)
    assert step(-0.0, -0.0) == (0.0, 0.0)
    assert step(3.0, 0.0) == (3.0, 0.0)
    assert all(map(math.isnan, step.full(0.0, 0.0)[2:]))
    assert sample_variance_step(bias_variance=0.5, backend=backend).full(0.0, 0.0) == (0.5, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("m2", "v2", "message"),
    [
        (-1.0, 1.0, r"m2 must not be negative, got -1\.0$"),
        (1.0, -5e-324, r"v2 must not be negative, got -5e-324$"),
        (math.inf, 1.0, r"m2 must be at most 2\*\*1022, got inf$"),
        (1.0, 5e307, r"v2 must be at most 2\*\*1022, got 5e\+307$"),
        (np.ones(40000), np.r_[np.ones(39000), -2.0, np.ones(999)], r"v2 must .* got -2\.0 at index 39000$"),
        ([1.0, math.nan], [-3.0, 1.0], r"v2 must not be negative, got -3\.0 at index 0$"),
    ],
)
def test_domain_errors_name_argument_rule_and_value(m2, v2, message, backend):
    step = sample_variance_step(backend=backend)
    for function in (step, step.full):
        with pytest.raises(ValueError, match=message):
            function(m2, v2)


@pytest.mark.parametrize("value", ["1", 1j, None, [True], object()])
def test_what_is_not_real_numbers(value):
    with pytest.raises(TypeError, match="m2 must be made of real numbers"):
        sample_variance_step()(value, 1.0)


def test_largest_arguments(backend):
    """Up to 2**1022 nothing overflows inside; a result beyond the floats is inf and raises no warning."""
    top = 2.0**1022
    step = sample_variance_step(backend=backend)
    p = Parameters(0.0, 2.0, 0.0)
    for m2, v2 in ((top, top), (top, 0.0), (0.0, top), (1.0, top), (top, 1.0)):
        for got, want in zip(step(m2, v2), (exact(p, m2, v2)[k] for k in ("m2", "v2")), strict=True):
            assert ulps(got, want) <= 3
    assert sample_variance_step(gain=100.0, backend=backend)(np.array([top]), 1.0)[0][0] == math.inf
    assert sample_variance_step(gain=100.0, backend=backend)(top, 1.0)[0] == math.inf


@pytest.mark.parametrize("gain", [2.0, 0.3, 20.0])
def test_subnormal_arguments(gain, backend):
    """Below 2**-1022 the spacing of the inputs limits: within (1 + gain) smallest floats, or 3 ulps."""
    step = sample_variance_step(gain=gain, backend=backend)
    p = Parameters(0.0, gain, 0.0)
    tiny = 2.0**-1074
    for m2 in (0.0, tiny, 5 * tiny, 1001 * tiny, 2.0**-1023, 1.0):
        for v2 in (tiny, 2 * tiny, 7 * tiny, 999 * tiny, 3 * 2.0**-1025):
            want = exact(p, m2, v2)
            for got, name in zip(step(m2, v2), ("m2", "v2"), strict=True):
                assert ulps(got, want[name]) <= 3 or abs(got - float(want[name])) <= (1 + gain) * tiny


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "rellu"}, "unknown activation 'rellu'; did you mean relu"),
        ({"activation": "leaky-relu(a)"}, "activation parameters must be numbers, got 'a'"),
        ({"activation": "leaky-relu(1e-)"}, "'1e-'"),
        ({"activation": "leaky-relu(1e9)"}, "slope must be between -1e6 and 1e6, got 1000000000.0"),
        ({"gain": 0.0}, "gain must be positive and finite, got 0.0"),
        ({"gain": math.nan}, "gain must be positive and finite, got nan"),
        ({"gain": "2"}, "gain must be a number, got '2'"),
        ({"bias_variance": -1}, "bias_variance must be finite and not negative, got -1.0"),
        ({"bias_variance": math.inf}, "bias_variance must be finite"),
        ({"activation": "tanh", "backend": "numba"}, "backend must be numpy for what is computed by quadrature"),
        ({"activation": "tanh", "domain": (2.0, 1.0)}, "domain must be two increasing positive variances"),
        ({"backend": "cupy"}, "backend must be one of numpy, numba, got 'cupy'"),
    ],
)
def test_bad_parameters(arguments, message):
    with pytest.raises(ValueError, match=message):
        sample_variance_step(**arguments)


def test_missing_numba_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "numba", None)
    with pytest.raises(ImportError, match=r"pip install 'varprop\[fast\]'"):
        sample_variance_step("leaky-relu(0.77)", backend="numba")


def test_properties():
    step = sample_variance_step("Leaky_ReLU(0.2)", gain=1, bias_variance=0.5)
    assert (step.slope, step.gain, step.bias_variance, step.backend) == (0.2, 1.0, 0.5, "numpy")
    assert "multiply(" in step.source
    assert "slope 0.2" in repr(step)
    assert sample_variance_step("leaky-relu(0.2)", 1.0, 0.5) is step
