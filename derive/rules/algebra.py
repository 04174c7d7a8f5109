"""Rules of plain algebra: expanding, cancelling, reindexing, naming, collecting."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import And, Basic, Eq, Expr, Mul, Pow, Product, Sum, Symbol, collect, expand, factor
from sympy.core.relational import Relational

from derive.averages import SharedVariance
from derive.hypotheses import Kind
from derive.notation import structure
from derive.proof.derivation import Derivation
from derive.proof.rule import Evidence, Rewrite, Rule, RuleDoesNotApply
from derive.randomness import Entry
from derive.rules.products import ratio, unit_condition
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class Expand(Rule):
    """(a + b) c = a c + b c"""

    name = "expand"
    words = "Multiply out and collect."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Multiply out."""
        after = expand(node)
        return None if after == node else Rewrite(after)


@dataclass(frozen=True)
class ReindexProduct(Rule):
    """prod_{i'=a}^{b} u(i') = prod_{i'=a+h}^{b+h} u(i' - h)"""

    shift: int
    name = "reindex"
    words = "Count the factors by the layer of their weights."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Shift the index of a product."""
        if not isinstance(node, Product) or len(node.limits) != 1:
            return None
        index, lower, upper = node.limits[0]
        inner = node.function.subs(index, index - self.shift)
        return Rewrite(Product(inner, (index, lower + self.shift, upper + self.shift)))


@dataclass(frozen=True)
class Cancel(Rule):
    """a c / (b c) = a / b, where c is not zero

    Obligation: all factors (widths, variances) are positive.
    """

    name = "cancel"
    words = "Cancel what both sides share."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Cancel in a quotient of products over layers."""
        if not isinstance(node, Expr) or not node.atoms(Product):
            return None
        above, below = node.as_numer_denom()
        return Rewrite(ratio(above, below, setting.facts), positive(above * below, setting))


@dataclass(frozen=True)
class CancelEquation(Rule):
    """a c = b c <=> a = b, where c is not zero

    Obligation: all factors (widths, variances) are positive.
    """

    name = "cancel-equation"
    words = "Divide both sides by what they share; it is not zero."
    relation = "<=>"

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Cancel the common factors of both sides of an equation."""
        if not isinstance(node, Eq):
            return None
        uses = positive(node.lhs, setting) | positive(node.rhs, setting)
        return Rewrite(unit_condition(ratio(node.lhs, node.rhs, setting.facts)), uses)


@dataclass(frozen=True)
class DivideEquations(Rule):
    """a c = r and b c = r <=> a = b and b c = r, where r is not zero, and so c is not

    Obligation: r is positive.
    """

    name = "divide-equations"
    words = "Divide one equation by the other."
    relation = "<=>"

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Replace the first of two equations with equal right sides by their quotient."""
        if not (isinstance(node, And) and len(node.args) == 2 and all(isinstance(a, Eq) for a in node.args)):
            return None
        one, two = sorted(node.args, key=lambda e: len(structure(e)))
        if one.rhs != two.rhs:
            return None
        uses = positive(one.rhs, setting)
        return Rewrite(And(unit_condition(ratio(one.lhs, two.lhs, setting.facts)), one), uses)


def positive(e: Expr, setting: Setting) -> frozenset[str]:
    """Return the hypotheses by which an expression is positive, or raise `Undischarged`."""
    if e.is_positive:
        return frozenset()
    if isinstance(e, SharedVariance):
        return setting.require(Kind.NONDEGENERATE, e.family)
    if isinstance(e, Mul):
        return frozenset().union(*(positive(factor, setting) for factor in e.args))
    if isinstance(e, Pow):
        return positive(e.base, setting)
    if isinstance(e, Product):
        return positive(e.function, setting)
    if isinstance(e, Sum) and isinstance(e.function, Pow) and e.function.exp == 2:
        entry, (index, *_) = e.function.base, e.limits[0]
        if isinstance(entry, Entry) and entry.units == (index,):
            return setting.require(Kind.NONDEGENERATE, entry.family)
    raise Undischarged(f"nothing says that {e} is positive, so that it cannot be cancelled")


@dataclass(frozen=True)
class Rename(Rule):
    """u = s, where s is a symbol for u

    Nothing but a name; the rule puts the expression back and compares.
    """

    names: tuple[tuple[Expr, Symbol], ...]
    name = "name"
    words = "Give it a name."
    evidence = Evidence.RESIDUAL

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Replace the named expressions everywhere."""
        after = expression
        for what, symbol in self.names:
            after = after.subs(what, symbol)
        back = after.subs({symbol: what for what, symbol in self.names})
        if after == expression or expand(back - expression) != 0:
            raise RuleDoesNotApply(f"rule {self.name} finds nothing to name in {expression}")
        named = [Eq(symbol, what) for what, symbol in self.names]
        return Rewrite(after, words=Words("Write " + " and ".join(["{}"] * len(named)) + ".", *named))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Put the expressions back for their names."""
        return expand(after.xreplace({symbol: what for what, symbol in self.names}) - before)

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Names are given in the whole expression at once; see `apply`."""
        return None


@dataclass(frozen=True)
class PutIn(Rule):
    """u = w, a value that is given by a hypothesis

    Obligation: an equation of the hypothesis becomes true when all the values are put in.
    """

    values: tuple[tuple[Expr, Expr], ...]
    because: str
    name = "put-in"
    words = "Put in the given values."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a symbol by its given value."""
        given = dict(self.values)
        if node not in given:
            return None
        hypothesis = next((h for h in setting.hypotheses if h.key == self.because), None)
        if hypothesis is None:
            raise Undischarged(f"nothing gives {node} a value: there is no hypothesis {self.because}")
        if not any(e.has(node) and self._solves(e) for e in hypothesis.equations):
            raise Undischarged(f"hypothesis {self.because} does not say that {node} is {given[node]}")
        words = Words("Put in " + ", ".join(["{}"] * len(given)) + ".", *(Eq(s, w) for s, w in self.values))
        return Rewrite(given[node], frozenset({self.because}), words)

    def _solves(self, equation: Eq) -> bool:
        """Return whether an equation is true at the values."""
        gap = (equation.lhs - equation.rhs).xreplace(dict(self.values))
        return bool(gap == 0 or expand(gap) == 0 or factor(gap) == 0)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Substitute the values."""
        given = before.xreplace(dict(self.values))
        if isinstance(given, Relational):
            return (given.lhs - after.lhs) - (given.rhs - after.rhs)
        return given - after


@dataclass(frozen=True)
class ByComplement(Rule):
    """u = t - (t - u), where a lemma gives t - u"""

    total: Expr
    lemma: Derivation
    name = "complement"
    words = "It is the total less the part that the lemma gives."
    evidence = Evidence.RESIDUAL

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Replace the whole expression by the total less the lemma's right side."""
        if expand(self.total - expression - self.lemma.statement.lhs) != 0:
            raise RuleDoesNotApply(f"{self.total} less {expression} is not what {self.lemma.name} is about")
        uses = frozenset(h.key for h in self.lemma.rests_on)
        if not uses <= {h.key for h in setting.hypotheses}:
            raise Undischarged(f"{self.lemma.name} assumes more than is assumed here")
        return Rewrite(self.total - self.lemma.statement.rhs, uses, lemmas=(self.lemma,))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Compare what is left on both sides with the lemma's two sides."""
        left = self.total - before - self.lemma.statement.lhs
        right = self.total - after - self.lemma.statement.rhs
        return expand(left) ** 2 + expand(right) ** 2

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """The rule acts on the whole expression; see `apply`."""
        return None


@dataclass(frozen=True)
class CollectIn(Rule):
    """a u + b u = (a + b) u, for the given quantities u"""

    quantities: tuple[Expr, ...]
    name = "collect"
    words = "Collect the terms."
    evidence = Evidence.POINTS

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Collect in the whole expression."""
        after = collect(expand(expression), self.quantities, factor)
        if after == expression:
            raise RuleDoesNotApply(f"rule {self.name} finds nothing to collect in {expression}")
        return Rewrite(after, words=Words(self.words))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """The rule acts on the whole expression; see `apply`."""
        return None
