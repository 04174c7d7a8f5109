"""Prediction and simulation on a page: a table of all runs, and each run with its figure and its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from numerics.report.contents import WIDTHS, Case, Contents
from numerics.report.formulas import chip, folded, mathml, pictured, ruled
from numerics.report.spelled import spelled
from numerics.verification import Row, Verification

_QUANTITIES = {
    "var_z": r"\mathrm{Var}[z^i]",
    "var_s": r"\mathrm{Var}[s^i]",
    "var_grad_s": r"\mathrm{Var}[\partial\mathrm{Cost}/\partial s^i]",
    "var_grad_w": r"\mathrm{Var}[\partial\mathrm{Cost}/\partial w^i]",
    "m2": "m^2",
    "v2": "v^2",
    "rho": r"\rho",
    "q": "q",
    "q_min": r"q_{\mathrm{min}}",
    "q_max": r"q_{\mathrm{max}}",
    "grad": r"\mathrm{E}[(\partial\mathrm{Cost}/\partial z)^2]",
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
    head = [("run", False), *((title, True) for title in ("rows", "off", "largest |z|", "threshold")), ("", False)]
    body = []
    for case in all_cases:
        rows, found = case.verification.comparisons, case.verification
        worst = max((abs(row.z) for row in rows if math.isfinite(row.z)), default=0.0)
        numbers = (str(len(rows)), str(sum(row.verdict == "differs" for row in rows)), f"{worst:.1f}")
        cells = "".join(f'<td class="num">{cell}</td>' for cell in (*numbers, f"{found.threshold:.2f}"))
        link = f'<a href="#run-{case.key}">{spelled(case.title)}</a>'
        look = f'<td class="{_VERDICTS[found.verdict]}">{found.verdict}</td>'
        body.append(f"<tr><td>{link}</td>{cells}{look}</tr>")
    return ruled(head, body)


def _case(case: Case, number: int) -> str:
    shown = {row.quantity for row in case.verification.comparisons}
    reasons = dict.fromkeys(
        why for name, listed in case.prediction.approximations.items() if name in shown for why in listed
    )
    claim = "All columns are exact at these widths."
    if reasons:
        claim = "The prediction assumes what this network only approaches: " + " ".join(map(spelled, reasons))
    verdict = case.verification.verdict
    files = [f"curves/{case.key}.csv", f"curves/{case.key}.png", f"verification/{case.key}.csv"]
    links = " · ".join(f'<a href="{name}">{name}</a>' for name in files)
    title = spelled(case.title)
    caption = f"Figure {number}. {title}: theory (lines), simulation (points, with two standard errors). {links}"
    return f"""<article id="run-{case.key}"><h3>{title} {chip(verdict, _VERDICTS[verdict])}</h3>
<p>{spelled(case.about)} {claim}</p>
{pictured(case.figure, _told(case), caption)}
<p>{spelled(_sentence(case.verification.summary()))}</p>
{folded("All rows", _rows(case.verification), opened=number == 1)}
</article>"""


def _told(case: Case) -> str:
    """Return what the figure says to who does not see it: each quantity in the first and the last layer."""
    ends: dict[str, list[Row]] = {}
    for row in case.verification.comparisons:
        ends.setdefault(row.quantity, [row, row])[1] = row
    shown = "; ".join(
        f"{name} from {first.predicted:.3g} ({first.estimate:.3g}) in layer {first.layer} to "
        f"{last.predicted:.3g} ({last.estimate:.3g}) in layer {last.layer}"
        for name, (first, last) in ends.items()
    )
    return f"{case.title}. Curves by layer, predicted (simulated): {shown}."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _rows(found: Verification) -> str:
    biased = any(row.width_bias for row in found.comparisons)
    titles = ["", "layer", "predicted", "simulated", "std. error", "z", "off by", "detectable"]
    titles += [*(["finite width"] if biased else []), ""]
    body, before = [], ""
    for row in found.comparisons:
        name = mathml(_QUANTITIES[row.quantity]) if row.quantity != before else ""
        body.append(_row(row, name, biased=biased))
        before = row.quantity
    return ruled([(title, bool(title)) for title in titles], body)


def _row(row: Row, name: str, *, biased: bool) -> str:
    cells = [
        f"{row.layer} {row.block}".strip(),
        f"{row.predicted:.5g}",
        f"{row.estimate:.5g}",
        f"{row.standard_error:.2g}",
        f"{row.z:+.2f}".replace("-", "−"),
        _percent(row.relative_difference, "+.2g"),
        _percent(row.detectable, ".2g"),
        *([_percent(row.width_bias, "+.2g")] if biased else []),
    ]
    numbers = "".join(f'<td class="num">{spelled(cell)}</td>' for cell in cells)
    look = f'<td class="{_VERDICTS[row.verdict]}">{row.verdict}</td>'
    return f'<tr class="{"group" if name else "more"}"><td>{name}</td>{numbers}{look}</tr>'


def _percent(value: float, form: str) -> str:
    """Return a share in percent; of a prediction that is zero there is none."""
    return f"{100 * value:{form}} %".replace("-", "−") if math.isfinite(value) else "–"


def _regime(contents: Contents, number: int) -> str:
    files = ("curves/linear-regime.csv", "curves/linear-regime.png")
    links = " · ".join(f'<a href="{name}">{name}</a>' for name in files)
    caption = f"Figure {number}. Simulated over predicted variance, with two standard errors. {links}"
    ends = [f"{ratio[0]:.2f} to {ratio[-1]:.2g}" for ratio, _ in contents.regime.ratios.values()]
    told = f"with growing gain, simulated over predicted variance falls from {' and from '.join(ends)}"
    return f"""<article id="regime"><h3>Where the linear regime ends</h3>
<p>The sizes of the first three networks with tanh units, at gains from small to large. Theory replaces tanh by
its slope at 0; where pre-activations are no longer small, it predicts too much.</p>
{pictured(contents.regime.figure, f"A plot: {told}.", caption)}</article>"""
