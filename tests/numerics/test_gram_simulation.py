"""Method gram: the Gram matrix of a few samples, drawn for many networks at once; held against the other methods."""

import numpy as np
import pytest

from derive.errors import InputError
from numerics.network import Network
from numerics.simulation import simulate
from numerics.simulation.costs import choose
from numerics.simulation.gram import factors

MIXED = Network(
    widths=[7, 12, 5, 9, 3], activation="tanh", gain=[1.0, 2.0, 1.5, 3.0], bias_variance=[0.3, 0.0, 0.2, 0.1]
)
RELU = Network(widths=[9, 4, 6, 5], activation="relu", gain=2.0, bias_variance=[0.0, 0.1, 0.0], input_law="uniform")
NARROW = Network(widths=[2, 1, 1, 2], activation="linear", gain=1.0)


def z_scores(one, two):
    for name in ("m2", "v2", "rho", "var_s"):
        spread = np.hypot(one.standard_error[name], two.standard_error[name])
        difference = one.estimate[name] - two.estimate[name]
        assert (difference[spread == 0] == 0).all()
        yield from difference[spread > 0] / spread[spread > 0]


@pytest.mark.parametrize("samples", [2, 3, 6])
@pytest.mark.parametrize("network", [MIXED, RELU, NARROW], ids=["tanh", "relu", "narrow"])
def test_means_are_those_of_real_weight_matrices(network, samples):
    """Unequal widths, biases in some layers, units that die, fewer units than samples: all columns within errors."""
    real = simulate(network, over="both", networks=20_000, samples=samples, method="brute", rng=1)
    found = simulate(network, over="both", networks=20_000, samples=samples, method="gram", rng=2)
    assert np.abs(list(z_scores(found, real))).max() < 4.2
    # A v2 that is off by 20 % would be seen in any of them.
    assert (found.standard_error["v2"] < 0.03 * found.estimate["v2"]).all()


def test_layer_0_is_exact_in_the_mean_and_its_bias_is_in_every_network():
    """m2 = Var[b] up to the inputs' own products, and v2 = n_0 Var[W] Var[x]."""
    found = simulate(MIXED, over="both", networks=20_000, samples=2, method="gram", rng=3)
    for name, exact in (("m2", 0.3), ("v2", 1.0)):
        assert abs(found.estimate[name][0] - exact) < 4.5 * found.standard_error[name][0] < 0.1


def test_numbers_do_not_depend_on_workers():
    """The same seed gives the same networks, in several groups, by one thread and by three."""
    runs = [simulate(MIXED, over="both", networks=9000, samples=2, method="gram", seed=5, workers=k) for k in (1, 3)]
    for name in ("m2", "v2"):
        np.testing.assert_array_equal(runs[0].estimate[name], runs[1].estimate[name])


def test_recorded_units_have_the_covariance_of_m2_and_v2():
    """Single pre-activations of a layer, the last one too: E[s s'] = m2 and E[(s - s')²]/2 = v2."""
    found = simulate(MIXED, over="both", networks=40_000, samples=2, method="gram", rng=6, record_layers=[1, 3])
    for layer, units in found.recorded.items():
        one, other = units[:, 0, 0], units[:, 1, 0]
        for values, name in ((one * other, "m2"), ((one - other) ** 2 / 2, "v2")):
            error = values.std() / len(values) ** 0.5
            assert abs(values.mean() - found.estimate[name][layer]) < 4.5 * error


def test_fluctuations_far_below_the_mean_keep_their_digits():
    """A bias of variance 1e14 over samples that differ by 1: v2 of layer 0 is what it is without the bias."""
    large = Network(widths=[20, 8], gain=1.0, bias_variance=1e14)
    found, alone = (
        simulate(given, over="both", networks=500, samples=3, method="gram", seed=7)
        for given in (large, Network(widths=[20, 8], gain=1.0))
    )
    np.testing.assert_allclose(found.estimate["v2"], alone.estimate["v2"], rtol=1e-12)


def test_factors_of_any_rank():
    """L Lᵀ is the matrix: of full rank, of rank 1, and of zeros."""
    rng = np.random.default_rng(8)
    x = rng.standard_normal((50, 4, 9))
    gram = x @ x.transpose(0, 2, 1)
    gram[10:20] = x[10:20, :, :1] * x[10:20, None, :, 0]
    gram[20:30] = 0
    L = factors(gram)
    np.testing.assert_allclose(L @ L.transpose(0, 2, 1), gram, atol=1e-12)
    assert (np.triu(L, 1) == 0).all()
    assert (L[10:20, :, 1:] == 0).all()


def test_gram_is_chosen_for_few_samples_and_refused_where_it_cannot_be():
    """Two samples of a wide network: gram; a hundred: not. Over networks or with other weights: the reason."""
    asked = {"over": "both", "quantities": ("m2", "v2"), "dtype": "float64", "networks": 100}
    wide = Network(widths=[256] * 5, gain=2.0, activation="gelu")
    assert choose(None, wide, samples=2, **asked) == "gram"
    assert choose(None, wide, samples=100, **asked) != "gram"
    with pytest.raises(InputError, match=r"method 'gram' follows samples through many networks \(over='both'\), got"):
        simulate(wide, method="gram")
    with pytest.raises(InputError, match="method 'gram' needs normal weights, got rademacher"):
        simulate(Network(widths=[4, 4], gain=1.0, weight_law="rademacher"), over="both", method="gram")


def test_spread_is_that_of_chi_square_and_of_the_fourth_moment():
    """Layer 0 has |x - x'|²/(2 n), χ² of n numbers; a ReLU layer of n units multiplies E q² by 1 + 5/n."""
    widths = [14, 20, 30, 8]
    network = Network(widths=widths, activation="relu", gain=2.0, input_variance=3.0)
    found = simulate(network, over="both", networks=40_000, samples=3, rng=9, spread=True)
    assert found.method == "gram"
    factors = np.cumprod([1 + 2 / widths[0], *(1 + 5 / n for n in widths[1:-1])])
    exact = {"sd_q": 6 * np.sqrt(factors - 1), "sd_v2": 6 * np.sqrt(np.array([2 / widths[0]]))}
    for name, values in exact.items():
        error = found.standard_error[name][: len(values)]
        assert (np.abs(found.estimate[name][: len(values)] - values) < 4 * error).all()
        assert (error < 0.05 * values).all()
    runs = [simulate(network, over="both", networks=400, samples=2, rng=k, spread=True) for k in range(40)]
    for name in exact:
        drawn = np.std([run.estimate[name] for run in runs], axis=0, ddof=1)
        stated = np.mean([run.standard_error[name] for run in runs], axis=0)
        assert (np.abs(stated / drawn - 1) < 0.4).all()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"over": "network"}, "spread goes with over='both', got over='network'"),
        ({"over": "both", "method": "brute"}, "method 'brute' has means over drawn units"),
    ],
)
def test_spread_where_it_is_not_estimated(options, reason):
    """What is missing is said."""
    with pytest.raises(InputError, match=reason):
        simulate(RELU, networks=10, spread=True, **options)
