"""Standard errors, the jackknife and `detectable` against exact formulas, to the few per cent that a run leaves.

One linear layer of normal weights is known exactly: s_t = x_t w + b with |w|^2 a multiple of a chi-square variable.
"""

import math

import numpy as np
import pytest
from scipy import stats

from numerics.curves import predict
from numerics.network import Network
from numerics.simulation import simulate
from numerics.simulation.moments import Moments
from numerics.simulation.redrawn import Redrawn
from numerics.simulation.result import decomposition_estimates
from numerics.simulation.streams import restartable
from numerics.simulation.tails import Tails
from numerics.simulation.unit_moments import UnitMoments, jackknife
from numerics.verification import verify

RUNS = 40_000


def chi_square(n):
    """E[(chi^2_n/n)^2]."""
    return 1 + 2 / n


def test_over_networks_forward_and_backward():
    """Three linear layers: each mean square is a product of independent chi-square variables over their numbers."""
    widths = (40, 30, 50, 20)
    run = simulate(Network(widths=widths, gain=1.0), rng=1, networks=RUNS)
    forward = np.cumprod([chi_square(n) for n in widths])
    # W^{i+1} g is normal given g, of as many numbers as s^i has units.
    backward = np.cumprod([chi_square(n) for n in widths[:0:-1]])[::-1]
    expected = {
        "var_z": forward[:-1],
        "var_s": forward[1:],
        "var_grad_s": backward,
        "var_grad_w": forward[:-1] * backward,
    }
    for name, second in expected.items():
        scale = np.square(predict(run.network).columns[name])
        exact = np.sqrt((second - 1) * scale / RUNS)
        np.testing.assert_allclose(run.standard_error[name], exact, rtol=0.02, err_msg=name)


def exact_decomposition(n, T, gain, bias):
    """Covariance over networks of one unit's debiased m2 and its v2 with T normal samples, for one linear layer."""
    fourth = gain**2 * chi_square(n)
    m2 = 2 * bias**2 + 4 * bias * gain / T + fourth * (2 / T**2 + 2 / (T**2 * (T - 1)))
    v2 = fourth * (1 + 2 / (T - 1)) - gain**2
    return m2, v2, -2 * fourth / (T * (T - 1))


def test_over_both():
    """m2, v2, their ratio and their sum, for a single unit: variances, covariance and the delta method by hand."""
    n, T, gain, bias = 20, 5, 1.3, 0.7
    network = Network(widths=[n, 1], gain=gain, bias_variance=bias)
    run = simulate(network, over="both", networks=RUNS, samples=T, rng=2)
    mm, vv, mv = exact_decomposition(n, T, gain, bias)
    ratio = (gain**2 * mm + bias**2 * vv - 2 * gain * bias * mv) / (gain + bias) ** 4
    exact = {"m2": mm, "v2": vv, "var_s": mm + vv + 2 * mv, "rho": ratio}
    values = {"m2": bias, "v2": gain, "var_s": gain + bias, "rho": bias / (gain + bias)}
    for name, variance in exact.items():
        error = math.sqrt(variance / RUNS)
        # The tails of a squared normal leave a per cent of the error to chance.
        assert run.standard_error[name][0] == pytest.approx(error, rel=0.025), name
        assert abs(run.estimate[name][0] - values[name]) < 4.5 * error, name


def test_a_ratio_and_a_sum_have_the_errors_of_their_linear_parts():
    """m2/(m2 + v2) is (v2 dm2 - m2 dv2)/(m2 + v2)^2 about the means: its scatter from network to network, to 12 digits.

    With means that are apart, far spread and correlated, positively and negatively.
    """
    rng, R = np.random.default_rng(10), 500
    common, m2, v2 = rng.gamma(2, size=(3, 3, R))
    sign = np.array([[1.0], [0.0], [-0.2]])
    pairs = np.stack([m2 + common, 5 + v2 + sign * common])
    moments = Moments()
    moments.add(pairs)
    estimate, error = decomposition_estimates(moments)
    a, b = pairs.mean(axis=-1, keepdims=True)
    parts = {
        "m2": pairs[0],
        "v2": pairs[1],
        "var_s": pairs.sum(axis=0),
        "rho": (b * pairs[0] - a * pairs[1]) / (a + b) ** 2,
    }
    for name, values in parts.items():
        np.testing.assert_allclose(error[name], stats.sem(values, axis=-1), rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(estimate["rho"], (a / (a + b))[:, 0], rtol=1e-13)


def test_the_scatter_of_many_runs_is_what_each_quotes():
    """2000 runs of 20 networks: the mean of the squared errors is the variance, for m2 and v2 without bias."""
    n, T, gain, bias = 20, 5, 1.3, 0.7
    network, rng = Network(widths=[n, 1], gain=gain, bias_variance=bias), np.random.default_rng(3)
    runs = [simulate(network, over="both", networks=20, samples=T, rng=rng) for _ in range(2000)]
    mm, vv, _ = exact_decomposition(n, T, gain, bias)
    for name, variance in (("m2", mm), ("v2", vv)):
        quoted = np.mean([run.standard_error[name][0] ** 2 for run in runs])
        assert quoted == pytest.approx(variance / 20, rel=0.05), name
        assert np.var([run.estimate[name][0] for run in runs]) == pytest.approx(variance / 20, rel=0.15), name


def test_jackknife():
    """Normal samples of mean mu and variance a: exact variances of the debiased square of the mean, and of s^2."""
    T, mu, a, units = 512, 0.6, 1.0, 400
    y = mu + np.random.default_rng(4).standard_normal((units, T))
    squared = []
    for row in y:
        moments = UnitMoments(T, 32)
        moments.add(row[None, :, None], 0)
        estimate, error = jackknife(moments)
        squared.append([*error**2])
        assert estimate[1] == pytest.approx(row.var(ddof=1), rel=1e-12)
    m2 = 4 * mu**2 * a / T + 2 * a**2 / T**2 + 2 * a**2 / (T**2 * (T - 1))
    v2 = 2 * a**2 / (T - 1)
    rho = (a**2 * 4 * mu**2 * a / T + mu**4 * v2) / (mu**2 + a) ** 4
    # A mean of 400 squared jackknife errors of 32 batches scatters by sqrt(2/31/400), 1.3 %.
    for found, exact in zip(np.mean(squared, axis=0), (m2, v2, rho), strict=True):
        assert found == pytest.approx(exact, rel=0.04)


def test_over_the_units_of_a_layer():
    """A layer of N independent normal units: the error of their variance is sqrt(2/(N - 1)) of it."""
    N = 20_000
    run = simulate(Network(widths=[N, N], gain=1.0), over="layer", rng=5)
    variance = run.estimate["var_s"][0]
    assert run.standard_error["var_s"][0] / variance == pytest.approx(math.sqrt(2 / (N - 1)), rel=0.03)
    # Behind it lies the input alone: |x|^2/N has the relative variance 2/N.
    assert run.network_error["var_s"][0] / variance == pytest.approx(math.sqrt(2 / N), rel=0.03)


def test_detectable_is_the_error_that_passes_the_threshold_by_the_quantile_of_its_power():
    """An error of delta moves the estimate by delta, whose spread is r (1 + delta): 99 % lie beyond c r."""
    networks = 1000
    run = simulate(Network(widths=[64, 48, 64], gain=1.0), rng=6, networks=networks)
    found = verify(predict(run.network), run)
    margin = stats.t.ppf(0.99, networks - 1)
    for row in found.comparisons:
        r = row.standard_error / row.estimate
        assert row.standard_error == run.standard_error[row.quantity][row.layer]
        assert (row.detectable - found.threshold * r) / (r * (1 + row.detectable)) == pytest.approx(margin, rel=1e-9)


@pytest.mark.parametrize(("spread", "networks", "alive"), [(0.5, 100_000, 1.0), (3.0, 2000, 1.0), (2.0, 4000, 0.25)])
def test_tails_of_log_normal_averages(spread, networks, alive):
    """Quantiles of a log-normal law, some networks at 0: E[X^2]/E[X]^2 = exp(spread^2)/alive, seen or not."""
    living = int(alive * networks)
    values = np.exp(spread * stats.norm.ppf((np.arange(living) + 0.5) / living))
    tails = Tails()
    for part in np.array_split(np.pad(values, (0, networks - living))[None], 7, axis=1):
        tails.add(part)
    error, skewness = (side[0] for side in tails.of_mean())
    w = math.exp(spread**2)
    second, third = w / alive - 1, w**3 / alive**2 - 3 * w / alive + 2
    assert skewness == pytest.approx(third / second**1.5 / math.sqrt(networks), rel=0.25 if spread > 1 else 0.01)
    # A run of 100 000 shows a short tail by itself.
    assert error == (pytest.approx(math.sqrt(second / networks), rel=0.1) if spread > 1 else 0.0)
    assert spread < 1 or values.std() / values.mean() / math.sqrt(networks) < error


def test_a_matrix_drawn_in_blocks_is_one_matrix(monkeypatch):
    """Forward and backward see the same rows, whatever the block, and no more is held than a block."""
    import numerics.simulation.redrawn as redrawn
    from numerics.laws import law

    restart = restartable(np.random.default_rng(7))
    monkeypatch.setattr(redrawn, "BLOCK_NUMBERS", 20)
    matrix = Redrawn(11, 6, law("normal"), restart, np.empty(26))
    dense = matrix.forward(np.eye(11))
    np.testing.assert_allclose(matrix.back(np.eye(6)), dense.T, rtol=1e-15)
    np.testing.assert_allclose(dense, law("normal").sample((11, 6), rng=restart()), rtol=1e-15)


def test_large_networks_redraw_their_weights(monkeypatch):
    """Beyond the limit the estimates are of the same law, forward, backward and over samples."""
    import numerics.simulation.brute as brute
    import numerics.simulation.forward as forward
    import numerics.simulation.redrawn as redrawn

    network = Network(widths=[9, 14, 7, 5], gain=[1.2, 0.8, 1.1], bias_variance=0.1, gradient_variance=2.0)
    for module, name, value in (
        (brute, "_HELD_NUMBERS", 50),
        (brute, "BLOCK_NUMBERS", 30),
        (redrawn, "BLOCK_NUMBERS", 30),
        (forward, "BLOCK_NUMBERS", 30),
        (forward, "_GROUP_NUMBERS", 1),
        (brute, "_GROUP_NUMBERS", 1),
    ):
        monkeypatch.setattr(module, name, value)
    run = simulate(network, rng=8, networks=4000)
    found = verify(predict(network), run)
    assert found.agrees, found.text()
    assert max(row.detectable for row in found.comparisons) < 0.35
    both = simulate(network, over="both", rng=9, networks=3000, samples=6, method="brute")
    found = verify(predict(network, theory="wide"), both)
    assert found.agrees, found.text()


def test_a_large_matrix_takes_no_more_memory_than_a_block():
    """Width 3000: 72 MB a matrix, of which 16 MiB and a row are held at a time."""
    import tracemalloc

    tracemalloc.start()
    try:
        simulate(Network(widths=[3000] * 3, gain=1.0), over="both", networks=2, samples=2, method="brute", rng=1)
        assert tracemalloc.get_traced_memory()[1] < 24 * 2**20
    finally:
        tracemalloc.stop()
