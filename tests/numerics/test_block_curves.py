"""Predictions of networks of blocks: against loops, simulation, and values that the field has published."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from naive_blocks import simulated

from derive.errors import InputError
from numerics import Network, predict, verify
from numerics.curves.sweep import sweep
from numerics.simulation import simulate

SIGMAS = 4.5


def column(network, name):
    return predict(network).columns[name]


# ---- against plain loops over NumPy arrays

LOOPS = {
    "dense": ({"layers": "dense(40), relu, dense(40), relu, dense(8)", "input": 40, "bias_variance": 0.1}, 1500),
    # The bias of a finite width is there for tanh, and small where the layers are wide.
    "tanh": ({"layers": "dense(400), tanh, dense(400), tanh, dense(8)", "input": 400, "bias_variance": 0.1}, 80),
    "residual": (
        {"layers": "dense(40), repeat(4, residual(relu, dense(40), scale=0.5)), scale(0.5), dense(8)", "input": 40},
        1000,
    ),
    "an activation at the end": ({"layers": "dense(60), repeat(2, residual(dense(60), relu))", "input": 200}, 600),
    "dropout": ({"layers": "dense(40), relu, dropout(0.3), dense(40), relu, dropout(0.2)", "input": 40}, 1500),
    "sum": (
        {"layers": "dense(40), sum(serial(dense(30), relu, dense(40)), dense(40), scale(0.5)), relu", "input": 40},
        1500,
    ),
    "zeros": ({"layers": "conv(24), relu, conv(24, kernel=2), relu, average-pool(2), flatten", "input": (12, 6)}, 600),
    "circular": (
        {
            "layers": 'conv(24, padding="circular"), relu, conv(24, stride=2, padding="circular"), relu',
            "input": (12, 5),
        },
        600,
    ),
    "groups": ({"layers": "conv(24, groups=2), relu, conv(24, groups=4, stride=2)", "input": (16, 5)}, 600),
    "two axes": (
        {
            "layers": "conv(20), relu, average-pool(2), conv(20), relu, average-pool, flatten, dense(6)",
            "input": (9, 4, 4),
        },
        250,
    ),
    "all of them": (
        {
            "layers": "conv(20), residual(relu, dropout(0.2), conv(20), scale=0.5), relu, average-pool(2), "
            'conv(20, padding="circular"), flatten, tanh, dense(30), residual(relu, dense(30), scale=0.7), relu, '
            "dense(4)",
            "input": (12, 6),
        },
        600,
    ),
}


@pytest.mark.parametrize("kind", LOOPS)
def test_predictions_agree_with_loops(kind):
    settings, networks = LOOPS[kind]
    network = Network(**{"gain": 1.6, "input_correlation": 0.4, **settings})
    mean, error = simulated(network, networks, seed=5)
    prediction = predict(network)
    for place, name in enumerate(("q", "m2", "grad")):
        found, wrong = mean[:, place], error[:, place]
        expected = prediction.columns[name]
        z = (found - expected) / np.maximum(wrong, 1e-12 * np.abs(expected))
        assert np.abs(z).max() < SIGMAS, (name, np.abs(z).argmax(), found, expected)
        # Wide is not infinitely wide: what the loops could have seen is an error of some percent.
        assert (wrong[expected != 0] < 0.2 * np.abs(expected[expected != 0])).all()


# ---- the targets: deep nets by their simulation, and predictions with one thing changed

DEEP = "dense(64), repeat(50, residual({f}, dense(64), scale={alpha})), dense(10)"
ALPHA = "1/sqrt(50)"


@pytest.mark.parametrize(("f", "gain"), [("relu", 2.0), ("tanh", 1.5)])
def test_fifty_residual_blocks_agree_with_their_simulation(f, gain):
    network = Network(layers=DEEP.format(f=f, alpha=ALPHA), input=64, gain=gain, input_correlation=0.5)
    found = verify(predict(network), simulate(network, networks=150, rng=3))
    assert found.agrees, found.summary()
    assert {row.quantity for row in found.comparisons} == {"q", "m2", "v2", "rho", "grad"}
    other = Network(layers=DEEP.format(f=f, alpha="1.3/sqrt(50)"), input=64, gain=gain, input_correlation=0.5)
    differs(network, other, found.simulation, ("q", "grad"))


@pytest.mark.parametrize(
    ("layers", "old", "new", "names", "size"),
    [
        ("dense(80), repeat(4, relu, dropout(0.2), dense(80))", "0.2", "0.4", ("q", "grad"), 80),
        ("conv(32), repeat(3, relu, conv(32))", "conv(32)", 'conv(32, padding="circular")', ("q", "grad"), (16, 5)),
        (
            "conv(32), residual(relu, dropout(0.2), conv(32), scale=0.8), relu, average-pool, flatten, dense(64), "
            "repeat(2, residual(relu, dense(64), scale=0.5))",
            "scale=0.8",
            "scale=1.2",
            ("q", "grad"),
            (16, 5),
        ),
    ],
)
def test_a_changed_prediction_differs_by_the_right_amount(layers, old, new, names, size):
    settings = {"input": size, "gain": 2.0, "input_correlation": 0.5}
    network = Network(layers=layers, **settings)
    run = simulate(network, networks=400, rng=2)
    found = verify(predict(network), run)
    assert found.agrees, found.summary()
    differs(network, Network(layers=layers.replace(old, new), **settings), run, names)


def differs(network, other, run, names):
    """The prediction of another network differs from the run, by as much as both predictions do from each other."""
    right, wrong = predict(network), predict(other)
    found = verify(replace(wrong, network=network), run)
    assert found.verdict == "differs"
    for name in names:
        rows = [row for row in found.comparisons if row.quantity == name]
        (worst,) = [max(rows, key=lambda row: abs(np.log(row.predicted / right.columns[name][row.layer])))]
        expected = right.columns[name][worst.layer] / wrong.columns[name][worst.layer] - 1
        noise = worst.standard_error / worst.predicted
        assert abs(worst.relative_difference - expected) < SIGMAS * noise
        assert abs(expected) > SIGMAS * noise


# ---- values that are known


def test_a_residual_stream_of_he_relu_doubles():
    """Zhang, Dauphin & Ma 2019 (Fixup), section 2: the variance of the stream doubles with each block."""
    q = column(Network(layers="dense(9), repeat(8, residual(relu, dense(9)))", input=9, gain=2), "q")
    np.testing.assert_allclose(q[1:], 2.0 ** np.arange(1, 10), rtol=1e-12)


def test_the_correlation_behind_relu_is_that_of_the_arc_cosine_kernel():
    """Cho & Saul 2009, equation 6: J_1(theta) = sin theta + (pi - theta) cos theta, over pi."""
    for c in (-0.7, 0.0, 0.2, 0.9):
        rho = column(Network(layers="dense(5), relu", input=5, gain=1, input_correlation=c), "rho")
        theta = np.arccos(c)
        assert rho[2] == pytest.approx((np.sin(theta) + (np.pi - theta) * np.cos(theta)) / np.pi, rel=1e-12)


def test_dropout_lets_no_two_samples_become_one():
    """Schoenholz et al. 2017, section 5: with dropout the correlation 1 is no fixed point; here it falls to 1 - p."""
    rho = column(Network(layers="dense(5), relu, dropout(0.2)", input=5, gain=1, input_correlation=1), "rho")
    assert rho[-1] == pytest.approx(0.8, rel=1e-12)


@pytest.mark.parametrize(("size", "kernel", "stride"), [((1, 5), 3, 1), ((1, 7), 4, 2), ((1, 4, 3), 3, 1)])
def test_zeros_leave_each_pixel_what_it_looks_at(size, kernel, stride):
    """The count, pixel by pixel, of what a kernel sees of ones with zeros around them."""
    from scipy.signal import convolve

    network = Network(layers=f"conv(2, kernel={kernel}, stride={stride})", input=size, gain=1)
    ones, axes = np.ones(size[1:]), len(size) - 1
    full = convolve(ones, np.ones([kernel] * axes), mode="full")
    first = kernel - 1 - (kernel - 1) // 2
    seen = full[tuple(slice(first, first + n, stride) for n in size[1:])] / kernel**axes
    np.testing.assert_allclose(predict(network).position_q[1], seen, rtol=1e-12)
    prediction = predict(network)
    assert prediction.columns["q"][1] == pytest.approx(seen.mean())
    assert (prediction.columns["q_min"][1], prediction.columns["q_max"][1]) == pytest.approx((seen.min(), seen.max()))


def test_circular_convolution_is_the_dense_layer_of_its_fan_in():
    layers = 'conv(4, padding="circular"), tanh, conv(4, padding="circular")'
    conv = predict(Network(layers=layers, input=(3, 5, 5), gain=1.7, bias_variance=0.2))
    dense = predict(Network(layers="dense(4), tanh, dense(4)", input=9, gain=1.7, bias_variance=0.2))
    for name in ("q", "m2"):
        np.testing.assert_allclose(conv.columns[name], dense.columns[name], rtol=1e-12)
    np.testing.assert_allclose(conv.columns["q_min"], conv.columns["q_max"], rtol=1e-12)


def test_the_chain_as_blocks_has_the_curve_of_the_chain():
    chain = Network(widths=[30, 40, 50, 20], activation="tanh", gain=1.5, bias_variance=0.1)
    old = predict(chain).columns
    blocks = predict(
        Network(layers="dense(40), tanh, dense(50), tanh, dense(20)", input=30, gain=1.5, bias_variance=0.1)
    )
    np.testing.assert_allclose(blocks.columns["q"][1::2], old["var_s"], rtol=1e-12)
    np.testing.assert_allclose(blocks.columns["m2"][1::2], old["m2"], rtol=1e-12)
    np.testing.assert_allclose(blocks.columns["grad"][1::2], old["var_grad_s"], rtol=1e-12)


def test_equal_networks_have_equal_curves():
    """A branch of factor zero, a factor of one, nothing dropped: combinators that change nothing."""
    plain = predict(Network(layers="dense(8), relu, dense(8)", input=8, gain=2)).columns
    for same in (
        "dense(8), residual(tanh, dense(8), scale=0), relu, dense(8)",
        "dense(8), scale(1), relu, dense(8)",
        "dense(8), dropout(0), relu, dense(8)",
        "serial(dense(8), sum(serial())), relu, repeat(1, dense(8))",
    ):
        found = predict(Network(layers=same, input=8, gain=2)).columns
        for name in ("q", "m2", "grad"):
            assert found[name][-1] == pytest.approx(plain[name][-1], rel=1e-12)
            assert found[name][0] == pytest.approx(plain[name][0], rel=1e-12)


def test_pooling_of_independent_places_divides_by_the_window():
    prediction = predict(Network(layers="average-pool(2), average-pool", input=(3, 8), gain=1))
    np.testing.assert_allclose(prediction.columns["q"], [1, 1 / 2, 1 / 8], rtol=1e-12)
    np.testing.assert_allclose(prediction.columns["grad"], [1 / 64, 1 / 16, 1], rtol=1e-12)


def test_units_side_by_side_keep_their_own_numbers():
    """Units of mean square 2 and 6 side by side: a dense layer of gain 1 behind them has the mean of all, by units."""
    network = Network(layers="concatenate(dense(30, gain=2), dense(10, gain=6)), dense(5, gain=1)", input=40)
    columns = predict(network).columns
    np.testing.assert_allclose(columns["q"], [1, 3, 3], rtol=1e-14)
    # What comes back to each unit is 5/40 of the gradient; both branches bring theirs to the input.
    np.testing.assert_allclose(columns["grad"], [(30 * 2 + 10 * 6) / 40 * 5 / 40, 5 / 40, 1], rtol=1e-14)


SIDE_BY_SIDE = {
    "units": ("dense(60), concatenate(serial(), dense(30, gain=3)), tanh, dense(50), relu, dense(4)", 60),
    "channels": (
        "conv(20), relu, concatenate(conv(20, gain=1), serial(), conv(6, gain=4)), average-pool(2), conv(16), flatten",
        (12, 6),
    ),
}


@pytest.mark.parametrize("kind", SIDE_BY_SIDE)
def test_branches_side_by_side_agree_with_their_simulation(kind):
    layers, size = SIDE_BY_SIDE[kind]
    network = Network(layers=layers, input=size, gain=1.6, input_correlation=0.4)
    run = simulate(network, networks=300, rng=4)
    found = verify(predict(network), run)
    assert found.agrees, found.summary()
    other = Network(layers=layers.replace("gain=3", "gain=2").replace("gain=4", "gain=2"), input=size, gain=1.6)
    assert verify(replace(predict(other), network=network), run).verdict == "differs"


def test_the_mean_of_the_input_is_common_to_all_places_and_samples():
    network = Network(layers="average-pool, flatten, dense(3)", input=(3, 4), gain=1, input_mean=2, input_variance=0.4)
    prediction = predict(network)
    np.testing.assert_allclose(prediction.columns["q"], [4.4, 4.1, 4.1, 4.1], rtol=1e-12)
    np.testing.assert_allclose(prediction.columns["m2"], [4, 4, 4, 4], rtol=1e-12)


def test_a_data_matrix_gives_its_own_moments():
    data = np.random.default_rng(1).normal(size=(3, 4))
    columns = predict(Network(layers="dense(5)", inputs=data, gain=2)).columns
    pairs = [(data[a] * data[b]).mean() for a in range(3) for b in range(3) if a != b]
    assert columns["q"][1] == pytest.approx(2 * (data**2).mean())
    assert columns["m2"][1] == pytest.approx(2 * np.mean(pairs))


# ---- the face


def test_a_prediction_has_rows_with_names_and_says_what_it_rests_on():
    network = Network(layers="conv(4), relu, flatten, dense(2)", input=(3, 4), gain=2)
    prediction = predict(network)
    rows = prediction.rows()
    assert [row["name"] for row in rows] == ["input", "conv", "relu", "flatten", "dense"]
    assert [*rows[0]] == ["layer", "name", "q", "q_min", "q_max", "m2", "v2", "rho", "grad"]
    assert json.loads(prediction.to_json())["rows"][4]["q_min"] is None
    assert prediction.to_csv().splitlines()[0] == "layer,name,q,q_min,q_max,m2,v2,rho,grad"
    assert any("jointly Gaussian" in why for why in prediction.approximations["q"])
    assert not prediction.exact["q"]
    assert "conv-square" in prediction.theorems["q"]
    assert {"conv-gradient", "elementwise-gradient"} <= set(prediction.theorems["grad"])
    linear = predict(Network(layers="conv(4), dropout(0.5), flatten, dense(2)", input=(3, 4), gain=2))
    assert linear.exact == {name: name != "grad" for name in linear.columns}


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ("dense(4), relu, relu", "block 3, relu: relu is predicted for Gaussian values .* out of relu"),
        ("dense(4), dropout(0.1), tanh", "block 3, tanh: .* comes out of dropout"),
        (
            "residual(relu)",
            "the branches of residual.relu. are predicted where they have weights; serial.relu. has none",
        ),
        ("concatenate(serial(), dense(2), scale(2))", "the branches of concatenate.* has none"),
    ],
)
def test_what_no_lemma_is_about_is_refused(layers, text):
    with pytest.raises(InputError, match=text):
        predict(Network(layers=layers, input=4, gain=1))


def test_an_input_with_another_law_is_no_gaussian_signal():
    with pytest.raises(InputError, match="comes out of the input"):
        predict(Network(layers="relu, dense(4)", input=4, gain=1, input_law="uniform"))
    assert column(Network(layers="relu, dense(4)", input=4, gain=1), "q")[1] == pytest.approx(0.5)


def test_the_linear_regime_is_the_chains():
    with pytest.raises(InputError, match="theory must be 'wide' or 'finite' for a network of layers"):
        predict(Network(layers="dense(4)", input=4, gain=1), theory="linear-regime")


# ---- sweeps


def test_a_sweep_is_many_predictions():
    text = "dense(16), repeat({depth}, {activation}, dense(16))"
    found = sweep(text, input=8, gain=[1.2, 2], bias_variance=[0, 0.3], depth=[2, 5], activation=["relu", "tanh"])
    assert found.at("rho").shape == (2, 2, 2, 2)
    for setting, columns in zip(found.settings, found.columns, strict=True):
        layers = text.replace("{depth}", str(setting["depth"])).replace("{activation}", setting["activation"])
        numbers = {name: setting[name] for name in ("gain", "bias_variance")}
        alone = predict(Network(layers=layers, input=8, **numbers)).columns
        for name, values in alone.items():
            np.testing.assert_allclose(columns[name], values, rtol=1e-12)
    assert [*found.rows()[0]][:6] == ["activation", "depth", "gain", "bias_variance", "layer", "name"]
    assert len(found.rows()) == sum(2 * depth + 2 for depth in (2, 5)) * 8


def test_a_block_that_says_its_own_gain_keeps_it():
    found = sweep("dense(4, gain=3), dense(4)", input=4, gain=[1, 2])
    assert [columns["q"].tolist() for columns in found.columns] == [[1, 3, 3], [1, 3, 6]]


def test_two_hundred_deep_networks_take_no_second():
    grid = {"gain": np.linspace(0.5, 3, 20), "bias_variance": np.linspace(0, 1, 10), "input": 64, "depth": 50}
    sweep("dense(64), repeat({depth}, relu, dense(64))", **grid)
    start = time.process_time()
    found = sweep("dense(64), repeat({depth}, relu, dense(64))", **grid)
    assert len(found.settings) == 200
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"layers": "dense(4)", "depth": 3}, "depth goes with {depth} in layers"),
        ({"layers": "repeat({depth}, dense(4))"}, "depth goes with {depth} in layers"),
        ({"layers": "repeat({depth}, dense(4))", "depth": [0]}, "depth must be positive integers, got 0"),
        ({"layers": "dense(4)", "gain": [-1]}, "gain must be finite and not negative, got -1"),
        ({"layers": "dense(4)", "gain": []}, "gain must have a value at least"),
        ({"layers": "dense(4)"}, "give gain, for all or in dense"),
    ],
)
def test_sweeps_refuse_bad_settings(settings, text):
    with pytest.raises(InputError, match=text):
        sweep(**{"input": 4, **({"gain": 1} if "depth" in str(settings) else {}), **settings})


def test_a_heat_map_is_of_two_settings_or_of_the_rows():
    found = sweep("dense(4), relu, dense(4)", input=4, gain=[1, 2], bias_variance=[0.0, 0.1, 0.2])
    figure = found.plot("q")
    assert [axes.get_xlabel() for axes in figure.axes][:1] == [r"$\mathrm{Var}[b]$"]
    np.testing.assert_allclose(np.asarray(figure.axes[0].collections[0].get_array()).reshape(2, 3), found.at("q"))
    assert sweep("dense(4), dense(4)", input=4, gain=[1, 2]).plot("grad").axes[0].get_ylabel() == "row"
    with pytest.raises(InputError, match="a heat map is of two settings"):
        sweep("dense(4)", input=4, gain=[1]).plot()
    with pytest.raises(InputError, match="quantity must be one of q, m2"):
        found.plot("kurtosis")
