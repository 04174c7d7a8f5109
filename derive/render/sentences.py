"""Sentences that every format shares, as words with formulas: where a statement holds, what an average is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sympy import Basic

from derive.errors import InputError
from derive.proof.derivation import Derivation, Step
from derive.proof.oracle import NOT_RUN, gathered
from derive.proof.verdict import Grade
from derive.render.brackets import Brackets
from derive.render.evidence import known
from derive.render.outline import Assumption, Outline, Section, conditions, free_units

DEPTHS = ("main", "full")
"""How much is written out: the argument, or its lemmas too."""

EVIDENCE = ("inline", "appendix", "none")
"""Where the evidence stands: as marks at the steps, explained below; as a list below; or nowhere."""


def check_choices(depth: str, evidence: str) -> None:
    """Raise `InputError` for a depth or a place of evidence that there is not."""
    for name, value, choices in (("depth", depth, DEPTHS), ("evidence", evidence, EVIDENCE)):
        if value not in choices:
            raise InputError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


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


def support(outline: Outline, section: Section, cite: Callable[[str], str] = str) -> str:
    """Return "assuming A1, A2"."""
    assumed = [cite(name) for name in outline.assumed(section)]
    return f"assuming {', '.join(assumed)}" if assumed else "with no assumption"


def scope(
    outline: Outline,
    section: Section,
    chain: Callable[[tuple[Basic | str, ...]], str],
    show: Show,
    cite: Callable[[str], str] = str,
) -> str:
    """Return the sentence that says where a statement holds and what it assumes; ``cite`` refers to an assumption."""
    clauses = [c for c in (validity(section.derivation, chain, show), support(outline, section, cite)) if c]
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


EXACTNESS = (
    "An assumption is “exact” if a network of finite width can fulfil it; with an “approximation” the result is that "
    "of an idealised network. The grade is another thing: how the steps are known, given the assumptions."
)


def standing(assumption: Assumption) -> str:
    """Return whether an assumption can hold exactly, and where it is stated."""
    h = assumption.hypothesis
    kind = "exact" if h.exact else "approximation"
    return f"{kind}; {h.source}" if h.source else kind


def footer(outline: Outline, step: Step, *, marked: bool = True, cite: Callable[[str], str] = str) -> list[str]:
    """Return what stands at a step in short: the assumptions it uses, and the mark that tells how it is known."""
    used = ", ".join(map(cite, outline.uses(step)))
    return [note for note in (used, outline.marks.of(step) if marked else "") if note]


def alarms(step: Step) -> list[str]:
    """Return what must be said at a step in full: that it failed or is undecided, and the counterexample."""
    found = known(step)
    return [s for s in (found.alarm, found.counterexample and f"Counterexample: {found.counterexample}") if s]


def grade_sentence(outline: Outline) -> str:
    """Return the grade of the whole, or that nobody has checked it yet, and what the independent check says."""
    grade = f"Grade: {outline.derivation.grade}, that of the weakest step."
    if outline.marks.unchecked:
        grade = "Grade: undecided until it is checked (--check on the command line, check() in Python)."
    return " ".join([grade, *independent_check(outline.derivation)])


def explained(outline: Outline) -> list[str]:
    """Return what each mark means, a line each: "[a] exact: ...", or "All steps: exact: ..." where there is none."""
    return [f"[{mark}] {meaning}." if mark else f"All steps: {meaning}." for mark, meaning in outline.marks.legend()]


LEGEND = "How the steps are known"
"""The heading of the legend of the marks."""


def ledger(outline: Outline) -> list[tuple[Section, str]]:
    """Return the steps of every section that is proved, with rules and marks: "1 induction [a], 2 reindex [b]"."""

    def entry(step: Step) -> str:
        mark = outline.marks.of(step)
        return f"{step.id} {known(step).rule}" + (f" [{mark}]" if mark else "")

    return [(s, ", ".join(map(entry, s.derivation.steps))) for s in outline.proved]


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
