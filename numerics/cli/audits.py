"""``varprop audit``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import derive
from derive.errors import InputError
from derive.render.audit_rows import to_text
from numerics.cli.limits import time_limit
from numerics.cli.naming import claims_named
from numerics.cli.narrow import Prose, columns, sentence_width
from numerics.cli.output import emit, show, to_json, working

_CODES = {"holds": 0, "holds-if": 1, "refuted": 1, "undecided": 3}
"""The exit code for the verdict on an equation or a constant of one's own."""
_LONGEST_FILE = 1_000_000


_SIGNS = "=<>≈~→"


@click.command("audit")
@click.argument("claims", nargs=-1, metavar="[CLAIM...]")
@click.option("--equation", "equations", multiple=True, metavar="TEXT", help="An equation of your own; - reads input.")
@click.option("--equation-file", metavar="FILE", help="Equations in a file, one a paragraph; - reads input.")
@click.option("--assume", multiple=True, metavar="NAMES", help="glorot, relu, leaky-relu, he, wide, or hypotheses.")
@click.option("--over", metavar="NAME", help="What E and Var are over: everything, networks, samples.")
@click.option("--let", multiple=True, metavar="RULE", help="What a name stands for: 'y_l = s^l'; repeat for more.")
@click.option("--where", default="", metavar="VALUES", help="Layers and sizes held fixed: 'i=2, d=3, n_0=5'.")
@click.option("--names", metavar="THEOREM", help="Read with the names of a theorem about other networks.")
@click.option("--layers", metavar="BLOCKS", help="Read with the names of a network of blocks (`varprop network`).")
@click.option("--input", "size", metavar="N|CxTxT", help="Size of the input of --layers: 64, or 3x32x32.")
@click.option("--constant", metavar="NUMBER", help="A printed constant, with --of.")
@click.option("--of", "of", metavar="FORMULA", help="What the constant is: '1/sqrt(E[silu(u)^2])', u standard normal.")
@click.option("--source", metavar="TEXT", help="Of the claims, those in whose source or place the TEXT stands.")
@click.option("--verdict", "verdicts", multiple=True, type=click.Choice(list(_CODES)), help="Show these only.")
@click.option("--by", type=click.Choice(["verdict", "source"]), help="One line a claim, in lists by verdict or source.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
@time_limit
def audit(
    ctx: click.Context,
    claims: tuple[str, ...],
    equations: tuple[str, ...],
    equation_file: str | None,
    assume: tuple[str, ...],
    over: str | None,
    let: tuple[str, ...],
    where: str,
    names: str | None,
    layers: str | None,
    size: str | None,
    constant: str | None,
    of: str | None,
    source: str | None,
    verdicts: tuple[str, ...],
    by: str | None,
    form: str,
) -> None:
    """Hold printed formulas against derived ones: all of them, those named (see `varprop list`), or your own.

    CLAIM is a name of `varprop list claims`, or nearly one, such as eq6; or a theorem, for all that it decides.
    A claim holds, holds if something more is assumed, or is refuted, with a counterexample.
    --source, --verdict and --by are for many of them: `varprop audit --by verdict`.

    With --equation, LaTeX or text as papers print it, the exit code is 0 for holds, 1 for refuted or holds-if,
    3 for undecided, and 2 where it cannot be read.
    """
    if (constant is None) != (of is None):
        raise InputError("--constant and --of go together")
    given = [*map(_typed, equations), *(_paragraphs(equation_file) if equation_file is not None else ())]
    kinds = (bool(claims), bool(given), constant is not None)
    if sum(kinds) > 1:
        raise InputError("give claims, equations or a constant, not several kinds at once")
    if not given and (assume or over or let or where or names or layers or size):
        options = "--assume, --over, --let, --where, --names, --layers and --input"
        raise InputError(f"{options} go with --equation or --equation-file")
    for text in claims:
        if any(sign in text for sign in _SIGNS):
            raise InputError(f"{text!r} is an equation and no name of a claim: give it after --equation")
    if (given or constant is not None) and (source or verdicts or by):
        raise InputError("--source, --verdict and --by go with claims, not with an equation or a constant")
    if given:
        ctx.exit(
            _of_equations(
                given,
                {
                    "assume": assume or None,
                    "over": over,
                    "let": let,
                    "where": where,
                    "names": names,
                    "layers": layers,
                    "input": size,
                },
                form,
            )
        )
    if constant is not None and of is not None:
        ctx.exit(_of_constant(constant, of, form))
    _of_claims(claims, source, verdicts, by, form)


def _typed(text: str) -> str:
    return sys.stdin.read(_LONGEST_FILE) if text == "-" else text


def _paragraphs(name: str) -> list[str]:
    """Return the equations of a file, one a paragraph."""
    try:
        text = sys.stdin.read(_LONGEST_FILE) if name == "-" else Path(name).read_text(encoding="utf-8")[:_LONGEST_FILE]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot read {name}: {reason.lower()}") from None
    found, lines = [], list[str]()
    for line in [*text.splitlines(), ""]:
        if line.strip():
            lines.append(line)
        elif lines:
            found.append("\n".join(lines))
            lines = []
    if not found:
        raise InputError(f"{name} has no equation in it")
    return found


def _of_equations(texts: Sequence[str], options: dict[str, Any], form: str) -> int:
    from derive.equations import audit as of_equation

    found = []
    with working("auditing") as progress:
        for n, text in enumerate(texts, 1):
            name = "equation" if len(texts) == 1 else f"equation-{n}"
            progress(name)
            found.append(of_equation(text, **options, name=name))
    if form == "json":
        emit(to_json([one.to_dict() for one in found]))
    else:
        width = sentence_width(columns())
        show("\n\n".join(to_text(audit, width=width) for one in found for audit in one.audits))
    return max(_CODES[one.verdict] for one in found)


def _of_constant(constant: str, of: str, form: str) -> int:
    from derive.equations import audit_constant

    found = audit_constant(constant, of)
    if form == "json":
        emit(to_json([found.to_dict()]))
    else:
        show(to_text(found, width=sentence_width(columns())))
    return _CODES[found.verdict]


def _of_claims(claims: Sequence[str], source: str | None, verdicts: Sequence[str], by: str | None, form: str) -> None:
    from numerics.cli.audit_lists import grouped, of_source

    # All names first: a wrong one should not cost the wait for the others.
    named = list(dict.fromkeys(name for given in claims for name in claims_named(given))) or derive.claims()
    chosen = named if source is None else of_source(named, source)
    if not chosen:
        raise InputError(f"--source: none of {len(named)} claims has {source!r} in its source or place")
    found = []
    with working("auditing") as progress:
        for name in chosen:
            progress(name)
            found.append(derive.claim(name).audit())
    shown = [audit for audit in found if not verdicts or audit.verdict in verdicts]
    if form == "json":
        emit(to_json([audit.to_dict() for audit in shown]))
        return
    if by is not None:
        show(grouped(shown, by))
    elif shown:
        width = sentence_width(columns())
        show("\n\n".join(to_text(audit, width=width) for audit in shown))
    if len(found) > 1:
        counts = Counter(audit.verdict for audit in found)
        tally = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        show("", Prose(f"{len(found)} printed formulas: {tally}."))
