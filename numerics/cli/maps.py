"""``varprop maps``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import click

from derive.results import plain
from numerics.cli.activation_options import PARAM, SYMBOL, read_activation
from numerics.cli.arguments import Formula
from numerics.cli.gain_option import gain_option
from numerics.cli.limits import time_limit
from numerics.cli.narrow import Part, Prose
from numerics.cli.numbers import NUMBER
from numerics.cli.output import emit, show, table, to_json, working


@click.command("maps", cls=Formula)
@click.argument("activation")
@click.option("--q", type=NUMBER, default=1.0, show_default=True, metavar="Q", help="Variance of a pre-activation.")
@click.option("--rho", type=NUMBER, default=0.5, show_default=True, metavar="R", help="Correlation of two of them.")
@gain_option(type=NUMBER, default=1.0, metavar="G", help="sigma_w2 = n Var[W].")
@click.option("--bias-variance", type=NUMBER, default=0.0, show_default=True, metavar="V", help="sigma_b2, Var[b].")
@click.option("--format", "form", type=click.Choice(["text", "latex", "json"]), default="text", show_default=True)
@PARAM
@SYMBOL
@time_limit
def maps(
    activation: str,
    q: float,
    rho: float,
    gain: float,
    bias_variance: float,
    parameters: tuple[str, ...],
    symbols: tuple[str, ...],
    form: str,
) -> None:
    """Print the maps of an activation: closed forms where there are any, and numbers with their errors.

    ACTIVATION is a name (see `varprop list`) or an expression in x. K, mean_square_map and sample_variance_map are
    taken at m^2 = R Q and v^2 = (1 - R) Q. With --symbol, closed forms alone.
    """
    from derive.maps import MAPS, Maps
    from numerics.maps import NumericalMaps
    from numerics.maps.at_point import maps_at

    f = read_activation(activation, parameters, symbols)
    with working(f"maps of {f}") as progress:
        values: Mapping[str, Any] = {}
        if not f.free_parameters:
            values = maps_at(NumericalMaps(f, weight_variance=gain, bias_variance=bias_variance), q, rho)
        symbolic = Maps(f)
        forms = {}
        for name in MAPS:
            progress(name)
            forms[name] = symbolic.find(name)
    if form == "json":
        at = {"q": q, "rho": rho, "sigma_w2": gain, "sigma_b2": bias_variance}
        emit(to_json({"activation": str(f), **at, "maps": _data(values, forms)}))
    elif form == "latex":
        emit("\n".join(_line(name, found) for name, found in forms.items()))
    else:
        show(*_parts((q, rho, gain, bias_variance), values, forms))


def _data(values: Mapping[str, Any], forms: dict[str, Any]) -> dict[str, Any]:
    return {name: {**_form(found), **_number(values.get(name))} for name, found in forms.items()}


def _form(found: Any) -> dict[str, Any]:
    closed = _closed(found)
    if closed is None:
        return {"closed_form": None, "reason": str(found.reason)}
    return {"closed_form": {"latex": _latex(closed), "text": str(closed)}, "reason": None}


def _closed(found: Any) -> Any:
    return getattr(found, "result", None)


def _latex(closed: Any) -> str:
    from sympy import latex

    return str(latex(closed))


def _number(found: Any) -> dict[str, Any]:
    if found is None:
        return {"value": None, "error": None, "error_kind": None, "method": None}
    (row,) = plain(found.rows())
    return row if None not in row.values() else row | {"value": None, "error": None}


def _line(name: str, found: Any) -> str:
    closed = _closed(found)
    title = name.replace("_", r"\_")
    if closed is None:
        return f"% {name}: no closed form, {found.reason}"
    return rf"\text{{{title}}} &= {_latex(closed)} \\"


def _parts(at: tuple[float, float, float, float], values: Mapping[str, Any], forms: dict[str, Any]) -> list[Part]:
    from derive.maps import MAPS

    q, rho, gain, bias_variance = at
    rows = []
    reasons: dict[str, list[str]] = {}
    for name in forms:
        value = values.get(name)
        if value is not None:
            undefined = math.isnan(value.value)
            error = "-" if undefined else f"{value.error:.1e}"
            rows.append([name, "undefined" if undefined else f"{value.value:.15g}", error, str(value.method)])
            if value.reason:
                reasons.setdefault(value.reason, []).append(name)
    header = ["map", f"at q = {q:g}, rho = {rho:g}", "error", "method"]
    parts: list[Part] = [table(header, rows, left=frozenset({"map", "method"})), ""] if rows else []
    parts += [f"The gain is {gain:g}, the bias variance {bias_variance:g}.", ""] if rows else []
    parts += [Prose(f"{', '.join(names)}: {reason}") for reason, names in reasons.items()]
    missing = [name for name in forms if name not in values]
    if rows and missing:
        parts += [Prose(f"no number for {', '.join(missing)}: rho must not be negative for them, got {rho:g}"), ""]
    unsolved: dict[str, list[str]] = {}
    for name, found in forms.items():
        closed = _closed(found)
        if closed is None:
            of_slope = " of f'" if any(sign in MAPS[name] for sign in ("f'", "chi_perp")) else ""
            unsolved.setdefault(f"{found.reason}{of_slope and f' (met in the integrand{of_slope})'}", []).append(name)
        else:
            parts.append(f"{name} = {closed}")
    parts += [Prose(f"no closed form of {', '.join(names)}: {reason}") for reason, names in unsolved.items()]
    return parts
