"""An activation function in pictures: f and its slope, the length map and the correlation map."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from derive.activations import Activation
from numerics.activations import numpy_function
from numerics.figures import style
from numerics.figures.style import BLUE, GREY, ORANGE, PURPLE, WIDTH, Given, styled
from numerics.maps import NumericalMaps
from numerics.maps.values import named

_RANGE, _POINTS = 4.0, 161
_DIAGONAL: Any = {"linewidth": 0.9, "linestyle": (0, (4, 2))}


# Primes are \prime below: as ' they are set so small that they vanish.
@styled
def plot_function(activation: Activation | str, *, ax: Given = None) -> Figure:
    """Return f and f' from -4 to 4; a line breaks where f or f' jumps. ``ax`` are two axes to draw on, or none."""
    f = named(activation)
    s = np.linspace(-_RANGE, _RANGE, 801)
    breaks = [float(p) for p in f.breakpoints if abs(p) < _RANGE]
    drawn = style.panels(ax, 2, (WIDTH, 2.6))
    for axes, order, label, colour in zip(drawn.axes, (0, 1), ("$f(s)$", r"$f\prime(s)$"), (BLUE, ORANGE), strict=True):
        values = numpy_function(f, order)(s)
        for low, high in zip([-np.inf, *breaks], [*breaks, np.inf], strict=True):
            inside = (s > low) & (s < high)
            axes.plot(s[inside], values[inside], color=colour)
        _cross(axes)
        style.title(axes, label)
        axes.set_xlabel("$s$")
    return drawn.figure


@styled
def plot_maps(
    activation: Activation | str, *, weight_variance: float, bias_variance: float, q: float, ax: Given = None
) -> Figure:
    """Return the length map around a length q, and the correlation map at q, each with the diagonal.

    ``ax`` are two axes to draw on, or none.
    """
    maps = NumericalMaps(activation, weight_variance=weight_variance, bias_variance=bias_variance)
    lengths = np.linspace(0, 2.5 * q, _POINTS)[1:]
    correlations = np.linspace(0, 1, _POINTS)
    drawn = style.panels(ax, 2, (WIDTH, 3.2))
    left, right = drawn.axes
    left.plot(lengths, maps.length_map(lengths).value, color=BLUE, label=r"next length $q\prime$")
    left.plot(lengths, lengths, color=GREY, label="$q$", **_DIAGONAL)
    left.set_xlabel("length $q$")
    style.title(left, "length map")
    right.plot(
        correlations, maps.correlation_map(q, correlations).value, color=PURPLE, label=r"next correlation $\rho\prime$"
    )
    right.plot(correlations, correlations, color=GREY, label=r"$\rho$", **_DIAGONAL)
    right.set_xlabel(r"correlation $\rho$")
    style.title(right, f"correlation map at $q$ = {q:.4g}")
    for axes in drawn.axes:
        axes.legend(loc="upper left")
        axes.xaxis.set_major_locator(MaxNLocator(5))
    return drawn.figure


def _cross(axes: Axes) -> None:
    for line in (axes.axhline, axes.axvline):
        line(0, color=GREY, linewidth=0.5, zorder=0)
