"""The sign of an expression in sizes, variances and means, proved for all their values.

Every node that is no number becomes a symbol with what is known of it: a size is at least 1, a variance is not
negative, E[X^2] = E[X]^2 + Var[X]. What is then a polynomial with coefficients of one sign, over one, has that sign.
"""

from __future__ import annotations

from sympy import Add, Basic, Dummy, Expr, Integer, Mul, Poly, PolynomialError, Pow, Product, Sum, together

from derive.averages import Average, Bracket, SharedVariance, Variance
from derive.errors import InputError
from derive.gaussian.expectation import GaussianExpectation
from derive.network import Width
from derive.notation import Notation
from derive.randomness import Entry
from derive.rules.positive import positive
from derive.setting import Setting, Undischarged


def not_negative(e: Expr, setting: Setting, *, strict: bool = False) -> bool:
    """Return whether an expression is proved not to be negative, or ``strict``ly positive, wherever it has a value."""
    numerator, denominator = together(_Symbols(setting).of(e)).as_numer_denom()
    if _of_one_sign(-denominator, strict=True):
        numerator, denominator = -numerator, -denominator
    return _of_one_sign(denominator, strict=True) and _of_one_sign(numerator, strict=strict)


def _of_one_sign(e: Expr, *, strict: bool) -> bool:
    """Return whether no term of a polynomial is negative, and, where ``strict``, one is positive."""
    symbols = sorted(e.free_symbols, key=str)
    try:
        terms = Poly(e, *symbols).terms() if symbols else [((), e)]
    except PolynomialError:
        return bool(e.is_positive if strict else e.is_nonnegative)
    parts = [(Mul(*map(Pow, symbols, powers)), c) for powers, c in terms]
    if not all(monomial.is_nonnegative and c.is_nonnegative for monomial, c in parts):
        return False
    return not strict or any(monomial.is_positive and c.is_positive for monomial, c in parts)


class _Symbols:
    """Puts a symbol for each node, the same for the same one; ``more`` than the least value where there is one."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.made: dict[Basic, Expr] = {}

    def of(self, e: Expr) -> Expr:
        """Return the expression in symbols that know their sign."""
        if is_plain_number(e):
            return e
        if isinstance(e, Add | Mul) or (isinstance(e, Pow) and e.exp.is_Integer):
            return e.func(*map(self.of, e.args))
        if e not in self.made:
            self.made[e] = self._made(e)
        return self.made[e]

    def _made(self, e: Expr) -> Expr:
        if isinstance(e, Width) or (e.is_Symbol and e.is_integer):
            least = Integer(1) if isinstance(e, Width) else self._least(e)
            return Dummy(str(e), integer=True) if least is None else least + Dummy(str(e), nonnegative=True)
        if isinstance(e, Pow) and is_plain_number(e.base) and e.base.is_positive:
            return self._power(e)
        square = _square(e.inside[0]) if isinstance(e, Average) else None
        if square is not None:
            return self.of(Average(square, e.over)) ** 2 + self.of(Variance(square, e.over))
        if isinstance(e, Bracket) and not e.inside[0].atoms(Bracket, Entry):
            return self.of(e.inside[0]) if isinstance(e, Average) else Dummy(str(e), nonnegative=True)
        return Dummy(str(e), **self._known(e))

    def _least(self, index: Expr) -> Expr | None:
        return next((Integer(k) for k in (1, 0) if self.setting.facts.at_least(index, k)), None)

    def _power(self, e: Pow) -> Expr:
        """Return a power of a number: not above 1 where the exponent is not negative and the base is below 1."""
        exponent = e.exp if self.setting.facts.at_least(e.exp, 0) else -e.exp
        if not self.setting.facts.at_least(exponent, 0):
            return Dummy(str(e), positive=True)
        more = self.setting.facts.at_least(exponent, 1) and (e.base - 1).is_zero is False
        above_one = 1 + Dummy(str(e), **({"positive": True} if more else {"nonnegative": True}))
        return above_one if ((e.base > 1) == (exponent == e.exp)) is True or (e.base - 1).is_zero else 1 / above_one

    def _known(self, e: Expr) -> dict[str, bool]:
        try:
            positive(e, self.setting)
        except (Undischarged, InputError):
            pass
        else:
            return {"positive": True}
        if isinstance(e, Sum | Product) and len(e.limits) == 1:
            return self._of_terms(e)
        if isinstance(e, Average | GaussianExpectation):
            inside = e.inside[0] if isinstance(e, Average) else e.integrand
            return {"nonnegative": True} if inside.is_nonnegative else {"real": True}
        if isinstance(e, Variance | SharedVariance) or e.is_nonnegative:
            return {"nonnegative": True}
        return {"real": True}

    def _of_terms(self, e: Sum | Product) -> dict[str, bool]:
        """Return what the terms of a sum or product tell of the whole, which may have none."""
        if isinstance(e, Product) and not_negative(e.function, self.setting, strict=True):
            return {"positive": True}
        return {"nonnegative": True} if not_negative(e.function, self.setting) else {"real": True}


def is_plain_number(e: Expr) -> bool:
    """Return whether an expression is made of numbers alone: a size is none, though it has no symbol."""
    return bool(e.is_number) and not e.has(Notation, GaussianExpectation, Sum, Product)


def _square(e: Expr) -> Expr | None:
    """Return the quantity of which an expression is the square; None where it is none."""
    base, power = e.as_base_exp()
    return base if power == 2 else None
