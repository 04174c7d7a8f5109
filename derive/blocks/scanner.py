"""Where the parts of a text of blocks begin and end, and errors that point at them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from derive.errors import InputError

DEEPEST = 20
QUOTES = "\"'"
_COLUMN = re.compile(r", at column (\d+)$")


class Scanner:
    """A text and what it is called: brackets, quotes and commas are looked for here."""

    def __init__(self, text: str, what: str) -> None:
        self.text, self.what = text, what

    def fail(self, rule: str, at: int) -> NoReturn:
        """Raise `InputError` with a rule, the column and a line that points at it."""
        raise InputError(f"{self.what}: {rule}, at column {at + 1}\n  {self.text}\n  {' ' * at}^") from None

    def again(self, error: InputError, at: int) -> NoReturn:
        """Fail with what another reader found wrong in the text from ``at`` on."""
        rule = str(error).split("\n")[0]
        column = _COLUMN.search(rule)
        self.fail(_COLUMN.sub("", rule), at + int(column[1]) - 1 if column else at)

    def _unquoted(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        """Yield the signs that stand in no quotes, and where; fail for a quote that does not end."""
        opened = None
        for at in range(start, end):
            sign = self.text[at]
            if opened is not None:
                opened = None if sign == self.text[opened] else opened
            elif sign in QUOTES:
                opened = at
            else:
                yield at, sign
        if opened is not None:
            self.fail("a quote that does not end", opened)

    def balanced(self) -> None:
        """Fail for brackets and quotes that do not close, or are nested too deeply."""
        opened: list[int] = []
        for at, sign in self._unquoted(0, len(self.text)):
            if sign == "(":
                opened.append(at)
                if len(opened) > DEEPEST:
                    self.fail(f"brackets may be nested {DEEPEST} deep", at)
            elif sign == ")":
                if not opened:
                    self.fail("')' without '('", at)
                opened.pop()
        if opened:
            self.fail("'(' that is not closed", opened[-1])

    def closing(self, at: int) -> int:
        """Return where the bracket that opens here closes."""
        depth = 0
        for place, sign in self._unquoted(at, len(self.text)):
            depth += (sign == "(") - (sign == ")")
            if depth == 0:
                return place
        return len(self.text)

    def parts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return where the parts between commas begin and end, without the blanks around them."""
        edges, depth = [start - 1], 0
        for at, sign in self._unquoted(start, end):
            depth += (sign == "(") - (sign == ")")
            if sign == "," and depth == 0:
                edges.append(at)
        found = []
        for before, after in zip(edges, [*edges[1:], end], strict=True):
            piece = self.text[before + 1 : after]
            if not piece.strip():
                self.fail("something must stand before and after a comma", min(after, len(self.text) - 1))
            found.append((after - len(piece.lstrip()), before + 1 + len(piece.rstrip())))
        return found
