"""Laws of one number, and means under them: exactly where that is known, else to 30 digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import mpmath
from sympy import (
    Abs,
    Expr,
    Float,
    Function,
    Heaviside,
    Integer,
    Integral,
    Max,
    Min,
    Piecewise,
    Poly,
    Symbol,
    cos,
    erf,
    exp,
    expand,
    integrate,
    pi,
    sign,
    sin,
    sqrt,
)

DIGITS = 30
_CLOSED = (Max, Min, Abs, sign, Heaviside, Piecewise, sin, cos)
"""Functions whose Gaussian means are closed forms of numbers, which are soon found."""


class Unknown(ValueError):
    """A mean that is not known, and why."""


class Drawn(Protocol):
    """The law of a number."""

    @property
    def variable(self) -> Symbol:
        """The name of the number."""

    def mean(self, g: Expr) -> Expr:
        """Return the mean of an expression over the variable; raises `Unknown`."""


@dataclass(frozen=True)
class Bernoulli:
    """One with a chance, else zero."""

    variable: Symbol
    chance: Expr

    def mean(self, g: Expr) -> Expr:
        """Return the mean of an expression over the variable."""
        zero, one = (g.xreplace({self.variable: Integer(k)}) for k in (0, 1))
        return self.chance * one + (1 - self.chance) * zero


@dataclass(frozen=True)
class Uniform:
    """Anything between two ends alike."""

    variable: Symbol
    low: Expr
    high: Expr

    def mean(self, g: Expr) -> Expr:
        """Return the mean of an expression over the variable; raises `Unknown` where SymPy has no integral."""
        return _integral(g, (self.variable, self.low, self.high)) / (self.high - self.low)


@dataclass(frozen=True)
class Normal:
    """A Gaussian law; ``within`` a bound on the size where it is cut off there."""

    variable: Symbol
    average: Expr
    variance: Expr
    within: Expr | None = None

    def mean(self, g: Expr) -> Expr:
        """Return the mean of an expression over the variable; raises `Unknown`."""
        if not g.has(self.variable):
            return g
        if self.within is not None:
            return self._cut_off(g)
        if g.is_polynomial(self.variable):
            return self._of_powers(g)
        numbers = g.free_symbols | self.average.free_symbols | self.variance.free_symbols <= {self.variable}
        if not numbers or all(isinstance(f, _CLOSED) for f in g.atoms(Function) if f.has(self.variable)):
            try:
                return self._closed(g)
            except Unknown:
                if not numbers:
                    raise
        return self._by_quadrature(g)

    def _of_powers(self, g: Expr) -> Expr:
        moments: list[Expr] = [Integer(1), self.average]
        coefficients = Poly(g, self.variable).all_coeffs()[::-1]
        for k in range(2, len(coefficients)):
            moments.append(self.average * moments[k - 1] + (k - 1) * self.variance * moments[k - 2])
        return expand(sum((c * m for c, m in zip(coefficients, moments, strict=False)), Integer(0)))

    def _cut_off(self, g: Expr) -> Expr:
        """Return the mean of powers, whose moments go on from two before: E u^k = (k - 1) E u^(k-2) - 2 c^(k-1) φ(c)/Z.

        Z is the chance to be within the bound c of a standard normal.
        """
        if not g.is_polynomial(self.variable) or self.average != 0 or self.within is None:
            raise Unknown("a mean under a law that is cut off is known for powers and a mean of zero only")
        bound = self.within / sqrt(self.variance)
        chance, density = erf(bound / sqrt(2)), exp(-(bound**2) / 2) / sqrt(2 * pi)
        moments: list[Expr] = [Integer(1), Integer(0)]
        coefficients = Poly(g, self.variable).all_coeffs()[::-1]
        for k in range(2, len(coefficients)):
            edge = 2 * bound ** (k - 1) * density / chance if k % 2 == 0 else Integer(0)
            moments.append((k - 1) * moments[k - 2] - edge)
        return sum(
            (c * m * sqrt(self.variance) ** k for k, (c, m) in enumerate(zip(coefficients, moments, strict=False))),
            Integer(0),
        )

    def _closed(self, g: Expr) -> Expr:
        from derive.gaussian import gaussian_expectation
        from derive.gaussian.no_closed_form import NoClosedForm

        try:
            return gaussian_expectation(g, {self.variable: (self.average, self.variance)}).result
        except NoClosedForm as reason:
            raise Unknown(f"the mean of {g} has no closed form: {reason}") from None

    def _by_quadrature(self, g: Expr) -> Expr:
        """Return the mean to 30 digits, by quadrature of proved error."""
        from derive.quadrature import CannotRead, Line
        from derive.quadrature.digits import many_digits

        standard = g.xreplace({self.variable: self.average + sqrt(self.variance) * self.variable})
        try:
            found = many_digits(Line([standard], self.variable), 0.0, 1, DIGITS)
        except CannotRead:
            found = None
        if found is None:
            raise Unknown(f"the mean of {g} is not known to enough digits")
        if abs(found.value) <= found.size * mpmath.mpf(10) ** (3 - DIGITS):
            # The mean of an odd function; 27 digits of its absolute value cancel.
            return Integer(0)
        return Float(mpmath.nstr(found.value, DIGITS), DIGITS)


def _integral(g: Expr, limits: tuple[Symbol, Expr, Expr]) -> Expr:
    found = integrate(expand(g), limits)
    if found.has(Integral):
        raise Unknown(f"the integral of {g} is not known")
    return found
