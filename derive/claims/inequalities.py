"""Inequalities, held against what is derived: the sign of the difference, or of the quotient less 1, is proved."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Basic, Expr, Integer, Le, Lt, expand, powsimp

from derive.claims.claim import Claim
from derive.claims.reduction import Comparison, is_product, named, reduce, specialised, written_out
from derive.claims.sign import is_plain_number, not_negative
from derive.errors import InputError
from derive.rules.products import in_order, ratio
from derive.setting import Setting, Undischarged

FOLLOWS = "a consequence of the derived formula: the sign of the difference is proved"


def compare_order(claim: Claim, setting: Setting) -> Comparison:
    """Compare the sides of ``<``, ``<=`` or ``!=``, as printed and with derived formulas put in.

    The difference is known to have the other sign where ``differs``; ``condition`` is when a quotient is below 1.
    """
    relation, condition, shown = claim.printed.relation, None, None
    strict, apart = relation != "<=", relation == "!="
    for left, right in _put_in(claim, setting):
        shown = left if left != claim.printed.lhs else shown
        above, below = _above(left, right, setting, strict=strict), _above(right, left, setting, strict=strict == apart)
        if above or (apart and below):
            return Comparison(True, shown, how=FOLLOWS)
        if below:
            return Comparison(False, shown, differs=True)
        if apart:
            continue
        condition = _condition(left, right, setting, strict=strict) if condition is None else condition
    return Comparison(False, shown, condition)


def multiple_of(claim: Claim, setting: Setting) -> Expr | None:
    """Return the number by which the right side is multiplied in the left one; None where it is no number."""
    for left, right in _put_in(claim, setting):
        quotient = _quotient(left, right, setting, strict=True)
        if quotient is not None and is_plain_number(quotient):
            return quotient
    return None


def _put_in(claim: Claim, setting: Setting) -> Iterator[tuple[Expr, Expr]]:
    """Yield both sides: as they are, with what is derived of the left one, of both, and of the right one."""
    sides = claim.printed.lhs, claim.printed.rhs
    reduced = [_reduced(claim, side, setting) for side in sides]
    pairs = (sides, (reduced[0], sides[1]), tuple(reduced), (sides[0], reduced[1]))
    for left, right in dict.fromkeys(pairs):
        yield specialised(left, setting), specialised(right, setting)


def _reduced(claim: Claim, side: Expr, setting: Setting) -> Expr:
    try:
        return reduce(claim, side, setting)
    except Undischarged:
        return side


def _above(low: Expr, high: Expr, setting: Setting, *, strict: bool) -> bool:
    """Return whether one side is proved not to be below the other, or ``strict``ly to be above it."""
    low, high = written_out(low), written_out(high)
    if not_negative(_in_one_form(expand(high - low), setting), setting, strict=strict):
        return True
    quotient = _quotient(low, high, setting, strict=strict)
    return quotient is not None and not_negative(1 - quotient, setting, strict=strict)


def _in_one_form(total: Expr, setting: Setting) -> Expr:
    """Return a sum in whose terms products over the same layers look the same."""
    if not in_order(total, setting.facts):
        return total
    try:
        return Add(*(ratio(term, Integer(1), setting.facts) for term in Add.make_args(total)))
    except InputError:
        return total


def _quotient(left: Expr, right: Expr, setting: Setting, *, strict: bool) -> Expr | None:
    """Return left over right, everything common cancelled; None where the right side may be zero or negative."""
    if right == 0 or not not_negative(right, setting, strict=strict) or not in_order(left * right, setting.facts):
        return None
    try:
        return powsimp(ratio(left, right, setting.facts))
    except InputError:
        # Nothing says which of two layers is the later one.
        return None


def _condition(left: Expr, right: Expr, setting: Setting, *, strict: bool) -> Basic | None:
    """Return when a product of sizes and variances is not above another; None for other sides."""
    if not (is_product(left) and is_product(right)):
        return None
    quotient = _quotient(left, right, setting, strict=True)
    return None if quotient is None else below_one(named(quotient), strict=strict)


def below_one(quotient: Expr, *, strict: bool) -> Basic:
    """Return the condition that a quotient of positive factors is not above 1, or below it, without fractions."""
    numerator, denominator = quotient.as_numer_denom()
    return (Lt if strict else Le)(numerator, denominator)
