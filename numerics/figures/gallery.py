"""The figures by name: each imported when it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from derive.errors import InputError, unknown_name
from numerics.figures import style
from numerics.figures.experiment import Experiment
from numerics.figures.style import Given

FIGURES = {
    "samplelayer-randomness": ("histograms:three_kinds", "Network, sample and layer randomness at one layer."),
    "kaiming-net": ("diagram:kaiming_net", "What is random and what is fixed in each of the three."),
    "network-randomness": ("histograms:network_randomness", "One neuron, one input, 1000 networks."),
    "sample-randomness": ("histograms:sample_randomness", "Three neurons of one network, 1000 inputs."),
    "layer-randomness": ("histograms:layer_randomness", "All neurons of a layer, one network, one input."),
    "sample-variance": ("decay:sample_variance", "m² and v² against depth: theory, simulation, asymptote."),
    "edge-of-chaos": ("edge:edge_of_chaos", "Two inputs grow alike or apart: tanh below, at and above the edge."),
    "normalised-decay": ("normalised:normalised_decay", "Two samples against depth, by normalisation, ReLU."),
    "batch-norm-gradients": ("normalised:batch_norm_gradients", "Gradients through BatchNorm, at B = 4, 16 and 64."),
    "depth-scale": ("normalised:depth_scale", "How many layers a difference survives, over tanh's phases."),
}
"""Where each figure is drawn, and what it shows."""


def draw(name: str, *, seed: int = 0, width: int = 1024, depth: int = 50, ax: Given = None) -> Figure:
    """Draw a figure of the post of 2020-02-18, on a ReLU network with He's weights and white noise for inputs.

    ``edge-of-chaos`` and ``depth-scale`` are not of the post, and show tanh networks with biases; nor are
    ``normalised-decay`` and ``batch-norm-gradients``, of networks of at most 20 layers of 256 units.

    Args:
        name: one of `FIGURES`.
        seed: of all random numbers; the same seed gives the same figure.
        width: the size of every layer.
        depth: the number of weight matrices; histograms show layers 1, 5, 10 and 50 of them, and the last.
        ax: matplotlib axes to draw on, as many as the figure has panels; by default those of a new figure.

    Raises:
        InputError: for an unknown name (with close matches), axes of another number, and a seed, width or depth that is
            no positive integer (a seed may be zero).

    """
    if name not in FIGURES:
        raise unknown_name("figure", name, FIGURES)
    for argument, value, least in (("seed", seed, 0), ("width", width, 1), ("depth", depth, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{argument} must be an integer of at least {least}, got {value!r}")
    module, function = FIGURES[name][0].split(":")
    make: Callable[[Experiment, Given], Figure] = getattr(import_module(f"numerics.figures.{module}"), function)
    with mpl.rc_context(style.STYLE):
        return make(Experiment(seed=seed, width=width, depth=depth), ax)


def save_figure(path: str | Path, name: str, *, seed: int = 0, width: int = 1024, depth: int = 50) -> None:
    """Draw a figure (see `draw`) to a file, whole or not at all; the format is that of its name.

    Raises `InputError` as `draw` does, for a name that does not end in .png, .svg or .pdf, and where the file cannot be
    written.
    """
    style.form_of(path)
    style.save(path, draw(name, seed=seed, width=width, depth=depth))
