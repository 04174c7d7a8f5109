"""Names for q - c and q + c in a closed form: what the caller knows to all digits near correlation 1 and -1."""

from __future__ import annotations

from sympy import (
    Abs,
    Add,
    Expr,
    Function,
    Poly,
    Symbol,
    acos,
    asin,
    atan,
    collect,
    exp,
    expand,
    factor,
    fraction,
    sinh,
    sqrt,
    symbols,
    together,
)
from sympy.codegen.cfunctions import expm1

from derive.maps.symbols import c, q
from derive.proof.rule import replace_everywhere

d, e = symbols("d e", positive=True)
"""d = q - c and e = q + c."""


class ArcExcess(Function):
    """ArcExcess(d, e) = √(d e) - |c| acos(|c|/q), with c = (e - d)/2 and q = (e + d)/2.

    With θ the angle whose cosine is |c|/q it is q (sin θ - θ cos θ), of size q θ³/3 for a small angle: the difference
    of two nearly equal numbers, which a kernel computes by itself.
    """

    nargs = 2

    def definition(self) -> Expr:
        """Return the elementary functions that it stands for."""
        first, other = self.args
        shared, total = Abs(other - first), other + first
        return sqrt(first) * sqrt(other) - shared / 2 * acos(shared / total)


def gaps(f: Expr) -> Expr:
    """Write linear factors k + s (q - c) and k + s (q + c) in d and e, and c² as q² - d e where it is taken away."""
    if not f.has(c) or f == c:
        return f
    if not isinstance(f, Add):
        return f.func(*(gaps(a) if isinstance(a, Expr) else a for a in f.args))
    if not f.is_polynomial(q, c):
        return Add(*(gaps(term) for term in f.args))
    slope, other = (expand(f).coeff(x) for x in (c, q))
    rest = expand(f - slope * c - other * q)
    if not (rest.free_symbols | slope.free_symbols | other.free_symbols):
        return rest + other * (d if slope == -other else e) if abs(slope) == abs(other) else f
    whole = factor(f)
    if not isinstance(whole, Add):
        return gaps(whole)
    polynomial = Poly(f, q, c)
    if all(power % 2 == 0 for _, power in polynomial.monoms()) and min(polynomial.coeffs()) < 0:
        square = Symbol("square")
        return collect(expand(expand(f).subs(c**2, square).subs(square, q**2 - d * e)), d * e)
    return Add(*(gaps(term) for term in f.args))


def named(f: Expr) -> Expr:
    """Return a whole closed form with its gaps named, its roots factored and its exponentials joined."""
    f = plain(f)
    f = replace_everywhere(f, lambda x: _exponentials(x) if isinstance(x, Add) else None)
    return gaps(f)


def plain(f: Expr) -> Expr:
    """Arcsines by arctangents, whose slope has no pole, and k e^u - k by expm1."""
    made = f.replace(asin, _by_arctangent)
    return replace_everywhere(made, lambda x: with_expm1(x) if isinstance(x, Add) else None)


def _by_arctangent(u: Expr) -> Expr:
    numerator, denominator = fraction(together(u))
    return atan(numerator / sqrt(gaps(factor(expand(denominator**2 - numerator**2)))))


def with_expm1(f: Add) -> Expr | None:
    """Join c exp(u) - c, for a number c; None where there is nothing to join."""
    constant, rest = f.as_coeff_Add()
    for term in Add.make_args(rest):
        factor_, value = term.as_coeff_Mul()
        if constant != 0 and isinstance(value, exp) and factor_ == -constant:
            return rest - term + factor_ * expm1(value.args[0])
    return None


def _exponentials(f: Add) -> Expr | None:
    """Join k e^a - k e^b."""
    terms = [(term, *term.as_coeff_Mul()) for term in f.args]
    for place, (one, size, value) in enumerate(terms):
        for other, minus, second in terms[place + 1 :]:
            if size == -minus and isinstance(value, exp) and isinstance(second, exp) and value.has(c):
                a, b = value.args[0], second.args[0]
                half = expand((a - b) / 2)
                if not half.has(q):
                    return f - one - other + 2 * size * exp(expand((a + b) / 2)) * sinh(half)
    return None


def cosine2(u: Expr) -> Expr:
    """1 - u² as factors."""
    numerator, denominator = fraction(together(u))
    return gaps(factor(expand(denominator**2 - numerator**2))) / denominator**2
