"""Pieces of a page. Formulas: MathML of expressions and statements, broken where they would be wider than the page."""

from __future__ import annotations

from html import escape

from sympy import Basic

from derive.proof.derivation import Statement
from derive.render import html
from derive.render.brackets import Brackets
from derive.render.html import formula
from derive.render.latex_printer import print_latex
from derive.render.mathml import mathml
from derive.render.relations import LATEX_RELATIONS, relation_sign

__all__ = ["chip", "displayed", "folded", "formula", "mathml", "stated"]


def stated(statement: Statement, brackets: Brackets | None = None) -> str:
    """Return a statement on lines of its own; ``brackets`` tells which of them must say what they average over."""
    sign = relation_sign(statement.relation, LATEX_RELATIONS)
    return displayed(f"{print_latex(statement.lhs, brackets)} {sign} {print_latex(statement.rhs, brackets)}")


def displayed(latex: str | Basic) -> str:
    """Return a formula on lines of its own."""
    return html.displayed(latex if isinstance(latex, str) else print_latex(latex))


def folded(summary: str, body: str, *, opened: bool = False) -> str:
    """Return a block that opens on a click."""
    state = ' open=""' if opened else ""
    return f'<details class="outer"{state}><summary>{summary}</summary>{body}</details>'


def chip(word: str, look: str) -> str:
    """Return a verdict or a grade in a frame, in the colour of ``look``: good, mind or bad."""
    return f'<span class="chip {look}">{escape(word)}</span>'
