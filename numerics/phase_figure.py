"""The phase diagram as a figure: ordered and chaotic phase, the critical line, contours of both depth scales."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from numerics.figures.figure import Figure
from numerics.figures.style import STYLE, save
from numerics.phase import Phase

_ORDERED, _CHAOTIC, _UNBOUNDED = "#dbe9f4", "#fbe6d4", "#ececec"
_XI_C, _XI_Q, _EDGE = "#0a5a92", "#1d7a57", "#b3261e"
_LEVELS = (1, 2, 5, 10, 20, 50, 100)
_WORDS = {
    0: ("ordered", _ORDERED),
    1: ("chaotic", _CHAOTIC),
    2: ("lengths grow from $q = 1$ without bound", _UNBOUNDED),
}


def plot_phase(diagram: Phase) -> Figure:
    """Return the figure: σ_w² across, σ_b² up; colour is the phase, lines are depth scales in layers."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = figure.subplots()
        axes.set_xlim(diagram.sigma_w2[0], diagram.sigma_w2[-1])
        axes.set_ylim(diagram.sigma_b2[0], diagram.sigma_b2[-1])
        kinds = np.where(np.isfinite(diagram.q_star), np.where(diagram.chi_perp > 1, 1, 0), 2)
        kinds = np.ma.masked_where(np.isnan(diagram.q_star), kinds)
        axes.pcolormesh(
            diagram.sigma_w2,
            diagram.sigma_b2,
            kinds,
            cmap=ListedColormap([colour for _, colour in _WORDS.values()]),
            vmin=-0.5,
            vmax=2.5,
            shading="nearest",
            rasterized=True,
        )
        handles: list[Patch | Line2D] = [
            Patch(facecolor=_WORDS[kind][1], edgecolor="0.6", linewidth=0.5, label=_WORDS[kind][0])
            for kind in np.unique(kinds.compressed()).tolist()
        ]
        _contours(axes, diagram, diagram.xi_c, _XI_C, "solid")
        _contours(axes, diagram, diagram.xi_q, _XI_Q, (0, (4, 2)))
        handles.append(Line2D([], [], color=_XI_C, linewidth=0.9, label=r"$\xi_c$ (layers)"))
        handles.append(Line2D([], [], color=_XI_Q, linewidth=0.9, linestyle=(0, (4, 2)), label=r"$\xi_q$ (layers)"))
        if np.isfinite(diagram.edge).any():
            handles += _edge(axes, diagram)
        axes.set_xlabel(r"weight variance times fan-in, $\sigma_w^2$")
        axes.set_ylabel(r"bias variance, $\sigma_b^2$")
        axes.set_title(str(diagram.activation), loc="left", style="italic", pad=7)
        figure.legend(handles=handles, loc="outside lower center", ncols=3, handlelength=1.8, columnspacing=1.4)
    return figure


def _edge(axes: Axes, diagram: Phase) -> list[Line2D]:
    """Draw the critical line, dotted where lengths leave its fixed point."""
    handles = []
    parts: tuple[tuple[Any, Any, str], ...] = (
        (diagram.edge_is_stable, "solid", r"$\chi_\perp = 1$"),
        (~diagram.edge_is_stable, (0, (1, 1)), r"$\chi_\perp = 1$, unstable length"),
    )
    for chosen, style, label in parts:
        line = np.where(chosen[:, None], diagram.edge, np.nan)
        x, y = line[:, 0], line[:, 1]
        shown = (x >= diagram.sigma_w2[0]) & (x <= diagram.sigma_w2[-1])
        if (shown & (y >= diagram.sigma_b2[0]) & (y <= diagram.sigma_b2[-1])).any():
            axes.plot(x, y, color=_EDGE, linewidth=2.2, linestyle=style, scalex=False, scaley=False)
            handles.append(Line2D([], [], color=_EDGE, linewidth=2.2, linestyle=style, label=label))
    return handles


def _contours(axes: Axes, diagram: Phase, scale: np.ndarray, colour: str, style: object) -> None:
    shown = np.where(np.isfinite(scale) & (scale > 0), scale, np.nan)
    if not np.isfinite(shown).any() or np.nanmax(shown) <= _LEVELS[0] or np.nanmin(shown) >= _LEVELS[-1]:
        return
    # The logarithm is what is smooth; values near the critical line would dent the contours.
    lines = axes.contour(
        diagram.sigma_w2,
        diagram.sigma_b2,
        np.log(np.minimum(shown, 1e4)),
        levels=np.log(_LEVELS),
        colors=colour,
        linewidths=0.8,
        linestyles=[style],
    )
    # A number on a short line would hide it.
    long = [level for level, parts in zip(lines.levels, lines.allsegs, strict=True) if _extent(axes, parts) > 0.3]
    axes.clabel(lines, long, fmt=lambda level: f"{np.exp(level):g}", fontsize=7.5, inline_spacing=2)


def _extent(axes: Axes, parts: list[np.ndarray]) -> float:
    """The largest height or width of a contour's parts, as a fraction of the axes."""
    size = np.array([np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())])
    return max((float((np.ptp(part, axis=0) / size).max()) for part in parts if len(part)), default=0.0)


def save_phase(path: str | Path, diagram: Phase) -> None:
    """Draw the diagram to a file, whole or not at all; the format is that of its name.

    Raises `InputError` for a name that does not end in .png, .svg or .pdf, and where the file cannot be written.
    """
    save(path, plot_phase(diagram))
