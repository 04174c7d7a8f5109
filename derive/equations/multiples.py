"""Products, with what is summed over where indices are left out; sums, products and integrals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Expr, Integer, Integral, Mul, Sum, Symbol, oo
from sympy import Product as SympyProduct

from derive.averages import SharedVariance, Variance
from derive.equations import tree
from derive.equations.left_out import IN, OUT, ROW, extent
from derive.equations.part_reader import PartReader, bounded
from derive.randomness import Entry


class Multiples(PartReader):
    """Reads products, and what runs over an index."""

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
        here = extent(vector, OUT)
        along = next((axis for axis in (IN, OUT) if extent(matrix, axis) == here), IN)
        return self._summed(matrix, vector, along)

    def _summed(self, matrix: Expr, vector: Expr, along: Symbol) -> Expr:
        """Return the sum over one index of a matrix and that of a vector."""
        letter = Symbol(self._fresh("ljmpq"), integer=True)
        term = matrix.xreplace({along: letter})
        if along == OUT:
            term = term.xreplace({IN: OUT})
        return Sum(term * vector.xreplace({OUT: letter}), (letter, 1, extent(matrix, along)))

    def _big(self, node: tree.Big) -> Expr:
        index = self._index_symbol(node.index)
        lower, upper = self._indexed(node.lower), self._indexed(node.upper)
        self._bound.append({(node.index.word, node.index.primes): index})
        try:
            if node.sign == "Σ":
                return Sum(self._value(node.body), (index, lower, upper))
            inside, outside = self._of_layers(node.body, index)
        finally:
            self._bound.pop()
        return SympyProduct(inside, (index, lower, upper)) * outside

    def _integral(self, node: tree.Integral) -> Expr:
        if node.density:
            return self._value(tree.Mean(node.at, "E", (node.body,), laws=(self._law_of(node),)))
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

    def _law_of(self, node: tree.Integral) -> tree.Law:
        """Return the law of the variable of an integral over a density, as a --let gives it."""
        word = node.variable.word if isinstance(node.variable, tree.Name) else ""
        if word not in self.laws:
            self.fail(f"nothing says what the density P({word}) is: --let '{word} ~ N(0, v^2)' was expected", node)
        self.note(f"the integral over P({word}) is the mean over {word}")
        return self.laws[word]

    def _infinity(self, node: tree.Infinity) -> Expr:
        return oo

    def _of_layers(self, body: tree.Node, index: Symbol) -> tuple[Expr, Expr]:
        """Return what a product over layers takes in, and the variances at its end that belong to none of them."""
        if not isinstance(body, tree.Product):
            return self._value(body), Integer(1)
        factors, outside = list(body.factors), Integer(1)
        while len(factors) > 1:
            last = self._factor(factors[-1])
            fixed = isinstance(last, Variance) and not last.has(index)
            if not fixed and not (isinstance(last, SharedVariance) and not last.layer):
                break
            why = "it is not one of each layer" if fixed else "it belongs to no layer"
            self.note(f"{last} stands outside the product: {why}")
            outside *= last
            factors.pop()
        return self._product(tree.Product(body.at, tuple(factors))), outside

    def _index_symbol(self, name: tree.Name) -> Symbol:
        known = [s for s in self.names.symbols.get((name.word, name.primes), ()) if s.is_integer]
        return known[0] if len(known) == 1 else Symbol(name.word + "'" * name.primes, integer=True)


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
