"""Rules: each is one object with its formula, the computation, its obligations and the words that a reader sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from sympy import Basic, Expr, Integer, Product, Sum, Symbol

from derive.averages import Bracket
from derive.errors import InputError
from derive.indices import bound_indices, rename_bound
from derive.network import Partial
from derive.proof.instances import taken_over
from derive.proof.relations import Remainder, require_passing
from derive.proof.sampling import compare_at_points
from derive.setting import Setting
from derive.words import Words

if TYPE_CHECKING:
    from derive.proof.derivation import Derivation, Step
    from derive.proof.verdict import Verdict


class Evidence(Enum):
    """How a step by a rule is checked, beyond applying the rule again."""

    WORLDS = "both sides are evaluated in tiny worlds"
    POINTS = "both sides are evaluated to many digits at admissible points"
    RESIDUAL = "what must vanish, by a second way to the result, is reduced to 0 by SymPy"
    LEMMA = "the step is the statement of a lemma, which is checked with its own steps"
    ASSUMED = "taken from a cited source"


class RuleDoesNotApply(InputError):
    """A rule that was asked to act on an expression that it does not match."""


@dataclass(frozen=True)
class Rewrite:
    """What a rule makes of one node: the new expression, the hypotheses used, and words for the reader.

    ``averaged`` are the nodes inside a mean or a variance that the rule acted on, each with what became of it: a wrong
    term that the bracket forgives, such as one that is fixed in a variance, is seen there.
    """

    after: Basic
    uses: frozenset[str] = frozenset()
    words: Words | None = None
    lemmas: tuple[Derivation, ...] = ()
    averaged: tuple[tuple[Basic, Basic], ...] = ()


@dataclass(frozen=True)
class Rule(ABC):
    """One rule of inference. The docstring of a subclass is its formula; ``rewrite`` computes it at a node.

    ``rewrite`` returns None where the rule does not match; it raises `derive.errors.Undischarged` where it
    matches and an obligation is not met. ``words`` is what the reader is told.
    """

    name: ClassVar[str]
    words: ClassVar[str]
    source: ClassVar[str] = ""
    relation: ClassVar[str] = "="
    evidence: ClassVar[Evidence] = Evidence.WORLDS
    shows: ClassVar[tuple[str, ...]] = ("=", "<=>", "=>", "<=")
    """The relations that the evidence can show: an expansion or a limit shows no equality, nor the other way round."""
    lemma_relations: ClassVar[tuple[str, ...]] = ("=",)
    """The relations of the lemmas that the rule may use."""

    @abstractmethod
    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Return what becomes of one node, or None where the rule does not match."""

    def at_points(self, step: Step) -> Verdict:
        """Check one step by this rule at points, where its evidence is `Evidence.POINTS`."""
        return compare_at_points(step)

    def residual(self, before: Basic, after: Basic, setting: Setting) -> Expr | None:
        """Return what must be 0 if the step is right, by another way than ``rewrite``; None where there is none.

        Only rules with evidence `Evidence.RESIDUAL` are asked.
        """
        return None

    def by_second_path(self, step: Step) -> Verdict | None:
        """Hold a step against its lemmas in a way that shares no code with ``rewrite``.

        The grade is ``exact`` where the step is what the lemmas state, and ``failed`` where it is not or where their
        conditions do not hold; None where there is nothing to say.
        """
        return taken_over(step)

    def puts_in(self, setting: Setting) -> Mapping[Expr, tuple[Expr, Basic]]:
        """Return what the rule puts in for what, each value with the equation of a hypothesis that gives it.

        Raises `derive.errors.Undischarged` where none does. Most rules put nothing in.
        """
        return {}

    def remainder(self) -> Remainder | None:
        """Return what an expansion leaves out; None for a rule that is none."""
        return None

    @property
    def formula(self) -> str:
        """The formula that the rule applies: the first paragraph of its docstring."""
        return " ".join((self.__doc__ or "").split("\n\n")[0].split())

    def apply(self, expression: Basic, setting: Setting) -> Rewrite:
        """Apply the rule at every outermost node that it matches; raise `RuleDoesNotApply` if that changes nothing.

        Raises `InputError` where the rule's relation does not pass from the node to the expression around it.
        """
        visit = _Visit(self, setting, expression.atoms(Symbol))
        after = visit(expression)
        if not visit.matched or after == expression:
            raise RuleDoesNotApply(f"rule {self.name} finds nothing to act on in {expression}")
        return Rewrite(
            after, frozenset(visit.uses), visit.words or Words(self.words), tuple(visit.lemmas), tuple(visit.averaged)
        )


@dataclass
class _Visit:
    rule: Rule
    setting: Setting
    taken: set[Symbol]
    matched: bool = False
    uses: set[str] = field(default_factory=set)
    words: Words | None = None
    lemmas: list[Derivation] = field(default_factory=list)
    averaged: list[tuple[Basic, Basic]] = field(default_factory=list)
    path: list[tuple[Basic, int]] = field(default_factory=list)

    def __call__(self, node: Basic) -> Basic:
        result = self.rule.rewrite(node, self.setting) if isinstance(node, Basic) else None
        if result is not None:
            self.matched = True
            if self.rule.relation != "=":
                rule = self.rule
                require_passing(rule.name, rule.relation, node, result.after, self.path, rule.remainder())
            self.uses |= result.uses
            self.words = self.words or result.words
            self.lemmas += [m for m in result.lemmas if m not in self.lemmas]
            if any(isinstance(around, Bracket) for around, _ in self.path):
                self.averaged.append((node, result.after))
            # An index that the rule brings in must not be one that stands elsewhere in the expression.
            # Products run over layers, which no sum over units can capture.
            return rename_bound(result.after, self.taken - bound_indices(node) - bound_indices(result.after, Product))
        if not node.args:
            return node
        # The variable of a derivative is a name, not a quantity to rewrite.
        fixed = node.args[1:] if isinstance(node, Partial) else ()
        args = [a if a in fixed else self._inside(node, k) for k, a in enumerate(node.args)]
        if isinstance(node, Sum) and args[0] == 0:
            return Integer(0)
        return node if args == list(node.args) else node.func(*args)

    def _inside(self, node: Basic, index: int) -> Basic:
        self.path.append((node, index))
        changed = self(node.args[index])
        self.path.pop()
        return changed


def replace_everywhere(expression: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """Return the expression with ``change`` applied to the outermost nodes for which it is not None."""
    changed = change(expression)
    if changed is not None:
        return changed
    if not expression.args:
        return expression
    args = [replace_everywhere(a, change) for a in expression.args]
    return expression if args == list(expression.args) else expression.func(*args)
