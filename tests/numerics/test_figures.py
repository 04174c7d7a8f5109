"""Figures: every name draws, whole or not at all; what is drawn is the simulation and the theory."""

import io
import os
from xml.etree import ElementTree

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.image import imread
from matplotlib.patches import StepPatch

from derive.errors import InputError
from numerics.cli import main
from numerics.curves import predict
from numerics.figures import FIGURES, draw, save_figure, to_bytes, to_inline_svg
from numerics.figures.decay import _simulated, asymptote
from numerics.figures.experiment import Experiment

SMALL = {"width": 64, "depth": 7}


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def gaussians(axes):
    """Return mean and variance of each density that is drawn as a line, by quadrature of what is drawn."""
    found = []
    for line in axes.lines:
        x, p = line.get_data()
        mass = np.trapezoid(p, x)
        assert mass == pytest.approx(1, abs=1e-4)
        mean = np.trapezoid(x * p, x) / mass
        found.append((mean, np.trapezoid((x - mean) ** 2 * p, x) / mass))
    return np.array(found)


def histograms(axes):
    """Return the densities and edges that are drawn as filled steps."""
    return [patch.get_data()[:2] for patch in axes.patches if isinstance(patch, StepPatch) and patch.get_fill()]


def step(m2, v2):
    """K by its definition: E of ReLU(a) ReLU(b) for Gaussians of variance q and covariance m2, by the angle between."""
    q = m2 + v2
    angle = np.arccos(m2 / q)
    m2 = q / np.pi * (np.sin(angle) + (np.pi - angle) * np.cos(angle))  # Cho & Saul 2009, equation 6, at gain 2
    return m2, q - m2


@pytest.mark.parametrize(("name", "form"), list(zip(FIGURES, ("png", "svg", "pdf") * 3, strict=False)))
def test_every_figure(name, form, tmp_path):
    """A file of its kind, and the same bytes for the same seed."""
    path = tmp_path / f"{name}.{form}"
    save_figure(path, name, seed=3, **SMALL)
    written = path.read_bytes()
    assert written.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form])
    assert to_bytes(draw(name, seed=3, **SMALL), form) == written
    assert os.listdir(tmp_path) == [path.name]


def test_another_seed_another_figure():
    """The seed is used."""
    assert to_bytes(draw("layer-randomness", seed=1, **SMALL), "svg") != to_bytes(
        draw("layer-randomness", seed=2, **SMALL), "svg"
    )


def test_network_randomness():
    """The Gaussian has variance 2 |x|^2/n of the one input, at each layer; the histogram holds all 1000 networks.

    The mixture has the same variance, and the peak of normal laws whose variances are those of drawn networks.
    """
    figure = draw("network-randomness", **SMALL)
    experiment = Experiment(seed=0, **SMALL)
    assert experiment.layers == (1, 5, 7)
    assert experiment.network.widths == (64,) * 8
    simulation = experiment.simulate("network", experiment.layers)
    variance = 2 * np.mean(simulation.fixed_input**2)
    for axes, layer in zip(figure.axes, experiment.layers, strict=True):
        normal, mixture = gaussians(axes)
        assert normal == pytest.approx([0, variance], rel=1e-3, abs=1e-9)
        assert mixture == pytest.approx([0, variance], rel=0.02, abs=1e-9)
        q, rng = np.full(8000, variance), np.random.default_rng(layer)
        for _ in range(layer - 1):
            q *= 2 * (np.maximum(rng.standard_normal((len(q), 64)), 0) ** 2).mean(axis=1)
        peaks = [line.get_ydata().max() for line in axes.lines]
        assert peaks[1] == pytest.approx(np.mean(1 / np.sqrt(2 * np.pi * q)), rel=0.02)
        assert peaks[1] > (1.04 if layer > 1 else 0.999) * peaks[0]
        ((density, edges),) = histograms(axes)
        counts, _ = np.histogram(simulation.recorded[layer - 1], edges)
        assert counts.sum() == 1000
        assert density * np.diff(edges) * 1000 == pytest.approx(counts)
        # The first layer is Gaussian given the input: its variance over 1000 networks has an error of 4.5 %.
    assert np.var(simulation.recorded[0]) == pytest.approx(variance, rel=0.18)


def test_sample_randomness():
    """Three neurons; a Gaussian of variance v^2 around each one's mean, and that of the means, m^2, from layer 2.

    Beside the first there is one of the v^2 of real networks of this width.
    """
    figure = draw("sample-randomness", **SMALL)
    experiment = Experiment(seed=0, **SMALL)
    recorded = experiment.simulate("sample", experiment.layers).recorded
    real = predict(experiment.network, theory="finite").columns["v2"]
    m2, v2 = 0.0, 2.0
    expected = {1: (m2, v2)}
    for layer in range(2, 8):
        m2, v2 = step(m2, v2)
        expected[layer] = m2, v2
    for axes, layer in zip(figure.axes, experiment.layers, strict=True):
        m2, v2 = expected[layer]
        rows = [(mean, v) for mean in recorded[layer - 1][0].mean(axis=0) for v in (v2, real[layer - 1])]
        rows += [(0.0, m2)] if layer > 1 else []
        assert gaussians(axes) == pytest.approx(np.array(rows), rel=1e-3, abs=1e-9)
        assert len(histograms(axes)) == 3


def test_header_shows_the_three_at_one_layer():
    """One Gaussian, three and the means', and one."""
    figure = draw("samplelayer-randomness", **SMALL)
    assert [len(axes.lines) for axes in figure.axes] == [1, 4, 1]


def test_asymptote_meets_the_recursion():
    """v^2 of the closed form in high precision, at depth 10^4, by the derived law up to its next order, 1/l."""
    with mpmath.workdps(40):
        q, m2, depth = mpmath.mpf(2), mpmath.mpf(0), 10_000
        for _ in range(depth - 1):
            angle = mpmath.acos(m2 / q)
            m2 = q / mpmath.pi * (mpmath.sin(angle) + (mpmath.pi - angle) * mpmath.cos(angle))
        exact = float(q - m2)
    assert asymptote(np.array([depth]), 2.0)[0] == pytest.approx(exact, rel=10 / depth)
    leading = 9 * np.pi**2 / depth**2
    assert leading != pytest.approx(exact, rel=10 / depth)


def test_sample_variance():
    """The curve of theory is the recursion, over twenty times the layers that are simulated."""
    left, right = draw("sample-variance", **SMALL).axes
    layers, v2 = left.lines[0].get_data()
    assert layers.tolist() == list(range(1, 20 * SMALL["depth"] + 1))
    state, found = (0.0, 2.0), []
    for _ in layers:
        found.append(state[1])
        state = step(*state)
    assert v2 == pytest.approx(np.array(found), rel=1e-9)
    (real,) = (line for line in left.lines if line.get_linestyle() == ":")
    network = Experiment(seed=0, **SMALL).network
    assert real.get_ydata() == pytest.approx(predict(network, theory="finite").columns["v2"], rel=1e-12)
    assert real.get_ydata()[-1] > 1.05 * v2[SMALL["depth"] - 1]
    assert len(right.get_legend().get_texts()) == 3
    wide, narrow = (_simulated(Experiment(seed=0, **SMALL), width, n) for n, width in enumerate((64, 8)))
    points = [(left, 0, wide, "v2"), (left, 1, narrow, "v2")]
    points += [(right, k, wide, name) for k, name in enumerate(("v2", "m2", "var_s"))]
    for axes, k, simulation, name in points:
        data, _, (ends,) = axes.containers[k].lines
        at = data.get_xdata() - 1
        assert (at[0], at[-1], len(at) >= 6) == (0, SMALL["depth"] - 1, True)
        estimate, error = simulation.estimate[name][at], simulation.standard_error[name][at]
        assert data.get_ydata().tolist() == estimate.tolist()
        bars = np.array([end[:, 1] for end in ends.get_segments()])
        assert bars == pytest.approx(np.stack([estimate - 2 * error, estimate + 2 * error], axis=1), rel=1e-12)


def test_inline_figure_takes_the_colour_of_the_text():
    """Well-formed, and no black is left for a dark page to hide; drawing it leaves the figure as it was."""
    for name in ("kaiming-net", "network-randomness"):
        figure = draw(name, **SMALL)
        for _ in range(5):
            before = to_bytes(figure, "png")  # matplotlib's layout comes to rest
        text = to_inline_svg(figure, "of <three> &c.")
        ElementTree.fromstring(text)
        assert "currentColor" in text
        assert "#000000" not in text
        assert 'role="img" aria-label="of &lt;three&gt; &amp;c."' in text
        assert "<g id" not in text
        before, after = (imread(io.BytesIO(picture)) for picture in (before, to_bytes(figure, "png")))
        assert np.abs(after - before).max() < 0.2, "the same picture, but for roundings of the layout"


def test_command_line(tmp_path):
    """Written, listed, and refused: an unknown name, another format, no file, a bad number; nothing half-written."""
    path = tmp_path / "figure.svg"
    good = run("figure", "kaiming-net", "-o", str(path), "--width", "32", "--depth", "4")
    assert (good.exit_code, good.output) == (0, "")
    assert path.exists()
    listing = run("figure").output
    assert all(name in listing for name in FIGURES)
    path.unlink()
    for arguments, message in (
        (("kaiming-nets", "-o", str(path)), "unknown figure 'kaiming-nets'; did you mean kaiming-net"),
        (("kaiming-net", "-o", str(path.with_suffix(".gif"))), "must end in .png, .svg, .pdf"),
        (("kaiming-net",), "give -o FILE"),
        (("kaiming-net", "-o", str(path), "--depth", "0"), "depth must be an integer of at least 1, got 0"),
        (("kaiming-net", "-o", str(tmp_path / "no" / "x.svg")), "cannot write"),
    ):
        bad = run("figure", *arguments)
        assert bad.exit_code == 2
        assert message in bad.output
        assert bad.output.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_bad_arguments():
    """Named, with the rule and the value."""
    with pytest.raises(InputError, match="unknown figure 'sample'"):
        draw("sample")
    with pytest.raises(InputError, match="seed must be an integer of at least 0, got -1"):
        draw("kaiming-net", seed=-1)
    with pytest.raises(InputError, match=r"width must be an integer of at least 1, got 2\.5"):
        draw("kaiming-net", width=2.5)
