"""From the signs of an equation to its parts.

::

    equation   = [ label "->" ] [ "∀" "(" names ")" "," ] logic
    logic      = relation { ("⇔" | "⇒" | "and" | "or") relation }
    relation   = total { ("=" | "≈" | "~" | "→" | "≤" | ...) total }
    total      = [ "-" ] product { ("+" | "-") product }
    product    = factor { [ "·" | "×" | "/" ] factor }
    factor     = primary { "^" script | scripts of a bracket }
    primary    = number | name [ scripts ] [ "(" totals ")" ] | bracket | mean | sum | root | fraction | derivative

Factors need no sign between them. A division takes the one factor that follows it. A sum or product over an index
reaches to the end of its product, or to the next ∏ or ×.
"""

from __future__ import annotations

from derive.equations.arithmetic import Arithmetic
from derive.equations.cursor import CLOSING, JOINS, RELATIONS, Names
from derive.equations.enclosed import Brackets
from derive.equations.lexer import END, NAME, NUMBER
from derive.equations.operators import Calculus
from derive.equations.tree import Logic, Node, Number, Phrase, Relation
from derive.errors import InputError


def parse(text: str, names: Names, what: str = "equation") -> Node:
    """Return the parts of an equation.

    Raises `InputError` with the column, the part and what was expected.
    """
    try:
        return _Parser(text, names, what).read()
    except RecursionError:
        raise InputError(f"{what} is nested too deeply") from None


def parse_value(text: str, names: Names, what: str = "expression") -> Node:
    """Return the parts of a text that is one side of an equation; raises `InputError` as `parse` does."""
    try:
        parser = _Parser(text, names, what)
        found = parser._total()
    except RecursionError:
        raise InputError(f"{what} is nested too deeply") from None
    if parser.now.kind != END:
        parser.fail(f"a sign between factors or the end expected, got {parser.now}")
    return found


class _Parser(Arithmetic, Brackets, Calculus):
    """Reads a whole equation."""

    def _primary(self) -> Node:
        token = self.now
        length = self.names.phrase(self.tokens, self.place)
        if length:
            self.place += length
            return Phrase(token.at, tuple(t.text for t in self.tokens[self.place - length : self.place]))
        if token.kind == NUMBER:
            self.place += 1
            return Number(token.at, token.text)
        if token.kind == NAME:
            return self._word()
        reader = {
            "(": self._group,
            "[": self._square,
            "{": self._group,
            "⟨": self._angle,
            "⟪": self._angle,
            "⟦": self._table,
            "⌊": self._bars,
            "|": self._bars,
            "∏": self._big,
            "Σ": self._big,
            "∫": self._integral,
            "∞": self._infinite,
            "√": self._root,
            "\\frac": self._fraction,
            "\\bar": self._barred,
            "∂": self._derivative,
        }.get(token.text if token.kind != END else "")
        if reader is None:
            self.fail(f"a number, a name or a bracket expected, got {token}")
        return reader()

    def read(self) -> Node:
        self._preamble()
        found = self._logic(0)
        if self.now.kind != END:
            self.fail(f"a sign between factors, a relation or the end expected, got {self.now}")
        return found

    def _preamble(self) -> None:
        """Skip a label with an arrow, ``Layer 1 →``, and a quantifier."""
        if self.now.kind == NAME and self.tokens[self.place + 1].text == "->" and " " in self.now.text:
            self.place += 2
        if self._take("∀"):
            opened = self._expect("(", "after ∀")
            while not self._is(")"):
                if self.now.kind not in (NAME,) and not self._is(",", "'"):
                    self.fail(f"names expected after ∀, got {self.now}", opened.at)
                self.place += 1
            self.place += 1
            self._take(",", ":")

    def _logic(self, level: int) -> Node:
        if level == len(JOINS):
            return self._relation()
        first, parts, signs = self.now, [self._logic(level + 1)], []
        while token := self._take(*JOINS[level]):
            signs.append(token.text)
            parts.append(self._logic(level + 1))
        if len(set(signs)) > 1:
            self.fail(f"{signs[0]!r} and {signs[1]!r} need brackets to tell which comes first", first.at)
        return Logic(first.at, signs[0], tuple(parts)) if signs else parts[0]

    def _relation(self) -> Node:
        if self._is("(") and self._encloses_relation():
            self.place += 1
            inside = self._logic(0)
            self._expect(")", "to close the bracket")
            return inside
        first, sides, signs = self.now, [self._total()], []
        while token := self._take(*RELATIONS):
            signs.append(token.text)
            sides.append(self._total())
        if not signs:
            if self.now.kind == END or self._is(*JOINS[0], *JOINS[1]):
                self.fail(f"a relation such as = expected, got {self.now}")
            self.fail(f"a sign between factors, a relation or the end expected, got {self.now}")
        return Relation(first.at, tuple(sides), tuple(signs))

    def _encloses_relation(self) -> bool:
        depth = 0
        for token in self.tokens[self.place :]:
            depth += (token.text in CLOSING) - (token.text in CLOSING.values())
            if depth == 0:
                return False
            if depth == 1 and token.text in ("=", "<=>", "=>"):
                return True
        return False
