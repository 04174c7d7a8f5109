"""Closed forms under construction: sums of  coefficient · √(radicand · π^k) · exp(exponent) · special
functions.

Like terms meet in one dictionary with exact coefficients, so cancellation is exact and the printed form
compact.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sympy import (
    Add,
    Expr,
    I,
    Max,
    Min,
    Mul,
    Rational,
    S,
    asin,
    atan,
    cos,
    erf,
    erfi,
    exp,
    factor_terms,
    im,
    pi,
    re,
    sin,
    sqrt,
)

from derive.gaussian.functions import BivariateNormalCDF, OwensT, Phi
from derive.gaussian.normal_form import add_to
from derive.gaussian.parameters import Element, Parameters


class Surd(NamedTuple):
    """outside · √radicand."""

    outside: Element
    radicand: Element


@dataclass(frozen=True)
class Special:
    """A special function of surds, by name."""

    name: str
    arguments: tuple[Surd, ...]
    expression: Expr | None = None


class Kernel(NamedTuple):
    """What a coefficient multiplies: π^(pi_halves/2) · √radicand · exp(exponent) · specials."""

    pi_halves: int
    radicand: Element
    exponent: Element
    specials: tuple[Special, ...]


class Closed:
    """A finite sum of coefficient · kernel with exact arithmetic."""

    def __init__(self, parameters: Parameters, terms: dict[Kernel, Element] | None = None) -> None:
        self.parameters = parameters
        self.terms = {} if terms is None else terms

    @classmethod
    def constant(cls, parameters: Parameters, value: Element) -> "Closed":
        """A rational number or parameter."""
        one = Kernel(0, parameters.one, parameters.zero, ())
        return cls(parameters, {one: value} if value != 0 else {})

    @classmethod
    def special(cls, parameters: Parameters, name: str, *arguments: Surd) -> "Closed":
        """One special function with coefficient 1."""
        kernel = Kernel(0, parameters.one, parameters.zero, (Special(name, arguments),))
        return cls(parameters, {kernel: parameters.one})

    @classmethod
    def opaque(cls, parameters: Parameters, factor: Expr) -> "Closed":
        """A factor that is carried along as it stands."""
        kernel = Kernel(0, parameters.one, parameters.zero, (Special("opaque", (), factor),))
        return cls(parameters, {kernel: parameters.one})

    @classmethod
    def monomial(
        cls,
        parameters: Parameters,
        coefficient: Element,
        *,
        pi_halves: int = 0,
        under_root: Element | None = None,
        exponent: Element | None = None,
    ) -> "Closed":
        """Coefficient · π^(pi_halves/2) · √under_root · exp(exponent)."""
        outside, radicand = parameters.root(parameters.one if under_root is None else under_root)
        kernel = Kernel(pi_halves, radicand, parameters.zero if exponent is None else exponent, ())
        value = parameters.reduce(coefficient * outside)
        return cls(parameters, {kernel: value} if value != 0 else {})

    def __add__(self, other: "Closed") -> "Closed":
        terms = dict(self.terms)
        for kernel, value in other.terms.items():
            add_to(terms, kernel, value)
        return Closed(self.parameters, terms)

    def __mul__(self, other: "Closed") -> "Closed":
        result = Closed(self.parameters)
        for (k, a), (m, b) in self._pairs(other):
            outside, radicand = self.parameters.root(k.radicand * m.radicand)
            specials = tuple(sorted(k.specials + m.specials, key=repr))
            exponent = self.parameters.reduce(k.exponent + m.exponent)
            kernel = Kernel(k.pi_halves + m.pi_halves, radicand, exponent, specials)
            result = result + Closed(self.parameters, {kernel: self.parameters.reduce(a * b * outside)})
        return result

    def _pairs(self, other: "Closed") -> Iterator[tuple[tuple[Kernel, Element], tuple[Kernel, Element]]]:
        for k, a in self.terms.items():
            for m, b in other.terms.items():
                yield (k, a), (m, b)

    def scaled(self, factor: Element) -> "Closed":
        """The sum times one field element."""
        if factor == 0:
            return Closed(self.parameters)
        return Closed(self.parameters, {k: self.parameters.reduce(v * factor) for k, v in self.terms.items()})

    # ---- to SymPy
    # -----------------------------------------------------------------------------------------------

    def expression(self) -> Expr:
        """The real part of the sum as a compact SymPy expression."""
        groups: dict[tuple[int, Element, Element], dict[tuple[Special, ...], Element]] = {}
        for kernel, value in self.terms.items():
            groups.setdefault(kernel[:3], {})[kernel.specials] = value
        parts = []
        for (pi_halves, radicand, exponent), by_special in groups.items():
            self._reflect(by_special)
            for specials, value in by_special.items():
                parts.append(self._term(Kernel(pi_halves, radicand, exponent, specials), value))
        plain = Add(*parts)
        if not plain.is_Add:
            return plain
        gathered = factor_terms(plain)
        return gathered if gathered.count_ops() < plain.count_ops() else plain

    def _reflect(self, terms: dict[tuple[Special, ...], Element]) -> None:
        """Φ(-h) = 1 - Φ(h) where that leaves fewer terms; 2Φ(h) - 1 = erf(h/√2)."""
        p = self.parameters
        for specials in list(terms):
            for place, special in enumerate(specials):
                if special.name != "Phi" or specials not in terms:
                    continue
                rest = specials[:place] + specials[place + 1 :]
                h = special.arguments[0]
                mirrored = tuple(sorted((*rest, Special("Phi", (Surd(-h.outside, h.radicand),))), key=repr))
                if mirrored != specials and mirrored in terms:
                    value = terms.pop(mirrored)
                    add_to(terms, rest, value)
                    add_to(terms, specials, -value)
                if specials not in terms:
                    continue
                value, base = terms[specials], terms.get(rest, p.zero)
                if base == -value:
                    del terms[specials], terms[rest]
                    add_to(terms, mirrored, -value)
                elif base == -value / 2:
                    del terms[specials], terms[rest]
                    name = tuple(sorted((*rest, Special("erf", (h,))), key=repr))
                    add_to(terms, name, value / 2)

    def surd(self, x: Surd) -> Expr:
        """Outside · √radicand, with a radicand that also divides the denominator moved below: s/√(1 + s²)."""
        outside, radicand = x
        p = self.parameters
        content, primitive = radicand.numer.primitive()
        shown = sqrt(p.factored(p.field.new(primitive) / radicand.denom))
        factor = sqrt(Rational(content.numerator, content.denominator))
        if not radicand.numer.is_ground and radicand.denom.is_ground:
            quotient = outside * primitive
            if _size(quotient) < _size(outside):
                return p.factored(quotient) * factor / shown
        return p.factored(outside) * factor * shown

    def _term(self, kernel: Kernel, value: Element) -> Expr:
        p = self.parameters
        scale = sqrt(pi) ** kernel.pi_halves
        growth, angle = p.split_complex(kernel.exponent)
        size = scale * exp(p.expression(growth) if growth.denom.is_ground else p.factored(growth))
        a, b = p.split_complex(value)
        phase = p.factored(angle)
        magnitude_re = self.surd(Surd(a, kernel.radicand))
        magnitude_im = self.surd(Surd(b, kernel.radicand))
        real = magnitude_re * cos(phase) - magnitude_im * sin(phase)
        imaginary = magnitude_re * sin(phase) + magnitude_im * cos(phase)
        real_specials: list[Special] = []
        complex_specials: list[Special] = []
        for special in kernel.specials:
            complex_ = any(p.is_complex(x.outside) for x in special.arguments)
            (complex_specials if complex_ else real_specials).append(special)
        known = Mul(*(self._special(s) for s in real_specials))
        if not complex_specials:
            return size * real * known
        if len(complex_specials) == 1:
            value_re, value_im = self._complex_phi(complex_specials[0].arguments[0])
        else:
            product = Mul(*(self._special(s) for s in complex_specials))
            value_re, value_im = re(product), im(product)
        return size * known * (real * value_re - imaginary * value_im)

    def _complex_phi(self, h: Surd) -> tuple[Expr, Expr]:
        """Real and imaginary part of Φ(x + iy); Φ(iy) = 1/2 + i erfi(y/√2)/2."""
        x, y = self.parameters.split_complex(h.outside)
        imaginary = self.surd(Surd(y, h.radicand))
        if x == 0:
            return S.Half, erfi(imaginary / sqrt(2)) / 2
        value = Phi(self.surd(Surd(x, h.radicand)) + I * imaginary)
        return re(value), im(value)

    def _special(self, special: Special) -> Expr:
        if special.expression is not None:
            return special.expression
        arguments = [self.surd(x) for x in special.arguments]
        if special.name == "erf":
            return erf(arguments[0] / sqrt(2))
        return _FUNCTIONS[special.name](*arguments)


def _size(x: Element) -> tuple[int, int]:
    """How large the denominator is: its total degree, then its number of terms."""
    return max(sum(m) for m in x.denom.monoms()), len(x.denom)


_FUNCTIONS = {
    "Phi": Phi,
    "asin": asin,
    "atan": atan,
    "OwensT": OwensT,
    "BivariateNormalCDF": BivariateNormalCDF,
    "Phi of the smaller": lambda h, k: Phi(Min(h, k)),
    "overlap": lambda h, k: Max(0, Phi(h) + Phi(k) - 1),
    "step": lambda h: _step(h),
}


def _step(h: Expr) -> Expr:
    from sympy import Heaviside

    return Heaviside(h, S.Half)
