"""How wide TeX sets a formula, estimated: the widths of Computer Modern, the spaces of TeX's eight kinds of atoms."""

from __future__ import annotations

import re
from functools import lru_cache
from string import ascii_letters, ascii_lowercase

from derive.render.delimiters import DISPLAY, SCRIPT, TEXT
from derive.render.order import TIMES
from derive.render.tokens import argument, bare, table, tokens

_LOWER = "53 43 43 52 47 60 51 58 34 47 55 32 88 60 48 50 48 48 47 36 57 52 74 57 53 51"
_UPPER = "75 81 79 86 80 78 79 91 52 65 92 68 108 91 79 78 79 77 67 72 79 81 108 91 80 75"
_ROMAN = "50 56 44 56 44 31 50 56 28 31 53 28 83 56 50 56 53 39 39 39 56 53 72 53 53 44"
_ITALIC = dict(zip(ascii_letters, map(int, f"{_LOWER} {_UPPER}".split()), strict=True))
_UPRIGHT = dict(zip(ascii_lowercase, map(int, _ROMAN.split()), strict=True))
_SIGNS = {"(": 39, ")": 39, "[": 28, "]": 28, "|": 28, "/": 50, "!": 28, "'": 28, ".": 28, r"\{": 50, r"\}": 50}
_SIGNS |= dict.fromkeys((r"\lvert", r"\rvert", r"\lVert", r"\rVert"), 28) | {
    r"\langle": 39,
    r"\rangle": 39,
    r"\cdot": 28,
    r"\infty": 100,
    r"\bigl": 7,
    r"\bigr": 7,
}
_SIGNS |= {r"\Bigl": 20, r"\Bigr": 20, r"\biggl": 33, r"\biggr": 33, r"\limits": 0, "&": 0}
_SIGNS |= {
    r"\bmod": 245,
    r"\,": 17,
    r"\!": -17,
    r"\:": 22,
    r"\;": 28,
    r"\quad": 100,
    r"\qquad": 200,
    r"\allowbreak": 0,
    TIMES: 0,
}
"""Hundredths of an em of cmmi10, cmr10, cmsy10 and cmex10, as `\\the\\wd` reports them."""

_BIG = {r"\sum": 144, r"\prod": 128, r"\int": 100}
_BINARY = {"+", "-", r"\cdot", r"\times", r"\pm"}
_RELATIONS = {"=", "<", ">", r"\neq", r"\leq", r"\geq", r"\sim", r"\in"}
_ARROWS = {r"\Rightarrow", r"\Leftrightarrow", r"\to"}
_OPENING = {"(", "[", ",", r"\{", r"\langle", r"\lvert", "{"}
_GREEK = 58
_THIN, _MEDIUM, _THICK, _SIGN = 17, 44, 56, 78
_SCRIPT_SCALE = 0.7
_SMALL_FRACTION = 0.87  # letters of 7 points are wide for their size, and their scripts hardly smaller
_BAR, _ROOT, _FENCES = 24, 83, 90
_WORDS = (r"\operatorname", r"\text", r"\mathrm", r"\mathit")


def latex_width(formula: str, style: int = DISPLAY) -> float:
    """Return the estimated width of LaTeX in a style of `derive.render.delimiters`, in letters: halves of an em."""
    return _hundredths(formula, style) / 50


@lru_cache(maxsize=20_000)
def _hundredths(formula: str, style: int) -> float:
    """Return the width in hundredths of an em of the font in which the formula itself is set."""
    total, before = 0.0, ""
    base = script = 0.0
    for token in tokens(formula):
        if token.isspace():
            continue
        if token[0] in "^_" and len(token) > 1:
            width = _SCRIPT_SCALE * _hundredths(bare(token[1:]), SCRIPT)
            # Both scripts of a letter stand above each other; those of a sum stand above and below it.
            under = base if before in _BIG and style == DISPLAY else 0.0
            total += max(0.0, width - max(script, under)) + (5 if not (script or under) else 0)
            script = max(script, width)
            continue
        base, script = _token(token, style, before), 0.0
        total += base
        before = token
    return total


def _token(token: str, style: int, before: str) -> float:
    if token in _BIG:
        # Behind what is multiplied by it there is a space, too.
        apart = before and not (before in _OPENING or before in _BINARY or before in _RELATIONS or before in _ARROWS)
        return _BIG[token] * (1.0 if style == DISPLAY else 0.74) + (2 if apart else 1) * _THIN
    if token in _RELATIONS or token in _ARROWS:
        return (100 if token in _ARROWS else _SIGN) + (0 if style == SCRIPT else _THICK)
    if token in _BINARY:
        unary = not before or before in _OPENING or before in _RELATIONS or before in _ARROWS
        return (28 if token == r"\cdot" else _SIGN) + (0 if unary or style == SCRIPT else _MEDIUM)
    if token == ",":
        return 28 + (0 if style == SCRIPT else _THIN)
    if token in _SIGNS:
        return _SIGNS[token]
    if len(token) == 1:
        return _ITALIC.get(token, 50)
    return _group(token, style)


def _group(token: str, style: int) -> float:
    if token.startswith(r"\frac"):
        inner = min(style + 1, SCRIPT)
        scale = _SMALL_FRACTION if style == TEXT else 1.0
        middle = argument(token, len(r"\frac"))
        halves = (token[len(r"\frac") : middle], token[middle:])
        return scale * max(_hundredths(bare(half), inner) for half in halves) + _BAR
    if token.startswith(r"\sqrt"):
        return _hundredths(bare(token[token.index("{") :]), style) + _ROOT
    word = next((w for w in _WORDS if token.startswith(w + "{")), None)
    if word is not None:
        inside = bare(token[len(word) :])
        return sum(_UPRIGHT.get(c.lower(), 33) + (20 if c.isupper() else 0) for c in inside) + _THIN
    if token.startswith(r"\left"):
        inside = re.sub(r"^\\left|\\right(?=[^A-Za-z\\]$|\\[}|]$)", "", token)
        return _hundredths(inside, style) + (120 if r"\begin" in token else 60)
    if token.startswith(r"\begin"):
        return _table(token, style)
    if token.startswith((r"\mathbb", r"\mathcal")):
        return 67 if token.startswith(r"\mathbb") else 97
    if token.startswith(r"\substack"):
        rows = bare(token[len(r"\substack") :]).split(r"\\")
        return max(_hundredths(row, SCRIPT) for row in rows)
    if token[0] == "{":
        return _hundredths(bare(token), style)
    name = token[1:]
    named = name in ("arctan", "arcsin", "arccos", "log", "exp", "max", "min", "tanh", "sinh", "cosh", "sin", "cos")
    return sum(_UPRIGHT[c] for c in name) + _THIN if named else _GREEK


def _table(token: str, style: int) -> float:
    small = token.startswith(r"\begin{smallmatrix}")
    aligned = token.startswith(r"\begin{aligned}")
    rows = table(token)
    columns = [[row[n] for row in rows if n < len(row)] for n in range(max(map(len, rows)))]
    inner = SCRIPT if small else DISPLAY if aligned else TEXT
    widths = [max(_hundredths(cell, inner) for cell in column) for column in columns]
    scale = 0.7 if small and style != SCRIPT else 1.0
    gaps = 0 if aligned else (28 if small else 100) * (len(columns) - 1)
    return scale * sum(widths) + gaps + (33 if small else 0 if aligned else _FENCES)
