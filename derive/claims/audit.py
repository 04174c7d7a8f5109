"""The audit of a claim: the derived formula beside the printed one, and a search for a world that refutes it.

The verdict follows from two independent findings, which must not contradict each other: whether the print agrees with
what is derived, and whether some tiny world (or point) with the stated hypotheses, and no others, refutes it.

- ``holds``: it agrees, or the rules of inference prove it, and nothing refutes it. An implication whose premise is
  false holds vacuously. An approximation holds to the digits printed, or in its limit; `Audit.error` says how far off
  it is.
- ``holds-if``: it is refuted or not derived under the stated hypotheses, and right under further ones, from the
  catalogue, from the theorems that it is held against, or read off a proof by the rules; or it is a function that rests
  on hypotheses which its source does not state.
- ``refuted``: refuted, and no further hypothesis repairs it. It may still be right for special widths and variances:
  ``condition`` says when, and ``condition_exact`` whether only then.
- ``undecided``: nothing derived agrees with it, and nothing refutes it.
"""

from __future__ import annotations

from dataclasses import replace

from derive.claims.by_rules import proved
from derive.claims.claim import Audit, Claim, Finding
from derive.claims.decision import compare
from derive.claims.logic import VACUOUS
from derive.claims.numbers import approximates, compare_numbers, refute_at_points, unstated
from derive.claims.reduction import Comparison
from derive.claims.repair import refute, repair
from derive.claims.sizes import refute_at_sizes
from derive.hypotheses import FINITE_MOMENTS, NONDEGENERATE, Hypothesis
from derive.proof.scope import declared_in, scope_of
from derive.proof.verdict import Grade, Verdict
from derive.setting import Setting


class Inconsistent(Exception):
    """The derivation and the tiny worlds contradict each other: a defect of this project, not of the claim."""


def audit(claim: Claim) -> Audit:
    """Return the audit of a claim; see the module's docstring for what the verdicts mean."""
    if claim.told is not None:
        claim = replace(claim, reading=claim.told())
    setting = claim.setting.assuming(*usual(claim))
    if claim.printed.relation == "≈" and claim.decimal is None:
        return _audit_approximation(claim, setting)
    if claim.analytic:
        return _audit_numbers(claim, setting)
    return _audit_statement(claim, setting)


def usual(claim: Claim) -> tuple[Hypothesis, ...]:
    """Return what goes without saying: moments exist, and nothing that the claim speaks of is degenerate."""
    spoken = scope_of(*declared_in(claim.setting), claim.printed.lhs, claim.printed.rhs).drawn
    about = any(p.family in spoken for p in NONDEGENERATE.properties)
    return (NONDEGENERATE, FINITE_MOMENTS) if about else (FINITE_MOMENTS,)


def _audit_statement(claim: Claim, setting: Setting) -> Audit:
    found, tried = compare(claim, setting), refute(claim, setting)
    if found.agrees:
        if tried.counterexample is not None:
            raise Inconsistent(f"{claim.id} is {found.how}, and refuted: {tried.counterexample}")
        return Audit(claim, Finding.HOLDS, _agreed(found, tried.grade), derived=found.derived)
    if tried.counterexample is None and found.differs and _enumerated(tried):
        raise Inconsistent(f"{claim.id} differs from what is derived, and no tiny world refutes it")
    against, how = tried.counterexample, "a tiny world refutes it"
    of_formulas = claim.printed.relation in ("=", "!=", "<", "<=")
    if against is None and found.derived is not None and of_formulas and not _enumerated(tried):
        against, how = refute_at_sizes(claim, found.derived, setting), "it is not what is derived, at some sizes"
    by_rules = proved(claim, setting) if against is None else None
    if by_rules is not None:
        return Audit(claim, Finding.HOLDS, _agreed(by_rules[0], tried.grade), proof=by_rules[0].proof)
    missing, repaired = repair(claim, setting)
    proof = () if repaired is None else repaired.proof
    derived = found.derived if repaired is None or found.derived is not None else repaired.derived
    refuted = against is not None
    if repaired is not None:
        stated = f"{how} as stated" if refuted else "as stated it does not follow from what is derived"
        finding, evidence = Finding.HOLDS_IF, f"{stated}; with the further hypothesis it is {repaired.how}"
    elif refuted:
        finding = Finding.REFUTED
        evidence = f"{how}, and no hypothesis of the catalogue or of a theorem repairs it"
    else:
        finding = Finding.UNDECIDED
        evidence = f"it does not follow from what is derived, and nothing refutes it ({tried.evidence})"
    exact = None if found.condition is None else found.exact
    return Audit(claim, finding, evidence, found.condition, exact, missing, derived, against, proof=proof)


def _enumerated(tried: Verdict) -> bool:
    return tried.grade is Grade.ENUMERATED


def _agreed(found: Comparison, grade: Grade) -> str:
    if found.how == VACUOUS:
        return found.how
    tried = "no tiny world refutes it" if grade is Grade.ENUMERATED else "no tiny world can tell"
    return f"{found.how}; {tried}"


def _audit_numbers(claim: Claim, setting: Setting) -> Audit:
    found = compare_numbers(claim)
    assert found.derived is not None
    refuted = refute_at_points(claim, found.derived)
    if found.agrees and refuted is not None:
        raise Inconsistent(f"{claim.id}: {found.how}, and refuted: {refuted}")
    shown = found.error if claim.decimal is not None or not found.agrees else None
    if found.agrees:
        missing = unstated(claim, setting)
        evidence = f"{found.how}; no point refutes it"
        if missing:
            evidence += "; the derivation rests on more than the source states"
        finding = Finding.HOLDS_IF if missing else Finding.HOLDS
        return Audit(claim, finding, evidence, suffices=missing, derived=found.derived, error=shown)
    if refuted is None:
        evidence = "it is not known to be identical to the derived formula, and no point refutes it"
        return Audit(claim, Finding.UNDECIDED, evidence, derived=found.derived, error=shown)
    evidence = "refuted at a point, to many digits"
    if found.condition is None:
        return Audit(claim, Finding.REFUTED, evidence, derived=found.derived, counterexample=refuted, error=shown)
    evidence += "; the difference vanishes under the condition"
    return Audit(claim, Finding.HOLDS_IF, evidence, found.condition, found.exact, (), found.derived, refuted, shown)


def _audit_approximation(claim: Claim, setting: Setting) -> Audit:
    if claim.off is None:
        return Audit(claim, Finding.UNDECIDED, "an approximation; nothing says how far off it may be")
    found, missing = approximates(claim), unstated(claim, setting)
    if not found.agrees:
        evidence = "an approximation, whose relative error does not go to zero"
        return Audit(claim, Finding.REFUTED, evidence, derived=found.derived, error=found.error)
    finding = Finding.HOLDS_IF if missing else Finding.HOLDS
    return Audit(claim, finding, found.how, suffices=missing, derived=found.derived, error=found.error)
