"""What is known to be positive, or not to be zero, by its form or by hypotheses: what may be divided by."""

from __future__ import annotations

from sympy import Expr, Mul, Pow, Product, Sum, factor_terms

from derive.averages import Average, SharedVariance
from derive.hypotheses import Kind
from derive.randomness import Entry
from derive.setting import Setting, Undischarged


def positive(e: Expr, setting: Setting) -> frozenset[str]:
    """Return the hypotheses by which an expression is positive, or raise `Undischarged`."""
    if e.is_positive:
        return frozenset()
    if isinstance(e, SharedVariance):
        return setting.require(Kind.NONDEGENERATE, e.family)
    if isinstance(e, Mul):
        return frozenset().union(*(positive(factor, setting) for factor in e.args))
    if isinstance(e, Pow):
        return positive(e.base, setting)
    if isinstance(e, Product):
        return positive(e.function, setting)
    if isinstance(e, Average):
        square = _squared(e.inside[0])
        return positive(e.inside[0], setting) if square is None else setting.require(Kind.NONDEGENERATE, square.family)
    if isinstance(e, Sum) and len(e.limits) == 1:
        (index, lower, upper), square = e.limits[0], _squared(e.function)
        if square is not None and square.units == (index,):
            return setting.require(Kind.NONDEGENERATE, square.family)
        if isinstance(e.function, Average) and (upper - lower + 1).is_positive:
            return positive(e.function, setting)
    said = next((h for h in setting.hypotheses if e in h.positive), None)
    if said is not None:
        return frozenset({said.key})
    raise Undischarged(f"nothing says that {e} is positive, so that it cannot be cancelled")


def _squared(e: Expr) -> Entry | None:
    """Return the scalar of which an expression is the square; None where it is none."""
    entry, power = e.as_base_exp()
    return entry if power == 2 and isinstance(entry, Entry) else None


def nonzero(e: Expr, setting: Setting) -> frozenset[str]:
    """Return the hypotheses by which an expression is not zero, or raise `Undischarged`."""
    if e.is_nonzero or (e.is_number and e.evalf(30, chop=True) != 0):
        return frozenset()
    product = factor_terms(e)
    if isinstance(product, Mul):
        return frozenset().union(*(nonzero(f, setting) for f in product.args))
    try:
        return positive(e, setting)
    except Undischarged as missing:
        reason = missing
    if (-e).is_positive:
        return frozenset()
    raise Undischarged(f"nothing says that {e} is not zero, so that nothing can be divided by it ({reason})")
