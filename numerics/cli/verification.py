"""``varprop verify``."""

from __future__ import annotations

import math
import sys
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING

import click

from derive import limits
from numerics.cli.limits import time_limit
from numerics.cli.narrow import Prose, columns
from numerics.cli.network_options import drawing_options, network_options, theory_option
from numerics.cli.output import emit, show, to_json
from numerics.cli.parallel import parallel_options
from numerics.curves import predict
from numerics.network import Network
from numerics.simulation import Simulation, simulate
from numerics.verification import Verification
from numerics.verification import verify as compare

if TYPE_CHECKING:
    from numerics.finite_width import FiniteWidthBias


@click.command("verify")
@network_options
@theory_option
@drawing_options
@click.option("--spread", is_flag=True, help="With --theory finite --over both: sd_q and sd_v2, too.")
@click.option(
    "--width-bias",
    is_flag=True,
    help="Estimate the bias of finite width of the wide-limit columns from narrower networks, and allow for it.",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@partial(parallel_options, what="Threads")
@time_limit
@click.pass_context
def verify(
    ctx: click.Context,
    network: Network,
    theory: str | None,
    over: str,
    networks: int | None,
    samples: int | None,
    method: str | None,
    spread: bool,
    width_bias: bool,
    seed: int,
    form: str,
    workers: int,
    executor: Executor | None,
) -> None:
    """Hold the prediction against a simulation: exit code 0 when all agree, 1 when something is off.

    Over networks every network is drawn in full, with real weight matrices, and run forward and backward. Over samples,
    layers and both, networks are held against m2, v2 and rho, which are exact as the width grows.
    """
    # What is over samples is predicted by the theory of wide layers only.
    by = theory or (None if over == "network" else "wide")
    prediction = predict(network, theory=by, spread=spread)
    with limits.uncounted():
        simulation = simulate(
            network,
            over=over,
            rng=seed,
            networks=networks,
            samples=samples,
            method=method,
            spread=spread,
            workers=workers,
            executor=executor,
        )
        bias = _width_bias(network, by, simulation, seed, workers, executor) if width_bias else None
    found = compare(prediction, simulation, width_bias=bias)
    if form == "json":
        about = {"network": network.to_dict(), "theory": prediction.theory, "over": over, "seed": seed}
        emit(to_json({**about, **found.to_dict()}))
    else:
        text, width = found.table(), columns() or math.inf
        fits = max(map(len, text.splitlines())) <= width
        show(
            _coloured(found) if fits and sys.stdout.isatty() else text,
            "",
            *map(Prose, filter(None, (found.claims(), found.summary()))),
        )
        one = " Standard errors include how far one network lies from the mean over networks."
        if remedy := _remedy(found, prediction.theory, width_bias):
            show(Prose(remedy))
        show(Prose(f"These are {found.averaged}.{one if simulation.network_error else ''} Seed {seed}."))
    if not found.agrees:
        ctx.exit(1)


def _remedy(found: Verification, theory: str, width_bias: bool) -> str:
    """Return which option may reconcile the rows that differ, though they only claim to be approximate."""
    off = [row for row in found.comparisons if row.verdict == "differs" and not row.exact]
    if not off or (theory != "linear-regime" and width_bias):
        return ""
    all_off = sum(row.verdict == "differs" for row in found.comparisons)
    one = "The row that differs is" if all_off == 1 else "One of the rows that differ is"
    rows = one if len(off) == 1 else "Rows that differ are" if len(off) < all_off else "The rows that differ are"
    if theory == "linear-regime":
        return f"{rows} approximate, by the linear regime: --theory wide predicts them for the activation as it is."
    other = "--theory finite predicts real ones; " if theory == "wide" else ""
    return (
        f"{rows} approximate, by wide layers: {other}--width-bias estimates what the finite width adds, "
        "and allows for it."
    )


def _width_bias(
    network: Network, theory: str | None, simulation: Simulation, seed: int, workers: int, executor: Executor | None
) -> FiniteWidthBias:
    from numerics.finite_width import finite_width_bias

    over = "network" if simulation.over in ("network", "layer") else "both"
    by = partial(predict, theory=theory)
    predicted = by(network).columns
    wanted = None if network.is_chain else [name for name in simulation.estimate if name in predicted]
    return finite_width_bias(
        network,
        by,
        over=over,
        samples=16 if network.is_chain else simulation.samples,
        quantities=wanted or tuple(simulation.estimate),
        rng=seed,
        workers=workers,
        executor=executor,
    )


def _coloured(found: Verification) -> str:
    colours = {"differs": "red", "inconclusive": "yellow"}
    lines = found.table().splitlines()
    for number, row in enumerate(found.comparisons, start=1):
        if row.verdict in colours:
            lines[number] = click.style(lines[number], fg=colours[row.verdict])
    return "\n".join(lines)
