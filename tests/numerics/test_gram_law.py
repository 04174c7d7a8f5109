"""The law of two samples' Gram matrix, carried by few points: against closed forms, exact operators and simulation."""

import math

import numpy as np
import pytest
from mpmath import mp, mpf
from resampled_gram import with_errors

from derive.activations import activation
from numerics.angle import fluctuating_share
from numerics.curves import predict
from numerics.curves.finite import _moment
from numerics.gram_law import ONE, SIZES, TWO, carried, gradients
from numerics.gram_law.points import Points, after_layer, few
from numerics.gram_law.samples import Layers
from numerics.network import Network
from numerics.power_series import mean_of_units, monomials
from numerics.simulation import simulate
from numerics.verification import verify

NONE = np.zeros(3)
# log sqrt(AB), log(A/B)/2, 2 log tan(t/2): of like and unlike lengths, angles small and beyond a right one.
AT = np.array([[0.1, -0.5, 1.2, 0.0], [0.3, 0.0, -0.6, 0.0], [-1.0, 0.4, 0.0, -9.0]])


def gram(at):
    first, second = math.exp(at[0] + at[1]), math.exp(at[0] - at[1])
    return first, second, math.sqrt(first * second) * math.cos(2 * math.atan(math.exp(at[2] / 2)))


def network(width, depth, **options):
    return Network(**({"widths": [width] * (depth + 2), "gain": 2.0, "activation": "relu"} | options))


# --- one layer ---


def test_moments_of_a_unit_of_erf_are_the_arcsine():
    """Williams 1997: E erf(s) erf(s') = 2/π asin(2C/sqrt((1 + 2A)(1 + 2B))), of any lengths."""
    raw = TWO.unit(Layers(activation("erf"), 8), AT, NONE, 2)
    for k, at in enumerate(AT.T):
        a, b, c = gram(at)

        def mean(p, q, r):
            return 2 / mp.pi * mp.asin(2 * mpf(r) / mp.sqrt((1 + 2 * mpf(p)) * (1 + 2 * mpf(q))))

        both = (mean(a, a, a) + mean(b, b, b)) / 2
        assert abs(raw[1, 0, 0, k] - both) < 1e-6
        assert abs(raw[0, 1, 0, k] - (mean(a, a, a) - mean(b, b, b)) / 2) < 1e-6
        assert abs(raw[0, 0, 1, k] / (both - mean(a, b, c)) - 1) < 1e-5


def test_moments_of_a_unit_of_relu_are_the_arc_cosine_kernels():
    """Cho & Saul 2009, of orders 1 and 2: f breaks on two lines that cross."""
    raw = TWO.unit(Layers(activation("relu"), 8), AT, NONE, 2)
    for k, at in enumerate(AT.T):
        a, b, c = gram(at)
        t = mp.acos(mpf(c) / mp.sqrt(mpf(a) * mpf(b)))
        first = mp.sqrt(mpf(a) * b) * (mp.sin(t) + (mp.pi - t) * mp.cos(t)) / (2 * mp.pi)
        second = mpf(a) * b * (3 * mp.sin(t) * mp.cos(t) + (mp.pi - t) * (1 + 2 * mp.cos(t) ** 2)) / (2 * mp.pi)
        assert abs(raw[0, 0, 1, k] / ((mpf(a) + b) / 4 - first) - 1) < 1e-5
        # S² - Δ² is f² f'².
        assert abs((raw[2, 0, 0, k] - raw[0, 2, 0, k]) / second - 1) < 1e-5


@pytest.mark.parametrize("name", ["tanh", "gelu", "elu"])
def test_a_small_distance_is_the_slope_times_it(name):
    """At an angle of 1e-9 no digit of f(s) - f(s') is left by subtraction: the distance is E f'(s)² t²/2."""
    layers = Layers(activation(name), 8)
    at = np.array([[0.3], [0.0], [2 * math.log(math.tan(0.5e-9))]])
    found = TWO.unit(layers, at, NONE, 1)[0, 0, 1, 0]
    slope = mp.quad(
        lambda x: activation(name).derivative.subs(activation(name).symbol, mp.exp(0.15) * x) ** 2 * mp.npdf(x),
        [-8, -2, 0, 2, 8],
    )
    assert abs(found / (float(slope) * math.exp(0.3) * 1e-18 / 2) - 1) < 1e-5


def test_moments_of_a_mean_are_those_of_chi_square():
    """The mean of N squares: cumulants 2^(k-1) (k - 1)! N^(1-k)."""
    units = 7
    raw = np.array([[float(mp.fac2(2 * k - 1))] for k in range(6)])
    one = np.ones((1, 1))
    found = mean_of_units(raw, units, one, one)[:, 0]
    k = [0, 0, *(2.0 ** (i - 1) * math.factorial(i - 1) / units ** (i - 1) for i in range(2, 6))]
    np.testing.assert_allclose(found, [1, 0, k[2], k[3], k[4] + 3 * k[2] ** 2, k[5] + 10 * k[3] * k[2]], rtol=1e-12)


def test_points_behind_a_layer_have_its_exact_mean_and_covariance():
    """What calibrated weights give is what the next covariance has: E v, and Cov v over N, times the gain."""
    raw = TWO.unit(Layers(activation("tanh"), 8), AT, NONE, 4)
    at, weights = after_layer(TWO, raw, 20, 1.5, 0.2, 5)
    v = TWO.means(at)
    mean = np.stack([raw[1, 0, 0], raw[0, 1, 0], raw[0, 0, 1]])
    found = (v * weights).sum(axis=2)
    np.testing.assert_allclose(found, 1.5 * mean + np.array([0.2, 0, 0])[:, None], rtol=1e-7, atol=1e-10)
    spread = ((v[2] - found[2][:, None]) ** 2 * weights).sum(axis=1)
    np.testing.assert_allclose(spread, 1.5**2 * (raw[0, 0, 2] - mean[2] ** 2) / 20, rtol=1e-5)


def test_few_points_keep_the_moments_of_many():
    """Not more points than monomials, no negative weight, and all means but rounding."""
    rng = np.random.default_rng(1)
    at = np.stack([0.3 * rng.standard_normal(900), 0.2 * rng.standard_normal(900), 0.5 * rng.standard_normal(900) - 1])
    many = Points(at, np.full(900, 1 / 900))
    found = few(TWO, many, 4)
    exponents = TWO.exponents(4)
    assert len(found.weights) <= len(exponents) < 40
    assert found.weights.min() > 0
    left, right = (monomials(TWO.smooth(p.at), exponents) @ p.weights for p in (found, many))
    np.testing.assert_allclose(left, right, rtol=1e-7, atol=1e-9)


# --- all layers ---


@pytest.mark.parametrize(("name", "ratio"), [("linear", 2), ("relu", 5), ("abs(x)", 2)])
def test_fluctuation_of_a_length_is_exact(name, ratio):
    """E q² is a product of 1 + c/n, as in the theorem `norm-fourth-moment`: unequal widths, normal inputs."""
    widths = [12, 30, 9, 17, 20, 5]
    net = Network(widths=widths, activation=name, gain=2.0 if name == "relu" else 1.0)
    first, second = (carried(ONE, net, power, SIZES[1][0]).moment for power in (1, 2))
    factors = [1 + 2 / widths[0], *(1 + ratio / n for n in widths[1:-1])]
    np.testing.assert_allclose(second / first**2, np.cumprod(factors), rtol=1e-5)


@pytest.mark.parametrize(("slope", "width", "depth"), [(0.0, 128, 12), (-1.0, 128, 6)])
def test_stated_error_covers_the_exact_operator(slope, width, depth):
    """Where the angle is a Markov chain of its own, another part of the code is exact; the wide limit is far off."""
    name = "abs(x)" if slope == -1 else f"leaky-relu({slope})"
    net = network(width, depth, activation=name, gain=2 / (1 + slope**2))
    exact = net.gain[0] * fluctuating_share(slope, net.widths[:-1]).value
    found, error = _moment(2, net, 1)
    assert (np.abs(found / exact - 1) <= error + 5e-4).all()
    assert error[-1] < 0.02
    assert abs(predict(net, theory="wide").columns["v2"][-1] / exact[-1] - 1) > 2 * error[-1]


@pytest.mark.parametrize(
    ("options", "networks"),
    [
        ({"activation": "tanh", "gain": 1.3, "bias_variance": 0.05, "widths": [32] * 11}, 20_000),
        ({"activation": "gelu", "gain": 1.983, "bias_variance": 0.173, "widths": [32] * 7}, 30_000),
        ({"activation": "erf", "gain": 0.9, "bias_variance": 0.05, "widths": [20, 50, 24, 40, 24, 30, 9]}, 20_000),
    ],
)
def test_real_networks_agree_with_finite_and_differ_from_wide(options, networks):
    """Exact draws of the Gram matrix, m2, v2, rho and the total, biases and unequal widths."""
    net = Network(**options)
    run = simulate(net, over="both", networks=networks, samples=2, method="gram", rng=1, progress=False)
    found = {name: verify(predict(net, theory=name), run) for name in ("finite", "wide")}
    assert found["finite"].verdict == "agrees"
    assert found["wide"].verdict == "differs"
    assert max(row.detectable for row in found["finite"].comparisons if row.quantity == "v2") < 0.08


def test_deep_networks_of_long_tails():
    """GELU, 20 layers of width 64, near criticality: of plain draws a million would hardly show an error of 2 %."""
    net = network(64, 20, activation="gelu", gain=1.983, bias_variance=0.173)
    found = predict(net, theory="finite")
    mean, error = (part[0] for part in with_errors(net, lambda a, b, c, distance: distance, 15_000, 1))
    v2, stated = found.columns["v2"], found.relative_error["v2"]
    assert (np.abs(mean - v2) <= 5 * error + stated * v2).all()
    assert (stated < 0.01).all()
    assert (error < 0.02 * v2).all()
    assert abs(predict(net, theory="wide").columns["v2"][-1] / v2[-1] - 1) > 0.3


def test_spread_is_that_of_drawn_networks():
    """Two samples a network: the deviation of its v², and that of its length by one sample."""
    net = network(48, 8, activation="tanh", gain=1.3, bias_variance=0.05)
    count = 20_000
    run = simulate(net, over="both", networks=count, samples=2, method="gram", rng=2, progress=False)
    found = predict(net, theory="finite", spread=True)
    drawn = run.standard_error["v2"] * math.sqrt(count)
    np.testing.assert_allclose(found.columns["sd_v2"], drawn, rtol=0.04)
    assert list(found.columns)[-2:] == ["sd_q", "sd_v2"]


@pytest.mark.parametrize(("name", "gain"), [("linear", 1.0), ("relu", 2.0), ("leaky-relu(0.3)", 1.5)])
def test_gradients_are_exact_where_they_do_not_depend_on_the_width(name, gain):
    """Theorem `network-variance`: two straight lines keep the gradients of wide layers at every width."""
    net = Network(widths=[9, 12, 20, 8, 9, 3], activation=name, gain=gain, gradient_variance=1.0)
    wide = predict(net, theory="wide")
    found = gradients(net, SIZES[1][0])
    np.testing.assert_allclose(found.of_units, wide.columns["var_grad_s"], rtol=1e-4)
    np.testing.assert_allclose(found.of_weights, wide.columns["var_grad_w"], rtol=1e-4)


def test_gradients_of_squares_by_moments():
    """f = s², two layers: |dCost/ds^0|² over all weights is a polynomial in the length, by moments of normal numbers.

    E[W_jk² (W_j·s² + b)²] is v² (Σ s⁴ + 2 s_k⁴) + v Var[b], v the variance of a weight.
    """
    n0, n1, n2, gain, bias = 9, 10, 12, 0.4, 0.3
    net = Network(widths=[n0, n1, n2, 8], activation="x**2", gain=gain, bias_variance=bias)
    v = gain / n1
    chi = [1.0, 1.0, 1 + 2 / n0, (1 + 2 / n0) * (1 + 4 / n0)]
    power = [sum(math.comb(p, k) * gain**k * chi[k] * bias ** (p - k) for k in range(p + 1)) for p in range(4)]
    sixth = n1 * (15 + 3 * (n1 - 1)) + 2 * n1 * 15
    behind = 16 * n2 * (8 * gain / n2)
    exact = behind * (v**2 * sixth * power[3] + v * bias * n1 * power[1]) / n1
    assert abs(gradients(net, SIZES[1][0]).of_units[0] / exact - 1) < 2e-4


@pytest.mark.parametrize(("name", "gain"), [("tanh", 1.3), ("gelu", 1.983)])
def test_gradients_of_narrow_networks(name, gain):
    """Weights drawn and the gradient taken through them, with biases and unequal widths; the wide limit is off."""
    net = Network(widths=[14, 10, 12, 9, 12, 10, 6], activation=name, gain=gain, bias_variance=0.05)
    quantities = ("var_grad_s", "var_grad_w")
    run = simulate(net, over="network", networks=20_000, quantities=quantities, rng=5, progress=False)
    finite, wide = (predict(net, theory=name).columns for name in ("finite", "wide"))
    for name in quantities:
        error = 4.5 * run.standard_error[name]
        assert (np.abs(run.estimate[name] - finite[name]) <= error + 0.005 * finite[name]).all()
    error = 4.5 * run.standard_error["var_grad_s"]
    assert (np.abs(run.estimate["var_grad_s"] / wide["var_grad_s"] - 1) > error / wide["var_grad_s"] + 0.005).any()


def test_weights_that_are_not_normal_change_the_length():
    """Fair signs: pre-activations have a negative excess kurtosis, which a bounded f notices at once."""
    net = network(16, 3, activation="tanh", gain=1.5, bias_variance=0.05, weight_law="rademacher", input_law="uniform")
    run = simulate(net, over="network", networks=30_000, quantities=("var_s", "var_z"), rng=3, progress=False)
    found = predict(net, theory="finite")
    normal = predict(Network(**{**net.to_dict(), "weight_law": "normal"}), theory="finite")
    for name in ("var_s", "var_z"):
        error = 4.5 * run.standard_error[name] / run.estimate[name]
        ratio = found.columns[name] / run.estimate[name] - 1
        assert (np.abs(ratio) <= error + found.relative_error[name]).all()
        assert abs(normal.columns[name][3] / run.estimate[name][3] - 1) > error[3]
    assert any("kurtosis" in why for why in found.approximations["v2"])


def test_odd_functions_without_biases_keep_two_samples_apart():
    """A turned input turns its outputs: E m² is 0, exactly."""
    found = predict(network(16, 4, activation="tanh", gain=1.2), theory="finite")
    np.testing.assert_array_equal(found.columns["m2"], 0)
    np.testing.assert_array_equal(found.columns["v2"], found.columns["var_s"])


def test_log_length_of_drawn_networks():
    """The deviation of log q over networks, which the law carried without a weight has: ReLU, 12 layers."""
    net = network(24, 12)
    rng = np.random.default_rng(4)
    q = 2.0 * rng.chisquare(24, 40_000) / 24
    for _ in range(12):
        s = np.sqrt(q)[:, None] * rng.standard_normal((len(q), 24))
        q = 2.0 * (np.maximum(s, 0) ** 2).mean(axis=1)
    found = math.sqrt(carried(ONE, net, 0, SIZES[1][0]).log_variance[12])
    assert abs(found / np.log(q).std() - 1) < 0.02
