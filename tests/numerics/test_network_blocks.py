"""Networks of blocks: their two forms, defaults, rows, data, and what is refused."""

import dataclasses

import numpy as np
import pytest
from sympy import Rational

import numerics
from derive.activations import activation
from derive.blocks import Convolution, Dense, Dropout, Elementwise, Flatten, Repeat, Residual, Scale, Serial
from derive.errors import InputError
from numerics.network import Network

TEXT = "dense(16), relu, repeat(3, residual(dense(16), relu, dense(16), scale=0.3)), dropout(0.1), dense(10)"
GOOD = {"layers": TEXT, "input": 8, "gain": 2}


def test_rows_are_the_input_and_what_comes_out_of_each_block():
    network = Network(**GOOD)
    names = ["input", "dense", "relu", "residual", "residual", "residual", "dropout", "dense"]
    assert [row.name for row in network.rows] == names
    assert [row.layer for row in network.rows] == list(range(8))
    assert [row.signal.shape for row in network.rows] == [(8,), *[(16,)] * 6, (10,)]
    assert [row.block for row in network.rows] == [None, *network.blocks]
    assert network.signal == network.rows[-1].signal


def test_each_row_follows_from_the_one_before_by_its_block():
    for before, after in zip((rows := Network(**GOOD).rows), rows[1:], strict=False):
        assert after.block(before.signal) == after.signal


def test_top_level_repeats_are_written_out_and_others_not():
    network = Network(layers="repeat(2, repeat(2, dense(4), relu)), residual(repeat(2, dense(4)))", input=4, gain=1)
    assert [block.word for block in network.blocks] == ["dense", "elementwise"] * 4 + ["residual"]


def test_several_samples_share_the_weights():
    last = Network(**GOOD).rows_of(2)[-1].signal
    assert last.shape == (2, 10)
    assert {d.family.name for d in last.drawn if len(d.family.extents(0)) > 2} == set()
    (mask,) = (d.family for d in last.drawn if d.law == "mask")
    assert mask.extents(0) == (2, 16)


@pytest.mark.parametrize(
    "layers",
    [
        TEXT,
        Serial(
            Dense(16),
            Elementwise("relu"),
            Repeat(3, Residual(Dense(16), Elementwise("relu"), Dense(16), scale=0.3)),
            Dropout(0.1),
            Dense(10),
        ),
        ["dense(16)", Elementwise("relu"), TEXT.split("relu, ", 1)[1]],
    ],
)
def test_a_text_blocks_and_lists_make_one_network(layers):
    assert Network(**GOOD | {"layers": layers}) == Network(**GOOD)


def test_equality_is_of_all_that_is_given():
    network = Network(**GOOD)
    assert hash(network) == hash(Network(**GOOD))
    for change in (
        {"gain": 1},
        {"input": 9},
        {"input_mean": 1.0},
        {"input_correlation": 0.5},
        {"gradient_variance": 2},
    ):
        assert Network(**GOOD | change) != network
    data = np.arange(16.0).reshape(2, 8)
    assert Network(**GOOD, inputs=data) == Network(**GOOD, inputs=data.tolist()) != network
    assert Network(**GOOD, inputs=data) != Network(**GOOD, inputs=data + 1)
    assert hash(Network(**GOOD, inputs=data)) == hash(Network(**GOOD, inputs=data))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"input_mean": 0.5, "input_variance": 2.0, "input_correlation": 0.25, "input_law": "uniform"},
        {"inputs": [[1.0] * 8, [2.0] * 8], "gradient_variance": 3.0},
        {"weight_law": "rademacher", "bias_variance": 0.1},
    ],
)
def test_plain_data_makes_the_network_again(more):
    network = Network(**GOOD, **more)
    assert Network(**network.to_dict()) == network
    assert dataclasses.replace(network) == network
    assert dataclasses.replace(network, gradient_variance=7.0).gradient_variance == 7.0


def test_defaults_are_for_what_says_nothing_itself():
    given = {"layers": "dense(4, gain=1), conv", "gain": 2, "bias_variance": 0.1, "weight_law": "uniform"}
    network = Network(**given | {"layers": "dense(4, gain=1, bias_variance=0), relu, dense(3)"}, input=4)
    first, _, last = network.blocks
    assert (first.gain, first.bias_variance, first.law) == (1, 0, "uniform")
    assert (last.gain, last.bias_variance, last.law) == (2, Rational(1, 10), "uniform")
    (block,) = Network(**given | {"layers": Residual(Dense(4), scale=0.5)}, input=4).blocks
    assert block == Residual(Dense(4, 2, 0.1, "uniform"), scale=0.5)


def test_gains_of_convolutions_are_fan_in_times_variance():
    network = Network(layers="conv(8, kernel=5, groups=2)", input="4x7", gain=3)
    (_, kernel) = network.signal.drawn
    assert kernel.variance == Rational(3, 5 * 2)


def test_a_network_of_convolutions():
    network = Network(layers="conv(4, stride=2), relu, average-pool(2), flatten, dense(3)", input="3x8x8", gain=2)
    assert [row.signal.shape for row in network.rows][1:] == [(4, 4, 4), (4, 4, 4), (4, 2, 2), (16,), (3,)]
    assert network.blocks[0] == Convolution(4, stride=2, gain=2)
    assert network.blocks[3] == Flatten()
    assert network.shape == (3, 8, 8)


def test_the_chain_has_blocks_too():
    chain = Network(widths=[3, 4, 2], activation="tanh", gain=[1, 2], bias_variance=[0, 0.5], weight_law="uniform")
    assert chain.is_chain
    assert chain.shape == (3,)
    first, between, last = chain.blocks
    assert (float(first.gain), first.bias_variance, first.law) == (pytest.approx(1), 0, "uniform")
    assert between == Elementwise("tanh")
    assert (float(last.gain), last.bias_variance) == (pytest.approx(2), Rational(1, 2))
    assert [row.name for row in chain.rows] == ["input", "dense", "tanh", "dense"]
    assert [d.variance for d in chain.signal.drawn if d.family.name == "W"] == [Rational(repr(1 / 3))]


def test_data_is_the_input():
    data = np.arange(24.0).reshape(2, 12)
    assert Network(layers="dense(3)", inputs=data, gain=1).shape == (12,)
    network = Network(layers="conv(3)", input="3x4", inputs=data, gain=1)
    np.testing.assert_array_equal(network.inputs, data.reshape(2, 3, 4))
    assert not network.inputs.flags.writeable
    data[0, 0] = 7
    assert network.inputs[0, 0, 0] == 0


def test_a_network_prints_what_makes_it():
    assert repr(Network(layers="dense(4), relu", input=3, gain=2, input_mean=1)) == (
        "Network(layers='dense(4, gain=2), relu', input=(3,), input_mean=1.0)"
    )
    assert Network(layers="dense(4), relu", input="3", gain=2).sizes == "input 3, 2 blocks"
    assert "inputs=<array of shape (2, 3)>" in repr(Network(layers="dense(4)", inputs=[[1, 2, 3]] * 2, gain=2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths": [3, 4]}, "widths and layers do not go together"),
        ({"depth": 3}, "depth and layers do not go together"),
        ({"activation": "relu"}, "activation and layers do not go together"),
        ({"weight_variance": 1.0}, "weight_variance and layers do not go together"),
        ({"gain": None}, r"give gain, for all or in dense\(16\): its weights have no variance yet"),
        ({"gain": [1, 2]}, "gain must be one number for all layers"),
        ({"gain": -1}, "gain must be finite and not negative, got -1"),
        ({"bias_variance": float("nan")}, "bias_variance must be finite and not negative"),
        ({"weight_law": "norml"}, "unknown law 'norml'; did you mean normal"),
        ({"input": None}, "give input, such as 64 or 3x32x32"),
        ({"input": 0}, "input must be a size such as 64 or"),
        ({"input": "8y"}, "input must be a size such as 64, 3x32 or 3x32x32, got '8y'"),
        ({"input": (1, 2, 3, 4)}, "an input has units, or channels and one or two axes of positions; got 4"),
        ({"input": (3, 8)}, r"layers: block 1, dense\(16, gain=2\): dense takes units"),
        ({"input": "999999x999999"}, "input must have at most"),
        ({"layers": "relu, residual(dense(3))"}, r"layers: block 2, residual\(dense\(3, gain=2\)\): residual adds"),
        ({"layers": "relu, rleu"}, "layers: unknown block or activation 'rleu'"),
        ({"layers": 3}, "layers must be a text, a Block or a list of them, got 3"),
        ({"layers": Elementwise()}, "layers: f must be an activation function without free parameters"),
        ({"layers": Elementwise(activation("leaky-relu(a)", symbols=["a"]))}, "without free parameters"),
        ({"layers": Dense(3, bias_variance=None)}, r"bias_variance of dense\(3, gain=2, .*\) must be a number"),
        ({"layers": Repeat(10**5, Scale(1))}, "layers must be at most 10000 blocks"),
        ({"layers": "dense(3, law=norml)"}, r"layers: dense\(.*\): unknown law 'norml'; did you mean normal"),
        ({"input_mean": float("inf")}, "input_mean must be finite, got inf"),
        ({"input_correlation": 1.5}, "input_correlation must be from -1 to 1, got 1.5"),
        ({"inputs": [1.0, 2.0]}, "inputs must be samples of finite numbers, one a row"),
        ({"inputs": [[1.0, 2.0]]}, r"inputs must be samples of 8, got an array of shape \(1, 2\)"),
        ({"inputs": [[1.0] * 8], "input_mean": 1.0}, "input_mean and inputs do not go together"),
        ({"inputs": [[1.0] * 8], "input_variance": 2.0}, "input_variance and inputs do not go together"),
        ({"inputs": "many"}, "inputs must be an array of samples, got str"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    with pytest.raises(InputError, match=message):
        Network(**GOOD | change)


@pytest.mark.parametrize("more", [{"input": 3}, {"inputs": [[1.0]]}, {"input_mean": 1.0}, {"input_correlation": 0.5}])
def test_the_chain_takes_no_argument_of_layers(more):
    with pytest.raises(InputError, match=f"{next(iter(more))} goes with layers, and there are none"):
        Network(widths=[3, 4], gain=1, **more)


def test_the_bias_of_finite_width_asks_for_one_width():
    with pytest.raises(InputError, match="network must have equal widths, got input 8, 7 blocks"):
        numerics.finite_width_bias(Network(**GOOD), numerics.predict)
