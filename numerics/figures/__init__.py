"""Figures, in one style: theory drawn over simulation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numerics.figures.activation import plot_function, plot_maps
    from numerics.figures.curves import plot_curves, plot_regime, save_curves
    from numerics.figures.gallery import FIGURES, draw, save_figure
    from numerics.figures.style import FORMATS, to_bytes, to_inline_svg
    from numerics.phase_figure import plot_phase, save_phase

# Imported when asked for: one figure needs not the code of all.
_HOME = {
    "FIGURES": "numerics.figures.gallery",
    "FORMATS": "numerics.figures.style",
    "draw": "numerics.figures.gallery",
    "plot_curves": "numerics.figures.curves",
    "plot_function": "numerics.figures.activation",
    "plot_maps": "numerics.figures.activation",
    "plot_phase": "numerics.phase_figure",
    "plot_regime": "numerics.figures.curves",
    "save_curves": "numerics.figures.curves",
    "save_figure": "numerics.figures.gallery",
    "save_phase": "numerics.phase_figure",
    "to_bytes": "numerics.figures.style",
    "to_inline_svg": "numerics.figures.style",
}

__all__ = [
    "FIGURES",
    "FORMATS",
    "draw",
    "plot_curves",
    "plot_function",
    "plot_maps",
    "plot_phase",
    "plot_regime",
    "save_curves",
    "save_figure",
    "save_phase",
    "to_bytes",
    "to_inline_svg",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'numerics.figures' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
