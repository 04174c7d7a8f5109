"""The error that a curve states is a bound, layer by layer, against recursions in 50 digits."""

import numpy as np
import pytest
from mpmath import mp, mpf
from wide_limit import wide_limit

from numerics.criticality import critical
from numerics.curves import predict
from numerics.network import Network


def erf_pair(q, shared):
    """E[erf(u1) erf(u2)]: Williams 1998."""
    return 2 / mp.pi * mp.asin(2 * shared / (1 + 2 * q))


def erf_slope(q):
    """E[erf'(u)^2] = (4/pi) E[exp(-2 u^2)] = (4/pi)/sqrt(1 + 4 q)."""
    return 4 / mp.pi / mp.sqrt(1 + 4 * q)


def exact(network):
    """All columns of a wide erf network, Poole et al. 2016 forward and Schoenholz et al. 2017 backward, in mpmath."""
    n, W = network.widths, [mpf(w) for w in network.weight_variance]
    # The gains as the prediction has them: rounded.
    gain, bias = [mpf(g) for g in network.gain], [mpf(b) for b in network.bias_variance]
    m2, v2 = [bias[0]], [gain[0] * mpf(network.input_variance)]
    var_z, slopes = [mpf(network.input_variance)], []
    for i in range(1, network.d + 1):
        q, m = m2[-1] + v2[-1], m2[-1]
        whole, shared = erf_pair(q, q), erf_pair(q, m)
        var_z.append(whole)
        slopes.append(erf_slope(q))
        m2.append(gain[i] * shared + bias[i])
        v2.append(gain[i] * (whole - shared))
    gradient = [mpf(network.gradient_variance)]
    for i in range(network.d, 0, -1):
        gradient.insert(0, n[i + 1] * W[i] * slopes[i - 1] * gradient[0])
    total = [m + v for m, v in zip(m2, v2, strict=True)]
    rho = [m / t for m, t in zip(m2, total, strict=True)]
    weight = [a * b for a, b in zip(var_z, gradient, strict=True)]
    return {
        "var_z": var_z,
        "var_s": total,
        "m2": m2,
        "v2": v2,
        "rho": rho,
        "var_grad_s": gradient,
        "var_grad_w": weight,
    }


EDGE = critical("erf", bias_variance=0.05).sigma_w2
NETWORKS = {
    "order": {"gain": 0.8, "bias_variance": 0.05},
    "edge of chaos": {"gain": EDGE, "bias_variance": 0.05},
    "chaos": {"gain": 3.0, "bias_variance": 0.05},
    "no bias": {"gain": 1.2, "bias_variance": 0.0},
    "a bias at one layer": {"gain": 0.7, "bias_variance": [0.0] * 3 + [0.4] + [0.0] * 197},
    "unequal": {
        "gain": np.random.default_rng(1).uniform(0.7, 1.6, 201).tolist(),
        "bias_variance": np.random.default_rng(2).uniform(0, 0.1, 201).tolist(),
    },
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_stated_error_is_a_bound(name):
    """Two hundred layers of erf: within the stated error at every layer, in every column, and it says something."""
    widths = [40, *([30, 50, 20] * 67)]
    network = Network(widths=widths, activation="erf", input_variance=0.6, gradient_variance=2.0, **NETWORKS[name])
    prediction = predict(network)
    with mp.workdps(50):
        for column, truth in exact(network).items():
            stated = prediction.relative_error[column]
            for layer, (value, error) in enumerate(zip(prediction.columns[column], stated, strict=True)):
                assert abs(mpf(float(value)) - truth[layer]) <= mpf(float(error)) * abs(truth[layer]), (column, layer)
            assert stated.max() < 1e-10, column


BLOCKS = {
    # In a run, one by one, and with two samples that are nearly one.
    "a run": ("dense(30), repeat(40, residual(erf, dense(30), scale=0.3)), dense(30)", 40, 0.0),
    "one by one": (
        "dense(30), residual(erf, dense(30), scale=0.3), dense(30), residual(erf, dense(30), scale=2)",
        2,
        0.2,
    ),
    "nearly one": ("dense(30), repeat(40, residual(erf, dense(30), scale=0.3)), dense(30)", 40, 1 - 2.0**-40),
}


def stream(network, scales):
    """q, the gap of two samples and the gradient of a residual stream of erf units, in mpmath."""
    gain, c = mpf(1.2), mpf(network.input_correlation)
    q, gap, factors = [mpf(1)], [1 - c], []

    def through(scale):
        a2 = mpf(scale) ** 2 * gain
        whole, shared = erf_pair(q[-1], q[-1]), erf_pair(q[-1], q[-1] - gap[-1])
        factors.append(1 + a2 * erf_slope(q[-1]))
        q.append(q[-1] + a2 * whole)
        gap.append(gap[-1] + a2 * (whole - shared))

    for scale in scales:
        if scale is None:
            factors.append(gain)
            q.append(gain * q[-1])
            gap.append(gain * gap[-1])
        else:
            through(scale)
    gradient = [mpf(1)]
    for factor in reversed(factors):
        gradient.insert(0, factor * gradient[0])
    product = [a - b for a, b in zip(q, gap, strict=True)]
    rho = [p / a for p, a in zip(product, q, strict=True)]
    return {"q": q, "m2": product, "v2": gap, "rho": rho, "grad": gradient}


@pytest.mark.parametrize("kind", BLOCKS)
def test_the_stated_errors_of_blocks_are_bounds(kind):
    """A residual stream of erf units of width 30, in which v2 has all its digits however alike two samples are."""
    layers, count, correlation = BLOCKS[kind]
    scales = [None, *[0.3] * count, None] if count == 40 else [None, 0.3, None, 2]
    network = Network(layers=layers, input=30, gain=1.2, input_correlation=correlation)
    prediction = predict(network)
    with mp.workdps(50):
        for column, truth in stream(network, scales).items():
            stated = prediction.relative_error[column]
            for row, (value, error) in enumerate(zip(prediction.columns[column], stated, strict=True)):
                assert abs(mpf(float(value)) - truth[row]) <= mpf(float(error)) * abs(truth[row]), (column, row)
            assert stated.max() < 1e-11, column


def test_a_curve_near_its_edge_keeps_the_gap():
    """At the edge of chaos 1 - rho falls like 1/layer: the fluctuation of layer 2000 has eight digits at least."""
    network = Network(widths=[10] * 2002, gain=EDGE, bias_variance=0.05, activation="erf")
    prediction = predict(network)
    with mp.workdps(50):
        truth = exact(network)["v2"][-1]
    assert float(truth) < 1e-2
    assert abs(prediction.columns["v2"][-1] / float(truth) - 1) <= prediction.relative_error["v2"][-1] < 1e-8


def test_many_networks_at_once_are_the_same_as_one_by_one():
    """Of several activations and depths, in their order."""
    networks = [
        Network(widths=[20] * depth, gain=gain, bias_variance=bias, activation=name, input_variance=0.5 + gain)
        for depth in (3, 6)
        for name in ("tanh", "relu", "linear", "gelu")
        for gain, bias in ((0.9, 0.0), (1.4, 0.1))
    ]
    together = predict(networks)
    assert [prediction.network for prediction in together] == networks
    for network, prediction in zip(networks, together, strict=True):
        alone = predict(network)
        assert prediction.theory == alone.theory
        for name, values in alone.columns.items():
            np.testing.assert_allclose(prediction.columns[name], values, rtol=1e-13, atol=0, err_msg=name)
    assert predict([]) == []


@pytest.mark.parametrize("slope", [0, 0.3])
def test_rectifiers_with_everything_unequal(slope):
    """Unequal gains, biases and widths, and an input variance of 0.6, against the recursion in mpmath."""
    network = Network(
        widths=[40, 30, 50, 20, 60],
        gain=[1.1, 0.7, 1.3, 2.1],
        bias_variance=[0.1, 0.3, 0.0, 0.05],
        input_variance=0.6,
        gradient_variance=3.0,
        activation=f"leaky-relu({slope})",
    )
    columns, limit = predict(network).columns, wide_limit(network, slope).columns
    for name, expected in limit.items():
        assert columns[name] == pytest.approx(expected, rel=1e-13), name
    total = limit["m2"] + limit["v2"]
    assert columns["var_s"] == pytest.approx(total, rel=1e-13)
    assert columns["rho"] == pytest.approx(limit["m2"] / total, rel=1e-13)
    half, mean = (1 + slope**2) / 2, (1 - slope) ** 2 / (2 * np.pi)
    assert columns["var_z"] == pytest.approx([0.6, *((half - mean) * total[:-1])], rel=1e-13)
    gradient = [3.0]
    for i in (3, 2, 1):
        gradient.insert(0, network.widths[i + 1] * network.weight_variance[i] * half * gradient[0])
    assert columns["var_grad_s"] == pytest.approx(gradient, rel=1e-13)
    assert columns["var_grad_w"] == pytest.approx(np.multiply([0.6, *(half * total[:-1])], gradient), rel=1e-13)


def test_equal_gains_start_from_the_input_too():
    """The iterated kernel, where all layers are alike: He's gain, inputs of variance 0.3, a bias in every layer."""
    network = Network(widths=[64] * 9, gain=2.0, bias_variance=0.2, input_variance=0.3, activation="relu")
    columns, limit = predict(network).columns, wide_limit(network).columns
    for name, expected in limit.items():
        assert columns[name] == pytest.approx(expected, rel=1e-12), name
    assert columns["var_s"] == pytest.approx(0.8 + 0.2 * np.arange(8), rel=1e-13)
