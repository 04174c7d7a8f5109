"""Figures that keep their style wherever they are drawn, and show themselves in a notebook."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure as PlainFigure

from numerics.figures.style import STYLE

_PIXELS = 96  # an inch on a page; drawn with twice as many


class Figure(PlainFigure):
    """A matplotlib figure, drawn in the style of all figures: what matplotlib looks up late, it finds there."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw in the style."""
        with mpl.rc_context(STYLE):
            super().draw(renderer)

    def savefig(self, *args: Any, **options: Any) -> None:
        """Save in the style; options given here win."""
        with mpl.rc_context(STYLE):
            super().savefig(*args, **options)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        out = io.BytesIO()
        self.savefig(out, format="png", dpi=2 * _PIXELS)
        width, height = (round(_PIXELS * inches) for inches in self.get_size_inches())
        return out.getvalue(), {"width": width, "height": height}
