"""Sentences that every format shares, as words with formulas: where a statement holds, what an average is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sympy import Basic

from derive.proof.derivation import Derivation, Step
from derive.proof.oracle import NOT_RUN, gathered
from derive.proof.verdict import Grade
from derive.render.brackets import Brackets
from derive.render.outline import Assumption, Outline, Section, conditions, free_units

Show = Callable[[Basic], str]


def listed(items: Iterable[str]) -> str:
    """Return "a, b and c"."""
    given = list(items)
    return given[0] if len(given) == 1 else ", ".join(given[:-1]) + " and " + given[-1] if given else ""


def validity(derivation: Derivation, chain: Callable[[tuple[Basic | str, ...]], str], show: Show) -> str:
    """Return "for 0 <= i <= d and every k", or nothing where a statement has no free index."""
    free = derivation.statement.lhs.free_symbols | derivation.statement.rhs.free_symbols
    ranges = [
        chain(c)
        for c in conditions(derivation.setting)
        if any(isinstance(e, Basic) and e.free_symbols & free for e in c)
    ]
    units = [show(u) for u in free_units(derivation)]
    ranges += [f"every {listed(units)}"] if units else []
    return f"for {listed(ranges)}" if ranges else ""


def support(outline: Outline, section: Section) -> str:
    """Return "assuming A1, A2"."""
    assumed = outline.assumed(section)
    return f"assuming {', '.join(assumed)}" if assumed else "with no assumption"


def scope(outline: Outline, section: Section, chain: Callable[[tuple[Basic | str, ...]], str], show: Show) -> str:
    """Return the sentence that says where a statement holds and what it assumes."""
    clauses = [c for c in (validity(section.derivation, chain, show), support(outline, section)) if c]
    text = ", ".join(clauses) + "."
    return text[0].upper() + text[1:]


def average_sentences(brackets: Brackets, show: Callable[[Basic, Brackets], str]) -> list[str]:
    """Return, for every average that occurs, "E[.] and Var[.] are taken over the input and the weights."."""
    sentences = []
    for over, samples in brackets.legend():
        shown = listed(show(s, brackets) for s in samples)
        verb = "is" if len(samples) == 1 else "are"
        sentences.append(f"{shown} {verb} taken over {over.describe()}.")
    return sentences


EXACTNESS = "“Exact” means that it can hold exactly at finite width; an “approximation” replaces the network one means."


def standing(assumption: Assumption) -> str:
    """Return whether an assumption can hold exactly, and where it is stated."""
    h = assumption.hypothesis
    kind = "exact" if h.exact else "approximation"
    return f"{kind}; {h.source}" if h.source else kind


def footer(outline: Outline, step: Step) -> list[str]:
    """Return how a step is known: its rule, the assumptions it uses, and its verdict."""
    uses = outline.uses(step)
    return [step.rule.name, *([f"uses {', '.join(uses)}"] if uses else []), outline.verdict(step)]


def grade_sentences(outline: Outline) -> list[str]:
    """Return the grade of the whole, and what the usual verdict of a step means."""
    sentences = [f"Grade: {outline.derivation.grade}, that of the weakest step."]
    usual = outline.usual
    if usual is not None and usual.evidence:
        sentences.append(f"A step marked “{usual.grade}” and nothing more: {usual.evidence}.")
    return sentences + independent_check(outline.derivation)


def independent_check(derivation: Derivation) -> list[str]:
    """Return what the oracles of a theorem and of its parts say, in one sentence; nothing where there is none."""
    oracles = list(gathered(derivation))
    if not oracles:
        return []
    sources = "; ".join(dict.fromkeys(source for oracle in oracles for source in oracle.source.split("; ")))
    refuted = [o.verdict for o in oracles if o.verdict.grade is Grade.FAILED]
    if refuted:
        return [f"Independent check: failed: {refuted[0].evidence} ({sources})."]
    if any(o.verdict == NOT_RUN for o in oracles):
        return [f"Independent check: {NOT_RUN.evidence} ({sources})."]
    count = sum(len(o.cases) for o in oracles)
    return [f"Independent check: {count} case{'s agree' if count > 1 else ' agrees'} ({sources})."]
