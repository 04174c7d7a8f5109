"""The pictures of the evidence: theory as lines, what was measured as points, with the spread over seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from numerics.curves import predict
from numerics.evidence.depth_scale import depth_scales
from numerics.evidence.gathering import Evidence, Measured, Point
from numerics.evidence.predictions import predicted_rhythm
from numerics.evidence.studies import ASSUMPTION, BETWEEN, BIAS_VARIANCE, CHAINS, RHYTHM, SHAPES
from numerics.figures import style
from numerics.figures.style import BLUE, GREEN, GREY, OPEN, ORANGE, PURPLE, RED, WIDTH, Given, styled
from numerics.files import write_atomic

Floats = NDArray[np.float64]

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY, "#8c6d1f", "#4b5fd6")
_MARKERS = "osD^vPX*"
SCALES = 6
"""Trainability is said to end at about so many depth scales (Schoenholz et al. 2017, figure 5)."""


@styled
def assumption(found: Evidence, ax: Given = None) -> Figure:
    """Mean squares over predicted ones, from the input to the output: signals, and gradients of two kinds."""
    drawn = style.panels(ax, 2, (WIDTH, 3.2))
    depth = max(found.settings.drawn_depths, key=lambda d: (d <= _SHOWN, d))
    shown = [one for one in found.measured(ASSUMPTION) if one.cell.depth == depth]
    for place, (one, colour, marker) in enumerate(zip(shown, _COLOURS, _MARKERS, strict=False)):
        rows = _dense_rows(one)
        x = np.arange(len(rows)) + _ASIDE * (place - (len(shown) - 1) / 2)
        q = one.array("q")[:, rows] / one.array("predicted_q")[rows]
        _band(drawn.axes[0], x, q, colour, marker, one.cell.label)
        of_cost, of_drawn = (gradient_ratio(one, name)[:, rows] for name in ("grad", "drawn_grad"))
        _band(drawn.axes[1], x, of_cost, colour, marker, one.cell.label)
        drawn.axes[1].plot(x, of_drawn.mean(axis=0), color=colour, linestyle=":", linewidth=1.6, zorder=3)
    for axes, title in zip(drawn.axes, ("signals", "gradients: of the cost, and drawn (dotted)"), strict=True):
        axes.axhline(1, color=GREY, linewidth=0.8)
        axes.set_xlabel("dense layers behind the input")
        axes.set_ylabel("measured / predicted")
        style.title(axes, title)
    drawn.legend(*drawn.axes[0].get_legend_handles_labels(), ncols=len(shown))
    return drawn.figure


_SHOWN = 20
_ASIDE = 0.25  # two networks that differ in their last layer alone have the same signals


def gradient_ratio(one: Measured, name: str) -> Floats:
    """Return each copy's mean square gradient at each row over the predicted one, for the mean of the output's."""
    values = one.array(name)
    ratio: Floats = values / (values[:, -1].mean() * one.array("predicted_grad"))
    return ratio


@styled
def learning_rhythm(found: Evidence, ax: Given = None) -> Figure:
    """How much each layer changes, at the first step (theory as lines) and over the first hundred; the cost."""
    drawn = style.panels(ax, 3, (WIDTH * 1.25, 3.2))
    first, later, cost = drawn.axes
    for point, colour, marker in zip(found.of(RHYTHM), _COLOURS, _MARKERS, strict=False):
        update, steps = point.best.array("update"), np.array(point.best.result["steps"])
        layers = np.arange(1, update.shape[1] + 1)
        at_first = update[0] / _centre(update[0])
        _band(first, layers, at_first.T, colour, marker, point.cell.label)
        theory = predicted_rhythm(point.cell)
        if theory is not None:
            first.plot(layers, theory, color=colour)
        mean = np.nanmean(update[steps < _FIRST], axis=0)
        _band(later, layers, (mean / _centre(mean)).T, colour, marker, point.cell.label)
        _curve(cost, steps, point.best.array("cost"), colour, f"{point.cell.label}, step {point.cell.rate:g}")
    for axes, title in ((first, "first step"), (later, f"first {_FIRST} steps")):
        axes.set_yscale("log")
        axes.set_xlabel("layer")
        axes.set_ylabel(r"$|\Delta W|/|W|$, over the mean layer's")
        style.title(axes, title)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    cost.set_yscale("log")
    cost.set_xlabel("step")
    cost.set_ylabel("cost of the batch")
    style.title(cost, "step sizes tuned alike")
    drawn.legend(*cost.get_legend_handles_labels(), ncols=2)
    return drawn.figure


_FIRST = 100


@styled
def trainable_depth(found: Evidence, ax: Given = None) -> Figure:
    """Accuracy on the grid of depths and weight variances, without and with dropout; over it the depth scale."""
    drawn = style.panels(ax, 2, (WIDTH, 3.2), sharey=True)
    for axes, (study, between) in zip(drawn.axes, BETWEEN.items(), strict=True):
        points = found.of(study)
        depths, variances = (sorted({key(point) for point in points}) for key in (_depth, _gain))
        values = np.full((len(depths), len(variances)), np.nan)
        for point in points:
            values[depths.index(_depth(point)), variances.index(_gain(point))] = point.accuracy.mean()
        # Side by side: what is between two depths, or two variances, was not trained.
        mesh = axes.pcolormesh(
            _edges(variances), _edges(depths), values, norm="linear", vmin=0, vmax=1, cmap="viridis", rasterized=True
        )
        fine = np.linspace(variances[0], variances[-1], 61).tolist()
        scale = depth_scales(between, fine, bias_variance=BIAS_VARIANCE)
        axes.plot(fine, scale, color="white", linestyle=":", label=r"$\xi_c$")
        axes.plot(fine, SCALES * scale, color="white", label=rf"${SCALES}\,\xi_c$")
        axes.set_ylim(_edges(depths)[0], _edges(depths)[-1])
        axes.set_xlabel(r"$\sigma_w^2$")
        style.title(axes, between)
    drawn.axes[0].set_ylabel("dense layers")
    drawn.axes[1].legend(loc="upper left", labelcolor="white", ncols=2)
    drawn.figure.colorbar(mesh, ax=list(drawn.axes), label="accuracy on the test samples")
    return drawn.figure


@styled
def shapes(found: Evidence, ax: Given = None) -> Figure:
    """Accuracy against depth for chains and residual streams, and how much signals and gradients grow in theory."""
    drawn = style.panels(ax, 4, (WIDTH, 5.6), rows=2)
    chains, streams, signals, gradients = drawn.axes
    labels = dict.fromkeys(point.cell.label for point in found.of(SHAPES))
    handles = []
    for label, colour, marker in zip(labels, _COLOURS, _MARKERS, strict=True):
        points = sorted((p for p in found.of(SHAPES) if p.cell.label == label), key=_depth)
        depths = [_depth(point) for point in points]
        accuracy = chains if label in CHAINS else streams
        values = np.array([p.accuracy for p in points]).T
        handles.append(_band(accuracy, np.array(depths), values, colour, marker, label))
        for axes, grown in ((signals, signal_growth), (gradients, gradient_growth)):
            axes.plot(depths, [grown(point) for point in points], color=colour, marker=marker, **OPEN)
    for axes, title in ((chains, "chains"), (streams, "residual streams")):
        style.title(axes, title)
        axes.set_ylim(0, 1)
    chains.set_ylabel("accuracy on the test samples")
    signals.set_ylabel("$q$, last hidden layer over first")
    gradients.set_ylabel("squared gradient, first over last")
    for axes in (signals, gradients):
        axes.set_yscale("log")
        axes.set_ylim(top=min(axes.get_ylim()[1], _TOO_MUCH))
    for axes in drawn.axes:
        axes.set_xscale("log")
        axes.set_xticks(depths, [str(depth) for depth in depths])
        axes.minorticks_off()
        axes.set_xlabel("dense layers")
    drawn.legend(handles, list(labels), ncols=4)
    return drawn.figure


_TOO_MUCH = 1e6
"""Growth beyond it is not told apart: what grows less would be one line."""


def signal_growth(point: Point) -> float:
    """Return the predicted mean square of a network's last hidden layer over that of its first."""
    q = _hidden(point, "q")
    return float(q[-1] / q[0])


def gradient_growth(point: Point) -> float:
    """Return the predicted mean square gradient at the first hidden layer over that at the last."""
    grad = _hidden(point, "grad")
    return float(grad[0] / grad[-1])


def _hidden(point: Point, name: str) -> Floats:
    """Return a column at the dense layers of a chain, or the blocks of a stream, but for the layer at the output."""
    prediction = predict(point.cell.network)
    rows = [row for row, block in enumerate(prediction.names) if block in ("dense", "residual")]
    return np.asarray(prediction.columns[name][rows[:-1]])


FIGURES: dict[str, Callable[[Evidence], Figure]] = {
    "trainable-depth": trainable_depth,
    "learning-rhythm": learning_rhythm,
    "independent-gradient": assumption,
    "depth-of-shapes": shapes,
}
"""The figures by name."""


def save_figures(directory: Path, found: Evidence) -> None:
    """Write all figures to a directory, and the table as ``evidence.csv``."""
    write_atomic(directory / "evidence.csv", found.to_csv())
    for name, draw in FIGURES.items():
        style.save(directory / f"{name}.png", draw(found))


def _depth(point: Point) -> int:
    return point.cell.depth


def _gain(point: Point) -> float:
    return point.cell.gain


def _dense_rows(one: Measured) -> list[int]:
    return [row for row, name in enumerate(one.result["names"]) if name in ("input", "dense")]


def _band(
    axes: Axes, x: NDArray[np.generic], values: Floats, colour: str, marker: str, label: str
) -> ErrorbarContainer:
    """Draw the mean over copies, of (copies, points), with two standard errors."""
    error = 2 * values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return axes.errorbar(x, values.mean(axis=0), error, color=colour, marker=marker, linewidth=0.9, label=label, **OPEN)


def _curve(axes: Axes, steps: NDArray[np.int_], values: Floats, colour: str, label: str) -> None:
    """Draw the median over copies, of (steps, copies), and from the lowest to the highest."""
    axes.plot(steps, np.median(values, axis=1), color=colour, label=label)
    axes.fill_between(steps, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.15, linewidth=0)


def _centre(values: Floats) -> Floats:
    """Return the geometric mean over layers, of (layers, copies)."""
    centre: Floats = np.exp(np.log(values).mean(axis=0))
    return centre


def _edges(places: Iterable[float]) -> Floats:
    """Return where cells about these places begin and end, halfway between them."""
    at = np.array(list(places), np.float64)
    if len(at) == 1:
        return np.array([at[0] / 2, at[0] * 3 / 2])
    middle = (at[1:] + at[:-1]) / 2
    return np.array([2 * at[0] - middle[0], *middle, 2 * at[-1] - middle[-1]])
