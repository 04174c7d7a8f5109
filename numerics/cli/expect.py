"""``varprop expect``."""

from __future__ import annotations

import math
from typing import Any

import click
from sympy import Expr, StrictGreaterThan, Symbol

from derive.errors import InputError
from derive.expressions import FUNCTIONS, parse_expression, require_real_almost_everywhere
from derive.gaussian import ClosedForm, NoClosedForm, gaussian_expectation
from derive.render import latex, text
from numerics.cli.output import emit, to_json

Number = tuple[float, float] | str
"""A value and its estimated error, or why there is none; no reason where parameters are symbols."""


@click.command("expect")
@click.argument("expression", metavar="EXPR")
@click.option("--mean", "mean_text", default="0", metavar="M", help="Mean of x: a number or a symbol.  [default: 0]")
@click.option("--variance", "variance_text", default="1", metavar="V", help="Variance of x: likewise.  [default: 1]")
@click.option("--with", "other", metavar="EXPR2", help="A second function of a correlated x: E[EXPR(x) EXPR2(y)].")
@click.option("--correlation", "correlation_text", metavar="R", help="Correlation of x and y, with --with.")
@click.option("--symbol", "symbols", multiple=True, metavar="NAME", help="A real parameter in EXPR; repeat for more.")
@click.option("--steps", is_flag=True, help="Print the derivation.")
@click.option("--format", "form", type=click.Choice(["text", "latex", "json"]), default="text", show_default=True)
def expect(
    expression: str,
    mean_text: str,
    variance_text: str,
    other: str | None,
    correlation_text: str | None,
    symbols: tuple[str, ...],
    steps: bool,
    form: str,
) -> None:
    """Give E[EXPR(x)] for a Gaussian x in closed form, with its derivation and its number.

    EXPR is a function of x, such as "x*Phi(x)" or "where(x > 0, x, 0.2*x)". Mean, variance and correlation are numbers,
    or names for symbols: --variance q. Where there is no closed form, the answer is a number with its estimated error.
    """
    if (other is None) != (correlation_text is None):
        raise InputError("--with and --correlation go together")
    x, y = Symbol("x", real=True), Symbol("y", real=True)
    parameters = {"variance": variance_text, "mean": mean_text, "correlation": correlation_text or "0"}
    variance, mean, rho = (_parameter(name, given, variance_text) for name, given in parameters.items())
    if variance.is_number and not variance > 0:
        raise InputError(f"variance must be positive, got {variance_text}")
    if rho.is_number and not -1 <= rho <= 1:
        raise InputError(f"correlation must be between -1 and 1, got {correlation_text}")
    known = {name: _symbol("symbol", name, variance_text) for name in symbols}
    g = parse_expression(expression, {"x": x, **known}, what="EXPR")
    h = None if other is None else parse_expression(other, {"x": x, **known}, what="EXPR2")
    for what, function, given in (("EXPR", g, expression), ("EXPR2", h, other)):
        if function is not None and given is not None:
            require_real_almost_everywhere(function, x, given.strip(), what=what)
    try:
        if h is None:
            found = gaussian_expectation(g, {x: (mean, variance)})
        else:
            rows = ((variance, rho * variance), (rho * variance, variance))
            found = gaussian_expectation(g * h.xreplace({x: y}), (x, y), mean=(mean, mean), covariance=rows)
    except NoClosedForm as reason:
        emit(_number_only(str(reason), form, _quadrature(g, h, x, mean, variance, rho)))
        return
    if steps:
        emit(found.latex() if form == "latex" else found.text() if form == "text" else to_json(found.to_dict()))
        return
    emit(_answer(found, form))


def _answer(found: ClosedForm, form: str) -> str:
    """Return a closed form, where it holds, its number and how it was checked."""
    if form == "latex":
        return latex.formula(found.result)
    value = float(found.result.evalf(20)) if not found.result.free_symbols else None
    beyond = value is not None and not math.isfinite(value)
    evidence = str(found.agreement)
    holds = [StrictGreaterThan(c, 0, evaluate=False) for c in found.conditions if c.free_symbols]
    if form == "json":
        data = {
            "closed_form": {"latex": latex.formula(found.result), "text": text.formula(found.result)},
            "value": None if beyond else value,
            "error_bound": None if beyond or value is None else abs(value) * 1e-13,
            "method": f"closed form; {evidence}",
            "conditions": [{"latex": latex.formula(c), "text": text.formula(c)} for c in holds],
        }
        return to_json(data)
    lines = [text.formula(found.result)]
    if value is not None:
        lines.append("a number beyond the range of floating-point numbers" if beyond else f"= {value!r}")
    if holds:
        lines.append("for " + ", ".join(text.formula(c) for c in holds))
    return "\n".join([*lines, evidence])


def _parameter(name: str, given: str, variance: str) -> Any:
    """Return a number as it was written, or a symbol."""
    if given.isidentifier() and given not in ("pi", "e"):
        return _symbol(name, given, variance)
    return parse_expression(given, {}, what=name)


def _symbol(name: str, given: str, variance: str) -> Symbol:
    """Return a real symbol: positive where it is the variance, and one symbol for one name."""
    if given.lower() in _NOT_NAMES or given in FUNCTIONS or not given.isidentifier() or not given.isascii():
        raise InputError(f"{name} must be a number or a name that nothing else has, got {given!r}")
    return Symbol(given, positive=True) if given == variance else Symbol(given, real=True)


_NOT_NAMES = ("x", "y", "pi", "e", "nan", "inf", "infinity")


def _quadrature(g: Expr, h: Expr | None, x: Symbol, mean: Expr, variance: Expr, rho: Expr) -> Number:
    """Return E[g(x)], or E[g(x) h(y)], and its estimated error, where all parameters are numbers and it is finite."""
    given = [g, mean, variance] if h is None else [g, h, mean, variance, rho]
    if set().union(*(e.free_symbols for e in given)) - {x}:
        return ""
    from derive.activations import Activation
    from numerics.maps import NumericalMaps
    from numerics.maps.functions import functions
    from numerics.maps.singular import expectation_of

    def integrand(f: Expr) -> Activation:
        return Activation("the integrand", f.subs(x, x + mean), symbol=x)

    def maps(f: Expr) -> NumericalMaps:
        return NumericalMaps(integrand(f), method="quadrature")

    q, r = float(variance), float(rho)
    if h is None:
        one = expectation_of(functions(integrand(g)), q)
        return one.reason if one.value is None or one.error is None else (one.value, one.error)
    if g == h:
        found = maps(g).covariance(q, r)
        value, error = float(found.value), float(found.error)
    else:
        # x and y are exchangeable: 4 E[g h] = E[(g + h)(g + h)] - E[(g - h)(g - h)]
        plus, minus = maps(g + h).covariance(q, r), maps(g - h).covariance(q, r)
        value, error = (float(plus.value) - float(minus.value)) / 4, (float(plus.error) + float(minus.error)) / 4
    finite = math.isfinite(value) and math.isfinite(error)
    return (value, error) if finite else "the quadrature does not converge, or the expectation is infinite"


def _number_only(reason: str, form: str, number: Number) -> str:
    why, (value, bound) = (number, (None, None)) if isinstance(number, str) else ("", number)
    if form == "json":
        method = f"none; {reason}{why and f'; {why}'}" if value is None else f"quadrature; {reason}"
        return to_json({"closed_form": None, "value": value, "error_bound": bound, "method": method})
    lines = [reason[:1].upper() + reason[1:]]
    if value is not None and bound is not None:
        lines.append(f"= {value!r}, by quadrature, estimated error {bound:.1e}")
    elif why:
        lines.append(f"No number: {why}")
    return "\n".join(lines)
