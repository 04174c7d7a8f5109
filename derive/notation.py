"""How the nodes of the derivation language print wherever SymPy prints them: as the papers write them."""

from __future__ import annotations

from typing import Any

from sympy import Basic
from sympy.printing.str import StrPrinter


class Notation:
    """Mixed into a node: ``str``, ``repr`` and LaTeX are those of `derive.render`, alone or inside any expression."""

    def _sympystr(self, printer: Any) -> str:
        from derive.render.order import TIMES
        from derive.render.text_printer import VarianceTextPrinter

        if isinstance(printer, _Structure):
            return printer.structure(self)
        if isinstance(printer, VarianceTextPrinter):
            return str(_method(printer, self)(self))
        return str(_method(VarianceTextPrinter(), self)(self)).replace(TIMES, " ")

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        from derive.render.delimiters import settle
        from derive.render.latex_printer import VarianceLatexPrinter
        from derive.render.order import TIMES

        if isinstance(printer, VarianceLatexPrinter):
            shown = _method(printer, self)(self)
        else:
            shown = settle(_method(VarianceLatexPrinter(), self)(self)).replace(TIMES, " ")
        return f"{shown}^{{{exp}}}" if exp else str(shown)


def _method(printer: Any, node: object) -> Any:
    return getattr(printer, f"_print_{type(node).__name__}")


class _Structure(StrPrinter):
    def structure(self, node: Any) -> str:
        return f"{type(node).__name__}({', '.join(self._print(a) for a in node.args)})"


def structure(expression: Basic) -> str:
    """Return an expression by its classes and arguments, for sorting: its length does not depend on the notation.

    >>> from derive.network import W, i
    >>> structure(W(i, 1, 2)), str(W(i, 1, 2))
    ('Entry(W, i, 1, 2)', 'W^i_{12}')
    """
    return str(_Structure().doprint(expression))
