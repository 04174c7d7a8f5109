r"""The signs of an equation, whichever way it is written: LaTeX, Unicode and plain text give the same tokens.

Scripts come out in braces (``z²``, ``z^2`` and ``z^{2}`` are ``z ^ { 2 }``), spacing and the sizes of brackets are
dropped, ``\mathrm{Var}`` and ``\operatorname{Var}`` are the name ``Var``. Every token knows its column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NoReturn

from derive.equations.sign_spellings import BIGGER, COMMANDS, DROPPED, FONTS, LOWERED, RAISED, SIGNS, TABLES
from derive.errors import InputError

LONGEST = 4_000
MOST_TOKENS = 2_000
DEEPEST = 40
NAME, NUMBER, SIGN, END = "name", "number", "sign", "end"

_COMMAND = re.compile(r"\\([A-Za-z]+)\*?|\\(.)", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+(?![A-Za-z]))?|\.\d+", re.ASCII)
_LETTERS = re.compile(r"[A-Za-z]+", re.ASCII)
_PLAIN = re.compile(r"\*\*|<=>|<->|<=|>=|=>|->|==|!=|~=|<|>|[-+*/=(),.;:\[\]|~^_{}'&]")
_ENVIRONMENT = re.compile(r"\s*\{([A-Za-z]+\*?)\}(?:\{[clr|]+\})?")
_ASIDE = re.compile(r"\s*\{[^{}]*\}")


@dataclass(frozen=True)
class Token:
    """A sign, name or number; ``at`` is where it begins, ``gap`` whether a blank stands before it."""

    kind: str
    text: str
    at: int
    gap: bool = False

    def __str__(self) -> str:
        return "the end" if self.kind == END else repr(self.text)


def located(text: str, rule: str, at: int, what: str = "equation") -> InputError:
    """Return the error for a rule that is broken at a place, with a line that points at it."""
    shown = " ".join(text.split("\n"))
    return InputError(f"{what}: {rule}, at column {at + 1}\n  {shown}\n  {' ' * at}^")


def scan(text: str, what: str = "equation") -> list[Token]:
    r"""Return the tokens of a text, an end last.

    Raises `InputError` for a sign that no equation has, unbalanced brackets, or what is too long or too deep.

    >>> " ".join(t.text for t in scan(r"\operatorname{Var}[z^{2}] \approx n_0 σ²"))
    'Var [ z ^ { 2 } ] ≈ n _ { 0 } σ ^ { 2 } '
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{what} must not be empty")
    if len(text) > LONGEST:
        raise InputError(f"{what} must have at most {LONGEST} characters, got {len(text)}")
    scanner = _Scanner(text, what)
    scanner.run()
    return scanner.finished()


class _Scanner:
    def __init__(self, text: str, what: str) -> None:
        self.text, self.what, self.at = text, what, 0
        self.tokens: list[Token] = []
        self.gap = self.pulled = False
        self.tables: list[str] = []

    def fail(self, rule: str, at: int | None = None) -> NoReturn:
        raise located(self.text, rule, self.at if at is None else at, self.what)

    def run(self) -> None:
        while self.at < len(self.text):
            before = len(self.tokens)
            if self._dropped():
                continue
            self._one()
            if len(self.tokens) > MOST_TOKENS:
                self.fail(f"at most {MOST_TOKENS} numbers, names and signs")
            self.gap = self.gap and len(self.tokens) == before

    def _dropped(self) -> bool:
        character = self.text[self.at]
        if character.isspace() or character in DROPPED:
            self.gap = self.gap or character != "$"
            self.at += 1
            return True
        return False

    def _add(self, kind: str, text: str, at: int) -> None:
        if self.pulled and text in ("⟨", "⟩") and self.tokens[-1].text == text:
            # Two single brackets pulled together are one double bracket.
            self.tokens[-1] = replace(self.tokens[-1], text="⟪" if text == "⟨" else "⟫")
        else:
            self.tokens.append(Token(kind, text, at, self.gap))
        self.gap = self.pulled = False

    def _one(self) -> None:
        """Read one sign, name or number."""
        at, character = self.at, self.text[self.at]
        if character == "\\":
            self._command()
        elif character in RAISED or character in LOWERED:
            self._script(RAISED if character in RAISED else LOWERED)
        else:
            kind, found = self._kind(character)
            self.at += len(found)
            self._add(kind, SIGNS.get(found, found), at)

    def _kind(self, character: str) -> tuple[str, str]:
        for pattern, kind in ((_NUMBER, NUMBER), (_LETTERS, NAME), (_PLAIN, SIGN)):
            if found := pattern.match(self.text, self.at):
                return kind, found[0]
        if character in SIGNS:
            return SIGN, character
        if "α" <= character <= "ω" or character in "ΓΔΘΛΞΦΨΩℓ":
            return NAME, character
        return self.fail(f"unexpected character {character!r}; a name, a number or a sign of a formula was expected")

    def _script(self, table: dict[str, str]) -> None:
        """Read small raised or lowered signs, such as ² and ₁₂, as a script in braces."""
        at, inside = self.at, ""
        while self.at < len(self.text) and self.text[self.at] in table:
            inside += table[self.text[self.at]]
            self.at += 1
        self._add(SIGN, "^" if table is RAISED else "_", at)
        self._add(SIGN, "{", at)
        for piece in re.findall(r"\d+|\D", inside):
            self._add(NUMBER if piece.isdigit() else NAME if piece.isalpha() else SIGN, piece, at)
        self._add(SIGN, "}", at)

    def _command(self) -> None:
        at, found = self.at, _COMMAND.match(self.text, self.at)
        if found is None:
            self.fail("a backslash must begin a command")
        self.at = found.end()
        word = found[1] or found[2]
        if word in BIGGER:
            # What only sets a size has a bracket after it; \left. and \right. have none.
            if self.text[self.at : self.at + 1] == ".":
                self.at += 1
            return None
        if word in ("begin", "end"):
            return self._environment(word, at)
        if word in ("tag", "label", "require", "ref", "eqref"):
            aside = _ASIDE.match(self.text, self.at)
            self.at = aside.end() if aside else self.at
            return None
        if word in FONTS:
            return self._font(word, at)
        if word == "\\":
            return self._add(SIGN, "\\", at) if self.tables else None
        if word == "!":
            self.pulled = bool(self.tokens)
            return None
        if word not in COMMANDS:
            self.fail(rf"\{word} is no command that an equation is read with", at)
        kind, text = COMMANDS[word]
        if kind:
            self._add(kind, text, at)
        else:
            self.gap = True
        return None

    def _font(self, word: str, at: int) -> None:
        found = _ASIDE.match(self.text, self.at)
        if found is None:
            return
        inside = found[0].strip()[1:-1]
        shown = inside.replace("\\", "").strip()
        if word in ("text", "textrm", "mbox", "operatorname", "mathrm", "mathit") or shown.isalpha():
            self.at = found.end()
            if not shown:
                return
            self._add(NAME, shown, at)

    def _environment(self, word: str, at: int) -> None:
        found = _ENVIRONMENT.match(self.text, self.at)
        if found is None:
            self.fail(rf"\{word} must name an environment", at)
        self.at = found.end()
        if found[1] in TABLES:
            self._add(SIGN, "⟦" if word == "begin" else "⟧", at)
            self.tables = [*self.tables, found[1]] if word == "begin" else self.tables[:-1]

    # ---- one spelling for what has several

    def finished(self) -> list[Token]:
        inside = any(t.text == "⟦" for t in self.tokens)
        tokens = [t for t in self.tokens if inside or t.text != "&"]
        while tokens and tokens[-1].text in (",", ";", "."):
            tokens.pop()
        if not tokens:
            raise InputError(f"{self.what} must not be empty")
        self._balanced(tokens)
        return [*self._braced(tokens), Token(END, "", len(self.text.rstrip()))]

    def _balanced(self, tokens: list[Token]) -> None:
        closes, opened = dict(zip("([{⟨⟪⟦⌊", ")]}⟩⟫⟧⌋", strict=True)), list[Token]()
        for token in tokens:
            if token.kind != SIGN:
                continue
            if token.text in closes:
                opened.append(token)
                if len(opened) > DEEPEST:
                    self.fail(f"brackets may be nested {DEEPEST} deep", token.at)
            elif token.text in closes.values():
                if not opened:
                    self.fail(f"{token.text!r} closes no bracket", token.at)
                expected = closes[opened[-1].text]
                if expected != token.text:
                    self.fail(f"{expected!r} expected, to close {opened[-1].text!r}, got {token.text!r}", token.at)
                opened.pop()
        if opened:
            self.fail(f"{opened[-1].text!r} is not closed", opened[-1].at)

    def _braced(self, tokens: list[Token]) -> list[Token]:
        """Put every script in braces, and take a script that is a prime for a prime."""
        out: list[Token] = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            out.append(token)
            at += 1
            if token.kind != SIGN or token.text not in "^_" or at == len(tokens):
                continue
            if tokens[at].text == "{":
                if [t.text for t in tokens[at : at + 3]] == ["{", "'", "}"]:
                    out[-1] = tokens[at + 1]
                    at += 3
                continue
            if tokens[at].text == "'":
                out.pop()
                continue
            end = _script_end(tokens, at)
            if end is None:
                self.fail(f"a script expected after {token.text!r}, got {tokens[at]}", tokens[at].at)
            out += [replace(tokens[at], kind=SIGN, text="{", gap=False), *self._of_script(tokens, at, end)]
            out.append(Token(SIGN, "}", tokens[end - 1].at))
            at = end
        return out

    def _of_script(self, tokens: list[Token], at: int, end: int) -> list[Token]:
        inside = tokens[at:end]
        if inside[0].text == "(":
            inside = inside[1:-1]
        return self._braced(inside)


def _script_end(tokens: list[Token], at: int) -> int | None:
    """Return where a script without braces ends: a name with its primes, a number, a sign and one, or a bracket."""
    if tokens[at].text == "-":
        at += 1
    if at == len(tokens):
        return None
    if tokens[at].text == "(":
        depth = 0
        for place in range(at, len(tokens)):
            depth += (tokens[place].text == "(") - (tokens[place].text == ")")
            if depth == 0:
                return place + 1
    if tokens[at].kind not in (NAME, NUMBER):
        return None
    at += 1
    while at < len(tokens) and tokens[at].text == "'":
        at += 1
    return at
