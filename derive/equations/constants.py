"""A printed constant, held against the number that it stands for: ``1.6765 of 1/sqrt(E[silu(u)^2])``.

Means are over a standard normal, whatever its name, unless a law stands beside: E[u^2; u ~ N(0, 2)].
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial

import mpmath
from sympy import Expr, Float, Integer, Rational, Symbol, sqrt

from derive.activations.catalogue import CATALOGUE
from derive.claims.audit import audit
from derive.claims.claim import Audit, Claim
from derive.equations import tree
from derive.equations.grammar import parse_value
from derive.equations.meaning import Meaning
from derive.equations.vocabulary import Vocabulary
from derive.errors import InputError
from derive.expressions import parse_expression
from derive.gaussian.expectation import GaussianExpectation
from derive.proof.derivation import Statement
from derive.setting import Setting
from derive.words import Words

DIGITS = 30
LAYERS = 50
"""How deep a network the effect of an error is told for."""
_DECIMAL = re.compile(r"[-+]?\d{1,40}\.\d{1,40}", re.ASCII)
_VARIABLES = {name: Symbol(name, real=True) for name in "uxzyt"}
_X = Symbol("x", real=True)


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


def constant_claim(printed: str, of: str, reading: str = "") -> Claim:
    """Return a printed constant, and what it is said to be, as a claim; the number is computed when it is asked for.

    ``reading`` is how it is read, to which the true value is added.
    """

    @cache
    def true() -> Expr:
        return _number(of, "formula of the constant")

    decimal = printed.strip() if _DECIMAL.fullmatch(printed.strip()) else None
    value = Rational(decimal) if decimal else _number(printed, "constant")
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
        told=lambda: Words(" ".join(filter(None, (reading, _reading(value, true(), decimal))))),
    )


def _digits(decimal: str) -> int:
    return max(1, len(decimal.lstrip("+-").replace(".", "").lstrip("0")))


def _reading(printed: Expr, true: Expr, decimal: str | None) -> str:
    """Return how many digits are right, and what the error does to a deep network."""
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


# ---- the number that a formula stands for


class _Numbers(Meaning):
    """Reads means over standard normals."""

    def _mean(self, node: tree.Mean) -> Expr:
        if node.law is not None or node.sign not in ("E", "Var") or len(node.inside) != 1:
            return super()._mean(node)
        inside = self._value(node.inside[0])
        mean = partial(_standard_mean, self, node)
        return mean(inside) if node.sign == "E" else mean(inside**2) - mean(inside) ** 2


def _standard_mean(meaning: Meaning, node: tree.Mean, inside: Expr) -> Expr:
    variables = sorted(inside.free_symbols, key=str)
    if len(variables) > 1:
        meaning.fail(f"the mean of a function of one variable expected, got {', '.join(map(str, variables))}", node)
    if not variables:
        return inside
    return GaussianExpectation.of(inside, variables, (Integer(0),), ((Integer(1),),))


def _number(text: str, what: str) -> Expr:
    names = Vocabulary(symbols={(name, 0): [symbol] for name, symbol in _VARIABLES.items()})
    for name in CATALOGUE:
        names.functions.setdefault((name.replace("-", "_"), 0), _activation(name))
        names.functions.setdefault((name.replace("-", ""), 0), _activation(name))
    value = _Numbers(text, names, what).value_at(parse_value(text, names, what), 0)
    value = value.xreplace({node: _gaussian_number(node, text, what) for node in value.atoms(GaussianExpectation)})
    if value.free_symbols:
        free = ", ".join(sorted(map(str, value.free_symbols)))
        raise InputError(f"{what}: {free} stands outside every mean, in {text!r}")
    if not value.evalf(15).is_real:
        raise InputError(f"{what}: it has no real value, in {text!r}")
    return value


def _activation(name: str) -> Callable[..., Expr]:
    def made(argument: Expr, *parameters: Expr) -> Expr:
        if not all(p.is_Rational for p in parameters):
            raise ValueError("parameters are numbers")
        given = ", ".join(["x", *map(str, parameters)])
        return parse_expression(f"{name.replace('-', '_')}({given})", {"x": _X}).xreplace({_X: argument})

    return made


def _gaussian_number(node: GaussianExpectation, text: str, what: str) -> Expr:
    """Return the value of a mean to 30 digits, by quadrature of proved error."""
    from derive.quadrature import CannotRead, Line
    from derive.quadrature.digits import many_digits

    (variable,), (mean,), ((variance,),) = node.variables, node.mean, node.covariance
    if node.free_symbols:
        raise InputError(f"{what}: the law of {variable} must be numbers, in {text!r}")
    g = node.integrand.xreplace({variable: mean + sqrt(variance) * variable})
    try:
        found = many_digits(Line([g], variable), 0.0, 1, DIGITS)
    except CannotRead:
        found = None
    if found is None:
        raise InputError(f"{what}: the mean of {node.integrand} is not known to enough digits")
    if abs(found.value) <= found.size * mpmath.mpf(10) ** (3 - DIGITS):
        # The mean of an odd function; 27 digits of its absolute value cancel.
        return Integer(0)
    return Float(mpmath.nstr(found.value, DIGITS), DIGITS)
