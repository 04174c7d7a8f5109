"""The moments that must exist where a mean or a variance is split."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow, Sum

from derive.averages import Average, Bracket
from derive.hypotheses import Kind
from derive.setting import Setting


def finite(setting: Setting, bracket: Bracket) -> frozenset[str]:
    """Return the hypothesis by which a bracket is a number, and so are those that it is split into; or raise.

    A variance needs twice the highest power of one scalar inside, and a mean that power itself; two at least.
    """
    (highest, *_) = sorted(map(_highest_power, bracket.inside), reverse=True)
    order = highest if isinstance(bracket, Average) else 2 * highest
    return setting.require(Kind.FINITE_MOMENTS, order=max(2, 2 * ((order + 1) // 2)))


def _highest_power(e: Expr) -> int:
    """Return the highest power of one scalar in a quantity."""
    if isinstance(e, Pow) and e.exp.is_Integer:
        return int(e.exp) * _highest_power(e.base)
    if isinstance(e, Add | Mul | Sum):
        return max(map(_highest_power, [e.function] if isinstance(e, Sum) else e.args))
    return 1
