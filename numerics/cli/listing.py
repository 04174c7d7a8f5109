"""``varprop list``."""

from __future__ import annotations

from collections.abc import Callable

import click
from sympy import Expr, Float, Piecewise, Rational, true

import derive
from derive.activations import activation, activations
from derive.claims import CLAIMS
from derive.render.text import formula
from derive.theorems import THEOREMS
from numerics.cli.output import emit, show, table, to_json

_LONGEST, _DIGITS = 10**4, 8


@click.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_names(form: str) -> None:
    """List theorems, claims and activations, one line each."""
    theorems = [{"name": name, "statement": _statement(THEOREMS.builder(name))} for name in derive.theorems()]
    claims = [{"id": name, "statement": _statement(CLAIMS.builder(name))} for name in derive.claims()]
    functions = [{"name": name, "formula": _branches(activation(name).expression)} for name in activations()]
    if form == "json":
        emit(to_json({"theorems": theorems, "claims": claims, "activations": functions}))
        return
    rows = [["theorem", entry["name"], entry["statement"]] for entry in theorems]
    rows += [["claim", entry["id"], entry["statement"]] for entry in claims]
    rows += [["activation", name, _short(activation(name).expression)] for name in activations()]
    header = ["kind", "name", "what it is"]
    show(table(header, rows, left=frozenset(header)))


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
