"""``varprop verify``."""

from __future__ import annotations

import sys
from textwrap import fill

import click

from numerics.cli.network_options import network_options
from numerics.cli.output import emit, to_json
from numerics.curves import predict
from numerics.network import Network
from numerics.simulation import simulate
from numerics.verification import Verification
from numerics.verification import verify as compare


@click.command("verify")
@network_options
@click.option(
    "--over", type=click.Choice(["network"]), default="network", show_default=True, help="What variances are over."
)
@click.option("--networks", type=int, default=1000, show_default=True, metavar="R", help="Networks to draw.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Seed of the random numbers.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def verify(ctx: click.Context, network: Network, over: str, networks: int, seed: int, form: str) -> None:
    """Hold the prediction against a simulation: exit code 0 when all agree, 1 when something is off.

    Every network is drawn in full, with real weight matrices, and run forward and backward.
    """
    prediction = predict(network)
    simulation = simulate(network, over=over, rng=seed, networks=networks)
    found = compare(prediction, simulation)
    if form == "json":
        emit(to_json({"network": network.to_dict(), "over": over, "seed": seed, **found.to_dict()}))
    else:
        emit(_coloured(found) if sys.stdout.isatty() else found.text())
        emit(fill(f"These are {found.averaged}. Seed {seed}.", 100))
    if not found.agrees:
        ctx.exit(1)


def _coloured(found: Verification) -> str:
    colours = {"differs": "red", "inconclusive": "yellow"}
    lines = found.text().splitlines()
    for number, row in enumerate(found.rows, start=1):
        if row.verdict in colours:
            lines[number] = click.style(lines[number], fg=colours[row.verdict])
    return "\n".join(lines)
