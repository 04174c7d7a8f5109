"""Names: scalars of families, sizes, symbols and functions, with their indices."""

from __future__ import annotations

from dataclasses import replace

from sympy import E, Expr, Integer, KroneckerDelta, Symbol, pi

from derive.equations import tree
from derive.equations.left_out import IN, MORE, OUT, ROW
from derive.equations.lexer import located
from derive.equations.part_reader import PartReader, bounded
from derive.equations.vocabulary import numbered
from derive.errors import InputError, unknown_name
from derive.expressions.safety import Unsafe
from derive.randomness import Family

_CONSTANTS = {"π": pi, "e": E}


class Scalars(PartReader):
    """Reads names."""

    def _name(self, node: tree.Name) -> Expr:
        word = (node.word, node.primes)
        bound = next((names[word] for names in reversed(self._bound) if word in names), None)
        if bound is not None:
            return self._scripted(bound, node)
        alias = self.aliases.get(node.word)
        if alias is not None and alias.plain is None and not self._index and not node.primes:
            return alias(self, node)
        above = _bracketed_number(node.above)
        if above is not None and (numbered(node.word, above), 0) in self.names.families and not self._index:
            return self._entry(self.names.families[numbered(node.word, above), 0], replace(node, above=None))
        if word in self.names.families and not self._index:
            return self._entry(self.names.families[word], node)
        if node.word in self.names.indexed and node.below is not None and not node.primes:
            (index,) = (self._indexed(part) for part in self._parts(node, 1))
            found = self.names.indexed[node.word](index)
            return found if node.above is None else self._raised(found, self._value(node.above))
        if node.word == "δ" and node.below is not None:
            return self._delta(*(self._indexed(part) for part in self._parts(node, 2)))
        return self._symbol(node)

    def _delta(self, one: Expr, other: Expr) -> Expr:
        """Return a delta with the range that its indices have in what the names are from, or the only one there is."""
        known = self.names.ranges
        ranges = {known[index] for index in (one, other) if index in known} or set(known.values())
        return KroneckerDelta(one, other, *(ranges if len(ranges) == 1 else ()))

    def _symbol(self, node: tree.Name) -> Expr:
        word = (node.word, node.primes)
        known = self.names.symbols.get(word, [])
        if known:
            wanted = [s for s in known if bool(s.is_integer) == bool(self._index)] or known
            return self._scripted(wanted[0], node)
        if node.word in _CONSTANTS and not node.primes:
            return self._scripted(_CONSTANTS[node.word], node)
        if (self._index or self._counts(node)) and len(node.word) == 1:
            return self._scripted(Symbol(node.word + "'" * node.primes, integer=True), node)
        if self.names.calls(*word):
            self.fail(f"{node.word}{chr(39) * node.primes} is a function: its argument was expected in brackets", node)
        if node.word == "n" and "n" in self.names.indexed:
            self.fail("n is the size of a layer: n_i with its layer was expected", node)
        shown = node.word + "'" * node.primes
        raise self._unknown(shown, node)

    def _counts(self, node: tree.Name) -> bool:
        """Return whether a letter is an index elsewhere in the text: here, it is the number of that layer or unit."""
        return node.word + "'" * node.primes in self._counted

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
            return () if not units else (OUT,) if units == 1 else (IN, OUT, ROW, *MORE)[:units]
        parts = self._parts(tree.Name(node.at, node.word, node.primes, below), units)
        return tuple(self._indexed(part) for part in parts)

    def _call(self, node: tree.Call) -> Expr:
        name = node.name
        alias = self.aliases.get(name.word)
        if alias is not None and alias.plain is None and not name.primes:
            return alias(self, name, node.arguments)
        made = self.names.functions[name.word, name.primes]
        below: tuple[Expr, ...] = ()
        if name.word in self.names.subscripted:
            below = tuple(self._indexed(part) for part in self._parts(name, 1))
        elif name.below is not None:
            self.fail(f"{name.word} has no index", name)
        (first, *_) = node.arguments
        if isinstance(first, tree.Table):
            return made([[self._value(e) for e in row] for row in first.rows])
        arguments = [*below, *(self._value(a) for a in node.arguments)]
        try:
            value = bounded(lambda: made(*arguments))
        except Unsafe as reason:
            # A power of an unknown exponent is allowed here, and what has no size is for its reader.
            self.fail(str(reason), node)
        except (TypeError, ValueError):
            self.fail(f"{name.word} takes another number of arguments than {len(arguments)}", node)
        return value if name.above is None else self._raised(value, self._value(name.above))


def _bracketed_number(node: tree.Node | None) -> str | None:
    """Return the number of W^{(2)}, which is part of the name and no power."""
    if isinstance(node, tree.Product) and len(node.factors) == 1 and isinstance(node.factors[0].node, tree.Number):
        return node.factors[0].node.text
    return None


def _digits(node: tree.Node) -> str:
    return node.text if isinstance(node, tree.Number) else ""
