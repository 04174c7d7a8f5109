"""Maps as programs: derived closed forms put into their definitions, what is fixed in a call first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mpmath
from sympy import Abs, Add, Basic, Expr, Float, Min, Mul, Pow, Rational, S, Symbol, collect, sqrt

from derive.maps.gaps import ArcExcess, d, e
from derive.maps.symbols import c, m, q, rho, v
from numerics.maps.definitions import GAP, M2, V2, Definition
from numerics.maps.rectifier_profile import DIGITS, KAPPA, polynomial
from numerics.programs.straight_line import Builder, Program, plain

_SHARES: tuple[tuple[Symbol, Expr], ...] = ((c, M2), (d, V2), (e, 2 * M2 + V2), (q, M2 + V2))
LINES: dict[tuple[Symbol, ...], tuple[tuple[Symbol, Expr], ...]] = {
    (q, rho): ((c, q * rho), (d, q * (1 - rho)), (e, q * (1 + rho))),
    (q, GAP): ((d, q * GAP), (e, q * (2 - GAP)), (c, q * (1 - GAP))),
    (M2, V2): _SHARES,
    (m, v): ((M2, m**2), (V2, v**2), *_SHARES),
    (q,): (),
}
"""What the symbols of a form are, by the arguments."""

_SMALLER, _RATIO = Symbol("smaller"), Symbol("ratio")
_ARC_LINES = ((_SMALLER, Min(d, e)), (_RATIO, _SMALLER / (_SMALLER + Float(KAPPA) * Abs(c))))


def put_in(definition: Definition, forms: Mapping[str, tuple[Expr, Expr]]) -> list[Expr]:
    """A map's definition with forms in place of its stand-ins, each as a scale and what it multiplies.

    Where a result is linear in a stand-in the form is put in term by term.
    """
    found = []
    for whole in definition.results:
        linear = []
        for stand_in, integral in definition.integrals.items():
            scale, value = forms[integral.kind]
            if whole.diff(stand_in).has(stand_in):
                whole = whole.xreplace({stand_in: scale * value})
            else:
                linear.append((stand_in, scale, value))
        for stand_in, scale, value in linear:
            whole = _spread(whole.diff(stand_in) * scale, value) + whole.xreplace({stand_in: S.Zero})
        found.append(whole)
    return found


def _spread(scale: Expr, value: Expr) -> Expr:
    """Scale every term, so that its own constant takes the scale in."""
    value = collect(value, c) if value.is_Add else value
    return sum((scale * term for term in value.args), S.Zero) if value.is_Add else Mul(scale, value)


def map_program(
    results: Sequence[Expr], given: tuple[Symbol, ...], fixed: Sequence[Symbol], *, unit: bool = False
) -> Program:
    """A program of arrays, and of numbers that are the same for all of an array.

    Args:
        results: expressions in q, c, d, e and the fixed symbols.
        given: the two arguments, or q alone: a key of `LINES`.
        fixed: the symbols that are numbers in a call; they are the last arguments.
        unit: whether c, d and e are those at q = 1 (the caller has taken the power of q out).

    """
    # Symbols without a sign: SymPy would split the root of a product of positive numbers.
    own = {s: plain(s) for s in (q, c, d, e, rho, GAP, M2, V2, m, v, *fixed)}
    names: dict[Expr, Symbol] = {}
    merged = [_merged_roots(with_arc_excess(r).xreplace(own)) for r in results]
    bodies = [_hoisted(r, {own[s] for s in fixed}, names) for r in merged]
    builder = Builder(tuple(own[s] for s in (*(s for s in given if s not in fixed), *fixed)))
    for value, name in names.items():
        builder.let(name.name, builder.folded(value))
    for name, value in LINES[given]:
        builder.let(own[name].name, (value.xreplace({q: S.One}) if unit else value).xreplace(own))
    for name, value in _ARC_LINES:
        builder.let(name.name, value.xreplace(own))
    return builder.program(*builder.expressions(bodies))


def _hoisted(expression: Expr, fixed: set[Symbol], found: dict[Expr, Symbol]) -> Expr:
    """Give a name to every largest part that holds fixed symbols alone."""

    def name(part: Expr) -> Expr:
        return part if part.is_number else found.setdefault(part, Symbol(f"h{len(found)}_"))

    def visit(node: Expr) -> Expr:
        if node.free_symbols <= fixed:
            return name(node)
        if isinstance(node, Add | Mul):
            still = [a for a in node.args if a.free_symbols <= fixed]
            rest = [visit(a) for a in node.args if not a.free_symbols <= fixed]
            if still == [-1]:
                return node.func(-1, *rest)
            return node.func(name(node.func(*still)), *rest) if still else node.func(*rest)
        return node.func(*(visit(a) for a in node.args)) if node.args else node

    return visit(expression)


def _merged_roots(expression: Basic) -> Any:
    """√a √b as √(a b): a root costs as much as five products."""
    if not expression.args:
        return expression
    made = expression.func(*(_merged_roots(a) for a in expression.args))
    if not isinstance(made, Mul):
        return made
    for power in (Rational(1, 2), -Rational(1, 2)):
        roots = [f for f in made.args if isinstance(f, Pow) and f.exp == power and not f.base.is_number]
        if len(roots) > 1:
            rest = [f for f in made.args if f not in roots]
            made = Mul(*rest, Pow(Mul(*(f.base for f in roots)), power))
    return made


def with_arc_excess(expression: Expr) -> Expr:
    """ArcExcess by the polynomial of the sample-variance kernels: d h, h = t (1 + (1 - x) P(x)).

    x = d/(d + κ c), t = √x; h is read off the derivation `sample-variance-stable`.
    """
    if not expression.has(ArcExcess):
        return expression
    with mpmath.workdps(DIGITS):
        *rest, p = (Float(str(value), 25) for value in polynomial()[0])
    for value in reversed(rest):
        p = p * _RATIO + value
    return expression.replace(ArcExcess, lambda *_: _SMALLER * sqrt(_RATIO) * (1 + (1 - _RATIO) * p))
