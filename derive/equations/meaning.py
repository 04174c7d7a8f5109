"""From the parts of an equation to the objects of the derivation language.

An index that is left out stands for any unit: Var[z^i] is the variance of any activation of layer i, and of what is
drawn the one that all its scalars share. Beside a matrix, what is left out is summed over: z^i W^i.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NoReturn, Protocol

from sympy import (
    Abs,
    Add,
    And,
    Basic,
    Dummy,
    E,
    Eq,
    Equivalent,
    Expr,
    I,
    Implies,
    Integer,
    Integral,
    KroneckerDelta,
    Mul,
    Or,
    Pow,
    Rational,
    Sum,
    Symbol,
    expand,
    floor,
    nan,
    oo,
    pi,
    zoo,
)
from sympy import Derivative as SympyDerivative
from sympy import Product as SympyProduct
from sympy.core.relational import Relational

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.cost import CostFunction, Partial
from derive.equations import tree
from derive.equations.scanner import located
from derive.equations.vocabulary import Vocabulary
from derive.errors import InputError, unknown_name
from derive.expressions.safety import Unsafe, raised, safely
from derive.gaussian.expectation import GaussianExpectation
from derive.limits import check
from derive.proof.derivation import Statement
from derive.randomness import Entry, Family, Over

OUT, IN, ROW, *_MORE = (Dummy(c, integer=True) for c in "klmjpq")
"""The index of a vector that is left out, that of the other side of a matrix, and that of a vector by a matrix."""
_LEFT_OUT = frozenset((OUT, IN, ROW, *_MORE))
_CONSTANTS = {"π": pi, "e": E}
_MEANS = {"E": Average, "⟪": Average, "⟨": Average, "Var": Variance, "Cov": Covariance}


class Alias(Protocol):
    """What a name of the text stands for; ``plain`` where it is another name for a name."""

    plain: str | None

    def __call__(self, meaning: Meaning, node: tree.Name) -> Expr:
        """Return what the name means with its indices."""


@dataclass
class Meaning:
    """Reads the parts of one equation; ``notes`` are what a reader should be told of how it was read."""

    text: str
    names: Vocabulary
    what: str = "equation"
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._bound: list[dict[tuple[str, int], Symbol]] = []
        self._index = 0
        self._letters: dict[frozenset[Entry], dict[Basic, Symbol]] = {}
        self._used: set[str] = set()

    def fail(self, rule: str, node: tree.Node) -> NoReturn:
        """Raise the error for a part that has no meaning."""
        raise located(self.text, rule, node.at, self.what)

    def note(self, words: str) -> None:
        """Tell the reader something, once."""
        if words not in self.notes:
            self.notes.append(words)

    # ---- statements

    def statements(self, node: tree.Node) -> tuple[Statement, ...]:
        """Return the statements of an equation: more than one for a chain a = b = c."""
        self._used = set(_letters_of(node))
        if isinstance(node, tree.Logic):
            left, right = (self._condition(part) for part in self._two(node))
            return (Statement(left, node.sign, right),)
        assert isinstance(node, tree.Relation)
        sides = self._sides(node)
        out = []
        for left, sign, right in zip(sides, node.signs, sides[1:], strict=False):
            relation = sign
            if sign in (">", ">=", "<"):
                left, right = (right, left) if sign != "<" else (left, right)
                relation = "<=" if sign == ">=" else "<"
            out.append(Statement(left, relation, right))
        return tuple(out)

    def _two(self, node: tree.Logic) -> tuple[tree.Node, tree.Node]:
        if node.sign in ("and", "or"):
            self.fail("relations joined by a word say nothing alone; an arrow ⇒ or ⇔ was expected", node)
        if len(node.parts) != 2:
            self.fail(f"one {node.sign} expected between two sides, got {len(node.parts) - 1}", node)
        return node.parts[0], node.parts[1]

    def _condition(self, node: tree.Node) -> Basic:
        if isinstance(node, tree.Logic):
            parts = [self._condition(part) for part in node.parts]
            joined = {"and": And, "or": Or, "=>": Implies, "<=>": Equivalent}[node.sign]
            return joined(*parts)
        assert isinstance(node, tree.Relation)
        sides = self._sides(node)
        found = []
        for left, sign, right in zip(sides, node.signs, sides[1:], strict=False):
            if sign in ("~", "->"):
                self.fail(f"{sign!r} cannot stand in a condition", node)
            found.append(Eq(left, right) if sign in ("=", "≈") else Relational(left, right, sign))
        return And(*found)

    def _sides(self, node: tree.Relation) -> list[Expr]:
        sides = [self._value(side) for side in node.sides]
        # A relation between vectors or matrices holds unit by unit.
        for axis, among in ((OUT, "kjmp"), (IN, "ljmp")):
            if any(side.has(axis) for side in sides):
                letter = Symbol(self._fresh(among), integer=True)
                sides = [side.xreplace({axis: letter}) for side in sides]
        return sides

    # ---- indices that are left out

    def _closed_alone(self, e: Expr) -> Expr:
        """Give the indices left out of a quantity letters: those of other scalars have others."""
        scalars = frozenset(n for n in e.atoms(Entry) if _open(n))
        letters = self._letters.setdefault(scalars, {})
        for axis, among in ((OUT, "kjmpqrtu"), (IN, "lmjpqrtu")):
            if e.has(axis) and axis not in letters:
                letters[axis] = Symbol(self._fresh(among), integer=True)
        return e.xreplace(letters)

    # ---- expressions

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

    def _product(self, node: tree.Product) -> Expr:
        factors = list(_flat(node.factors))
        row = next((n for n, f in enumerate(factors) if _has_whole(f.node)), None)
        if row is not None:
            return Mul(*map(self._factor, factors[:row]), self._row(factors[row:]))
        made: list[Expr] = []
        for factor in factors:
            value = self._factor(factor)
            if made and (joined := self._contracted(made[-1], value)) is not None:
                made[-1] = joined
            else:
                made.append(value)
        return bounded(lambda: Mul(*made))

    def _factor(self, factor: tree.Factor) -> Expr:
        value = self._value(factor.node)
        if not factor.inverted:
            return value
        if value == 0:
            self.fail("division by zero", factor.node)
        return 1 / value

    def _row(self, factors: list[tree.Factor]) -> Expr:
        """Return the sum over the index that a colon stands for, of the row and what follows it."""
        first = factors[0].node
        assert isinstance(first, tree.Name)
        family = self.names.families.get((first.word, first.primes))
        if family is None or first.below is None:
            self.fail("a colon stands for an index only in the row of a matrix", first)
        letter = Symbol(self._fresh("jmpq"), integer=True)
        parts = tuple(tree.Name(p.at, letter.name) if isinstance(p, tree.Whole) else p for p in first.below)
        place = next(n for n, p in enumerate(first.below) if isinstance(p, tree.Whole))
        entry = self._value(tree.Name(first.at, first.word, first.primes, parts, first.above))
        assert isinstance(entry, Entry)
        size = family.extents(entry.layer or Integer(0))[place]
        rest = [self._factor(f).xreplace({OUT: letter}) for f in factors[1:]]
        self.note(f"the colon is summed over, from 1 to {size}")
        return Sum(Mul(entry, *rest), (letter, 1, size))

    def _contracted(self, left: Expr, right: Expr) -> Expr | None:
        """Return the product of a matrix and a vector whose indices are left out, None where they are not that."""
        if right.has(ROW) and left.has(OUT) and not left.has(IN, ROW):
            return self._summed(right, left, ROW)
        matrix, vector = (left, right) if left.has(IN) else (right, left)
        if not (matrix.has(IN) and matrix.has(OUT) and vector.has(OUT) and not vector.has(IN)):
            return None
        here = _extent(vector, OUT)
        along = next((axis for axis in (IN, OUT) if _extent(matrix, axis) == here), IN)
        return self._summed(matrix, vector, along)

    def _summed(self, matrix: Expr, vector: Expr, along: Symbol) -> Expr:
        """Return the sum over one index of a matrix and that of a vector."""
        letter = Symbol(self._fresh("ljmpq"), integer=True)
        term = matrix.xreplace({along: letter})
        if along == OUT:
            term = term.xreplace({IN: OUT})
        return Sum(term * vector.xreplace({OUT: letter}), (letter, 1, _extent(matrix, along)))

    def _fresh(self, among: str) -> str:
        name = next(c + primes for primes in ("", "'", "''") for c in among if c + primes not in self._used)
        self._used.add(name)
        return name

    def _big(self, node: tree.Big) -> Expr:
        index = self._index_symbol(node.index)
        lower, upper = self._indexed(node.lower), self._indexed(node.upper)
        self._bound.append({(node.index.word, node.index.primes): index})
        try:
            if node.sign == "Σ":
                return Sum(self._value(node.body), (index, lower, upper))
            inside, outside = self._of_layers(node.body)
        finally:
            self._bound.pop()
        return SympyProduct(inside, (index, lower, upper)) * outside

    def _integral(self, node: tree.Integral) -> Expr:
        variable = self._variable(node.variable)
        ends = [self._value(e) for e in (node.lower, node.upper) if e is not None]
        if len(ends) == 1:
            self.fail("an integral has two ends, or none", node)
        key = {(node.variable.word, node.variable.primes): variable} if isinstance(node.variable, tree.Name) else {}
        self._bound.append(key)
        try:
            return Integral(self._value(node.body), (variable, *ends))
        finally:
            self._bound.pop()

    def _infinity(self, node: tree.Infinity) -> Expr:
        return oo

    def _of_layers(self, body: tree.Node) -> tuple[Expr, Expr]:
        """Return what a product over layers takes in, and the variances of no layer at its end, which it does not."""
        if not isinstance(body, tree.Product):
            return self._value(body), Integer(1)
        factors, outside = list(body.factors), Integer(1)
        while len(factors) > 1:
            last = self._factor(factors[-1])
            if not (isinstance(last, SharedVariance) and not last.layer):
                break
            self.note(f"{last} stands outside the product: it belongs to no layer")
            outside *= last
            factors.pop()
        return self._product(tree.Product(body.at, tuple(factors))), outside

    def _index_symbol(self, name: tree.Name) -> Symbol:
        known = [s for s in self.names.symbols.get((name.word, name.primes), ()) if s.is_integer]
        return known[0] if len(known) == 1 else Symbol(name.word + "'" * name.primes, integer=True)

    # ---- names

    def _name(self, node: tree.Name) -> Expr:
        word = (node.word, node.primes)
        bound = next((names[word] for names in reversed(self._bound) if word in names), None)
        if bound is not None:
            return self._scripted(bound, node)
        alias = self.aliases.get(node.word)
        if alias is not None and alias.plain is None and not self._index and not node.primes:
            return alias(self, node)
        if word in self.names.families and not self._index:
            return self._entry(self.names.families[word], node)
        if node.word in self.names.indexed and node.below is not None and not node.primes:
            (index,) = (self._indexed(part) for part in self._parts(node, 1))
            found = self.names.indexed[node.word](index)
            return found if node.above is None else self._raised(found, self._value(node.above))
        if node.word == "δ" and node.below is not None:
            ranges = self.names.ranges if len(self.names.ranges) == 1 else ()
            return KroneckerDelta(*(self._indexed(part) for part in self._parts(node, 2)), *ranges)
        return self._symbol(node)

    def _symbol(self, node: tree.Name) -> Expr:
        word = (node.word, node.primes)
        known = self.names.symbols.get(word, [])
        if known:
            wanted = [s for s in known if bool(s.is_integer) == bool(self._index)] or known
            return self._scripted(wanted[0], node)
        if node.word in _CONSTANTS and not node.primes:
            return self._scripted(_CONSTANTS[node.word], node)
        if self._index and len(node.word) == 1:
            return self._scripted(Symbol(node.word + "'" * node.primes, integer=True), node)
        if self.names.calls(*word):
            self.fail(f"{node.word}{chr(39) * node.primes} is a function: its argument was expected in brackets", node)
        if node.word == "n" and "n" in self.names.indexed:
            self.fail("n is the size of a layer: n_i with its layer was expected", node)
        shown = node.word + "'" * node.primes
        raise self._unknown(shown, node)

    def _unknown(self, shown: str, node: tree.Node) -> InputError:
        message = str(unknown_name("name", shown, self.names.listed()))
        return located(self.text, message, node.at, self.what)

    def _scripted(self, symbol: Expr, node: tree.Name) -> Expr:
        if node.below is not None:
            self.fail(f"{node.word} has no index", node)
        return symbol if node.above is None else self._raised(symbol, self._value(node.above))

    def _parts(self, node: tree.Name, expected: int) -> tuple[tree.Node, ...]:
        """Return the parts of a subscript, digits that stand together taken apart where that makes the number."""
        parts = node.below or ()
        if len(parts) < expected and all(isinstance(p, tree.Number) for p in parts):
            parts = tuple(tree.Number(p.at + n, digit) for p in parts for n, digit in enumerate(_digits(p)))
        if len(parts) != expected:
            self.fail(f"{node.word} takes {expected} indices below, got {len(parts)}", node)
        return parts

    def _entry(self, family: Family, node: tree.Name) -> Expr:
        units = len(family.extents(Integer(0)))
        below, above = node.below, node.above
        layer: list[Expr] = []
        if family.layered:
            if above is None:
                below, above = self._layer_below(family, node, units)
            layer, above = [self._indexed(above)], None
        found = family(*layer, *self._units(family, node, below, units))
        return found if above is None else self._raised(found, self._value(above))

    def _layer_below(
        self, family: Family, node: tree.Name, units: int
    ) -> tuple[tuple[tree.Node, ...] | None, tree.Node]:
        """Return subscript and layer of a name that carries its layer below: s_i, or s_{i,k}."""
        if not node.below or len(node.below) not in (1, units + 1):
            self.fail(f"the layer of {family.name} is missing: {family.name}^i was expected", node)
        self.note(f"{family.name} with its layer below is read as {family.name}^{{layer}}")
        return (node.below[1:] or None), node.below[0]

    def _units(
        self, family: Family, node: tree.Name, below: tuple[tree.Node, ...] | None, units: int
    ) -> tuple[Expr, ...]:
        if below is None:
            return () if not units else (OUT,) if units == 1 else (IN, OUT, ROW, *_MORE)[:units]
        parts = self._parts(tree.Name(node.at, node.word, node.primes, below), units)
        return tuple(self._indexed(part) for part in parts)

    def _call(self, node: tree.Call) -> Expr:
        name = node.name
        made = self.names.functions[name.word, name.primes]
        if name.below is not None:
            self.fail(f"{name.word} has no index", name)
        (first, *_) = node.arguments
        if isinstance(first, tree.Table):
            return made([[self._value(e) for e in row] for row in first.rows])
        arguments = [self._value(a) for a in node.arguments]
        try:
            value = bounded(lambda: made(*arguments))
        except Unsafe as reason:
            # A power of an unknown exponent is allowed here, and what has no size is for its reader.
            self.fail(str(reason), node)
        except (TypeError, ValueError):
            self.fail(f"{name.word} takes another number of arguments than {len(arguments)}", node)
        return value if name.above is None else self._raised(value, self._value(name.above))

    # ---- averages and derivatives

    def _mean(self, node: tree.Mean) -> Expr:
        if node.law is not None:
            return self._gaussian(node, node.law)
        kind = _MEANS[node.sign]
        wanted = 2 if node.sign == "Cov" else 1
        if len(node.inside) != wanted:
            self.fail(f"{node.sign} takes {wanted} argument{'s' * (wanted > 1)}, got {len(node.inside)}", node)
        inside = [self._value(e) for e in node.inside]
        if node.sign == "Var" and node.label is None and (shared := _shared(inside[0])) is not None:
            return shared
        return kind(*map(self._closed_alone, inside), self._over(node))

    def _over(self, node: tree.Mean) -> Over:
        if node.label is not None:
            if node.label not in self.names.overs:
                known = sorted(self.names.overs)
                raise located(self.text, str(unknown_name("average", node.label, known)), node.at, self.what)
            return self.names.overs[node.label]
        if node.sign not in self.names.defaults:
            self.fail(f"nothing says what {node.sign} is over", node)
        return self.names.defaults[node.sign]

    def _gaussian(self, node: tree.Mean, law: tree.Law) -> Expr:
        if node.sign != "E" or len(node.inside) != 1:
            self.fail("E of one quantity expected before the law of a Gaussian", node)
        variables: dict[tuple[str, int], Symbol] = {}
        symbols = []
        for variable in law.variables:
            symbols.append(self._variable(variable))
            if isinstance(variable, tree.Name):
                variables[variable.word, variable.primes] = symbols[-1]
        size = len(symbols)
        mean = [e for row in self._rows(law.mean, size, column=True) for e in row]
        covariance = self._rows(law.covariance, size)
        self._bound.append(variables)
        try:
            inside = self._value(node.inside[0])
        finally:
            self._bound.pop()
        return GaussianExpectation.of(inside, symbols, mean, covariance)

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

    def _rows(self, node: tree.Node, size: int, *, column: bool = False) -> list[list[Expr]]:
        if isinstance(node, tree.Product) and len(node.factors) == 1 and not node.factors[0].inverted:
            node = node.factors[0].node
        if not isinstance(node, tree.Table):
            value = self._value(node)
            if size > 1 and not (column and value == 0):
                self.fail(f"a matrix for {size} variables expected", node)
            return [[value] for _ in range(size)] if column else [[value]]
        rows = [[self._value(e) for e in row] for row in node.rows]
        wide = 1 if column else size
        if len(rows) != size or any(len(row) != wide for row in rows):
            self.fail(f"a law of {size} variables expected", node)
        return rows

    def _derivative(self, node: tree.Derivative) -> Expr:
        variable, target = self._value(node.variable), self._value(node.target)
        if isinstance(variable, Symbol) and variable not in (OUT, IN):
            if isinstance(target, CostFunction):
                self.fail("the cost is differentiated by scalars of the network", node)
            return SympyDerivative(target, variable)
        if not isinstance(variable, Entry):
            self.fail("what is differentiated by must be a scalar of the network", node)
        if isinstance(target, CostFunction) and target.is_output(variable) and self.names.gradient_drawn:
            return target.gradient(*variable.units)
        if isinstance(target, Entry):
            if len(_open(variable)) == 2:
                target = target.xreplace({OUT: ROW})
            elif _open(target):
                # The rows of such a matrix are what it is differentiated by.
                variable = variable.xreplace({OUT: IN})
        return Partial(target, variable)


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


def _shared(quantity: Expr) -> SharedVariance | None:
    """Return the one variance that all scalars of a drawn family have, where the quantity is any of them."""
    if isinstance(quantity, Partial) and isinstance(quantity.target, CostFunction):
        cost, by = quantity.target, quantity.variable
        quantity = cost.gradient(*by.units) if isinstance(by, Entry) and cost.is_output(by) else quantity
    if not isinstance(quantity, Entry) or quantity.family.source is None or not quantity.units:
        return None
    if any(u not in _LEFT_OUT for u in quantity.units):
        return None
    return SharedVariance(quantity.family, *((quantity.layer,) if quantity.layer is not None else ()))


def _open(e: Expr) -> set[Basic]:
    return e.free_symbols & {OUT, IN}


def _extent(e: Expr, axis: Symbol) -> Expr | None:
    """Return how many values an index that is left out has."""
    for entry in sorted(e.atoms(Entry), key=str):
        for unit, size in zip(entry.units, entry.family.extents(entry.layer or Integer(0)), strict=True):
            if unit == axis:
                return expand(size)
    return None


def _digits(node: tree.Node) -> str:
    return node.text if isinstance(node, tree.Number) else ""


def _flat(factors: tuple[tree.Factor, ...], *, inverted: bool = False) -> Iterator[tree.Factor]:
    """Yield the factors of a product with those of the products in brackets and fractions among them."""
    for factor in factors:
        under = factor.inverted != inverted
        if isinstance(factor.node, tree.Product):
            yield from _flat(factor.node.factors, inverted=under)
        else:
            yield replace(factor, inverted=under)


def _has_whole(node: tree.Node) -> bool:
    return isinstance(node, tree.Name) and any(isinstance(p, tree.Whole) for p in node.below or ())


def _letters_of(node: object) -> set[str]:
    """Return the names in a tree that stand for one letter."""
    if isinstance(node, tree.Name):
        here = {node.word + "'" * node.primes}
        return here.union(*(_letters_of(p) for p in (*(node.below or ()), node.above)))
    if isinstance(node, tuple):
        return set().union(*map(_letters_of, node))
    if isinstance(node, tree.Node):
        return set().union(*(_letters_of(v) for v in vars(node).values()))
    return set()
