"""Rules for leaky ReLU and for laws symmetric about zero."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, Sum, factor_terms

from derive.averages import Average, Variance
from derive.errors import InputError
from derive.hypotheses import LEAKY_RELU, Kind, Property
from derive.network import Activation, W, b, s, x
from derive.notation import structure
from derive.proof.derivation import Derivation, Step
from derive.proof.instances import agreed, alike, conditions, hypotheses, put, refuted, relation, solved
from derive.proof.rule import Rewrite, Rule
from derive.proof.verdict import Verdict
from derive.randomness import Entry, Over
from derive.rules.definitions import as_stated
from derive.rules.finite_moments import finite
from derive.rules.lemma import ByLemma, equality, require_hypotheses
from derive.setting import Setting, Undischarged
from derive.words import Words


@dataclass(frozen=True)
class DefineRectifier(Rule):
    """f(u) = (1 + a)/2 u + (1 - a)/2 |u|

    Obligation: the activation function is declared to be leaky ReLU.
    """

    name = "leaky-relu"
    words = "Leaky ReLU is half a line plus half an absolute value: its slope is 1 above zero, and a below."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the activation function by its definition."""
        return as_stated(node, LEAKY_RELU, setting) if isinstance(node, Activation) else None


@dataclass(frozen=True)
class OddMean(Rule):
    """E[g(y)] = 0 when g(-y) = -g(y) and the law of y is symmetric

    Obligation: y is declared symmetric about zero.
    """

    name = "odd-mean"
    words = "An odd function of a quantity whose law is symmetric about zero has mean zero."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean of an odd function by 0."""
        if not isinstance(node, Average):
            return None
        entries = [e for e in node.inside[0].atoms(Entry) if setting.is_random(e, node.over)]
        if len(entries) != 1 or entries[0].family.source is None:
            return None
        (y,) = entries
        if node.inside[0].subs(y, -y) != -node.inside[0] or setting.citing(Kind.SYMMETRIC, y.family) is None:
            return None
        return Rewrite(Integer(0), setting.require(Kind.SYMMETRIC, y.family) | finite(setting, node))


@dataclass(frozen=True)
class Collect(Rule):
    """a c + b c = (a + b) c"""

    name = "collect"
    words = "Collect the terms."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Collect the means in a sum, each with one coefficient."""
        if not node.is_Add:
            return None
        means = sorted(node.atoms(Average), key=structure)
        after = node.expand().collect(means, lambda c: factor_terms(c.together().factor()))
        return None if after == node else Rewrite(after)


@dataclass(frozen=True)
class ByHalfVariance(Rule):
    """E[f(s)^2] = (1 + a^2)/2 E[s^2] for a pre-activation s, whose law over the weights is symmetric

    Obligation: s is odd in the weights and biases of its layer, whose joint law does not change when all of them
    change sign: they are symmetric, independent of each other, and of everything before.
    """

    lemma: Derivation
    name = "half-variance"
    words = "Over the weights every pre-activation is symmetric about zero, so leaky ReLU keeps its share of E[s^2]."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the mean square of an activation by that of its pre-activation."""
        if not isinstance(node, Average):
            return None
        base, exponent = node.inside[0].as_base_exp()
        if exponent != 2 or not isinstance(base, Activation):
            return None
        (pre_activation,) = base.args
        if not isinstance(pre_activation, Entry) or pre_activation.family != s:
            return None
        if W.source not in node.over.sources or b.source not in node.over.sources:
            raise Undischarged(f"{pre_activation} is symmetric over the weights and biases, not over {node.over}")
        uses = frozenset({setting.stating(LEAKY_RELU).key}) | finite(setting, node)
        for family in (W, b):
            for kind in (Kind.SYMMETRIC, Kind.ENTRIES_INDEPENDENT):
                uses |= setting.require(kind, family)
        uses |= setting.all_independent(W, b, x)
        y = self.scalar()
        uses |= require_hypotheses(self.lemma, setting, *_symmetry(y))
        after = self.lemma.statement.rhs.xreplace({y: pre_activation, self.lemma.setting.over: node.over})
        return Rewrite(after, uses, lemmas=(self.lemma,))

    def scalar(self) -> Entry:
        """Return the scalar y whose E[f(y)^2] the lemma gives; raise `InputError` for a lemma about something else."""
        left, over = equality(self.lemma).lhs, self.lemma.setting.over
        found = left.atoms(Entry)
        y = next(iter(found), None)
        if len(found) != 1 or y is None or left != Average(Activation(y) ** 2, over) or y.family.source is None:
            raise InputError(f"{self.lemma.name} must be about the mean square of an activation of one scalar")
        return y

    def by_second_path(self, step: Step) -> Verdict | None:
        """Put each pre-activation into the lemma's two sides; tiny worlds see whether its law is symmetric."""
        y, lemma = self.scalar(), self.lemma
        arguments = {e.args[0] for e in step.before.atoms(Activation)}
        overs = step.before.atoms(Over)
        names = [{y: argument, lemma.setting.over: over} for argument in arguments for over in overs]
        pairs = {put(lemma.statement.lhs, at): put(lemma.statement.rhs, at) for at in names}
        problems = [*relation(step, lemma), *hypotheses(step, lemma, *_symmetry(y))]
        if problems:
            return agreed(lemma, *problems)
        return None if alike(step.before.xreplace(pairs), step.after) else refuted(step, lemma, *pairs.items())


def _symmetry(y: Entry) -> tuple[Property, Property]:
    return Property(Kind.SYMMETRIC, y.family), Property(Kind.ZERO_MEAN, y.family)


@dataclass(frozen=True)
class SameByLemma(Rule):
    """sum_l Var[u_l] = n Var[u_l], where a lemma gives Var[u_l] and does not mention l

    Obligation: the lemma's own.
    """

    lemma: Derivation
    name = "same-for-every-unit"
    words = "The lemma gives the same variance for every unit: the sum is the width times one of them."

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace a sum of equal variances by the width times one of them."""
        if not (isinstance(node, Sum) and len(node.limits) == 1 and isinstance(node.function, Variance)):
            return None
        index, lower, upper = node.limits[0]
        made = ByLemma(self.lemma).rewrite(node.function, setting)
        if made is None or index in made.after.free_symbols:
            return None
        return Rewrite((upper - lower + 1) * node.function, made.uses, Words(self.words), (self.lemma,))

    def by_second_path(self, step: Step) -> Verdict:
        """Solve for the lemma's indices in every sum, and see that what it gives does not depend on the summed one."""
        left, right = self.lemma.statement.lhs, self.lemma.statement.rhs
        pairs, bindings = {}, []
        for node in step.before.atoms(Sum):
            at = solved(left, node.function)
            if at is not None and len(node.limits) == 1 and node.limits[0][0] not in put(right, at).free_symbols:
                (_, lower, upper), *_ = node.limits
                pairs[node] = (upper - lower + 1) * node.function
                bindings.append(at)
        if not pairs or not alike(step.before.xreplace(pairs), step.after):
            return refuted(step, self.lemma, *pairs.items())
        return agreed(self.lemma, *(problem for at in bindings for problem in conditions(step, self.lemma, at)))
