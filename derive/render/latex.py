"""A derivation as LaTeX: chains in ``align*``, or a document that compiles on its own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from sympy import Basic, Integer, Symbol

from derive.proof.derivation import Derivation, Step
from derive.render.brackets import Brackets
from derive.render.breaking import break_latex, latex_width
from derive.render.latex_printer import print_latex
from derive.render.legend import Item, legend
from derive.render.order import TIMES
from derive.render.outline import Assumption, Outline, Section
from derive.render.relations import LATEX_RELATIONS, relation_sign
from derive.render.sentences import EXACTNESS, average_sentences, footer, grade_sentences, scope, standing
from derive.words import Words

LINE = 74.0
"""How many letters wide a displayed line may be: the text width of the standalone document, less the indent."""

PREAMBLE = r"""\documentclass[11pt,fleqn]{article}
\usepackage[utf8]{inputenc}
\usepackage[a4paper,margin=25mm]{geometry}
\usepackage{amsmath,amssymb}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt plus 2pt}
\setlength{\mathindent}{1.5em}
\raggedright
\raggedbottom
"""

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "“": "``",
    "”": "''",
    "’": "'",
    "–": "--",
    "≈": r"\(\approx\)",
    "≤": r"\(\leq\)",
    "≥": r"\(\geq\)",
    "→": r"\(\to\)",
    "∂": r"\(\partial\)",
    "−": r"\(-\)",
    "·": r"\(\cdot\)",
    "×": r"\(\times\)",
    "√": r"\(\surd\)",
    "∞": r"\(\infty\)",
    "⟨": r"\(\langle\)",
    "⟩": r"\(\rangle\)",
    "⇔": r"\(\Leftrightarrow\)",
    "<": r"\(<\)",
    ">": r"\(>\)",
    "|": r"\(|\)",
} | {c: "\\" + c for c in "&%$#_{}"}


def escape(text: str) -> str:
    """Return plain text for LaTeX, every character that LaTeX would act on or not know replaced."""
    return "".join(map(_escape, re.sub(r'"([^"]*)"', r"“\1”", text)))


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isascii():
        return character
    kind = unicodedata.name(character, "")
    if kind.startswith("LATIN "):
        return character
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER ([A-Z]+)", kind)
    if greek:
        name = greek[2].lower().replace("lamda", "lambda")
        return rf"\({formula(Symbol(name.capitalize() if greek[1] == 'CAPITAL' else name))}\)"
    plain = unicodedata.normalize("NFKD", character)
    return plain if plain.isascii() else f"(U+{ord(character):04X})"


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
    return _statement(derivation, Outline(derivation).theorem.brackets).replace(TIMES, " ")


def to_latex(derivation: Derivation, *, standalone: bool = False) -> str:
    """Return a derivation as LaTeX.

    Without ``standalone``: an ``align*`` for the statement's proof and one for each part and lemma, to be put into a
    document that loads amsmath; what is assumed and averaged over stands in comments. With it: a whole document
    (article, amsmath, amssymb, geometry) that introduces symbols, averages and assumptions first.
    """
    page = _Page(Outline(derivation))
    return page.document() if standalone else page.body()


def _statement(derivation: Derivation, brackets: Brackets) -> str:
    s = derivation.statement
    sign = relation_sign(s.relation, LATEX_RELATIONS)
    pad = r" \;" if s.relation in ("<=>", "=>") else " "
    return f"{print_latex(s.lhs, brackets)}{pad}{sign}{pad.rstrip()} {print_latex(s.rhs, brackets)}"


class _Page:
    def __init__(self, outline: Outline) -> None:
        self.outline = outline

    # The two forms.

    def body(self) -> str:
        outline = self.outline
        lines = [f"% {outline.derivation.title} ({outline.derivation.name})"]
        lines += [f"% {s}" for s in average_sentences(outline.brackets, self._inline)]
        lines += [f"% {a.id}: {self._words(a.hypothesis.text)} ({standing(a)})" for a in outline.assumptions]
        for section in outline.sections:
            if section.kind != "theorem":
                lines.append(f"% {section.label}: {section.derivation.title}")
                own = section.brackets if section.explains else Brackets()
                lines += [f"% {s}" for s in average_sentences(own, self._inline)]
            lines.append(f"% {scope(outline, section, self._chain, self._inline)}")
            lines.append(self._chain_of_steps(section))
        return "\n".join(lines) + "\n"

    def document(self) -> str:
        outline, derivation = self.outline, self.outline.derivation
        lines = [PREAMBLE + r"\begin{document}"]
        lines.append(rf"{{\Large\bfseries {escape(derivation.title)}\par}}\medskip")
        origin = rf"\texttt{{{escape(derivation.name)}}}" + (
            f": {escape(derivation.source)}." if derivation.source else ""
        )
        lines.append(origin + r"\par")
        lines += [self._words(words) + r"\par" for words in derivation.intro]
        items = legend(outline)
        if items:
            lines += [r"\section*{Symbols}", *self._symbols(items)]
        averages = average_sentences(outline.brackets, self._inline)
        if averages:
            lines += [r"\section*{Averages}", *(f"{s}\\par" for s in averages)]
        lines += self._assumptions()
        lines += [r"\section*{Statement}", *self._claim(outline.theorem)]
        lines += [f"{escape(s)}\\par" for s in grade_sentences(outline)]
        lines += [r"\section*{Proof}", *self._proof(outline.theorem)]
        for section in outline.sections[1:]:
            lines.append(rf"\section*{{{section.label}. {escape(section.derivation.title)}}}")
            own = section.brackets if section.explains else Brackets()
            lines += [f"{s}\\par" for s in average_sentences(own, self._inline)]
            lines += [*self._claim(section), r"\emph{Proof.}\par", *self._proof(section)]
        lines.append(r"\end{document}")
        return "\n".join(lines) + "\n"

    # Pieces of the document.

    def _symbols(self, items: list[Item]) -> list[str]:
        rows = []
        for item in items:
            names = ", ".join(self._inline(symbol) for symbol in item.symbols)
            ranges = [self._chain((Integer(1), "<=", u, "<=", e)) for u, e in item.ranges]
            meaning = ", ".join([item.meaning.render(self._inline, escape), *ranges])
            definitions = "".join(f"\\newline ${self._displayed(e)}$" for e in item.definitions)
            rows.append(rf"\item[{{{names}}}] {meaning}{definitions}")
        return [
            r"\begin{list}{}{\setlength{\labelwidth}{7em}\setlength{\leftmargin}{7.5em}"
            r"\setlength{\itemsep}{2pt}\setlength{\parsep}{0pt}\renewcommand{\makelabel}[1]{#1\hfil}}",
            *rows,
            r"\end{list}",
        ]

    @staticmethod
    def _displayed(expression: Basic) -> str:
        return r"\displaystyle " + formula(expression)

    def _assumptions(self) -> list[str]:
        lines: list[str] = []
        for theorem, heading, note in (
            (True, "Assumptions", EXACTNESS),
            (False, "Assumed in lemmas, and discharged where they are used", ""),
        ):
            chosen = [a for a in self.outline.assumptions if a.theorem is theorem]
            if chosen:
                lines += [rf"\section*{{{heading}}}", *([escape(note) + r"\par"] if note else [])]
                lines += [
                    r"\begin{list}{}{\setlength{\labelwidth}{2.5em}\setlength{\leftmargin}{3em}\setlength{\itemsep}{2pt}\setlength{\parsep}{0pt}}"
                ]
                lines += [self._assumption(a) for a in chosen]
                lines.append(r"\end{list}")
        return lines

    def _assumption(self, assumption: Assumption) -> str:
        text = self._words(assumption.hypothesis.text)
        return rf"\item[\textbf{{{assumption.id}}}] {text} {{\small({escape(standing(assumption))})}}"

    def _claim(self, section: Section) -> list[str]:
        derivation = section.derivation
        intro = derivation.intro if section.kind != "theorem" else ()
        lines = [self._words(words, section) + r"\par" for words in intro]
        lines += [r"\begin{align*}", *self._rows("", _statement(derivation, section.brackets)), r"\end{align*}"]
        lines.append(scope(self.outline, section, self._chain, self._inline) + r"\par")
        if section.kind != "theorem":
            lines += [rf"Source: {escape(derivation.source)}.\par"] if derivation.source else []
        return lines

    def _proof(self, section: Section) -> list[str]:
        remarks = [rf"\emph{{Remark.}} {self._words(w, section)}\par" for w in section.derivation.remarks]
        return [self._chain_of_steps(section), *remarks]

    def _chain_of_steps(self, section: Section) -> str:
        derivation = section.derivation
        lines = [r"\begin{align*}", *self._rows("", print_latex(derivation.statement.lhs, section.brackets))]
        for step in derivation.steps:
            lines.append(rf"\intertext{{{self._reason(step, section)}}}")
            lines += self._rows(
                relation_sign(step.relation, LATEX_RELATIONS), print_latex(step.after, section.brackets)
            )
        return "\n".join([*lines, r"\end{align*}"])

    def _reason(self, step: Step, section: Section) -> str:
        """Return what stands above a step: its number, words, cited statements, and how it is known."""
        known = rf"{{\small[{escape('; '.join(footer(self.outline, step)))}]}}"
        parts = [rf"\textbf{{{step.id}.}} {self._words(step.why, section, step)} {known}"]
        parts += [self._citation(lemma) for lemma in self.outline.cited(step)]
        if step.verdict.counterexample is not None:
            parts.append(rf"\newline Counterexample: {escape(str(step.verdict.counterexample))}.")
        return " ".join(parts)

    def _citation(self, lemma: Section) -> str:
        """Return a cited statement on a line of its own, its formula on the next where one line is too short."""
        name = f"{lemma.heading} ({lemma.derivation.title}):"
        shown = self._inline_statement(lemma)
        gap = r"\newline\hspace*{1.5em}" if len(name) + latex_width(shown) > LINE else " "
        return rf"\newline {escape(name)}{gap}${shown}$."

    def _inline_statement(self, section: Section) -> str:
        s = section.derivation.statement
        shown = (print_latex(e, section.brackets, inline=True) for e in (s.lhs, s.rhs))
        left, right = (f.replace(TIMES, r" \allowbreak ") for f in shown)
        return f"{left} {relation_sign(s.relation, LATEX_RELATIONS)} {right}"

    @staticmethod
    def _rows(sign: str, printed: str) -> list[str]:
        """Return the rows of an aligned formula, broken where it would run off the page."""
        first, *more = break_latex(printed, LINE - latex_width(sign), LINE - 6)
        rows = [f"&{sign} {first}" if sign else f"&{first}", *(rf"&\qquad {{}} {line}" for line in more)]
        return [" \\\\\n".join(rows)]

    # Words and formulas.

    @staticmethod
    def _inline(expression: Basic, brackets: Brackets | None = None) -> str:
        return f"${formula(expression, brackets, inline=True)}$"

    @staticmethod
    def _chain(chain: Iterable[Basic | str]) -> str:
        return f"${' '.join(LATEX_RELATIONS[e] if isinstance(e, str) else formula(e) for e in chain)}$"

    def _words(self, words: Words, section: Section | None = None, step: Step | None = None) -> str:
        brackets = (section or self.outline.theorem).brackets

        def show(expression: Basic) -> str:
            cited = self.outline.reference(expression, step) if step is not None else None
            if cited is not None:
                return cited.label.replace(" ", "~")
            return self._inline(expression, brackets)

        return words.render(show, escape)
