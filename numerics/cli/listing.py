"""``varprop list``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
from sympy import Expr, Float, Piecewise, Rational, true

from derive.activations import activation
from derive.claims import CLAIMS
from derive.errors import InputError, loose
from derive.lookup import Kind, Named, hypothesis_words, names
from derive.render.text import formula
from derive.theorems import THEOREMS
from numerics.cli.naming import source_of
from numerics.cli.output import emit, show, table, to_json

_LONGEST, _DIGITS = 10**4, 8


@click.command("list")
@click.argument("words", nargs=-1, metavar="[WORD...]")
@click.option("--search", multiple=True, metavar="TEXT", help="Only what has the TEXT as it stands, in any case.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_names(words: tuple[str, ...], search: tuple[str, ...], form: str) -> None:
    """List theorems, claims, activations and hypotheses with their sources, one line each.

    With WORDs those that have all of them, in the name, what it is, or the source; `varprop list claims` lists a kind.
    """
    found = list(_found((*words, *search)))
    if not found:
        raise InputError(
            f"nothing has {' and '.join(map(repr, (*words, *search)))} in its name, what it is, or its source"
        )
    if form == "json":
        emit(to_json({kind.plural: [_entry(named) for named in found if named.kind is kind] for kind in Kind}))
        return
    header = ["kind", "name", "what it is", "source"]
    rows = [[named.kind.word, named.name, _words(named), source_of(named)] for named in found]
    show(table(header, rows, left=frozenset(header)))


def _found(words: tuple[str, ...]) -> Iterator[Named]:
    """Yield what has every word; the plural of a kind is a word of all that is of the kind."""
    for kind in Kind:
        for named in names(kind):
            if not words:
                yield named
                continue
            said = " ".join((kind.word, kind.plural, named.name, _words(named), source_of(named)))
            if all(word.lower() in said.lower() or loose(word) in loose(said) for word in words):
                yield named


def _entry(named: Named) -> dict[str, str]:
    """Return the line of one name as data; keys are what they have always been for its kind."""
    name = "id" if named.kind is Kind.CLAIM else "name"
    if named.kind is Kind.ACTIVATION:
        return {name: named.name, "formula": _branches(activation(named.name).expression), "source": source_of(named)}
    return {name: named.name, "statement": _words(named), "source": source_of(named)}


def _words(named: Named) -> str:
    if named.kind is Kind.ACTIVATION:
        return _short(activation(named.name).expression)
    if named.kind is Kind.HYPOTHESIS:
        return hypothesis_words()[named.name][0].render(formula)
    row = CLAIMS.row(named.name) if named.kind is Kind.CLAIM else None
    if row is not None:
        return str(row.says)
    return _statement((THEOREMS if named.kind is Kind.THEOREM else CLAIMS).builder(named.name))


def _statement(builder: Callable[[], object]) -> str:
    """Return what a theorem or a claim says, without the seconds that building all of them would take."""
    return " ".join((builder.__doc__ or "").split("\n\n")[0].split()).rstrip(".")


def _short(expression: Expr) -> str:
    """Return f(s) = ..., long fractions as decimals; f(s) ≈ ... where that rounds them."""
    long = {r for r in expression.atoms(Rational) if max(abs(r.p), r.q) > _LONGEST}
    decimals = {r: Float(r, _DIGITS) for r in long}
    rounded = any(Rational(str(decimal)) != r for r, decimal in decimals.items())
    return f"f(s) {'≈' if rounded else '='} {_branches(expression.xreplace(decimals))}"


def _branches(expression: Expr) -> str:
    """Return a formula on one line, its branches one after the other."""
    if not isinstance(expression, Piecewise):
        return formula(expression)
    parts = [formula(value) + ("" if case == true else f" if {formula(case)}") for value, case in expression.args]
    return ", else ".join(parts)
