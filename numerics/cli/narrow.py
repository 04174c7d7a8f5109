"""Text for people on a narrow terminal: tables stack, formulas and sentences break, and what is to be copied stays."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from textwrap import wrap

NARROWEST = 40
READABLE = 100
"""How wide sentences are where there is room, and where the output goes to a program."""

_HANGING = 4
_GLUE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Prose:
    """Sentences, wrapped once; further lines are set in by ``hang``. A short ``q = 1`` is never broken."""

    text: str
    indent: int = 0
    hang: int = 0

    def fitted(self, width: int | None) -> str:
        """Return the lines, at most `READABLE` wide."""
        room = sentence_width(width)
        short = room // 2
        glued = re.sub(
            r"\S+ (?:[=≠<>≤≥~≈±%]|<=|>=) ?\S*",
            lambda found: found[0].replace(" ", _GLUE) if len(found[0]) <= short else found[0],
            self.text,
        )
        lines = wrap(
            glued,
            room,
            initial_indent=" " * self.indent,
            subsequent_indent=" " * (self.indent + self.hang),
            break_on_hyphens=False,
        )
        return "\n".join(lines).replace(_GLUE, " ")


@dataclass(frozen=True)
class Verbatim:
    """A line to be copied: never broken, however narrow the terminal."""

    text: str

    def fitted(self, width: int | None) -> str:
        """Return the line as it is."""
        return self.text


Part = str | Prose | Verbatim


def sentence_width(width: int | None) -> int:
    """Return how wide sentences may be where output may be so wide."""
    return min(width or READABLE, READABLE)


def columns() -> int | None:
    """Return how wide output may be: ``COLUMNS``, or the terminal, at least 40; None where it goes to a program."""
    if not os.environ.get("COLUMNS", "").isdigit() and not sys.stdout.isatty():
        return None
    return max(shutil.get_terminal_size().columns, NARROWEST)


def fitted(part: Part, width: int | None) -> str:
    """Return a part in which no line is wider; of a table that is, each row becomes lines, a cell each."""
    if not isinstance(part, str):
        return part.fitted(width)
    if width is None:
        return part
    blocks = re.split(r"(\n{2,})", part)
    return "".join(block if block.isspace() else _block(block.split("\n"), width) for block in blocks)


def _block(lines: list[str], width: int) -> str:
    if all(len(line) <= width for line in lines):
        return "\n".join(lines)
    cells = [re.split(r" {2,}", line.strip()) for line in lines]
    if len(lines) > 1 and len(cells[0]) > 1 and len({len(row) for row in cells}) == 1:
        return "\n\n".join("\n".join(_pairs(cells[0], row, width)) for row in cells[1:])
    return "\n".join(part for line in lines for part in _folded(line, width))


def _pairs(header: list[str], row: list[str], width: int) -> list[str]:
    return [part for title, cell in zip(header, row, strict=True) for part in _folded(f"{title}: {cell}", width)]


def _folded(line: str, width: int) -> list[str]:
    """Break a line at a relation, a sum or a product if it is a formula, at a space, or else anywhere."""
    from derive.render.breaking import break_text

    if len(line) <= width:
        return [line]
    bare = line.lstrip()
    first = " " * min(len(line) - len(bare), width // 4)
    more = first + " " * _HANGING
    parts = break_text(bare, width - len(first), width - len(more))
    return [
        piece
        for n, part in enumerate(parts)
        for piece in wrap(part, width, initial_indent=more if n else first, subsequent_indent=more)
    ]
