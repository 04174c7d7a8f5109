"""Printed functions and numbers, held against derived ones: exactly, to the digits printed, or as an approximation."""

from __future__ import annotations

from decimal import Decimal

from mpmath.libmp import prec_to_dps
from sympy import (
    Basic,
    Eq,
    Expr,
    Float,
    Integer,
    Limit,
    Or,
    PolynomialError,
    Rational,
    acos,
    asin,
    count_ops,
    degree,
    factor_list,
    oo,
    powsimp,
    roots,
    simplify,
)

from derive.claims.claim import Claim
from derive.claims.reduction import Comparison, built
from derive.hypotheses import Hypothesis, Kind
from derive.proof.sampling import DIGITS, points
from derive.proof.verdict import Counterexample
from derive.setting import Setting, Undischarged
from derive.words import Words

ROUNDED = "the true value rounds to the digits printed"
NEAREST = "printed is the float64 that is nearest to the true value"

_HIGHEST = 2
"""The highest power of a name that is solved for."""


def compare_numbers(claim: Claim) -> Comparison:
    """Compare two formulas, or a printed number with the true value."""
    derived = claim.derived()
    if claim.decimal is not None:
        how = ROUNDED if _rounds(claim.decimal, derived) else NEAREST if _nearest(claim.decimal, derived) else ""
        return Comparison(bool(how), derived, how=how, error=_error(Rational(claim.decimal), derived))
    gap = simplify((claim.printed.rhs - derived).doit().rewrite(acos, asin))
    if gap == 0:
        return Comparison(True, min(derived, claim.printed.rhs, key=count_ops))
    zeros, exact = _zeros(gap)
    condition = Or(*zeros) if zeros else None
    return Comparison(False, derived, condition, exact, error=_error(claim.printed.rhs, derived))


def _zeros(gap: Expr) -> tuple[list[Basic], bool]:
    """Return when a difference of two formulas vanishes, as far as that is seen, and whether only then."""
    try:
        factors = [f for f, _ in factor_list(gap.as_numer_denom()[0])[1]]
    except PolynomialError:
        return [], False
    found, exact = list[Basic](), True
    for f in factors:
        zeros = _roots(f)
        exact &= zeros is not None or bool(f.is_nonzero)
        found += zeros or []
    return found, exact


def _roots(factor: Expr) -> list[Basic] | None:
    """Return where a factor vanishes, solved for its first name: the values that the name may have; None if unknown."""
    (name, *_) = sorted(factor.free_symbols, key=str) or [None]
    if name is None or not factor.is_polynomial(name) or degree(factor, name) > _HIGHEST:
        return None
    if factor == name:
        return [] if name.is_positive else [Eq(name, 0, evaluate=False)]
    values = [root for root in roots(factor, name) if root.is_real is not False]
    if name.is_positive:
        values = [root for root in values if not root.is_nonpositive]
    return [Eq(name, root, evaluate=False) for root in values]


def approximates(claim: Claim) -> Comparison:
    """Return how good a printed approximation is: it must be so in the limit, and the order tells how soon."""
    assert claim.off is not None
    off, large = claim.off()
    order = powsimp(large * off.diff(large) / off)
    vanishes = Limit(off, large, oo).doit() == 0 if order.has(large) else order.is_negative
    how = "an approximation, which is right in the limit"
    if not order.has(large):
        how = str(Words("an approximation, whose relative error falls as {} where {} grows", large**order, large))
    return Comparison(bool(vanishes), claim.printed.rhs, how=how, error=off)


def unstated(claim: Claim, setting: Setting) -> tuple[Hypothesis, ...]:
    """Return the hypotheses that the theorems rest on and the source does not state; definitions assume nothing."""
    return tuple(dict.fromkeys(h for build in claim.against for h in built(build).rests_on if not _given(h, setting)))


def _given(hypothesis: Hypothesis, setting: Setting) -> bool:
    if hypothesis in setting.hypotheses or hypothesis.declares(Kind.DEFINITION):
        return True
    try:
        for p in hypothesis.properties:
            setting.discharge(p)
        for equation in hypothesis.equations:
            setting.stating(equation)
    except Undischarged:
        return False
    return bool(hypothesis.properties or hypothesis.equations)


def _rounds(decimal: str, true: Expr) -> bool:
    return bool(abs(true - Rational(decimal)) <= _half_digit(decimal))


def _nearest(decimal: str, true: Expr) -> bool:
    """Return whether a decimal is the double nearest to the true value, written to as many digits as are printed."""
    written = Decimal(float(true))
    return written.quantize(Decimal(decimal)) == Decimal(decimal)


def _half_digit(decimal: str) -> Expr:
    """Return half a unit of the last digit that is printed."""
    return Rational(1, 2) / 10 ** len(decimal.partition(".")[2])


def _error(printed: Expr, true: Expr) -> Expr | None:
    """Return how far off a number is, relative to the true one, to two digits; None where that is no number."""
    if true == 0:
        return None
    off = (printed - true) / true
    off = simplify(off) if off.free_symbols else off
    return Float(off.evalf(DIGITS), 2) if off.is_number and off.is_finite else None


def refute_at_points(claim: Claim, derived: Basic) -> Counterexample | None:
    """Return the first admissible point at which printed and derived differ, if there is one."""
    # A number that is known to fewer digits is shown to those, and a printed decimal as it is printed.
    digits = min([DIGITS, *(prec_to_dps(f._prec) for f in derived.atoms(Float))])
    statement = claim.printed.rhs if claim.decimal is None else Rational(claim.decimal)
    symbols = sorted(claim.printed.rhs.free_symbols | derived.free_symbols, key=lambda s: s.name)
    simple = (dict.fromkeys(symbols, value) for value in (Integer(1), Rational(1, 2)))
    for at in (*simple, *points(symbols)):
        printed, right = (e.subs(at).doit().evalf(digits) for e in (statement, derived))
        if not (printed.is_finite and right.is_finite):
            continue
        if claim.decimal is None:
            differ = abs(printed - right) > 10 ** (5 - digits) * abs(right)
        else:
            differ = not _rounds(claim.decimal, right) and not _nearest(claim.decimal, right)
        if differ:
            where = {str(s): str(v) for s, v in at.items()}
            return Counterexample({"precision": f"{digits} digits"}, where, str(right), "=", str(printed))
    return None
