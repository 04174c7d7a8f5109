"""Rules of plain algebra: expanding, cancelling, reindexing, collecting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Add, And, Basic, Eq, Expr, Mul, Product, collect, expand, factor

from derive.notation import structure
from derive.proof.derivation import Derivation, Step
from derive.proof.instances import agreed, conditions
from derive.proof.rule import Evidence, Rewrite, Rule, RuleDoesNotApply
from derive.proof.verdict import Verdict
from derive.rules.lemma import equality, required
from derive.rules.positive import nonzero, positive
from derive.rules.products import in_order, ratio, unit_condition
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class Expand(Rule):
    """(a + b) c = a c + b c"""

    name = "expand"
    words = "Multiply out and collect."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Multiply out."""
        after = expand(node) if isinstance(node, Expr) else node
        return None if after == node else Rewrite(after)


@dataclass(frozen=True)
class TakeOut(Rule):
    """a c + b c = (a + b) c"""

    factor: Expr
    name = "take-out"
    words = "Take the common factor out."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Write a sum of which every term has the factor as a product."""
        if not isinstance(node, Add) or not all(self.factor in Mul.make_args(term) for term in node.args):
            return None
        return Rewrite(self.factor * Add(*(term / self.factor for term in node.args)))


@dataclass(frozen=True)
class FactorOut(Rule):
    """u = v (u/v), the quotient collected in the given quantities

    Obligation: what is left in the denominator of the quotient is not zero.
    """

    factor: Expr
    quantities: tuple[Expr, ...] = ()
    name = "factor-out"
    words = "Write it as a multiple."

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Divide the whole expression by the factor."""
        quotient = collect(expand(expression / self.factor), self.quantities, factor)
        after = self.factor * quotient
        if after == expression:
            raise RuleDoesNotApply(f"rule {self.name} finds nothing to take {self.factor} out of in {expression}")
        return Rewrite(after, nonzero(quotient.together().as_numer_denom()[1], setting), Words(self.words))

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """The rule acts on the whole expression; see `apply`."""
        return None


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
        above, below = _in_order(node, setting).as_numer_denom()
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
        _in_order(node, setting)
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
        uses = positive(_in_order(one, setting).rhs, setting)
        _in_order(two, setting)
        return Rewrite(And(unit_condition(ratio(one.lhs, two.lhs, setting.facts)), one), uses)


def _in_order(expression: Basic, setting: Setting) -> Any:
    """Return the expression; raise `Undischarged` where the range of a product may run backwards."""
    if not in_order(expression, setting.facts):
        raise Undischarged(f"nothing says that no product's range runs backwards in {expression}")
    return expression


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
        equality(self.lemma)
        if expand(self.total - expression - self.lemma.statement.lhs) != 0:
            raise RuleDoesNotApply(f"{self.total} less {expression} is not what {self.lemma.name} is about")
        uses = required(self.lemma, {}, setting)
        return Rewrite(self.total - self.lemma.statement.rhs, uses, lemmas=(self.lemma,))

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Compare what is left on both sides with the lemma's two sides."""
        left = self.total - before - self.lemma.statement.lhs
        right = self.total - after - self.lemma.statement.rhs
        return expand(left) ** 2 + expand(right) ** 2

    def by_second_path(self, step: Step) -> Verdict | None:
        """Look at the lemma's conditions; both its sides are compared by the residual."""
        problems = tuple(conditions(step, self.lemma, {}))
        return agreed(self.lemma, *problems) if problems else None

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
