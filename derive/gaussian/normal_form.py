"""The normal form of an integrand: a sum of  coefficient · monomial · exp(quadratic) · cos/sin phase ·
half-space factors.

A half-space factor is H(l, τ²) = P(l(z) + τY > 0) with Y an independent standard normal: τ = 0 is a step
with an affine
breakpoint, τ > 0 is Φ(l/τ), and erf(l) = 2H(l, 1/2) - 1. One kind of factor therefore covers steps, Φ and
erf.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

from sympy import Integer, Mul, pi, sqrt

from derive.gaussian.parameters import Element, Parameters, integer_square_root

Powers = tuple[int, ...]
Polynomial = tuple[tuple[Powers, Element], ...]

MOST_TERMS = 150


class Factor(NamedTuple):
    """P(a·z + c + τY > 0); with `delta`, its density at 0, so that a step differentiates to a delta."""

    a: tuple[Element, ...]
    c: Element
    tau2: Element
    delta: bool = False


class Shape(NamedTuple):
    """What a coefficient multiplies: √(π^k n) · z^powers · exp(growth) · e^{i phase} · factors (real part
    taken).
    """

    scale: tuple[int, int]
    powers: Powers
    growth: Polynomial
    phase: Polynomial
    factors: frozenset[Factor]


class TooLarge(Exception):
    """The normal form grew beyond what an answer could use."""


class NormalForm:
    """A finite sum of coefficient · shape, closed under + and ·."""

    def __init__(self, parameters: Parameters, dimension: int, terms: dict[Shape, Element] | None = None) -> None:
        self.parameters = parameters
        self.dimension = dimension
        self.terms = {} if terms is None else terms

    def new(self, terms: dict[Shape, Element] | None = None) -> "NormalForm":
        """Another form in the same variables."""
        return NormalForm(self.parameters, self.dimension, terms)

    def blank(self) -> Shape:
        """The shape of a constant."""
        return Shape((0, 1), (0,) * self.dimension, (), (), frozenset())

    def constant(self, value: Element | int) -> "NormalForm":
        """A constant form."""
        return self.new({self.blank(): self.parameters.one * value} if value != 0 else {})

    def single(self, shape: Shape, value: Element | None = None) -> "NormalForm":
        """One shape with one coefficient."""
        return self.new({shape: self.parameters.one if value is None else value})

    def __add__(self, other: "NormalForm") -> "NormalForm":
        terms = dict(self.terms)
        for shape, value in other.terms.items():
            add_to(terms, shape, value)
        return self.new(terms)

    def scaled(self, value: Element | int) -> "NormalForm":
        """The form times a parameter."""
        return self.new({s: v * value for s, v in self.terms.items()} if value != 0 else {})

    def __sub__(self, other: "NormalForm") -> "NormalForm":
        return self + other.scaled(-1)

    def __mul__(self, other: "NormalForm") -> "NormalForm":
        terms: dict[Shape, Element] = {}
        for (s, v), (t, w) in product(self.terms.items(), other.terms.items()):
            for shape, value in self._times(s, v, t, w):
                add_to(terms, shape, value)
            if len(terms) > MOST_TERMS:
                raise TooLarge
        return self.new(terms)

    def power(self, exponent: int) -> "NormalForm":
        """The form to a non-negative integer power."""
        result = self.constant(1)
        for _ in range(exponent):
            result = result * self
        return result

    def _times(self, s: Shape, v: Element, t: Shape, w: Element) -> Iterator[tuple[Shape, Element]]:
        p = self.parameters
        outside, inside = integer_square_root(s.scale[1] * t.scale[1])
        scale = (s.scale[0] + t.scale[0], inside)
        powers = tuple(i + j for i, j in zip(s.powers, t.powers, strict=True))
        growth = add_polynomials(s.growth, t.growth, p)
        phases: list[tuple[Element, Polynomial]] = []
        if s.phase and t.phase:
            # Re A Re B = (Re AB + Re A conj(B))/2
            minus = tuple((m, -x) for m, x in t.phase)
            phases.append((v * w / 2, add_polynomials(s.phase, t.phase, p)))
            phases.append((v * p.conjugate(w) / 2, add_polynomials(s.phase, minus, p)))
        else:
            phases.append((v * w, s.phase or t.phase))
        for sign, factors in self._intersect(s.factors, t.factors):
            for value, phase in phases:
                real_phase, coefficient = self.orient(phase, p.reduce(value * outside * sign))
                if coefficient != 0:
                    yield Shape(scale, powers, growth, real_phase, factors), coefficient

    def orient(self, phase: Polynomial, value: Element) -> tuple[Polynomial, Element]:
        """One of the two equal forms Re[c e^{iφ}] = Re[c* e^{-iφ}]; without phase, the real part."""
        if not phase:
            return phase, self.parameters.split_complex(value)[0]
        if phase[-1][1].numer.LC < 0:
            return tuple((m, -x) for m, x in phase), self.parameters.conjugate(value)
        return phase, value

    # ---- products of steps in parallel affine forms
    # ----------------------------------------------------------------

    def _intersect(self, left: frozenset[Factor], right: frozenset[Factor]) -> list[tuple[int, frozenset[Factor]]]:
        """Π H as a signed sum in which no two steps share a direction with thresholds of known order."""
        sums: list[tuple[int, frozenset[Factor]]] = [(1, left)]
        for factor in right:
            sums = [(sign * s, f) for sign, fs in sums for s, f in self._insert(fs, factor)]
        return sums

    def _insert(self, factors: frozenset[Factor], new: Factor) -> list[tuple[int, frozenset[Factor]]]:
        if new.tau2 != 0 or new.delta:
            # a smooth factor may occur squared: Φ(l)² is two factors with their own auxiliary variables
            return [(1, frozenset({*factors, _copy(factors, new)}))]
        sign = self.parameters.sign
        for old in factors:
            if old.tau2 != 0 or old.delta:
                continue
            if old.a == new.a:
                if old.c == new.c:
                    return [(1, factors)]
                order = sign(new.c - old.c)
                if order is not None:
                    return [(1, factors)] if order > 0 else self._insert(factors - {old}, new)
            elif old.a == tuple(-x for x in new.a):
                # the strip  -c < u < c'  is [u > -c] - [u > c'], and empty when c + c' <= 0
                order = sign(new.c + old.c)
                if order == 0 or order == -1:
                    return []
                if order == 1:
                    others = factors - {old}
                    lower, upper = (old, new) if _leads_positive(old) else (new, old)
                    beyond = Factor(lower.a, -upper.c, lower.tau2)
                    return [
                        *self._insert(others, lower),
                        *((-s, f) for s, f in self._insert(others, beyond)),
                    ]
        return [(1, frozenset({*factors, new}))]

    # ---- the form as a polynomial
    # -----------------------------------------------------------------------------------

    def polynomial(self) -> dict[Powers, Element] | None:
        """{powers: coefficient} when the form is a polynomial (numeric roots moved into the field), else
        None.
        """
        result: dict[Powers, Element] = {}
        for shape, value in self.terms.items():
            if shape.growth or shape.phase or shape.factors:
                return None
            add_to(result, shape.powers, self.parameters.reduce(value * self.scale_element(shape.scale)))
        return result

    def common_scale(self) -> tuple[tuple[int, int], "NormalForm"]:
        """A positive number √(π^k n) common to all terms, and the form divided by it."""
        scales = {shape.scale for shape in self.terms}
        if len(scales) != 1 or scales == {(0, 1)}:
            return (0, 1), self
        return scales.pop(), self.new({s._replace(scale=(0, 1)): v for s, v in self.terms.items()})

    def scale_element(self, scale: tuple[int, int]) -> Element:
        """√(π^k n) as a field element."""
        pi_halves, n = scale
        if scale == (0, 1):
            return self.parameters.one
        return self.parameters.element(Mul(sqrt(pi) ** pi_halves, sqrt(Integer(n)), evaluate=True))

    def steps(self) -> set[Factor]:
        """The step factors (τ = 0) that occur."""
        return {f for shape in self.terms for f in shape.factors if f.tau2 == 0 and not f.delta}

    def where(self, step: Factor, holds: bool) -> "NormalForm":
        """The form on one side of a breakpoint."""
        terms: dict[Shape, Element] = {}
        for shape, value in self.terms.items():
            if step not in shape.factors:
                add_to(terms, shape, value)
            elif holds:
                add_to(terms, shape._replace(factors=shape.factors - {step}), value)
        return self.new(terms)

    def complement(self) -> "NormalForm":
        """1 - self, written [l <= 0] when self is the single step [l > 0]."""
        if len(self.terms) == 1:
            (shape, value), *_ = self.terms.items()
            if value == 1 and shape._replace(factors=frozenset()) == self.blank() and len(shape.factors) == 1:
                (factor,) = shape.factors
                if factor.tau2 == 0 and not factor.delta:
                    flipped = Factor(tuple(-x for x in factor.a), -factor.c, factor.tau2)
                    return self.single(shape._replace(factors=frozenset({flipped})))
        return self.constant(1) - self

    def without_orientation(self) -> "NormalForm":
        """f(z) + f(-z) with every half-space in one orientation, H(-l) = 1 - H(l): zero exactly for odd f."""
        total = self.new()
        for form in (self, self.reflected()):
            for shape, value in form.terms.items():
                product_ = self.single(shape._replace(factors=frozenset()), value)
                for factor in shape.factors:
                    product_ = product_ * self._oriented(factor)
                total = total + product_
        return total

    def _oriented(self, factor: Factor) -> "NormalForm":
        lead = next((x for x in (*factor.a, factor.c) if x != 0), None)
        if factor.tau2 != 0 and lead is not None:
            # undo the renaming of repeated factors
            size = abs(lead.numer.LC / lead.denom.LC)
            factor = Factor(tuple(x / size for x in factor.a), factor.c / size, factor.tau2 / size**2)
        if factor.delta or lead is None or lead.numer.LC > 0:
            return self.single(self.blank()._replace(factors=frozenset({factor})))
        flipped = factor._replace(a=tuple(-x for x in factor.a), c=-factor.c)
        return self.constant(1) - self.single(self.blank()._replace(factors=frozenset({flipped})))

    def reflected(self) -> "NormalForm":
        """f(-z)."""
        result = self.new()
        for shape, value in self.terms.items():
            growth, phase = (tuple((m, x * (-1) ** sum(m)) for m, x in q) for q in (shape.growth, shape.phase))
            phase, value = self.orient(phase, value) if phase else (phase, value)
            factors = frozenset(f._replace(a=tuple(-x for x in f.a)) for f in shape.factors)
            turned = shape._replace(growth=growth, phase=phase, factors=factors)
            result = result + self.single(turned, value * (-1) ** sum(shape.powers))
        return result

    def split(self, function: Callable[["NormalForm"], "NormalForm"]) -> "NormalForm":
        """function(self) when self contains steps: the sum over the regions between the breakpoints."""
        steps = sorted(self.steps(), key=repr)
        if not steps:
            return function(self)
        if len(steps) > 6:
            raise TooLarge
        inside = self.single(self.blank()._replace(factors=frozenset({steps[0]})))
        result = self.new()
        for holds in (True, False):
            region = inside if holds else inside.complement()
            result = result + region * self.where(steps[0], holds).split(function)
        return result


def add_to(terms: dict, key: object, value: Element) -> None:  # type: ignore[type-arg]
    """Add into a dictionary of sums, keeping no zeros."""
    total = terms[key] + value if key in terms else value
    if total == 0:
        terms.pop(key, None)
    else:
        terms[key] = total


def add_polynomials(left: Polynomial, right: Polynomial, parameters: Parameters) -> Polynomial:
    """The sum of two polynomials in sorted tuple form."""
    if not left or not right:
        return left or right
    total = dict(left)
    for powers, value in right:
        add_to(total, powers, value)
    return tuple(sorted(((m, parameters.reduce(v)) for m, v in total.items()), key=lambda item: item[0]))


def _leads_positive(factor: Factor) -> bool:
    lead = next(x for x in factor.a if x != 0)
    return bool(lead.numer.LC > 0)


def _copy(factors: frozenset[Factor], new: Factor) -> Factor:
    """The same factor under another name: multiplying l and τ by 2 leaves Φ(l/τ) as it is."""
    while new in factors:
        new = Factor(tuple(2 * x for x in new.a), 2 * new.c, 4 * new.tau2, new.delta)
    return new
