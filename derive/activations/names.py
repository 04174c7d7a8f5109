"""From text to an activation: a catalogue name with parameters, or an expression in x."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from sympy import Expr, S, Symbol

from derive.activations.activation import Activation, s
from derive.activations.catalogue import CATALOGUE
from derive.activations.entry import Entry, Parameter
from derive.activations.spellings import entry_of, keyword_of, unknown_activation
from derive.decimals import decimal, exact
from derive.errors import InputError, unknown_name

# With a library's prefix, perhaps: nn.ReLU, torch.nn.functional.relu, jax.nn.relu.
_NAME = re.compile(r"\s*((?:[A-Za-z]\w*\.)*[A-Za-z][\w-]*)\s*(?:\((.*)\))?\s*", re.ASCII | re.DOTALL)
_KEYWORD = re.compile(r"\s*([A-Za-z]\w*)\s*=\s*(.*)", re.ASCII | re.DOTALL)
_PLAIN = re.compile(r"[\d.]+(?:e[-+]\d+)?", re.ASCII)
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]")
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
        name: a name in the catalogue (or what PyTorch, JAX or Keras call it), with its parameters in brackets if it has
            any, or an expression in x as `derive.expressions.parse_expression` reads it.
        symbols: names of free parameters that the text may use, or the symbols they stand for.
        parameters: parameters of a catalogue entry by name, numbers or SymPy expressions; or the numbers of names in
            the text, which are written in their place.

    Raises:
        InputError: for an unknown name (close matches are listed), a parameter that breaks its rule, too many
            parameters, or an expression outside the language or not real on the whole line.

    >>> activation("leaky-relu(0.2)").expression
    Piecewise((s, s > 0), (s/5, True))
    >>> activation("nn.LeakyReLU(negative_slope=0.2)") == activation("leaky-relu(0.2)")
    True
    >>> activation("leaky-relu(a)", symbols=["a"]).expression
    Piecewise((s, s > 0), (a*s, True))
    >>> activation("x*Phi(1.702*x)").derivative
    851*s*NormalDensity(851*s/500)/500 + Phi(851*s/500)
    >>> str(activation("x*Phi(beta*x)", beta=1.702))
    'x*Phi(1.702*x)'

    """
    values = {key: exact(f"parameter {key}", value) for key, value in parameters.items()}
    text, left = put_in(name, values)
    return _activation(
        text,
        tuple(symbols.items()) if isinstance(symbols, Mapping) else tuple((n, None) for n in symbols),
        tuple(left.items()),
    )


def put_in(text: str, parameters: Mapping[str, Expr]) -> tuple[str, dict[str, Expr]]:
    """Return the text with the numbers of the names that stand in it, and the parameters that do not."""
    left = {}
    for name, value in parameters.items():
        word = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w|\s*[(=])", re.ASCII)
        if name == "x" or name == text.strip() or not word.search(text) or not value.is_number:
            left[name] = value
        else:
            written = decimal(value)
            text = word.sub(written if _PLAIN.fullmatch(written) else f"({written})", text)
    return text, left


@lru_cache(maxsize=256)
def _activation(
    text: str, symbols: tuple[tuple[str, Symbol | None], ...], parameters: tuple[tuple[str, Expr], ...]
) -> Activation:
    from derive.expressions.reader import ELEMENTARY

    match = _NAME.fullmatch(text)
    base, listed = match.groups() if match else ("", None)
    if match is None or (listed is None and base in ("x", *dict(symbols))):
        return _from_expression(text, dict(symbols), parameters)
    if listed is not None and _HAS_X.search(listed):
        if "-" in base and entry_of(base) is not None:
            function = base.replace("-", "_")
            raise InputError(f"in an expression {base} is written {function}(x), got {text!r}")
        return _from_expression(text, dict(symbols), parameters)
    known = entry_of(base)
    if known is None:
        if not _HAS_X.search(text) and base not in ELEMENTARY:
            raise unknown_activation(base)
        whole = f"{base}(x)" if base in ELEMENTARY and listed is None else text
        return _from_expression(whole, dict(symbols), parameters)
    if not known[0].parameters and listed and _WORD.search(listed) and "=" not in listed:
        # tanh(y): a function of another variable than x
        return _from_expression(text, dict(symbols), parameters)
    return _from_catalogue(*known, listed or "", text, dict(symbols), dict(parameters))


def _from_catalogue(
    entry: Entry,
    defaults: tuple[Expr, ...],
    listed: str,
    text: str,
    symbols: dict[str, Symbol | None],
    named: dict[str, Expr],
) -> Activation:
    pieces = _pieces(entry, listed)
    if ("approximate", "tanh") in pieces and entry.name == "gelu":
        entry, pieces = CATALOGUE["gelu-tanh"], []
    by_place = [value for key, value in pieces if not key]
    known = [p.name for p in entry.parameters]
    if len(by_place) > len(known):
        takes = f"at most {len(known)} ({', '.join(known)})" if known else "no"
        raise InputError(f"activation {entry.name} takes {takes} parameters, got {len(by_place)} in {text!r}")
    by_name = {key: value for key, value in pieces if key}
    taken = known[: len(by_place)]
    for key in (*by_name, *named):
        if key not in known:
            raise unknown_name(f"parameter of {entry.name}", key, known or ["none"])
        if key in taken:
            raise InputError(f"parameter {key} of {entry.name} is given twice, in {text!r} and by name")
        taken.append(key)
    values = {p.name: p.default for p in entry.parameters} | dict(zip(known, defaults, strict=False)) | named
    rules = {p.name: p for p in entry.parameters}
    for key, piece in (*zip(known, by_place, strict=False), *by_name.items()):
        values[key] = _value(rules[key], piece, text, symbols)
    for parameter in entry.parameters:
        if not parameter.allows(values[parameter.name]):
            raise InputError(
                f"parameter {parameter.name} of {entry.name} must be {parameter.rule}, got {values[parameter.name]}"
            )
    return made(entry, *values.values())


def _pieces(entry: Entry, listed: str) -> list[tuple[str, str]]:
    """Return what stands in the brackets of a name: keywords (as the catalogue calls them, or none) and texts."""
    found = []
    for piece in split_outside_brackets(listed) if listed.strip() else []:
        match = _KEYWORD.fullmatch(piece)
        key = keyword_of(entry, match[1]) if match else ""
        value = match[2] if match else piece
        if key is not None and (key, value.strip("'\"")) != ("approximate", "none"):
            found.append((key, value.strip().strip("'\"")))
    return found


def split_outside_brackets(text: str) -> list[str]:
    """Split a text at the commas that stand in no brackets.

    >>> split_outside_brackets("1/3, max(1, 2)")
    ['1/3', 'max(1, 2)']
    """
    pieces, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += sign
    return [piece.strip() for piece in pieces]


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

    for name, value in parameters:
        rule = "be a number" if value.free_symbols else "stand in the expression"
        raise InputError(f"parameter {name} must {rule}, got {text.strip()!r} with {name} = {value}")
    names = {name: symbol or Symbol(name, real=True) for name, symbol in symbols.items()}
    expression = parse_expression(text, {"x": s, **names}, what="activation")
    if s not in expression.free_symbols:
        raise InputError(f"activation must depend on x, got {text.strip()!r}")
    require_real(expression, s, text.strip())
    return Activation(text.strip(), expression, summary="an expression of the user's own")


def _value(parameter: Parameter, text: str, whole: str, symbols: dict[str, Symbol | None]) -> Expr:
    from derive.expressions import parse_expression

    if text in symbols:
        assumption = {"positive": "positive", "at least 0": "nonnegative"}.get(parameter.rule, "real")
        return symbols[text] or Symbol(text, **{assumption: True})
    try:
        return parse_expression(text, {})
    except InputError:
        raise InputError(f"activation parameters must be numbers, got {text!r} in {whole!r}") from None
