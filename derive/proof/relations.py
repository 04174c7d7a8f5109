"""Relations of steps, what a chain of them gives, and where inside an expression a step may use one.

``=`` and ``<=`` are exact. ``~`` says that the quotient of both sides goes to 1, or, for an expansion, that they differ
by less than the orders kept; ``->`` that the right side is the limit of the left one as the width grows. ``<=>`` and
``=>`` are between equations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce

from sympy import (
    Abs,
    Add,
    And,
    Basic,
    Dummy,
    Expr,
    Integer,
    Max,
    Min,
    Mul,
    Or,
    Pow,
    Product,
    Sum,
    Symbol,
    acos,
    asin,
    atan,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    expand,
    log,
    sin,
    sinh,
    tanh,
)
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction

from derive.averages import Average
from derive.errors import InputError
from derive.network import Width

RELATIONS = ("=", "<=>", "=>", "<=", "~", "->")
_CONTINUOUS = (exp, sin, cos, sinh, cosh, tanh, atan, asin, acos, erf, erfc, Abs, Max, Min)
"""Functions that are continuous wherever they have a real value; powers and logarithms are looked at on their own."""
_RISING = (exp, log, sinh, tanh, atan, asin, erf, Max, Min)


def composed(one: str, two: str) -> str:
    """Return what a relation and then another give; raise `InputError` where they give none.

    ``=`` changes nothing, ``=>`` is weaker than ``<=>``, and every relation goes on with itself. A bound of a limit,
    a limit of a bound or the limit of an asymptotic form is none of the relations.
    """
    for relation in (one, two):
        if relation not in RELATIONS:
            raise InputError(f"relation must be one of {', '.join(RELATIONS)}, got {relation!r}")
    if one == two or two == "=":
        return one
    if one == "=":
        return two
    if {one, two} == {"<=>", "=>"}:
        return "=>"
    raise InputError(f"{one} and then {two} give no relation between the ends of a chain")


def chained(relations: Sequence[str]) -> str:
    """Return the relation between the ends of a chain of steps; raise `InputError` where there is none."""
    return reduce(composed, relations, "=")


@dataclass(frozen=True)
class Position:
    """A place in an expression: an argument of a node, before and after a step changed it."""

    node: Basic
    index: int
    before: Basic
    after: Basic

    @property
    def others(self) -> tuple[Basic, ...]:
        """The other arguments."""
        return (*self.node.args[: self.index], *self.node.args[self.index + 1 :])

    @property
    def changed(self) -> Basic:
        """The node with the changed argument."""
        return self.node.func(*self.node.args[: self.index], self.after, *self.node.args[self.index + 1 :])


@dataclass(frozen=True)
class Remainder:
    """What an expansion leaves out: terms of this power of a small variable, and higher ones."""

    small: Symbol
    power: Expr


Path = Sequence[tuple[Basic, int]]
"""The way from a whole expression to a node: each node before it, and which of its arguments is next."""


def require_passing(
    rule: str, relation: str, before: Basic, after: Basic, path: Path, remainder: Remainder | None = None
) -> None:
    """Raise `InputError` unless a relation between two nodes holds between the expressions around them too."""
    obstacle_to = partial(_expansion, remainder.small) if remainder else _PASSES[relation]
    said = f"rule {rule} gives {before} {relation} {after}"
    if relation == "~" and remainder is None and after == 0:
        raise InputError(f"{said}, and nothing but zero is asymptotic to zero")
    for node, index in reversed(path):
        position = Position(node, index, before, after)
        obstacle = obstacle_to(position)
        if obstacle is not None:
            raise InputError(f"{said}, which {obstacle}, in {node}")
        before, after = node, position.changed


def require_leading(result: Basic, remainders: Sequence[Remainder]) -> None:
    """Raise `InputError` where all that is left of an expansion is of the orders that it leaves out."""
    for small, power in ((r.small, r.power) for r in remainders):
        terms = Add.make_args(expand(result))
        pairs = [term.as_coeff_exponent(small) if term.has(small) else (term, Integer(0)) for term in terms]
        read = not any(coefficient.has(small) for coefficient, _ in pairs)
        if read and all(coefficient == 0 or (exponent - power).is_nonnegative for coefficient, exponent in pairs):
            raise InputError(
                f"the leading terms in {small} cancel: {result} is of the orders {power} that are left out"
            )


def _always(position: Position) -> str | None:
    return None


def _logical(position: Position) -> str | None:
    return None if isinstance(position.node, BooleanFunction) else "is no part of a condition"


def _monotone_logic(position: Position) -> str | None:
    return None if isinstance(position.node, And | Or) else "does not pass"


def _bound(position: Position) -> str | None:
    """Sums, means, products with factors that are not negative, powers of what is not negative, rising functions."""
    node, before, after = position.node, position.before, position.after
    from derive.gaussian.expectation import GaussianExpectation

    if isinstance(node, Add) or (isinstance(node, Sum | Average | GaussianExpectation) and position.index == 0):
        return None
    if isinstance(node, Mul):
        return _unless(all(o.is_nonnegative for o in position.others), "passes no factor that may be negative")
    if isinstance(node, Pow) and position.index == 0:
        rises = node.exp.is_positive and before.is_nonnegative
        return _unless(rises, "passes powers above 0 of what is not negative only")
    if isinstance(node, Product) and position.index == 0:
        return _unless(before.is_nonnegative and after.is_nonnegative, "passes factors that are not negative only")
    return _unless(isinstance(node, _RISING), "passes rising functions only, and this is not known to be one")


def _asymptotic(position: Position) -> str | None:
    """Products, powers that are constant, and sums of terms of one sign, in which no leading term cancels."""
    node = position.node
    if isinstance(node, Mul):
        return None
    if isinstance(node, Pow) and position.index == 0:
        return _unless(node.exp.is_number, "passes constant powers only")
    if isinstance(node, Add):
        whole = (*position.others, position.before, position.after)
        same = all(e.is_positive for e in whole) or all(e.is_negative for e in whole)
        return _unless(same, "may cancel against another term")
    return "does not pass"


def _expansion(small: Symbol, position: Position) -> str | None:
    """Sums, and products with factors without the small variable: what is left out stays of its order."""
    if isinstance(position.node, Add):
        return None
    constant = isinstance(position.node, Mul) and not any(o.has(small) for o in position.others)
    return _unless(constant, f"passes sums and factors without {small} only")


def _limit(position: Position) -> str | None:
    """What is continuous: sums, products, powers with a base or an exponent above 0, named functions.

    The terms of a sum over the units of a layer are alike, and have weights that fall with their number.
    """
    node, after = position.node, position.after
    many = isinstance(node, Sum) or any(o.has(Width) for o in position.others)
    if after == 0 and isinstance(node, Sum | Mul) and many:
        return "may vanish no faster than what it is multiplied with or summed over grows"
    if isinstance(node, Add | Mul) or (isinstance(node, Sum | Product) and position.index == 0):
        return None
    if isinstance(node, Pow) and position.index == 0:
        defined = (node.exp.is_Integer and node.exp > 0) or _is_positive(after)
        return _unless(defined or (node.exp.is_positive and after.is_nonnegative), "may be divided by zero")
    if isinstance(node, log):
        return _unless(after.is_positive, "may be the logarithm of zero")
    if isinstance(node, Relational):
        return "does not pass an equation or an inequality: one in the limit is none before"
    return _unless(isinstance(node, _CONTINUOUS), "passes continuous functions only, and this is not known to be one")


def _is_positive(e: Expr) -> bool | None:
    """Return whether an expression is known to be positive, where sums of what is not negative are not negative."""
    sums = {total: Dummy(nonnegative=True) for total in e.atoms(Sum) if total.function.is_nonnegative}
    return e.xreplace(sums).is_positive


def _unless(holds: object, obstacle: str) -> str | None:
    return None if holds else obstacle


_PASSES: dict[str, Callable[[Position], str | None]] = {
    "=": _always,
    "<=>": _logical,
    "=>": _monotone_logic,
    "<=": _bound,
    "~": _asymptotic,
    "->": _limit,
}
