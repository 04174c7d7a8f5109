"""The edge of chaos: where in the phase diagram three networks lie, and how alike two inputs become in each."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from numerics.criticality import critical
from numerics.curves import predict
from numerics.figures import style
from numerics.figures.experiment import Experiment
from numerics.figures.style import BLUE, GREY, OPEN, ORANGE, RED, WIDTH, Given
from numerics.network import Network
from numerics.phase import Phase, phase_diagram
from numerics.phase_figure import draw_phase
from numerics.simulation import simulate
from numerics.stages import Stage, stream

_ACTIVATION, _BIAS = "tanh", 0.05
_GRID = 128
# The weight variance as a multiple of that on the edge.
_NETWORKS = (("ordered", 0.6, BLUE, "o"), ("edge of chaos", 1.0, RED, "s"), ("chaotic", 1.6, ORANGE, "^"))
_DRAWN, _SAMPLES = 40, 4
_MOST_POINTS = 18
_LEAST = 1e-12  # below it 1 - rho is rounding


def edge_of_chaos(experiment: Experiment, ax: Given = None) -> Figure:
    """The phase diagram of tanh, and 1 - rho of two inputs against depth below, at and above its critical line."""
    drawn = style.panels(ax, 2, (WIDTH, 3.6))
    left, right = drawn.axes
    phases = draw_phase(left, tanh_diagram(), scales=("xi_c",))
    edge = critical(_ACTIVATION, bias_variance=_BIAS).sigma_w2 or math.nan
    labels = [rf"$\sigma_w^2 = {factor * edge:.3g}$" for _, factor, *_ in _NETWORKS]
    handles: list[Any] = []
    for number, (_, factor, colour, marker) in enumerate(_NETWORKS):
        place = left.plot(factor * edge, _BIAS, marker, color=colour, markeredgecolor="white", markersize=8, zorder=4)
        handles.append((*place, *_differences(right, experiment, factor * edge, number)))
    style.title(left, _ACTIVATION)
    style.title(right, f"difference of two inputs, $N = {experiment.width}$")
    right.set_yscale("log")
    right.set_xlabel("layer $l$")
    right.set_ylabel(r"$1 - \rho$")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    handles += [Line2D([], [], color=GREY), Line2D([], [], color=GREY, linestyle="none", marker="o", **OPEN)]
    labels += ["theory", "simulation, ± 2 s.e."]
    drawn.legend([*phases.handles, *handles], [*phases.labels, *labels], ncols=5, fontsize=9, columnspacing=1.6)
    phases.number_lines()
    return drawn.figure


def _differences(axes: Axes, experiment: Experiment, weight: float, number: int) -> tuple[Any, Any]:
    """Draw 1 - rho of theory, and that of real networks over it; layers are counted from one."""
    name, _, colour, marker = _NETWORKS[number]
    widths = [experiment.width] * (experiment.depth + 1)
    network = Network(widths=widths, activation=_ACTIVATION, gain=weight, bias_variance=_BIAS)
    rng = stream(experiment.seed, Stage.EDGE, number)
    run = simulate(network, over="both", networks=_DRAWN, samples=_SAMPLES, rng=rng, progress=False)
    theory = 1 - predict(network).columns["rho"]
    layers = np.arange(1, len(theory) + 1)
    (line,) = axes.plot(layers, np.where(theory > _LEAST, theory, np.nan), color=colour, label=name)
    shown = np.unique(np.linspace(0, len(theory) - 1, min(len(theory), _MOST_POINTS)).astype(int))
    points = axes.errorbar(
        layers[shown],
        np.maximum(1 - run.estimate["rho"], _LEAST)[shown],
        yerr=2 * run.standard_error["rho"][shown],
        fmt=marker,
        color=colour,
        elinewidth=0.9,
        **OPEN,
        label=f"{name}, simulated",
    )
    return line, points


@lru_cache
def tanh_diagram() -> Phase:
    """Return the phase diagram of tanh that the figures share."""
    return phase_diagram(_ACTIVATION, bias_variance=(0.0, 0.3), points=_GRID)
