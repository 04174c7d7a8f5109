"""The slow part of a report: theorems to derive and check, claims to audit; each a task for any process."""

from __future__ import annotations

import derive
from derive.proof.checking import Checker
from derive.randomness import EVERYTHING
from derive.render.brackets import Brackets
from derive.render.html import fragment
from derive.render.outline import Outline, Section
from derive.render.sentences import average_sentences
from numerics.kernels import kernel
from numerics.report.audits import audit_entry
from numerics.report.contents import Audited, Theorem
from numerics.report.formulas import formula, stated

Task = tuple[str, str]
"""A kind, ``"theorem"`` or ``"claim"``, and a name."""

_CHECKER = Checker()


def perform(task: Task) -> Theorem | Audited:
    """Derive, check and render a theorem, or audit and render a claim."""
    kind, name = task
    if kind == "claim":
        audit = derive.claim(name).audit()
        return Audited(name, audit.verdict, audit_entry(audit), audit.to_dict())
    # One checker a process: what several theorems rest on is checked once.
    checked = _CHECKER.check(derive.theorem(name))
    derivation = checked.derivation
    outline = Outline(derivation)
    try:
        source = kernel(derivation).source.rstrip()
    except (ValueError, TypeError):  # a condition, or a mean that has no closed form, has no value to compute
        source = None
    return Theorem(
        name=name,
        title=derivation.title,
        source=derivation.source,
        grade=str(checked.grade),
        passed=checked.passed,
        failures=list(checked.failures),
        statements=[_statement(section) for section in (outline.theorem, *outline.parts)],
        averages=_averages(outline.brackets),
        fragment=fragment(derivation, style=False),
        html=derivation.html(),
        latex=derivation.latex(standalone=True),
        kernel=source,
        over=tuple(over.describe() for over, _ in outline.brackets.legend()),
    )


def _statement(section: Section) -> tuple[str, str]:
    title = "" if section.kind == "theorem" else section.derivation.title
    return title, stated(section.derivation.statement, section.brackets)


def _averages(brackets: Brackets) -> list[str]:
    """Return what the averages of a theorem are over, unless they are those that the page explains at its beginning."""
    if all(over == EVERYTHING for over, _ in brackets.legend()):
        return []
    return average_sentences(brackets, formula)
