"""From text to an activation: a catalogue name with parameters, or an expression in x."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from sympy import Expr, Rational, S, Symbol, sympify

from derive.activations.activation import Activation, s
from derive.activations.catalogue import CATALOGUE, Entry, Parameter
from derive.errors import InputError, unknown_name

_NAME = re.compile(r"\s*([a-z][a-z0-9-]*)\s*(?:\(([^()]*)\))?\s*")
# At most two digits of exponent: 1e999999999 is a valid rational that would fill the memory.
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,2})?|[+-]?\d{1,40}/\d{1,40}")
_HAS_X = re.compile(r"(?<![A-Za-z0-9_])x(?![A-Za-z0-9_])")


def activations() -> tuple[str, ...]:
    """Return the names in the catalogue.

    >>> activations()[:5]
    ('linear', 'tanh', 'relu', 'leaky-relu', 'abs')
    """
    return tuple(CATALOGUE)


def activation(
    name: str, *, symbols: Sequence[str] | Mapping[str, Symbol] = (), **parameters: Expr | float
) -> Activation:
    """Return the activation that a text describes.

    Args:
        name: a name in the catalogue, with its parameters in brackets if it has any, or an expression in x as
            `derive.expressions.parse_expression` reads it.
        symbols: names of free parameters that the text may use, or the symbols they stand for.
        parameters: parameters of a catalogue entry by name, numbers or SymPy expressions.

    Raises:
        InputError: for an unknown name (close matches are listed), a parameter that breaks its rule, too many
            parameters, or an expression outside the language or not real on the whole line.

    >>> activation("leaky-relu(0.2)").expression
    Piecewise((s, s > 0), (s/5, True))
    >>> activation("leaky-relu(a)", symbols=["a"]).expression
    Piecewise((s, s > 0), (a*s, True))
    >>> activation("x*Phi(1.702*x)").derivative
    851*s*NormalDensity(851*s/500)/500 + Phi(851*s/500)

    """
    return _activation(
        name,
        tuple(symbols.items()) if isinstance(symbols, Mapping) else tuple((n, None) for n in symbols),
        tuple((key, _exact(key, value)) for key, value in parameters.items()),
    )


@lru_cache(maxsize=256)
def _activation(
    text: str, symbols: tuple[tuple[str, Symbol | None], ...], parameters: tuple[tuple[str, Expr], ...]
) -> Activation:
    match = _NAME.fullmatch(text)
    base, listed = match.groups() if match else ("", None)
    if base not in CATALOGUE and (match is None or _HAS_X.search(text)):
        return _from_expression(text, dict(symbols), parameters)
    if base in CATALOGUE and listed is not None and _HAS_X.search(listed):
        if "-" in base:
            function = base.replace("-", "_")
            raise InputError(f"in an expression {base} is written {function}(x), got {text!r}")
        return _from_expression(text, dict(symbols), parameters)
    if base not in CATALOGUE:
        raise unknown_name("activation", base, CATALOGUE)
    return _from_catalogue(CATALOGUE[base], listed or "", text, dict(symbols), dict(parameters))


def _from_catalogue(
    entry: Entry, listed: str, text: str, symbols: dict[str, Symbol | None], named: dict[str, Expr]
) -> Activation:
    pieces = [piece.strip() for piece in listed.split(",")] if listed.strip() else []
    known = [p.name for p in entry.parameters]
    if len(pieces) > len(known):
        takes = f"at most {len(known)} ({', '.join(known)})" if known else "no"
        raise InputError(f"activation {entry.name} takes {takes} parameters, got {len(pieces)} in {text!r}")
    for key in named:
        if key not in known:
            raise unknown_name(f"parameter of {entry.name}", key, known or ["none"])
        if key in known[: len(pieces)]:
            raise InputError(f"parameter {key} of {entry.name} is given twice, in {text!r} and by name")
    values = {p.name: named.get(p.name, p.default) for p in entry.parameters}
    for parameter, piece in zip(entry.parameters, pieces, strict=False):
        values[parameter.name] = _value(parameter, piece, text, symbols)
    for parameter in entry.parameters:
        if not parameter.allows(values[parameter.name]):
            raise InputError(
                f"parameter {parameter.name} of {entry.name} must be {parameter.rule}, got {values[parameter.name]}"
            )
    return made(entry, *values.values())


def made(entry: Entry, *values: Expr) -> Activation:
    """Return the activation of an entry with these parameter values."""
    if entry.name == "hard-tanh" and not (values[1] - values[0]).is_positive:
        raise InputError(
            f"parameter lower of hard-tanh must be below upper (for symbols, by their assumptions), "
            f"got {values[0]} and {values[1]}"
        )
    expression = S(entry.make(s, *values))
    left, right = entry.tails(s, *values)
    return Activation(
        entry.name,
        expression,
        tuple((p.name, v) for p, v in zip(entry.parameters, values, strict=True)),
        summary=entry.summary,
        source=entry.source,
        tails=(None if left is None else S(left), None if right is None else S(right)),
    )


def _from_expression(
    text: str, symbols: dict[str, Symbol | None], parameters: tuple[tuple[str, Expr], ...]
) -> Activation:
    from derive.expressions import parse_expression, require_real

    if parameters:
        raise InputError(f"parameters by name go with a catalogue name, got {dict(parameters)} with {text!r}")
    names = {name: symbol or Symbol(name, real=True) for name, symbol in symbols.items()}
    expression = parse_expression(text, {"x": s, **names}, what="activation")
    if s not in expression.free_symbols:
        raise InputError(f"activation must depend on x, got {text.strip()!r}")
    require_real(expression, s, text)
    return Activation(text.strip(), expression, summary="an expression of the user's own")


def _value(parameter: Parameter, text: str, whole: str, symbols: dict[str, Symbol | None]) -> Expr:
    if text in symbols:
        assumption = {"positive": "positive", "not negative": "nonnegative"}.get(parameter.rule, "real")
        return symbols[text] or Symbol(text, **{assumption: True})
    if not _NUMBER.fullmatch(text) or re.search(r"/0+$", text):
        raise InputError(f"activation parameters must be numbers, got {text!r} in {whole!r}")
    return Rational(text)


def _exact(key: str, value: Expr | float) -> Expr:
    if isinstance(value, bool | str) or not isinstance(value, Expr | int | float):
        raise InputError(f"parameter {key} must be a number or a SymPy expression, got {value!r}")
    # A float means the decimal that Python prints for it: 0.2 is one fifth.
    return Rational(repr(value)) if isinstance(value, float) and value == value else sympify(value)
