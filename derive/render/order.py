"""The order in which factors and terms are read: as the papers write them, not as SymPy sorts them.

Factors: coefficient, widths, shared variances, deltas, slopes, activations, weights, derivatives, averages, and last
the sums and products over an index, whose reach to the right is then unambiguous.
"""

from __future__ import annotations

from sympy import Add, Basic, Expr, Implies, Integral, KroneckerDelta, Limit, Mul, Pow, Product, Sum, fraction

from derive.averages import Average, Bracket, Covariance, SharedVariance
from derive.network import Activation, ActivationSlope, Partial, Width
from derive.notation import structure
from derive.randomness import INPUT, WEIGHTS, Entry

TIMES = "\N{INVISIBLE TIMES}"
"""Stands between two factors in a printed formula until the formula has been broken into lines."""

BIG = (Sum, Product, Integral, Limit)
"""What reaches as far to the right as its product goes."""

OWN = (
    Entry,
    Bracket,
    SharedVariance,
    Partial,
    Width,
    Activation,
    ActivationSlope,
    KroneckerDelta,
    Sum,
    Product,
)
"""Nodes of the derivation language; expressions without them keep SymPy's own order."""

_LAST = 99


def is_own(expression: Expr) -> bool:
    """Return True when the expression has nodes of the derivation language."""
    return bool(expression.has(*OWN))


def factors(product: Expr) -> list[Expr]:
    """Return the factors of a product, in the order in which they are read."""
    if not is_own(product):
        return list(product.as_ordered_factors()) if isinstance(product, Mul) else [product]
    return sorted(Mul.make_args(product), key=_factor_key)


def terms(total: Expr) -> list[Expr]:
    """Return the terms of a sum, in the order in which they are read."""
    if not is_own(total):
        return list(total.as_ordered_terms())
    return sorted(Add.make_args(total), key=_term_key)


def connected(expression: Basic) -> list[Basic]:
    """Return what a connective joins: as given for an implication, the shortest first otherwise."""
    parts = list(expression.args)
    return parts if isinstance(expression, Implies) else sorted(parts, key=_tie)


def signed_fraction(product: Expr) -> tuple[bool, Expr, Expr]:
    """Return whether a minus sign stands in front, the numerator and the denominator."""
    coefficient = product.as_coeff_Mul()[0]
    negative = bool(coefficient.is_number and coefficient.is_extended_negative)
    numerator, denominator = fraction(-product if negative else product, exact=True)
    return negative, numerator, denominator


def _base(factor: Expr) -> Expr:
    return factor.base if isinstance(factor, Pow) else factor


def _rank(factor: Expr) -> int:
    """Return the place of a factor in a product, by its kind."""
    base = _base(factor)
    if isinstance(base, Entry):
        return {None: 7, INPUT: 7, WEIGHTS: 8}.get(base.family.source, 9)
    if isinstance(base, SharedVariance):
        return 3 if base.layer else 4
    if isinstance(base, Bracket):
        return 11 if isinstance(base, Average) else 12
    if isinstance(base, BIG):
        return _LAST
    if base.is_number:
        return 0
    kinds = ((Width, 2), (KroneckerDelta, 5), (ActivationSlope, 6), (Activation, 7), (Partial, 10), (Add, 20))
    return next((rank for kind, rank in kinds if isinstance(base, kind)), 1 if base.is_Symbol else 14)


def _factor_key(factor: Expr) -> tuple[object, ...]:
    base = _base(factor)
    inner = min((_rank(f) for f in Mul.make_args(base.args[0])), default=0) if isinstance(base, Bracket) else 0
    if isinstance(base, SharedVariance):
        inner = 0 if base.family.source in (INPUT, WEIGHTS) else 1
    return (_rank(factor), inner, *_tie(factor))


def _term_key(term: Expr) -> tuple[object, ...]:
    parts = Mul.make_args(term)
    squared_means = sum(isinstance(f, Pow) and isinstance(f.base, Average) for f in parts)
    return (
        bool(term.could_extract_minus_sign()),
        squared_means,
        any(isinstance(_base(f), Covariance) for f in parts),
        not term.has(*BIG),
        -max(_rank(f) for f in parts),
        *_tie(term),
    )


def _tie(expression: Basic) -> tuple[int, str]:
    """Shorter first, so that layer i comes before layer i + 1."""
    text = structure(expression)
    return len(text), text
