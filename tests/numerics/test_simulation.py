"""Brute force against scalar loops, finite differences and closed forms; streams, memory, bad input."""

import math
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from sympy import exp

from derive.activations import Activation, s
from derive.errors import InputError
from numerics.network import Network
from numerics.simulation import simulate
from numerics.simulation.brute import QUANTITIES, BruteForce, group_size
from numerics.simulation.moments import Moments

ISSUE = (8, 14, 5, 18, 11, 6)


def closed_forms(network):
    """Glorot & Bengio's products for a linear network with biases, in plain Python, layer by layer."""
    z, pre = [network.input_variance], []
    for n, v, b in zip(network.widths, network.weight_variance, network.bias_variance, strict=False):
        pre.append(n * v * z[-1] + b)
        z.append(pre[-1])
    grad = [network.gradient_variance]
    for i in range(network.d, 0, -1):
        grad.insert(0, network.widths[i + 1] * network.weight_variance[i] * grad[0])
    weight = [zi * gi for zi, gi in zip(z, grad, strict=False)]
    return dict(zip(QUANTITIES, (z[:-1], pre, grad, weight), strict=True))


# --- one network, by hand ---


SCALAR = {
    "linear": lambda a: a,
    "tanh": math.tanh,
    "relu": lambda a: max(a, 0.0),
    "leaky-relu(0.2)": lambda a: a if a > 0 else 0.2 * a,
    "abs": abs,
    # With f(0) = 1/2 the gradient of a weight sees z, and the variance of z its distance from a mean.
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
}


def forward(f, x, weights, biases):
    """z^i and s^i of one network, by scalar loops."""
    zs, pres = [list(x)], []
    for matrix, bias in zip(weights, biases, strict=True):
        pres.append([bias[k] + sum(zs[-1][j] * matrix[j][k] for j in range(len(matrix))) for k in range(len(bias))])
        zs.append([f(a) for a in pres[-1]])
    return zs[:-1], pres


@pytest.mark.parametrize("name", SCALAR)
def test_forward_and_backward_against_scalar_loops_and_finite_differences(name):
    """Gradients are differences of Cost = sum_k g_k s^d_k when one bias or weight is nudged."""
    network = Network(
        widths=[3, 2, 4, 1],
        activation=name,
        weight_variance=[0.5, 1.5, 0.8],
        bias_variance=[0.3, 0.0, 0.2],
    )
    method = BruteForce(network, 2)
    drawn = method.draw(np.random.default_rng(3), 2)
    found = method.averages(drawn)
    squares = found[0].reshape(4, 3, 2)
    for r in range(2):
        x, g = drawn.x[r].tolist(), drawn.gradient[r].tolist()
        scales = np.sqrt(network.weight_variance)
        weights = [(scale * w[r]).tolist() for scale, w in zip(scales, drawn.weights, strict=True)]
        sizes = network.widths[1:]
        biases = [[0.0] * m if b is None else b[r].tolist() for m, b in zip(sizes, drawn.biases, strict=True)]

        def slope(cell, k, x=x, g=g, weights=weights, biases=biases):
            """Nudge one number of the network; return the difference quotient of the cost."""
            kept, costs = cell[k], []
            for step in (1e-6, -1e-6):
                cell[k] = kept + step
                last = forward(SCALAR[name], x, weights, biases)[1][-1]
                costs.append(sum(a * b for a, b in zip(g, last, strict=True)))
            cell[k] = kept
            return (costs[0] - costs[1]) / 2e-6

        zs, pres = forward(SCALAR[name], x, weights, biases)
        for i in range(3):
            n, m = len(weights[i]), len(biases[i])
            centre = 0.0 if i == 0 else SCALAR[name](0.0)
            assert squares[0, i, r] == pytest.approx(sum((a - centre) ** 2 for a in zs[i]) / n)
            assert squares[1, i, r] == pytest.approx(sum(a**2 for a in pres[i]) / m)
            # Nudging b^i_k nudges s^i_k.
            assert squares[2, i, r] == pytest.approx(sum(slope(biases[i], k) ** 2 for k in range(m)) / m, rel=1e-6)
            by_weight = sum(slope(weights[i][j], k) ** 2 for j in range(n) for k in range(m)) / (n * m)
            assert squares[3, i, r] == pytest.approx(by_weight, rel=1e-6)
            if len(found) > 1:
                mean = 0.0 if i == 0 else sum(a - centre for a in zs[i]) / n
                assert found[1].reshape(4, 3, 2)[0, i, r] == pytest.approx(mean)


# --- estimates and their standard errors ---


@pytest.mark.parametrize("law", ["normal", "uniform", "rademacher", "truncated-normal"])
def test_linear_network_has_glorots_variances(law):
    """Exact at any width, for any law: within 4.5 standard errors at 12 000 networks, unequal everything."""
    network = Network(
        widths=ISSUE,
        weight_variance=[0.1, 0.08, 0.2, 0.05, 0.1],
        bias_variance=[0.0, 0.1, 0.0, 0.3, 0.0],
        weight_law=law,
        input_law=law,
        input_variance=0.7,
        gradient_variance=2.0,
    )
    simulation = simulate(network, rng=4, networks=12_000)
    for name, expected in closed_forms(network).items():
        score = (simulation.estimate[name] - expected) / np.maximum(simulation.standard_error[name], 1e-12)
        assert np.abs(score).max() < 4.5, name
        assert (simulation.standard_error[name] < 0.04 * np.array(expected)).all()


def test_standard_error_counts_networks_not_units():
    """Exact standard errors of |x|^2/n and |s^0|^2/m: m units of one network are not m samples."""
    n, m, R = 4, 50, 20_000
    simulation = simulate(Network(widths=[n, m], gain=1.0), rng=5, networks=R)
    # Var[|x|^2/n] = (kurtosis - 1)/n; given x, s is normal, so E[(|s|^2/m)^2] = (1 + 2/m) E[|x|^4]/n^2.
    spread_z = (3 - 1) / n
    spread_s = (1 + 2 / m) * (n * n + 2 * n) / n**2 - 1
    assert simulation.standard_error["var_z"][0] == pytest.approx(math.sqrt(spread_z / R), rel=0.05)
    assert simulation.standard_error["var_s"][0] == pytest.approx(math.sqrt(spread_s / R), rel=0.05)
    units_as_samples = math.sqrt(2 / (m * R))
    assert simulation.standard_error["var_s"][0] > 3 * units_as_samples


def test_rademacher_input_has_no_spread():
    """|z^0|^2/n_0 is the variance in every network."""
    simulation = simulate(Network(widths=[7, 3], gain=1.0, input_law="rademacher", input_variance=0.3), rng=1)
    assert simulation.estimate["var_z"][0] == pytest.approx(0.3, rel=1e-14)
    assert simulation.standard_error["var_z"][0] < 1e-16


def test_variance_of_relu_subtracts_the_mean():
    """With a Rademacher input s^0 is exactly normal: Var[z^1] = (1/2 - 1/(2 pi)) Var[s^0], not half of it."""
    network = Network(widths=[5, 6, 3], gain=2.0, activation="relu", input_law="rademacher")
    simulation = simulate(network, rng=7, networks=40_000)
    estimate, error = simulation.estimate["var_z"][1], simulation.standard_error["var_z"][1]
    assert abs(estimate - (1 - 1 / math.pi)) < 4 * error
    assert abs(estimate - 1) > 40 * error
    # s^1 has mean zero: its variance is gain * E[(z^1)^2], with He's half.
    assert abs(simulation.estimate["var_s"][1] - 2) < 4 * simulation.standard_error["var_s"][1]


def test_variance_about_a_mean_is_unbiased_and_its_standard_error_is_right():
    """Twenty networks at a time, 2000 times: the mean is right, the scatter is the quoted error."""
    network = Network(widths=[5, 2, 1], gain=2.0, activation="relu", input_law="rademacher")
    rng = np.random.default_rng(8)
    runs = [simulate(network, rng=rng, networks=20) for _ in range(2000)]
    estimates = np.array([run.estimate["var_z"][1] for run in runs])
    quoted = np.array([run.standard_error["var_z"][1] for run in runs])
    truth, error = 1 - 1 / math.pi, estimates.std() / math.sqrt(len(estimates))
    assert abs(estimates.mean() - truth) < 4 * error
    # Leaving the bias of the squared mean in would shift the mean by Var[layer mean]/R = Var[z]/(2 * 20).
    assert truth / 2 / 20 > 2.5 * error
    assert math.sqrt((quoted**2).mean()) == pytest.approx(estimates.std(), rel=0.1)


def test_a_large_mean_costs_no_digits():
    """A logistic unit near s = 0: Var[z^1] = Var[s^0]/16 to first order, beside a mean square of 1/4."""
    logistic = Activation("logistic", 1 / (1 + exp(-s)))
    simulation = simulate(
        Network(widths=[5, 4, 1], gain=1e-12, activation=logistic, input_law="rademacher"),
        rng=9,
        networks=4000,
    )
    estimate, error = simulation.estimate["var_z"][1], simulation.standard_error["var_z"][1]
    assert error < 0.02 * estimate
    assert abs(estimate - 1e-12 / 16) < 4 * error


def test_variances_far_from_one_keep_their_standard_errors():
    """At 1e-240 (sixty layers of gain 1e-4) squares of averages have left float64; the errors have not."""
    network = Network(widths=[20] * 62, gain=1e-4)
    simulation, tame = (
        simulate(network, rng=1, networks=50),
        simulate(Network(widths=[20] * 62, gain=1.0), rng=1, networks=50),
    )
    for name in QUANTITIES:
        np.testing.assert_allclose(
            simulation.standard_error[name] / simulation.estimate[name],
            tame.standard_error[name] / tame.estimate[name],
            rtol=1e-9,
        )


def test_overflow_is_visible_and_silent():
    """Beyond float64 an estimate is infinite or not a number; there is no warning and no error."""
    simulation = simulate(Network(widths=[4] * 12, gain=1e60), rng=1, networks=10)
    assert np.isfinite(simulation.estimate["var_z"][3])
    assert not np.isfinite(simulation.estimate["var_z"][-1])


# --- streaming, streams and memory ---


def test_streamed_moments_are_the_moments():
    """Batches of any size give the mean and covariance of all samples together."""
    data = np.random.default_rng(2).normal(1e6, 1.0, (2, 3, 1000))
    moments = Moments()
    for start, stop in pairwise((0, 1, 7, 500, 1000)):
        moments.add(data[..., start:stop])
    for row in range(3):
        np.testing.assert_allclose(moments.mean[:, row], data[:, row].mean(axis=1), rtol=1e-14)
        np.testing.assert_allclose(moments.covariance[..., row], np.cov(data[:, row]), rtol=1e-8)


def test_same_seed_same_numbers_whatever_the_workers():
    """Bit for bit, with a last group that is not full; the seed in the result repeats the run."""
    network = Network(widths=ISSUE, gain=1.0, activation="tanh")
    networks = 3 * group_size(network) + 5
    first = simulate(network, rng=11, networks=networks)
    repeats = [simulate(network, rng=11, networks=networks, workers=workers) for workers in (2, 3)]
    repeats.append(simulate(network, rng=first.seed.generator(), networks=networks, progress=True))
    for again in repeats:
        for name in QUANTITIES:
            np.testing.assert_array_equal(first.estimate[name], again.estimate[name])
            np.testing.assert_array_equal(first.standard_error[name], again.standard_error[name])


@pytest.mark.parametrize("seed", [5, [1, 2], np.int64(5), np.random.SeedSequence(4), np.random.SFC64(3), None])
def test_any_rng_can_be_repeated(seed):
    """A shared generator gives new numbers at every call, and each result knows how to repeat its own."""
    network = Network(widths=[2, 3], gain=1.0)
    rng = np.random.default_rng(seed)
    first, second = (simulate(network, rng=rng, networks=10) for _ in range(2))
    assert first.estimate["var_s"] != second.estimate["var_s"]
    for run in (first, second):
        again = simulate(network, rng=run.seed.generator(), networks=10)
        assert again.estimate["var_s"] == run.estimate["var_s"]
        assert again.seed == run.seed


def test_memory_does_not_grow_with_the_number_of_networks():
    """Ten times the networks, the same peak: under 16 MiB, or little more than one large network."""

    def peak(network, networks):
        tracemalloc.start()
        simulate(network, rng=1, networks=networks)
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    for network in (Network(widths=ISSUE, gain=1.0, activation="relu"), Network(widths=[1] * 6, gain=1.0)):
        peak(network, 2)
        few, many = peak(network, 5 * group_size(network)), peak(network, 50 * group_size(network))
        assert many < 1.02 * few + 20_000
        assert many < 16 * 2**20
    large = Network(widths=[1000, 1000, 1000], gain=1.0)
    assert peak(large, 6) < 1.1 * 8 * 2 * 1000**2


def test_no_progress_bar_in_a_pipe(capsys):
    """Standard error stays empty unless it is a terminal."""
    simulate(Network(widths=[2, 3], gain=1.0), rng=1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"networks": 0}, "networks must be an integer of at least 2, got 0"),
        ({"networks": 1}, "networks must be an integer of at least 2, got 1"),
        ({"networks": 2.5}, "networks must be an integer of at least 2, got 2.5"),
        ({"networks": True}, "networks must be an integer of at least 2, got True"),
        ({"workers": 0}, "workers must be an integer of at least 1, got 0"),
        ({"rng": -1}, "rng must be a non-negative integer seed or a NumPy generator, got -1"),
        ({"rng": "one"}, "rng must be a non-negative integer seed or a NumPy generator, got 'one'"),
        ({"over": "networks"}, "unknown over 'networks'; did you mean network?"),
    ],
)
def test_bad_input_gets_one_clear_line(arguments, message):
    """The error names the argument, the rule and the value."""
    with pytest.raises(InputError) as caught:
        simulate(Network(widths=[2, 3], gain=1.0), **arguments)
    assert str(caught.value) == message


def test_weights_that_do_not_fit_are_refused():
    """An error that names the size, not a MemoryError."""
    with pytest.raises(InputError, match=r"^widths: the weights of one network take 7.45e\+09 GiB"):
        simulate(Network(widths=[10**9, 10**9], gain=1.0), rng=1, networks=2)
