"""What all readers of parts share: names, errors, notes, numbers and powers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NoReturn, Protocol

from sympy import Abs, Add, Basic, Expr, I, Integer, Pow, Rational, Symbol, floor, nan, zoo

from derive.equations import tree
from derive.equations.left_out import IN, OUT, left_out
from derive.equations.lexer import located
from derive.equations.vocabulary import Vocabulary
from derive.expressions.safety import Unsafe, raised, safely
from derive.limits import check
from derive.randomness import Entry


class Alias(Protocol):
    """What a name of the text stands for; ``plain`` where it is another name for a name."""

    @property
    def plain(self) -> str | None:
        """The name that it is another name for, if it is."""

    def __call__(self, meaning: PartReader, node: tree.Name, arguments: tuple[tree.Node, ...] = ()) -> Expr:
        """Return what the name means with its indices and arguments."""


@dataclass
class PartReader:
    """Reads the parts of one equation; ``notes`` are what a reader should be told of how it was read.

    ``aliases`` are what names of the text stand for, ``laws`` those of the variables of densities.
    """

    text: str
    names: Vocabulary
    what: str = "equation"
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    laws: Mapping[str, tree.Law] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._bound: list[dict[tuple[str, int], Symbol]] = []
        self._index = 0
        self._letters: dict[frozenset[Entry], dict[Basic, Symbol]] = {}
        self._used: set[str] = set()
        self._counted: set[str] = set()

    def fail(self, rule: str, node: tree.Node) -> NoReturn:
        """Raise the error for a part that has no meaning."""
        raise located(self.text, rule, node.at, self.what)

    def note(self, words: str) -> None:
        """Tell the reader something, once."""
        if words not in self.notes:
            self.notes.append(words)

    def _closed_alone(self, e: Expr) -> Expr:
        """Give the indices left out of a quantity letters: those of other scalars have others."""
        scalars = frozenset(n for n in e.atoms(Entry) if left_out(n))
        letters = self._letters.setdefault(scalars, {})
        for axis, among in ((OUT, "kjmpqrtu"), (IN, "lmjpqrtu")):
            if e.has(axis) and axis not in letters:
                letters[axis] = Symbol(self._fresh(among), integer=True)
        return e.xreplace(letters)

    def _fresh(self, among: str) -> str:
        name = next(c + primes for primes in ("", "'", "''") for c in among if c + primes not in self._used)
        self._used.add(name)
        return name

    def _variable(self, node: tree.Node) -> Symbol:
        if isinstance(node, tree.Phrase):
            found = self.names.phrases[node.signs]
        elif isinstance(node, tree.Name) and node.below is None and node.above is None:
            known = self.names.symbols.get((node.word, node.primes), [])
            apart = [s for s in known if not s.is_integer]
            found = apart[0] if apart else Symbol(node.word + "'" * node.primes, real=True)
        else:
            self.fail("the variable of a Gaussian is a name", node)
        if not isinstance(found, Symbol):
            self.fail("the variable of a Gaussian is a name", node)
        return found

    def _value(self, node: tree.Node) -> Expr:
        check()
        reader: Callable[..., Expr] = getattr(self, f"_{type(node).__name__.lower()}")
        try:
            return reader(node)
        except Unsafe as reason:
            self.fail(str(reason), node)

    @contextmanager
    def without(self, word: str) -> Iterator[None]:
        """Read what a name stands for without reading that name in it again."""
        aliases, self.aliases = self.aliases, {k: v for k, v in self.aliases.items() if k != word}
        try:
            yield
        finally:
            self.aliases = aliases

    def value_at(self, node: tree.Node, at: int) -> Expr:
        """Return the value of a part that stands for what is at a place of the text."""
        return self._value(replace(node, at=at))

    def raised(self, base: Expr, exponent: tree.Node) -> Expr:
        """Return a power."""
        return self._raised(base, self._value(exponent))

    def _indexed(self, node: tree.Node) -> Expr:
        """Return the value of an index."""
        self._index += 1
        try:
            return self._value(node)
        finally:
            self._index -= 1

    def _number(self, node: tree.Number) -> Expr:
        if len(node.text) > 45 or abs(int((node.text.lower().partition("e")[2]) or 0)) > 99:
            self.fail("numbers have at most 40 digits and exponents of at most 99", node)
        return Rational(node.text)

    def _phrase(self, node: tree.Phrase) -> Expr:
        return self.names.phrases[node.signs]

    def _whole(self, node: tree.Whole) -> Expr:
        self.fail("a colon stands for an index only in the row of a matrix", node)

    def _total(self, node: tree.Total) -> Expr:
        return Add(*(-self._value(term) if negative else self._value(term) for negative, term in node.terms))

    def _power(self, node: tree.Power) -> Expr:
        if isinstance(node.exponent, tree.Name) and node.exponent.word == "T" and ("T", 0) not in self.names.symbols:
            # A transposed vector is the same scalars, along the other side of a matrix.
            return self._value(node.base).xreplace({OUT: IN, IN: OUT})
        return self._raised(self._value(node.base), self._value(node.exponent))

    def _raised(self, base: Expr, exponent: Expr) -> Expr:
        if exponent.is_Rational:
            return bounded(lambda: raised(base, exponent))
        return bounded(lambda: Pow(base, exponent))

    def _root(self, node: tree.Root) -> Expr:
        degree = Integer(2) if node.degree is None else self._value(node.degree)
        if not (degree.is_Integer and 2 <= degree <= 12):
            self.fail("the degree of a root is a whole number from 2 to 12", node)
        return self._raised(self._value(node.inside), 1 / degree)

    def _bars(self, node: tree.Bars) -> Expr:
        return (floor if node.down else Abs)(self._value(node.inside))

    def _table(self, node: tree.Table) -> Expr:
        self.fail("a list or matrix is read only as the law of a Gaussian", node)


def bounded(make: Callable[[], Expr]) -> Expr:
    """Build a node; a number must be real and of reasonable size. Raises `Unsafe` with the rule."""
    made = make()
    if made.is_number:
        value = made.evalf(15)
        if value.is_Number or value.has(I):
            return safely(lambda: made)
    if made.has(nan, zoo):
        raise Unsafe("this has no real value")
    return made
