"""The bias of finite widths: a fit that sees 1/N where it is, refuses it where it is not, and repairs a verdict."""

import json
import math

import numpy as np
import pytest
from scipy.optimize import curve_fit
from wide_limit import WideLimit, wide_limit

from derive.errors import InputError
from numerics.finite_width import _fit, finite_width_bias
from numerics.network import Network
from numerics.simulation import simulate
from numerics.verification import verify


def relu(width=64, depth=5, **options):
    return Network(**({"widths": [width] * (depth + 1), "activation": "relu", "gain": 2.0} | options))


@pytest.fixture(scope="module")
def bias():
    return finite_width_bias(relu(), wide_limit, widths=(16, 32, 64, 128), networks=2500, samples=8, rng=1)


def test_the_bias_shrinks_like_one_over_the_width(bias):
    """c/N fits every quantity, and a constant does not fit v² of the last layer."""
    assert {(fit.quantity, fit.layer) for fit in bias.fits} == (
        {("v2", layer) for layer in range(5)} | {(name, layer) for name in ("m2", "rho") for layer in range(1, 5)}
    )
    # Bonferroni: 13 fits.
    assert min(fit.p_value for fit in bias.fits) > 0.01 / 13
    last = bias.fit("v2", 4)
    assert last.p_constant < 1e-10
    assert last.c > 10 * last.standard_error
    assert bias.fit("m2", 0) is None


def test_layer_zero_has_no_bias(bias):
    """There v² is exact at any width: the fit finds c = 0 within its error."""
    fit = bias.fit("v2", 0)
    assert abs(fit.c) < 4 * fit.standard_error


def test_exact_sum_has_no_bias():
    """m² + v² is exact at any width; a prediction of it that is 10 % off has a bias that does not shrink."""

    def off(network):
        right = wide_limit(network)
        return WideLimit(network, {name: 1.1 * values for name, values in right.columns.items()}, {})

    options = {"widths": (16, 64, 256), "networks": 600, "samples": 4, "quantities": ["var_s"], "rng": 2}
    for fit in finite_width_bias(relu(depth=3), wide_limit, **options).fits:
        assert abs(fit.c) < 4 * fit.standard_error
    wrong = finite_width_bias(relu(depth=3), off, **options)
    assert all(fit.p_value < 1e-6 < fit.p_constant for fit in wrong.fits)


def test_fit_on_numbers_made_by_hand():
    """3/N with known noise gives c = 3 within its error, and its chi-square has its law; 3/sqrt(N) is refused."""
    widths, rng, scores, p_values = (32, 64, 128, 256), np.random.default_rng(3), [], []
    N, error = np.array(widths, float), np.array([0.02, 0.01, 0.005, 0.004])
    for _ in range(2000):
        fit = _fit(0, "v2", widths, list(3 / N + error * rng.standard_normal(4)), list(error))
        scores.append((fit.c - 3) / fit.standard_error)
        p_values.append(fit.p_value)
    assert np.std(scores) == pytest.approx(1, abs=0.06)
    assert abs(np.mean(scores)) < 0.1
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.02)
    assert _fit(0, "v2", widths, list(3 / np.sqrt(N)), list(error)).p_value < 1e-6


def test_bias_error_and_fit_are_those_of_the_simulations():
    """Each width drawn again from the same generator: <estimate>/predicted - 1, its error, and c by SciPy."""
    network, widths = relu(depth=2), (8, 16, 32)
    found = finite_width_bias(network, wide_limit, widths=widths, networks=50, samples=4, rng=np.random.default_rng(6))
    rng, N = np.random.default_rng(6), np.array(widths, float)
    runs = [simulate(relu(width, 2), over="both", networks=50, samples=4, rng=rng) for width in widths]
    limit = wide_limit(network).columns
    limit = limit | {"rho": limit["m2"] / (limit["m2"] + limit["v2"])}
    assert len(found.fits) == 4
    for fit in found.fits:
        predicted = limit[fit.quantity][fit.layer]
        bias = np.array([run.estimate[fit.quantity][fit.layer] for run in runs]) / predicted - 1
        error = np.array([run.standard_error[fit.quantity][fit.layer] for run in runs]) / predicted
        (c,), ((variance,),) = curve_fit(lambda n, c: c / n, N, bias, p0=[1.0], sigma=error, absolute_sigma=True)
        np.testing.assert_allclose(fit.bias, bias, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(fit.error, error, rtol=1e-9)
        assert (fit.c, fit.standard_error) == pytest.approx((c, math.sqrt(variance)), rel=1e-6)
        assert fit.chi_square == pytest.approx((((bias - c / N) / error) ** 2).sum(), rel=1e-6)


def test_verdict_with_the_bias_allowed_for(bias):
    """At N = 32 the wide limit differs; with c/N it agrees, and a prediction that is 15 % off still differs."""
    network = relu(32)
    found, limit = simulate(network, over="both", networks=2000, samples=8, rng=4), wide_limit(network)
    plain = verify(limit, found)
    assert {row.quantity for row in plain.comparisons if row.verdict == "differs"} >= {"v2", "rho"}
    allowed = verify(limit, found, width_bias=bias)
    assert allowed.agrees, allowed.text()
    assert "width bias" in allowed.text()
    assert next(row for row in allowed.comparisons if row.name == "v²[s^4]").width_bias == bias.fit("v2", 4).c / 32
    wrong = verify(limit.altered("v2", 4, 1.15), found, width_bias=bias)
    assert "v²[s^4]" in [row.name for row in wrong.comparisons if row.verdict == "differs"]
    # A column that claims to be exact is not helped.
    exact = WideLimit(network, limit.columns, {"m2": True, "v2": True})
    assert not verify(exact, found, width_bias=bias).agrees


def test_plain_data_and_text(bias):
    """JSON, and a table with a line for each fit."""
    data = json.loads(json.dumps(bias.to_dict(), allow_nan=False))
    assert len(data["fits"]) == len(bias.fits)
    assert len(str(bias).splitlines()) == len(bias.fits) + 3


def test_bad_input_gets_one_clear_line(bias):
    """Unequal widths, too few of them, no such column, and a bias of another network."""
    for change, message in (
        ({"network": Network(widths=[4, 5], gain=1.0)}, "network must have equal widths, got (4, 5)"),
        ({"widths": (32, 32)}, "widths must hold at least two different widths, got [32, 32]"),
        ({"widths": (1, 32)}, "widths must be an integer of at least 2, got 1"),
        ({"quantities": ["var_z"]}, "the prediction has no column var_z"),
    ):
        arguments = {"network": relu(depth=1), "predict": wide_limit, "networks": 2} | change
        with pytest.raises(InputError) as caught:
            finite_width_bias(**arguments)
        assert str(caught.value) == message
    other = relu(32, gain=1.9)
    with pytest.raises(InputError, match="differs from the simulated one in its width only"):
        verify(wide_limit(other), simulate(other, over="both", networks=2, rng=1), width_bias=bias)


def test_gains_that_are_not_exact_in_binary(bias):
    """n (2/n) is 2 up to rounding: a bias is still about the network."""
    assert bias.explains(relu(49))
    assert not math.isclose(relu(49).weight_variance[0], 2 / 48)
