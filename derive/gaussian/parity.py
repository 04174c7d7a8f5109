"""The even part of an integrand: under a law symmetric about 0 the odd part has no mean, whatever the functions are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import comb, gcd, prod

from sympy import (
    Abs,
    Add,
    And,
    Basic,
    Dummy,
    Expr,
    Heaviside,
    Max,
    Min,
    Mul,
    Not,
    Or,
    Piecewise,
    Rational,
    S,
    Symbol,
    cosh,
    erfc,
    exp,
    factor_list,
    fraction,
    log,
    sign,
    sinh,
    together,
)
from sympy.core.relational import Relational
from sympy.polys.polyerrors import PolynomialError

from derive.gaussian.expectation import GaussianExpectation
from derive.gaussian.functions import Phi
from derive.gaussian.gaussian_setting import GaussianSetting
from derive.gaussian.growth_rates import growth
from derive.gaussian.rules import GaussianRule
from derive.proof.rule import Rewrite

LARGEST = 150
"""Operations in an integrand whose even part is looked for."""
MOST_TERMS = 60
"""Terms that it may have when it is multiplied out."""


@dataclass(frozen=True)
class EvenPart(GaussianRule):
    """E[g(z)] = E[(g(z) + g(-z))/2] when the mean is 0; so E[g(z)] = 0 for odd g, and c when g - c is odd

    The sum is simplified as a rational function: tanh(-u) = -tanh(u), Φ(-u) = 1 - Φ(u), 1/(1 + e^-u) = e^u/(1 + e^u),
    log(1 + e^-u) = log(1 + e^u) - u, |u| = u sign(u). Obligation: |g| grows at most exponentially, so that both
    expectations exist.
    """

    name = "even-part"
    words = "The law is symmetric about 0: only the even part of the integrand has a mean."

    def act(self, node: GaussianExpectation, setting: GaussianSetting) -> Rewrite | None:
        """Replace an integrand by its even part, where that is another function."""
        g = node.integrand
        if any(m != 0 for m in node.mean) or g.count_ops() > LARGEST or growth(g, node.variables) is None:
            return None
        even = even_part(g, node.variables)
        if even is None or even == g:
            return None
        if not even.free_symbols & set(node.variables):
            return Rewrite(even, setting.law_key)
        return Rewrite(GaussianExpectation.of(even, node.variables, node.mean, node.covariance), setting.law_key)


def even_part(g: Expr, variables: Sequence[Symbol]) -> Expr | None:
    """(g(z) + g(-z))/2 with what cancels gone; None where nothing does.

    >>> from sympy import tanh, symbols
    >>> x = symbols("x", real=True)
    >>> even_part(tanh(x) + Rational(1, 10**30), [x]), even_part(x**2/(1 + exp(-x)), [x])
    (1/1000000000000000000000000000000, x**2/2)
    """
    atoms = _Atoms(g)
    mirror = {v: -v for v in variables}
    try:
        plain, turned = (atoms.read(e) for e in (g, g.xreplace(mirror)))
        if _terms(plain) > MOST_TERMS:
            return None
        total = atoms.reduced((plain + turned) / 2)
        if atoms.reduced(plain - turned) == 0:
            # even, and perhaps shown otherwise than as it was given
            return None
    except (PolynomialError, _Unreadable):
        return None
    return atoms.written(total)


def _terms(e: Expr) -> int:
    """How many terms an expression has, at most, when it is multiplied out."""
    if e.is_Add:
        return sum(_terms(a) for a in e.args)
    if e.is_Mul:
        return prod(_terms(a) for a in e.args)
    if e.is_Pow and e.exp.is_Integer and not e.base.is_Symbol:
        n, t = abs(int(e.exp)), _terms(e.base)
        return comb(n + t - 1, n)
    return 1


class _Unreadable(Exception):
    """A condition that is not read as signs."""


class _Atoms:
    """Expressions as rational functions of atoms: variables, signs, exponentials, and functions in one orientation."""

    def __init__(self, g: Expr) -> None:
        self.atom: dict[Expr, Symbol] = {}
        self.signs: set[Symbol] = set()
        found: dict[Expr, list[Rational]] = {}
        for e in g.atoms(exp, sinh, cosh):
            for coefficient, rest in _exponents(e.args[0]):
                found.setdefault(rest, []).append(abs(coefficient))
        self.units = {rest: reduce(_common, sizes) for rest, sizes in found.items()}

    def read(self, e: Expr) -> Expr:
        """E over atoms."""
        if e.is_Rational:
            return e
        if e.is_Add or e.is_Mul:
            return e.func(*(self.read(a) for a in e.args))
        if e.is_Pow and e.exp.is_Integer:
            return self.read(e.base) ** e.exp
        if isinstance(e, exp):
            return self._exponential(e.args[0])
        if isinstance(e, sinh | cosh):
            return self.read(e.rewrite(exp))
        if isinstance(e, sign):
            return self._odd(e)
        if isinstance(e, Abs):
            return self.read(e.args[0]) * self.read(sign(e.args[0]))
        if isinstance(e, Heaviside):
            return (1 + self.read(sign(e.args[0]))) / 2
        if isinstance(e, Max | Min):
            return self._extreme(e)
        if isinstance(e, Piecewise):
            return self._piecewise(e)
        if isinstance(e, erfc):
            return 1 - self.read(e.rewrite("erf"))
        if isinstance(e, Phi) and e.args[0].could_extract_minus_sign():
            return 1 - self._opaque(Phi(-e.args[0]))
        if isinstance(e, log):
            return self._logarithm(e)
        return self._odd(e)

    def _odd(self, e: Expr) -> Expr:
        """A function, which SymPy has brought into one orientation if it is odd or even: tanh(-u) = -tanh(u)."""
        scale, core = e.as_coeff_Mul()
        if not isinstance(core, sign):
            return scale * self._opaque(core)
        if core.args[0].could_extract_minus_sign():
            scale, core = -scale, sign(-core.args[0])
        made = self._opaque(core)
        self.signs.add(made)
        return scale * made

    def _opaque(self, e: Expr) -> Symbol:
        if e not in self.atom:
            self.atom[e] = Dummy(f"a{len(self.atom)}", real=True)
        return self.atom[e]

    def _exponential(self, u: Expr) -> Expr:
        """The exponential of a sum as a product of powers: exp(c r) = exp(u r)^(c/u), one unit u for every r."""
        result: Expr = S.One
        for coefficient, rest in _exponents(u):
            # An exponential that appears only when the argument changes sign has no unit.
            unit = self.units[rest] if rest in self.units else _refuse()
            result *= self._opaque(exp(unit * rest)) ** (coefficient / unit)
        return result

    def _extreme(self, e: Expr) -> Expr:
        """max(u, v) = (u + v + |u - v|)/2."""
        first, *rest = e.args
        other = e.func(*rest)
        gap = self.read(Abs(first - other)) if not isinstance(other, Max | Min) else _refuse()
        return (self.read(first) + self.read(other) + (gap if isinstance(e, Max) else -gap)) / 2

    def _piecewise(self, e: Piecewise) -> Expr:
        total, rest = S.Zero, S.One
        for value, condition in e.args:
            here = self._indicator(condition)
            total += self.read(value) * rest * here
            rest *= 1 - here
        return total

    def _indicator(self, c: Basic) -> Expr:
        if c in (S.true, S.false):
            return S.One if c is S.true else S.Zero
        if isinstance(c, Not):
            return 1 - self._indicator(c.args[0])
        if isinstance(c, And):
            return Mul(*(self._indicator(a) for a in c.args))
        if isinstance(c, Or):
            return 1 - Mul(*(1 - self._indicator(a) for a in c.args))
        if isinstance(c, Relational) and hasattr(c, "gts"):
            return (1 + self.read(sign(c.gts - c.lts))) / 2
        return _refuse()

    def _logarithm(self, e: Expr) -> Expr:
        """The logarithm of a product of positive factors, taken apart: log(1 + e^-u) = log(1 + e^u) - u."""
        above, below = fraction(together(self.read(e.args[0])))
        powers = {symbol: form for form, symbol in self.atom.items() if isinstance(form, exp)}
        total: Expr = S.Zero
        for part, side in ((above, 1), (below, -1)):
            content, factors = factor_list(part)
            if not content.is_positive:
                return self._opaque(e)
            total += side * self._opaque(log(content)) if content != 1 else 0
            for factor, n in factors:
                if factor in powers:
                    total += side * n * self.read(powers[factor].args[0])
                elif factor.free_symbols <= set(powers) and all(c > 0 for c in factor.as_poly().coeffs()):
                    total += side * n * self._opaque(log(self.written(factor)))
                else:
                    return self._opaque(e)
        return total

    def reduced(self, e: Expr) -> Expr:
        """The rational function in lowest terms, with sign(u)² = 1."""
        above, below = fraction(together(e))
        above, below = (self._folded(part.expand()) for part in (above, below))
        if below.free_symbols & self.signs:
            # multiply by the conjugates: 1/(a + b s) = (a - b s)/(a² - b²)
            for s in sorted(below.free_symbols & self.signs, key=str):
                turned = below.xreplace({s: -s})
                above, below = (self._folded((part * turned).expand()) for part in (above, below))
        return (above / below).cancel()

    def _folded(self, e: Expr) -> Expr:
        for s in self.signs & e.free_symbols:
            e = Add(*(c * s ** (k[0] % 2) for k, c in e.as_poly(s).terms()))
        return e.expand()

    def written(self, e: Expr) -> Expr:
        """Back from atoms."""
        return e.xreplace({symbol: form for form, symbol in self.atom.items()})


def _exponents(u: Expr) -> list[tuple[Rational, Expr]]:
    """The terms of an exponent: rational coefficient, and what it multiplies."""
    return [t.as_coeff_Mul(rational=True) for t in Add.make_args(u.expand())]


def _common(a: Rational, b: Rational) -> Rational:
    """The largest number that both are multiples of."""
    return Rational(gcd(a.p * b.q, b.p * a.q), a.q * b.q)


def _refuse() -> Expr:
    raise _Unreadable


__all__ = ["EvenPart", "even_part"]
