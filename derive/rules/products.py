"""Products over layers in a canonical form, so that equalities and ratios between them are decided, not guessed.

A product of F(i') for i' = p..q is written C_F(q + 1) / C_F(p) with a formal cumulative product C_F; a single factor
F(p) is C_F(p + 1) / C_F(p). Two products are equal for all widths and variances exactly when the exponents of all
the C_F agree.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations

from sympy import Eq, Expr, Integer, Mul, Product, Symbol, expand, powsimp
from sympy.core.function import AppliedUndef

from derive.averages import SharedVariance
from derive.errors import InputError
from derive.layers import Facts
from derive.network import Width
from derive.notation import structure
from derive.randomness import Family

_AT = Symbol("i'", integer=True)
Form = dict[Expr, dict[Expr, int]]


def canonical(expression: Expr) -> tuple[Form, Expr]:
    """Return the exponents of the cumulative products, per family of factors, and the factor that has none."""
    form: Form = defaultdict(lambda: defaultdict(int))
    rest = _collect(expression, 1, form)
    clean = {f: {p: e for p, e in sorted(ps.items(), key=lambda kv: structure(kv[0])) if e} for f, ps in form.items()}
    return {f: ps for f, ps in clean.items() if ps}, powsimp(rest)


def _collect(expression: Expr, power: int, form: Form) -> Expr:
    rest = Integer(1)
    for factor in Mul.make_args(expression):
        base, exponent = factor.as_base_exp()
        if not exponent.is_Integer:
            rest *= factor**power
            continue
        total = power * int(exponent)
        if isinstance(base, Product) and len(base.limits) == 1:
            index, lower, upper = base.limits[0]
            for inner in Mul.make_args(base.function):
                inner_base, inner_exponent = inner.as_base_exp()
                layer = _layer(inner_base)
                if layer is None or not layer.has(index):
                    rest *= inner ** (total * (upper - lower + 1))
                    continue
                shift = expand(layer - index)
                _add(form, inner_base, upper + shift + 1, lower + shift, total * int(inner_exponent))
        elif (layer := _layer(base)) is not None:
            _add(form, base, layer + 1, layer, total)
        elif isinstance(base, Mul):
            rest *= _collect(base, total, form)
        else:
            rest *= base**total
    return rest


LAYERED = (Width, SharedVariance, AppliedUndef)
"""Nodes that have the layer as an argument."""


def _layer(factor: Expr) -> Expr | None:
    """Return the lowest layer that a factor speaks of, or None where it speaks of none, or of layers far apart."""
    layers = [expand(node.args[-1]) for node in factor.atoms(*LAYERED) if not isinstance(node.args[-1], Family)]
    if not layers or not all((layer - layers[0]).is_Integer for layer in layers):
        return None
    return layers[0] + min(layer - layers[0] for layer in layers)


def _at(factor: Expr, layer: Expr) -> Expr:
    """Return a factor at another layer."""
    here = _layer(factor)
    return factor.replace(
        lambda node: isinstance(node, LAYERED) and not isinstance(node.args[-1], Family),
        lambda node: node.func(*node.args[:-1], expand(node.args[-1] - here + layer)),
    )


def _add(form: Form, factor: Expr, upper: Expr, lower: Expr, power: int) -> None:
    family = form[_at(factor, _AT)]
    family[expand(upper)] += power
    family[expand(lower)] -= power


def in_order(expression: Expr, facts: Facts) -> bool:
    """Return True when no product's range runs backwards: an empty one ends just before it starts.

    The canonical form would read a range that runs backwards as a quotient, where a reader reads an empty product.
    """
    limits = (product.limits[0] for product in expression.atoms(Product))
    return all(facts.at_least(upper + 1, lower) for _, lower, upper in limits)


def ratio(left: Expr, right: Expr, facts: Facts) -> Expr:
    """Return left/right with everything common cancelled, as few products over layers as possible.

    The facts tell which end of a range is the upper one; `InputError` is raised where they do not. No range of the
    two sides may run backwards (`in_order`).
    """
    form, rest = canonical(left / right)
    result = rest
    for factor, positions in form.items():
        ups = [p for p, e in positions.items() for _ in range(max(e, 0))]
        downs = [p for p, e in positions.items() for _ in range(max(-e, 0))]
        for up, down in _pairs(ups, downs, facts):
            gap = expand(up - down)
            if gap.is_Integer and gap >= 0:
                result *= Mul(*(_at(factor, down + k) for k in range(int(gap))))
            elif gap.is_Integer:
                result /= Mul(*(_at(factor, up + k) for k in range(-int(gap))))
            elif facts.at_least(up, down):
                result *= Product(_at(factor, _AT), (_AT, down, up - 1))
            else:
                result /= Product(_at(factor, _AT), (_AT, up, down - 1))
    return result


def _pairs(ups: list[Expr], downs: list[Expr], facts: Facts) -> list[tuple[Expr, Expr]]:
    """Pair ends of ranges, those at an integer distance first; the others so that one is known to be above."""
    pairs, ups, downs = [], list(ups), list(downs)
    for up in list(ups):
        near = [q for q in downs if expand(up - q).is_Integer]
        if near:
            best = min(near, key=lambda q: abs(expand(up - q)))
            pairs.append((up, best))
            ups.remove(up)
            downs.remove(best)
    for order in permutations(downs):
        rest = list(zip(ups, order, strict=True))
        if all(facts.at_least(up, down) or facts.at_least(down, up) for up, down in rest):
            return pairs + rest
    raise InputError(f"nothing says in which order the layers {', '.join(map(str, (*ups, *downs)))} come")


def same(left: Expr, right: Expr) -> bool:
    """Return True when two products are equal whatever the widths and variances."""
    form, rest = canonical(left / right)
    return not form and rest.equals(1) is True


def unit_condition(quotient: Expr) -> Eq | bool:
    """Return the condition that a quotient of positive factors is 1, as an equation without fractions."""
    numerator, denominator = quotient.as_numer_denom()
    return Eq(numerator, denominator)
