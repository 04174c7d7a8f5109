"""Pieces of a page. Formulas: MathML of expressions and statements, broken where they would be wider than the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from matplotlib.figure import Figure
from sympy import Basic

from derive.proof.derivation import Statement
from derive.render import html
from derive.render.brackets import Brackets
from derive.render.html import formula
from derive.render.latex_printer import print_latex
from derive.render.mathml import mathml
from derive.render.relation_signs import LATEX_RELATIONS, relation_sign
from numerics.figures import to_inline_svg

__all__ = ["chip", "displayed", "folded", "formula", "mathml", "pictured", "ruled", "stated"]


def stated(statement: Statement, brackets: Brackets | None = None) -> str:
    """Return a statement on lines of its own; ``brackets`` tells which of them must say what they average over."""
    sign = relation_sign(statement.relation, LATEX_RELATIONS)
    return displayed(f"{print_latex(statement.lhs, brackets)} {sign} {print_latex(statement.rhs, brackets)}")


def displayed(latex: str | Basic) -> str:
    """Return a formula on lines of its own."""
    return html.displayed(latex if isinstance(latex, str) else print_latex(latex))


def pictured(figure: Figure, alt: str, caption: str, *, key: str = "") -> str:
    """Return a figure above its caption (HTML); on a narrow page it scrolls rather than shrinks to nothing."""
    place = f' id="{key}"' if key else ""
    drawing = to_inline_svg(figure, alt)
    return f'<figure{place}><div class="scroll">{drawing}</div>\n<figcaption>{caption}</figcaption></figure>'


def ruled(head: Sequence[tuple[str, bool]], rows: Sequence[str]) -> str:
    """Return a table of rows (HTML), which scrolls on a narrow page; ``head`` has titles, and which are of numbers."""
    titles = "".join(f'<th class="{"num" if number else "text"}">{title}</th>' for title, number in head)
    return f'<div class="scroll"><table class="ruled"><tr>{titles}</tr>\n{chr(10).join(rows)}</table></div>'


def folded(summary: str, body: str, *, opened: bool = False) -> str:
    """Return a block that opens on a click."""
    state = ' open=""' if opened else ""
    return f'<details class="outer"{state}><summary>{summary}</summary>{body}</details>'


def chip(word: str, look: str) -> str:
    """Return a verdict or a grade in a frame, in the colour of ``look``: good, mind or bad."""
    return f'<span class="chip {look}">{escape(word)}</span>'
