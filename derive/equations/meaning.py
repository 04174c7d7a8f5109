"""From the parts of an equation to the objects of the derivation language.

An index that is left out stands for any unit: Var[z^i] is the variance of any activation of layer i, and of what is
drawn the one that all its scalars share. Beside a matrix, what is left out is summed over: z^i W^i.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import And, Basic, Eq, Equivalent, Expr, Implies, Or, Symbol
from sympy.core.relational import Relational

from derive.equations import tree
from derive.equations.left_out import IN, OUT
from derive.equations.multiples import Multiples
from derive.equations.named_scalars import Scalars
from derive.equations.read_averages import Means
from derive.proof.derivation import Statement


@dataclass
class Meaning(Scalars, Means, Multiples):
    """Reads an equation."""

    def statements(self, node: tree.Node) -> tuple[Statement, ...]:
        """Return the statements of an equation: more than one for a chain a = b = c."""
        self._used = set(_letters_of(node))
        self._counted = set(_indices_of(node))
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


def _indices_of(node: object, *, inside: bool = False) -> set[str]:
    """Return the letters that stand in an index of the text, or at an end of a product or sum."""
    if isinstance(node, tree.Name):
        here = {node.word + "'" * node.primes} if inside else set()
        return here.union(*(_indices_of(p, inside=True) for p in (*(node.below or ()), node.above)))
    if isinstance(node, tree.Big):
        ends = _indices_of((node.lower, node.upper), inside=True)
        return ends | _indices_of(node.body, inside=inside)
    if isinstance(node, tuple):
        return set().union(*(_indices_of(part, inside=inside) for part in node))
    if isinstance(node, tree.Node):
        return set().union(*(_indices_of(v, inside=inside) for v in vars(node).values()))
    return set()


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
