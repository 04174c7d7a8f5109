"""Sums, products, powers, and names with their scripts and arguments."""

from __future__ import annotations

from dataclasses import replace

from derive.equations.cursor import CLOSING, Cursor
from derive.equations.lexer import END, NAME, NUMBER, Token
from derive.equations.tree import Call, Factor, Name, Node, Number, Power, Product, Total, Whole

BRACKETS = ("E", "Var", "Cov")
"""What brackets of means are called."""


_BARE = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh")
"""Functions whose argument may stand without brackets: \\log 2."""


class Arithmetic(Cursor):
    """Reads sums, products, powers and names."""

    def _total(self) -> Node:
        first, terms = self.now, []
        negative = False
        while token := self._take("-", "+"):
            negative ^= token.text == "-"
        terms.append((negative, self._product()))
        while token := self._take("+", "-", "mod", "bmod"):
            if token.text in ("mod", "bmod"):
                left = terms[0][1] if len(terms) == 1 and not terms[0][0] else Total(first.at, tuple(terms))
                terms = [(False, Call(token.at, Name(token.at, "Mod"), (left, self._product())))]
                continue
            negative = token.text == "-"
            while more := self._take("-", "+"):
                negative ^= more.text == "-"
            terms.append((negative, self._product()))
        return terms[0][1] if len(terms) == 1 and not terms[0][0] else Total(first.at, tuple(terms))

    def _product(self, *, inside: bool = False) -> Node:
        """Read factors; ``inside`` a product over an index, the next one and × end it."""
        first, factors, sign, inverted = self.now, list[Factor](), "", False
        while True:
            factors.append(Factor(self.now.at, self._factor(), inverted, sign))
            if inside and self._is("×", "∏"):
                break
            if inside and self._is("·") and self.tokens[self.place + 1].text == "∏":
                break
            token = self._take("·", "×", "/")
            if token is None and self._ends():
                break
            sign, inverted = (token.text, token.text == "/") if token else ("", False)
        return factors[0].node if len(factors) == 1 else Product(first.at, tuple(factors))

    def _factor(self) -> Node:
        node = self._primary()
        while self._is("^", "'"):
            if not self._is("^"):
                self.fail(f"a prime must follow a name, got {self.now}")
            if isinstance(node, Power):
                self.fail("a second power; use brackets to tell which comes first")
            node = Power(node.at, node, self._script())
        return node

    def _script(self) -> Node:
        """Read ``^{...}``: a raised sign alone is a name."""
        self.place += 1
        opened = self._expect("{", "to open a script")
        if self._is("+", "-") and self.tokens[self.place + 1].text == "}":
            inside: Node = Name(self.now.at, self.now.text)
            self.place += 1
        else:
            inside = self._total()
        self._expect("}", "to close the script")
        return replace(inside, at=opened.at)

    def _word(self) -> Node:
        token = self.now
        if token.text in BRACKETS and not self.names.names(token.text) and self._opens_mean():
            return self._mean()
        self._joined()
        self._split()
        token = self.now
        if token.text == "lim":
            self.fail("a limit is read as → between two sides, not as lim")
        self.place += 1
        primes = 0
        while self._take("'"):
            primes += 1
        return self._named(Name(token.at, token.text, primes))

    def _joined(self) -> None:
        """Take the name of a function with an underscore or a number, leaky_relu or relu6, for one name."""
        token, *more = self.tokens[self.place : self.place + 4]
        if more[0].kind == NUMBER and not more[0].gap and self.names.calls(token.text + more[0].text, 0):
            self.tokens[self.place : self.place + 2] = [replace(token, text=token.text + more[0].text)]
            return
        if [t.text for t in more[:2]] == ["_", "{"] and self.names.calls(f"{token.text}_{more[2].text}", 0):
            self.tokens[self.place : self.place + 5] = [replace(token, text=f"{token.text}_{more[2].text}")]

    def _split(self) -> None:
        """Put the names that a run of letters is made of in its place."""
        token = self.now
        parts = self.names.split(token.text)
        if parts is None:
            self.fail(f"{token.text!r} is no name that is known here")
        if len(parts) > 1:
            at, made = token.at, []
            for n, part in enumerate(parts):
                made.append(Token(NAME, part, at, token.gap if n == 0 else False))
                at += len(part)
            self.tokens[self.place : self.place + 1] = made

    def _named(self, name: Name) -> Node:
        while self._is("_", "^", "'"):
            if self._is("'"):
                name = self._late_prime(name)
            elif self._is("_"):
                if name.below is not None:
                    self.fail("a second subscript")
                name = replace(name, below=self._below())
            else:
                if isinstance(name.above, Product):
                    # W^{(2)} is a name with a number: what follows is a power.
                    break
                if name.above is not None:
                    self.fail("a second superscript; use brackets for a power")
                name = replace(name, above=self._script())
        callable_ = self.names.calls(name.word, name.primes)
        also_plain = self.names.names(name.word)
        if callable_ and self._is("(", "[") and not (also_plain and self.now.gap):
            return Call(name.at, name, self._arguments())
        if callable_ and self._is("⟦"):
            return Call(name.at, name, (self._table(),))
        bare = callable_ and not also_plain and name.word in _BARE and not self._ends()
        if bare and (self._is("\\frac", "√") or self.now.kind in (NAME, NUMBER)):
            return Call(name.at, name, (self._factor(),))
        return name

    def _late_prime(self, name: Name) -> Name:
        """Read the prime of n_i' as one of the index."""
        last = (name.below or (None,))[-1]
        if not isinstance(last, Name):
            self.fail(f"a prime must follow a name, got {self.now}")
        self.place += 1
        return replace(name, below=(*(name.below or ())[:-1], replace(last, primes=last.primes + 1)))

    def _arguments(self) -> tuple[Node, ...]:
        opened = self.now
        self.place += 1
        out = [self._total()]
        while self._take(","):
            out.append(self._total())
        self._expect(CLOSING[opened.text], "to close the arguments")
        return tuple(out)

    def _below(self) -> tuple[Node, ...]:
        """Read ``_{...}``: parts between commas; letters that stand together are parts by themselves."""
        self.place += 1
        self._expect("{", "to open a script")
        out: list[Node] = []
        while True:
            out += self._below_part()
            if not self._take(","):
                break
        self._expect("}", "to close the script")
        return tuple(out)

    def _below_part(self) -> list[Node]:
        if token := self._take(":"):
            return [Whole(token.at)]
        end, depth = self.place, 0
        while self.tokens[end].kind != END and (depth or self.tokens[end].text not in (",", "}")):
            depth += (self.tokens[end].text in CLOSING) - (self.tokens[end].text in CLOSING.values())
            end += 1
        inside = self.tokens[self.place : end]
        if len(inside) > 1 and all(t.kind in (NAME, NUMBER) or t.text == "'" for t in inside):
            return self._letters(end)
        if len(inside) == 1 and inside[0].kind == NAME and len(inside[0].text) > 1:
            return self._letters(end)
        return [self._total()]

    def _letters(self, end: int) -> list[Node]:
        out: list[Node] = []
        for token in self.tokens[self.place : end]:
            if token.text == "'":
                last = out.pop()
                assert isinstance(last, Name)
                out.append(replace(last, primes=last.primes + 1))
            elif token.kind == NUMBER:
                out.append(Number(token.at, token.text))
            else:
                out += [Name(token.at + n, letter) for n, letter in enumerate(token.text)]
        self.place = end
        return out
