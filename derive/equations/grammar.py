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

from dataclasses import replace
from typing import NoReturn, Protocol

from derive.equations.scanner import END, NAME, NUMBER, Token, located, scan
from derive.equations.tree import (
    Bars,
    Big,
    Call,
    Derivative,
    Factor,
    Infinity,
    Integral,
    Law,
    Logic,
    Mean,
    Name,
    Node,
    Number,
    Phrase,
    Power,
    Product,
    Relation,
    Root,
    Table,
    Total,
    Whole,
)
from derive.errors import InputError

RELATIONS = ("=", "≈", "~", "->", "<=", ">=", "<", ">", "!=")
JOINS = (("<=>", "=>"), ("and", "or"))
_CLOSING = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "⟪": "⟫", "⟦": "⟧", "⌊": "⌋"}
_BRACKETS = ("E", "Var", "Cov")
_PLAIN_ENDS = {"+", "-", ",", ";", ")", "]", "}", "⟩", "⟫", "⟧", "⌋", "\\", "&", "mod", "bmod"}


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


class _Parser:
    def __init__(self, text: str, names: Names, what: str) -> None:
        self.text, self.names, self.what = text, names, what
        self.tokens, self.place = scan(text, what), 0
        self.bars = self.integrals = 0

    def fail(self, rule: str, at: int | None = None) -> NoReturn:
        raise located(self.text, rule, self.now.at if at is None else at, self.what)

    @property
    def now(self) -> Token:
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

    # ---- relations

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
            depth += (token.text in _CLOSING) - (token.text in _CLOSING.values())
            if depth == 0:
                return False
            if depth == 1 and token.text in ("=", "<=>", "=>"):
                return True
        return False

    # ---- arithmetic

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

    def _ends(self) -> bool:
        token = self.now
        joins = {*RELATIONS, *JOINS[0], *JOINS[1], *_PLAIN_ENDS}
        ends = token.kind == END or token.text in joins or (token.text == "|" and self.bars > 0)
        return ends or (self.integrals > 0 and self._differential())

    def _differential(self) -> bool:
        """Return whether the dx of an integral stands here."""
        if self.now.kind != NAME or not self.now.text.startswith("d"):
            return False
        after = self.tokens[self.place + 1]
        return len(self.now.text) == 2 or (self.now.text == "d" and after.kind == NAME)

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

    # ---- primaries

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
            "∂": self._derivative,
        }.get(token.text if token.kind != END else "")
        if reader is None:
            self.fail(f"a number, a name or a bracket expected, got {token}")
        return reader()

    def _word(self) -> Node:
        token = self.now
        if token.text in _BRACKETS and not self.names.names(token.text) and self._opens_mean():
            return self._mean()
        self._split()
        token = self.now
        if token.text == "lim":
            self.fail("a limit is read as → between two sides, not as lim")
        self.place += 1
        primes = 0
        while self._take("'"):
            primes += 1
        return self._named(Name(token.at, token.text, primes))

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
                if name.above is not None:
                    self.fail("a second superscript; use brackets for a power")
                name = replace(name, above=self._script())
        callable_ = self.names.calls(name.word, name.primes)
        also_plain = self.names.names(name.word)
        if callable_ and self._is("(", "[") and not (also_plain and self.now.gap):
            return Call(name.at, name, self._arguments())
        if callable_ and self._is("⟦"):
            return Call(name.at, name, (self._table(),))
        if callable_ and not also_plain and not self._ends() and self.now.text != "_" and name.word.isalpha():
            if self.now.text in ("\\frac", "√") or self.now.kind in (NAME, NUMBER):
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
        self._expect(_CLOSING[opened.text], "to close the arguments")
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
            depth += (self.tokens[end].text in _CLOSING) - (self.tokens[end].text in _CLOSING.values())
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

    # ---- brackets

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
        self._expect(_CLOSING[opened.text], "to close the bracket")
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

    # ---- sums, means, derivatives

    def _big(self) -> Node:
        opened = self.now
        self.place += 1
        if not self._is("_"):
            self.fail(f"an index with its first value expected after {opened.text}, got {self.now}")
        self.place += 1
        self._expect("{", "to open a script")
        if self.now.kind != NAME:
            self.fail(f"the name of an index expected, got {self.now}")
        token = self.now
        self.place += 1
        primes = 0
        while self._take("'"):
            primes += 1
        index = Name(token.at, token.text, primes)
        self._expect("=", "after the index")
        lower = self._total()
        self._expect("}", "to close the script")
        if not self._is("^"):
            self.fail(f"the last value of the index expected after the first, got {self.now}")
        upper = self._script()
        self._take("·", "×")
        return Big(opened.at, opened.text, index, lower, upper, self._product(inside=opened.text == "∏"))

    def _infinite(self) -> Node:
        token = self.now
        self.place += 1
        return Infinity(token.at)

    def _integral(self) -> Node:
        opened = self.now
        self.place += 1
        ends: dict[str, Node] = {}
        while self._is("_", "^"):
            sign = self.now.text
            ends[sign] = self._script()
        self.integrals += 1
        body = self._product()
        self.integrals -= 1
        if self.now.kind != NAME or not self.now.text.startswith("d"):
            self.fail(f"the variable of the integral, as in dx, expected, got {self.now}")
        token = self.now
        if len(token.text) > 1:
            self.tokens[self.place] = replace(token, text=token.text[1:], at=token.at + 1)
        else:
            self.place += 1
        return Integral(opened.at, body, self._simple(), ends.get("_"), ends.get("^"))

    def _opens_mean(self) -> bool:
        after = self.tokens[self.place + 1].text
        if after in ("[", "(", "{"):
            return True
        return after in ("_", "^")

    def _mean(self) -> Node:
        token = self.now
        self.place += 1
        label, law, power = None, None, None
        while self._is("_", "^"):
            if self._is("^"):
                power = self._script()
                continue
            self.place += 1
            self._expect("{", "to open a script")
            label, law = self._label()
            self._expect("}", "to close the script")
        if not self._is("[", "(", "{"):
            self.fail(f"a bracket expected after {token.text}, got {self.now}")
        closing = _CLOSING[self.now.text]
        self.place += 1
        inside = [self._total()]
        while self._take(","):
            inside.append(self._total())
        if law is None and self._take(";"):
            law = self._law()
        self._expect(closing, f"to close {token.text}")
        found = Mean(token.at, token.text, tuple(inside), label, law)
        return found if power is None else Power(token.at, found, power)

    def _label(self) -> tuple[str | None, Law | None]:
        end, depth = self.place, 1
        while depth and self.tokens[end].kind != END:
            depth += (self.tokens[end].text == "{") - (self.tokens[end].text == "}")
            end += 1
        if any(t.text == "~" for t in self.tokens[self.place : end]):
            return None, self._law()
        words = []
        while self.now.kind == NAME:
            words.append(self.now.text)
            self.place += 1
        if not words:
            self.fail(f"what the average is over expected, got {self.now}")
        return " ".join(words), None

    def _law(self) -> Law:
        first, variables = self.now, [self._factor()]
        while self._take(","):
            variables.append(self._factor())
        self._expect("~", "before the law of the variable")
        if not (self.now.kind == NAME and self.now.text == "N"):
            self.fail(f"a Gaussian law N(mean, variance) expected, got {self.now}")
        self.place += 1
        self._expect("(", "after N")
        mean = self._total()
        self._expect(",", "between mean and variance")
        covariance = self._total()
        self._expect(")", "to close the law")
        return Law(first.at, tuple(variables), mean, covariance)

    def _angle(self) -> Node:
        opened = self.now
        self.place += 1
        inside = self._total()
        self._expect(_CLOSING[opened.text], "to close the average")
        label = None
        if self._is("_"):
            self.place += 1
            self._expect("{", "to open a script")
            label, _ = self._label()
            self._expect("}", "to close the script")
        return Mean(opened.at, opened.text, (inside,), label)

    def _derivative(self) -> Node:
        r"""Read ∂X/∂y, or ∂/∂y with what it acts on in brackets."""
        opened = self._expect("∂", "of a derivative")
        target = None if self._is("/") else self._simple()
        self._expect("/", "in a derivative")
        self._expect("∂", "under the line of a derivative")
        return self._derived(opened, target, self._simple())

    def _is_derivative(self) -> bool:
        """Return whether a fraction is one of ∂ by ∂, or d by d of one letter."""
        if self.tokens[self.place + 1].text == "∂":
            return True
        return self._ahead("{", "d", "}", "{", "d") and self.tokens[self.place + 5].kind == NAME

    def _derivative_fraction(self, opened: Token) -> Node:
        self._expect("{", "of a derivative")
        sign = self.now.text
        self.place += 1
        target = None if self._is("}") else self._simple()
        self._expect("}", "to close the derivative")
        self._expect("{", "under the line")
        self._expect(sign, "under the line of a derivative")
        variable = self._simple()
        self._expect("}", "to close the derivative")
        return self._derived(opened, target, variable)

    def _simple(self) -> Node:
        """Read what is differentiated, or by what: a name with its scripts."""
        if self._is("{"):
            self.place += 1
            inside = self._simple()
            self._expect("}", "to close the bracket")
            return inside
        length = self.names.phrase(self.tokens, self.place)
        if length:
            return self._primary()
        if self.now.kind != NAME:
            self.fail(f"a name expected in a derivative, got {self.now}")
        token = self.now
        self.place += 1
        primes = 0
        while self._take("'"):
            primes += 1
        name = Name(token.at, token.text, primes)
        while self._is("_", "^"):
            if self._is("_"):
                name = replace(name, below=self._below())
            else:
                name = replace(name, above=self._script())
        return name

    def _derived(self, opened: Token, target: Node | None, variable: Node) -> Node:
        if target is not None:
            return Derivative(opened.at, target, variable)
        if self._ends():
            self.fail(f"what the derivative acts on expected, got {self.now}")
        return Derivative(opened.at, self._primary(), variable, operator=True)
