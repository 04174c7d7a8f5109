"""A derivation as HTML with MathML: a self-contained page, or a fragment for a report or a notebook."""

from __future__ import annotations

from html import escape

from sympy import Basic, Integer

from derive.proof.derivation import Derivation, Step
from derive.render.brackets import Brackets
from derive.render.breaking import break_latex
from derive.render.evidence import known
from derive.render.latex_printer import print_latex
from derive.render.legend import Item, legend
from derive.render.mathml import mathml
from derive.render.order import TIMES
from derive.render.outline import Assumption, Outline, Section
from derive.render.relation_signs import LATEX_RELATIONS, relation_sign
from derive.render.sentences import EXACTNESS, LEGEND, alarms, average_sentences, grade_sentence, scope, standing
from derive.words import Words

LINE = 74.0
"""How many letters wide a displayed line may be before it is broken."""

# Colours are mixed from ink and page, which in a notebook are those of its theme. What is wider than the page scrolls,
# and an edge beyond which it goes on is shaded: the shades stay, and what covers them moves with the contents.
STYLE = """
.varprop { --page: var(--vscode-editor-background, var(--jp-layout-color0, #fff));
  --ink: var(--vscode-editor-foreground, var(--jp-content-font-color1, #1c1d21)); --mark: #2456a6;
  color: var(--ink); font: 17px/1.55 Charter, "Bitstream Charter", "Iowan Old Style", Georgia, serif;
  max-width: 52rem; }
@media (prefers-color-scheme: dark) { .varprop {
  --page: var(--vscode-editor-background, var(--jp-layout-color0, #17191d));
  --ink: var(--vscode-editor-foreground, var(--jp-content-font-color1, #e4e6ea)); --mark: #8db4f2; } }
.varprop { --dim: color-mix(in srgb, var(--ink) 70%, var(--page));
  --line: color-mix(in srgb, var(--ink) 17%, var(--page));
  --soft: color-mix(in srgb, var(--ink) 5%, var(--page)); --shade: color-mix(in srgb, var(--ink) 26%, transparent); }
.varprop h1 { font-size: 1.55em; line-height: 1.25; margin: 0 0 .2em; }
.varprop h2 { font-size: 1.12em; margin: 1.9em 0 .5em; }
.varprop :is(h1, h2, p, td, li, code) { overflow-wrap: break-word; }
.varprop p { margin: .45em 0; }
.varprop .dim, .varprop .known { color: var(--dim); font-size: .86em; }
.varprop code { font: .9em ui-monospace, Menlo, Consolas, monospace; }
.varprop math { font-size: 1.06em; }
.varprop mtd[columnalign="left"] { text-align: left; }
.varprop mtable.small { font-size: .8em; }
.varprop mtable.small mtd { padding: 0 .2em; }
.varprop :is(sub, sup) { font-size: .72em; line-height: 0; }
.varprop :where(.math, .scroll, .steps > li, p, summary, table, pre) { overflow-x: auto; overflow-y: hidden; background:
  linear-gradient(to right, var(--page) 40%, transparent) left -1px top 0 / 2.4rem 100% local no-repeat,
  linear-gradient(to left, var(--page) 40%, transparent) right -1px top 0 / 2.4rem 100% local no-repeat,
  linear-gradient(to right, var(--shade), transparent) left / .8rem 100% scroll no-repeat,
  linear-gradient(to left, var(--shade), transparent) right / .8rem 100% scroll no-repeat; }
.varprop .math { padding: .25em 0 .25em 1.4em; }
.varprop .math .more { padding-left: 2.2em; }
.varprop .statement { background: var(--soft); --page: var(--soft); border-left: 3px solid var(--mark);
  padding: .5em .9em; }
.varprop table { border-collapse: collapse; display: block; max-width: 100%; }
.varprop td { padding: .22em 1.2em .22em 0; vertical-align: top; min-width: 8em; }
.varprop td > div { margin: .35em 0; }
.varprop td:first-child { white-space: nowrap; min-width: 0; }
.varprop ol.steps { list-style: none; margin: 0; padding: 0; }
.varprop ol.steps > li { margin: 1em 0; }
.varprop .number { font-weight: 600; margin-right: .45em; }
.varprop details { margin: .4em 0 .4em 1.4em; border-left: 2px solid var(--line); padding-left: .9em; }
.varprop summary { cursor: pointer; }
.varprop a { white-space: nowrap; color: var(--mark); text-decoration: none; }
.varprop a:hover { text-decoration: underline; }
@media (max-width: 40rem) { .varprop { font-size: 16px; } .varprop details { margin-left: 0; padding-left: .7em; }
  .varprop .math { padding-left: .3em; } .varprop .math .more { padding-left: 1.1em; } }
""".strip()

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>{title}</title>
<style>
body {{ margin: 0 auto; max-width: 52rem; padding: 2.5rem 1.25rem 5rem; background: #fff; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #17191d; }} }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def formula(expression: Basic, brackets: Brackets | None = None, *, display: bool = False) -> str:
    """Return an expression as MathML."""
    return mathml(print_latex(expression, brackets, inline=not display).replace(TIMES, " "), display=display)


def displayed(printed: str, sign: str = "") -> str:
    """Return a formula (as `print_latex` prints it) on lines of its own, after a relation if there is one."""
    first, *more = break_latex(printed, LINE, LINE - 6)
    rows = [f"<div>{_block(f'{sign} {first}'.strip())}</div>"]
    # What begins a further line goes on from the one before: a sign there joins two terms.
    rows += [f'<div class="more">{_block(f"{{}} {line}")}</div>' for line in more]
    return f'<div class="math">{"".join(rows)}</div>'


def _block(latex: str) -> str:
    """Return a formula in display style, but in the line where it stands and not centred."""
    return mathml(latex, display=True).replace('display="block"', 'displaystyle="true"', 1)


def to_html(derivation: Derivation) -> str:
    """Return a derivation as a page that needs no network and no script; lemmas open where they are used."""
    return _PAGE.format(title=escape(derivation.title), body=fragment(derivation))


def fragment(derivation: Derivation, *, style: bool = True) -> str:
    """Return a derivation as one ``<div class="varprop">``, with its style sheet unless ``style`` is False.

    Names of places inside it begin with the derivation's name, so that several fragments can share a page.
    """
    sheet = f"<style>\n{STYLE}\n</style>\n" if style else ""
    return f'{sheet}<div class="varprop">\n{_Page(Outline(derivation)).render()}\n</div>'


class _Page:
    def __init__(self, outline: Outline) -> None:
        self.outline = outline

    def render(self) -> str:
        outline, derivation = self.outline, self.outline.derivation
        source = f" · {escape(derivation.source)}" if derivation.source else ""
        parts = [f"<h1>{escape(derivation.title)}</h1>"]
        parts.append(f'<p class="dim"><code>{escape(derivation.name)}</code>{source}</p>')
        parts += [f"<p>{self._words(w)}</p>" for w in derivation.intro]
        parts += [self._claim(outline.theorem), "<h2>Proof</h2>", self._proof(outline.theorem)]
        for section in outline.parts:
            title = f"{section.label}. {escape(section.derivation.title)}"
            parts.append(f'<h2 id="{self._anchor(section)}">{title}</h2>')
            parts += [self._claim(section), self._proof(section)]
        items = legend(outline)
        if items:
            parts.append(f"<h2>Symbols</h2>\n{self._symbols(items)}")
        averages = average_sentences(outline.brackets, self._inline)
        if averages:
            parts += ["<h2>Averages</h2>", *(f"<p>{s}</p>" for s in averages)]
        parts += [*self._assumptions(), f"<h2>{LEGEND}</h2>", f'<p class="dim">{escape(grade_sentence(outline))}</p>']
        parts += [self._explained(*line) for line in outline.marks.legend()]
        return "\n".join(parts)

    def _explained(self, mark: str, meaning: str) -> str:
        name = f"[{mark}]" if mark else "All steps:"
        return f'<p class="dim" id="{self._place("mark", mark)}">{name} {escape(meaning)}.</p>'

    def _place(self, *names: str) -> str:
        return "-".join([escape(self.outline.derivation.name), *(n for n in names if n)])

    def _known(self, step: Step) -> str:
        """Return links to what a step rests on: its assumptions, and its mark where steps are known differently."""
        mark = self.outline.marks.of(step)
        links = [", ".join(f'<a href="#{self._place(a)}">{a}</a>' for a in self.outline.uses(step))]
        links += [f'<a href="#{self._place("mark", mark)}">{mark}</a>'] if mark else []
        shown = "; ".join(filter(None, links))
        return f' <span class="known">[{shown}]</span>' if shown else ""

    # Pieces of the page.

    def _anchor(self, section: Section) -> str:
        return self._place(section.anchor)

    def _symbols(self, items: list[Item]) -> str:
        rows = []
        for item in items:
            names = ", ".join(self._inline(s) for s in item.symbols)
            ranges = [self._chain((Integer(1), "<=", u, "<=", e)) for u, e in item.ranges]
            meaning = ", ".join([item.meaning.render(self._inline, escape), *ranges])
            definitions = "".join(f"<div>{formula(e, display=False)}</div>" for e in item.definitions)
            rows.append(f"<tr><td>{names}</td><td>{meaning}{definitions}</td></tr>")
        return "<table>\n" + "\n".join(rows) + "\n</table>"

    def _assumptions(self) -> list[str]:
        parts: list[str] = []
        for theorem, heading, note in (
            (True, "Assumptions", EXACTNESS),
            (False, "Assumed in lemmas, and discharged where they are used", ""),
        ):
            chosen = [a for a in self.outline.assumptions if a.theorem is theorem]
            if chosen:
                parts.append(f"<h2>{heading}</h2>")
                parts += [f'<p class="dim">{escape(note)}</p>'] if note else []
                parts.append("<table>\n" + "\n".join(self._assumption(a) for a in chosen) + "\n</table>")
        return parts

    def _assumption(self, assumption: Assumption) -> str:
        text = self._words(assumption.hypothesis.text)
        known = f'<span class="dim">({escape(standing(assumption))})</span>'
        place = self._place(assumption.id)
        return f'<tr id="{place}"><td><b>{assumption.id}</b></td><td>{text} {known}</td></tr>'

    def _claim(self, section: Section) -> str:
        s, brackets = section.derivation.statement, section.brackets
        printed = f"{print_latex(s.lhs, brackets)} {_sign(s.relation)} {print_latex(s.rhs, brackets)}"
        where = scope(self.outline, section, self._chain, self._inline)
        notes = [*(average_sentences(section.brackets, self._inline) if section.explains else []), where]
        intro = ""
        if section.kind != "theorem":
            intro = "".join(f"<p>{self._words(w, section)}</p>" for w in section.derivation.intro)
            notes += [f"Source: {escape(section.derivation.source)}."] if section.derivation.source else []
        shown = "".join(f"<p>{n}</p>" for n in notes)
        return f'<div class="statement">{intro}{displayed(printed)}{shown}</div>'

    def _proof(self, section: Section) -> str:
        derivation = section.derivation
        start = displayed(print_latex(derivation.statement.lhs, section.brackets))
        steps = "\n".join(self._step(step, section) for step in derivation.steps)
        remarks = "".join(f"<p><i>Remark.</i> {self._words(w, section)}</p>" for w in derivation.remarks)
        return f'{start}\n<ol class="steps">\n{steps}\n</ol>{remarks}'

    def _step(self, step: Step, section: Section) -> str:
        place = f"{self._anchor(section)}-step-{step.id}"
        words = self._words(step.why, section, step) + self._known(step)
        found = known(step)
        title = escape(f"{found.rule}; {found.words}")
        parts = [f'<li id="{place}"><span class="number" title="{title}">{step.id}.</span>{words}']
        first = self.outline.first_cited(section, step)
        parts += [self._lemma(s) if s in first else self._again(s) for s in self.outline.cited(step)]
        parts.append(displayed(print_latex(step.after, section.brackets), _sign(step.relation)))
        parts += [f"<p><b>{escape(alarm)}</b></p>" for alarm in alarms(step)]
        return "".join(parts) + "</li>"

    def _lemma(self, lemma: Section) -> str:
        name = f"{lemma.label}. {escape(lemma.derivation.title)}: {self._inline_statement(lemma)}"
        inside = f"{self._claim(lemma)}\n<p><i>Proof.</i></p>\n{self._proof(lemma)}"
        return f'<details id="{self._anchor(lemma)}"><summary>{name}</summary>\n{inside}\n</details>'

    def _again(self, cited: Section) -> str:
        link = f'<a href="#{self._anchor(cited)}">{cited.heading}</a>'
        return f'<p class="dim">{link}: {self._inline_statement(cited)}</p>'

    def _inline_statement(self, section: Section) -> str:
        s = section.derivation.statement
        left, right = (_latex(e, section.brackets) for e in (s.lhs, s.rhs))
        return mathml(f"{left} {_sign(s.relation)} {right}")

    # Words and formulas.

    @staticmethod
    def _inline(expression: Basic, brackets: Brackets | None = None) -> str:
        return formula(expression, brackets)

    @staticmethod
    def _chain(chain: tuple[Basic | str, ...]) -> str:
        return mathml(" ".join(LATEX_RELATIONS[e] if isinstance(e, str) else _latex(e) for e in chain))

    def _words(self, words: Words, section: Section | None = None, step: Step | None = None) -> str:
        brackets = (section or self.outline.theorem).brackets

        def show(expression: Basic) -> str:
            cited = self.outline.reference(expression, step) if step is not None else None
            if cited is not None:
                return f'<a href="#{self._anchor(cited)}">{cited.label}</a>'
            return formula(expression, brackets)

        return words.render(show, escape)


def _latex(expression: Basic, brackets: Brackets | None = None) -> str:
    return print_latex(expression, brackets, inline=True).replace(TIMES, " ")


def _sign(relation: str) -> str:
    return relation_sign(relation, LATEX_RELATIONS)
