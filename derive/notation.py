"""How the nodes of the derivation language print wherever SymPy prints them: as the papers write them."""

from __future__ import annotations

from typing import Any

from sympy import Basic
from sympy.printing.str import StrPrinter

from derive.provided import provided


class Notation:
    """Mixed into a node: ``str``, ``repr`` and LaTeX are those of `derive.render`, alone or inside any expression."""

    def _sympystr(self, printer: Any) -> str:
        return printer.structure(self) if isinstance(printer, _Structure) else self._text(printer)

    @provided
    def _text(self, printer: Any) -> str:
        raise NotImplementedError

    @provided
    def _latex(self, printer: Any, exp: str | None = None) -> str:
        raise NotImplementedError


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
