"""``varprop simulate``."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from functools import partial

import click

from derive import limits
from numerics.cli.limits import time_limit
from numerics.cli.narrow import Part, Prose, fitted
from numerics.cli.network_options import drawing_options, network_options
from numerics.cli.output import emit, show, table, to_json
from numerics.cli.parallel import parallel_options
from numerics.network import Network
from numerics.simulation import Simulation
from numerics.simulation import simulate as run


@click.command("simulate")
@network_options
@drawing_options
@click.option(
    "--inputs",
    type=click.Choice(["random", "fixed"]),
    default="random",
    show_default=True,
    help="Over networks: a new input for each network, or one input for all.",
)
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    metavar="NAME,...",
    help="Over networks: which of var_z, var_s, var_grad_s and var_grad_w.  [default: all]",
)
@click.option("--spread", is_flag=True, help="Over both: the fluctuation from network to network, sd_q and sd_v2, too.")
@partial(parallel_options, what="Threads")
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.")
@time_limit
def simulate(
    network: Network,
    over: str,
    networks: int | None,
    samples: int | None,
    method: str | None,
    inputs: str,
    quantities: tuple[str, ...],
    spread: bool,
    seed: int,
    workers: int,
    executor: Executor | None,
    dtype: str,
    form: str,
    output: str | None,
) -> None:
    """Draw networks and estimate the variances of every layer, each with its standard error.

    Over networks every network runs forward and backward with real weight matrices. Over samples, layers and both, the
    variances are of the pre-activations. The same seed gives the same numbers.

    With --layers every network has two inputs, and a row is the input, or what comes out of a block: q (mean square a
    unit; q_min and q_max over positions), m2 (mean product of the two), v2 = q - m2, rho = m2/q and grad (mean square
    of the gradient). Of the options that say what is drawn, --networks, --seed and --workers go with it.
    """
    with limits.uncounted():
        found = run(
            network,
            over=over,
            rng=seed,
            networks=networks,
            samples=samples,
            method=method,
            quantities=_names(quantities),
            inputs=inputs,
            spread=spread,
            dtype=dtype,
            workers=workers,
            executor=executor,
        )
    if form == "csv":
        emit(found.to_csv(), output)
    elif form == "json":
        emit(to_json(found.to_dict()), output)
    elif output is None:
        show(*_parts(found, seed))
    else:
        emit("\n".join(fitted(part, None) for part in _parts(found, seed)), output)


def _cell(key: str, value: float | str | None) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None or math.isnan(value) else f"{value:.2g}" if key.endswith("_error") else f"{value:.6g}"


def _names(given: tuple[str, ...]) -> list[str] | None:
    return [name.strip() for text in given for name in text.split(",")] if given else None


def _parts(found: Simulation, seed: int) -> list[Part]:
    header = ["layer", *(["name"] if found.names else [])]
    for name in found.estimate:
        header += [name, "std error", *(["network error"] if name in found.network_error else [])]
    rows = [[str(row["layer"]), *(_cell(key, row[key]) for key in list(row)[1:])] for row in found.rows()]
    averaged = found.averaged
    words = [f"{averaged[:1].upper()}{averaged[1:]}.", f"Method {found.method}, {found.dtype}, seed {seed}."]
    if found.network_error:
        words.append(
            "Standard errors are of this network; network error is how far one lies from the mean over networks."
        )
    if found.overflows:
        lost = (f"{name} of layer {', '.join(map(str, layers))}" for name, layers in found.overflows.items())
        words.append(f"Outside float64's range, and so without an estimate: {'; '.join(lost)}.")
    return [table(header, rows, left=frozenset({"name"})), "", *map(Prose, words)]
