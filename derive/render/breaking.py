"""Breaking a printed formula into lines, at the outermost relation, plus sign or product that lets it fit.

The same breaker serves text and LaTeX: a formula is cut into atoms, each with its width and with how good a place
for a line to begin it is (the lower the better, None for nowhere).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from derive.render.order import TIMES

_RELATION, _PLUS, _DOT, _TIMES = 0, 1, 2, 3
_DEEPER = 4
_OPEN, _CLOSE = "([{⟨⟪", ")]}⟩⟫"
_TEXT_BREAKS = {"=": _RELATION, "≠": _RELATION, "≤": _RELATION, "≥": _RELATION, "<": _RELATION, ">": _RELATION}
_TEXT_BREAKS |= {"⇒": _RELATION, "⇔": _RELATION, "~": _RELATION, "→": _RELATION, "and": _RELATION, "or": _RELATION}
_TEXT_BREAKS |= {"+": _PLUS, "−": _PLUS, "·": _DOT}


@dataclass(frozen=True)
class Atom:
    """A piece of a formula that is never broken."""

    text: str
    width: float
    level: int | None


def break_atoms(atoms: list[Atom], first: float, rest: float) -> list[str]:
    """Return the lines; the first may be ``first`` wide, the others ``rest``."""
    lines: list[str] = []
    room = first
    while sum(a.width for a in atoms) > room:
        cut = _cut(atoms, room)
        if cut is None:
            break
        lines.append("".join(a.text for a in atoms[:cut]).rstrip())
        atoms, room = atoms[cut:], rest
    lines.append("".join(a.text for a in atoms).strip())
    return lines


def _cut(atoms: list[Atom], room: float) -> int | None:
    """Return where the next line begins: the outermost place that leaves the line at least two fifths full."""
    used, best = 0.0, None
    fallback = None
    for n, atom in enumerate(atoms):
        if n and atom.level is not None and used <= room:
            if used >= 0.4 * room:
                if best is None or atom.level <= best[0]:
                    best = (atom.level, n)
            else:
                fallback = n
        if n and atom.level is not None and used > room and best is None and fallback is None:
            return n
        used += atom.width
    return best[1] if best else fallback


# Text.


def text_atoms(formula: str) -> list[Atom]:
    """Cut a formula printed as text into atoms; brackets count, so that a break inside one is a last resort."""
    atoms, depth = [], 0
    for word in re.findall(rf"[^ {TIMES}]+|[ {TIMES}]", formula):
        if word in (" ", TIMES):
            after_comma = bool(atoms) and atoms[-1].text.endswith(",")
            level = _TIMES if word == TIMES else _PLUS if after_comma else None
            atoms.append(Atom(" ", 1, None if level is None else level + _DEEPER * depth))
            continue
        kind = _TEXT_BREAKS.get(word)
        atoms.append(Atom(word, len(word), None if kind is None else kind + _DEEPER * depth))
        depth += sum(c in _OPEN for c in word) - sum(c in _CLOSE for c in word)
    return atoms


def break_text(formula: str, first: int, rest: int) -> list[str]:
    """Return the lines of a formula printed as text."""
    return break_atoms(text_atoms(formula), first, rest)


# LaTeX.

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[^\\]", re.DOTALL)
_SIZED = re.compile(r"\\[bB]igg?[lr]")
_LATEX_BREAKS = {"=": _RELATION, "<": _RELATION, ">": _RELATION, "+": _PLUS, "-": _PLUS, r"\cdot": _DOT}
_LATEX_BREAKS |= dict.fromkeys(
    (r"\neq", r"\leq", r"\geq", r"\Rightarrow", r"\Leftrightarrow", r"\sim", r"\to"), _RELATION
)


def latex_atoms(formula: str) -> list[Atom]:
    """Cut LaTeX into atoms at brace depth 0, outside every ``\\left ... \\right``."""
    return list(_merge(list(_tokens(formula))))


def _tokens(formula: str) -> Iterator[str]:
    """Yield commands with their braced arguments and scripts, single characters and separators."""
    position = 0
    while position < len(formula):
        found = _TOKEN.match(formula, position)
        assert found is not None
        token, position = found.group(), found.end()
        if token == r"\left":
            position = _matching_right(formula, position)
        elif token == "{":
            position = _closing(formula, found.start())
        elif token in "^_":
            position = _argument(formula, position)
        elif token in (r"\frac", r"\sqrt", r"\operatorname", r"\mathbb", r"\mathit", r"\text", r"\begin"):
            for _ in range(2 if token == r"\frac" else 1):
                position = _argument(formula, position)
        yield formula[found.start() : position]


def _argument(formula: str, position: int) -> int:
    if formula[position : position + 1] == "[":
        position = formula.index("]", position) + 1
    if formula[position : position + 1] == "{":
        return _closing(formula, position)
    found = _TOKEN.match(formula, position)
    return found.end() if found else position


def _closing(formula: str, position: int) -> int:
    depth = 0
    for n in range(position, len(formula)):
        depth += {"{": 1, "}": -1}.get(formula[n], 0)
        if depth == 0:
            return n + 1
    return len(formula)


def _matching_right(formula: str, position: int) -> int:
    depth = 1
    for found in re.finditer(r"\\(left|right)(?![A-Za-z])(\\[A-Za-z]+|\\.|.)", formula[position:]):
        depth += 1 if found.group(1) == "left" else -1
        if depth == 0:
            return position + found.end()
    return len(formula)


def _merge(tokens: list[str]) -> Iterator[Atom]:
    depth = 0
    for before, token in zip(["", *tokens], tokens, strict=False):
        if token == TIMES:
            yield Atom(" ", 0.2, _TIMES + _DEEPER * depth)
            continue
        if token == " " and before == ",":
            yield Atom(" ", 0.2, _PLUS + _DEEPER * depth)
            continue
        kind = _LATEX_BREAKS.get(token)
        bare = _SIZED.sub("", token)
        level = None if kind is None else kind + _DEEPER * depth
        if bare in ("(", "[", r"\langle"):
            depth += 1
        elif bare in (")", "]", r"\rangle"):
            depth -= 1
        yield Atom(token, latex_width(token), level)


def latex_width(formula: str) -> float:
    """Estimate the width of LaTeX in display style, in widths of a letter."""
    return sum(_token_width(token) for token in _tokens(formula))


def _token_width(token: str) -> float:
    if token == TIMES or token.isspace():
        return 0.2 if token == TIMES else 0.0
    if token[0] in "^_":
        return 0.72 * latex_width(_bare(token[1:])) if len(token) > 1 else 0.0
    if token.startswith(r"\frac"):
        middle = _argument(token, len(r"\frac"))
        return max(latex_width(_bare(token[len(r"\frac") : middle])), latex_width(_bare(token[middle:]))) + 0.5
    for command, scale in ((r"\operatorname", 0.95), (r"\text", 0.9), (r"\mathit", 0.85), (r"\sqrt", 1.0)):
        if token.startswith(command + "{"):
            return scale * latex_width(_bare(token[len(command) :])) + (1.5 if command == r"\sqrt" else 0.3)
    if token.startswith(r"\left"):
        return latex_width(re.sub(r"^\\left|\\right", "", token)) + 0.5
    if token[0] == "{":
        return latex_width(_bare(token))
    if token in _LATEX_BREAKS:
        return 2.4
    return _COMMANDS.get(token, 1.0)


_COMMANDS = {r"\,": 0.3, r"\!": -0.3, r"\;": 0.5, r"\quad": 2.0, r"\qquad": 4.0, r"\Bigl": 0.4, r"\Bigr": 0.4}
_COMMANDS |= {r"\biggl": 0.6, r"\biggr": 0.6, r"\sum": 2.4, r"\prod": 2.2, "(": 0.7, ")": 0.7, "[": 0.6, "]": 0.6}


def _bare(argument: str) -> str:
    return argument[1:-1] if argument[:1] in "{[" else argument


def break_latex(formula: str, first: float, rest: float) -> list[str]:
    """Return the lines of a formula printed as LaTeX."""
    return break_atoms(latex_atoms(formula), first, rest)


Breaker = Callable[[str, float, float], list[str]]
