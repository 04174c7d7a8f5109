"""``varprop evidence``."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

import click

from numerics.cli.narrow import Prose
from numerics.cli.output import emit, show, table, to_json
from numerics.cli.parallel import parallel_options


@click.command("evidence")
@click.option("-o", "--output", required=True, metavar="DIR", help="Directory for cells, the table and figures.")
@click.option("--quick", is_flag=True, help="Fewer and shallower networks: about a minute of processor time.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="S", help="Of all drawn.")
@click.option(
    "--data",
    type=click.Choice(["digits", "made-up"]),
    help="What is learnt.  [default: digits, where scikit-learn is installed]",
)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@parallel_options
def evidence(
    output: str,
    quick: bool,
    seed: int,
    data: str | None,
    form: str,
    workers: int,
    executor: Executor | None,
) -> None:
    """Train networks of 5 to 100 layers, and hold what they do against what is derived of them.

    Five studies: variances at initialisation, and the gradient of a real cost in place of a drawn one; how fast each
    layer changes, by initialisation; which depths of tanh networks train, by weight variance; the same with dropout;
    ReLU networks, plain, normalised and residual. Every network is trained with step sizes that are tried alike for
    all, from 5 seeds, by gradient descent with momentum.

    Each cell is a file in DIR/cells as soon as it is computed: a run that was stopped goes on where it was.
    """
    from numerics.evidence import FULL, QUICK
    from numerics.evidence import evidence as run
    from numerics.evidence.figures import save_figures

    settings = QUICK if quick else FULL
    found = run(output, settings=settings, seed=seed, data=data, workers=workers, executor=executor)
    save_figures(Path(output), found)
    if form == "csv":
        emit(found.to_csv())
    elif form == "json":
        emit(to_json(found.to_dict()))
    else:
        rows = found.rows()
        cells = [[v if isinstance(v, str) else f"{v:.4g}" for v in row.values()] for row in rows]
        show(table(list(rows[0]), cells, left=frozenset({"study", "network"})), "", *map(Prose, found.notes))
