"""Histograms of single pre-activations over networks, over samples and over a layer, with the Gaussians of theory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, StepPatch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from numerics.curves.finite import LEAST_WIDTH, log_lengths
from numerics.figures import style
from numerics.figures.experiment import NETWORKS, SAMPLES, Experiment
from numerics.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, WIDTH, Given, Panels
from numerics.laws import RADEMACHER

Floats = NDArray[np.float64]

_NEURONS = (BLUE, ORANGE, GREEN)
_REACH = 3.6  # standard deviations to each side
_HEADROOM = 0.08  # of the height, above the highest bar
_HEADER_LAYER = 10
_OVER_NETWORKS = r"$\mathcal{N}(0,\ \mathrm{Var}[y_l])$ over networks"
_REAL = (0, (1.2, 1.2))
_GRID = np.linspace(-4.5, 4.5, 181)
_MIXED = 40  # normal laws in the mixture
_Show = Callable[..., None]


def network_randomness(experiment: Experiment, ax: Given = None) -> Figure:
    """One neuron over many networks that see the same input."""
    note = f"{NETWORKS} networks, one input, one neuron"
    real = rf"mixture over networks of width {experiment.width}"
    return _by_layer(experiment, ax, partial(_over_networks, real=True), note, (_OVER_NETWORKS, real))


def sample_randomness(experiment: Experiment, ax: Given = None) -> Figure:
    """Three neurons of one network over many inputs."""
    note = f"one network, {SAMPLES} inputs, three neurons"
    labels = (
        r"$\mathcal{N}(\mu,\ v^2)$ around each neuron’s mean",
        rf"the same, $v^2$ at width {experiment.width}",
        r"$\mathcal{N}(0,\ m^2)$ of the means",
    )
    return _by_layer(experiment, ax, partial(_over_samples, real=True), note, labels, share=False)


def layer_randomness(experiment: Experiment, ax: Given = None) -> Figure:
    """All neurons of a layer, in one network, for one input."""
    note = f"one network, one input, all {experiment.width} neurons of a layer"
    return _by_layer(experiment, ax, _over_layer, note, (_OVER_NETWORKS,))


def three_kinds(experiment: Experiment, ax: Given = None) -> Figure:
    """The three side by side, at one layer."""
    layer = min(_HEADER_LAYER, experiment.depth)
    drawn = style.panels(ax, 3, (WIDTH, 2.75), sharex=True, sharey=True)
    fixed = (r"P(y_l \mid x)", r"P(y_l \mid W_1, \ldots, W_l)", r"P(y_l \mid x, W_1, \ldots, W_{l-1})")
    names = ("network randomness", "sample randomness", "layer randomness")
    shows = (_over_networks, _over_samples, _over_layer)
    for axes, name, given, show in zip(drawn.axes, names, fixed, shows, strict=True):
        show(axes, experiment, layer, (layer,))
        axes.set_title(f"{name}\n${given}$", fontsize=10, pad=6)
        axes.set_xlabel(f"$y_{{{layer}}}$")
    note = f"{NETWORKS} networks, {SAMPLES} inputs, {experiment.width} neurons of one layer"
    labels = ("Gaussian of the predicted variance", r"$\mathcal{N}(0,\ m^2)$ of the neurons’ means")
    return _finish(drawn, experiment, note, labels)


def _by_layer(
    experiment: Experiment, ax: Given, show: _Show, note: str, theories: Sequence[str], *, share: bool = True
) -> Figure:
    """Draw one panel a layer; fluctuations over samples shrink with depth, and their densities share no scale."""
    drawn = style.panels(ax, len(experiment.layers), (WIDTH, 2.2), sharex=True, sharey=share)
    for axes, layer in zip(drawn.axes, experiment.layers, strict=True):
        show(axes, experiment, layer)
        style.title(axes, f"layer {layer}")
        axes.set_xlabel(f"$y_{{{layer}}}$")
    return _finish(drawn, experiment, note, theories)


def _over_networks(
    axes: Axes, experiment: Experiment, layer: int, layers: Sequence[int] = (), *, real: bool = False
) -> None:
    simulation = experiment.simulate("network", tuple(layers) or experiment.layers)
    _histogram(axes, simulation.recorded[layer - 1].ravel(), BLUE)
    variance = experiment.prediction(simulation).columns["var_s"][layer - 1]
    _gaussian(axes, 0.0, variance, INK, kind="theory")
    if real and experiment.width >= LEAST_WIDTH:
        mean, spread = log_lengths(replace(simulation.predicted_network, input_law=RADEMACHER))
        _mixture(axes, float(mean[layer - 1]), float(spread[layer - 1]))


def _over_samples(
    axes: Axes, experiment: Experiment, layer: int, layers: Sequence[int] = (), *, real: bool = False
) -> None:
    simulation = experiment.simulate("sample", tuple(layers) or experiment.layers)
    theory = experiment.prediction().columns
    neurons = simulation.recorded[layer - 1][0].T
    for values, colour in zip(neurons, _NEURONS, strict=False):
        _histogram(axes, values, colour)
    for values in neurons:
        _gaussian(axes, float(values.mean()), theory["v2"][layer - 1], INK, kind="theory")
        if real:
            _gaussian(axes, float(values.mean()), experiment.real_v2[layer - 1], INK, dash=_REAL, kind="real")
    if theory["m2"][layer - 1] > 0:
        _gaussian(axes, 0.0, theory["m2"][layer - 1], GREY, dash=(0, (4, 2)), kind="means")


def _over_layer(axes: Axes, experiment: Experiment, layer: int, layers: Sequence[int] = ()) -> None:
    simulation = experiment.simulate("layer", tuple(layers) or experiment.layers)
    _histogram(axes, simulation.recorded[layer - 1].ravel(), PURPLE)
    _gaussian(axes, 0.0, experiment.prediction().columns["var_s"][layer - 1], INK, kind="theory")


def _bare(axes: Axes) -> None:
    """Leave out the axis of densities, whose numbers say nothing."""
    axes.spines["left"].set_visible(False)
    axes.yaxis.set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _reach(panels: Sequence[Axes], experiment: Experiment) -> None:
    """Make room for the Gaussian, and for every bar, however far out or high."""
    spread = _REACH * math.sqrt(experiment.prediction().columns["var_s"].max())
    bars = [patch.get_data() for axes in panels for patch in axes.patches if isinstance(patch, StepPatch)]
    reach = max(spread, *(1.02 * np.abs(edges).max() for _, edges, _ in bars))
    for axes in panels:
        axes.set_xlim(-reach, reach)
        axes.margins(y=_HEADROOM)


def _histogram(axes: Axes, values: Floats, colour: str) -> None:
    """Draw a density; bins are of equal size and as many as the values can fill."""
    edges = np.histogram_bin_edges(values, bins="fd")
    density, _ = np.histogram(values, bins=edges, density=True)
    axes.stairs(density, edges, fill=True, color=colour, alpha=0.38, linewidth=0)
    axes.stairs(density, edges, color=colour, linewidth=0.8)


def _gaussian(axes: Axes, mean: float, variance: float, colour: str, *, kind: str, dash: object = "-") -> None:
    grid = mean + math.sqrt(variance) * _GRID
    _line(axes, grid, _density(grid - mean, variance), colour, dash, kind)


def _mixture(axes: Axes, log_mean: float, log_variance: float) -> None:
    """Draw the mixture of normal laws whose variances are log-normal."""
    x, w = np.polynomial.hermite_e.hermegauss(_MIXED)
    variances = np.exp(log_mean + math.sqrt(log_variance) * x)
    grid = math.exp(log_mean / 2 + math.sqrt(log_variance)) * _GRID  # its tails are long
    _line(axes, grid, _density(grid[:, None], variances) @ w / w.sum(), INK, _REAL, "real")


def _density(x: Floats, variance: float | Floats) -> Floats:
    return np.exp(-(x**2) / (2 * variance)) / np.sqrt(2 * math.pi * variance)


def _line(axes: Axes, grid: Floats, density: Floats, colour: str, dash: object, kind: str) -> None:
    (line,) = axes.plot(grid, density, color=colour, linewidth=1.1, linestyle=dash)
    if colour == INK:
        style.inked(line)
    line.set_gid(kind)


def _finish(drawn: Panels, experiment: Experiment, note: str, theories: Sequence[str]) -> Figure:
    """Set the axes, and name what is drawn."""
    for axes in drawn.axes:
        _bare(axes)
    _reach(drawn.axes, experiment)
    kinds = {line.get_gid(): line for axes in drawn.axes for line in axes.lines}
    for line in kinds.values():
        line.set_gid(None)
    bars = Patch(facecolor=(*to_rgb(GREY), 0.38), edgecolor=GREY, linewidth=0.8)
    labels = [f"simulation: {note}", *(f"theory: {name}" for name in theories[: len(kinds)])]
    drawn.legend([bars, *kinds.values()], labels, ncols=2, fontsize=9, columnspacing=2.0)
    return drawn.figure
