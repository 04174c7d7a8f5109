"""Figures, in one style: theory as lines, simulation as points over it with two standard errors."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from derive.errors import InputError
from numerics.curves import Prediction
from numerics.files import write_atomic
from numerics.simulation import Simulation

FORMATS = ("png", "svg", "pdf")

# Ink that stands for the colour of the text around an inline drawing.
_INK = "#010203"

# Any: matplotlib's annotations list every key.
_STYLE: Any = {
    "font.family": "serif",
    "font.serif": ["STIX Two Text", "STIXGeneral", "DejaVu Serif"],
    "mathtext.fontset": "stix",
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "varprop",
    "savefig.dpi": 200,
}


@dataclass(frozen=True)
class _Look:
    label: str
    colour: str
    marker: str
    dash: str


# Mid-tones of a palette that colour-blind readers can tell apart (Okabe & Ito 2008); legible on black and on white.
_LOOKS = {
    "var_z": _Look(r"$\mathrm{Var}[z^i]$", "#0a7fc2", "o", "-"),
    "var_s": _Look(r"$\mathrm{Var}[s^i]$", "#d9730d", "s", "--"),
    "var_grad_s": _Look(r"$\mathrm{Var}[\partial\mathrm{Cost}/\partial s^i]$", "#009e73", "o", "-"),
    "var_grad_w": _Look(r"$\mathrm{Var}[\partial\mathrm{Cost}/\partial w^i]$", "#c15a95", "s", "--"),
}
_PANELS = (("forward", ("var_z", "var_s")), ("backward", ("var_grad_s", "var_grad_w")))


def plot_curves(prediction: Prediction, simulation: Simulation | None = None) -> Figure:
    """Return a figure of the predicted variances by layer, with a simulation's estimates over them if given.

    Variances are on a logarithmic axis, where a variance that is zero or beyond float64's range does not show.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        for axes, (title, names) in zip(figure.subplots(1, 2), _PANELS, strict=True):
            for name in names:
                if name in prediction.columns:
                    _curve(axes, _LOOKS[name], prediction.columns[name])
                if simulation is not None:
                    _points(axes, _LOOKS[name], simulation.estimate[name], simulation.standard_error[name])
            _finish(axes, title, prediction)
    return figure


def _curve(axes: Axes, look: _Look, values: np.ndarray) -> None:
    layers = np.arange(len(values))
    shown = np.where(np.isfinite(values) & (values > 0), values, np.nan)
    alone: Any = {"marker": look.marker, "markersize": 4} if len(values) == 1 else {}
    axes.plot(layers, shown, look.dash, color=look.colour, label=look.label, **alone)


def _points(axes: Axes, look: _Look, estimate: np.ndarray, error: np.ndarray) -> None:
    usable = np.isfinite(estimate) & (estimate > 0)
    layers = np.arange(len(estimate))[usable]
    axes.errorbar(
        layers,
        estimate[usable],
        yerr=2 * error[usable],
        fmt=look.marker,
        color=look.colour,
        markersize=4.5,
        markerfacecolor="none",
        markeredgewidth=1.1,
        elinewidth=0.9,
        capsize=0,
    )


def _finish(axes: Axes, title: str, prediction: Prediction) -> None:
    values = np.concatenate([line.get_ydata() for line in axes.lines]) if axes.lines else np.ones(1)
    if (np.isfinite(values) & (values > 0)).any():
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        if high < 30 * low:
            # Less than a decade and a half: ticks at 1, 2, 5 read better than one power of ten.
            middle = np.sqrt(low * high)
            axes.set_ylim(min(low, middle / 4), max(high, middle * 4))
            _plain_ticks(axes)
    axes.set_title(title, loc="left", style="italic", pad=7)
    axes.set_xlabel("layer $i$")
    axes.set_xlim(-0.3, max(prediction.network.d, 1) + 0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    # Above the axes, where no curve can pass behind it.
    axes.legend(loc="lower right", bbox_to_anchor=(1.02, 0.985), ncols=2, columnspacing=1.2, handlelength=1.8)


def _plain_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def plot_regime(gains: Sequence[float], ratios: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Return a figure of estimate / prediction against the gain, each with its standard error, one curve a name.

    Where the ratio leaves 1, the linear regime ends.
    """
    looks = list(_LOOKS.values())
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        axes = figure.subplots()
        axes.axhline(1, color=_INK, linewidth=0.8, alpha=0.5)
        for (label, (ratio, error)), look in zip(ratios.items(), (looks[0], looks[2]), strict=False):
            axes.errorbar(
                gains, ratio, yerr=2 * error, fmt=look.marker + look.dash, color=look.colour, markersize=4, label=label
            )
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel(r"gain $n_i\,\mathrm{Var}[W^i]$")
        axes.set_ylabel("simulated / predicted")
        axes.legend()
    return figure


def to_bytes(figure: Figure, form: str) -> bytes:
    """Return a figure as a file of the given format: the same bytes for the same figure."""
    out = io.BytesIO()
    dates: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with mpl.rc_context(_STYLE):
        figure.savefig(out, format=form, metadata=dates.get(form, {}))
    return out.getvalue()


def to_inline_svg(figure: Figure) -> str:
    """Return a figure as an ``<svg>`` element on a clear ground, its axes in the colour of the text around it."""
    with mpl.rc_context(_STYLE | {"savefig.transparent": True}):
        _ink(figure, _INK)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
        _ink(figure, "black")
    text = out.getvalue().decode()
    return text[text.index("<svg") :].replace(_INK, "currentColor").strip()


def _ink(figure: Figure, colour: str) -> None:
    """Set the colour of everything but the data."""
    for axes in figure.axes:
        for spine in axes.spines.values():
            spine.set_edgecolor(colour)
        axes.tick_params(which="both", color=colour, labelcolor=colour)
        texts = [axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title]  # type: ignore[attr-defined]
        legend = axes.get_legend()
        texts += legend.get_texts() if legend is not None else []
        for text in texts:
            text.set_color(colour)


def save_curves(path: str | Path, prediction: Prediction, simulation: Simulation | None = None) -> None:
    """Draw the curves to a file, whole or not at all; the format is that of its name.

    Raises `InputError` for a name that does not end in .png, .svg or .pdf, and where the file cannot be written.
    """
    form = Path(path).suffix.lstrip(".").lower()
    if form not in FORMATS:
        raise InputError(f"a plot's file name must end in .{', .'.join(FORMATS)}, got {str(path)!r}")
    write_atomic(path, to_bytes(plot_curves(prediction, simulation), form))
