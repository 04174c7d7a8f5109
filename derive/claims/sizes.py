"""Sizes at which a printed formula is not the derived one, where networks that small have too many outcomes to try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, product

from sympy import Basic, Expr, Integer, Product, Rational, Sum, Symbol, preorder_traversal
from sympy.core.function import AppliedUndef

from derive.averages import Bracket, SharedVariance
from derive.claims.claim import Claim
from derive.claims.reduction import reduce, specialised
from derive.layers import Facts
from derive.network import Width
from derive.proof.verdict import Counterexample
from derive.randomness import Entry
from derive.setting import Setting, Undischarged

_MOST, _LARGEST = 64, 4
"""How many sizes are tried, and the largest of a layer, an image or a position."""


def refute_at_sizes(claim: Claim, derived: Basic, setting: Setting) -> Counterexample | None:
    """Return the first sizes at which what is printed fails: both sides, derived, must be functions of sizes alone."""
    sides = tuple(specialised(side, setting) for side in (_reduced(claim, setting), derived))
    if not all(isinstance(e, Expr) and _is_function_of_sizes(e) for e in sides):
        return None
    named = _named(*sides)
    left, right = (e.xreplace({shared: value for shared, (_, value) in named.items()}) for e in sides)
    told = {text: str(value) for text, value in named.values()}
    units = {s for e in claim.printed.lhs.atoms(Entry) for unit in e.units for s in unit.free_symbols}
    for at in islice(_places(left.free_symbols | right.free_symbols, units, setting.facts), _MOST):
        a, b = (e.subs(at).doit() for e in (left, right))
        if a.is_number and b.is_number and _FAILS[claim.printed.relation](b - a):
            where = {str(s): str(v) for s, v in at.items()}
            return Counterexample({"sizes": told}, where, str(b), claim.printed.relation, str(a))
    return None


_FAILS: dict[str, Callable[[Expr], bool]] = {
    "=": lambda gap: gap.is_zero is False,
    "!=": lambda gap: bool(gap.is_zero),
    "<=": lambda gap: bool(gap.is_positive),
    "<": lambda gap: bool(gap.is_nonnegative),
}
"""When a relation does not hold, by the left side less the right one."""


def _reduced(claim: Claim, setting: Setting) -> Basic:
    try:
        return reduce(claim, claim.printed.rhs, setting)
    except Undischarged:
        return claim.printed.rhs


def _is_function_of_sizes(e: Expr) -> bool:
    """Return whether nothing is averaged or drawn, and no sum runs over layers."""
    if e.has(Bracket, Product, AppliedUndef) or e.atoms(Entry):
        return False
    bound = {s for n in preorder_traversal(e) if isinstance(n, Sum) for s in n.bound_symbols}
    return not any(n.free_symbols & bound for n in e.atoms(Width, SharedVariance))


def _named(*sides: Basic) -> dict[Basic, tuple[str, Expr]]:
    """Return a value for each width and variance, with how it is printed."""
    found = sorted({n for e in sides for n in e.atoms(Width, SharedVariance)}, key=str)
    widths = [n for n in found if isinstance(n, Width)]
    values: dict[Basic, Expr] = {n: Integer(2 + k) for k, n in enumerate(widths)}
    values |= {n: Rational(1, 2 + k) for k, n in enumerate(n for n in found if n not in widths)}
    return {n: (str(n), value) for n, value in values.items()}


def _places(symbols: set[Symbol], units: set[Symbol], facts: Facts) -> Iterator[dict[Symbol, Expr]]:
    """Yield values: whole numbers that the facts allow, the first unit where they say nothing of it."""
    spoken = {s for fact in facts.nonnegative for s in fact.free_symbols}
    whole = sorted((s for s in symbols if s.is_integer), key=str)
    rest: dict[Symbol, Expr] = {s: Rational(1, 2) for s in symbols if not s.is_integer}
    ranges = [range(1, 2 if s in units - spoken else _LARGEST + 1) for s in whole]
    for values in product(*ranges):
        at = dict(zip(whole, values, strict=True))
        if facts.allow(at):
            yield rest | {s: Integer(v) for s, v in at.items()}
