"""What normalisation does to two samples and to gradients: theory over simulation, and the depth scale by phase."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

import derive
from numerics.curves import predict
from numerics.figures import style
from numerics.figures.edge import tanh_diagram
from numerics.figures.experiment import Experiment, he_gain
from numerics.figures.style import BLUE, GREEN, GREY, OPEN, ORANGE, PURPLE, WIDTH, Given
from numerics.network import Network
from numerics.phase_figure import draw_phase
from numerics.simulation import Simulation, simulate
from numerics.stages import Stage, stream

Floats = NDArray[np.float64]

_WIDTH, _DEPTH, _NETWORKS = 256, 20, 20
"""The most that is simulated; a smaller experiment is simulated as it is."""

_DECAYS = (
    ("none", "relu", BLUE, "o", "solid"),
    ("LayerNorm, ReLU", "layernorm, relu", GREEN, "s", "dashed"),
    ("ReLU, LayerNorm", "relu, layernorm", ORANGE, "D", "solid"),
    ("BatchNorm ($B = 16$), ReLU", "batchnorm(batch=16), relu", PURPLE, "^", "solid"),
)
_BATCHES = ((4, ORANGE, "o"), (16, GREEN, "s"), (64, BLUE, "D"))


def normalised_decay(experiment: Experiment, ax: Given = None) -> Figure:
    """v²/q of ReLU networks against depth, without normalisation, with LayerNorm at two places, with BatchNorm."""
    drawn = style.panels(ax, 1, (WIDTH * 0.8, 3.8))
    (axes,) = drawn.axes
    handles = {}
    for number, (label, between, colour, marker, dash) in enumerate(_DECAYS):
        run = _simulated(experiment, between, number)
        rows = _dense_rows(run.network)
        theory = predict(run.network).columns
        layers = np.arange(1, len(rows) + 1)
        (line,) = axes.plot(layers, (theory["v2"] / theory["q"])[rows], color=colour, linestyle=dash)
        apart, error = (1 - run.estimate["rho"])[rows], 2 * run.standard_error["rho"][rows]
        points = axes.errorbar(layers, apart, error, color=colour, fmt=marker, elinewidth=0.9, **OPEN)
        handles[label] = (line, points)  # named by one entry
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("layer $l$")
    axes.set_ylabel(r"$1 - \rho = v^2/q$ of two samples")
    style.title(axes, f"two samples, $N = {run.network.shape[0]}$")
    drawn.legend(list(handles.values()), list(handles), ncols=2)
    return drawn.figure


def batch_norm_gradients(experiment: Experiment, ax: Given = None) -> Figure:
    """Mean squares of gradients back through ReLU networks with BatchNorm: an infinite batch, and simulated ones."""
    drawn = style.panels(ax, 1, (WIDTH * 0.8, 3.8))
    (axes,) = drawn.axes
    for number, (batch, colour, marker) in enumerate(_BATCHES):
        run = _simulated(experiment, f"batchnorm(batch={batch}), relu", len(_DECAYS) + number)
        rows = _dense_rows(run.network)[1:]  # the first layer's input has another mean square
        back = np.arange(len(rows))[::-1]
        values, error = (part["grad"][rows] for part in (run.estimate, run.standard_error))
        axes.errorbar(
            back,
            values / values[-1],
            2 * error / values[-1],
            color=colour,
            fmt=marker,
            elinewidth=0.9,
            label=f"simulated, $B = {batch}$",
            **OPEN,
        )
    parts = {part.name: part for part in derive.theorem("batch-norm-gradient").parts}
    factor = parts["batch-norm-gradient-relu"].result
    axes.plot(back, float(factor) ** back, color=GREY, label=rf"infinite batch, ${float(factor):.4g}^k$")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("layers back from the output, $k$")
    axes.set_ylabel("mean square gradient, over the last layer's")
    style.title(axes, f"BatchNorm, ReLU, $N = {run.network.shape[0]}$")
    drawn.legend(*axes.get_legend_handles_labels(), ncols=2)
    return drawn.figure


def depth_scale(experiment: Experiment, ax: Given = None) -> Figure:
    """In how many layers two samples come nearer to where all pairs go by a factor e, as colour over the phases."""
    del experiment  # nothing is simulated
    drawn = style.panels(ax, 1, (WIDTH * 0.85, 3.8))
    (axes,) = drawn.axes
    diagram = tanh_diagram()
    scale = np.where(diagram.xi_c > 0, diagram.xi_c, np.nan)
    mesh = axes.pcolormesh(
        diagram.sigma_w2,
        diagram.sigma_b2,
        np.clip(scale, 1, 100),
        norm=LogNorm(1, 100),
        cmap="viridis",
        shading="nearest",
        rasterized=True,
    )
    phases = draw_phase(axes, diagram, scales=(), coloured=False)
    bar = axes.inset_axes((1.03, 0, 0.03, 1))
    # Only ticks that are seen: others would be laid out below the figure.
    drawn.figure.colorbar(mesh, cax=bar, label=r"$\xi_c$ (layers)", extend="max", ticks=[1, 10, 100])
    style.title(axes, str(diagram.activation))
    drawn.legend(phases.handles, phases.labels, ncols=3)
    return drawn.figure


def _network(experiment: Experiment, between: str) -> Network:
    width, depth = min(experiment.width, _WIDTH), min(experiment.depth, _DEPTH)
    repeated = f", repeat({depth - 1}, {between}, dense({width}))" if depth > 1 else ""
    return Network(layers=f"dense({width}){repeated}", input=width, gain=he_gain())


@lru_cache(maxsize=8)
def _simulated(experiment: Experiment, between: str, number: int) -> Simulation:
    rng = stream(experiment.seed, Stage.NORMALISED, number)
    return simulate(_network(experiment, between), networks=_NETWORKS, rng=rng, progress=False)


def _dense_rows(network: Network) -> list[int]:
    return [row for row, name in enumerate(predict(network).names) if name == "dense"]
