"""The audit on a page: what is printed, the verdict, what is derived, and the world that refutes the print."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from derive.claims.claim import Audit
from derive.proof.derivation import Statement
from derive.render.audit_rows import condition_label, condition_note
from derive.render.counterexample import sentences
from numerics.report.contents import Audited
from numerics.report.formulas import chip, displayed, folded, formula, stated
from numerics.report.spelled import spelled

_LOOKS = {"holds": "good", "holds-if": "mind", "refuted": "bad"}


def audit_list(audits: Sequence[Audited], theorems: Collection[str], page: str = "") -> str:
    """Return audits one after the other, each with links to those of the theorems on a page that decide it."""
    return "\n".join(_article(audit, theorems, page) for audit in audits)


def _article(audit: Audited, theorems: Collection[str], page: str) -> str:
    links = ", ".join(
        f'<a href="{page}#{escape(name)}"><code>{escape(name)}</code></a>' if name in theorems else escape(name)
        for name in audit.data["theorems"]
    )
    decided = f'<p class="dim">Decided by {links}</p>' if links else '<p class="dim">Decided by computing it</p>'
    about = f'id="{escape(audit.id)}" data-verdict="{audit.verdict}" data-source="{escape(audit.data["source"])}"'
    return f'<article class="claim" {about}>{audit.entry}{decided}</article>'


def audit_entry(audit: Audit) -> str:
    """Return what stands in the place of an audit: the claim with its verdict, and what was found."""
    claim = audit.claim
    parts = [f"<h4>{escape(claim.title)} {chip(audit.verdict, _LOOKS.get(audit.verdict, ''))}</h4>"]
    parts.append(f'<p class="dim"><code>{escape(claim.id)}</code> · {spelled(f"{claim.source}; {claim.where}.")}</p>')
    parts.append(stated(claim.printed))
    if claim.reading is not None:
        parts.append(f'<p class="dim">Read so: {claim.reading.render(formula, spelled)}</p>')
    if audit.verdict != "holds":
        parts += _correction(audit)
    if audit.error is not None:
        parts.append(f"<p>Off by {formula(audit.error)} of the true value.</p>")
    if audit.counterexample is not None:
        told = "".join(f"<p>{spelled(sentence)}.</p>" for sentence in sentences(audit.counterexample))
        case = "network" if "laws" in audit.counterexample.world else "case"
        parts.append(folded(f"A {case} in which it is wrong", f"<div>{told}</div>"))
    return "".join(parts)


def _correction(audit: Audit) -> list[str]:
    printed, parts = audit.claim.printed, []
    if audit.derived is not None and audit.derived != audit.condition:
        derived = Statement(printed.lhs, "=", audit.derived) if printed.relation == "=" else audit.derived
        parts.append(f"<p>Derived:</p>{stated(derived) if isinstance(derived, Statement) else displayed(derived)}")
    if audit.suffices:
        listed = " ".join(h.text.render(formula, escape) for h in audit.suffices)
        parts.append(f"<p>It holds if this is assumed too: {listed}</p>")
    if audit.condition is not None:
        parts.append(f"<p>It is {condition_label(audit)}</p>{displayed(audit.condition)}")
        parts.append(f"<p>({condition_note(audit)})</p>")
    return parts
