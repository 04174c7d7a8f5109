"""Curves on a grid of settings: gains, variances of biases, depths and activation functions, in one call."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derive.blocks import read
from derive.errors import InputError
from derive.network import BIAS_VARIANCE, GAIN
from derive.results import Result, plain
from numerics.curves.blocks import curves
from numerics.network import Network
from numerics.network_arguments import variance
from numerics.processes import spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Setting = Mapping[str, Any]

MOST_SETTINGS = 100_000


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Result):
    """The curves of networks of blocks, one for each setting of a grid.

    ``settings[k]`` has the values that the sweep varies, by name, ``names[k]`` what the rows of that network are called
    and ``columns[k][name]`` its columns, as those of a `Prediction`. The last of ``swept`` varies fastest.
    """

    layers: str
    swept: Mapping[str, tuple[Any, ...]]
    settings: tuple[Setting, ...]
    names: tuple[tuple[str, ...], ...]
    columns: tuple[Mapping[str, Floats], ...]

    @property
    def headline(self) -> str:
        """What is varied, and how many settings there are."""
        varied = ", ".join(f"{name} ({len(values)})" for name, values in self.swept.items())
        return f"{self.layers}: {len(self.settings)} settings of {varied}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary for each row of each network: the setting, ``layer``, ``name`` and the columns."""
        # Networks of one sweep have the same columns, but where a text makes positions of them.
        titles = dict.fromkeys(title for columns in self.columns for title in columns)
        return [
            {
                **setting,
                "layer": layer,
                "name": name,
                **{t: float(columns[t][layer]) if t in columns else math.nan for t in titles},
            }
            for setting, names, columns in zip(self.settings, self.names, self.columns, strict=True)
            for layer, name in enumerate(names)
        ]

    def at(self, quantity: str) -> Floats:
        """Return a column where it has come through the whole network, on the grid: at the input for ``grad``."""
        if quantity not in self.columns[0]:
            raise InputError(f"quantity must be one of {', '.join(self.columns[0])}, got {quantity!r}")
        place = 0 if quantity == "grad" else -1
        values = np.array([columns[quantity][place] for columns in self.columns])
        return values.reshape([len(values_) for values_ in self.swept.values()])

    def to_dict(self) -> dict[str, Any]:
        """Return the sweep as plain data."""
        return {"layers": self.layers, "swept": plain(self.swept), **self._table()}

    def plot(self, quantity: str = "q", *, ax: Any = None) -> Figure:
        """Return a heat map of one quantity: see `numerics.figures.plot_sweep`."""
        from numerics.figures.sweep import plot_sweep

        return plot_sweep(self, quantity, ax=ax)


def sweep(
    layers: str,
    *,
    input: int | Sequence[int] | str,
    gain: float | Sequence[float] | None = None,
    bias_variance: float | Sequence[float] | None = None,
    depth: int | Sequence[int] | None = None,
    activation: str | Sequence[str] | None = None,
    workers: int | None = 1,
    executor: Executor | None = None,
    **others: Any,
) -> Sweep:
    """Return the curves of a network of blocks for every combination of the given values.

    Args:
        layers: the text of the blocks, with ``{depth}`` and ``{activation}`` where those stand.
        input: the size of the input.
        gain: gains (fan-in times Var[W]) of all blocks that do not say their own, one or several.
        bias_variance: variances of the biases of all blocks that do not say their own.
        depth: numbers for ``{depth}``.
        activation: texts for ``{activation}``.
        workers: how many processes compute; one is this process, None one a processor and at most four.
        executor: what computes, in place of processes of this machine.
        others: ``input_mean``, ``input_variance``, ``input_correlation`` and ``gradient_variance``, as of `Network`.

    Gains and variances of biases go through the blocks as arrays, `TOGETHER` at once: each such part is a task, so that
    the numbers are the same whatever computes them.

    Raises:
        InputError: as `Network` does, for a value without a place in the text, and where there are more than
            `MOST_SETTINGS` settings.

    >>> found = sweep("dense(64), repeat({depth}, relu, dense(64))", input=64, gain=[1, 2, 3], depth=[10])
    >>> found.at("q").round(3).tolist()
    [[0.001, 2.0, 172.995]]

    """
    given = {"activation": activation, "depth": depth, "gain": gain, "bias_variance": bias_variance}
    swept = {name: _several(name, values) for name, values in given.items() if values is not None}
    count = math.prod(map(len, swept.values()))
    if count > MOST_SETTINGS:
        raise InputError(f"a sweep has at most {MOST_SETTINGS} settings, got {count}")
    if not isinstance(layers, str):
        raise InputError(f"layers of a sweep must be a text, got {layers!r}")
    for name in ("depth", "activation"):
        if (f"{{{name}}}" in layers) != (name in swept):
            raise InputError(f"{name} goes with {{{name}}} in layers: give both, or neither")
    grid = list(product(*(swept.get(name, (None,)) for name in ("gain", "bias_variance"))))
    tasks, texts = [], []
    for activation_, depth_ in product(*(swept.get(name, (None,)) for name in ("activation", "depth"))):
        text = layers.replace("{activation}", str(activation_)).replace("{depth}", str(depth_))
        for start in range(0, len(grid), TOGETHER):
            tasks.append(_Part(text, input, tuple(grid[start : start + TOGETHER]), tuple(others.items())))
            texts.append((activation_, depth_))
    settings, names, columns = [], [], []
    made = spread(_computed, tasks, workers=workers, executor=executor)
    for task, of_text, (rows, found) in zip(tasks, texts, made, strict=True):
        for place, numbers in enumerate(task.grid):
            named = zip(given, (*of_text, *numbers), strict=True)
            settings.append({name: value for name, value in named if value is not None})
            names.append(rows)
            # What no setting changes is there once.
            columns.append({name: v[place if len(v) > 1 else 0] for name, v in found.items()})
    return Sweep(layers, swept, tuple(settings), tuple(names), tuple(columns))


TOGETHER = 512
"""How many settings of numbers go through the blocks at once."""


@dataclass(frozen=True)
class _Part:
    """A network's text and input, some settings of its numbers, and what else is said of it."""

    text: str
    size: Any
    grid: tuple[tuple[Any, ...], ...]
    others: tuple[tuple[str, Any], ...]


def _computed(part: _Part) -> tuple[tuple[str, ...], dict[str, Floats]]:
    """Return what the rows of a network are called, and its columns, with a row for each setting (or one for all)."""
    symbols = {"gain": GAIN, "bias_variance": BIAS_VARIANCE}
    first = dict(zip(symbols, part.grid[0], strict=True))
    swept = {name: symbols[name] for name, value in first.items() if value is not None}
    network = Network(layers=part.text, input=part.size, **{name: first[name] for name in swept}, **dict(part.others))
    values = {
        symbol: np.array([setting[k] for setting in part.grid], np.float64).reshape(-1, 1, 1)
        for k, (name, symbol) in enumerate(symbols.items())
        if name in swept
    }
    found = curves(network, read(part.text, defaults=swept).steps, values).columns
    return network.names, {name: column.value for name, column in found.items()}


def _several(name: str, values: Any) -> tuple[Any, ...]:
    listed = tuple(values) if isinstance(values, Sequence | np.ndarray) and not isinstance(values, str) else (values,)
    if not listed:
        raise InputError(f"{name} must have a value at least")
    if name == "activation":
        return listed
    if name == "depth":
        for value in listed:
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"depth must be positive integers, got {value!r}")
        return tuple(map(int, listed))
    return tuple(variance(name, value) for value in listed)
