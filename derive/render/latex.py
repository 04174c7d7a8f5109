r"""A derivation as LaTeX: a fragment to be put into a paper by ``\input``, or a document that compiles on its own."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sympy import Basic, Integer

from derive.proof.derivation import Derivation, Statement, Step
from derive.render.brackets import Brackets
from derive.render.breaking import break_latex
from derive.render.delimiters import TEXT
from derive.render.escaping import escape
from derive.render.latex_printer import print_latex
from derive.render.legend import Item, legend
from derive.render.order import TIMES
from derive.render.outline import Assumption, Outline, Section
from derive.render.relation_signs import LATEX_RELATIONS, relation_sign
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
from derive.render.widths import latex_width
from derive.words import Words

COLUMN = 41.0
"""How many letters wide a displayed line may be: a column of a paper, in this document as in others."""

_INSET = 2.0

PACKAGES = r"\usepackage{amsmath,amssymb}"

PREAMBLE = rf"""\documentclass[10pt,fleqn,twocolumn]{{article}}
\usepackage[utf8]{{inputenc}}
\usepackage[a4paper,margin=16mm,bottom=20mm,columnsep=9mm]{{geometry}}
{PACKAGES}
\setlength{{\mathindent}}{{1em}}
\raggedbottom
\begin{{document}}
"""

# Everything is local to a group: the paper's own settings are as before when the fragment ends.
_OPENING = r"""\begingroup
\allowdisplaybreaks
\setlength{\parindent}{0pt}\setlength{\parskip}{2pt plus 2pt}
\setlength{\abovedisplayskip}{3pt plus 2pt}\setlength{\belowdisplayskip}{3pt plus 2pt}
\setlength{\abovedisplayshortskip}{1pt plus 2pt}\setlength{\belowdisplayshortskip}{2pt plus 2pt}
\setlength{\jot}{2pt}\sloppy
\makeatletter
\def\varproplabel#1#2{{\ifdefined\phantomsection\phantomsection\fi\def\@currentlabel{#2}\label{#1}}}
\makeatother"""


def formula(expression: Basic, brackets: Brackets | None = None, *, inline: bool = False) -> str:
    """Return an expression as LaTeX on one line; ``inline`` keeps fractions low, for a line of prose.

    >>> from derive.network import W, i, z
    >>> from sympy import symbols
    >>> formula(z(i, symbols("l")) * W(i, *symbols("l k")))
    'z^{i}_{l} W^{i}_{lk}'
    """
    return print_latex(expression, brackets, inline=inline).replace(TIMES, " ")


def statement_latex(derivation: Derivation) -> str:
    """Return the statement of a derivation as LaTeX on one line, without delimiters."""
    return relation_latex(derivation.statement, Outline(derivation).theorem.brackets)


def relation_latex(statement: Statement, brackets: Brackets | None = None) -> str:
    """Return a relation between two expressions as LaTeX on one line, without delimiters."""
    return _relation(statement, brackets).replace(TIMES, " ")


def statement_in_notebook(derivation: Derivation) -> str:
    """Return the statement of a derivation as a notebook shows it."""
    return f"${statement_latex(derivation)}$"


def relation_in_notebook(statement: Statement) -> str:
    """Return a relation between two expressions as a notebook shows it."""
    return rf"$\displaystyle {relation_latex(statement)}$"


def to_latex(derivation: Derivation, *, standalone: bool = False, depth: str = "full", evidence: str = "inline") -> str:
    """Return a derivation as LaTeX: the statement and its proof, then symbols, assumptions, lemmas and evidence.

    A fragment needs the packages that its first line names, and its lines fit a column of a paper; ``standalone``
    makes a document (article, amsmath, amssymb, geometry) of it.
    Labels begin with the derivation's name: ``backward-variance`` is the equation, ``backward-variance:lemma-2``
    and ``backward-variance:A3`` are what they say.
    ``depth`` is ``"main"`` (lemmas beside the argument by their statements alone) or ``"full"``; ``evidence`` is
    ``"inline"`` (a mark at each step, explained at the end), ``"appendix"`` (a list at the end) or ``"none"``.

    Raises `InputError` for another depth or place of evidence.
    """
    check_choices(depth, evidence)
    page = _Page(Outline(derivation, depth), evidence)
    return page.document() if standalone else page.fragment()


def _relation(s: Statement, brackets: Brackets | None, *, inline: bool = False) -> str:
    sign = relation_sign(s.relation, LATEX_RELATIONS)
    pad = r" \;" if s.relation in ("<=>", "=>") else " "
    left, right = (print_latex(e, brackets, inline=inline) for e in (s.lhs, s.rhs))
    return f"{left}{pad}{sign}{pad.rstrip()} {right}"


class _Page:
    def __init__(self, outline: Outline, evidence: str) -> None:
        self.outline = outline
        self.evidence = evidence

    # The two forms.

    def fragment(self) -> str:
        derivation = self.outline.derivation
        about = f"% {derivation.title} ({derivation.name})"
        return "\n".join([f"% {PACKAGES}", about, *self._body()]) + "\n"

    def document(self) -> str:
        return "\n".join([PREAMBLE.rstrip(), *self._body(), r"\end{document}"]) + "\n"

    def _body(self) -> list[str]:
        outline = self.outline
        lines = [_OPENING, *self._theorem()]
        for section in outline.argument[1:]:
            lines += self._section(section)
        lines += self._symbols(legend(outline))
        lines += self._paragraph("Averages", average_sentences(outline.brackets, self._inline))
        lines += self._assumptions()
        for section in outline.background:
            lines += self._section(section)
        return [*lines, *self._evidence(), r"\endgroup"]

    # Statements and proofs.

    def _theorem(self) -> list[str]:
        theorem, derivation = self.outline.theorem, self.outline.derivation
        source = rf" ({escape(derivation.source)})" if derivation.source else ""
        lines = [self._heading(f"{escape(derivation.title)}", source)]
        lines += [self._words(words, theorem) for words in derivation.intro]
        rows = self._rows("", _relation(derivation.statement, theorem.brackets))
        numbered = [r"\begin{split}", *rows, r"\end{split}"] if len(rows) > 1 else [rows[0].lstrip("&")]
        lines += [rf"\begin{{equation}}\label{{{self._label()}}}", *numbered, r"\end{equation}"]
        lines.append(self._scope(theorem))
        return lines + self._proof(theorem)

    def _section(self, section: Section) -> list[str]:
        derivation = section.derivation
        lines = [self._heading(section.label, f" ({escape(derivation.title)})", section.anchor, str(section.number))]
        lines += [self._words(words, section) for words in derivation.intro]
        lines += [
            r"\begin{align*}",
            *self._rows("", _relation(derivation.statement, section.brackets)),
            r"\end{align*}",
        ]
        averages = average_sentences(section.brackets if section.explains else Brackets(), self._inline)
        source = [f"Source: {escape(derivation.source)}."] if derivation.source else []
        lines.append(" ".join([self._scope(section), *averages, *source]))
        return lines + (self._proof(section) if section in self.outline.proved else [])

    def _scope(self, section: Section) -> str:
        return scope(self.outline, section, self._chain, self._inline, self._assumed)

    def _proof(self, section: Section) -> list[str]:
        derivation, before = section.derivation, self._print(section.derivation.statement.lhs, section)
        lines = [r"\par\emph{Proof.}"]
        for n, step in enumerate(derivation.steps):
            reason = self._reason(step, section)
            lines += [rf"\intertext{{{reason}}}"] if n else [reason, r"\begin{align*}"]
            sign = relation_sign(step.relation, LATEX_RELATIONS)
            after = self._print(step.after, section)
            if n == 0:
                sign, after = "", f"{before} {sign} {after}"
            lines += self._rows(sign, after)
        lines.append(r"\end{align*}")
        return [*lines, *(rf"\emph{{Remark.}} {self._words(w, section)}\par" for w in derivation.remarks)]

    def _reason(self, step: Step, section: Section) -> str:
        """Return what stands above a step: its number, words, what it rests on, and the statements it cites."""
        notes = footer(self.outline, step, marked=self.evidence == "inline", cite=self._assumed)
        parts = [rf"\textbf{{{step.id}.}} {self._words(step.why, section, step)}"]
        parts += [rf"{{\small[{'; '.join(notes)}]}}"] if notes else []
        parts += [rf"\textbf{{{escape(alarm)}.}}" for alarm in alarms(step)]
        # The cases of an induction follow at once and need no quotation.
        cited = [s for s in self.outline.cited(step) if s.kind != "lemma" or s not in self.outline.argument]
        return " ".join(parts) + "".join(map(self._citation, cited))

    def _citation(self, lemma: Section) -> str:
        """Return a cited statement on a line of its own, its formula on the next where one line is too short."""
        name = f"{lemma.heading} ({lemma.derivation.title}):"
        shown = _relation(lemma.derivation.statement, lemma.brackets, inline=True)
        fits = len(name) + latex_width(shown, TEXT) < COLUMN
        formula = f"${shown.replace(TIMES, ' ')}$" if fits else self._lines(shown)
        return rf"\newline {self._reference(lemma)} ({escape(lemma.derivation.title)}): {formula}."

    def _rows(self, sign: str, printed: str) -> list[str]:
        """Return the rows of an aligned formula, broken where it would run out of its column."""
        first, *more = break_latex(printed, COLUMN - latex_width(sign), COLUMN - _INSET)
        rows = [f"&{sign} {first}" if sign else f"&{first}", *(rf"&\quad {{}} {line}" for line in more)]
        # No page ends within a formula.
        return [f"{row} \\\\*" for row in rows[:-1]] + [rows[-1]]

    # What is explained.

    def _symbols(self, items: list[Item]) -> list[str]:
        rows = []
        for item in items:
            names = ", ".join(self._inline(symbol) for symbol in item.symbols)
            ranges = [self._chain((Integer(1), "<=", u, "<=", e)) for u, e in item.ranges]
            meaning = ", ".join([item.meaning.render(self._inline, escape), *ranges])
            definitions = "; ".join(self._inline(e) for e in item.definitions)
            rows.append(f"{names}: {meaning}{': ' if definitions else ''}{definitions}")
        return self._list("Symbols", rows)

    def _assumptions(self) -> list[str]:
        lines: list[str] = []
        for theorem, heading, note in (
            (True, "Assumptions", f" {{\\small {escape(EXACTNESS)}}}"),
            (False, "Assumed in lemmas, and discharged where they are used", ""),
        ):
            chosen = [a for a in self.outline.assumptions if a.theorem is theorem]
            lines += self._list(heading, [self._assumption(a) for a in chosen], note)
        return lines

    def _assumption(self, assumption: Assumption) -> str:
        text = self._words(assumption.hypothesis.text)
        label = rf"\varproplabel{{{self._label(assumption.id)}}}{{{assumption.id}}}"
        return rf"{label}\textbf{{{assumption.id}}} {text} {{\small({escape(standing(assumption))})}}"

    def _evidence(self) -> list[str]:
        if self.evidence == "none":
            return []
        outline = self.outline
        rows = []
        if self.evidence == "appendix":
            rows = [f"{s.heading}: {escape(steps)}." for s, steps in ledger(outline)]
        rows += map(escape, explained(outline))
        return self._list(LEGEND, rows, f" {escape(grade_sentence(outline))}")

    def _heading(self, title: str, note: str = "", place: str = "", number: str = "") -> str:
        label = rf"\varproplabel{{{self._label(place)}}}{{{number}}}" if place else ""
        return rf"\par\medskip{label}\textbf{{{title}}}{note}."

    def _paragraph(self, heading: str, sentences: list[str]) -> list[str]:
        return [rf"\par\medskip\textbf{{{heading}.}} {' '.join(sentences)}\par"] if sentences else []

    def _list(self, heading: str, rows: list[str], note: str = "") -> list[str]:
        """Return a list whose items hang under a heading."""
        items = [rf"{{\hangindent=1.5em {row}\par}}" for row in rows]
        return [rf"\par\medskip\textbf{{{heading}.}}{note}\par\nobreak", *items] if rows else []

    # References.

    def _label(self, place: str = "") -> str:
        name = re.sub(r"[^A-Za-z0-9]+", "-", self.outline.derivation.name).strip("-")
        return f"{name}:{place}" if place else name

    def _assumed(self, name: str) -> str:
        return rf"\ref{{{self._label(name)}}}"

    def _reference(self, section: Section) -> str:
        if section.kind == "theorem":
            return rf"equation~\eqref{{{self._label()}}}"
        return rf"{section.kind.capitalize()}~\ref{{{self._label(section.anchor)}}}"

    # Words and formulas.

    @staticmethod
    def _print(expression: Basic, section: Section) -> str:
        return print_latex(expression, section.brackets)

    def _inline(self, expression: Basic, brackets: Brackets | None = None) -> str:
        printed = print_latex(expression, brackets, inline=True)
        short = latex_width(printed, TEXT) < COLUMN / 3
        return f"${printed.replace(TIMES, ' ')}$" if short else self._set_off(printed)

    def _set_off(self, printed: str) -> str:
        """Return a formula within prose: in its line if it can stand there, else on lines of its own."""
        if latex_width(printed, TEXT) < 0.6 * COLUMN:
            return f"${printed.replace(TIMES, chr(92) + 'allowbreak ')}$"
        return self._lines(printed)

    @staticmethod
    def _lines(printed: str) -> str:
        """Return a formula within prose on lines of its own."""
        lines = break_latex(printed, COLUMN - 2 * _INSET, COLUMN - 3 * _INSET, TEXT)
        return "".join(rf"\newline\hspace*{{{1 + (n > 0)}em}}${line}$" for n, line in enumerate(lines))

    @staticmethod
    def _chain(chain: Iterable[Basic | str]) -> str:
        return f"${' '.join(LATEX_RELATIONS[e] if isinstance(e, str) else formula(e) for e in chain)}$"

    def _words(self, words: Words, section: Section | None = None, step: Step | None = None) -> str:
        brackets = (section or self.outline.theorem).brackets

        def show(expression: Basic) -> str:
            cited = self.outline.reference(expression, step) if step is not None else None
            return self._reference(cited) if cited is not None else self._inline(expression, brackets)

        return words.render(show, escape)
