"""``varprop sweep``."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import click

from numerics.cli.limits import time_limit
from numerics.cli.numbers import NUMBER
from numerics.cli.output import emit, show, table, to_json, working
from numerics.cli.parallel import parallel_options


class _Grid(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """Numbers separated by commas, and ranges first:last:count among them."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        found: list[float] = []
        for part in value.split(","):
            ends = part.split(":")
            numbers = [NUMBER.convert(end, param, ctx) for end in ends[:2]]
            if len(ends) == 1:
                found += numbers
            elif len(ends) == 3 and ends[2].strip().isdigit() and 2 <= int(ends[2]) <= _MOST:
                low, high, last = *numbers, int(ends[2]) - 1
                found += [low + (high - low) * k / last for k in range(last)] + [high]
            else:
                self.fail(
                    f"must be numbers, or ranges such as 0.5:3:20 (first, last, how many), got {part!r}", param, ctx
                )
        return found


_MOST = 100_000
_GRID = _Grid()


@click.command("sweep")
@click.option(
    "--layers", required=True, metavar="BLOCKS", help="Blocks, with {depth} and {activation} where they vary."
)
@click.option("--input", "size", required=True, metavar="N|CxTxT", help="Size of the input: 64, or 3x32x32.")
@click.option("--gain", type=_GRID, metavar="G,...|LOW:HIGH:COUNT", help="Gains, fan-in times Var[W].")
@click.option("--bias-variance", type=_GRID, metavar="V,...|LOW:HIGH:COUNT", help="Var[b].")
@click.option("--depth", metavar="L,...", help="Numbers for {depth}.")
@click.option("--activation", "activations", multiple=True, metavar="NAME", help="One for {activation}; repeat it.")
@click.option("--input-correlation", type=NUMBER, default=0.0, show_default=True, metavar="C", help="Of two inputs.")
@click.option("--quantity", default="q", show_default=True, metavar="NAME", help="What the table and --plot show.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--plot", metavar="FILE", help="Draw a heat map too: .png, .svg or .pdf.")
@parallel_options
@time_limit
def sweep(
    layers: str,
    size: str,
    gain: list[float] | None,
    bias_variance: list[float] | None,
    depth: str | None,
    activations: tuple[str, ...],
    input_correlation: float,
    quantity: str,
    form: str,
    plot: str | None,
    workers: int,
    executor: Executor | None,
) -> None:
    """Predict the curves of a network of blocks for every combination of gains, bias variances, depths, activations.

    The table has one row a setting: the quantity behind the last block (grad: at the input). CSV and JSON have every
    row of every network, with the columns of `varprop curve --layers`.
    """
    from numerics.curves.sweep import sweep as run

    with working("predicting"):
        found = run(
            layers,
            input=size,
            gain=gain,
            bias_variance=bias_variance,
            depth=None if depth is None else [_whole(part) for part in depth.split(",")],
            activation=activations or None,
            input_correlation=input_correlation,
            workers=workers,
            executor=executor,
        )
        values = found.at(quantity).ravel()
    if plot is not None:
        from numerics.figures.sweep import save_sweep

        save_sweep(plot, found, quantity)
    if form == "csv":
        emit(found.to_csv())
    elif form == "json":
        emit(to_json(found.to_dict()))
    else:
        header = [*found.settings[0], quantity]
        cells = [[*(_cell(v) for v in s.values()), f"{x:.6g}"] for s, x in zip(found.settings, values, strict=True)]
        show(table(header, cells, left=frozenset({"activation"})))


def _whole(text: str) -> int:
    if not text.strip().isdigit():
        raise click.UsageError(f"--depth must be positive integers, separated by commas, got {text!r}")
    return int(text)


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
