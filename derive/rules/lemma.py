"""Rules that use what has been derived before: a lemma at other indices, and the variance of a product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Add, Expr, Mul, Symbol

from derive.averages import Variance
from derive.errors import InputError
from derive.kinds import require_one_meaning
from derive.layers import Facts
from derive.proof.derivation import Derivation
from derive.proof.rule import Rewrite, Rule
from derive.randomness import Entry
from derive.rules.match import index_variables, instantiate, matches
from derive.rules.moments import finite
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class ByLemma(Rule):
    """L(i, k) = R(i, k), a derived statement, used at other indices

    Obligation: the indices satisfy the lemma's layer conditions, and the setting has the lemma's hypotheses.
    """

    lemma: Derivation
    name = "lemma"
    words = "By what was derived before."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace an instance of the lemma's left side by its right side."""
        lemma = self.lemma
        if lemma.statement.relation != "=":
            raise InputError(f"only equalities rewrite, {lemma.name} states {lemma.statement.relation}")
        binding = matches(lemma.statement.lhs, node, index_variables(lemma.statement.lhs))
        if binding is None:
            return None
        require_facts(lemma.setting.facts, binding, setting)
        uses = require_hypotheses(lemma, setting)
        after = instantiate(lemma.statement.rhs, binding)
        return Rewrite(after, uses, Words("By {}.", _title(lemma)), (lemma,))


@dataclass(frozen=True)
class ByDifference(Rule):
    """Y = T - X, where a lemma says T = X + Y

    Obligation: those of the lemma.
    """

    lemma: Derivation
    name = "difference"
    words = "It is the total less the other part."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace an instance of one term of the lemma's right side by its left side less the other terms."""
        lemma = self.lemma
        if lemma.statement.relation != "=" or not isinstance(lemma.statement.rhs, Add):
            raise InputError(f"{lemma.name} is not an equality with a sum on its right side")
        for term in lemma.statement.rhs.args:
            binding = matches(term, node, index_variables(term))
            if binding is None:
                continue
            require_facts(lemma.setting.facts, binding, setting)
            after = instantiate(lemma.statement.lhs - (lemma.statement.rhs - term), binding)
            words = Words("By {}, it is the total less the other part.", _title(lemma))
            return Rewrite(after, require_hypotheses(lemma, setting), words, (lemma,))
        return None


def require_facts(facts: Facts, binding: dict[Any, Any], setting: Setting) -> None:
    """Raise `Undischarged` unless the layer conditions hold at the bound indices."""
    for fact in facts.nonnegative:
        if not setting.facts.at_least(fact.xreplace(binding), 0):
            raise Undischarged(f"nothing says that {fact.xreplace(binding)} >= 0")


def require_hypotheses(lemma: Derivation, setting: Setting) -> frozenset[str]:
    """Return the setting's hypotheses that say all that the lemma rests on, or raise `Undischarged`.

    Raises `InputError` where a hypothesis of the lemma and one here have one key and do not say the same.
    """
    require_one_meaning((*setting.hypotheses, *lemma.setting.hypotheses))
    uses: frozenset[str] = frozenset()
    for h in lemma.rests_on:
        if h in setting.hypotheses:
            uses |= {h.key}
            continue
        if not h.properties and not h.equations:
            raise Undischarged(f"{lemma.name} assumes what is not assumed here: {h.key}")
        for p in h.properties:
            uses |= setting.require(p.kind, p.family, p.other, order=p.order)
        uses |= {setting.stating(e).key for e in h.equations}
    return uses


def _title(lemma: Derivation) -> Symbol:
    return Symbol(lemma.title)


@dataclass(frozen=True)
class ByProductVariance(Rule):
    """Var[X Y] = Var[X] Var[Y] + E[X]^2 Var[Y] + E[Y]^2 Var[X] for independent X, Y

    Obligation: independence, from what each factor depends on. ``lemma`` is the derivation of the formula.
    """

    lemma: Derivation
    name = "product-variance"
    words = "The variance of a product of two independent factors."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Expand the variance of a product of two factors."""
        if not (isinstance(node, Variance) and isinstance(node.inside[0], Mul) and len(node.inside[0].args) == 2):
            return None
        left, right = node.inside[0].args
        uses = setting.independent(left, right) | finite(setting, node)
        one, two = self.lemma.statement.lhs.inside[0].args
        after = self.lemma.statement.rhs.xreplace({one: left, two: right, self.lemma.setting.over: node.over})
        words = Words("{} and {} are independent, so the variance of their product expands.", left, right)
        if not isinstance(one, Entry) or not isinstance(two, Entry):
            raise InputError(f"{self.lemma.name} must be about a product of two scalars")
        return Rewrite(after, uses, words, (self.lemma,))
