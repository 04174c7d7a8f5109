"""Where a function of one real variable changes sign, exactly: polynomials by their roots, the rest by inversion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sympy import (
    Abs,
    Add,
    Expr,
    Mul,
    Poly,
    PolynomialError,
    Rational,
    S,
    Symbol,
    acosh,
    asinh,
    atan,
    atanh,
    cosh,
    erf,
    erfc,
    erfinv,
    exp,
    log,
    pi,
    sign,
    sinh,
    sqrt,
    tan,
    tanh,
)

from derive.gaussian.functions import Phi

HIGHEST_DEGREE = 20
"""Roots of polynomials of higher degree are not looked for."""


@dataclass(frozen=True)
class SignChanges:
    """sign(u) = side · Π sign(x - root) for almost every x, where all ``needs`` are positive."""

    side: int
    roots: tuple[Expr, ...] = ()
    needs: tuple[Expr, ...] = ()

    def __mul__(self, other: SignChanges) -> SignChanges:
        # a root of even multiplicity is no change of sign
        count = Counter((*self.roots, *other.roots))
        odd = tuple(r for r, n in count.items() if n % 2)
        return SignChanges(self.side * other.side, odd, tuple(dict.fromkeys((*self.needs, *other.needs))))

    def __neg__(self) -> SignChanges:
        return SignChanges(-self.side, self.roots, self.needs)

    def expression(self, x: Symbol) -> Expr:
        """The product of signs."""
        return Mul(self.side, *(sign(x - r) for r in self.roots))


@dataclass(frozen=True)
class Increasing:
    """An increasing function of the whole line, its inverse and its range."""

    inverse: Callable[[Expr], Expr]
    low: Expr = S.NegativeInfinity
    high: Expr = S.Infinity


INCREASING: dict[type, Increasing] = {
    exp: Increasing(log, S.Zero),
    log: Increasing(exp),
    tanh: Increasing(atanh, S.NegativeOne, S.One),
    erf: Increasing(erfinv, S.NegativeOne, S.One),
    Phi: Increasing(lambda y: sqrt(2) * erfinv(2 * y - 1), S.Zero, S.One),
    sinh: Increasing(asinh),
    asinh: Increasing(sinh),
    atan: Increasing(tan, -pi / 2, pi / 2),
}
"""Increasing functions of the whole line (the logarithm: of its half), with their inverses."""


def sign_changes(u: Expr, x: Symbol) -> SignChanges | None:
    """Where u changes sign as a function of x; None where that is not known exactly.

    >>> x = Symbol("x", real=True)
    >>> sign_changes(tanh(x) - Rational(1, 2), x).roots
    (atanh(1/2),)
    >>> sign_changes(3 - exp(x**2), x).expression(x)
    -sign(x - sqrt(log(3)))*sign(x + sqrt(log(3)))
    """
    if u.is_positive or u.is_negative:
        return SignChanges(1 if u.is_positive else -1)
    if not u.has(x):
        return None
    if u.is_Mul:
        return _product(u, x)
    if u.is_Pow and u.exp.is_Integer:
        # the same sign almost everywhere, also for a negative exponent
        return SignChanges(1) if u.exp.is_even else sign_changes(u.base, x)
    if u.is_Pow and u.base.is_nonnegative:
        return SignChanges(1)
    if u.is_polynomial(x):
        return _polynomial(u, x)
    constant, rest = u.as_independent(x, as_Add=True)
    terms = Add.make_args(rest)
    if len(terms) == 1:
        scale, core = rest.as_independent(x, as_Add=False)
        found = _level(core, -constant / scale, x)
        return None if found is None else _sided(scale, found)
    if len(terms) == 2 and constant == 0:
        found = _difference(terms[0], terms[1], x)
        if found is not None:
            return found
    return _in_one_function(u, x)


def _sided(factor: Expr, found: SignChanges) -> SignChanges | None:
    if factor.is_positive:
        return found
    return -found if factor.is_negative else None


def _product(u: Expr, x: Symbol) -> SignChanges | None:
    result = SignChanges(1)
    for factor in u.args:
        found = sign_changes(factor, x)
        if found is None:
            return None
        result = result * found
    return result


def _polynomial(u: Expr, x: Symbol) -> SignChanges | None:
    polynomial = Poly(u, x)
    lead = polynomial.LC()
    if polynomial.degree() == 1:
        return _sided(lead, SignChanges(1, (-polynomial.nth(0) / lead,)))
    if polynomial.free_symbols_in_domain or not all(c.is_Rational for c in polynomial.all_coeffs()):
        constant, rest = u.as_independent(x, as_Add=True)
        scale, core = rest.as_independent(x, as_Add=False)
        found = _level(core, -constant / scale, x) if core.is_Pow else None
        return None if found is None else _sided(scale, found)
    if polynomial.degree() > HIGHEST_DEGREE:
        return None
    result = SignChanges(1 if lead > 0 else -1)
    for root in polynomial.real_roots():
        result = result * SignChanges(1, (root,))
    return result


def _difference(first: Expr, second: Expr, x: Symbol) -> SignChanges | None:
    """The difference c F(v) - c F(w) for an increasing F has the sign of c (v - w)."""
    (a, f), (b, g) = (t.as_independent(x, as_Add=False) for t in (first, second))
    if a == -b and f.func is g.func and f.func in INCREASING:
        found = sign_changes((f.args[0] - g.args[0]).expand(), x)
        return None if found is None else _sided(a, found)
    return None


def _level(core: Expr, y: Expr, x: Symbol) -> SignChanges | None:
    """The sign of core - y, for a core that is one function of x."""
    if core == x:
        return SignChanges(1, (y,))
    if core.func in INCREASING:
        return _increasing(INCREASING[core.func], core.args[0], y, x)
    if isinstance(core, erfc):
        found = _increasing(INCREASING[erf], core.args[0], 1 - y, x)
        return None if found is None else -found
    if isinstance(core, cosh):
        return _even(core.args[0], y - 1, lambda: acosh(y), x)
    if isinstance(core, Abs):
        return _even(core.args[0], y, lambda: y, x)
    if core.is_Pow and core.exp.is_Integer and core.exp > 0:
        n = int(core.exp)
        if n % 2 == 0:
            return _even(core.base, y, lambda: y ** Rational(1, n), x)
        root = sign(y) * Abs(y) ** Rational(1, n)
        return sign_changes((core.base - root).expand(), x)
    if core.is_Pow and core.exp.is_negative and core.base.is_positive:
        # a positive power of 1/w: larger where w is smaller
        if y.is_nonpositive:
            return SignChanges(1)
        if not y.is_positive:
            return None
        found = sign_changes(core.base - y ** (1 / core.exp), x)
        return None if found is None else -found
    return None


def _increasing(function: Increasing, w: Expr, y: Expr, x: Symbol) -> SignChanges | None:
    """F(w) > y where w > F⁻¹(y); always where y is below the range of F."""
    needs: list[Expr] = []
    for gap, side in ((y - function.low, 1), (function.high - y, -1)):
        if gap.is_infinite or gap.is_positive:
            continue
        if gap.is_nonpositive:
            return SignChanges(side)
        needs.append(gap)
    if any(not n.free_symbols for n in needs):
        return None
    found = sign_changes((w - function.inverse(y)).expand(), x)
    return None if found is None else found * SignChanges(1, (), tuple(needs))


def _even(w: Expr, gap: Expr, inverse: Callable[[], Expr], x: Symbol) -> SignChanges | None:
    """F(w) > y for an even F that increases with |w|: (w - F⁻¹(y))(w + F⁻¹(y)) > 0; always where y is below F(0)."""
    if gap.is_nonpositive:
        return SignChanges(1)
    if not gap.is_positive and not gap.free_symbols:
        return None
    right, left = (sign_changes((w + s * inverse()).expand(), x) for s in (-1, 1))
    if right is None or left is None:
        return None
    needs = () if gap.is_positive else (gap,)
    return right * left * SignChanges(1, (), needs)


def _in_one_function(u: Expr, x: Symbol) -> SignChanges | None:
    """A polynomial with rational coefficients in one increasing function of x, by the roots of the polynomial."""
    try:
        polynomial = Poly(u)
    except PolynomialError:
        return None
    if len(polynomial.gens) != 1 or polynomial.gen.func not in INCREASING:
        return None
    if polynomial.degree() > HIGHEST_DEGREE or not all(c.is_Rational for c in polynomial.all_coeffs()):
        return None
    result = SignChanges(1 if polynomial.LC() > 0 else -1)
    for root in polynomial.real_roots():
        found = _level(polynomial.gen, root, x)
        if found is None:
            return None
        result = result * found
    return result


__all__ = ["SignChanges", "sign_changes"]
