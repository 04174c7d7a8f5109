"""Activation functions: the catalogue, and reading a name such as ``"leaky-relu(0.2)"``.

An activation is one SymPy expression; its derivative and its properties are computed from that expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from sympy import Abs, Expr, Piecewise, Rational, S, Symbol, simplify, tanh

from derive.errors import InputError, unknown_name

s = Symbol("s", real=True)
"""The pre-activation, the argument of every activation's expression."""


@dataclass(frozen=True)
class Activation:
    """An activation function f(s): ``z^{i+1} = f(s^i)``.

    ``expression`` is f in the symbol ``symbol``, ``parameters`` are the numbers it was made with (already
    in the expression) and ``kinks`` are the points where f is not differentiable. At a kink ``derivative``
    takes the value that automatic differentiation gives it (0 for relu and abs, the slope of the left
    branch for leaky relu); with a continuous law this has probability zero and changes no average.

    >>> activation("tanh").derivative
    1 - tanh(s)**2
    """

    name: str
    expression: Expr
    parameters: tuple[tuple[str, Rational], ...] = ()
    kinks: tuple[Rational, ...] = ()
    symbol: Symbol = s

    @cached_property
    def derivative(self) -> Expr:
        """f'(s), differentiated by SymPy."""
        return self.expression.diff(self.symbol)

    @cached_property
    def is_linear(self) -> bool:
        """Whether f(s) = c s for a number c, so that the linear regime holds exactly."""
        return self.symbol not in self.derivative.free_symbols and self.expression.subs(self.symbol, 0) == 0

    @cached_property
    def is_odd(self) -> bool:
        """Whether f(-s) = -f(s) could be shown; then E[f(s)] = 0 for symmetric s."""
        mirrored = self.expression.subs(self.symbol, -self.symbol)
        return bool(simplify(self.expression + mirrored) == 0)

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(_decimal(value) for _, value in self.parameters)})"


@dataclass(frozen=True)
class _Recipe:
    make: Callable[..., Expr]
    kinks: tuple[int, ...] = ()
    defaults: Mapping[str, Rational] = field(default_factory=dict)


# One line an activation. The last branch of a Piecewise holds at the kink.
_CATALOGUE: dict[str, _Recipe] = {
    "linear": _Recipe(lambda s: s),
    "tanh": _Recipe(tanh),
    "relu": _Recipe(lambda s: Piecewise((s, s > 0), (0, True)), kinks=(0,)),
    "leaky-relu": _Recipe(
        lambda s, a: Piecewise((s, s > 0), (a * s, True)), kinks=(0,), defaults={"slope": Rational(1, 100)}
    ),
    "abs": _Recipe(Abs, kinks=(0,)),
}

_NAME = re.compile(r"\s*([a-z][a-z0-9-]*)\s*(?:\(([^()]*)\))?\s*")
# At most two digits of exponent: 1e999999999 is a valid rational that would fill the memory.
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,2})?|[+-]?\d{1,40}/\d{1,40}")


def activations() -> tuple[str, ...]:
    """Return the names in the catalogue.

    >>> activations()
    ('linear', 'tanh', 'relu', 'leaky-relu', 'abs')
    """
    return tuple(_CATALOGUE)


@lru_cache(maxsize=256)
def activation(name: str) -> Activation:
    """Return the activation that a name describes, with its parameters in brackets if it has any.

    Raises `InputError` for an unknown name (close matches are listed), a parameter that is not a number, or
    too many parameters.

    >>> activation("leaky-relu(0.2)").expression
    Piecewise((s, s > 0), (s/5, True))
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError(f"activation must be a name with optional numbers, such as 'leaky-relu(0.2)', got {name!r}")
    base, listed = match.groups()
    if base not in _CATALOGUE:
        raise unknown_name("activation", base, _CATALOGUE)
    recipe = _CATALOGUE[base]
    given = [_number(text, name) for text in listed.split(",")] if listed and listed.strip() else []
    if len(given) > len(recipe.defaults):
        takes = f"at most {len(recipe.defaults)} ({', '.join(recipe.defaults)})" if recipe.defaults else "no"
        raise InputError(f"activation {base} takes {takes} parameters, got {len(given)} in {name!r}")
    values = [*given, *list(recipe.defaults.values())[len(given) :]]
    expression = S(recipe.make(s, *values))
    made = Activation(base, expression, tuple(zip(recipe.defaults, values, strict=True)))
    # A leaky relu of slope 1 has no kink: its expression is s.
    return made if made.is_linear else Activation(base, expression, made.parameters, tuple(map(Rational, recipe.kinks)))


def _number(text: str, name: str) -> Rational:
    if not _NUMBER.fullmatch(text.strip()) or re.search(r"/0+$", text.strip()):
        raise InputError(f"activation parameters must be numbers, got {text.strip()!r} in {name!r}")
    return Rational(text.strip())


def _decimal(value: Rational) -> str:
    shortest = str(value) if value.is_integer else repr(float(value))
    return shortest if Rational(shortest) == value else str(value)
