"""Where one is in the signs of an equation, and the errors that point there."""

from __future__ import annotations

from typing import NoReturn, Protocol

from derive.equations.lexer import END, NAME, Token, located, scan
from derive.equations.tree import Name, Node

RELATIONS = ("=", "≈", "~", "->", "<=", ">=", "<", ">", "!=")
JOINS = (("<=>", "=>"), ("and", "or"))
CLOSING = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "⟪": "⟫", "⟦": "⟧", "⌊": "⌋"}
_PLAIN_ENDS = {"+", "-", ",", ";", ")", "]", "}", "⟩", "⟫", "⟧", "⌋", "\\", "&", "mod", "bmod"}
_ENDS = {*_PLAIN_ENDS, *RELATIONS, *JOINS[0], *JOINS[1]}


class Names(Protocol):
    """What the grammar asks of the names: which signs are one name, which names are functions, how words split."""

    def phrase(self, tokens: list[Token], at: int) -> int:
        """Return how many tokens from here on are one name together, 0 where they are none."""

    def calls(self, word: str, primes: int) -> bool:
        """Return whether a name is a function."""

    def names(self, word: str) -> bool:
        """Return whether a name has a meaning that is no function."""

    def split(self, word: str) -> list[str] | None:
        """Return the names that a run of letters is made of, None where it is unknown."""


class Cursor:
    """A place in the signs of an equation; what reads a whole part is in the classes that go on from here."""

    def __init__(self, text: str, names: Names, what: str) -> None:
        self.text, self.names, self.what = text, names, what
        self.tokens, self.place = scan(text, what), 0
        self.bars = self.integrals = 0

    def fail(self, rule: str, at: int | None = None) -> NoReturn:
        """Raise the error for a rule that is broken here, or at another place."""
        raise located(self.text, rule, self.now.at if at is None else at, self.what)

    @property
    def now(self) -> Token:
        """The token that is read next."""
        return self.tokens[self.place]

    def _is(self, *texts: str) -> bool:
        return self.now.kind != END and self.now.text in texts

    def _ahead(self, *texts: str) -> bool:
        """Return whether the tokens from here on are these."""
        return [t.text for t in self.tokens[self.place : self.place + len(texts)]] == list(texts)

    def _take(self, *texts: str) -> Token | None:
        token = self.now
        if not self._is(*texts):
            return None
        self.place += 1
        return token

    def _expect(self, text: str, why: str) -> Token:
        return self._take(text) or self.fail(f"{text!r} expected {why}, got {self.now}")

    def _ends(self) -> bool:
        token = self.now
        ends = token.kind == END or token.text in _ENDS or (token.text == "|" and self.bars > 0)
        return ends or (self.integrals > 0 and (self._differential() or self._density() > 0))

    def _density(self) -> int:
        """Return how many tokens of a density P(ν) or P(ν | μ) stand here, before the dν of an integral; 0 for none."""
        if self.now.text != "P" or self.tokens[self.place + 1].text != "(" or self.names.names("P"):
            return 0
        after = self.place + 2
        while self.tokens[after].kind == NAME or self.tokens[after].text in ("|", ",", "'"):
            after += 1
        closed = self.tokens[after].text == ")" and self.tokens[after + 1].text.startswith("d")
        return after + 1 - self.place if closed else 0

    def _differential(self) -> bool:
        """Return whether the dx of an integral stands here."""
        if self.now.kind != NAME or not self.now.text.startswith("d"):
            return False
        after = self.tokens[self.place + 1]
        return len(self.now.text) == 2 or (self.now.text == "d" and after.kind == NAME)

    # ---- what reads a part, in the classes that go on from here

    def _total(self) -> Node:
        raise NotImplementedError

    def _product(self, *, inside: bool = False) -> Node:
        raise NotImplementedError

    def _primary(self) -> Node:
        raise NotImplementedError

    def _factor(self) -> Node:
        raise NotImplementedError

    def _script(self) -> Node:
        raise NotImplementedError

    def _named(self, name: Name) -> Node:
        raise NotImplementedError

    def _below(self) -> tuple[Node, ...]:
        raise NotImplementedError

    def _mean(self) -> Node:
        raise NotImplementedError

    def _opens_mean(self) -> bool:
        raise NotImplementedError

    def _table(self) -> Node:
        raise NotImplementedError

    def _group(self) -> Node:
        raise NotImplementedError

    def _square(self) -> Node:
        raise NotImplementedError

    def _simple(self) -> Node:
        raise NotImplementedError

    def _is_derivative(self) -> bool:
        raise NotImplementedError

    def _derivative_fraction(self, opened: Token) -> Node:
        raise NotImplementedError
