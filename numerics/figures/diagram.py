"""The network as a diagram, and under it what is drawn and what is fixed in each kind of randomness."""

from __future__ import annotations

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from numerics.figures import style
from numerics.figures.experiment import Experiment
from numerics.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, WIDTH, Given, inked

_UNITS = (2, 1, 0, -1, -2)
_SPACING = 0.52
_RADIUS = 0.13
_LAYERS = ((0.0, r"$x$"), (2.2, r"$y_1$"), (4.4, r"$y_2$"), (7.2, r"$y_{l-1}$"), (9.4, r"$y_l$"))
_MATRICES = ((1.1, "$W_1$"), (3.3, "$W_2$"), (5.8, r"$\cdots$"), (8.3, r"$W_l$"))
_ROWS = (
    ("network randomness", r"$P(y_l \mid x)$", (False, True, True, True, True), BLUE),
    ("sample randomness", r"$P(y_l \mid W_1, \ldots, W_l)$", (True, False, False, False, False), ORANGE),
    ("layer randomness", r"$P(y_l \mid x, W_1, \ldots, W_{l-1})$", (False, False, False, False, True), PURPLE),
)
_TOP, _STEP = -2.75, 0.98


def kaiming_net(experiment: Experiment, ax: Given = None) -> Figure:
    """Units and weights above; below, a row for each kind of randomness."""
    drawn = style.panels(ax, 1, (WIDTH, 3.75))
    (axes,) = drawn.axes
    axes.set_aspect("equal")
    axes.axis("off")
    _network(axes, experiment)
    for number, row in enumerate(_ROWS):
        _row(axes, _TOP - number * _STEP, *row)
    axes.set_xlim(-4.6, 9.9)
    axes.set_ylim(_TOP - 2 * _STEP - 0.55, 2.05)
    return drawn.figure


def _network(axes: Axes, experiment: Experiment) -> None:
    for (left, _), (right, _) in pairwise(_LAYERS):
        if right - left > 2.5:
            axes.text((left + right) / 2, 0, r"$\cdots$", ha="center", va="center", fontsize=14)
            continue
        lines = [[(left, _SPACING * a), (right, _SPACING * b)] for a in _UNITS for b in _UNITS]
        axes.add_collection(LineCollection(lines, colors=GREY, linewidths=0.45, alpha=0.7, zorder=1))
    for x, name in _LAYERS:
        colour = ORANGE if x == 0 else GREEN
        for unit in _UNITS:
            # The disc below hides the lines, on any ground.
            axes.add_patch(Circle((x, _SPACING * unit), _RADIUS, facecolor=colour, edgecolor="none", zorder=2))
        axes.text(x, _SPACING * 2 + 0.32, name, ha="center", va="bottom", fontsize=11)
    for x, name in _MATRICES:
        if name.startswith("$W"):
            axes.text(x, -_SPACING * 2 - 0.22, name, ha="center", va="top", fontsize=11)
    widths = rf"$N = {experiment.width}$ units a layer" + "\n" + rf"$l = 1, \ldots, {experiment.depth}$"
    laws = (
        r"$y_l = W_l\, f(y_{l-1}),\quad f = \mathrm{ReLU}$",
        r"$y_1 = W_1 x,\quad x \sim \mathcal{N}(0, 1)$",
        r"$W_l \sim \mathcal{N}(0,\ 2/N)$",
        *widths.split("\n"),
    )
    for number, law in enumerate(laws):
        axes.text(-4.5, 1.05 - 0.53 * number, law, ha="left", va="center", fontsize=9.5)


def _row(axes: Axes, y: float, name: str, given: str, random: tuple[bool, ...], colour: str) -> None:
    (rule,) = axes.plot([-4.5, 9.75], [y + _STEP / 2] * 2, color=INK, linewidth=0.5, alpha=0.35)
    inked(rule)
    axes.text(-4.5, y + 0.17, name, ha="left", va="center", style="italic", fontsize=10)
    axes.text(-4.5, y - 0.21, given, ha="left", va="center", fontsize=9)
    places = ((0.0, "$x$"), *_MATRICES)
    for (x, label), drawn in zip(places, random, strict=True):
        if label == r"$\cdots$":
            axes.text(x, y, label, ha="center", va="center", color=colour if drawn else GREY, fontsize=12)
            continue
        _pill(axes, x, y, "random" if drawn else "fixed", colour if drawn else None)


def _pill(axes: Axes, x: float, y: float, text: str, colour: str | None) -> None:
    width, height = 0.98, 0.46
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.23",
            facecolor=colour or "none",
            edgecolor=colour or GREY,
            linewidth=0.8,
            linestyle="-" if colour else (0, (3, 2)),
        )
    )
    axes.text(x, y - 0.015, text, ha="center", va="center", fontsize=8.5, color="white" if colour else GREY)
