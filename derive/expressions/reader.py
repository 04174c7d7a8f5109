"""A user's expression, read against an allow-list of names and operators; nothing of it is ever executed.

::

    sum        = product { ("+" | "-") product }
    product    = signed { ("*" | "/") signed }
    signed     = ("+" | "-") signed | power
    power      = atom [ "**" signed ]
    atom       = number | name | function "(" arguments ")" | "(" sum ")"
    where      = "where" "(" sum ("<" | "<=" | ">" | ">=") sum "," sum "," sum ")"

Numbers are exact: 0.1 is one tenth. Names are the declared variables, ``pi`` and ``e``. Functions are the elementary
ones, ``Phi`` and ``phi`` (the standard normal distribution function and density), ``max``, ``min``, and the catalogue
of activations, as it or PyTorch calls them, with their parameters after the argument and ``_`` for ``-``:
``leaky_relu(x, 0.2)``. What other languages write is pointed to what is written here: `derive.expressions.pointers`.

Limits: 1000 characters, 200 tokens, brackets 30 deep, numbers of 40 digits, exponents that are rational with size at
most 40 and denominator at most 12 (any exponent over a positive number), constants between 1e-100 and 1e100 in size,
12 functions inside one another (3 exponentials), 5000 numbers, names and operations once its functions are written out.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from sympy import (
    Abs,
    E,
    Expr,
    Max,
    Min,
    Piecewise,
    Rational,
    S,
    Symbol,
    acos,
    asin,
    asinh,
    atan,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    log,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)
from sympy.core.relational import Relational

from derive.activations.catalogue import CATALOGUE
from derive.activations.entry import DEGREE, Entry
from derive.activations.spellings import entry_of
from derive.errors import InputError, unknown_name
from derive.expressions.pointers import instead_of
from derive.expressions.safety import Unsafe, raised, safely
from derive.gaussian.functions import NormalDensity, Phi

LONGEST = 1000
MOST_TOKENS = 200
DEEPEST = 30

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<name>[^\W\d]\w*)
  | (?P<sign>\*\*|//|<=|>=|==|!=|[-+*/()<>,])
    )""",
    re.VERBOSE | re.ASCII,
)
ELEMENTARY: dict[str, Callable[[Expr], Expr]] = {
    "exp": exp,
    "log": log,
    "sqrt": sqrt,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "asin": asin,
    "acos": acos,
    "atan": atan,
    "asinh": asinh,
    "erf": erf,
    "erfc": erfc,
    "Phi": Phi,
    "phi": NormalDensity,
    "abs": Abs,
    "sign": sign,
}
_SEVERAL: dict[str, Callable[..., Expr]] = {"max": Max, "min": Min}
_CONSTANTS: dict[str, Expr] = {"pi": pi, "e": E}
_COMPARISONS = ("<", "<=", ">", ">=")


FUNCTIONS = tuple(sorted({*ELEMENTARY, *_SEVERAL, *(name.replace("-", "_") for name in CATALOGUE), "where"}))
"""Every function that an expression may use; of the catalogue's also what `derive.activations.spellings` reads."""


class UnknownName(InputError):
    """A name that is neither declared nor a constant: ``name``; ``known`` are those that are."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


def parse_expression(text: str, variables: Mapping[str, Symbol], *, what: str = "expression") -> Expr:
    """Return the SymPy expression that a text describes.

    Args:
        text: the expression, in the language of this module.
        variables: the names it may use, and the symbols they stand for.
        what: what the text is called in an error.

    Raises:
        InputError: with the rule, the column and a line that points at it.

    >>> x = Symbol("x", real=True)
    >>> parse_expression("where(x > 0, x, 0.2*x)", {"x": x})
    Piecewise((x, x > 0), (x/5, True))
    >>> parse_expression("2*x + y", {"x": x})
    Traceback (most recent call last):
        ...
    derive.expressions.reader.UnknownName: expression: unknown name 'y'; known: x, pi, e, at column 7
      2*x + y
            ^

    """
    for name in variables:
        if name in _CONSTANTS or name in FUNCTIONS or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise InputError(f"variable {name!r} must be a name that is not taken by a function or constant")
    shown = " ".join(text.split("\n")) if isinstance(text, str) else ""
    if not shown.strip():
        raise InputError(f"{what} must not be empty")
    if len(shown) > LONGEST:
        raise InputError(f"{what} must have at most {LONGEST} characters, got {len(shown)}")
    reader = _Reader(shown, dict(variables), what)
    try:
        return reader.read()
    except RecursionError:
        raise InputError(f"{what} is nested too deeply") from None


def _hint(text: str) -> str:
    found = instead_of(text)
    return f"; {found}" if found else ""


class _Reader:
    def __init__(self, text: str, variables: dict[str, Symbol], what: str) -> None:
        self.text, self.variables, self.what = text, variables, what
        self.depth, self.place = 0, 0
        self.tokens = list(self._tokens())

    def read(self) -> Expr:
        result = self._sum()
        if self._now.kind != "end":
            self._reject_rest()
        return result

    def _reject_rest(self) -> NoReturn:
        text = self._now.text
        if text in _COMPARISONS:
            self._fail("a comparison may only stand in the first argument of where")
        if text in ("==", "!="):
            self._fail("comparisons are <, <=, > and >=")
        if self._now.kind in ("number", "name") or text == "(":
            self._fail(f"an operator must stand before {text!r}{_hint(text)}")
        self._fail(f"unexpected {text!r}{_hint(text)}")

    def _fail(self, rule: str, column: int | None = None) -> NoReturn:
        raise InputError(self._located(rule, self._now.column if column is None else column))

    def _located(self, rule: str, at: int) -> str:
        return f"{self.what}: {rule}, at column {at + 1}\n  {self.text}\n  {' ' * at}^"

    # ---- tokens

    def _tokens(self) -> list[_Token]:
        found: list[_Token] = []
        column = 0
        end = len(self.text.rstrip())
        while column < end:
            match = _TOKEN.match(self.text, column)
            if match is None or match.lastgroup is None:
                column += len(self.text[column:]) - len(self.text[column:].lstrip())
                self._fail(f"unexpected character {self.text[column]!r}{_hint(self.text[column])}", column)
            start = match.start(match.lastgroup)
            found.append(_Token(match.lastgroup, match[match.lastgroup], start))
            column = match.end()
            if len(found) > MOST_TOKENS:
                self._fail(f"at most {MOST_TOKENS} numbers, names and signs", start)
        return [*found, _Token("end", "the end", end)]

    @property
    def _now(self) -> _Token:
        return self.tokens[self.place]

    def _take(self, *texts: str) -> _Token | None:
        token = self._now
        if token.kind != "sign" or token.text not in texts:
            return None
        self.place += 1
        return token

    def _expect(self, text: str, why: str) -> None:
        if not self._take(text):
            got = self._now.text if self._now.kind == "end" else repr(self._now.text)
            self._fail(f"{text!r} expected {why}, got {got}{_hint(self._now.text)}")

    # ---- grammar

    def _sum(self) -> Expr:
        result = self._product()
        while token := self._take("+", "-"):
            combine = operator.add if token.text == "+" else operator.sub
            result = self._made(partial(combine, result, self._product()), token)
        return result

    def _product(self) -> Expr:
        result = self._signed()
        while token := self._take("*", "/"):
            right = self._signed()
            if token.text == "/" and right.is_zero:
                self._fail("division by zero", token.column)
            combine = operator.mul if token.text == "*" else operator.truediv
            result = self._made(partial(combine, result, right), token)
        return result

    def _signed(self) -> Expr:
        negative, first = False, self._now
        while token := self._take("+", "-"):
            negative ^= token.text == "-"
        value = self._power()
        return self._made(lambda: -value, first) if negative else value

    def _power(self) -> Expr:
        base = self._atom()
        token = self._take("**")
        if token is None:
            return base
        with _Nesting(self):
            exponent = self._signed()
        return self._made(lambda: raised(base, exponent), token)

    def _atom(self) -> Expr:
        token = self._now
        self.place += token.kind != "end"
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name":
            if self._now.text == "(" and self._now.kind == "sign" and token.text not in self.variables:
                return self._call(token)
            return self._name(token)
        if token.text == "(" and token.kind == "sign":
            with _Nesting(self):
                inside = self._sum()
            self._expect(")", "to close the bracket")
            return inside
        got = token.text if token.kind == "end" else repr(token.text)
        return self._fail(f"a number, a name or a bracket expected, got {got}", token.column)

    def _number(self, token: _Token) -> Expr:
        digits, _, power = token.text.lower().partition("e")
        if len(digits) > 40 or len(power.lstrip("+-")) > 3:
            self._fail("numbers have at most 40 digits and 3 digits of exponent", token.column)
        return self._made(lambda: Rational(token.text), token)

    def _name(self, token: _Token) -> Expr:
        if token.text in self.variables:
            return self.variables[token.text]
        if token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        if token.text in FUNCTIONS:
            self._fail(f"{token.text} is a function: write {token.text}(...)", token.column)
        self._point(token)
        known = [*self.variables, *_CONSTANTS]
        message = str(unknown_name("name", token.text, known))
        raise UnknownName(self._located(message, token.column), token.text)

    def _point(self, token: _Token) -> None:
        """Fail with what to write where the language has another word for a name."""
        hint = instead_of(token.text)
        if hint is not None:
            self._fail(hint, token.column)

    # ---- functions

    def _call(self, token: _Token) -> Expr:
        name = token.text
        known = None if name in (*ELEMENTARY, *_SEVERAL, "where") else entry_of(name)
        if known is None and name not in FUNCTIONS:
            self._point(token)
            self._fail(str(unknown_name("function", name, FUNCTIONS)), token.column)
        self._expect("(", "after a function")
        with _Nesting(self):
            condition = self._condition() if name == "where" else None
            arguments = [] if condition is not None else [self._sum()]
            columns = []
            while self._take(","):
                columns.append(self._now.column)
                arguments.append(self._sum())
        if name != "where" and self._now.kind == "sign" and self._now.text in (*_COMPARISONS, "==", "!="):
            self._reject_rest()
        self._expect(")", f"to close {name}")
        if condition is not None:
            if len(arguments) != 2:
                self._fail("where takes a comparison and two values: where(x > 0, a, b)", token.column)
            return self._where(condition, arguments[0], arguments[1], token)
        if name in _SEVERAL:
            return self._made(lambda: _SEVERAL[name](*arguments), token)
        if name in ELEMENTARY:
            if len(arguments) != 1:
                self._fail(f"{name} takes 1 argument, got {len(arguments)}", token.column)
            return self._made(lambda: ELEMENTARY[name](arguments[0]), token)
        assert known is not None
        return self._activation(*known, arguments, columns, token)

    def _condition(self) -> tuple[Expr, str, Expr]:
        left = self._sum()
        token = self._take(*_COMPARISONS)
        if token is None:
            if self._now.text in ("==", "!="):
                self._reject_rest()
            self._fail("the first argument of where must be a comparison, such as x > 0")
        right = self._sum()
        if self._now.text in _COMPARISONS:
            self._fail("comparisons cannot be chained; nest one where in another")
        return left, token.text, right

    def _where(self, condition: tuple[Expr, str, Expr], yes: Expr, no: Expr, token: _Token) -> Expr:
        left, relation, right = condition
        difference = self._made(lambda: left - right, token)
        if difference.is_number:
            number = difference.evalf(20)
            if difference != 0 and abs(number) < 1e-15:
                self._fail("this comparison of constants cannot be decided", token.column)
            return yes if bool(Relational(number, 0, relation)) else no
        # SymPy decides what it can, x**2 >= 0; the rest stays a branch, with the branches of `no` beside it.
        others = no.args if isinstance(no, Piecewise) else ((no, True),)
        return self._made(lambda: Piecewise((yes, Relational(left, right, relation)), *others), token)

    def _activation(
        self, entry: Entry, defaults: tuple[Expr, ...], arguments: list[Expr], columns: list[int], token: _Token
    ) -> Expr:
        argument, *given = arguments
        if len(given) > len(entry.parameters):
            names = ", ".join(p.name for p in entry.parameters)
            takes = f"its argument and at most {len(entry.parameters)} parameters ({names})" if names else "1 argument"
            self._fail(f"{token.text} takes {takes}, got {len(arguments)}", token.column)
        for parameter, value, column in zip(entry.parameters, given, columns, strict=False):
            if parameter.rule == DEGREE and not (value.is_Integer and parameter.allows(value)):
                self._fail(f"parameter {parameter.name} of {token.text} must be {parameter.rule}", column)
            if value.is_number and not parameter.allows(value):
                self._fail(f"parameter {parameter.name} of {token.text} must be {parameter.rule}", column)
        usual = [*defaults, *(p.default for p in entry.parameters[len(defaults) :])]
        values = [*given, *usual[len(given) :]]
        stand_in = Symbol("argument", real=True)
        # The formula is made for a real variable and only then given its argument, so that 0**0 and the like
        # mean what they mean in the catalogue.
        return self._made(lambda: S(entry.make(stand_in, *values)).subs(stand_in, argument), token)

    # ---- making expressions

    def _made(self, make: Callable[[], Expr], token: _Token) -> Expr:
        try:
            return safely(make)
        except Unsafe as why:
            self._fail(str(why), token.column)


@dataclass
class _Nesting:
    reader: _Reader

    def __enter__(self) -> None:
        self.reader.depth += 1
        if self.reader.depth > DEEPEST:
            self.reader._fail(f"brackets, calls and powers may be nested {DEEPEST} deep")

    def __exit__(self, *_: object) -> None:
        self.reader.depth -= 1
