"""The same equation, spelled otherwise: spacing, brackets, names of brackets, styles of indices and of LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

Change = Callable[[str, Random], str]


def _one_of(*forms: str) -> Callable[[Random], str]:
    return lambda rng: rng.choice(forms)


def _each(pattern: str, forms: Callable[[Random], str]) -> Change:
    return lambda text, rng: re.sub(pattern, lambda m: m.expand(forms(rng)), text)


_VAR = _each(r"(?<![\\A-Za-z{])Var\b", _one_of("Var", r"\\mathrm{Var}", r"\\operatorname{Var}", r"\\text{Var}", "Var "))
_EXPECTED = _each(r"(?<![\\A-Za-z{])E(?=[\[(])", _one_of("E", r"\\mathbb{E}", r"\\operatorname{E}", "E "))
_PRODUCT = _each(r"\\Pi(?=_)", _one_of(r"\\prod", "∏", "Π", r"\\Pi", r"\\prod\\limits"))
_PRIME = _each("[′']", _one_of("'", "′", r"^\\prime "))
_COST = _each(r"(?<![A-Za-z{])Cost\b", _one_of("Cost", r"\\mathrm{Cost}", r"\\text{Cost}"))
_PARTIAL = _each(r"\\partial |∂", _one_of(r"\\partial ", "∂", "∂ "))
_FRACTION = _each(
    r"\\frac\{((?:\\partial |∂)[^{}]*)\} ?\{((?:\\partial |∂)[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}",
    _one_of(r"\\frac{\1}{\2}", r"\\dfrac{\1}{\2}", r"\\frac {\1} {\2}", r"{\1/\2}"),
)
_SCRIPT = _each(r"([\^_])([A-Za-z0-9])(?![A-Za-z0-9'′])", _one_of(r"\1\2", r"\1{\2}", r"\1{ \2 }"))
_COMMA = _each(r"_\{l,k\}", _one_of("_{l,k}", "_{lk}", "_{l, k}", "_{l k}"))
_EQUALS = _each(r" ?= ?(?![^{}]*\}\^)", _one_of("=", " = ", "  =", r"\\; = \\;", r" =\\, "))
_DOUBLE = _each(
    r"\\llangle(.*?)\\rrangle",
    _one_of(r"\\llangle\1\\rrangle", r"⟪\1⟫", r"\\langle\\!\\langle\1\\rangle\\!\\rangle", r"\\lllangle\1\\rrrangle"),
)
_ABOUT = _each(r"\\approx", _one_of(r"\\approx", "≈", r"\\simeq"))


def _round(text: str, rng: Random) -> str:
    """Make the brackets of a variance round, square or stretching, where none stands inside them."""
    forms = (r"Var[\1]", r"Var(\1)", r"Var\\left[\1\\right]", r"Var\\left(\1\\right)", r"Var\\bigl[\1\\bigr]")
    return re.sub(r"Var ?\[((?:[^\[\]()]|\{[^{}]*\})*)\]", lambda m: m.expand(rng.choice(forms)), text)


def _around(text: str, rng: Random) -> str:
    """Write other signs of a formula round it."""
    bare = re.sub(r"\\(begin|end)\{equation\}|\\tag\{.\}", "", text.strip().rstrip(".")).strip().strip("$").strip()
    forms = (bare, f"${bare}$", f"$$ {bare} $$,", f"\\begin{{equation}} {bare} \\end{{equation}}", f"  {bare} .")
    return rng.choice(forms)


CHANGES: tuple[Change, ...] = (
    _FRACTION,
    _round,
    _VAR,
    _EXPECTED,
    _PRODUCT,
    _COST,
    _PARTIAL,
    _COMMA,
    _SCRIPT,
    _PRIME,
    _EQUALS,
    _DOUBLE,
    _ABOUT,
    _around,
)


def spelled_otherwise(text: str, rng: Random) -> str:
    """Return the text with some of its signs spelled otherwise."""
    for change in CHANGES:
        if rng.random() < 0.7:
            text = change(text, rng)
    return text
