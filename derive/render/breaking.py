"""Breaking a printed formula into lines, at the outermost relation, plus sign or product that lets it fit.

The same breaker serves text and LaTeX: a formula is cut into atoms, each with its width and with how good a place
for a line to begin it is (the lower the better, None for nowhere).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from derive.render.delimiters import DISPLAY
from derive.render.order import TIMES
from derive.render.tokens import argument, bare, clusters, tokens
from derive.render.widths import latex_width

_RELATION, _PLUS, _DOT, _TIMES = 0, 1, 2, 3
_DEEPER = 4
_LAST = 2 * _DEEPER
"""Behind the sign of a sum, or inside what is wider than a line: only where nothing else is left."""
_SIGN = 2.0
"""How wide a sign is with its space."""
_OPEN, _CLOSE = "([{⟨⟪", ")]}⟩⟫"
_TEXT_BREAKS = {"=": _RELATION, "≠": _RELATION, "≤": _RELATION, "≥": _RELATION, "<": _RELATION, ">": _RELATION}
_TEXT_BREAKS |= {"⇒": _RELATION, "⇔": _RELATION, "~": _RELATION, "→": _RELATION, "and": _RELATION, "or": _RELATION}
_TEXT_BREAKS |= {"+": _PLUS, "−": _PLUS, "·": _DOT}


@dataclass(frozen=True)
class Atom:
    """A piece of a formula that is never broken.

    ``sign`` is the multiplication sign that a space between factors becomes where a line begins with it: without one,
    factors on two lines read as two formulas.
    """

    text: str
    width: float
    level: int | None
    sign: str = ""

    @property
    def beginning(self) -> Atom:
        """What it is at the beginning of a line."""
        return Atom(f"{self.sign} ", _SIGN, None) if self.sign else self


def break_atoms(atoms: list[Atom], first: float, rest: float) -> list[str]:
    """Return the lines; the first may be ``first`` wide, the others ``rest``."""
    lines: list[str] = []
    room = first
    while sum(a.width for a in atoms) > room:
        cut = _cut(atoms, room)
        if cut is None:
            break
        lines.append("".join(a.text for a in atoms[:cut]))
        atoms, room = [atoms[cut].beginning, *atoms[cut + 1 :]], rest
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
            worse = bodies.deeper(depth)
            behind = bool(atoms) and atoms[-1].text.lstrip("([⟨⟪")[:1] in _BIG_TEXT
            level = _TIMES + worse if word == TIMES else _PLUS if after_comma else _TIMES + _LAST if behind else None
            # Not in the body of a sum or product, which such a sign would seem to end.
            sign = "·" if word == TIMES and not worse else ""
            atoms.append(Atom(" ", 1, None if level is None else level + _DEEPER * depth, sign))
            continue
        # Inside brackets, y ~ N(0, 1) says what an average is over and is no relation to break at.
        kind = None if word == "~" and depth else _TEXT_BREAKS.get(word)
        bodies.see(depth, ends=kind in (_RELATION, _PLUS), begins=word.lstrip("([")[:1] in _BIG_TEXT)
        atoms.append(Atom(word, len(word), None if kind is None else kind + _DEEPER * depth))
        depth += sum(c in _OPEN for c in word) - sum(c in _CLOSE for c in word)
    return atoms


def break_text(formula: str, first: int, rest: int) -> list[str]:
    """Return the lines of a formula printed as text."""
    lines: list[str] = []
    for longest in (min(first, rest) - 2 * _SIGN, 0):
        # Words are cut where they are longer than a line, or where nothing else makes lines that fit.
        pieces = [p for atom in text_atoms(formula) for p in (_pieces(atom) if atom.width > longest else [atom])]
        lines = break_atoms(pieces, first, rest)
        if all(len(line) <= (rest if n else first) for n, line in enumerate(lines)):
            break
    return lines


def _pieces(atom: Atom) -> list[Atom]:
    """Cut a word that no line holds: behind its commas, before a fraction's bar, and between below and above."""
    first, *more = re.split(r"(?<=,)|(?<=\})(?=\^)|(?<=[\])])(?=/)", atom.text)
    return [Atom(first, len(first), atom.level, atom.sign), *(Atom(p, len(p), _TIMES + _LAST) for p in more)]


# LaTeX.

_LATEX_BREAKS = {"=": _RELATION, "<": _RELATION, ">": _RELATION, "+": _PLUS, "-": _PLUS, r"\cdot": _DOT}
_LATEX_BREAKS |= dict.fromkeys(
    (r"\neq", r"\leq", r"\geq", r"\Rightarrow", r"\Leftrightarrow", r"\sim", r"\to"), _RELATION
)


_BIG_LATEX = frozenset((r"\sum", r"\prod", r"\int"))


def latex_atoms(formula: str, style: int = DISPLAY) -> list[Atom]:
    r"""Cut LaTeX into atoms at brace depth 0, outside every ``\left ... \right``; scripts stay with their letter."""
    return list(_atoms(list(clusters(formula)), style))


def _atoms(cut: list[tuple[str, str]], style: int) -> Iterator[Atom]:
    depth, bodies = 0, _Bodies()
    for n, (token, scripts) in enumerate(cut):
        before, after = cut[n - 1][0] if n else "", cut[n + 1][0] if n + 1 < len(cut) else ""
        if token == TIMES:
            worse = bodies.deeper(depth)
            place = _DOT if after in _BIG_LATEX else _TIMES + worse
            yield Atom(" ", 0.2, place + _DEEPER * depth, "" if worse else r"\cdot")
            continue
        if token == " " and before == ",":
            yield Atom(" ", 0.2, _PLUS + _DEEPER * depth)
            continue
        if token == " " and before in _BIG_LATEX:
            yield Atom(" ", 0.2, _TIMES + _LAST + _DEEPER * depth)
            continue
        kind = _LATEX_BREAKS.get(token)
        bodies.see(depth, ends=kind in (_RELATION, _PLUS), begins=token in _BIG_LATEX)
        level = None if kind is None else kind + _DEEPER * depth
        depth += _LATEX_DEPTH.get(token, 0)
        # A sign after a term has space on both sides, one that begins a formula has none.
        prior = next((t for t, _ in reversed(cut[:n]) if not t.isspace() and t != TIMES), "") if kind == _PLUS else ""
        width = latex_width(prior + token + scripts, style) - (latex_width(prior, style) if prior else 0.0)
        yield Atom(token + scripts, width, level)


_LATEX_DEPTH = dict.fromkeys(("(", "[", r"\langle", r"\lvert"), 1)
_LATEX_DEPTH |= dict.fromkeys((")", "]", r"\rangle", r"\rvert"), -1)


def break_latex(formula: str, first: float, rest: float, style: int = DISPLAY) -> list[str]:
    """Return the lines of a formula printed as LaTeX, set in a style of `derive.render.delimiters`.

    Where it does not fit otherwise, brackets that stretch become brackets of a fixed size, inside which a line may
    end, and what is too wide above or below a fraction bar or under a root is itself broken into lines there.
    """
    while True:
        cut = list(tokens(formula))
        lines = break_atoms(latex_atoms(formula, style), first, rest)
        rooms = [first, *[rest] * len(lines)]
        if all(latex_width(line, style) <= room for line, room in zip(lines, rooms, strict=False)):
            return lines
        room = min(first, rest)
        wide = max((t for t in cut if _can_be_opened(t, room)), key=latex_width, default="")
        if not wide:
            return lines
        opened = "".join(_opened(t, room) if t == wide else t for t in cut)
        if opened == formula:
            return lines
        formula = opened


_LEFT_RIGHT = re.compile(r"\\left([(\[])(.*)\\right([)\]])", re.DOTALL)
_STACKED = re.compile(r"\\(?:frac|sqrt(?:\[[^]]*\])?)(?=\{)")


def _can_be_opened(token: str, room: float) -> bool:
    if _LEFT_RIGHT.fullmatch(token):
        return True
    if not _STACKED.match(token) or latex_width(token) <= room:
        return False
    return any(latex_width(bare(a)) > room - _BAR and not a.startswith(_LINES) for a in _arguments(token))


def _opened(token: str, room: float) -> str:
    """Return brackets of a fixed size for those that stretch, and a fraction or root with its wide parts in lines."""
    found = _LEFT_RIGHT.fullmatch(token)
    if found is not None:
        left, body, right = found.groups()
        size = "bigg" if re.search(r"\\(sum|prod|int)", body) else "Big"
        return rf"\{size}l{left}{body}\{size}r{right}"
    head = _STACKED.match(token)
    assert head is not None
    return head.group() + "".join(_in_lines(a, room - _BAR) for a in _arguments(token))


_BAR = 1.0
_INSET = 1.5
_LINES = r"{\begin{aligned}"


def _arguments(token: str) -> list[str]:
    """Return the braced arguments of a fraction or a root."""
    head = _STACKED.match(token)
    assert head is not None
    found, at = [], head.end()
    while at < len(token):
        end = argument(token, at)
        found.append(token[at:end])
        at = end
    return found


def _in_lines(argument: str, room: float) -> str:
    inside = bare(argument)
    if latex_width(inside) <= room or argument.startswith(_LINES):
        return argument
    first, *more = break_latex(inside, room, room - _INSET)
    if not more:
        return f"{{{first}}}"
    return _LINES + r"\\".join([f"&{first}", *(rf"&\quad {{}} {line}" for line in more)]) + r"\end{aligned}}"
