"""Rules that use what has been derived before: a lemma at other indices, and the variance of a product."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

from sympy import Add, Expr, Mul

from derive.averages import Variance
from derive.errors import InputError
from derive.kinds import Kind, Property, require_one_meaning
from derive.proof.derivation import Derivation, Statement, Step
from derive.proof.instances import agreed, alike, by_lemma, hypotheses, put, refuted, relation
from derive.proof.rule import Rewrite, Rule
from derive.proof.verdict import Verdict
from derive.randomness import Entry
from derive.rules.finite_moments import finite
from derive.rules.match import index_variables, instantiate, matches
from derive.setting import Setting, Undischarged
from derive.words import Title, Words


@dataclass(frozen=True)
class ByLemma(Rule):
    """L(i, k) = R(i, k), a derived statement, used at other indices

    Obligation: the indices satisfy the lemma's conditions, and the setting has the lemma's hypotheses.
    """

    lemma: Derivation
    name = "lemma"
    words = "By what was derived before."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace an instance of the lemma's left side by its right side."""
        statement = equality(self.lemma)
        binding = matches(statement.lhs, node, index_variables(statement.lhs))
        if binding is None:
            return None
        after = instantiate(statement.rhs, binding)
        return Rewrite(after, required(self.lemma, binding, setting), Words("By {}.", title(self.lemma)), (self.lemma,))

    def by_second_path(self, step: Step) -> Verdict:
        """Solve for the indices, and put them into the lemma."""
        return by_lemma(step, self.lemma)


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
        statement = equality(self.lemma)
        if not isinstance(statement.rhs, Add):
            raise InputError(f"{self.lemma.name} has no sum on its right side")
        for term in statement.rhs.args:
            binding = matches(term, node, index_variables(term))
            if binding is None:
                continue
            after = instantiate(statement.lhs - (statement.rhs - term), binding)
            words = Words("By {}, it is the total less the other part.", title(self.lemma))
            return Rewrite(after, required(self.lemma, binding, setting), words, (self.lemma,))
        return None

    def by_second_path(self, step: Step) -> Verdict:
        """Solve the lemma for each of its terms, and look which of them was put in."""
        left, right = self.lemma.statement.lhs, self.lemma.statement.rhs
        pairs = ((t, left - Add(*(u for u in right.args if u != t))) for t in right.args)
        return by_lemma(step, self.lemma, *pairs)


def equality(lemma: Derivation) -> Statement:
    """Return the statement of a lemma that is an equality; raise `InputError` for another one."""
    if lemma.statement.relation != "=":
        raise InputError(f"only equalities rewrite, {lemma.name} states {lemma.statement.relation}")
    return lemma.statement


def required(lemma: Derivation, binding: dict[Any, Any], setting: Setting) -> frozenset[str]:
    """Return the hypotheses by which a lemma holds at the bound indices, or raise `Undischarged`."""
    for fact in lemma.setting.facts.nonnegative:
        require_least(fact.xreplace(binding), 0, setting)
    for index, value in binding.items():
        if index.is_positive and not value.is_positive:
            require_least(value, 1, setting)
    for pair in lemma.setting.differ:
        one, other = (unit.xreplace(binding) for unit in pair)
        if frozenset((one, other)) not in setting.differ and not setting.facts.distinct(one, other):
            raise Undischarged(f"nothing says that {one} and {other} differ, as {lemma.name} needs")
    return require_hypotheses(lemma, setting)


def require_least(value: Expr, least: int, setting: Setting) -> None:
    """Raise `Undischarged` unless an index is known to be large enough."""
    if not setting.facts.at_least(value, least):
        raise Undischarged(f"nothing says that {value} >= {least}")


def require_hypotheses(lemma: Derivation, setting: Setting, *discharged: Property) -> frozenset[str]:
    """Return the setting's hypotheses that say all that the lemma rests on, or raise `Undischarged`.

    ``discharged`` are properties that the caller has seen to in another way. Raises `InputError` where a hypothesis of
    the lemma and one here have one key and do not say the same.
    """
    require_one_meaning((*setting.hypotheses, *lemma.setting.hypotheses))
    uses: frozenset[str] = frozenset()
    for h in lemma.rests_on:
        if h in setting.hypotheses:
            uses |= {h.key}
            continue
        if not h.properties and not h.equations:
            raise Undischarged(f"{lemma.name} assumes what is not assumed here: {h.key}")
        uses = uses.union(*(setting.discharge(p) for p in h.properties if p not in discharged))
        uses |= {setting.stating(e).key for e in h.equations}
    return uses


def title(lemma: Derivation) -> Title:
    """Return the title of a lemma, for words that cite it."""
    return Title(lemma.title)


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
        one, two = self.factors()
        left, right = node.inside[0].args
        uses = setting.independent(left, right) | finite(setting, node)
        uses |= require_hypotheses(self.lemma, setting, *self._independence())
        after = self.lemma.statement.rhs.xreplace({one: left, two: right, self.lemma.setting.over: node.over})
        words = Words("{} and {} are independent, so the variance of their product expands.", left, right)
        return Rewrite(after, uses, words, (self.lemma,))

    def factors(self) -> tuple[Entry, Entry]:
        """Return the factors that the lemma is about; raise `InputError` for a lemma about something else."""
        left, over = equality(self.lemma).lhs, self.lemma.setting.over
        about = left.inside[0].args if isinstance(left, Variance) and isinstance(left.inside[0], Mul) else ()
        drawn = [e for e in about if isinstance(e, Entry) and e.family.source is not None]
        if len(about) != 2 or len(drawn) != 2 or left.over != over:
            raise InputError(f"{self.lemma.name} must be about the variance of a product of two scalars")
        return drawn[0], drawn[1]

    def _independence(self) -> tuple[Property, Property]:
        one, two = (e.family for e in self.factors())
        return Property(Kind.INDEPENDENT_OF, one, two), Property(Kind.INDEPENDENT_OF, two, one)

    def by_second_path(self, step: Step) -> Verdict | None:
        """Put the factors into the lemma's right side, in both orders; tiny worlds see whether they are independent."""
        one, two = self.factors()
        product = Variance(one * two, self.lemma.setting.over)
        pairs = []
        for node in step.before.atoms(Variance):
            for left, right in permutations(node.inside[0].args) if len(node.inside[0].args) == 2 else ():
                names = {one: left, two: right, self.lemma.setting.over: node.over}
                if put(product, names) == node:
                    pairs.append((node, put(self.lemma.statement.rhs, names)))
        made = step.before.xreplace(dict(pairs))
        problems = [*relation(step, self.lemma)]
        problems += hypotheses(step, self.lemma, *self._independence())
        if problems:
            return agreed(self.lemma, *problems)
        return None if pairs and alike(made, step.after) else refuted(step, self.lemma, *pairs[:1])
