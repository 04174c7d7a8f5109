"""How the nodes of the derivation language print inside any expression, by SymPy's printers too."""

from __future__ import annotations

from typing import Any

from derive.notation import Notation
from derive.render.delimiters import settle
from derive.render.latex_printer import VarianceLatexPrinter
from derive.render.order import TIMES
from derive.render.text_printer import VarianceTextPrinter


def in_text(node: Notation, printer: Any) -> str:
    """Return a node as text."""
    if isinstance(printer, VarianceTextPrinter):
        return str(_method(printer, node)(node))
    return str(_method(VarianceTextPrinter(), node)(node)).replace(TIMES, " ")


def in_latex(node: Notation, printer: Any, exp: str | None = None) -> str:
    """Return a node as LaTeX, with an exponent where SymPy asks for one."""
    if isinstance(printer, VarianceLatexPrinter):
        shown = _method(printer, node)(node)
    else:
        shown = settle(_method(VarianceLatexPrinter(), node)(node)).replace(TIMES, " ")
    return f"{shown}^{{{exp}}}" if exp else str(shown)


def _method(printer: Any, node: object) -> Any:
    return getattr(printer, f"_print_{type(node).__name__}")
