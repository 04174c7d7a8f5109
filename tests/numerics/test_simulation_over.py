"""Over samples, over a layer's units and over both: unbiased, honest errors, the same however computed."""

import json
import math
import tracemalloc

import numpy as np
import pytest
from wide_limit import wide_limit

from numerics.network import Network
from numerics.simulation import simulate
from numerics.simulation.batch import Recorder
from numerics.simulation.forward import ForwardPass
from numerics.simulation.single import over_samples
from numerics.simulation.unit_moments import UnitMoments, jackknife


def relu(width=64, depth=4, **options):
    return Network(**({"widths": [width] * (depth + 1), "activation": "relu", "gain": 2.0} | options))


# --- estimators ---


def test_unit_moments_are_the_textbooks():
    """Variance over samples and debiased squared mean of each unit, in blocks of any size, at a mean of 1e6."""
    y = 1e6 + np.random.default_rng(1).standard_normal((3, 50, 7))
    for blocks in ([50], [1, 49], [20, 20, 10]):
        moments, start = UnitMoments(50, 5), 0
        for size in blocks:
            moments.add(y[:, start : start + size], start)
            start += size
        squares, variances = moments.by_unit()
        np.testing.assert_allclose(variances, y.var(axis=1, ddof=1), rtol=1e-8)
        np.testing.assert_allclose(squares, y.mean(axis=1) ** 2 - y.var(axis=1, ddof=1) / 50, rtol=1e-14)
        without = np.delete(y, slice(10, 20), axis=1)
        np.testing.assert_allclose(moments.leaving_out()[1, 1], without.var(axis=1, ddof=1).mean(axis=1), rtol=1e-8)


def test_two_samples_are_enough_and_unbiased():
    """With T = 2 the squared sample mean exceeds m² by v²/2: the debiased one does not, and m² = 0 stays 0."""
    network = Network(widths=[6, 5, 4], gain=[1.0, 2.0], activation="relu", bias_variance=[0.25, 0.0])
    found = {T: simulate(network, over="both", networks=20_000, samples=T, rng=T) for T in (2, 20)}
    for name in ("m2", "v2", "var_s"):
        spread = np.hypot(*(run.standard_error[name] for run in found.values()))
        assert (np.abs(found[2].estimate[name] - found[20].estimate[name]) < 4.5 * spread).all()
    # Layer 0 is exact at any width: m² is the bias variance, v² = n_0 Var[W^0] Var[x].
    for name, exact in (("m2", 0.25), ("v2", 1.0)):
        assert abs(found[2].estimate[name][0] - exact) < 4.5 * found[2].standard_error[name][0]
    # The bias that is removed would be seen.
    assert found[2].estimate["v2"][0] / 2 > 20 * found[2].standard_error["m2"][0]


def test_total_is_exact_at_any_width():
    """m² + v² is the variance over networks and samples, which He's half gives for any width: 2^i halves."""
    found = simulate(relu(3, 5), over="both", networks=20_000, samples=4, rng=3)
    np.testing.assert_allclose(found.estimate["var_s"], found.estimate["m2"] + found.estimate["v2"], rtol=1e-12)
    score = (found.estimate["var_s"] - 2) / found.standard_error["var_s"]
    assert np.abs(score).max() < 4.5


def test_standard_errors_over_networks_are_the_scatter():
    """Sixty networks at a time, 300 times: quoted errors of m², v² and ρ are the scatter of the estimates."""
    rng = np.random.default_rng(4)
    runs = [simulate(relu(8, 3), over="both", networks=60, samples=5, rng=rng) for _ in range(300)]
    for name in ("m2", "v2", "rho", "var_s"):
        scatter = np.std([run.estimate[name] for run in runs], axis=0)
        quoted = np.sqrt(np.mean([run.standard_error[name] ** 2 for run in runs], axis=0))
        np.testing.assert_allclose(quoted, scatter, rtol=0.13)


def test_jackknife_is_the_scatter_over_samples():
    """One network, new inputs 300 times: m², v² and ρ of layers 1 and 2; at layer 0, where m² = 0, too large."""
    passing = ForwardPass(relu(20, 3), method="brute", samples=100)
    rng = np.random.default_rng(5)
    runs = []
    for _ in range(300):
        moments = [UnitMoments(100, 32) for _ in range(3)]
        for i, start, _, s in passing.layers(lambda: np.random.default_rng(6), rng, 1):
            moments[i].add(s, start)
        runs.append([jackknife(layer) for layer in moments])
    estimates, errors = np.moveaxis(np.array(runs), 2, 0)
    ratio = np.sqrt((errors**2).mean(axis=0)) / estimates.std(axis=0)
    assert (np.abs(ratio[1:] - 1) < 0.13).all()
    assert abs(ratio[0, 1] - 1) < 0.13
    assert 1 < ratio[0, 0] < 1.7


@pytest.mark.parametrize("name", ["relu", "leaky-relu(0.5)", "tanh"])
def test_one_network_states_how_far_it_is_from_the_others(name):
    """Over 150 networks of width 40 the scatter of v² and m² + v² is at most what each quotes, and not far less."""
    network, rng = relu(40, 5, activation=name, gain=1.5), np.random.default_rng(6)
    passing = ForwardPass(network, method="brute", samples=60)
    runs = [over_samples(passing, Recorder(), rng.spawn(1)[0], lambda: None) for _ in range(150)]
    for column in ("m2", "v2", "rho") if name != "tanh" else ("v2",):
        scatter = np.std([run[0][column] for run in runs], axis=0)
        quoted = np.sqrt(np.mean([run[1][column] ** 2 + run[2][column] ** 2 for run in runs], axis=0))
        assert (quoted[1:] > 0.8 * scatter[1:]).all(), column
        assert (quoted[1:] < 4 * scatter[1:]).all(), column
        # The error over samples alone would be far too small in the last layers.
        assert np.mean([run[1][column][-1] for run in runs]) < 0.7 * scatter[-1], column


def test_layer_randomness():
    """Over 600 networks: unbiased, the scatter is the two quoted errors together, 5 l/N and 2/N of the square."""
    network, rng = relu(50, 5), np.random.default_rng(7)
    runs = [simulate(network, over="layer", rng=rng) for _ in range(600)]
    estimates = np.array([run.estimate["var_s"] for run in runs])
    errors = np.array([[run.standard_error["var_s"], run.network_error["var_s"]] for run in runs])
    assert (np.abs(estimates.mean(axis=0) - 2) < 4.5 * estimates.std(axis=0) / math.sqrt(600)).all()
    np.testing.assert_allclose(np.sqrt((errors**2).sum(axis=1).mean(axis=0)), estimates.std(axis=0), rtol=0.1)
    # The theory of layer-variance: given what enters, 2/n; behind it 2/n for the input and 5/n for each ReLU layer.
    relative = (errors / estimates[:, None]) ** 2
    layers = np.arange(5)
    np.testing.assert_allclose(np.median(relative[:, 0], axis=0), 2 / 50, rtol=0.2)
    np.testing.assert_allclose(relative[:, 1].mean(axis=0), (2 + 5 * layers) / 50, rtol=0.1)


# --- against the wide limit, by every law ---


@pytest.mark.parametrize("law", ["normal", "uniform", "rademacher", "truncated-normal"])
@pytest.mark.parametrize(("width", "networks", "slope"), [(128, 120, 0), (1024, 6, 0.2)])
def test_wide_networks_follow_the_recursion(law, width, networks, slope):
    """m² and v² at layers 0 to 3, within 4.5 standard errors and a bias of 6/N; with biases."""
    network = Network(
        widths=[width] * 5,
        activation=f"leaky-relu({slope})",
        gain=[1.0, 2.0, 1.5, 2.0],
        bias_variance=[0.0, 0.1, 0.0, 0.2],
        weight_law=law,
    )
    found = simulate(network, over="both", networks=networks, samples=8, rng=8)
    for name, expected in wide_limit(network, slope).columns.items():
        slack = 4.5 * found.standard_error[name] + 6 / width * expected
        assert (np.abs(found.estimate[name] - expected) < slack).all(), name
        # Strong enough to tell K(m, v) from its neighbours: a tenth would be seen at N = 128.
        assert width > 128 or (slack[1:] < 0.3 * expected[1:]).all()


# --- reproducible, bounded, recorded ---


def same(one, two, rtol=0.0):
    for side in ("estimate", "standard_error", "network_error"):
        for name, values in getattr(one, side).items():
            np.testing.assert_allclose(getattr(two, side)[name], values, rtol=rtol)
    for layer, values in one.recorded.items():
        np.testing.assert_allclose(two.recorded[layer], values, rtol=rtol)


@pytest.mark.parametrize("method", ["brute", "conditional"])
def test_same_seed_same_numbers_whatever_the_workers(method):
    """Bit for bit, recorded neurons included; the seed in the result repeats the run."""
    options = {"over": "both", "networks": 70, "samples": 6, "record_layers": [1], "method": method}
    first = simulate(relu(60, 3), rng=9, **options)
    same(first, simulate(relu(60, 3), rng=9, workers=3, **options))
    same(first, simulate(relu(60, 3), rng=first.seed.generator(), progress=True, **options))
    with pytest.raises(AssertionError):
        same(first, simulate(relu(60, 3), rng=10, **options))


def test_norm_law_is_the_same_whatever_the_workers():
    """More networks than one group holds."""
    options = {"inputs": "fixed", "networks": 9000, "record_layers": [0, 2]}
    same(simulate(relu(), rng=9, **options), simulate(relu(), rng=9, workers=2, **options))


def test_same_numbers_whatever_the_block():
    """Samples in one block or in many: the same inputs and weights, and sums that differ by rounding."""
    results = []
    for block in (100, 33, 1):
        passing = ForwardPass(relu(12, 3), method="brute", samples=100, block=block)
        recorder = Recorder([2], 2)
        columns = over_samples(passing, recorder, np.random.default_rng(10), lambda: None)
        results.append([*columns[0].values(), *columns[1].values(), recorder.collected()[2]])
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-16)


def test_many_samples_take_no_more_memory():
    """Forty thousand samples of width 100 would take 32 MB a layer; a block of 21 000 is what is held."""

    def peak(samples):
        tracemalloc.start()
        simulate(relu(100, 2), over="sample", samples=samples, rng=1)
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(60_000) < 1.1 * peak(22_000)
    assert peak(60_000) < 3 * 16.8 * 2**20


def test_recorded_shapes_and_values():
    """(networks, samples, units), with the defaults of the post's three experiments."""
    shapes = {
        "network": ({"networks": 9, "inputs": "fixed"}, (9, 1, 1)),
        "sample": ({"samples": 11}, (1, 11, 3)),
        "layer": ({}, (1, 1, 64)),
        "both": ({"networks": 4, "samples": 5}, (4, 5, 1)),
    }
    for over, (options, shape) in shapes.items():
        found = simulate(relu(), over=over, rng=1, record_layers=[3, 0, 3], **options)
        assert {layer: values.shape for layer, values in found.recorded.items()} == {0: shape, 3: shape}
        json.dumps(found.to_dict(), allow_nan=False)
    layer = simulate(relu(), over="layer", rng=1, record_layers=[3])
    assert layer.recorded[3].var(ddof=1) == pytest.approx(layer.estimate["var_s"][3], rel=1e-12)
    gradients = simulate(relu(), rng=1, networks=20, record_layers=[1], record_units=64)
    assert (gradients.recorded[1] ** 2).mean() == pytest.approx(gradients.estimate["var_s"][1], rel=1e-12)


def test_what_was_averaged_is_said():
    """Each kind names what its variances are over, and that squared means are debiased."""
    words = {
        "both": "share v2/5 is removed",
        "sample": "over 5 samples in one network",
        "layer": "over the units of a layer",
    }
    options = {"both": {"networks": 3, "samples": 5}, "sample": {"samples": 5}, "layer": {}}
    for over, phrase in words.items():
        assert phrase in simulate(relu(8), over=over, rng=1, **options[over]).averaged
    assert "one fixed input" in simulate(relu(8), inputs="fixed", rng=1).averaged
    assert "output gradient" in simulate(relu(8), rng=1, networks=3).averaged
    assert "gradient" not in simulate(relu(8), rng=1, networks=3, quantities=["var_s"]).averaged


def test_layers_of_one_unit():
    """Nothing can be said over the units of a layer of one; there is no warning."""
    narrow = Network(widths=[3, 1, 2], gain=2.0, activation="relu")
    assert math.isnan(simulate(narrow, over="layer", rng=1).estimate["var_s"][0])
    found = simulate(narrow, over="sample", rng=1, samples=10)
    assert np.isfinite(found.estimate["v2"]).all()
    assert not np.isfinite(found.network_error["v2"]).any()
