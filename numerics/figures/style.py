"""The one style of all figures, and their way to a file or onto a page."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
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
BLUE, ORANGE, GREEN, PURPLE = "#0a7fc2", "#d9730d", "#009e73", "#c15a95"
INK = "black"
GREY = "#808080"

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


def title(axes: Axes, text: str) -> None:
    """Set the title of a panel."""
    axes.set_title(text, loc="left", style="italic", pad=7)


def inked(artist: Artist) -> None:
    """Mark a line or a patch as drawn in the colour of the text."""
    artist.set_label(_INKED)


def to_bytes(figure: Figure, form: str) -> bytes:
    """Return a figure as a file of the given format: the same bytes for the same figure."""
    out = io.BytesIO()
    dates: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with mpl.rc_context(STYLE):
        figure.savefig(out, format=form, metadata=dates.get(form, {}))
    return out.getvalue()


def to_inline_svg(figure: Figure) -> str:
    """Return a figure as an ``<svg>`` element on a clear ground, its axes in the colour of the text around it."""
    with mpl.rc_context(STYLE | {"savefig.transparent": True}):
        _ink(figure, INK, _MARKER)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
        _ink(figure, _MARKER, INK)
    text = out.getvalue().decode()
    return text[text.index("<svg") :].replace(_MARKER, "currentColor").strip()


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
