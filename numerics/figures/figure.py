"""Figures that keep their style wherever they are drawn, and show themselves in a notebook."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure as PlainFigure

from numerics.figures.style import STYLE, to_bytes


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

    def _repr_png_(self) -> bytes:
        return to_bytes(self, "png")
