"""The report's pages: self-contained HTML, mathematics as MathML, figures inline; nothing is computed here."""

from __future__ import annotations

from collections import Counter
from html import escape

from sympy import Eq, Symbol

from derive.averages import SharedVariance
from derive.layers import d, i
from derive.network import W, b, cost_gradient, g, n, s, x, z
from derive.randomness import EVERYTHING
from derive.render.html import STYLE
from derive.words import Words
from numerics.figures import to_inline_svg
from numerics.report.audits import audit_table
from numerics.report.contents import WIDTHS, Case, Contents, Theorem
from numerics.report.formulas import displayed, folded, formula, mathml
from numerics.report.style import PAGE, SHEET
from numerics.verification import Row, Verification

TITLE = "How variance travels through a random network"

_QUANTITIES = {
    "var_z": r"\mathrm{Var}[z^i]",
    "var_s": r"\mathrm{Var}[s^i]",
    "var_grad_s": r"\mathrm{Var}[\partial\mathrm{Cost}/\partial s^i]",
    "var_grad_w": r"\mathrm{Var}[\partial\mathrm{Cost}/\partial w^i]",
}
_VERDICTS = {"agrees": "good", "inconclusive": "mind", "differs": "bad"}


def index_page(contents: Contents) -> str:
    """Return ``index.html``."""
    sections = [
        ("over-what", "Variance over what?", _over_what()),
        (
            "equations",
            "The equations",
            "\n".join(_theorem(t, pdf=t.name in contents.typeset) for t in contents.theorems),
        ),
        ("audit", "The printed formulas, audited", _audit_intro() + audit_table(contents.audits)),
        ("curves", "Prediction and simulation", _curves(contents)),
        ("regime", "Where the linear regime ends", _regime(contents)),
        ("again", "Doing it again", _again(contents)),
    ]
    links = " · ".join(f'<a href="#{key}">{number}. {title}</a>' for number, (key, title, _) in enumerate(sections, 1))
    parts = [f'<header><h1>{TITLE}</h1>\n<p class="abstract">{_abstract(contents)}</p>\n<nav class="dim">{links}</nav>']
    parts.append("</header>")
    for number, (key, title, body) in enumerate(sections, 1):
        parts.append(f'<section id="{key}"><h2>{number}. {title}</h2>\n{body}\n</section>')
    return _page(TITLE, "\n".join(parts))


def audit_page(contents: Contents) -> str:
    """Return ``audit.html``."""
    back = '<p class="dim"><a href="index.html">The whole report</a> · <a href="audit.json">as JSON</a></p>'
    title = "Printed formulas, audited"
    return _page(title, f"<h1>{title}</h1>\n{back}\n{_audit_intro()}{audit_table(contents.audits)}")


def _page(title: str, body: str) -> str:
    return PAGE.format(title=escape(title), style=f"{STYLE}\n{SHEET}", body=body)


def _chip(word: str, look: str) -> str:
    return f'<span class="chip {look}">{escape(word)}</span>'


def _abstract(contents: Contents) -> str:
    grades = Counter(t.grade for t in contents.theorems)
    verdicts = Counter(audit.verdict for audit in contents.audits)
    words = {"holds": "{} hold as printed", "holds-if": "{} only if more is assumed", "refuted": "{} are refuted"}
    found = [line.format(verdicts[key]) for key, line in words.items() if verdicts[key]]
    agreeing = [case.title for case in contents.cases if case.verification.agrees]
    others = [case.title for case in contents.cases if not case.verification.agrees]
    return (
        "The variance equations of Glorot &amp; Bengio (2010): derived step by step from the definition of the "
        "network, every step checked, compiled to NumPy, evaluated, and held against simulation. "
        f"{len(contents.theorems)} theorems are derived ({_listed([f'{n} {grade}' for grade, n in grades.items()])}). "
        f"Of {len(contents.audits)} formulas in print, {_listed(found)}. "
        f"{contents.networks:,} simulated networks agree with theory for {_listed(_lower(agreeing)) or 'none'}; "
        f"they differ for {_listed(_lower(others)) or 'none'}."
    )


def _lower(titles: list[str]) -> list[str]:
    return [escape(title[0].lower() + title[1:].replace(",", " with", 1)) for title in titles]


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
    return f"""<p>{sizes.render(formula, escape)}</p>
{definitions}
<p>Over {EVERYTHING.describe()}, all together, unless it says otherwise:
each is drawn afresh, and the means and variances on this page are taken over all of them.
Such a variance is that of one unit&#8217;s value from network to network, not that over the inputs of one fixed
network, nor that over the units of one layer. {given.render(formula, escape)}
What is drawn has mean zero and these variances:</p>
<table>{table}</table>"""


def _theorem(theorem: Theorem, pdf: bool) -> str:
    chip = _chip(theorem.grade, ("good" if theorem.grade == "exact" else "mind") if theorem.passed else "bad")
    kinds = ("html", "tex", "pdf") if pdf else ("html", "tex")
    files = " · ".join(f'<a href="derivations/{theorem.name}.{kind}">{kind}</a>' for kind in kinds)
    source = f"{escape(theorem.source)} · " if theorem.source else ""
    parts = [f'<article id="{escape(theorem.name)}"><h3>{escape(theorem.title)} {chip}</h3>']
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


def _curves(contents: Contents) -> str:
    widths = ", ".join(map(str, WIDTHS))
    text = (
        f"<p>A network with the sizes {widths}: five weight matrices. Lines are the derived formulas, evaluated by "
        f"their kernels; points are means over {contents.networks:,} networks drawn in full (real weight matrices, "
        "forward and backward), with two standard errors. A row of a table agrees while |z| stays below a threshold "
        "that lets a right table pass with 99 % probability; <i>detectable</i> is the relative error that the run "
        "would have caught with 99 % probability.</p>"
    )
    return text + "\n".join(_case(case, number) for number, case in enumerate(contents.cases, 1))


def _case(case: Case, number: int) -> str:
    exact = [name for name, claimed in case.prediction.exact.items() if claimed]
    claim = "All columns are exact at these widths." if len(exact) == len(case.prediction.exact) else ""
    reasons = dict.fromkeys(why for listed in case.prediction.approximations.values() for why in listed)
    claim = claim or "The prediction assumes what this network only approaches: " + " ".join(map(escape, reasons))
    verdict = case.verification.verdict
    rows = f'<div class="scroll">{_rows(case.verification)}</div>'
    files = [f"curves/{case.key}.csv", f"curves/{case.key}.png", f"verification/{case.key}.csv"]
    links = " · ".join(f'<a href="{name}">{name}</a>' for name in files)
    return f"""<article id="{case.key}"><h3>{escape(case.title)} {_chip(verdict, _VERDICTS[verdict])}</h3>
<p>{escape(case.about)} {claim}</p>
<figure>{to_inline_svg(case.figure)}
<figcaption>Figure {number}. {escape(case.title)}: theory (lines), simulation (points). {links}</figcaption></figure>
<p>{escape(_sentence(case.verification.summary()))}</p>
{folded("All rows", rows, opened=number == 1)}
</article>"""


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _rows(found: Verification) -> str:
    titles = ("", "layer", "predicted", "simulated", "std. error", "z", "off by", "detectable", "")
    head = "".join(f'<th class="{"num" if title else "text"}">{title}</th>' for title in titles)
    body, before = [], ""
    for row in found.rows:
        name = mathml(_QUANTITIES[row.quantity]) if row.quantity != before else ""
        body.append(_row(row, name))
        before = row.quantity
    return f'<table class="ruled"><tr>{head}</tr>\n' + "\n".join(body) + "</table>"


def _row(row: Row, name: str) -> str:
    cells = [
        str(row.layer),
        f"{row.predicted:.5g}",
        f"{row.estimate:.5g}",
        f"{row.standard_error:.2g}",
        f"{row.z:+.2f}".replace("-", "−"),
        f"{100 * row.relative_difference:+.2g} %".replace("-", "−"),
        f"{100 * row.detectable:.2g} %",
    ]
    numbers = "".join(f'<td class="num">{cell}</td>' for cell in cells)
    look = f'<td class="{_VERDICTS[row.verdict]}">{row.verdict}</td>'
    return f'<tr class="{"group" if name else "more"}"><td>{name}</td>{numbers}{look}</tr>'


def _regime(contents: Contents) -> str:
    return f"""<p>The same sizes with tanh units, at gains from small to large. Theory replaces tanh by its slope at 0;
where pre-activations are no longer small, it predicts too much.</p>
<figure>{to_inline_svg(contents.regime.figure)}
<figcaption>Figure {len(contents.cases) + 1}. Simulated over predicted variance, with two standard errors.
<a href="curves/linear-regime.csv">curves/linear-regime.csv</a> ·
<a href="curves/linear-regime.png">curves/linear-regime.png</a></figcaption></figure>"""


def _again(contents: Contents) -> str:
    commands = [f"varprop derive {t.name} --check" for t in contents.theorems[2:3]]
    commands += [f"varprop audit {audit.id}" for audit in contents.audits if audit.verdict == "refuted"][:1]
    widths = ",".join(map(str, WIDTHS))
    commands += [f"varprop curve --widths {widths} --gain 1"]
    commands += [f"varprop verify --widths {widths} --activation tanh --gain 2 --networks {contents.networks}"]
    commands += ["varprop report -o report"]
    notes = "".join(f'<p class="dim">{escape(note)}</p>' for note in contents.notes)
    seed = f"The random numbers of this report come from seed {contents.seed}; the same seed gives the same report."
    return f"<p>{seed}</p>\n<pre>{escape(chr(10).join(commands))}</pre>\n{notes}"


def _audit_intro() -> str:
    return (
        "<p>A printed formula is a claim. Its verdict is computed: the formula is compared with the derived one, and "
        "tried, in exact fractions, in small networks whose laws have the stated properties and no others. It "
        f"{_chip('holds', 'good')}, it {_chip('holds-if', 'mind')} something more is assumed, or it is "
        f"{_chip('refuted', 'bad')} by a network in which it is wrong.</p>\n"
    )
