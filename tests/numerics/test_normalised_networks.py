"""Normalisation as arrays and as predictions: against NumPy by hand, recursions in closed form, and simulation."""

import math
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import scipy

import derive
from derive.blocks import BatchNorm, LayerNorm, RMSNorm, network_input
from derive.errors import InputError
from derive.network import n
from numerics import Network, predict, verify
from numerics.arrays import Program
from numerics.finite_width import finite_width_bias
from numerics.simulation import simulate

EPSILON = 0.3
BY_HAND = {
    "layernorm": (LayerNorm(EPSILON), lambda z: (z - z.mean(-1, keepdims=True), z.var(-1, keepdims=True))),
    "rmsnorm": (RMSNorm(EPSILON), lambda z: (z, (z**2).mean(-1, keepdims=True))),
    "batchnorm": (BatchNorm(3, EPSILON), lambda z: (z - z.mean(-2, keepdims=True), z.var(-2, keepdims=True))),
}


def by_hand(kind, z):
    above, below = BY_HAND[kind][1](z)
    return above / np.sqrt(below + EPSILON)


@pytest.mark.parametrize("kind", BY_HAND)
def test_the_array_reading_is_the_definition_and_its_gradient_that_of_small_steps(kind):
    rng = np.random.default_rng(1)
    x = network_input(5, samples=3)
    y = BY_HAND[kind][0](x)
    program = Program(y, gradients=[x.family])
    values, g = rng.standard_normal((2, 3, 5)) + 1, rng.standard_normal((2, 3, 5))
    run = program.run({x.family: values})
    assert run[y.family] == pytest.approx(by_hand(kind, values), rel=1e-13)
    found, step = run.gradients(g)[x.family], 1e-6
    for place in np.ndindex(3, 5):
        moved = [values.copy() for _ in range(2)]
        for sign, array in zip((1, -1), moved, strict=True):
            array[:, *place] += sign * step
        slope = sum(((by_hand(kind, m) * g).sum((1, 2)) * s) for m, s in zip(moved, (1, -1), strict=True)) / (2 * step)
        assert found[:, *place] == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_with_positions_layers_are_normalised_at_each_and_batches_over_all():
    z = np.random.default_rng(2).standard_normal((1, 2, 3, 4))
    x = network_input(3, 4, samples=2)
    for block, axis in ((LayerNorm(), 2), (BatchNorm(2), (1, 3))):
        y = block(x)
        found = Program(y).run({x.family: z})[y.family]
        centred = z - z.mean(axis, keepdims=True)
        assert found == pytest.approx(centred / z.std(axis, keepdims=True), rel=1e-12)


# ---- predictions


def kernel(rho):
    """E[relu(u) relu(w)] for unit variances: Cho & Saul 2009, the arc-cosine kernel of order 1."""
    return (math.sqrt(1 - rho * rho) + rho * (math.pi - math.acos(rho))) / (2 * math.pi)


def rows(layers, name, **more):
    found = predict(Network(layers=layers, input=64, gain=2.0, **more))
    return [row[name] for row in found.rows() if row["name"] == "dense"]


def test_layernorm_before_relu_leaves_the_correlation_and_after_it_takes_the_shared_mean_away():
    before, after = rho_before, rho_after = 0.6, 0.6
    seen_before, seen_after = [], []
    for _ in range(12):
        before = 2 * kernel(before)
        after = (kernel(after) - 1 / (2 * math.pi)) / (1 / 2 - 1 / (2 * math.pi))
        seen_before.append(before)
        seen_after.append(after)
    for layers, start, expected in (
        ("dense(64), repeat(12, layernorm, relu, dense(64))", rho_before, seen_before),
        ("dense(64), repeat(12, relu, layernorm, dense(64))", rho_after, seen_after),
    ):
        assert rows(layers, "rho", input_correlation=0.6) == pytest.approx([start, *expected], rel=1e-12)
    assert seen_before[-1] > 0.9
    assert seen_after[-1] / seen_after[-2] == pytest.approx(math.pi / (2 * (math.pi - 1)), abs=0.02)


def test_a_pre_ln_branch_adds_what_its_own_width_says():
    """n_1 units inside, n_0 outside: streams grow by n_1 Var[U]/2 with ReLU, and n_0 gradients come back."""
    theorem = derive.theorem("pre-ln-residual")
    (slope,) = (part for part in theorem.parts if part.name == "pre-ln-slope")
    for result, there, other in ((theorem.result, n(1), n(0)), (slope.result, n(0), n(1))):
        assert result.has(there)
        assert not result.has(other)
    layers = "dense(64), residual(layernorm, dense(16, gain=1), relu, dense(64, gain=3))"
    q = predict(Network(layers=layers, input=64, gain=1.0)).columns["q"]
    assert q[2] - q[1] == pytest.approx(3 / 2)


def test_the_gradient_through_a_large_batch_grows_as_published():
    """Yang et al. 2019: pi/(pi - 1) a layer; 1.466942206924260361 in dks."""
    grad = rows("dense(64), repeat(8, batchnorm, relu, dense(64))", "grad")
    assert [a / b for a, b in pairwise(grad[2:])] == pytest.approx([1.466942206924260361] * 6)


def test_a_finite_batch_has_its_own_correlations_and_tends_to_the_infinite_one():
    layers = "dense(64), batchnorm{}, relu, dense(64), batchnorm{}"
    for batch in (2, 8, 64):
        network = Network(layers=layers.format(*[f"(batch={batch})"] * 2), input=64, gain=2.0)
        found = predict(network).columns
        rho = -1 / (batch - 1)
        assert found["m2"][2:4] == pytest.approx([rho, kernel(rho)], rel=1e-12)
        assert "grad" not in found
    many = predict(Network(layers=layers.format(*["(batch=100000000)"] * 2), input=64, gain=2.0)).columns
    infinite = predict(Network(layers=layers.format("", ""), input=64, gain=2.0)).columns
    assert many["v2"][1:] == pytest.approx(infinite["v2"][1:], rel=1e-7)


@pytest.mark.parametrize(
    ("layers", "size"),
    [
        ("dense(64), repeat(100, residual(layernorm, dense(64), relu, dense(64)))", 64),
        ("dense(64), repeat(100, batchnorm(batch=64), relu, dense(64))", 64),
        ("conv(8), repeat(50, relu, conv(8))", (3, 16, 16)),
    ],
)
def test_a_hundred_blocks_take_less_than_a_second(layers, size):
    """Of processor time, once their lemmas are derived."""
    network = Network(layers=layers, input=size, gain=1.0)
    predict(network)
    start = time.process_time()
    predict(network)
    assert time.process_time() - start < 1


def test_epsilon_counts():
    found = predict(Network(layers="dense(64), layernorm(0.5), dense(64), batchnorm(epsilon=0.25)", input=64, gain=1.0))
    assert found.columns["q"][2] == pytest.approx(1 / 1.5, rel=1e-13)
    assert found.columns["q"][4] == pytest.approx((1 / 1.5) / (1 / 1.5 + 0.25), rel=1e-13)


@pytest.mark.parametrize(
    ("layers", "moved"),
    [
        ("dense(192), repeat(2, layernorm, gelu, dense(192))", "dense(192), repeat(2, gelu, layernorm, dense(192))"),
        (
            "dense(192), repeat(3, residual(layernorm, relu, dense(192)))",
            "dense(192), repeat(3, residual(relu, layernorm, dense(192)))",
        ),
        (
            "dense(192), repeat(3, batchnorm(batch=4), relu, dense(192))",
            "dense(192), repeat(3, batchnorm(batch=8), relu, dense(192))",
        ),
    ],
)
def test_simulation_agrees_and_differs_where_the_normalisation_is_another(layers, moved):
    settings = {"input": 192, "gain": 2.0, "input_correlation": 0.5}
    network = Network(layers=layers, **settings)
    run = simulate(network, networks=60, rng=4)
    assert verify(predict(network), run).agrees
    columns = predict(Network(layers=moved, **settings)).columns
    off = [abs(columns[n] - run.estimate[n]) > 6 * run.standard_error[n] + 0.05 * abs(columns[n]) for n in ("v2", "m2")]
    assert any(row.any() for row in off)


def test_behind_a_batch_the_width_counts_as_one_over_it_and_the_depth_and_no_more():
    """No sample's own length is fixed: it walks, by 4.41/n a layer in proportion, and m2 loses a quarter of it.

    4.41 is E[c^4]/E[c^2]^2 - 1 of c = relu(u) - E[relu(u)], u ~ N(0, 1), by SciPy.
    """
    width, batch = 160, 24
    layers = "dense({0}), repeat(6, batchnorm(batch={1}), relu, dense({0}))"
    network = Network(layers=layers.format(width, batch), input=width, gain=2.0)
    run, prediction = simulate(network, networks=150, rng=1), predict(network)
    assert verify(prediction, run).verdict == "differs"
    found = finite_width_bias(network, predict, quantities=("q", "m2", "v2", "rho"), networks=60, rng=3)
    assert (found.fits[0].widths, found.samples) == ((40, 60, 80), batch)
    assert verify(prediction, run, width_bias=found).agrees
    other = Network(layers=layers.format(width, 8), input=width, gain=2.0)
    with pytest.raises(InputError, match="differs from the simulated one in its width only"):
        verify(predict(other), simulate(other, networks=2, rng=1), width_bias=found)
    mean, second, fourth = (
        scipy.integrate.quad(lambda u, k=k, m=m: (max(u, 0) - m) ** k * math.exp(-u * u / 2), -10, 10, points=[0])[0]
        / math.sqrt(2 * math.pi)
        for k, m in ((1, 0.0), (2, 1 / math.sqrt(2 * math.pi)), (4, 1 / math.sqrt(2 * math.pi)))
    )
    assert mean == pytest.approx(1 / math.sqrt(2 * math.pi))
    a_layer = (fourth / second**2 - 1) / 4 / width
    relu = [row.layer for row in network.rows if row.name == "relu"]
    lost = 1 - run.estimate["m2"][relu] / prediction.columns["m2"][relu]
    assert 0.3 * a_layer < (lost[-1] - lost[0]) / 5 < a_layer  # a batch that is not large takes a part of it away


def test_a_large_batch_stands_for_an_infinite_one():
    """What B samples are off by is allowed for, and no more: another activation, or none, is seen forward and back."""
    layers, batch = "dense(64), repeat(2, batchnorm, {}, dense(64))", 400
    network = Network(layers=layers.format("relu"), input=64, gain=2.0)
    run = simulate(network, samples=batch, networks=100, rng=2)
    assert (run.samples, run.network) == (batch, network)
    assert [run.batch_error(name, row) for name in ("q", "grad") for row in (1, 2, 5)] == [0, 0.01, 0.01, 0.02, 0.01, 0]
    bias = finite_width_bias(network, predict, samples=batch, networks=30, rng=3)
    found = verify(predict(network), run, width_bias=bias)
    assert found.agrees
    pairs = [row for row in found.comparisons if row.name == "m2 batchnorm"]
    assert [(row.predicted, row.verdict) for row in pairs] == [(0, "agrees")] * 2
    assert pairs[0].estimate == pytest.approx(-1 / (batch - 1))
    for name, wrong in (("m2", 0.9), ("grad", 0.9)):
        columns = {**predict(network).columns, name: wrong * predict(network).columns[name]}
        assert verify(replace(predict(network), columns=columns), run, width_bias=bias).verdict == "differs"
    for text in ("dense(8), relu", "dense(8), batchnorm(batch=4)"):
        with pytest.raises(InputError, match="samples goes with a network of widths, or with an infinite batch"):
            simulate(Network(layers=text, input=8, gain=1.0), samples=4, networks=2)


def test_a_width_bias_is_for_blocks_of_one_width():
    for layers, size in (("dense(8), relu, dense(4)", 8), ("conv(8), relu", (8, 8)), ("dense(8)", 4)):
        with pytest.raises(InputError, match="network must have equal widths"):
            finite_width_bias(Network(layers=layers, input=size, gain=1.0), predict)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ("dense(8), batchnorm(batch=1)", "batch of batchnorm must be at least 2"),
        ("dense(8), layernorm(epsilon=-1)", "epsilon of layernorm must be finite and not negative, got -1"),
        ("dense(8), bn", "here it is batchnorm"),
    ],
)
def test_what_no_normalisation_is(layers, says):
    with pytest.raises(InputError, match=says):
        Network(layers=layers, input=8, gain=1.0)


def test_what_is_not_predicted_or_simulated_is_said():
    def network(layers, size=8):
        return Network(layers=layers, input=size, gain=1.0)

    with pytest.raises(InputError, match="gelu is predicted for Gaussian values"):
        predict(network("dense(8), batchnorm(batch=4), gelu"))
    with pytest.raises(InputError, match="a finite batch is predicted for epsilon = 0"):
        predict(network("dense(8), batchnorm(4, epsilon=0.1)"))
    with pytest.raises(InputError, match="is predicted for units"):
        predict(network("conv(4), batchnorm", (2, 4)))
    with pytest.raises(InputError, match="an infinite batch cannot be simulated"):
        simulate(network("dense(8), batchnorm"), networks=2)
    with pytest.raises(InputError, match="an infinite batch is predicted for Gaussian values"):
        predict(network("dense(8), relu, batchnorm"))
    assert "grad" not in predict(network("dense(8), repeat(4, relu, batchnorm(batch=4), dense(8))")).columns
    with pytest.raises(InputError, match="a network has one batch"):
        simulate(network("dense(8), batchnorm(batch=4), dense(8), batchnorm(batch=8)"), networks=2)
    assert network("dense(8), batchnorm").with_batch(16).samples == 16
