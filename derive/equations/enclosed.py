"""Brackets: groups, lists and tables, bars, roots, fractions, means and their laws."""

from __future__ import annotations

from dataclasses import replace

from derive.equations.cursor import CLOSING, Cursor
from derive.equations.lexer import END, NAME, NUMBER
from derive.equations.tree import Bars, Factor, Law, Mean, Name, Node, Power, Product, Root, Table

LAWS = {"N": "mean, variance", "U": "from, to", "Bernoulli": "chance"}
"""The laws that a mean may name, and their parameters."""


class Brackets(Cursor):
    """Reads what stands in brackets of any kind."""

    def _group(self) -> Node:
        opened = self.now
        self.place += 1
        inside = self._total()
        if self._is(",") and opened.text == "(":
            rows = [(inside,)]
            while self._take(","):
                rows.append((self._total(),))
            self._expect(")", "to close the list")
            return Table(opened.at, tuple(rows))
        self._expect(CLOSING[opened.text], "to close the bracket")
        if opened.text == "{" and isinstance(inside, Name) and inside.below is None and inside.above is None:
            # {h'}_{tk}: the braces only keep the prime and the index apart.
            return self._named(replace(inside, at=opened.at))
        # Letters in brackets are no name that a bracket of arguments may follow.
        return Product(opened.at, (Factor(inside.at, inside, False, ""),))

    def _square(self) -> Node:
        opened = self.now
        self.place += 1
        rows, row = [], [self._total()]
        while token := self._take(",", ";"):
            if token.text == ";":
                rows.append(tuple(row))
                row = []
            row.append(self._total())
        self._expect("]", "to close the bracket")
        if not rows and len(row) == 1:
            return Product(opened.at, (Factor(row[0].at, row[0], False, ""),))
        return Table(opened.at, (*rows, tuple(row)) if rows else tuple((e,) for e in row))

    def _table(self) -> Node:
        opened = self.now
        self.place += 1
        rows, row = [], [self._total()]
        while token := self._take("&", "\\"):
            if token.text == "\\":
                rows.append(tuple(row))
                row = []
            row.append(self._total())
        self._expect("⟧", "to close the matrix")
        return Table(opened.at, (*rows, tuple(row)))

    def _bars(self) -> Node:
        opened = self.now
        self.place += 1
        self.bars += opened.text == "|"
        inside = self._total()
        self.bars -= opened.text == "|"
        self._expect("|" if opened.text == "|" else "⌋", "to close the bracket")
        return Bars(opened.at, inside, opened.text == "⌊")

    def _root(self) -> Node:
        opened = self.now
        self.place += 1
        degree = None
        if self._is("[") and self.text[opened.at] == "\\":
            self.place += 1
            degree = self._total()
            self._expect("]", "to close the degree of a root")
        if self._is("("):
            return Root(opened.at, self._group(), degree)
        return Root(opened.at, self._primary(), degree)

    def _fraction(self) -> Node:
        opened = self.now
        self.place += 1
        self._digits()
        if self._is("{") and self.tokens[self.place + 1].text in ("∂", "d") and self._is_derivative():
            return self._derivative_fraction(opened)
        above = self._piece()
        self._digits()
        below = self._piece()
        return Product(opened.at, (Factor(above.at, above, False, ""), Factor(below.at, below, True, "/")))

    def _digits(self) -> None:
        r"""Split the digits of \frac12."""
        token = self.now
        if token.kind == NUMBER and token.text.isdigit() and len(token.text) > 1:
            pieces = [replace(token, text=token.text[0]), replace(token, text=token.text[1:], at=token.at + 1)]
            self.tokens[self.place : self.place + 1] = pieces

    def _piece(self) -> Node:
        if self._is("{"):
            self.place += 1
            inside = self._total()
            self._expect("}", "to close a part of the fraction")
            return inside
        return self._primary()

    def _opens_mean(self) -> bool:
        after = self.tokens[self.place + 1].text
        if after in ("[", "(", "{"):
            return True
        return after in ("_", "^")

    def _mean(self) -> Node:
        token = self.now
        self.place += 1
        label, power = None, None
        laws: tuple[Law, ...] = ()
        while self._is("_", "^"):
            if self._is("^"):
                power = self._script()
                continue
            self.place += 1
            self._expect("{", "to open a script")
            label, laws = self._label()
            self._expect("}", "to close the script")
        if not self._is("[", "(", "{"):
            self.fail(f"a bracket expected after {token.text}, got {self.now}")
        closing = CLOSING[self.now.text]
        self.place += 1
        inside = [self._total()]
        while self._take(","):
            inside.append(self._total())
        if not laws and self._take(";"):
            laws = self._laws()
        self._expect(closing, f"to close {token.text}")
        found = Mean(token.at, token.text, tuple(inside), label, laws)
        return found if power is None else Power(token.at, found, power)

    def _label(self) -> tuple[str | None, tuple[Law, ...]]:
        end, depth = self.place, 1
        while depth and self.tokens[end].kind != END:
            depth += (self.tokens[end].text == "{") - (self.tokens[end].text == "}")
            end += 1
        if any(t.text == "~" for t in self.tokens[self.place : end]):
            return None, self._laws()
        words = []
        while self.now.kind == NAME:
            words.append(self.now.text)
            self.place += 1
        if not words:
            self.fail(f"what the average is over expected, got {self.now}")
        return " ".join(words), ()

    def _laws(self) -> tuple[Law, ...]:
        """Read the laws of independent variables: ``u ~ N(0, 1), |u| < 2, d ~ Bernoulli(p)``."""
        found = [self._law()]
        while self._take(","):
            found.append(self._law())
        return tuple(found)

    def _law(self) -> Law:
        first, variables = self.now, [self._factor()]
        while self._take(","):
            variables.append(self._factor())
        self._expect("~", "before the law of the variable")
        kind = self.now.text if self.now.kind == NAME else ""
        if kind not in LAWS:
            self.fail(f"a law expected, one of {', '.join(f'{k}({v})' for k, v in LAWS.items())}, got {self.now}")
        self.place += 1
        self._expect("(", f"after {kind}")
        parameters = [self._total()]
        for _ in LAWS[kind].split(",")[1:]:
            self._expect(",", f"in {kind}({LAWS[kind]})")
            parameters.append(self._total())
        self._expect(")", "to close the law")
        return Law(first.at, tuple(variables), kind, tuple(parameters), self._within(variables[-1]))

    def _within(self, variable: Node) -> Node | None:
        """Read ``, |u| < 2`` behind the law of u."""
        if not self._ahead(",", "|"):
            return None
        self.place += 1
        bars = self._bars()
        assert isinstance(bars, Bars)
        if not (isinstance(bars.inside, Name) and replace(bars.inside, at=variable.at) == variable):
            self.fail("the bound is that of the variable before it", bars.at)
        self._expect("<", "before the bound of a law that is cut off")
        return self._total()

    def _barred(self) -> Node:
        r"""Read \bar{x}_1, the mean of x_1 over samples."""
        opened = self.now
        self.place += 1
        self._expect("{", "after a bar")
        name = self._total()
        self._expect("}", "to close what has a bar")
        if not isinstance(name, Name):
            self.fail("a bar stands over a name", opened.at)
        named = self._named(name)
        return Mean(opened.at, "⟨", (named,))

    def _angle(self) -> Node:
        opened = self.now
        self.place += 1
        inside = self._total()
        self._expect(CLOSING[opened.text], "to close the average")
        label = None
        if self._is("_"):
            self.place += 1
            self._expect("{", "to open a script")
            label, _ = self._label()
            self._expect("}", "to close the script")
        return Mean(opened.at, opened.text, (inside,), label)
