"""Figures of curves: the lines are the prediction, the points the estimates with two standard errors each way."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from matplotlib.ticker import FuncFormatter

from numerics.curves import predict
from numerics.figures import plot_curves, plot_regime
from numerics.network import Network
from numerics.simulation import simulate

FORWARD = {"forward": ["var_z", "var_s"], "backward": ["var_grad_s", "var_grad_w"]}
SAMPLES = {"variances": ["v2", "m2", "var_s"], "correlation of two samples": ["rho"]}
RELU = Network(widths=[30, 20, 40, 30, 20], activation="relu", gain=[2.0, 1.5, 3.0, 2.5], bias_variance=0.3)


def panels(figure):
    """Title and axes."""
    return {axes.get_title(loc="left") or axes.get_title(): axes for axes in figure.axes}


def lines(axes):
    """Every line of theory."""
    pointed = {id(bar.lines[0]) for bar in axes.containers}
    return [
        line for line in axes.lines if id(line) not in pointed and len(line.get_xdata()) and line.get_label()[0] != "_"
    ]


def points(axes):
    """Layers, estimates and the ends of the error bars of every series of points."""
    for bar in axes.containers:
        data, _, (ends,) = bar.lines
        yield data.get_xdata(), data.get_ydata(), np.array([end[:, 1] for end in ends.get_segments()])


def test_the_curves_alone():
    """Four panels for a rectifier, with every column in its own; two where there is nothing over samples."""
    prediction = predict(RELU)
    shown = panels(plot_curves(prediction))
    assert list(shown) == [*FORWARD, *SAMPLES]
    for title, names in (FORWARD | SAMPLES).items():
        found = lines(shown[title])
        assert len(found) == len(names)
        for line, name in zip(found, names, strict=True):
            np.testing.assert_array_equal(line.get_xdata(), range(4))
            np.testing.assert_array_equal(line.get_ydata(), prediction.columns[name], err_msg=name)
        assert shown[title].get_yscale() == ("linear" if names == ["rho"] else "log")
    linear = predict(replace(RELU, activation="linear", bias_variance=(0.0,) * 4), theory="linear-regime")
    assert list(panels(plot_curves(linear))) == list(FORWARD)


def test_a_prediction_without_samples_is_not_drawn_in_their_panels():
    """The linear regime has no m2, whatever the simulation has: what both have is drawn."""
    network = replace(RELU, activation="tanh", bias_variance=(0.0,) * 4)
    simulation = simulate(network, over="both", networks=20, rng=1, progress=False)
    figure = plot_curves(predict(network, theory="linear-regime"), simulation)
    assert list(panels(figure)) == list(FORWARD)


@pytest.mark.parametrize(("over", "expected"), [("network", FORWARD), ("both", SAMPLES)])
def test_a_simulation_lies_over_its_prediction(over, expected):
    """Only the panels that it has estimates for; each point at its layer, its bar two standard errors each way."""
    simulation = simulate(RELU, over=over, networks=20, rng=1, progress=False)
    shown = panels(plot_curves(predict(RELU), simulation))
    assert list(shown) == list(expected)
    for title, names in expected.items():
        assert len(lines(shown[title])) == len(names)
        for (layers, values, ends), name in zip(points(shown[title]), names, strict=True):
            estimate, error = simulation.estimate[name], simulation.standard_error[name]
            drawn = estimate > 0
            np.testing.assert_array_equal(layers, np.flatnonzero(drawn))
            np.testing.assert_array_equal(values, estimate[drawn])
            np.testing.assert_allclose(np.diff(ends)[:, 0], 4 * error[drawn], rtol=1e-9)
            np.testing.assert_allclose(ends.mean(axis=1), estimate[drawn], rtol=1e-9)


def test_the_units_of_one_layer_have_one_series():
    """Over the units of a layer there is var_s alone, in the panel of its kind."""
    simulation = simulate(RELU, over="layer", rng=1, progress=False)
    shown = panels(plot_curves(predict(RELU), simulation))
    (series,) = chain.from_iterable(map(points, shown.values()))
    np.testing.assert_array_equal(series[1], simulation.estimate["var_s"])


def test_noise_about_nothing_is_not_drawn():
    """Without biases m2 is 0 in the first layer, and its estimate is noise: of either sign, and not a point."""
    network = replace(RELU, bias_variance=(0.0,) * 4)
    prediction, simulation = predict(network), simulate(network, over="both", networks=20, rng=1, progress=False)
    assert prediction.columns["m2"][0] == 0
    high = replace(simulation, estimate={**simulation.estimate, "m2": np.abs(simulation.estimate["m2"]) + 1e-9})
    _, (layers, _, _), _ = points(panels(plot_curves(prediction, high))["variances"])
    assert layers.tolist() == [1, 2, 3]


def test_a_curve_that_hardly_moves_is_not_blown_up():
    """Below a factor of 30 from end to end ticks are plain numbers, and the axis spans at least a factor of 16."""

    def axis(gain):
        axes = panels(plot_curves(predict(Network(widths=[9] * 5, gain=gain), theory="linear-regime")))["forward"]
        low, high = axes.get_ylim()
        return high / low, isinstance(axes.yaxis.get_major_formatter(), FuncFormatter)

    assert axis(1.0) == (pytest.approx(16, rel=0.05), True)
    # Var[s^3] is gain^4 times Var[z^0], and the axis goes on by 5 % of the decades on either side.
    for factor, plain in ((29.6, True), (30.4, False), (100, False)):
        assert axis(factor ** (1 / 4.4)) == (pytest.approx(factor, rel=1e-9), plain)


def test_where_the_linear_regime_ends():
    """Ratio against gain, two standard errors each way, and a line at 1."""
    gains, ratio, error = [0.1, 1.0, 3.0], np.array([0.9, 0.5, 0.2]), np.array([0.01, 0.02, 0.05])
    (axes,) = plot_regime(gains, {"a": (ratio, error), "b": (ratio / 2, error / 3)}).axes
    assert list(axes.lines[0].get_ydata()) == [1, 1]
    for (x, y, ends), scale, width in zip(points(axes), (1, 2), (1, 3), strict=True):
        np.testing.assert_array_equal(x, gains)
        np.testing.assert_allclose(y, ratio / scale)
        np.testing.assert_allclose(ends, np.stack([y - 2 * error / width, y + 2 * error / width], axis=1))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["linear regime", "a", "b"]
