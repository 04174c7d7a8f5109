"""All solutions of an equation that is polynomial in an unknown, and which of them are not negative."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Dummy, Eq, Expr, Poly, PolynomialError, expand, solve, together

from derive.errors import InputError
from derive.rules.positive import nonzero
from derive.setting import Setting


@dataclass(frozen=True)
class Polynomial:
    """An equation as a polynomial in an unknown, with a leading coefficient that is not zero, equal to 0.

    ``denominator`` is what both sides have been multiplied with; it is free of the unknown.
    """

    equation: Eq
    unknown: Expr
    symbol: Dummy
    poly: Poly
    denominator: Expr

    @classmethod
    def of(cls, equation: Eq, unknown: Expr) -> Polynomial:
        """Read an equation; raise `InputError` for one that is not polynomial in the unknown."""
        # Without assumptions, so that no solution is left out for its sign.
        u = Dummy("u")
        numerator, denominator = together((equation.lhs - equation.rhs).xreplace({unknown: u})).as_numer_denom()
        try:
            poly = Poly(expand(numerator), u)
        except PolynomialError:
            poly = None
        if poly is None or denominator.has(u) or poly.degree() < 1:
            raise InputError(f"{equation} is not a polynomial equation in {unknown}")
        return cls(equation, unknown, u, poly, denominator)

    def nonzero(self, setting: Setting) -> frozenset[str]:
        """Return the hypotheses by which the leading coefficient is not zero, or raise `Undischarged`."""
        return nonzero(self.poly.LC(), setting)

    def solutions(self) -> list[Expr]:
        """Return all solutions; raise `InputError` where they cannot all be found."""
        # A root of the polynomial is one: nothing that was divided by hangs on it.
        found = solve(self.equation.xreplace({self.unknown: self.symbol}), self.symbol, check=False)
        if len(found) != self.poly.sqf_part().degree():
            raise InputError(f"not all solutions of {self.equation} for {self.unknown} can be found")
        return list(found)

    def nonnegative(self) -> Expr:
        """Return the one solution that is not negative; raise `InputError` unless it is the only one."""
        if not self.unknown.is_nonnegative:
            raise InputError(f"nothing says that {self.unknown} is not negative, so that a solution may be chosen")
        solutions = self.solutions()
        admissible = [v for v in solutions if v.is_nonnegative]
        for v in solutions:
            # What is at most zero is the other solution where it is zero.
            excluded = v.is_negative or v.is_real is False or (v.is_nonpositive and -v in admissible)
            if v not in admissible and not excluded:
                raise InputError(f"{self.equation} has a solution for {self.unknown} whose sign is not known: {v}")
        if len(admissible) != 1:
            raise InputError(f"{self.equation} has {len(admissible)} admissible solutions for {self.unknown}")
        return admissible[0]
