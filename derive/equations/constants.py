"""A printed constant, held against the number that it stands for: ``1.6765 of 1/sqrt(E[silu(u)^2])``."""

from __future__ import annotations

import re
from functools import cache

import mpmath
from sympy import Expr, Float, Integer, Rational, Symbol

from derive.claims.audit import audit
from derive.claims.claim import Audit, Claim
from derive.equations.drawn import DIGITS
from derive.equations.formulas import formula_value
from derive.proof.derivation import Statement
from derive.setting import Setting
from derive.words import Words

LAYERS = 50
"""How deep a network the effect of an error is told for."""
_DECIMAL = re.compile(r"[-+]?\d{1,40}\.\d{1,40}", re.ASCII)


def audit_constant(printed: str, of: str) -> Audit:
    """Return whether a printed constant is the number that it is said to be.

    A decimal holds where the true value rounds to its digits, or where it is the float64 nearest to the true value;
    anything else, such as 5/3 or 1, must be equal.

    Raises `InputError` for a constant or a formula that cannot be read.

    >>> audit_constant("1.6765", "1/sqrt(E[silu(u)^2])").verdict
    'holds'
    """
    claim = constant_claim(printed, of)
    claim.derived()  # what cannot be read or has no number is an error, and no verdict
    return audit(claim)


def constant_claim(printed: str, of: str, reading: str = "", positive: str = "", real: str = "") -> Claim:
    """Return a printed constant, and what it is said to be, as a claim; the number is computed when it is asked for.

    ``reading`` is how it is read, to which the true value is added; ``positive`` and ``real`` are the names of numbers
    that it is a function of.
    """

    @cache
    def true() -> Expr:
        value = formula_value(of, "formula of the constant", positive, real)
        return value.evalf(DIGITS) if any(len(str(r)) > DIGITS for r in value.atoms(Rational)) else value

    decimal = printed.strip() if _DECIMAL.fullmatch(printed.strip()) else None
    value = Rational(decimal) if decimal else formula_value(printed, "constant", positive, real)
    shown = Float(decimal, _digits(decimal)) if decimal else value
    return Claim(
        id="constant",
        title=f"{printed.strip()} = {' '.join(of.split())}",
        source="The constant that was given",
        where="as it stands",
        printed=Statement(Symbol("constant"), "=", shown),
        setting=Setting(()),
        against=(),
        analytic=true,
        decimal=decimal,
        reading=Words(reading) if reading else None,
        told=lambda: _told(reading, _reading(value, true(), decimal)),
    )


def _told(*sentences: str) -> Words | None:
    return Words(" ".join(filter(None, sentences))) if any(sentences) else None


def _digits(decimal: str) -> int:
    return max(1, len(decimal.lstrip("+-").replace(".", "").lstrip("0")))


def _reading(printed: Expr, true: Expr, decimal: str | None) -> str:
    """Return how many digits are right, and what the error does to a deep network."""
    if true.free_symbols or printed.free_symbols:
        return ""
    truth = true.evalf(DIGITS)
    words = f"The true value is {str(truth)[:24].rstrip('.')}"
    if printed == true or truth == 0:
        return f"{words}."
    error = ((printed - true) / true).evalf(DIGITS)
    if decimal is not None:
        right = min(right_digits(printed, truth), _digits(decimal))
        words += f"; of the {_digits(decimal)} digits printed {right} are right"
    growth = (1 + error) ** LAYERS
    return (
        f"{words}. As a factor of what each of {LAYERS} layers passes on, the error multiplies its standard deviation "
        f"by {float(growth):.6g} and its variance by {float(growth**2):.6g}."
    )


def right_digits(printed: Expr, true: Expr) -> int:
    """Return to how many significant digits a number is right, by rounding.

    >>> right_digits(Rational("3.1416"), Rational("3.14159265")), right_digits(Rational("1.30"), Rational("1.2966"))
    (5, 3)
    """
    first = int(mpmath.floor(mpmath.log10(abs(mpmath.mpf(str(true.evalf(DIGITS)))))))
    right = 0
    while right < DIGITS and abs(printed - true) <= Rational(1, 2) * Integer(10) ** (first - right):
        right += 1
    return right
