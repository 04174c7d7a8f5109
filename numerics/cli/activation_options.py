"""The activation of a command, and the numbers of its parameters: ``x*tanh(beta*x)`` with ``--param beta=1.3``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sympy import Expr

    from derive.activations import Activation

PARAM = click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=NUMBER",
    help="The number of a parameter of the activation; repeat for more.",
)
SYMBOL = click.option("--symbol", "symbols", multiple=True, metavar="NAME", help="A parameter that stays a symbol.")


def with_parameters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--param``; its argument ``activation``, a text, becomes an `Activation`."""

    @PARAM
    @wraps(command)
    def reading(*, activation: str, parameters: tuple[str, ...], **others: Any) -> Any:
        return command(activation=read_activation(activation, parameters), **others)

    return reading


def read_activation(text: str, parameters: Iterable[str], symbols: tuple[str, ...] | None = None) -> Activation:
    """Return the activation of a text; ``symbols`` are its names that stay, where a command can have any."""
    from derive.activations import activation
    from derive.errors import InputError
    from derive.expressions import UnknownName

    try:
        return activation(text, symbols=symbols or (), **read_parameters(parameters))
    except UnknownName as error:
        rule = str(error).split("\n")[0].partition(", at column")[0]
        stays = "" if symbols is None else f", or kept by --symbol {error.name}"
        raise InputError(f"{rule}; a parameter gets its number by --param {error.name}=NUMBER{stays}") from None


def read_parameters(given: Iterable[str]) -> dict[str, Expr]:
    """Return the exact numbers of parameters by name, of texts such as ``beta=1.3``."""
    from derive.errors import InputError
    from derive.expressions import FUNCTIONS, parse_expression

    found: dict[str, Expr] = {}
    for text in given:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not name.isidentifier() or not name.isascii() or name in ("x", "y", "pi", "e", *FUNCTIONS):
            raise InputError(f"--param must be NAME=NUMBER with a name that nothing else has, got {text!r}")
        if name in found:
            raise InputError(f"--param {name} is given twice, with {found[name]} and {value}")
        found[name] = parse_expression(value, {}, what=f"--param {name}")
    return found
