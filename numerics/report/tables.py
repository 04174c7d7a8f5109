"""Prediction and simulation on a page: a table of all runs, and each run with its figure and its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from numerics.figures import to_inline_svg
from numerics.report.contents import WIDTHS, Case, Contents
from numerics.report.formulas import chip, folded, mathml
from numerics.verification import Row, Verification

_QUANTITIES = {
    "var_z": r"\mathrm{Var}[z^i]",
    "var_s": r"\mathrm{Var}[s^i]",
    "var_grad_s": r"\mathrm{Var}[\partial\mathrm{Cost}/\partial s^i]",
    "var_grad_w": r"\mathrm{Var}[\partial\mathrm{Cost}/\partial w^i]",
    "m2": "m^2",
    "v2": "v^2",
    "rho": r"\rho",
}
_VERDICTS = {"agrees": "good", "inconclusive": "mind", "differs": "bad"}


def verification(contents: Contents, numbers: Iterator[int]) -> str:
    """Return the section: a table of all runs, each run with its figure and rows, and the linear regime's end."""
    widths = ", ".join(map(str, WIDTHS))
    text = (
        "<p>Lines are the derived formulas, evaluated by their kernels; points are simulated: real weight matrices, or "
        "what they give exactly in distribution, with two standard errors. A row agrees while |z| stays below a "
        "threshold that lets a right table pass with 99 % probability; <i>detectable</i> is the relative error that "
        f"the run would have caught with 99 % probability. The first three networks have the sizes {widths}, and "
        f"{contents.networks:,} of each are drawn, forward and backward.</p>"
    )
    return f"{text}\n{cases(contents.cases, numbers)}\n{_regime(contents, next(numbers))}"


def cases(all_cases: Sequence[Case], numbers: Iterator[int]) -> str:
    """Return a table of all runs, and each run with its figure and its rows."""
    return "\n".join([_summary(all_cases), *(_case(case, next(numbers)) for case in all_cases)])


def _summary(all_cases: Sequence[Case]) -> str:
    """Return one row a run."""
    titles = ("run", "rows", "off", "largest |z|", "threshold", "")
    head = "".join(
        f'<th class="{"num" if k in (1, 2, 3, 4) else "text"}">{title}</th>' for k, title in enumerate(titles)
    )
    body = []
    for case in all_cases:
        rows, found = case.verification.comparisons, case.verification
        worst = max((abs(row.z) for row in rows if math.isfinite(row.z)), default=0.0)
        numbers = (str(len(rows)), str(sum(row.verdict == "differs" for row in rows)), f"{worst:.1f}")
        cells = "".join(f'<td class="num">{cell}</td>' for cell in (*numbers, f"{found.threshold:.2f}"))
        link = f'<a href="#{case.key}">{escape(case.title)}</a>'
        look = f'<td class="{_VERDICTS[found.verdict]}">{found.verdict}</td>'
        body.append(f"<tr><td>{link}</td>{cells}{look}</tr>")
    return f'<table class="ruled"><tr>{head}</tr>\n' + "\n".join(body) + "</table>"


def _case(case: Case, number: int) -> str:
    shown = {row.quantity for row in case.verification.comparisons}
    reasons = dict.fromkeys(
        why for name, listed in case.prediction.approximations.items() if name in shown for why in listed
    )
    claim = "All columns are exact at these widths."
    if reasons:
        claim = "The prediction assumes what this network only approaches: " + " ".join(map(escape, reasons))
    verdict = case.verification.verdict
    rows = f'<div class="scroll">{_rows(case.verification)}</div>'
    files = [f"curves/{case.key}.csv", f"curves/{case.key}.png", f"verification/{case.key}.csv"]
    links = " · ".join(f'<a href="{name}">{name}</a>' for name in files)
    return f"""<article id="{case.key}"><h3>{escape(case.title)} {chip(verdict, _VERDICTS[verdict])}</h3>
<p>{escape(case.about)} {claim}</p>
<figure>{to_inline_svg(case.figure)}
<figcaption>Figure {number}. {escape(case.title)}: theory (lines), simulation (points). {links}</figcaption></figure>
<p>{escape(_sentence(case.verification.summary()))}</p>
{folded("All rows", rows, opened=number == 1)}
</article>"""


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _rows(found: Verification) -> str:
    biased = any(row.width_bias for row in found.comparisons)
    titles = ["", "layer", "predicted", "simulated", "std. error", "z", "off by", "detectable"]
    titles += [*(["finite width"] if biased else []), ""]
    head = "".join(f'<th class="{"num" if title else "text"}">{title}</th>' for title in titles)
    body, before = [], ""
    for row in found.comparisons:
        name = mathml(_QUANTITIES[row.quantity]) if row.quantity != before else ""
        body.append(_row(row, name, biased=biased))
        before = row.quantity
    return f'<table class="ruled"><tr>{head}</tr>\n' + "\n".join(body) + "</table>"


def _row(row: Row, name: str, *, biased: bool) -> str:
    cells = [
        str(row.layer),
        f"{row.predicted:.5g}",
        f"{row.estimate:.5g}",
        f"{row.standard_error:.2g}",
        f"{row.z:+.2f}".replace("-", "−"),
        _percent(row.relative_difference, "+.2g"),
        _percent(row.detectable, ".2g"),
        *([_percent(row.width_bias, "+.2g")] if biased else []),
    ]
    numbers = "".join(f'<td class="num">{cell}</td>' for cell in cells)
    look = f'<td class="{_VERDICTS[row.verdict]}">{row.verdict}</td>'
    return f'<tr class="{"group" if name else "more"}"><td>{name}</td>{numbers}{look}</tr>'


def _percent(value: float, form: str) -> str:
    """Return a share in percent; of a prediction that is zero there is none."""
    return f"{100 * value:{form}} %".replace("-", "−") if math.isfinite(value) else "–"


def _regime(contents: Contents, number: int) -> str:
    return f"""<article id="regime"><h3>Where the linear regime ends</h3>
<p>The sizes of the first three networks with tanh units, at gains from small to large. Theory replaces tanh by
its slope at 0; where pre-activations are no longer small, it predicts too much.</p>
<figure>{to_inline_svg(contents.regime.figure)}
<figcaption>Figure {number}. Simulated over predicted variance, with two standard errors.
<a href="curves/linear-regime.csv">curves/linear-regime.csv</a> ·
<a href="curves/linear-regime.png">curves/linear-regime.png</a></figcaption></figure></article>"""
