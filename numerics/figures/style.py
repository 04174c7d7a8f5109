"""The one style of all figures, and their way to a file or onto a page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from html import escape
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.text import Text

from derive.errors import InputError
from numerics.files import write_atomic

FORMATS = ("png", "svg", "pdf")
WIDTH = 7.2
"""The width of a figure in inches: that of a page of text."""

# Mid-tones of a palette that colour-blind readers can tell apart (Okabe & Ito 2008); legible on black and on white.
BLUE, ORANGE, GREEN, PURPLE, RED = "#0a7fc2", "#d9730d", "#009e73", "#c15a95", "#d03b30"
INK = "black"
GREY = "#808080"

# Any: matplotlib's annotations list every key.
OPEN: Any = {"markersize": 4.5, "markerfacecolor": "none", "markeredgewidth": 1.1}
"""Points of a simulation, through which theory is seen."""

# Ink that stands for the colour of the text around an inline drawing.
_MARKER = "#010203"
_INKED = "_ink"

# Any: matplotlib's annotations list every key.
STYLE: Any = {
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


class StyledFigure(Figure):
    """A figure that is drawn in `STYLE`, whatever matplotlib's settings are when it is drawn or saved."""

    def draw(self, renderer: Any) -> None:
        """Draw in the style."""
        with mpl.rc_context(STYLE):
            super().draw(renderer)

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write to a file, in the style; see matplotlib."""
        with mpl.rc_context(STYLE):
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        return to_bytes(self, "png")


_P = ParamSpec("_P")
_T = TypeVar("_T")


def styled(draw: Callable[_P, _T]) -> Callable[_P, _T]:
    """Make a function draw in `STYLE`."""

    @wraps(draw)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapped


Given = Axes | Iterable[Axes] | None
"""What ``ax=`` of every plotting function takes: axes, one a panel in an array of any shape, or none."""


@dataclass(frozen=True)
class Panels:
    """Where to draw: axes in a new figure, or those that the caller gave, whose figure has other things, too."""

    figure: Figure
    axes: tuple[Axes, ...]
    given: bool

    def legend(self, handles: Sequence[Any], labels: Sequence[str], **options: Any) -> Any:
        """Name what all panels show: below them, or in the first of the axes that were given."""
        if self.given:
            title = {key: options[key] for key in ("handler_map", "title") if key in options}
            return self.axes[0].legend(handles, labels, fontsize="small", **title)
        return self.figure.legend(handles, labels, loc="outside lower center", **options)


def panels(
    ax: Given, count: int, size: tuple[float, float], *, rows: int = 1, sharex: bool = False, sharey: bool = False
) -> Panels:
    """Return ``count`` axes in a new figure of ``size`` inches, or those of ``ax``.

    Raises `InputError` where ``ax`` is not as many axes, all of one figure.
    """
    if ax is None:
        figure = StyledFigure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, count // rows, sharex=sharex, sharey=sharey, squeeze=False)
        return Panels(figure, tuple(grid.flat), given=False)
    axes = tuple(np.ravel(np.asarray(ax, dtype=object)).tolist())
    if len(axes) != count or not all(isinstance(one, Axes) for one in axes):
        raise InputError(f"ax must be matplotlib axes, as many as there are panels ({count}), got {ax!r}")
    figures = {one.get_figure(root=True) for one in axes}
    if len(figures) > 1:
        raise InputError(f"ax must be axes of one figure, got those of {len(figures)}")
    return Panels(figures.pop(), axes, given=True)


def title(axes: Axes, text: str) -> None:
    """Set the title of a panel."""
    axes.set_title(text, loc="left", style="italic", pad=7)


def inked(artist: Artist) -> None:
    """Mark a line or a patch as drawn in the colour of the text."""
    artist.set_label(_INKED)


def to_bytes(figure: Figure, form: str, *, transparent: bool = False) -> bytes:
    """Return a figure as a file of the given format: the same bytes for the same figure."""
    out = io.BytesIO()
    dates: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with mpl.rc_context(STYLE):
        figure.savefig(out, format=form, metadata=dates.get(form, {}), transparent=transparent)
    return out.getvalue()


def to_inline_svg(figure: Figure, alt: str) -> str:
    """Return a figure as an ``<svg>`` element on a clear ground, its axes in the colour of the text around it.

    ``alt`` is what it says to those who do not see it.
    """
    _ink(figure, INK, _MARKER)
    text = to_bytes(figure, "svg", transparent=True).decode()
    _ink(figure, _MARKER, INK)
    # The names of groups lead nowhere, and would stand on a page as often as it has figures.
    text = re.sub(r'<g id="[^"]*"', "<g", text[text.index("<svg") :])
    text = text.replace(_MARKER, "currentColor").strip()
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)


def save(path: str | Path, figure: Figure) -> None:
    """Write a figure to a file, whole or not at all; the format is that of its name, see `form_of`."""
    write_atomic(path, to_bytes(figure, form_of(path)))


def form_of(path: str | Path) -> str:
    """Return the format that a file name asks for; raise `InputError` for one that is none of `FORMATS`."""
    form = Path(path).suffix.lstrip(".").lower()
    if form not in FORMATS:
        raise InputError(f"a plot's file name must end in .{', .'.join(FORMATS)}, got {str(path)!r}")
    return form


def _ink(figure: Figure, old: str, new: str) -> None:
    """Change the colour of everything but the data."""
    for axes in figure.axes:
        for spine in axes.spines.values():
            spine.set_edgecolor(new)
        axes.tick_params(which="both", color=new, labelcolor=new)
    for artist in figure.findobj(lambda artist: isinstance(artist, Text) or artist.get_label() == _INKED):
        if isinstance(artist, Text):
            if same_color(artist.get_color(), old):
                artist.set_color(new)
        else:
            # Any: lines have a colour, patches have two.
            drawn: Any = artist
            (drawn.set_edgecolor if hasattr(drawn, "set_edgecolor") else drawn.set_color)(new)
