"""An activation function in pictures: f and its slope, the length map and the correlation map."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from derive.activations import Activation
from numerics.activations import numpy_function
from numerics.figures import style
from numerics.figures.figure import Figure
from numerics.figures.style import BLUE, GREY, ORANGE, PURPLE, STYLE, WIDTH
from numerics.maps import NumericalMaps

_RANGE, _POINTS = 4.0, 161


def plot_function(activation: Activation) -> Figure:
    """Return f and f' from -4 to 4; a line breaks where f or f' jumps."""
    s = np.linspace(-_RANGE, _RANGE, 801)
    breaks = [float(p) for p in activation.breakpoints if abs(p) < _RANGE]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
        panels = figure.subplots(1, 2)
        for axes, order, label, colour in zip(panels, (0, 1), ("$f(s)$", "$f'(s)$"), (BLUE, ORANGE), strict=True):
            values = numpy_function(activation, order)(s)
            for low, high in zip([-np.inf, *breaks], [*breaks, np.inf], strict=True):
                inside = (s > low) & (s < high)
                axes.plot(s[inside], values[inside], color=colour)
            _cross(axes)
            style.title(axes, label)
            axes.set_xlabel("$s$")
    return figure


def plot_maps(activation: Activation, *, weight_variance: float, bias_variance: float, q: float) -> Figure:
    """Return the length map around a length q, and the correlation map at q, each with the diagonal."""
    maps = NumericalMaps(activation, weight_variance=weight_variance, bias_variance=bias_variance)
    lengths = np.linspace(0, 2.5 * q, _POINTS)[1:]
    correlations = np.linspace(0, 1, _POINTS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(lengths, maps.length_map(lengths).value, color=BLUE, label="$q'$")
        left.plot(lengths, lengths, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), label="$q$")
        left.set_xlabel("$q$")
        style.title(left, "length map")
        right.plot(correlations, maps.correlation_map(q, correlations).value, color=PURPLE, label=r"$\rho'$")
        right.plot(correlations, correlations, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), label=r"$\rho$")
        right.set_xlabel(r"$\rho$")
        style.title(right, f"correlation map at $q$ = {q:.4g}")
        for axes in (left, right):
            axes.legend(loc="upper left")
            axes.xaxis.set_major_locator(MaxNLocator(5))
    return figure


def _cross(axes: Axes) -> None:
    for line in (axes.axhline, axes.axvline):
        line(0, color=GREY, linewidth=0.5, zorder=0)
