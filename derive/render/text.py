"""A derivation as Unicode text for a terminal."""

from __future__ import annotations

import textwrap

from sympy import Basic, Integer

from derive.errors import InputError
from derive.proof.derivation import Derivation, Statement, Step
from derive.render.brackets import Brackets
from derive.render.breaking import break_text
from derive.render.legend import Item, legend
from derive.render.order import TIMES
from derive.render.outline import Outline, Section
from derive.render.relation_signs import TEXT_RELATIONS, relation_sign
from derive.render.sentences import (
    EXACTNESS,
    LEGEND,
    alarms,
    average_sentences,
    check_choices,
    explained,
    footer,
    grade_sentence,
    ledger,
    scope,
    standing,
)
from derive.render.text_printer import print_text
from derive.words import Words

_GLUE = "\N{NO-BREAK SPACE}"
_NARROWEST = 40
_INDENT = 4


def formula(expression: Basic, brackets: Brackets | None = None) -> str:
    """Return an expression on one line of Unicode text.

    >>> from derive.network import W, i, z
    >>> from sympy import symbols
    >>> formula(z(i, symbols("l")) * W(i, *symbols("l k")))
    'z^i_l W^i_{lk}'
    """
    return print_text(expression, brackets).replace(TIMES, " ")


def statement_text(derivation: Derivation) -> str:
    """Return the statement of a derivation on one line of Unicode text."""
    return relation_text(derivation.statement, Outline(derivation).theorem.brackets)


def relation_text(statement: Statement, brackets: Brackets | None = None) -> str:
    """Return a relation between two expressions on one line of Unicode text."""
    return _relation(statement, brackets).replace(TIMES, " ")


def in_words(words: Words) -> str:
    """Return a sentence with its formulas on one line of Unicode text."""
    return words.render(formula)


def headline(derivation: Derivation) -> str:
    """Return the name, the statement and the grade."""
    steps = "1 step" if len(derivation.steps) == 1 else f"{len(derivation.steps)} steps"
    return f"{derivation.name}: {statement_text(derivation)} ({derivation.grade}, {steps})"


def to_text(derivation: Derivation, *, width: int = 100, depth: str = "full", evidence: str = "inline") -> str:
    """Return a derivation as text, lines at most ``width`` wide (at least 40).

    The statement and its proof come first, then symbols, averages, assumptions, lemmas, and how the steps are known.
    ``depth`` and ``evidence`` are those of `derive.render.latex.to_latex`.

    Raises `InputError` for a width too small to read, another depth or place of evidence.
    """
    if width < _NARROWEST:
        raise InputError(f"width must be at least {_NARROWEST}, got {width}")
    check_choices(depth, evidence)
    return _Page(derivation, width, depth, evidence).render()


def _relation(s: Statement, brackets: Brackets | None) -> str:
    sign = relation_sign(s.relation, TEXT_RELATIONS)
    return f"{print_text(s.lhs, brackets)} {sign} {print_text(s.rhs, brackets)}"


class _Page:
    def __init__(self, derivation: Derivation, width: int, depth: str, evidence: str) -> None:
        self.outline = Outline(derivation, depth)
        self.width = width
        self.evidence = evidence
        self.lines: list[str] = []

    def render(self) -> str:
        outline, derivation = self.outline, self.outline.derivation
        self._prose(derivation.title)
        self._prose(" · ".join(t for t in (derivation.name, derivation.source) if t))
        for words in derivation.intro:
            self._gap()
            self._prose(self._words(words, outline.theorem))
        self._gap()
        self._claim(outline.theorem)
        self._proof(outline.theorem)
        for section in outline.argument[1:]:
            self._section(section)
        self._symbols(legend(outline))
        self._averages()
        self._assumptions()
        for section in outline.background:
            self._section(section)
        self._evidence()
        return "\n".join(line.replace(_GLUE, " ").rstrip() for line in self.lines) + "\n"

    def _section(self, section: Section) -> None:
        self._heading(f"{section.label}. {section.derivation.title}")
        for sentence in average_sentences(section.brackets, self._glued_formula) if section.explains else ():
            self._prose(sentence, _INDENT)
        self._claim(section)
        if section in self.outline.proved:
            self._proof(section)

    # Pieces of the page.

    def _symbols(self, items: list[Item]) -> None:
        if items:
            self._heading("Symbols")
        names = [", ".join(formula(symbol) for symbol in item.symbols) for item in items]
        column = min(20, 2 + max(map(len, names), default=0))
        for name, item in zip(names, items, strict=True):
            ranges = [self._chain((Integer(1), "<=", u, "<=", extent)) for u, extent in item.ranges]
            text = ", ".join([item.meaning.render(self._inline), *ranges])
            lead = " " * _INDENT + name.ljust(column - 2) + "  "
            self._prose(text, len(lead), lead=lead, hang=_INDENT + column)
            for equation in item.definitions:
                self._formula("", print_text(equation), _INDENT + column)

    def _averages(self) -> None:
        sentences = average_sentences(self.outline.brackets, self._glued_formula)
        if sentences:
            self._heading("Averages")
        for sentence in sentences:
            self._prose(sentence, _INDENT)

    def _assumptions(self) -> None:
        for theorem, heading in (
            (True, "Assumptions"),
            (False, "Assumed in lemmas, and discharged where they are used"),
        ):
            chosen = [a for a in self.outline.assumptions if a.theorem is theorem]
            if chosen:
                self._heading(heading)
            if chosen and theorem:
                self._prose(EXACTNESS, _INDENT)
            for a in chosen:
                lead = " " * _INDENT + a.id.ljust(5)
                self._prose(self._words(a.hypothesis.text, self.outline.theorem), len(lead), lead=lead)
                self._prose(f"({standing(a)})", len(lead))

    def _claim(self, section: Section) -> None:
        derivation = section.derivation
        for words in derivation.intro if section.kind != "theorem" else ():
            self._prose(self._words(words, section), _INDENT)
        self._formula("", _relation(derivation.statement, section.brackets), _INDENT)
        self._prose(scope(self.outline, section, self._chain, self._inline), _INDENT)
        if section.kind != "theorem" and derivation.source:
            self._prose(f"Source: {derivation.source}.", _INDENT)

    def _proof(self, section: Section) -> None:
        derivation = section.derivation
        self._gap()
        self._prose("Proof.")
        self._formula("", print_text(derivation.statement.lhs, section.brackets), _INDENT)
        for step in derivation.steps:
            self._step(step, section)
        for words in derivation.remarks:
            self._gap()
            self._prose("Remark. " + self._words(words, section))

    def _step(self, step: Step, section: Section) -> None:
        lead = f"{step.id:>3}. "
        indent = len(lead)
        notes = footer(self.outline, step, marked=self.evidence == "inline")
        note = f" [{'; '.join(notes)}]".replace(", ", f",{_GLUE}") if notes else ""
        self._prose(self._words(step.why, section, step) + note, indent, lead=lead)
        for lemma in self.outline.cited(step):
            title = f"{lemma.heading} ({lemma.derivation.title}): "
            self._formula(title, _relation(lemma.derivation.statement, lemma.brackets), indent)
        sign = relation_sign(step.relation, TEXT_RELATIONS)
        self._formula(sign + " ", print_text(step.after, section.brackets), indent)
        for alarm in alarms(step):
            self._prose(alarm, indent)

    def _evidence(self) -> None:
        if self.evidence == "none":
            return
        self._heading(LEGEND)
        self._prose(grade_sentence(self.outline), _INDENT)
        for section, steps in ledger(self.outline) if self.evidence == "appendix" else ():
            self._prose(f"{section.heading}: {steps}.", _INDENT + 2, lead=" " * _INDENT)
        for line in explained(self.outline):
            self._prose(line, _INDENT + 2, lead=" " * _INDENT)

    # Words and formulas.

    def _inline(self, expression: Basic) -> str:
        return self._glued_formula(expression)

    def _glued_formula(self, expression: Basic, brackets: Brackets | None = None) -> str:
        return self._glued(formula(expression, brackets))

    def _glued(self, shown: str) -> str:
        return shown.replace(" ", _GLUE) if len(shown) <= self.width // 2 else shown

    def _chain(self, chain: tuple[Basic | str, ...]) -> str:
        return _GLUE.join(TEXT_RELATIONS[e] if isinstance(e, str) else formula(e) for e in chain)

    def _words(self, words: Words, section: Section, step: Step | None = None) -> str:
        def show(expression: Basic) -> str:
            cited = self.outline.reference(expression, step) if step is not None else None
            return cited.label.replace(" ", _GLUE) if cited else self._glued_formula(expression, section.brackets)

        return words.render(show)

    # Lines.

    def _gap(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def _heading(self, text: str) -> None:
        self._gap()
        self._prose(text)

    def _prose(self, text: str, indent: int = 0, *, lead: str = "", hang: int | None = None) -> None:
        self.lines += textwrap.wrap(
            text,
            self.width,
            initial_indent=lead or " " * indent,
            subsequent_indent=" " * (indent if hang is None else hang),
            break_on_hyphens=False,
        )

    def _formula(self, lead: str, printed: str, indent: int) -> None:
        """Add a formula after a short lead, broken where it must be, its further lines set in."""
        room = self.width - indent
        if len(lead) > room // 2:
            self._prose(lead.rstrip(), indent)
            lead, indent, room = "", indent + 2, room - 2
        first, *more = break_text(printed, room - len(lead), room - max(len(lead), 2) - 2)
        if len(lead) > 4 and len(lead) + len(first) > room:
            self._prose(lead.rstrip(), indent)
            lead, indent, room = "", indent + 2, room - 2
            first, *more = break_text(printed, room, room - 4)
        self.lines.append(" " * indent + lead + first)
        inset = " " * (indent + max(len(lead) if len(lead) < 4 else 2, 2) + 2)
        self.lines += [inset + line for line in more]
