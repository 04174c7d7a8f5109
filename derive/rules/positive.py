"""What is known to be positive, or not to be zero, by its form or by hypotheses: what may be divided by."""

from __future__ import annotations

from sympy import Expr, Mul, Pow, Product, Sum, factor_terms

from derive.averages import SharedVariance
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
    if isinstance(e, Sum) and isinstance(e.function, Pow) and e.function.exp == 2:
        entry, (index, *_) = e.function.base, e.limits[0]
        if isinstance(entry, Entry) and entry.units == (index,):
            return setting.require(Kind.NONDEGENERATE, entry.family)
    raise Undischarged(f"nothing says that {e} is positive, so that it cannot be cancelled")


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
