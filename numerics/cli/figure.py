"""``varprop figure``."""

from __future__ import annotations

import click

from numerics.cli.output import working


@click.command("figure")
@click.argument("name", required=False)
@click.option("-o", "--output", metavar="FILE", help="File to write: .png, .svg or .pdf.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Seed of the random numbers.")
@click.option("--width", type=int, default=1024, show_default=True, metavar="N", help="Size of every layer.")
@click.option("--depth", type=int, default=50, show_default=True, metavar="L", help="Number of weight matrices.")
def figure(name: str | None, output: str | None, seed: int, width: int, depth: int) -> None:
    """Draw figure NAME, theory over simulation, on a ReLU network with He's weights; without NAME, list the figures."""
    from numerics.cli.output import show, table
    from numerics.figures.gallery import FIGURES, save_figure

    if name is None:
        if output is not None:
            raise click.UsageError("give the name of a figure: without one, -o has nothing to write")
        header = ["figure", "what it shows"]
        show(table(header, [[key, about] for key, (_, about) in FIGURES.items()], left=frozenset(header)))
        return
    if output is None and name in FIGURES:
        raise click.UsageError(f"give -o FILE, to which figure {name} is written")
    with working(f"drawing {name}"):
        save_figure(output or "unnamed.png", name, seed=seed, width=width, depth=depth)
