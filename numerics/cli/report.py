"""``varprop report``."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING

import click

from numerics.cli.activation_options import PARAM, read_activation
from numerics.cli.limits import time_limit
from numerics.cli.network_options import own_network_options
from numerics.cli.output import emit, working
from numerics.cli.parallel import parallel_options

if TYPE_CHECKING:
    from numerics.network import Network


@click.command("report")
@click.option("-o", "--output", required=True, metavar="DIR", help="Directory to write; an older report is replaced.")
@click.option(
    "--activation",
    "activations",
    multiple=True,
    metavar="NAME|EXPR",
    help="Add a page for an activation function: maps, critical point, gains, simulations. Can be given again.",
)
@PARAM
@own_network_options
@partial(parallel_options, default=None)
@partial(time_limit, seconds=3600.0)
def report(
    output: str,
    activations: tuple[str, ...],
    parameters: tuple[str, ...],
    network: Network | None,
    workers: int | None,
    executor: Executor | None,
) -> None:
    """Derive, audit, predict and verify; write it all to DIR, with an index.html that shows it.

    With --layers, a chapter is about your own network: its definitions, what is predicted, and its simulation.

    The report is built beside DIR and renamed when it is complete: an interrupted run leaves nothing, and the next
    removes what a killed one left. It takes minutes, and says what it does on standard error: in place on a terminal,
    elsewhere a line a stage.
    """
    named = [str(read_activation(text, parameters)) for text in activations]
    from numerics.evidence import QUICK
    from numerics.report import write_report

    with working("writing the report", stages=True) as progress:
        index = write_report(
            output,
            activations=named,
            network=network,
            evidence=QUICK,
            workers=workers,
            executor=executor,
            progress=progress,
        )
    emit(f"report written to {index}")
