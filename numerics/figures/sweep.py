"""Heat maps of sweeps: one quantity over the two settings that are varied, or over one and the rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from derive.errors import InputError
from numerics.figures import style
from numerics.figures.style import WIDTH, Given, styled

if TYPE_CHECKING:
    from numerics.curves.sweep import Sweep

_LABELS = {
    "gain": r"gain, fan-in times $\mathrm{Var}[W]$",
    "bias_variance": r"$\mathrm{Var}[b]$",
    "depth": "depth",
    "activation": "activation",
    "row": "row",
}
_QUANTITIES = {
    "m2": "$m^2$",
    "v2": "$v^2$",
    "rho": r"$\rho$",
    "grad": r"$\langle(\partial\mathrm{Cost}/\partial z)^2\rangle$",
}


@styled
def plot_sweep(sweep: Sweep, quantity: str = "q", *, ax: Given = None) -> Figure:
    """Return a heat map of one quantity; all but rho on a logarithmic scale, on which what is not positive is blank.

    Over two varied settings it is behind the whole network (``grad``: at the input); over one, at every row.

    Raises:
        InputError: where one or two settings with several values are not what is varied, and for an unknown quantity.

    """
    varied = [name for name, values in sweep.swept.items() if len(values) > 1]
    if len(varied) == 1 and varied[0] != "depth":
        down, values = "row", np.array([columns[_known(sweep, quantity)] for columns in sweep.columns]).T
        levels: tuple[Any, ...] = tuple(range(len(values)))
    elif len(varied) == 2:
        down, values = varied[0], sweep.at(quantity).reshape([len(sweep.swept[name]) for name in varied])
        levels = sweep.swept[down]
    else:
        given = ", ".join(varied) or "none"
        raise InputError(f"a heat map is of two settings with several values, or of one that is no depth, got {given}")
    drawn = style.panels(ax, 1, (WIDTH * 0.7, 3.4))
    (axes,) = drawn.axes
    _draw(axes, (varied[-1], sweep.swept[varied[-1]]), (down, levels), values, quantity)
    return drawn.figure


def _known(sweep: Sweep, quantity: str) -> str:
    sweep.at(quantity)
    return quantity


_APART = ("activation", "depth")


def _draw(
    axes: Axes,
    across: tuple[str, tuple[Any, ...]],
    down: tuple[str, tuple[Any, ...]],
    values: np.ndarray,
    quantity: str,
) -> None:
    shown = np.ma.masked_where(~np.isfinite(values) | ((values <= 0) & (quantity != "rho")), values)
    norm: Normalize = Normalize(0, 1) if quantity == "rho" else LogNorm()
    # What is between two depths, or two activations, is no setting: cells side by side, whatever lies between.
    places = [np.arange(len(v)) if name in _APART else np.asarray(v, float) for name, v in (across, down)]
    mesh = axes.pcolormesh(*places, shown, norm=norm, shading="nearest", cmap="viridis", rasterized=True)
    for (name, levels), axis, place in zip((across, down), (axes.xaxis, axes.yaxis), places, strict=True):
        axis.set_label_text(_LABELS[name])
        if name in _APART:
            axis.set_ticks(place, [str(level) for level in levels])
    axes.figure.colorbar(mesh, ax=axes, label=_QUANTITIES.get(quantity, f"${quantity}$"))


def save_sweep(path: str | Path, sweep: Sweep, quantity: str = "q") -> None:
    """Draw the heat map to a file, whole or not at all; the format is that of its name.

    Raises `InputError` for a name that does not end in .png, .svg or .pdf, and where the file cannot be written.
    """
    style.form_of(path)
    style.save(path, plot_sweep(sweep, quantity))
