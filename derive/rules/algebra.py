"""Rules of plain algebra and calculus: expanding, cancelling, solving, reindexing, integrating."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import And, Basic, Eq, Expr, Integral, Product, diff, expand, simplify, solve

from derive.errors import InputError
from derive.proof.derivation import Derivation
from derive.proof.rule import Evidence, Rewrite, Rule
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
        if not isinstance(node, Product):
            return None
        index, lower, upper = node.limits[0]
        inner = node.function.subs(index, index - self.shift)
        return Rewrite(Product(inner, (index, lower + self.shift, upper + self.shift)))


@dataclass(frozen=True)
class Cancel(Rule):
    """a c / (b c) = a / b, where c is not zero

    Obligation: what is cancelled (widths, variances) is positive: a hypothesis with key ``nondegenerate``.
    """

    name = "cancel"
    words = "Cancel what both sides share."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Cancel in a quotient of products over layers."""
        if not isinstance(node, Expr) or not node.atoms(Product):
            return None
        return Rewrite(ratio(*node.as_numer_denom()), _nondegenerate(setting))


@dataclass(frozen=True)
class CancelEquation(Rule):
    """a c = b c <=> a = b, where c is not zero

    Obligation: what is cancelled is positive: a hypothesis with key ``nondegenerate``.
    """

    name = "cancel-equation"
    words = "Divide both sides by what they share; it is not zero."
    relation = "<=>"

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Cancel the common factors of both sides of an equation."""
        if not isinstance(node, Eq):
            return None
        return Rewrite(unit_condition(ratio(node.lhs, node.rhs)), _nondegenerate(setting))


@dataclass(frozen=True)
class DivideEquations(Rule):
    """a c = 1 and b c = 1 <=> a = b and b c = 1, where c is not zero"""

    name = "divide-equations"
    words = "Divide one equation by the other."
    relation = "<=>"

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Replace the first of two equations with equal right sides by their quotient."""
        if not (isinstance(node, And) and len(node.args) == 2 and all(isinstance(a, Eq) for a in node.args)):
            return None
        one, two = sorted(node.args, key=lambda e: len(str(e)))
        if one.rhs != two.rhs:
            return None
        return Rewrite(And(unit_condition(ratio(one.lhs, two.lhs)), one), _nondegenerate(setting))


def _nondegenerate(setting: Setting) -> frozenset[str]:
    if not any(h.key == "nondegenerate" for h in setting.hypotheses):
        raise Undischarged("what is cancelled must not be zero, and nothing says so")
    return frozenset({"nondegenerate"})


@dataclass(frozen=True)
class Solve(Rule):
    """u = the solution of an equation in u

    The equation is what the hypothesis ``because`` says (a lemma may have given one side); the solution is put
    back into it.
    """

    equation: Eq
    unknown: Expr
    because: str
    lemma: Derivation | None = None
    name = "solve"
    words = "Solve for the unknown."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the unknown by the positive solution of the equation."""
        if node != self.unknown:
            return None
        solutions = [v for v in solve(self.equation, self.unknown) if not v.could_extract_minus_sign()]
        if len(solutions) != 1:
            raise InputError(f"{self.equation} has {len(solutions)} admissible solutions for {self.unknown}")
        if simplify(self.equation.lhs.subs(self.unknown, solutions[0]) - self.equation.rhs) != 0:
            raise InputError(f"{solutions[0]} does not solve {self.equation}")
        if not any(h.key == self.because for h in setting.hypotheses):
            raise Undischarged(f"nothing says that {self.equation}: there is no hypothesis {self.because}")
        words = Words("Solve {} for {}.", self.equation, self.unknown)
        lemmas = (self.lemma,) if self.lemma else ()
        return Rewrite(solutions[0], frozenset({self.because}), words, lemmas)


@dataclass(frozen=True)
class Isolate(Rule):
    """a u = b <=> u = b/a, where a is not zero

    Obligation: what is divided by is positive: a hypothesis with key ``nondegenerate``.
    """

    unknown: Expr
    name = "isolate"
    words = "Solve for the variance of the weights."
    relation = "<=>"

    def rewrite(self, node: Basic, setting: Setting) -> Rewrite | None:
        """Solve an equation for an unknown that it is linear in."""
        if not isinstance(node, Eq) or not node.has(self.unknown):
            return None
        solutions = solve(node, self.unknown)
        if len(solutions) != 1:
            raise InputError(f"{node} has {len(solutions)} solutions for {self.unknown}")
        words = Words("Solve for {}.", self.unknown)
        return Rewrite(Eq(self.unknown, solutions[0]), _nondegenerate(setting), words)


@dataclass(frozen=True)
class Integrate(Rule):
    """int_a^b u'(w) dw = u(b) - u(a)

    The antiderivative is differentiated again before it is used.
    """

    name = "integrate"
    words = "Integrate: the antiderivative's derivative is the integrand."
    evidence = Evidence.RESIDUAL

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Carry out a definite integral of a polynomial."""
        if not isinstance(node, Integral):
            return None
        w, lower, upper = node.limits[0]
        if not node.function.is_polynomial(w):
            raise InputError(f"{node.function} is not a polynomial in {w}")
        primitive = Integral(node.function, w).doit()
        if simplify(diff(primitive, w) - node.function) != 0:
            raise InputError(f"{primitive} is not an antiderivative of {node.function}")
        return Rewrite(simplify(primitive.subs(w, upper) - primitive.subs(w, lower)))
