"""How m² and v² go with depth: theory, wide and of a real width, simulation at two widths, and the asymptote."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sympy import Expr, lambdify, latex

from derive.network import SLOPE
from derive.rules.asymptotics import LAYER
from derive.rules.wide import Q
from numerics.curves import predict
from numerics.derivations import derivation
from numerics.figures import style
from numerics.figures.experiment import Experiment, he_gain
from numerics.figures.style import BLUE, GREEN, GREY, ORANGE, WIDTH, Given
from numerics.network import Network
from numerics.simulation import Simulation, simulate
from numerics.stages import Stage, stream

Floats = NDArray[np.float64]

# The fluctuation from network to network is what limits both estimates: many networks, few samples each.
_NETWORKS, _SAMPLES = 250, 4
_BEYOND = 20  # theory is drawn to this many times the simulated depth
_NARROWER = 8
_MOST_POINTS = 18


def sample_variance(experiment: Experiment, ax: Given = None) -> Figure:
    """v² on logarithmic axes, and m² and v² with the total that stays; layers are counted from one.

    Dotted: the theory of networks of the width that they have.
    """
    drawn = style.panels(ax, 2, (WIDTH, 3.0))
    left, right = drawn.axes
    depth = experiment.depth
    theory = predict(Network(widths=[experiment.width] * (_BEYOND * depth + 1), activation="relu", gain=he_gain()))
    widths = sorted({max(1, experiment.width // _NARROWER), experiment.width}, reverse=True)
    runs = [_simulated(experiment, width, number) for number, width in enumerate(widths)]
    layers = np.arange(1, theory.network.d + 2)
    total = float(theory.columns["var_s"][0])
    left.plot(layers, theory.columns["v2"], color=BLUE, label="$v^2$, wide limit")
    far = layers[layers >= 3]
    left.plot(far, asymptote(far, total), color=GREY, linestyle=(0, (5, 2)), linewidth=1.2, label="asymptote")
    real = predict(runs[0].network, theory="finite").columns["v2"]
    left.plot(layers[:depth], real, color=BLUE, linestyle=":", linewidth=1.4, label=f"$v^2$ at $N = {widths[0]}$")
    for run, marker, colour in zip(runs, "os", (BLUE, GREEN), strict=False):
        _points(left, run, "v2", marker, colour, f"simulated, $N = {run.network.widths[0]}$")
    formula = latex(_asymptotics(), ln_notation=True).replace("frac", "dfrac", 1)
    left.text(
        0.98, 0.93, rf"$v^2 \sim {formula}$", transform=left.transAxes, ha="right", va="top", color=GREY, fontsize=9
    )
    left.set_xscale("log")
    left.set_yscale("log")
    left.set_ylabel("variance over samples")
    style.title(left, "decay")
    left.legend(loc="lower left", fontsize=8.5)
    near = layers[:depth]
    names = (("v2", "$v^2$", BLUE), ("m2", "$m^2$", ORANGE), ("var_s", "$m^2 + v^2$", GREEN))
    handles = {}
    for name, label, colour in names:
        (line,) = right.plot(near, theory.columns[name][:depth], color=colour, label=label)
        handles[label] = (line, _points(right, runs[0], name, "o", colour, f"{label}, simulated", spread=np.linspace))
    right.set_ylim(0, 1.45 * total)
    right.set_ylabel("variance")
    style.title(right, f"mean and fluctuation, $N = {experiment.width}$")
    # A line with points: both are named by one entry.
    right.legend(handles.values(), handles, loc="upper right", ncols=3, fontsize=8.5, columnspacing=1.2)
    for axes in drawn.axes:
        axes.set_xlabel("layer $l$")
    return drawn.figure


def asymptote(layers: Floats | NDArray[np.int64], total: float) -> Floats:
    """Evaluate the theorem `sample-variance-decay` for ReLU, at layers counted from one."""
    return np.asarray(_compiled()(np.asarray(layers, float), total), float)


@lru_cache
def _compiled() -> Callable[[Floats, float], Floats]:
    compiled: Callable[[Floats, float], Floats] = lambdify((LAYER, Q), _asymptotics(), "numpy")
    return compiled


def _asymptotics() -> Expr:
    return derivation("sample-variance-decay").result.subs(SLOPE, 0)


def _simulated(experiment: Experiment, width: int, number: int) -> Simulation:
    network = Network(widths=[width] * (experiment.depth + 1), activation="relu", gain=he_gain())
    rng = stream(experiment.seed, Stage.DECAY, number)
    return simulate(network, over="both", networks=_NETWORKS, samples=_SAMPLES, rng=rng, progress=False)


def _points(
    axes: Axes, run: Simulation, name: str, marker: str, colour: str, label: str, *, spread: Any = np.geomspace
) -> Any:
    """Draw estimates at layers that are evenly spread on the axis: logarithmic, or linear with ``np.linspace``."""
    depth = run.network.d + 1
    shown = np.unique(np.round(spread(1, depth, min(depth, _MOST_POINTS))).astype(int))
    return axes.errorbar(
        shown,
        run.estimate[name][shown - 1],
        yerr=2 * run.standard_error[name][shown - 1],
        fmt=marker,
        color=colour,
        markersize=4,
        markerfacecolor="none",
        markeredgewidth=1,
        elinewidth=0.8,
        label=label,
    )
