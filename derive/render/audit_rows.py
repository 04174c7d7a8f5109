"""An audit as text, as plain data and as HTML: what is printed, what was found, and the case that decides it."""

from __future__ import annotations

from html import escape
from textwrap import fill
from typing import Any

from sympy import Basic

from derive.claims.claim import Audit, Claim, Finding
from derive.hypotheses import Hypothesis
from derive.lookup import deciding
from derive.proof.derivation import Statement, Step
from derive.render import html, latex, text
from derive.render.counterexample import sentences
from derive.render.mathml import mathml
from derive.render.order import TIMES
from derive.render.relation_signs import LATEX_RELATIONS, TEXT_RELATIONS, relation_sign
from derive.words import Words

_STEP = "  ="
_HEADLINES = {
    Finding.HOLDS: "holds",
    Finding.HOLDS_IF: "holds if something more is assumed",
    Finding.REFUTED: "refuted",
    Finding.UNDECIDED: "undecided",
}


def to_dict(audit: Audit) -> dict[str, Any]:
    """Return an audit as dictionaries, lists, strings and None; formulas are ``{latex, text}``."""
    claim = audit.claim
    return {
        "id": claim.id,
        "title": claim.title,
        "source": claim.source,
        "where": claim.where,
        "reading": _plain(claim.reading) if claim.reading else None,
        "printed": _statement(claim.printed),
        "hypotheses": [_hypothesis(h) for h in claim.hypotheses],
        "verdict": audit.verdict,
        "evidence": audit.evidence,
        "theorems": list(deciding(claim)),
        "condition": _formula(audit.condition),
        "condition_is": _strength(audit),
        "suffices": [_hypothesis(h) for h in audit.suffices],
        "counterexample": audit.counterexample.to_dict() if audit.counterexample else None,
        "derived": _formula(audit.derived),
        "error": _formula(audit.error),
        "proof": [chain.to_dict() for chain in audit.proof],
    }


def _strength(audit: Audit) -> str | None:
    """Return ``exact`` where the print is right under the condition only, ``sufficient`` where also otherwise."""
    if audit.condition is None:
        return None
    return "exact" if audit.condition_exact else "sufficient"


def condition_label(audit: Audit) -> str:
    """Return the words that go before the condition."""
    return "right when" if audit.condition_exact else "right if"


def condition_note(audit: Audit) -> str:
    """Return the words that go after the condition: whether the print is right under it only."""
    if audit.condition_exact:
        return "and only then"
    if audit.claim.printed.relation == "=>":
        return "sufficient: it is also right where its premise fails"
    return "sufficient: it may be right otherwise, too"


def claim_rows(claim: Claim) -> list[dict[str, Any]]:
    """Return a claim as one row of texts."""
    return [_claim_row(claim)]


def _claim_row(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "title": claim.title,
        "source": f"{claim.source}, {claim.where}",
        "printed": _line(claim.printed),
        "assumes": " ".join(_plain(h.text) for h in claim.hypotheses),
    }


def audit_rows(audit: Audit) -> list[dict[str, Any]]:
    """Return an audit as one row of texts, None where there is nothing to say."""
    derived, condition = (None if e is None else text.formula(e) for e in (audit.derived, audit.condition))
    row = _claim_row(audit.claim) | {
        "verdict": audit.verdict,
        "derived": derived,
        "right_when": condition,
        "right_when_is": _strength(audit),
        "holds_if": " ".join(_plain(h.text) for h in audit.suffices) or None,
        "counterexample": ". ".join(sentences(audit.counterexample)) if audit.counterexample else None,
        "error": None if audit.error is None else text.formula(audit.error),
        "evidence": audit.evidence,
    }
    return [row]


def _formula(expression: Basic | None) -> dict[str, str] | None:
    if expression is None:
        return None
    return {"latex": latex.formula(expression), "text": text.formula(expression)}


def _statement(statement: Statement) -> dict[str, str]:
    return {
        "latex": f"{latex.formula(statement.lhs)} {relation_sign(statement.relation, LATEX_RELATIONS)} "
        f"{latex.formula(statement.rhs)}",
        "text": _line(statement),
    }


def _hypothesis(hypothesis: Hypothesis) -> dict[str, str]:
    return {"key": hypothesis.key, "text": _plain(hypothesis.text)}


def _line(statement: Statement) -> str:
    sign = relation_sign(statement.relation, TEXT_RELATIONS)
    return f"{text.formula(statement.lhs)} {sign} {text.formula(statement.rhs)}"


def _plain(words: Words) -> str:
    return words.render(text.formula)


def to_text(audit: Audit, *, width: int = 100) -> str:
    """Return an audit as Unicode text, wrapped to a width."""
    claim = audit.claim
    rows = [("printed", _line(claim.printed)), ("source", f"{claim.source}, {claim.where}")]
    if claim.reading:
        rows.append(("reading", _plain(claim.reading)))
    rows.append(("assumes", " ".join(_plain(h.text) for h in claim.hypotheses) or "nothing"))
    if audit.derived is not None:
        rows.append(("derived", text.formula(audit.derived)))
    if audit.condition is not None:
        rows.append((condition_label(audit), f"{text.formula(audit.condition)} ({condition_note(audit)})"))
    rows += [("and if" if n else "holds if", _plain(h.text)) for n, h in enumerate(audit.suffices)]
    if audit.counterexample is not None:
        rows += [("counter", row) for row in sentences(audit.counterexample)]
    if audit.error is not None:
        rows.append(("off by", f"{text.formula(audit.error)} of the true value"))
    for chain in audit.proof:
        rows.append(("proof", text.formula(chain.statement.lhs)))
        rows += [(_STEP, f"{text.formula(step.after)}  ({_by(step)})") for step in chain.steps]
    rows.append(("evidence", audit.evidence))
    if deciding(claim):
        rows.append(("decided by", ", ".join(f"varprop derive {name}" for name in deciding(claim))))
    lines = [f"{claim.id}: {_HEADLINES[audit.finding]}", f"  {claim.title}"]
    for label, content in rows:
        indent = " " * 14
        first, hyphens = f"  {label:<12}", label != _STEP
        lines.append(fill(content, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=hyphens))
    return "\n".join(lines)


def _by(step: Step) -> str:
    """Return the rule of a step, and the theorems that it puts in."""
    return " ".join([step.rule.name, *(lemma.name for lemma in step.lemmas)])


def fragment(audit: Audit) -> str:
    """Return an audit with its style sheet, for a notebook."""
    return f'<style>{html.STYLE}{_STYLE}</style><div class="varprop">{to_html(audit)}</div>'


_STYLE = """
.varprop .verdict { color: var(--mark); }
.varprop .verdict::before { content: "· "; }
"""


def to_html(audit: Audit) -> str:
    """Return an audit as one ``<article>``, for a page that has the style sheet of `derive.render.html`."""
    claim = audit.claim

    def words(w: Words) -> str:
        return w.render(html.formula, escape)

    def statement(s: Statement) -> str:
        whole = f"{latex.formula(s.lhs)} {relation_sign(s.relation, LATEX_RELATIONS)} {latex.formula(s.rhs)}"
        return mathml(whole.replace(TIMES, " "), display=True)

    rows = [("printed", statement(claim.printed)), ("source", escape(f"{claim.source}, {claim.where}"))]
    if claim.reading:
        rows.append(("reading", words(claim.reading)))
    rows.append(("assumes", " ".join(words(h.text) for h in claim.hypotheses) or "nothing"))
    if audit.derived is not None:
        rows.append(("derived", html.formula(audit.derived, display=True)))
    if audit.condition is not None:
        condition = f"{html.formula(audit.condition)} ({escape(condition_note(audit))})"
        rows.append((condition_label(audit), condition))
    rows += [("and if" if n else "holds if", words(h.text)) for n, h in enumerate(audit.suffices)]
    if audit.counterexample is not None:
        rows.append(("counterexample", "<br>".join(map(escape, sentences(audit.counterexample)))))
    if audit.error is not None:
        rows.append(("off by", f"{html.formula(audit.error)} of the true value"))
    for chain in audit.proof:
        steps = [f" {step.relation} {latex.formula(step.after)}" for step in chain.steps]
        shown = [html.formula(chain.statement.lhs), *(mathml(step.replace(TIMES, " ")) for step in steps)]
        rules = ["", *(f" <small>{escape(_by(step))}</small>" for step in chain.steps)]
        rows.append(("proof", "<br>".join(map("".join, zip(shown, rules, strict=True)))))
    rows.append(("evidence", escape(audit.evidence)))
    if deciding(claim):
        rows.append(
            ("decided by", ", ".join(f"<code>varprop derive {escape(name)}</code>" for name in deciding(claim)))
        )
    body = "".join(f"<dt>{label}</dt><dd>{content}</dd>" for label, content in rows)
    return (
        f'<article class="audit {audit.verdict}" id="{escape(claim.id)}"><h3>{escape(claim.title)} '
        f'<span class="verdict">{escape(_HEADLINES[audit.finding])}</span></h3><dl>{body}</dl></article>'
    )
