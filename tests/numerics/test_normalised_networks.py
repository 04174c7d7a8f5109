"""Normalisation as arrays and as predictions: against NumPy by hand, recursions in closed form, and simulation."""

import math
from itertools import pairwise

import numpy as np
import pytest

from derive.blocks import BatchNorm, LayerNorm, RMSNorm, network_input
from derive.errors import InputError
from numerics import Network, predict, verify
from numerics.arrays import Program
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
