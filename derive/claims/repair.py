"""Which further hypotheses make a claim right: from the catalogue, and from the theorems that it is held against."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from derive.claims.by_rules import completed
from derive.claims.claim import Claim
from derive.claims.decision import compare
from derive.claims.reduction import Comparison, built
from derive.errors import InputError
from derive.hypotheses import CATALOGUE, Hypothesis, Kind
from derive.network import Activation
from derive.proof.laboratory import Laboratory
from derive.proof.verdict import Grade, Verdict
from derive.setting import Setting

_FEW = 2


def repair(claim: Claim, setting: Setting) -> tuple[tuple[Hypothesis, ...], Comparison | None]:
    """Return the fewest further hypotheses under which the claim holds, with the comparison under them.

    One or two of the catalogue and of the theorems' are tried, then all that the theorems rest on, less those that it
    holds without; then those that the rules rest on where they prove it.
    """
    theirs = _of_theorems(claim)
    candidates = [h for h in dict.fromkeys((*CATALOGUE, *theirs)) if h not in setting.hypotheses]
    candidates = [h for h in candidates if not contradict((*setting.hypotheses, h))]
    for size in range(1, _FEW + 1):
        for more in combinations(candidates, size):
            found = _holds(claim, setting.assuming(*more))
            if found is not None:
                return more, found
    needed = [h for h in candidates if h in theirs]
    if contradict((*setting.hypotheses, *needed)):
        return (), None
    found = _holds(claim, setting.assuming(*needed)) if len(needed) > _FEW else None
    if found is None:
        return completed(claim, setting)
    for h in tuple(needed):
        fewer = [k for k in needed if k != h]
        without = _holds(claim, setting.assuming(*fewer))
        if without is not None:
            needed, found = fewer, without
    return tuple(needed), found


def contradict(hypotheses: Iterable[Hypothesis]) -> bool:
    """Return whether hypotheses lay down different activation functions."""
    return len({e for h in hypotheses for e in h.equations if isinstance(e.lhs, Activation)}) > 1


def _of_theorems(claim: Claim) -> tuple[Hypothesis, ...]:
    found = (h for build in claim.against for h in built(build).rests_on)
    return tuple(dict.fromkeys(h for h in found if not h.declares(Kind.DEFINITION)))


def _holds(claim: Claim, setting: Setting) -> Comparison | None:
    found = compare(claim, setting)
    return found if found.agrees and refute(claim, setting).counterexample is None else None


def refute(claim: Claim, setting: Setting) -> Verdict:
    """Return what tiny worlds say of the printed statement, with the smallest world that refutes it, if one does."""
    laboratory = Laboratory(setting, every=claim.printed.relation != "=", smallest_first=True)
    verdict = laboratory.compare(claim.printed.lhs, claim.printed.relation, claim.printed.rhs)
    if verdict.grade is Grade.FAILED and verdict.counterexample is None:
        raise InputError(f"{claim.id} cannot be audited as stated: {verdict.evidence}")
    return verdict
