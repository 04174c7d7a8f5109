"""The phase diagram as a figure: ordered and chaotic phase, the critical line, contours of both depth scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from numerics.figures import style
from numerics.figures.line_labels import number_lines
from numerics.figures.style import BLUE, GREEN, GREY, ORANGE, RED, Given, save, styled
from numerics.phase import Phase

_LEVELS = (1, 2, 5, 10, 20, 50, 100)
# Tints that let the page through, be it light or dark.
_WORDS = {
    0: ("ordered", to_rgba(BLUE, 0.17)),
    1: ("chaotic", to_rgba(ORANGE, 0.2)),
    2: ("lengths grow from $q = 1$ without bound", to_rgba(GREY, 0.17)),
}
# Any: a colour, matplotlib's description of a dash, and a label.
_SCALES: dict[str, tuple[str, Any, str]] = {
    "xi_c": (BLUE, "solid", r"$\xi_c$ (layers)"),
    "xi_q": (GREEN, (0, (4, 2)), r"$\xi_q$ (layers)"),
}


@styled
def plot_phase(diagram: Phase, *, ax: Given = None) -> Figure:
    """Return the figure: σ_w² across, σ_b² up; colour is the phase, lines are depth scales in layers.

    ``ax`` are matplotlib axes to draw on; by default those of a new figure.
    """
    drawn = style.panels(ax, 1, (6.4, 4.4))
    (axes,) = drawn.axes
    phases = draw_phase(axes, diagram)
    style.title(axes, str(diagram.activation))
    drawn.legend(phases.handles, phases.labels, ncols=3, handlelength=1.8, columnspacing=1.4)
    phases.number_lines()
    return drawn.figure


@dataclass(frozen=True)
class DrawnPhase:
    """A diagram on axes: what its legend names, and lines that `number_lines` numbers once all else has its place."""

    axes: Axes
    handles: list[Patch | Line2D]
    lines: list[QuadContourSet]

    @property
    def labels(self) -> list[str]:
        """What the handles are."""
        return [str(handle.get_label()) for handle in self.handles]

    def number_lines(self) -> None:
        """Write the depth scale on each line that has room for it."""
        number_lines(self.axes, self.lines, lambda level: f"{1 / abs(level):g}")


def draw_phase(
    axes: Axes, diagram: Phase, *, scales: Sequence[str] = tuple(_SCALES), coloured: bool = True
) -> DrawnPhase:
    """Draw phases (where ``coloured``), contours of the depth scales and the critical line; name the axes."""
    axes.set_xlim(diagram.sigma_w2[0], diagram.sigma_w2[-1])
    axes.set_ylim(diagram.sigma_b2[0], diagram.sigma_b2[-1])
    handles: list[Patch | Line2D] = [*_phases(axes, diagram)] if coloured else []
    lines = []
    for name in scales:
        colour, dash, label = _SCALES[name]
        found = _contours(axes, diagram, name)
        if found is not None:
            lines.append(found)
            handles.append(Line2D([], [], color=colour, linewidth=0.9, linestyle=dash, label=label))
    if np.isfinite(diagram.edge).any():
        handles += _edge(axes, diagram)
    axes.set_xlabel(r"weight variance times fan-in, $\sigma_w^2$")
    axes.set_ylabel(r"bias variance, $\sigma_b^2$")
    return DrawnPhase(axes, handles, lines)


def _phases(axes: Axes, diagram: Phase) -> list[Patch]:
    """Colour the phases."""
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
    return [
        Patch(facecolor=_WORDS[kind][1], edgecolor=GREY, linewidth=0.5, label=_WORDS[kind][0])
        for kind in np.unique(kinds.compressed()).tolist()
    ]


def _edge(axes: Axes, diagram: Phase) -> list[Line2D]:
    """Draw the critical line, dotted where lengths leave its fixed point."""
    handles = []
    parts: tuple[tuple[Any, Any, str], ...] = (
        (diagram.edge_is_stable, "solid", r"$\chi_\perp = 1$"),
        (~diagram.edge_is_stable, (0, (1, 1)), r"$\chi_\perp = 1$, unstable length"),
    )
    for chosen, dash, label in parts:
        line = np.where(chosen[:, None], diagram.edge, np.nan)
        x, y = line[:, 0], line[:, 1]
        shown = (x >= diagram.sigma_w2[0]) & (x <= diagram.sigma_w2[-1])
        if (shown & (y >= diagram.sigma_b2[0]) & (y <= diagram.sigma_b2[-1])).any():
            axes.plot(x, y, color=RED, linewidth=2.2, linestyle=dash, scalex=False, scaley=False)
            handles.append(Line2D([], [], color=RED, linewidth=2.2, linestyle=dash, label=label))
    return handles


def _contours(axes: Axes, diagram: Phase, name: str) -> QuadContourSet | None:
    scale = getattr(diagram, name)
    shown = np.where(scale > 0, scale, np.nan)
    if not np.isfinite(shown).any() or np.nanmax(shown) <= _LEVELS[0] or np.nanmin(shown) >= _LEVELS[-1]:
        return None
    # On the critical line the scale is infinite, and nothing between two points of a grid follows it. Its inverse
    # passes through zero there; with another sign beyond the line no contour crosses it, however coarse the grid.
    side = np.where(diagram.chi_perp > 1, -1.0, 1.0) if name == "xi_c" else 1.0
    levels = 1 / np.array(_LEVELS)
    colour, dash, _ = _SCALES[name]
    return axes.contour(
        diagram.sigma_w2,
        diagram.sigma_b2,
        side * np.minimum(1 / shown, 2.0),
        levels=np.sort(np.concatenate([-levels, levels])),
        colors=colour,
        linewidths=0.8,
        linestyles=[dash],
    )


def save_phase(path: str | Path, diagram: Phase) -> None:
    """Draw the diagram to a file, whole or not at all; the format is that of its name.

    Raises `InputError` for a name that does not end in .png, .svg or .pdf, and where the file cannot be written.
    """
    save(path, plot_phase(diagram))
