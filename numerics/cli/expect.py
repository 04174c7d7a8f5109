"""``varprop expect``."""

from __future__ import annotations

from typing import Any

import click
from sympy import Rational, Symbol

from derive.errors import InputError
from derive.expressions import parse_expression
from derive.gaussian import NoClosedForm, gaussian_expectation
from derive.render import latex, text
from numerics.cli.output import emit, to_json


@click.command("expect")
@click.argument("expression", metavar="EXPR")
@click.option("--mean", "mean_text", default="0", metavar="M", help="Mean of x: a number or a symbol.  [default: 0]")
@click.option("--variance", "variance_text", default="1", metavar="V", help="Variance of x: likewise.  [default: 1]")
@click.option("--with", "other", metavar="EXPR2", help="A second function of a correlated x: E[EXPR(x) EXPR2(y)].")
@click.option("--correlation", "correlation_text", metavar="R", help="Correlation of x and y, with --with.")
@click.option("--steps", is_flag=True, help="Print the derivation.")
@click.option("--format", "form", type=click.Choice(["text", "latex", "json"]), default="text", show_default=True)
def expect(
    expression: str,
    mean_text: str,
    variance_text: str,
    other: str | None,
    correlation_text: str | None,
    steps: bool,
    form: str,
) -> None:
    """Give E[EXPR(x)] for a Gaussian x in closed form, with its derivation and its number.

    EXPR is a function of x, such as "x*Phi(x)" or "where(x > 0, x, 0.2*x)". Parameters are numbers, or names for
    symbols: --variance q. Where there is no closed form, the answer is a number with its estimated error.
    """
    if (other is None) != (correlation_text is None):
        raise InputError("--with and --correlation go together")
    x, y = Symbol("x", real=True), Symbol("y", real=True)
    mean, variance = _parameter("mean", mean_text), _parameter("variance", variance_text)
    if variance.is_number and not variance > 0:
        raise InputError(f"variance must be positive, got {variance_text}")
    g = parse_expression(expression, {"x": x}, what="EXPR")
    try:
        if other is None:
            found = gaussian_expectation(g, {x: (mean, variance)})
        else:
            rho = _parameter("correlation", str(correlation_text))
            if rho.is_number and not -1 <= rho <= 1:
                raise InputError(f"correlation must be between -1 and 1, got {correlation_text}")
            h = parse_expression(other, {"x": y}, what="EXPR2")
            rows = ((variance, rho * variance), (rho * variance, variance))
            found = gaussian_expectation(g * h, (x, y), mean=(mean, mean), covariance=rows)
    except NoClosedForm as reason:
        emit(_number_only(str(reason), form, _quadrature(g, x, mean, variance) if other is None else None))
        return
    if steps:
        emit(found.latex() if form == "latex" else found.text() if form == "text" else to_json(found.to_dict()))
        return
    value = float(found.result.evalf(20)) if not found.result.free_symbols else None
    evidence = str(found.agreement)
    if form == "json":
        closed = {"latex": latex.formula(found.result), "text": text.formula(found.result)}
        bound = None if value is None else abs(value) * 1e-15
        emit(
            to_json({"closed_form": closed, "value": value, "error_bound": bound, "method": f"closed form; {evidence}"})
        )
    elif form == "latex":
        emit(latex.formula(found.result))
    else:
        emit(text.formula(found.result) + ("" if value is None else f"\n= {value!r}") + f"\n{evidence}")


def _parameter(name: str, given: str) -> Any:
    """Return a number as it was written, or a symbol: positive for a variance, real otherwise."""
    if given.isidentifier():
        return Symbol(given, positive=True) if name == "variance" else Symbol(given, real=True)
    try:
        value = Rational(given)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number or a name, got {given!r}") from None
    if not value.is_finite:
        raise InputError(f"{name} must be finite, got {given!r}")
    return value


def _quadrature(g: Any, x: Symbol, mean: Any, variance: Any) -> tuple[float, float] | None:
    """Return the number and its estimated error where mean and variance are numbers."""
    if mean.free_symbols or variance.free_symbols:
        return None
    from derive.activations import Activation
    from numerics.maps import NumericalMaps

    shifted = Activation("the integrand", g.subs(x, x + mean), symbol=x)
    found = NumericalMaps(shifted, method="quadrature").mean(float(variance))
    return float(found.value), float(found.error)


def _number_only(reason: str, form: str, number: tuple[float, float] | None) -> str:
    value, bound = number if number is not None else (None, None)
    if form == "json":
        method = f"quadrature; {reason}"
        return to_json({"closed_form": None, "value": value, "error_bound": bound, "method": method})
    lines = [reason[:1].upper() + reason[1:]]
    if value is not None and bound is not None:
        lines.append(f"= {value!r}, by quadrature, estimated error {bound:.1e}")
    return "\n".join(lines)
