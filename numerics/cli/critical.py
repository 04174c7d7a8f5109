"""``varprop critical``, ``varprop phase`` and ``varprop init``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from numerics.cli.activation_options import with_parameters
from numerics.cli.arguments import Formula
from numerics.cli.gain_option import gain_option
from numerics.cli.limits import time_limit
from numerics.cli.narrow import Part, Prose, Verbatim
from numerics.cli.numbers import NUMBER
from numerics.cli.output import emit, show, table, to_json, working

if TYPE_CHECKING:
    from derive.activations import Activation
    from numerics.criticality import Critical
    from numerics.gains import Gain

_FORMAT = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.command("critical", cls=Formula)
@click.argument("activation")
@click.option("--bias-variance", type=NUMBER, metavar="B", help="Var[b]: find the edge of chaos for it.")
@_FORMAT
@time_limit
@with_parameters
def critical(activation: Activation, bias_variance: float | None, form: str) -> None:
    """Find where a wide network of an activation is critical: edge of chaos, fixed points, depth scales.

    With --bias-variance: the weight variance (times fan-in) with chi_perp = 1 at a fixed point. Without: the point
    with chi_perp = chi_par = 1, and the activation's class. ACTIVATION is a name or an expression in x.
    """
    from numerics.criticality import critical as find

    with working(f"fixed points of {activation}"):
        found = find(activation, bias_variance=bias_variance)
    if form == "json":
        emit(to_json(found.to_dict()))
    else:
        show(*_parts(found))


def _parts(found: Critical) -> list[Part]:
    from numerics.criticality.point import AT_ZERO

    rows = [["class of the activation", found.kind]]
    if found.kind == AT_ZERO and found.q_star:
        rows[0][1] += ", which is of its critical point without biases, q = 0"
    if found.sigma_w2 is not None:
        rows.append(["gain n Var[W], sigma_w2", _digits(found.sigma_w2)])
    if found.sigma_b2 is not None:
        rows.append(["sigma_b2 (Var[b])", _digits(found.sigma_b2)])
    if found.chi_perp is not None:
        every = "every q" if found.q_star is None else _digits(found.q_star)
        rows.append(["q_star", f"{every} ({found.stability})"])
        rows += [["chi_perp", _digits(found.chi_perp)], ["chi_par", _digits(found.chi_par)]]
        # Why there is none is said once, below.
        words = {name: words.partition(":")[0] for name, words in found.words.items()}
        rows += [[f"{name} (layers)", words.get(name) or _digits(getattr(found, name))] for name in _SCALES]
    parts: list[Part] = [table(["", str(found.activation)], rows, left=frozenset({"", str(found.activation)}))]
    if found.fixed_points:
        header = ["fixed point q", "error", "chi_par", "chi_perp", "xi_q", "stability"]
        points = [
            [
                _known(p.q, p.error),
                f"{p.error:.0e}",
                f"{p.chi_par:.9g}",
                f"{p.chi_perp:.9g}",
                (p.words["xi_q"] or f"{p.xi_q:.6g}").partition(":")[0],
                p.stability,
            ]
            for p in found.fixed_points
        ]
        parts += ["", table(header, points, left=frozenset({"stability"}))]
        flat = [p for p in found.fixed_points if p.xi_q == math.inf]
        parts += [Prose(f"q = {p.q:.6g} is {p.stability}: {p.evidence}") for p in flat]
        parts += [Prose(found.destination)] if found.destination else []
    parts += ["", *(Prose(f"approach: {rate}") for rate in found.approach)] if found.approach else []
    also = "Another point with chi_perp = 1: gain (sigma_w2) {:.12g}, sigma_b2 {:.12g}, at q = {:.12g}."
    parts += [Prose(also.format(*point)) for point in found.others]
    return [*parts, *map(Prose, found.notes)]


_SCALES = ("xi_q", "xi_c")
_SHOWN = 13  # the last digits of a float are other ones on other machines


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.{_SHOWN}g}"


def _known(value: float, error: float) -> str:
    """Return a number with the digits that its error leaves, and one more."""
    digits = _SHOWN if not (value and error) else max(math.ceil(math.log10(abs(value) / error)), 0) + 1
    return f"{value:.{min(digits, _SHOWN)}g}"


@click.command("phase", cls=Formula)
@click.argument("activation")
@click.option("-o", "--output", required=True, metavar="FILE", help="File to write: .png, .svg, .pdf, or .csv.")
@click.option(
    "--format", "form", type=click.Choice(["png", "svg", "pdf", "csv"]), help="In place of the name's ending."
)
@gain_option(type=(NUMBER, NUMBER), metavar="LOW HIGH", help="Range of sigma_w2 = n Var[W].")
@click.option(
    "--bias-variance",
    type=(NUMBER, NUMBER),
    default=(0.0, 0.5),
    show_default=True,
    metavar="LOW HIGH",
    help="Of sigma_b2.",
)
@click.option("--points", type=int, default=256, show_default=True, metavar="N", help="Grid points along each axis.")
@time_limit
@with_parameters
def phase(
    activation: Activation,
    output: str,
    form: str | None,
    gain: tuple[float, float] | None,
    bias_variance: tuple[float, float],
    points: int,
) -> None:
    """Draw the phase diagram over (sigma_w2, sigma_b2), or write its numbers.

    Ordered and chaotic phase, the critical line chi_perp = 1, contours of the depth scales. ACTIVATION is a name or an
    expression in x.
    """
    from numerics.figures.style import form_of, to_bytes
    from numerics.files import write_atomic
    from numerics.phase import phase_diagram as diagram_of
    from numerics.phase_figure import plot_phase

    kind = form or ("csv" if output.lower().endswith(".csv") else form_of(output))
    with working(f"phase diagram of {activation}"):
        diagram = diagram_of(activation, weight_variance=gain, bias_variance=bias_variance, points=points)
        content: str | bytes = diagram.to_csv() if kind == "csv" else to_bytes(plot_phase(diagram), kind)
    write_atomic(output, content)


@click.command("init", cls=Formula)
@click.argument("activation")
@_FORMAT
@time_limit
@with_parameters
def init(activation: Activation, form: str) -> None:
    """Print the gains worth starting from, with what each achieves, as lines for PyTorch and JAX.

    The one that changes variances least over 50 layers comes first, in words. A gain is n Var[W], n the fan-in, as in
    `varprop curve --gain`; its root is the torch gain, as in std = torch gain/sqrt(n). ACTIVATION is a name or an
    expression in x.
    """
    from numerics.gains import recommended_gains

    with working(f"gains of {activation}"):
        gains = recommended_gains(activation)
    if form == "json":
        emit(to_json(gains.to_dict()))
        return
    use = gains.best
    parts: list[Part] = [] if use is None else [*map(Prose, _recommendation(use)), ""]
    for gain in gains:
        title = f"{gain.name}: gain {gain.gain:.12g}, torch gain {gain.torch_gain:.12g}{_bias(gain)}"
        sentences = filter(None, (gain.meaning, gain.outcome, gain.unit_outcome))
        parts += [Prose(title, hang=4), *(Prose(words, indent=2, hang=2) for words in sentences)]
        parts += [Verbatim(f"  {line}") for line in _lines(gain)]
    if not gains:
        parts = [Prose(f"{activation} has no gain to recommend: its moments at q = 1 are not finite")]
    show(*parts, *map(Prose, gains.notes))


def _lines(gain: Gain) -> list[str]:
    """Return what is to be copied, a statement a line."""
    lines = []
    for title, code in (("PyTorch:", gain.pytorch), ("JAX:", gain.jax), ("varprop:", gain.options)):
        first, *more = code.split("; ")
        lines += [f"{title:<8} {first}", *(f"{'':<8} {statement}" for statement in more)]
    return lines


def _recommendation(gain: Gain) -> list[str]:
    from numerics.gains import DEPTH

    alone = "It keeps variances" if gain.change < _KEPT else "It changes variances least of the gains below"
    inputs = "" if gain.input_variance is None else f" (of inputs of variance {gain.input_variance:.4g})"
    words = [
        f"Use gain {gain.gain:.12g}{_bias(gain)}: Var[W] = {gain.gain:.12g}/n, n the fan-in; torch gain "
        f"{gain.torch_gain:.12g}.",
        f"{alone}: from first pre-activations of variance 1{inputs}, {DEPTH} wide layers "
        f"multiply their variance by {gain.length_after:.4g} and that of gradients by {gain.gradient_after:.4g}.",
    ]
    if gain.unit_outcome and gain.unit_change >= _KEPT:
        words.append(
            f"Inputs of variance 1 start at {gain.unit_start:.4g} instead, and get to {gain.unit_length_after:.4g}; "
            f"gradients are multiplied by {gain.unit_gradient_after:.4g}."
        )
    return words


def _bias(gain: Gain) -> str:
    return f", bias variance {gain.sigma_b2:.12g}" if gain.sigma_b2 else ""


_KEPT = 1e-9  # rounding over the layers
