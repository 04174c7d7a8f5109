"""Curves by layer: theory as lines, simulation as points over it with two standard errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from derive.errors import unknown_name
from numerics.curves import Prediction
from numerics.figures import style
from numerics.figures.style import BLUE, GREEN, GREY, OPEN, ORANGE, PURPLE, WIDTH, Given, Panels, styled
from numerics.simulation import Simulation


@dataclass(frozen=True)
class _Look:
    label: str
    colour: str
    marker: str
    dash: str


_LOOKS = {
    "var_z": _Look(r"$\mathrm{Var}[z^i]$", BLUE, "o", "-"),
    "var_s": _Look(r"$\mathrm{Var}[s^i]$", ORANGE, "s", "--"),
    "var_grad_s": _Look(r"$\mathrm{Var}[\partial\mathrm{Cost}/\partial s^i]$", GREEN, "o", "-"),
    "var_grad_w": _Look(r"$\mathrm{Var}[\partial\mathrm{Cost}/\partial w^i]$", PURPLE, "s", "--"),
}
Looks = Mapping[str, _Look]
_PANELS = (("forward", ("var_z", "var_s")), ("backward", ("var_grad_s", "var_grad_w")))
_BLOCK_LOOKS = {
    "q": _Look("$q$", ORANGE, "s", "--"),
    "m2": _Look("$m^2$", GREEN, "o", "-"),
    "v2": _Look("$v^2$", BLUE, "o", "-"),
    "rho": _Look(r"$\rho = m^2/q$", PURPLE, "s", "-"),
    "grad": _Look(r"$\langle(\partial\mathrm{Cost}/\partial z)^2\rangle$", GREEN, "o", "-"),
}
_BLOCK_PANELS = (("forward", ("q", "m2", "v2")), ("backward", ("grad",)), ("correlation", ("rho",)))
_SAMPLE_LOOKS = {
    "m2": _Look("$m^2$", ORANGE, "s", "--"),
    "v2": _Look("$v^2$", BLUE, "o", "-"),
    "var_s": _Look(r"$\mathrm{Var}[s^i]$", GREEN, "o", "-"),
    "rho": _Look(r"$\rho = m^2/(m^2 + v^2)$", PURPLE, "s", "-"),
}
_SAMPLE_PANELS = (("variances", ("v2", "m2", "var_s")), ("correlation of two samples", ("rho",)))


@styled
def plot_curves(
    prediction: Prediction,
    simulation: Simulation | None = None,
    *,
    panels: Sequence[str] | None = None,
    ax: Given = None,
) -> Figure:
    """Return a figure of the predicted variances by layer, with a simulation's estimates over them if given.

    Variances are on a logarithmic axis, where a variance that is zero or beyond float64's range does not show.

    Args:
        prediction: the lines.
        simulation: the points, with two standard errors each way.
        panels: titles of the panels to draw. By default ``forward`` and ``backward``, and, where the prediction has the
            columns m2 and v2, ``variances`` of these and the ``correlation of two samples`` rho; with a simulation,
            those that it has estimates for. Of a network of blocks: ``forward``, ``backward`` and the correlation.
        ax: matplotlib axes to draw on, one a panel; by default those of a new figure.

    Raises:
        InputError: for a panel that there is not, and for axes that are not as many as the panels.

    """
    shown = _panels(prediction, simulation, panels)
    rows = 1 if len(shown) == 3 else -(-len(shown) // 2)
    size = (WIDTH if len(shown) > 1 else WIDTH / 2, 2.9 * rows)
    drawn = style.panels(ax, len(shown), size, rows=rows)
    for axes, (title, names, looks) in zip(drawn.axes, shown, strict=True):
        handles: dict[str, tuple[Any, ...]] = {}
        for name in names:
            parts: list[Any] = []
            if name in prediction.columns:
                parts.append(_curve(axes, looks[name], prediction.columns[name]))
            if simulation is not None and name in simulation.estimate:
                # An estimate of zero is noise, and would stretch a logarithmic axis to show it.
                zero = prediction.columns.get(name, 1.0) == np.zeros(len(simulation.estimate[name]))
                estimate = np.where(zero, np.nan, simulation.estimate[name])
                parts.append(_points(axes, looks[name], estimate, simulation.standard_error[name]))
            if parts:
                handles[looks[name].label] = tuple(parts)
        _finish(axes, title, prediction, logarithmic=names != ("rho",))
        _name(axes, handles)
    if simulation is not None and not drawn.given:
        _explain(drawn)
    return drawn.figure


def _panels(
    prediction: Prediction, simulation: Simulation | None, chosen: Sequence[str] | None
) -> list[tuple[str, tuple[str, ...], Looks]]:
    """Return the panels to draw: title, columns and looks."""
    have = set(prediction.columns if simulation is None else simulation.estimate)
    forward, sample = have & {"var_z", "var_grad_s"}, "m2" in have and "m2" in prediction.columns
    found: list[tuple[str, tuple[str, ...], Looks]] = []
    if "q" in have:
        found += [(*panel, _BLOCK_LOOKS) for panel in _BLOCK_PANELS]
    else:
        found += [(*panel, _LOOKS) for panel in _PANELS] if forward or not sample else []
        found += [(*panel, _SAMPLE_LOOKS) for panel in _SAMPLE_PANELS] if sample else []
    if chosen is None:
        return found
    by_title = {panel[0]: panel for panel in found}
    for title in chosen:
        if title not in by_title:
            raise unknown_name("panel", title, by_title)
    return [by_title[title] for title in chosen]


def _curve(axes: Axes, look: _Look, values: np.ndarray) -> Any:
    layers = np.arange(len(values))
    shown = np.where(np.isfinite(values) & (values > 0), values, np.nan)
    alone: Any = {"marker": look.marker, "markersize": 4} if len(values) == 1 else {}
    (line,) = axes.plot(layers, shown, look.dash, color=look.colour, label=look.label, **alone)
    return line


def _points(axes: Axes, look: _Look, estimate: np.ndarray, error: np.ndarray) -> Any:
    usable = np.isfinite(estimate) & (estimate > 0)
    layers = np.arange(len(estimate))[usable]
    return axes.errorbar(
        layers,
        estimate[usable],
        yerr=2 * error[usable],
        fmt=look.marker,
        color=look.colour,
        elinewidth=0.9,
        capsize=0,
        **OPEN,
        label=f"{look.label}, simulated",
    )


def _finish(axes: Axes, title: str, prediction: Prediction, *, logarithmic: bool) -> None:
    values = np.concatenate([line.get_ydata() for line in axes.lines]) if axes.lines else np.ones(1)
    if not logarithmic:
        axes.set_ylim(0, 1.02)
    elif (shown := values[np.isfinite(values) & (values > 0)]).size:
        axes.set_yscale("log")
        # For one value alone matplotlib takes a decade each way.
        low, high = axes.get_ylim() if shown.min() < shown.max() else (shown[0], shown[0])
        if high < 30 * low:
            # Less than a decade and a half: ticks at 1, 2, 5 read better than one power of ten.
            middle = np.sqrt(low * high)
            axes.set_ylim(min(low, middle / 4), max(high, middle * 4))
            _plain_ticks(axes)
    style.title(axes, title)
    axes.set_xlabel("row" if prediction.names else "layer $i$")
    axes.set_xlim(-0.3, max(len(prediction.rows()) - 1, 1) + 0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _name(axes: Axes, handles: Mapping[str, tuple[Any, ...]]) -> None:
    """Name the curves above the axes, where no curve can pass behind it: each line with its points."""
    axes.legend(
        handles.values(),
        handles,
        loc="lower right",
        bbox_to_anchor=(1.02, 0.985),
        ncols=3,
        columnspacing=1.1,
        handlelength=1.8,
        handletextpad=0.5,
        borderaxespad=0.2,
    )


def _explain(drawn: Panels) -> None:
    """Say below the panels what lines and points are."""
    line = Line2D([], [], color=GREY)
    point = Line2D([], [], color=GREY, linestyle="none", marker="o", **OPEN)
    drawn.figure.legend(
        (line, point), ("theory", "simulation, ± 2 standard errors"), loc="outside lower center", ncols=2
    )


def _plain_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


@styled
def plot_regime(
    gains: Sequence[float], ratios: Mapping[str, tuple[np.ndarray, np.ndarray]], *, ax: Given = None
) -> Figure:
    """Return a figure of estimate / prediction against the gain, each with its standard error, one curve a name.

    Where the ratio leaves 1, the linear regime ends. ``ax`` are matplotlib axes to draw on; by default new ones.
    """
    looks = list(_LOOKS.values())
    drawn = style.panels(ax, 1, (WIDTH, 2.9))
    (axes,) = drawn.axes
    axes.axhline(1, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), label="linear regime")
    for (label, (ratio, error)), look in zip(ratios.items(), (looks[0], looks[2]), strict=False):
        axes.errorbar(
            gains, ratio, yerr=2 * error, fmt=look.marker + look.dash, color=look.colour, markersize=4, label=label
        )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(r"gain $n_i\,\mathrm{Var}[W^i]$")
    axes.set_ylabel("simulated / predicted")
    axes.legend()
    return drawn.figure


def save_curves(path: str | Path, prediction: Prediction, simulation: Simulation | None = None) -> None:
    """Draw the curves to a file, whole or not at all; the format is that of its name.

    Raises `InputError` for a name that does not end in .png, .svg or .pdf, and where the file cannot be written.
    """
    style.form_of(path)
    style.save(path, plot_curves(prediction, simulation))
