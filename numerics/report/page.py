"""The report's pages: self-contained HTML, mathematics as MathML, figures inline; nothing is computed here."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from html import escape
from itertools import count

from sympy import Eq, Symbol

from derive.averages import SharedVariance
from derive.layers import d, i
from derive.network import W, b, cost_gradient, g, n, s, x, z
from derive.randomness import EVERYTHING
from derive.render.html import STYLE
from derive.words import Words
from numerics.report.audit_browser import audit_browser
from numerics.report.audits import audit_list
from numerics.report.chapters import AFTER, CHAPTERS, OVER_WHAT, Chapter, home
from numerics.report.contents import WIDTHS, Contents, Drawing, Theorem
from numerics.report.evidence import evidence_body
from numerics.report.formulas import chip, displayed, folded, formula, pictured
from numerics.report.own_page import as_options, own_chapter
from numerics.report.style import PAGE, SHEET
from numerics.report.subject import Subject
from numerics.report.subject_page import subject_body
from numerics.report.tables import verification
from numerics.report.works import works_table

TITLE = "How variance travels through a random network"
AUDIT = "Printed formulas, audited"


def index_page(contents: Contents) -> str:
    """Return ``index.html``."""
    numbers = count(1)
    sections = [(c.key, c.title, _chapter(c, contents, numbers)) for c in CHAPTERS]
    sections += [
        ("network", "Your network", own_chapter(contents.own, numbers)),
        ("activations", "Activation functions, in full", _subjects(contents)),
        ("verification", "Prediction and simulation", verification(contents, numbers)),
        ("again", "Doing it again", _again(contents)),
    ]
    sections = [section for section in sections if section[2]]
    links = "".join(_link(key, title, body) for key, title, body in sections)
    parts = [f'<header><h1>{TITLE}</h1>\n<p class="abstract">{_abstract(contents)}</p>']
    parts.append(f'<nav aria-label="Contents"><ol>{links}</ol></nav></header>')
    for number, (key, title, body) in enumerate(sections, 1):
        parts.append(f'<section id="{key}"><h2>{number}. {title}</h2>\n{body}\n</section>')
    return _page(TITLE, "\n".join(parts))


def _link(key: str, title: str, body: str) -> str:
    """Return a chapter's line in the contents, and below it that of its audit, if it has one."""
    audit = f'<ul><li><a href="#{key}-audit">{AUDIT}</a></li></ul>' if f'id="{key}-audit"' in body else ""
    return f'<li><a href="#{key}">{title}</a>{audit}</li>'


def _chapter(chapter: Chapter, contents: Contents, numbers: Iterator[int]) -> str:
    """Return what a chapter shows, or nothing where nothing of it was asked for."""
    theorems = [t for t in contents.theorems if home(t.name, "theorems") is chapter]
    audits = [audit for audit in contents.audits if home(audit.id, "claims") is chapter]
    drawings = [contents.drawings[name] for name in chapter.figures if name in contents.drawings]
    shown = [_drawing(drawing, next(numbers)) for drawing in drawings]
    more = works_table(contents.theorems) + evidence_body(contents.trained, numbers) if chapter is AFTER else ""
    if not (theorems or audits or shown or more):
        return ""
    parts = [f"<p>{chapter.about}</p>", *shown]
    parts += [_over_what()] if chapter is OVER_WHAT else []
    parts += [more] if more else []
    parts += [_theorem(t, pdf=t.name in contents.typeset) for t in theorems]
    if audits:
        names = [t.name for t in contents.theorems]
        intro = _audit_intro() if audits[0] is contents.audits[0] else ""
        parts.append(f'<h3 id="{chapter.key}-audit">{AUDIT}</h3>\n{intro}{audit_list(audits, names)}')
    return "\n".join(parts)


def _drawing(drawing: Drawing, number: int) -> str:
    path = f"figures/{drawing.name}.png"
    caption = f'Figure {number}. {drawing.caption} <a href="{path}">{path}</a>'
    return pictured(drawing.figure, drawing.alt, caption, key=f"figure-{drawing.name}")


def _subjects(contents: Contents) -> str:
    links = "".join(f'<li><a href="{escape(page)}">{escape(name)}</a></li>' for name, page in contents.subjects)
    return f"<p>Maps, critical point, gains, and networks in three phases:</p><ul>{links}</ul>" if links else ""


def subject_page(subject: Subject) -> str:
    """Return the page of an activation function."""
    return _page(str(subject.activation), subject_body(subject))


def audit_page(contents: Contents) -> str:
    """Return ``audit.html``."""
    back = '<p class="dim"><a href="index.html">The whole report</a> · <a href="audit.json">as JSON</a></p>'
    theorems = [t.name for t in contents.theorems]
    return _page(AUDIT, f"<h1>{AUDIT}</h1>\n{back}\n{_audit_intro()}{audit_browser(contents.audits, theorems)}")


def _page(title: str, body: str) -> str:
    return PAGE.format(title=escape(title), style=f"{STYLE}\n{SHEET}", body=body)


def _abstract(contents: Contents) -> str:
    grades = Counter(t.grade for t in contents.theorems)
    verdicts = Counter(audit.verdict for audit in contents.audits)
    words = {
        "holds": "{} hold as printed",
        "holds-if": "{} only if more is assumed",
        "refuted": "{} are refuted",
        "undecided": "{} are undecided",
    }
    found = [line.format(verdicts[key]) for key, line in words.items() if verdicts[key]]
    networks = {
        verdict: _lower([case.title for case in contents.cases if case.verification.verdict == verdict])
        for verdict in ("agrees", "differs", "inconclusive")
    }
    few = f"; too few were drawn to say for {_listed(networks['inconclusive'])}" if networks["inconclusive"] else ""
    return (
        "The variance of a network&#8217;s signals over its weights, over its inputs and over its units: derived step "
        "by step from the definition of the network, every step checked, compiled to NumPy, evaluated, and held "
        "against simulation. "
        f"{len(contents.theorems)} theorems are derived ({_listed([f'{n} {grade}' for grade, n in grades.items()])}). "
        f"Of {len(contents.audits)} formulas in print, {_listed(found)}. "
        f"Simulated networks agree with theory for {_listed(networks['agrees']) or 'none'}; "
        f"they differ for {_listed(networks['differs']) or 'none'}{few}."
    )


def _lower(titles: list[str]) -> list[str]:
    # A name in capitals, such as ReLU, keeps them.
    first = [title if title.startswith("ReLU") else title[0].lower() + title[1:] for title in titles]
    return [escape(title.replace(",", " with", 1)) for title in first]


def _listed(items: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def _over_what() -> str:
    k, l_ = Symbol("k", integer=True), Symbol("l", integer=True)
    chain = (s(i, k), z(i + 1, k), z(0, k))
    definitions = "".join(displayed(Eq(e, e.definition, evaluate=False)) for e in chain)
    rows = [
        (SharedVariance(x), Words("of every input {}", x(k))),
        (SharedVariance(W, i), Words("of every weight {} of layer {}; layers may differ", W(i, l_, k), i)),
        (SharedVariance(b, i), Words("of every bias {} of layer {}", b(i, k), i)),
        (SharedVariance(g), Words("of every component {} of the gradient at the output", cost_gradient(s(d, k)))),
    ]
    table = "".join(f"<tr><td>{formula(e)}</td><td>{words.render(formula, escape)}</td></tr>" for e, words in rows)
    sizes = Words("The network has layers {} from 0 to {}; layer {} has {} units.", i, d, i, n(i))
    given = Words("The gradient {} is taken as drawn on its own, independent of the weights.", cost_gradient(s(d, k)))
    return f"""<h3>What is drawn, and what averages are over</h3>
<p>{sizes.render(formula, escape)}</p>
{definitions}
<p>Unless a theorem says otherwise, means and variances are over {EVERYTHING.describe()}, all together: each is drawn
afresh.
Such a variance is that of one unit&#8217;s value from network to network, not that over the inputs of one fixed
network, nor that over the units of one layer. {given.render(formula, escape)}
What is drawn has mean zero and these variances:</p>
<table>{table}</table>"""


def _theorem(theorem: Theorem, pdf: bool) -> str:
    grade = chip(theorem.grade, ("good" if theorem.grade == "exact" else "mind") if theorem.passed else "bad")
    kinds = ("html", "tex", "pdf") if pdf else ("html", "tex")
    files = " · ".join(f'<a href="derivations/{theorem.name}.{kind}">{kind}</a>' for kind in kinds)
    source = f"{escape(theorem.source)} · " if theorem.source else ""
    parts = [f'<article id="{escape(theorem.name)}"><h3>{escape(theorem.title)} {grade}</h3>']
    parts.append(f'<p class="dim"><code>{escape(theorem.name)}</code> · {source}{files}</p>')
    for title, formula_ in theorem.statements:
        above = f'<p class="dim">{escape(title)}:</p>' if title else ""
        parts.append(f'{above}<div class="equation">{formula_}</div>')
    if theorem.averages:
        parts.append(f'<p class="dim">{" ".join(theorem.averages)}</p>')
    parts += [f'<p class="bad">{escape(failure)}</p>' for failure in theorem.failures]
    parts.append(folded("The derivation, step by step", f"<div>{theorem.fragment}</div>"))
    if theorem.kernel is not None:
        parts.append(folded("As NumPy", f"<pre>{escape(theorem.kernel)}</pre>"))
    return "\n".join(parts) + "</article>"


def _again(contents: Contents) -> str:
    commands = [f"varprop derive {t.name} --check" for t in contents.theorems[2:3]]
    commands += [f"varprop audit {audit.id}" for audit in contents.audits if audit.verdict == "refuted"][:1]
    widths = ",".join(map(str, WIDTHS))
    commands += [f"varprop curve --widths {widths} --gain 1"]
    regime = "--activation tanh --gain 2 --theory linear-regime"
    commands += [f"varprop verify --widths {widths} {regime} \\\n    --networks {contents.networks}"]
    commands += ["varprop curve --depth 50 --width 1024 --activation relu --gain 2"]
    commands += [f"varprop figure {name} -o {name}.svg" for name in list(contents.drawings)[-1:]]
    pages = "".join(f" --activation {shlex.quote(name)}" for name, _ in contents.subjects or (("gelu", ""),))
    own = "" if contents.own is None else f" {as_options(contents.own.described.network)}"
    commands += [f"varprop report -o report{pages}{own}"]
    notes = "".join(f'<p class="dim">{escape(note)}</p>' for note in contents.notes)
    if contents.audits:
        notes = f'<p>All printed formulas on one page: <a href="audit.html">audit.html</a>.</p>{notes}'
    seed = f"The random numbers of this report come from seed {contents.seed}; the same seed gives the same report."
    return f"<p>{seed}</p>\n<pre>{escape(chr(10).join(commands))}</pre>\n{notes}"


def _audit_intro() -> str:
    return (
        "<p>A printed formula is a claim. Its verdict is computed: the formula is compared with the derived one, and "
        "tried, in exact fractions, in small networks whose laws have the stated properties and no others. It "
        f"{chip('holds', 'good')}, it {chip('holds-if', 'mind')} something more is assumed, or it is "
        f"{chip('refuted', 'bad')} by a network in which it is wrong.</p>\n"
    )
