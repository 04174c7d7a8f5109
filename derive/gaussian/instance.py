"""Answers at given numbers from the general form: derived and checked with symbols, then the numbers are put in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Basic, Dict, Expr, Function, Gt, Rational

from derive.gaussian.evaluate import CannotEvaluate
from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.gaussian_setting import GaussianSetting
from derive.gaussian.magnitudes import magnitude
from derive.proof.derivation import Step
from derive.proof.instances import agreed, refuted, relation
from derive.proof.rule import Evidence, Rewrite, Rule
from derive.proof.verdict import Verdict
from derive.provided import provided
from derive.setting import Setting
from derive.words import Words

if TYPE_CHECKING:
    from derive.gaussian.api import ClosedForm

LARGEST_COLLECTED = 64
"""Bits of the numbers in a form whose terms are still collected."""
LARGEST_ARGUMENT = 1000
"""The largest argument of a function in such a form."""


@dataclass(frozen=True)
class PutNumbersIn(Rule):
    """E[g(z; a)] = F(a) for every a with C(a) > 0; so it is at these numbers a

    Obligation: every condition C of the general form holds at the numbers. The form is a derivation of its own, made
    once, and checked where the numbers are of ordinary size.
    """

    general: GaussianExpectation
    values: Dict
    name = "put-numbers-in"
    words = "Derive the form with symbols for the numbers, and put the numbers in."
    evidence = Evidence.LEMMA

    def rewrite(self, node: Expr, setting: Setting) -> Rewrite | None:
        """Replace the expectation by its general form at the numbers."""
        if not isinstance(node, GaussianExpectation) or self.general.xreplace(dict(self.values)) != node:
            return None
        lemma = self.derived()
        law = setting.law_key if isinstance(setting, GaussianSetting) else frozenset()
        uses = law.union(*(self._holds(c, setting) for c in lemma.conditions))
        words = Words("{}: derive the form with symbols for the numbers, and put the numbers in.", self.general)
        return Rewrite(lemma.result.xreplace(dict(self.values)), uses, words, (lemma,))

    @provided
    def derived(self) -> ClosedForm:
        """Return the general form, derived once in a process."""
        raise NotImplementedError

    def by_second_path(self, step: Step) -> Verdict:
        """Put the numbers into the lemma's two sides; look at its conditions in decimals where nothing states them."""
        numbers = dict(self.values)
        (lemma,) = step.lemmas
        if lemma.statement.lhs != self.general or step.before != lemma.statement.lhs.xreplace(numbers):
            return refuted(step, lemma)
        cited = [o for h in step.setting.hypotheses if h.key in step.uses for o in h.text.objects]
        positive = lemma.setting.positive if isinstance(lemma.setting, GaussianSetting) else ()
        for condition in positive:
            here = condition.xreplace(numbers)
            if Gt(here, 0) not in cited and not (here.is_positive or (here.is_number and here.evalf() > 0)):
                return agreed(lemma, f"needed and not assumed: {here} > 0")
        made = lemma.statement.rhs.xreplace(numbers)
        if made != step.after:
            return refuted(step, lemma, (step.before, made))
        return agreed(lemma, *relation(step, lemma))

    def _holds(self, condition: Expr, setting: Setting) -> frozenset[str]:
        """What a condition rests on at the numbers: nothing where it is a positive number."""
        here = condition.xreplace(dict(self.values))
        return setting.require_positive(here)


def can_be_collected(e: Basic) -> bool:
    """Whether like terms of a form may be collected: square factors are found by factoring, and signs by evalf.

    SymPy's evalf of exp(-10**12) + 1 takes all the memory there is.
    """
    small = all(max(abs(x.p), x.q).bit_length() <= LARGEST_COLLECTED for x in e.atoms(Rational))
    return small and all(_is_moderate(x.args[0]) for x in e.atoms(Function))


def _is_moderate(argument: Expr) -> bool:
    """Whether a constant is of moderate size; one with symbols in it has none."""
    if argument.free_symbols:
        return True
    try:
        return bool(magnitude(argument) < LARGEST_ARGUMENT)
    except CannotEvaluate:
        return False
