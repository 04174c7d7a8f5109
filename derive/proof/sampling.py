"""Steps that hold between numbers: both sides evaluated to many digits at admissible points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.proof.verdict import Grade, Verdict

if TYPE_CHECKING:
    from derive.proof.derivation import Step


def compare_at_points(step: Step) -> Verdict:
    """Return the verdict of the step's own rule on both sides at admissible points.

    A rule with `Evidence.POINTS` brings ``at_points(step)``, which knows how to evaluate what it rewrites.
    """
    check = getattr(step.rule, "at_points", None)
    if check is None:
        return Verdict(Grade.UNDECIDED, f"rule {step.rule.name} cannot be evaluated at points")
    verdict: Verdict = check(step)
    return verdict
