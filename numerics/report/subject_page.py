"""The page of one activation function; nothing is computed here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from itertools import count

from sympy import Eq

from derive.network import f as f_of
from derive.network import slope as slope_of
from numerics.criticality import Critical
from numerics.report.formulas import chip, displayed, folded, pictured, ruled
from numerics.report.spelled import spelled
from numerics.report.subject import RHO, Map, Subject
from numerics.report.tables import cases

_CAPTIONS = {
    "function": "The function and its slope, as back-propagation computes it.",
    "maps": "Where the solid line meets the dashed one the map has a fixed point.",
    "phase": "Ordered: inputs become alike with depth. Chaotic: they come apart. Lines are depth scales, in layers: of "
    "the correlation (ξ_c) and of the length (ξ_q).",
}

_TITLES = {"chi_perp": "χ_⊥", "chi_par": "χ_∥"}
_SHOWN = {"function": "figure of the function", "maps": "figure of the maps", "phase": "phase diagram"}


def subject_body(subject: Subject) -> str:
    """Return the page's body, between title and end."""
    numbers, f = count(1), subject.activation
    symbol = f.symbol
    formulas = displayed(Eq(f_of(symbol), f.expression, evaluate=False))
    formulas += displayed(Eq(slope_of(symbol), f.derivative, evaluate=False))
    facts = [
        f"parity: {f.parity}",
        f"kinks at {', '.join(map(str, f.kinks))}" if f.kinks else "no kinks",
        f"jumps at {', '.join(map(str, f.jumps))}" if f.jumps else "no jumps",
    ]
    sections = (
        (
            "function",
            "The function",
            f"{formulas}<p>{escape('; '.join(facts))}.</p>{_figure(subject, 'function', numbers)}",
        ),
        ("maps", "Its maps", _maps(subject) + _figure(subject, "maps", numbers)),
        ("critical", "Where it is critical", _critical(subject) + _figure(subject, "phase", numbers)),
        ("gains", "Gains", _gains(subject)),
        ("verification", "Prediction and simulation", f"<p>{_VERIFICATION}</p>" + cases(subject.cases, numbers)),
    )
    links = "".join(f'<li><a href="#{key}">{title}</a></li>' for key, title, _ in sections)
    back = '<p class="dim"><a href="index.html">The whole report</a></p>'
    nav = f'<nav aria-label="Contents"><ol>{links}</ol></nav>'
    head = f"<header><h1>{escape(str(f))}</h1>\n{back}{nav}</header>"
    body = "\n".join(
        f'<section id="{key}"><h2>{number}. {title}</h2>\n{text}\n</section>'
        for number, (key, title, text) in enumerate(sections, 1)
    )
    return f"{head}\n{body}"


_VERIFICATION = spelled(
    "Networks with 0.7, 1 and 1.5 times the σ_w² at which the maps were evaluated, each two ways: over networks, "
    "with real weight matrices, forward and backward; and over samples and networks. The theory is the limit of wide "
    "layers; a network of width N is off by about one over N."
)


def _figure(subject: Subject, name: str, numbers: Iterator[int]) -> str:
    path, figure = f"figures/{subject.slug}-{name}.png", subject.figures[name]
    if isinstance(figure, str):
        return f'<p class="dim">The {_SHOWN[name]} could not be drawn and is left out: {escape(figure)}.</p>'
    caption = f'Figure {next(numbers)}. {spelled(_CAPTIONS[name])} <a href="{path}">{path}</a>'
    return pictured(figure, f"The {_SHOWN[name]} for {subject.activation}. {_CAPTIONS[name]}", caption)


def _maps(subject: Subject) -> str:
    text = (
        "For weights of variance σ_w²/N and biases of variance σ_b², in the limit of wide layers. Numbers are at "
        f"σ_w² = {subject.weight_variance:.6g}, σ_b² = {subject.bias_variance:.6g}, q = {subject.q:.6g} and "
        f"ρ = {RHO:g} (for K and the variance over samples m² = ρq, v² = (1 − ρ)q); each with its error, a bound for a "
        "closed form and an estimate otherwise."
    )
    return f"<p>{spelled(text)}</p>" + "\n".join(_map(subject, found) for found in subject.maps)


def _map(subject: Subject, found: Map) -> str:
    name = found.name.replace("_", "-")
    title = spelled(_TITLES.get(found.name, found.name.replace("_", " ").capitalize()))
    state = chip("closed form", "good") if found.derivation is not None else chip("numerical", "mind")
    parts = [f'<article id="{name}"><h3>{title} {state}</h3>']
    parts.append(f'<p class="dim"><code>{escape(found.name)}</code>: {spelled(found.meaning)}</p>')
    if found.value is not None and math.isfinite(found.value.value):
        value = found.value
        parts.append(f"<p>{spelled(f'{value.value:.15g} ± {value.error:.1g} ({value.method})')}</p>")
    if found.derivation is None:
        parts.append(f"<p>No closed form: {spelled(found.reason)}.</p>")
    else:
        files = " · ".join(f'<a href="derivations/{subject.slug}-{name}.{kind}">{kind}</a>' for kind in ("html", "tex"))
        parts.append(f'<div class="equation">{displayed(found.derivation.result)}</div><p class="dim">{files}</p>')
        parts.append(folded("The derivation, step by step", f"<div>{found.fragment}</div>"))
        if found.kernel:
            parts.append(folded("As NumPy", f"<pre>{escape(found.kernel)}</pre>"))
    return "\n".join(parts) + "</article>"


def _critical(subject: Subject) -> str:
    rows = [("χ_⊥ = χ_∥ = 1", subject.critical), ("edge of chaos", subject.edge)]
    titles = ("", "σ_w²", "σ_b²", "q*", "χ_⊥", "χ_∥", "ξ_q", "ξ_c", "")
    body = [f"<tr><td>{spelled(title)}</td>{_numbers(found)}</tr>" for title, found in rows]
    notes = [f"{title}: {rate}" for title, found in rows if found.stability != "unstable" for rate in found.approach]
    notes += [note for _, found in rows for note in found.notes]
    listed = "".join(f"<li>{spelled(note)}</li>" for note in dict.fromkeys(notes))
    return (
        f"<p>Its class is <b>{escape(subject.critical.kind)}</b>.</p>"
        f"{ruled([(spelled(title), bool(title)) for title in titles], body)}<ul>{listed}</ul>"
    )


def _numbers(found: Critical) -> str:
    if found.sigma_w2 is None:
        return '<td colspan="8">none</td>'
    values = (found.sigma_w2, found.sigma_b2, found.q_star, found.chi_perp, found.chi_par)
    scales = (("xi_q", found.xi_q), ("xi_c", found.xi_c))
    cells = "".join(f'<td class="num">{_digits(value)}</td>' for value in values)
    # Where there is no depth scale, one word of the reason; the last column says which stability.
    cells += "".join(
        f'<td class="num">{found.words[name].partition(":")[0] if value is None else _digits(value)}</td>'
        for name, value in scales
    )
    return f"{cells}<td>{escape(found.stability or '')}</td>"


def _digits(value: float | None) -> str:
    return "every" if value is None else "∞" if math.isinf(value) else f"{value:.8g}".replace("-", "−")


def _gains(subject: Subject) -> str:
    if not subject.gains:
        return "<p>There is no gain to recommend: its moments at q = 1 are not finite.</p>"
    parts = []
    for gain in subject.gains:
        bias = f", bias variance {gain.sigma_b2:.10g}" if gain.sigma_b2 else ""
        sizes = f"Gain {gain.gain:.10g} (n Var[W]; torch gain {gain.torch_gain:.10g}){bias}"
        outcome = "; ".join(filter(None, (gain.outcome, gain.unit_outcome)))
        text = f"{sizes}: {gain.meaning}. {outcome}."
        lines = escape("\n".join([*gain.pytorch.split("; "), *gain.jax.split("; "), f"varprop curve {gain.options}"]))
        parts.append(
            f"<article><h3>{escape(gain.name.capitalize())}</h3><p>{spelled(text)}</p><pre>{lines}</pre></article>"
        )
    return "\n".join(parts)
