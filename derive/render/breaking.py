"""Breaking a printed formula into lines, at the outermost relation, plus sign or product that lets it fit.

The same breaker serves text and LaTeX: a formula is cut into atoms, each with its width and with how good a place
for a line to begin it is (the lower the better, None for nowhere).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
        lines.append("".join(a.text for a in atoms[:cut]))
        atoms, room = atoms[cut:], rest
    lines.append("".join(a.text for a in atoms))
    # Products inside a fraction are never broken.
    return [line.replace(TIMES, " ").strip() for line in lines]


def _cut(atoms: list[Atom], room: float) -> int | None:
    """Return where the next line begins: the outermost place that leaves the line full enough."""
    used = ink = 0.0
    best: tuple[int, int] | None = None
    short: int | None = None
    for n, atom in enumerate(atoms):
        if n and atom.level is not None:
            if ink > room:
                return best[1] if best else short or n
            if ink < (0.12 if atom.level == _RELATION else 0.3) * room:
                short = n
            elif best is None or atom.level <= best[0]:
                best = (atom.level, n)
        used += atom.width
        # A space at the end of a line takes no room.
        ink = ink if atom.text.isspace() else used
    return best[1] if best else short


class _Bodies:
    """Tells whether a place is in the body of a sum or product over an index, which is kept together if it can be."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def see(self, depth: int, *, begins: bool, ends: bool) -> None:
        """Note a sign at a bracket depth that begins such a body, or ends one."""
        self._open = {level for level in self._open if level <= depth and not (ends and level == depth)}
        self._open |= {depth} if begins else set()

    def deeper(self, depth: int) -> int:
        """Return by how much a break between the factors of such a body is worse."""
        return _DEEPER if depth in self._open else 0


# Text.

_BIG_TEXT = frozenset("Σ∏∫")


def text_atoms(formula: str) -> list[Atom]:
    """Cut a formula printed as text into atoms; brackets count, so that a break inside one is a last resort."""
    atoms: list[Atom] = []
    depth, bodies = 0, _Bodies()
    for word in re.findall(rf"[^ {TIMES}]+|[ {TIMES}]", formula):
        if word in (" ", TIMES):
            after_comma = bool(atoms) and atoms[-1].text.endswith(",")
            level = _TIMES + bodies.deeper(depth) if word == TIMES else _PLUS if after_comma else None
            atoms.append(Atom(" ", 1, None if level is None else level + _DEEPER * depth))
            continue
        # Inside brackets, y ~ N(0, 1) says what an average is over and is no relation to break at.
        kind = None if word == "~" and depth else _TEXT_BREAKS.get(word)
        bodies.see(depth, ends=kind in (_RELATION, _PLUS), begins=word.lstrip("([")[:1] in _BIG_TEXT)
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


_BIG_LATEX = frozenset((r"\sum", r"\prod", r"\int"))


def latex_atoms(formula: str) -> list[Atom]:
    r"""Cut LaTeX into atoms at brace depth 0, outside every ``\left ... \right``."""
    return list(_merge(list(_tokens(formula))))


def _tokens(formula: str) -> Iterator[str]:
    """Yield commands with their braced arguments and scripts, single characters and separators."""
    position = 0
    while position < len(formula):
        found = _TOKEN.match(formula, position)
        assert found is not None
        token, position = found.group(), found.end()
        if token == r"\left":
            position = _matching(formula, position, _BRACKETS)
        elif token == r"\begin":
            position = _matching(formula, position, _ENVIRONMENTS)
        elif token == "{":
            position = _closing(formula, found.start())
        elif token in "^_":
            position = _argument(formula, position)
        elif token in (r"\frac", r"\sqrt", r"\operatorname", r"\mathbb", r"\mathit", r"\text"):
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


_BRACKETS = re.compile(r"\\(?:(left)|right)(?![A-Za-z])(?:\\[A-Za-z]+|\\.|.)")
_ENVIRONMENTS = re.compile(r"\\(?:(begin)|end)\{\w+\*?\}")


def _matching(formula: str, position: int, pair: re.Pattern[str]) -> int:
    depth = 1
    for found in pair.finditer(formula, position):
        depth += 1 if found.group(1) else -1
        if depth == 0:
            return found.end()
    return len(formula)


def _merge(tokens: list[str]) -> Iterator[Atom]:
    depth, bodies = 0, _Bodies()
    for n, token in enumerate(tokens):
        before, after = tokens[n - 1] if n else "", tokens[n + 1] if n + 1 < len(tokens) else ""
        if token == TIMES:
            place = _DOT if after in _BIG_LATEX else _TIMES + bodies.deeper(depth)
            yield Atom(" ", 0.2, place + _DEEPER * depth)
            continue
        if token == " " and before == ",":
            yield Atom(" ", 0.2, _PLUS + _DEEPER * depth)
            continue
        kind = _LATEX_BREAKS.get(token)
        bare = _SIZED.sub("", token)
        bodies.see(depth, ends=kind in (_RELATION, _PLUS), begins=token in _BIG_LATEX)
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
    if token.startswith(r"\mathbb"):
        return 1.3
    if token.startswith(r"\left"):
        return latex_width(re.sub(r"^\\left|\\right", "", token)) + 1.0
    if token.startswith(r"\begin"):
        return 1.0 + max(map(latex_width, _ENVIRONMENTS.sub("", token).split(r"\\")))
    if token[0] == "{":
        return latex_width(_bare(token))
    if token in _LATEX_BREAKS:
        return 2.4
    return _COMMANDS.get(token, 1.25 if token[0].isupper() or token in ("m", "w") else 1.0)


_COMMANDS = {r"\,": 0.3, r"\!": -0.3, r"\;": 0.5, r"\quad": 2.0, r"\qquad": 4.0, r"\Bigl": 0.4, r"\Bigr": 0.4}
_COMMANDS |= {r"\biggl": 0.6, r"\biggr": 0.6, r"\sum": 2.4, r"\prod": 2.2, "(": 0.7, ")": 0.7, "[": 0.6, "]": 0.6}


def _bare(argument: str) -> str:
    return argument[1:-1] if argument[:1] in "{[" else argument


def break_latex(formula: str, first: float, rest: float) -> list[str]:
    """Return the lines of a formula printed as LaTeX.

    Where it does not fit otherwise, brackets that stretch become brackets of a fixed size, inside which a line may
    end, and a fraction becomes its numerator times one over its denominator.
    """
    while True:
        tokens = list(_tokens(formula))
        lines = break_atoms(list(_merge(tokens)), first, rest)
        rooms = [first, *[rest] * len(lines)]
        if all(latex_width(line) <= room for line, room in zip(lines, rooms, strict=False)):
            return lines
        wide = max(
            (t for t in tokens if _LEFT_RIGHT.fullmatch(t) or _is_fraction(t, rest)), key=latex_width, default=""
        )
        if not wide:
            return lines
        formula = "".join(_opened(t) if t == wide else t for t in tokens)


_LEFT_RIGHT = re.compile(r"\\left([(\[])(.*)\\right([)\]])", re.DOTALL)


def _is_fraction(token: str, room: float) -> bool:
    return token.startswith(r"\frac{") and not token.startswith(r"\frac{1}") and latex_width(token) > 0.8 * room


def _opened(token: str) -> str:
    """Return brackets of a fixed size for those that stretch; one over the denominator, in front, for a fraction."""
    found = _LEFT_RIGHT.fullmatch(token)
    if found is None:
        middle = _argument(token, len(r"\frac"))
        above, below = _bare(token[len(r"\frac") : middle]), token[middle:]
        single = all(a.level is None or a.level % _DEEPER > _PLUS for a in latex_atoms(above))
        return rf"\frac{{1}}{below}" + TIMES + (above if single else rf"\left({above}\right)")
    left, body, right = found.groups()
    size = "bigg" if re.search(r"\\(sum|prod|int)", body) else "Big"
    return rf"\{size}l{left}{body}\{size}r{right}"
