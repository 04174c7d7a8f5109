"""``varprop audit``."""

from __future__ import annotations

from collections import Counter

import click

import derive
from derive.render.audit_rows import to_text
from numerics.cli.naming import claims_named
from numerics.cli.narrow import Prose, columns, sentence_width
from numerics.cli.output import emit, show, to_json, working


@click.command("audit")
@click.argument("claims", nargs=-1, metavar="[CLAIM...]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def audit(claims: tuple[str, ...], form: str) -> None:
    """Hold printed formulas against derived ones: all of them, or those named (see `varprop list`).

    CLAIM is a name of `varprop list claims`, or nearly one, such as eq6; or a theorem, for all that it decides.
    A claim holds, holds if something more is assumed, or is refuted, with a counterexample.
    """
    # All names first: a wrong one should not cost the wait for the others.
    named = [name for given in claims for name in claims_named(given)] or derive.claims()
    chosen = [derive.claim(name) for name in dict.fromkeys(named)]
    found = []
    with working("auditing") as progress:
        for claim in chosen:
            progress(claim.id)
            found.append(claim.audit())
    if form == "json":
        emit(to_json([audit.to_dict() for audit in found]))
    else:
        width = sentence_width(columns())
        show("\n\n".join(to_text(audit, width=width) for audit in found))
        if len(found) > 1:
            counts = Counter(audit.verdict for audit in found)
            tally = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
            show("", Prose(f"{len(found)} printed formulas: {tally}."))
