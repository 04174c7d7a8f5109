"""Plain text for LaTeX."""

from __future__ import annotations

import re
import unicodedata

from sympy import Symbol

from derive.render.latex_printer import print_latex

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "“": "``",
    "”": "''",
    "’": "'",
    "–": "--",
    "≈": r"\(\approx\)",
    "≤": r"\(\leq\)",
    "≥": r"\(\geq\)",
    "→": r"\(\to\)",
    "∂": r"\(\partial\)",
    "−": r"\(-\)",
    "·": r"\(\cdot\)",
    "×": r"\(\times\)",
    "√": r"\(\surd\)",
    "∞": r"\(\infty\)",
    "⟨": r"\(\langle\)",
    "⟩": r"\(\rangle\)",
    "⇔": r"\(\Leftrightarrow\)",
    "<": r"\(<\)",
    ">": r"\(>\)",
    "|": r"\(|\)",
} | {c: "\\" + c for c in "&%$#_{}"}


def escape(text: str) -> str:
    """Return plain text for LaTeX, every character that LaTeX would act on or not know replaced."""
    return "".join(map(_escape, re.sub(r'"([^"]*)"', r"“\1”", text)))


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isascii():
        return character
    kind = unicodedata.name(character, "")
    if kind.startswith("LATIN "):
        return character
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER ([A-Z]+)", kind)
    if greek:
        name = greek[2].lower().replace("lamda", "lambda")
        return rf"\({print_latex(Symbol(name.capitalize() if greek[1] == 'CAPITAL' else name))}\)"
    plain = unicodedata.normalize("NFKD", character)
    return plain if plain.isascii() else f"(U+{ord(character):04X})"
