"""Roots whose radicands are factored: equal sums of roots then differ by nothing that `expand` or `cancel` misses."""

from __future__ import annotations

from sympy import Expr, factor


def factored_radicands(e: Expr) -> Expr:
    """Factor what stands under each root; factors that are positive leave it.

    >>> from sympy import sqrt, symbols
    >>> x, y = symbols("x y", positive=True)
    >>> factored_radicands(sqrt(x**2 + x**2*y))
    x*sqrt(y + 1)
    """
    return e.replace(
        lambda x: x.is_Pow and x.exp.is_Rational and not x.exp.is_Integer, lambda x: factor(x.base) ** x.exp
    )
