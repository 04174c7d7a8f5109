"""``varprop derive``."""

from __future__ import annotations

from textwrap import fill

import click

import derive as symbolic
from derive.proof.derivation import Derivation
from numerics.cli.naming import decides, theorem_named
from numerics.cli.narrow import columns, fitted
from numerics.cli.output import emit, to_json, working


@click.command("derive")
@click.argument("name")
@click.option(
    "--format", "form", type=click.Choice(["text", "latex", "html", "json"]), default="text", show_default=True
)
@click.option("--standalone", is_flag=True, help="With --format latex: a document that compiles on its own.")
@click.option("--check", is_flag=True, help="Derive again from scratch and check every step; exit code 1 on a failure.")
@click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.")
@click.pass_context
def derive(ctx: click.Context, name: str, form: str, standalone: bool, check: bool, output: str | None) -> None:
    """Derive theorem NAME step by step (see `varprop list`); for a printed formula, the theorem that decides it."""
    if standalone and form != "latex":
        raise click.UsageError(f"--standalone goes with --format latex, got --format {form}")
    name = theorem_named(name)
    derivation = symbolic.theorem(name)
    failures: tuple[str, ...] = ()
    if check:
        with working(f"checking {name}") as progress:
            result = derivation.check(progress=progress)
        derivation, failures = result.derivation, result.failures
    width = columns() if output is None and form == "text" else None
    emit(fitted(_rendered(derivation, form, standalone, width), width), output)
    for failure in failures:
        click.echo(f"varprop: {failure}", err=True)
    if failures:
        ctx.exit(1)


def _rendered(derivation: Derivation, form: str, standalone: bool, width: int | None) -> str:
    if form == "latex":
        return derivation.latex(standalone=standalone)
    if form == "html":
        return derivation.html()
    if form == "json":
        return to_json(derivation.to_dict())
    decided = decides(derivation.name)
    return derivation.text(width=width or 100).rstrip("\n") + (f"\n\n{fill(decided, width or 100)}" if decided else "")
