"""A derivation as plain data: the JSON of the command line, documented in docs/json.md."""

from __future__ import annotations

from typing import Any

from sympy import Basic

from derive.proof.derivation import Derivation, Step
from derive.proof.oracle import Oracle
from derive.render import latex, text
from derive.render.brackets import Brackets
from derive.render.legend import Item, legend
from derive.render.outline import Assumption, Outline, Section
from derive.render.relation_signs import LATEX_RELATIONS, TEXT_RELATIONS, relation_sign
from derive.render.sentences import average_sentences, scope
from derive.words import Words


def to_dict(derivation: Derivation) -> dict[str, Any]:
    """Return a derivation as dictionaries, lists, strings, numbers and booleans.

    A formula is ``{"latex": ..., "text": ...}``; ``uses`` lists ids of assumptions, then names of lemmas.
    """
    outline = Outline(derivation)
    names = _names(outline)
    return {
        **_section(outline, outline.theorem, names),
        "source": derivation.source,
        "over": _over(outline),
        "symbols": [_symbol(item) for item in legend(outline)],
        "assumptions": [_assumption(outline, a) for a in outline.assumptions],
        "parts": [_part(outline, s, names) for s in outline.parts],
        "lemmas": [_part(outline, s, names) for s in outline.lemmas],
    }


def rows(derivation: Derivation) -> list[dict[str, Any]]:
    """Return the steps as a table: formulas as text, and what a step rests on in one cell."""
    names = ("id", "relation", "before", "after", "rule", "why", "uses", "verdict", "evidence")
    steps = to_dict(derivation)["steps"]
    return [{name: _cell(step[name]) for name in names} for step in steps]


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return value["text"]
    return ", ".join(value) if isinstance(value, list) else value


def _names(outline: Outline) -> dict[int, str]:
    """Return a name for every section: its derivation's, numbered where two would share it."""
    names: dict[int, str] = {}
    for section in outline.sections:
        name, count = section.derivation.name, 1
        while name in names.values():
            count += 1
            name = f"{section.derivation.name}-{count}"
        names[id(section)] = name
    return names


def _formula(expression: Basic, brackets: Brackets | None = None) -> dict[str, str]:
    return {"latex": latex.formula(expression, brackets), "text": text.formula(expression, brackets)}


def _words(words: Words, brackets: Brackets) -> str:
    return words.render(lambda e: text.formula(e, brackets))


def _section(outline: Outline, section: Section, names: dict[int, str]) -> dict[str, Any]:
    derivation, brackets = section.derivation, section.brackets
    s = derivation.statement
    left, right = _formula(s.lhs, brackets), _formula(s.rhs, brackets)
    signs = {"latex": relation_sign(s.relation, LATEX_RELATIONS), "text": relation_sign(s.relation, TEXT_RELATIONS)}
    return {
        "name": names[id(section)],
        "title": derivation.title,
        "statement": {form: f"{left[form]} {signs[form]} {right[form]}" for form in ("latex", "text")},
        "holds": scope(outline, section, _chain, text.formula),
        "intro": [_words(w, brackets) for w in derivation.intro],
        "steps": [_step(outline, section, step, names) for step in derivation.steps],
        "remarks": [_words(w, brackets) for w in derivation.remarks],
        "grade": str(derivation.grade),
        "oracle": _oracle(derivation.oracle),
    }


def _oracle(oracle: Oracle | None) -> dict[str, Any] | None:
    if oracle is None:
        return None
    return {
        "source": oracle.source,
        "cases": [case.words for case in oracle.cases],
        "verdict": str(oracle.verdict.grade),
        "evidence": oracle.verdict.evidence,
    }


def _part(outline: Outline, section: Section, names: dict[int, str]) -> dict[str, Any]:
    averages = average_sentences(section.brackets, text.formula) if section.explains else []
    return {
        **_section(outline, section, names),
        "label": section.label,
        "source": section.derivation.source,
        "averages": averages,
        "assumes": outline.assumed(section),
    }


def _step(outline: Outline, section: Section, step: Step, names: dict[int, str]) -> dict[str, Any]:
    def show(expression: Basic) -> str:
        cited = outline.reference(expression, step)
        return cited.label if cited else text.formula(expression, section.brackets)

    found = {
        "id": step.id,
        "relation": step.relation,
        "before": _formula(step.before, section.brackets),
        "after": _formula(step.after, section.brackets),
        "rule": step.rule.name,
        "why": step.why.render(show),
        "uses": [*outline.uses(step), *(names[id(s)] for s in outline.cited(step))],
        "verdict": str(step.verdict.grade),
        "evidence": step.verdict.evidence,
    }
    if step.verdict.counterexample is not None:
        found["counterexample"] = step.verdict.counterexample.to_dict()
    return found


def _over(outline: Outline) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for section in outline.sections:
        for over, samples in section.brackets.legend():
            entry = found.setdefault(
                over.name,
                {"name": over.name, "style": over.style, "sources": [s.name for s in over.sources], "brackets": []},
            )
            shown = (text.formula(sample, section.brackets) for sample in samples)
            entry["brackets"] += [b for b in shown if b not in entry["brackets"]]
    return list(found.values())


def _symbol(item: Item) -> dict[str, Any]:
    return {
        "symbols": [_formula(symbol) for symbol in item.symbols],
        "meaning": item.meaning.render(text.formula),
        "definitions": [_formula(equation) for equation in item.definitions],
    }


def _assumption(outline: Outline, assumption: Assumption) -> dict[str, Any]:
    h = assumption.hypothesis
    return {
        "id": assumption.id,
        "key": h.key,
        "text": _words(h.text, outline.theorem.brackets),
        "exact": h.exact,
        "source": h.source,
        "scope": "theorem" if assumption.theorem else "lemma",
    }


def _chain(chain: tuple[Basic | str, ...]) -> str:
    return " ".join(TEXT_RELATIONS[e] if isinstance(e, str) else text.formula(e) for e in chain)
