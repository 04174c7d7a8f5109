"""``varprop expect``."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from typing import Any

import click
import mpmath
from sympy import Expr, StrictGreaterThan, Symbol

from derive.activations.names import put_in
from derive.errors import InputError
from derive.expressions import FUNCTIONS, parse_expression, require_real_almost_everywhere
from derive.gaussian import CannotEvaluate, ClosedForm, NoClosedForm, gaussian_expectation, number
from derive.render import latex, text
from numerics.cli.activation_options import PARAM, read_parameters
from numerics.cli.arguments import Formula
from numerics.cli.limits import time_limit
from numerics.cli.narrow import columns
from numerics.cli.output import emit, show, to_json

X, Y = Symbol("x", real=True), Symbol("y", real=True)
Number = tuple[float, float] | str
"""A value and a bound of its error, or why there is none; no reason where parameters are symbols."""


@click.command("expect", cls=Formula)
@click.argument("expression", metavar="EXPR")
@click.option(
    "--mean", "mean_text", default="0", metavar="M", help="Mean of x: a number, a symbol or a formula.  [default: 0]"
)
@click.option("--variance", "variance_text", default="1", metavar="V", help="Variance of x: likewise.  [default: 1]")
@click.option("--with", "other", metavar="EXPR2", help="A second function of a correlated x: E[EXPR(x) EXPR2(y)].")
@click.option("--correlation", "correlation_text", metavar="R", help="Correlation of x and y: with --with, or of EXPR.")
@click.option("--symbol", "symbols", multiple=True, metavar="NAME", help="A real parameter in EXPR; repeat for more.")
@PARAM
@click.option("--steps", is_flag=True, help="Print the derivation.")
@click.option("--format", "form", type=click.Choice(["text", "latex", "json"]), default="text", show_default=True)
@time_limit
def expect(
    expression: str,
    mean_text: str,
    variance_text: str,
    other: str | None,
    correlation_text: str | None,
    symbols: tuple[str, ...],
    parameters: tuple[str, ...],
    steps: bool,
    form: str,
) -> None:
    """Give E[EXPR(x)] for a Gaussian x in closed form, with its derivation and its number.

    EXPR is a function of x, such as "x*Phi(x)" or "where(x > 0, x, 0.2*x)"; with --correlation alone, a function of x
    and y, such as "max(x, y)", of one mean and variance. Mean, variance and correlation are numbers, names for symbols,
    or formulas of both: --variance q, --variance "2*(1 - r)". Where there is no closed form, the answer is a number
    with its estimated error.
    """
    if other is not None and correlation_text is None:
        raise InputError("--with and --correlation go together")
    numbers = read_parameters(parameters)
    expression, mean_text, variance_text = (put_in(t, numbers)[0] for t in (expression, mean_text, variance_text))
    other, correlation_text = (None if t is None else put_in(t, numbers)[0] for t in (other, correlation_text))
    moments = {"variance": variance_text, "mean": mean_text, "correlation": correlation_text or "0"}
    variance, mean, rho = (_parameter(name, given, variance_text) for name, given in moments.items())
    if variance.is_number and not variance > 0:
        raise InputError(f"variance must be positive, got {variance_text}")
    if rho.is_number and not -1 <= rho <= 1:
        raise InputError(f"correlation must be between -1 and 1, got {correlation_text}")
    known = {name: _symbol("symbol", name, variance_text) for name in symbols}
    g, h = _functions(expression, other, correlation_text is not None and other is None, known)
    try:
        if correlation_text is None:
            found = gaussian_expectation(g, {X: (mean, variance)})
        else:
            rows = ((variance, rho * variance), (rho * variance, variance))
            whole = g if h is None else g * h.xreplace({X: Y})
            found = gaussian_expectation(whole, (X, Y), mean=(mean, mean), covariance=rows)
    except NoClosedForm as reason:
        text_of = _number_only(str(reason), form, _quadrature(g, h, X, mean, variance, rho))
        (show if form == "text" else emit)(text_of)
        return
    if steps:
        if form == "text":
            show(found.text(width=columns() or 100))
        else:
            emit(found.latex() if form == "latex" else to_json(found.to_dict()))
        return
    (show if form == "text" else emit)(_answer(found, form))


def _functions(
    expression: str, other: str | None, joint: bool, known: Mapping[str, Symbol]
) -> tuple[Expr, Expr | None]:
    """Return EXPR, of x or jointly of x and y, and EXPR2, of x; both real."""
    variables = {"x": X, "y": Y} if joint else {"x": X}
    if joint and not re.search(r"\by\b", expression):
        raise InputError("--correlation goes with --with, or with a function of x and y")
    g = parse_expression(expression, {**variables, **known}, what="EXPR")
    h = None if other is None else parse_expression(other, {"x": X, **known}, what="EXPR2")
    for variable in variables.values():
        require_real_almost_everywhere(g, variable, expression.strip(), what="EXPR")
    if h is not None and other is not None:
        require_real_almost_everywhere(h, X, other.strip(), what="EXPR2")
    return g, h


def _answer(found: ClosedForm, form: str) -> str:
    """Return a closed form, where it holds, its number and how it was checked."""
    if form == "latex":
        return latex.formula(found.result)
    value, bound = _number(found.result)
    near = None if value is None else float(value)
    # the smallest float is not 0
    beyond = near is not None and (not math.isfinite(near) or (value != 0 and abs(near) < sys.float_info.min))
    evidence = str(found.agreement)
    holds = [StrictGreaterThan(c, 0, evaluate=False) for c in found.conditions if c.free_symbols]
    if form == "json":
        data = {
            "closed_form": {"latex": latex.formula(found.result), "text": text.formula(found.result)},
            "value": None if beyond else near,
            "error_bound": None if beyond or value is None else _float_above(abs(value - near) + bound),
            "method": f"closed form; {evidence}",
            "conditions": [{"latex": latex.formula(c), "text": text.formula(c)} for c in holds],
        }
        return to_json(data)
    lines = [text.formula(found.result)]
    if beyond:
        lines.append(f"= {mpmath.nstr(value, 17)}, a number beyond the range of floating-point numbers")
    elif value is not None:
        lines.append(f"= {near!r}" + (f", to within {mpmath.nstr(bound, 2)}" if bound and not value else ""))
    if holds:
        lines.append("for " + ", ".join(text.formula(c) for c in holds))
    return "\n".join([*lines, evidence])


def _number(e: Expr) -> tuple[Any, Any]:
    """Return the value of a closed form and its bound; None for one with symbols, or whose value does not settle."""
    if e.free_symbols:
        return None, None
    try:
        return number(e)
    except CannotEvaluate:
        return None, None


def _float_above(x: Any) -> float:
    """Return a float that is not below a number."""
    return math.nextafter(float(x), math.inf) if x else 0.0


def _parameter(name: str, given: str, variance: str) -> Any:
    """Return a number as it was written, a symbol, or a formula of both."""
    names = set(_NAME.findall(given)) - {"pi", "e"}
    return parse_expression(given, {n: _symbol(name, n, variance) for n in names}, what=name)


# what is followed by a bracket is a function
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*(?!\w|\s*\()")


def _symbol(name: str, given: str, variance: str) -> Symbol:
    """Return a real symbol: positive where it is the variance, and one symbol for one name."""
    if given.lower() in _NOT_NAMES or given in FUNCTIONS or not given.isidentifier() or not given.isascii():
        raise InputError(f"{name} must be a number or a name that nothing else has, got {given!r}")
    return Symbol(given, positive=True) if given == variance else Symbol(given, real=True)


_NOT_NAMES = ("x", "y", "pi", "e", "nan", "inf", "infinity")


def _quadrature(g: Expr, h: Expr | None, x: Symbol, mean: Expr, variance: Expr, rho: Expr) -> Number:
    """Return E[g(x)], or E[g(x) h(y)], and a bound of its error, where all parameters are numbers and it is finite."""
    given = [g, mean, variance] if h is None else [g, h, mean, variance, rho]
    joint = h is None and Y in g.free_symbols
    if set().union(*(e.free_symbols for e in (*given, rho))) - {x, Y}:
        return ""
    from derive.activations import Activation
    from derive.quadrature import CannotRead, Line, Space
    from numerics.maps import NumericalMaps

    def integrand(f: Expr) -> Activation:
        return Activation("the integrand", f.subs(x, x + mean), symbol=x)

    def maps(f: Expr) -> NumericalMaps:
        return NumericalMaps(integrand(f), method="quadrature")

    q, r = float(variance), float(rho)
    if h is None:
        try:
            if joint:
                (one,) = Space([g], (X, Y))((float(mean),) * 2, ((q, r * q), (r * q, q)))
            else:
                (one,) = Line([g], x)(float(mean), q)
        except CannotRead as why:
            return f"nothing bounds {why}"
        value, error = float(one.value), float(one.error)
        return (value, error) if math.isfinite(value) and math.isfinite(error) else one.reason
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
        lines.append(f"= {value!r}, by quadrature, error at most {bound:.1e}")
    elif why:
        lines.append(f"No number: {why}")
    return "\n".join(lines)
