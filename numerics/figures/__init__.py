"""Figures, in one style: theory drawn over simulation."""

from numerics.figures.curves import plot_curves, plot_regime, save_curves
from numerics.figures.gallery import FIGURES, draw, save_figure
from numerics.figures.style import FORMATS, to_bytes, to_inline_svg

__all__ = [
    "FIGURES",
    "FORMATS",
    "draw",
    "plot_curves",
    "plot_regime",
    "save_curves",
    "save_figure",
    "to_bytes",
    "to_inline_svg",
]
