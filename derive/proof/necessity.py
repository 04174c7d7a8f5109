"""Is every hypothesis of a theorem needed? Take one away, and look for a tiny world in which the theorem fails."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, Integer

from derive.averages import SharedVariance, Variance
from derive.hypotheses import Hypothesis
from derive.proof.derivation import Derivation
from derive.proof.laboratory import Laboratory
from derive.proof.verdict import Counterexample
from derive.randomness import EVERYTHING, Entry, Over
from derive.setting import Setting


def necessary(derivation: Derivation) -> dict[str, Counterexample | None]:
    """Return, for each hypothesis about a law, a tiny world that refutes the theorem without it, or None.

    The world has all other hypotheses and no others. A counterexample proves that the hypothesis cannot just be
    dropped; None says only that no tiny world needs it. Where a shared variance is not declared, the variance of the
    first scalar is read for it. Hypotheses that lay down an equation, a choice rather than a law, are left out, and so
    are those that no finite law breaks.
    """
    return {h.key: without(derivation, h) for h in derivation.assumptions if _about_laws(h)}


def _about_laws(hypothesis: Hypothesis) -> bool:
    return any(not p.kind.analytic for p in hypothesis.properties)


def without(derivation: Derivation, hypothesis: Hypothesis) -> Counterexample | None:
    """Return the smallest counterexample found to the statement, or to a part of it, without one hypothesis."""
    for statement in _resting_on(derivation, hypothesis):
        found = refute(statement, statement.setting.without(hypothesis.key))
        if found is not None:
            return found
    return None


def refute(derivation: Derivation, setting: Setting) -> Counterexample | None:
    """Return the smallest counterexample found to a derivation's statement in the worlds of another setting.

    A statement that rests on an equation which somebody lays down says nothing about worlds without it: None.
    """
    if not all(h.properties for h in derivation.rests_on):
        return None
    claim = derivation.statement
    laboratory = Laboratory(setting, critical=claim.relation in ("<=>", "=>"), smallest_first=True)
    return laboratory.compare(_spelled_out(claim.lhs), claim.relation, _spelled_out(claim.rhs)).counterexample


def _resting_on(derivation: Derivation, hypothesis: Hypothesis) -> Iterator[Derivation]:
    if hypothesis in derivation.rests_on:
        yield derivation
    for part in derivation.parts:
        yield from _resting_on(part, hypothesis)


def _spelled_out(expression: Basic) -> Basic:
    """Return the expression with each shared variance replaced by the variance of the first scalar."""

    def first(shared: SharedVariance) -> Variance:
        family = shared.family
        units = (Integer(1),) * len(family.extents(Integer(0)))
        return Variance(
            Entry(family, *shared.layer, *units), Over("any randomness", (*EVERYTHING.sources, family.source))
        )

    return expression.xreplace({shared: first(shared) for shared in expression.atoms(SharedVariance)})
