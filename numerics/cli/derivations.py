"""``varprop derive``."""

from __future__ import annotations

import click
from click.core import ParameterSource

import derive as symbolic
from derive.proof.derivation import Derivation
from derive.render.sentences import DEPTHS, EVIDENCE
from numerics.cli.naming import decides, theorem_named
from numerics.cli.narrow import Prose, columns, fitted
from numerics.cli.output import emit, to_json, working


@click.command("derive")
@click.argument("name")
@click.option(
    "--format", "form", type=click.Choice(["text", "latex", "html", "json"]), default="text", show_default=True
)
@click.option(
    "--standalone", is_flag=True, help="With --format latex: a document that compiles on its own, not a fragment."
)
@click.option(
    "--depth",
    type=click.Choice(DEPTHS),
    default="full",
    show_default=True,
    help="main: the argument, its lemmas by their statements; full: lemmas proved too (text and latex).",
)
@click.option(
    "--evidence",
    type=click.Choice(EVIDENCE),
    default="inline",
    show_default=True,
    help="How each step is known: marks at the steps, a list at the end, or nothing (text and latex).",
)
@click.option("--check", is_flag=True, help="Derive again from scratch and check every step; exit code 1 on a failure.")
@click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.")
@click.pass_context
def derive(
    ctx: click.Context,
    name: str,
    form: str,
    standalone: bool,
    depth: str,
    evidence: str,
    check: bool,
    output: str | None,
) -> None:
    """Derive theorem NAME step by step (see `varprop list`); for a printed formula, the theorem that decides it."""
    if standalone and form != "latex":
        raise click.UsageError(f"--standalone goes with --format latex, got --format {form}")
    for option in ("depth", "evidence"):
        given = ctx.get_parameter_source(option) is not ParameterSource.DEFAULT
        if given and form not in ("text", "latex"):
            raise click.UsageError(f"--{option} goes with --format text or latex, got --format {form}")
    name = theorem_named(name)
    derivation = symbolic.theorem(name)
    failures: tuple[str, ...] = ()
    if check:
        with working(f"checking {name}") as progress:
            result = derivation.check(progress=progress)
        derivation, failures = result.derivation, result.failures
    width = columns() if output is None and form == "text" else None
    options = {"depth": depth, "evidence": evidence}
    emit(fitted(_rendered(derivation, form, standalone, width, options), width), output)
    for failure in failures:
        click.echo(f"varprop: {failure}", err=True)
    if failures:
        ctx.exit(1)


def _rendered(derivation: Derivation, form: str, standalone: bool, width: int | None, options: dict[str, str]) -> str:
    if form == "latex":
        return derivation.latex(standalone=standalone, **options)
    if form == "html":
        return derivation.html()
    if form == "json":
        return to_json(derivation.to_dict())
    decided = decides(derivation.name)
    return derivation.text(width=width or 100, **options).rstrip("\n") + (
        f"\n\n{Prose(decided).fitted(width)}" if decided else ""
    )
