"""Random members of the class as pairs: the SymPy expression, and the same function written for NumPy arrays.

The numerical answer knows every breakpoint from the generator and uses neither SymPy nor the engine's quadrature.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from random import Random

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy import special
from sympy import (
    Abs,
    Add,
    And,
    Expr,
    Heaviside,
    Max,
    Min,
    Mul,
    Piecewise,
    Rational,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    sign,
    sin,
    sinh,
)

from derive.gaussian import NormalDensity, Phi

Array = np.ndarray


@dataclass(frozen=True)
class Atom:
    """One function of an affine form u, and the values of u at which it has a kink or a jump.

    `wave` marks a sine or cosine, `sigmoid` what the engine reads as a half-space though it is smooth.
    """

    expression: Callable[[Expr], Expr]
    values: Callable[[Array], Array]
    breaks: tuple[float, ...] = ()
    wave: bool = False
    sigmoid: bool = False

    @property
    def half_space(self) -> bool:
        """Whether half-spaces are in it."""
        return bool(self.breaks) or self.sigmoid


@dataclass(frozen=True)
class Form:
    """u = a x + b y + c."""

    a: Fraction
    b: Fraction
    c: Fraction

    def of(self, x: object, y: object, number: Callable[[Fraction], object]) -> object:
        """The form of expressions or of arrays."""
        return number(self.a) * x + number(self.b) * y + number(self.c)  # type: ignore[operator]


@dataclass(frozen=True)
class Member:
    """Σ coefficient · product of atoms, each of its own form."""

    terms: tuple[tuple[Fraction, tuple[tuple[Atom, Form], ...]], ...]

    def expression(self, x: Expr, y: Expr) -> Expr:
        """As SymPy writes it."""
        return Add(*(exact(k) * Mul(*(a.expression(f.of(x, y, exact)) for a, f in fs)) for k, fs in self.terms))

    def values(self, x: Array, y: Array) -> Array:
        """On arrays."""
        total = np.zeros_like(x)
        for k, factors in self.terms:
            product = np.full_like(x, float(k))
            for atom, form in factors:
                product = product * atom.values(form.of(x, y, float))
            total = total + product
        return total

    def lines(self) -> list[tuple[float, float, float]]:
        """(a, b, c) of every line a x + b y + c = 0 on which the member has a kink or a jump."""
        factors = [pair for _, fs in self.terms for pair in fs]
        return [(float(f.a), float(f.b), float(f.c) - t) for atom, f in factors for t in atom.breaks]

    @property
    def is_joint(self) -> bool:
        """Whether a form depends on x and y both."""
        return any(f.a and f.b for _, fs in self.terms for _, f in fs)


def exact(value: Fraction) -> Rational:
    """A fraction as SymPy has it."""
    return Rational(value.numerator, value.denominator)


def atom(random: Random) -> Atom:
    """One of the functions of the class, with its parameters."""
    low = Fraction(random.randint(-6, 6), random.randint(2, 5))
    high = low + Fraction(random.randint(1, 8), 3)
    k, slope = random.randint(1, 4), Fraction(random.randint(-4, 4), 3)
    a, b, c = exact(low), exact(high), exact(slope)
    p, q, r = float(low), float(high), float(slope)
    size, far = abs(a), abs(p)
    return random.choice(
        [
            Atom(lambda u: u**k, lambda u: u**k),
            Atom(lambda u: a * u**2 - u + b, lambda u: p * u**2 - u + q),
            Atom(lambda u: Max(0, u), lambda u: np.maximum(u, 0), (0,)),
            Atom(lambda u: Max(a, u), lambda u: np.maximum(u, p), (p,)),
            Atom(lambda u: Piecewise((u, u > 0), (c * u, True)), lambda u: np.where(u > 0, u, r * u), (0,)),
            Atom(lambda u: Abs(u - a), lambda u: np.abs(u - p), (p,)),
            Atom(lambda u: Heaviside(u), lambda u: 1.0 * (u > 0), (0,)),
            Atom(lambda u: Heaviside(u - a), lambda u: 1.0 * (u > p), (p,)),
            Atom(lambda u: sign(u - a), lambda u: np.sign(u - p), (p,)),
            Atom(lambda u: u**k * Heaviside(u - a), lambda u: u**k * (u > p), (p,)),
            Atom(lambda u: Heaviside(u - a) - Heaviside(u - b), lambda u: 1.0 * ((u > p) & (u < q)), (p, q)),
            Atom(lambda u: Min(b, Max(a, u)), lambda u: np.clip(u, p, q), (p, q)),
            Atom(
                lambda u: Piecewise((u, u > 0), (exp(u) - 1, True)),
                lambda u: np.where(u > 0, u, np.expm1(np.minimum(u, 0))),
                (0,),
            ),
            Atom(
                lambda u: Piecewise((exp(u), u < a), (sin(u), u < b), (1 - u, True)),
                lambda u: np.where(u < p, np.exp(np.minimum(u, p)), np.where(u < q, np.sin(u), 1 - u)),
                (p, q),
                wave=True,
            ),
            Atom(
                lambda u: Piecewise((u**2, And(u > a, u < b)), (Abs(u), True)),
                lambda u: np.where((u > p) & (u < q), u**2, np.abs(u)),
                (p, q, 0),
            ),
            Atom(
                lambda u: Piecewise((u - size, u > size), (u + size, u < -size), (0, True)),
                lambda u: np.sign(u) * np.maximum(np.abs(u) - far, 0),
                (-far, far),
            ),
            Atom(lambda u: erf(u), special.erf, sigmoid=True),
            Atom(lambda u: erfc(c * u), lambda u: special.erfc(r * u), sigmoid=True),
            Atom(lambda u: Phi(u - a), lambda u: special.ndtr(u - p), sigmoid=True),
            Atom(lambda u: u * Phi(u), lambda u: u * special.ndtr(u), sigmoid=True),
            Atom(lambda u: NormalDensity(u - a), lambda u: np.exp(-((u - p) ** 2) / 2) / math.sqrt(2 * math.pi)),
            Atom(lambda u: exp(c * u), lambda u: np.exp(r * u)),
            Atom(lambda u: exp(-k * (u - a) ** 2 / 3), lambda u: np.exp(-k * (u - p) ** 2 / 3)),
            Atom(lambda u: sinh(u / 2) - cosh(u / 3), lambda u: np.sinh(u / 2) - np.cosh(u / 3)),
            Atom(lambda u: sin(c * u + a), lambda u: np.sin(r * u + p), wave=True),
            Atom(lambda u: cos(b * u), lambda u: np.cos(q * u), wave=True),
        ]
    )


def member(random: Random, dimension: int) -> Member:
    """One or two products of one or two atoms; of x and of y in two dimensions, and now and then of x and y both."""
    terms = []
    for _ in range(random.randint(1, 2)):
        factors = []
        for place in range(2 if dimension == 2 else random.randint(1, 2)):
            slope = random.choice([1, 1, -1, Fraction(1, 2), 2])
            slopes = [slope, 0] if place == 0 or dimension == 1 else [0, slope]
            if dimension == 2 and random.random() < 0.15:
                slopes = [random.choice([1, -1, 2]), random.choice([1, -1, Fraction(1, 2)])]
            offset = random.choice([Fraction(0), Fraction(random.randint(-5, 5), 4)])
            factors.append((atom(random), Form(Fraction(slopes[0]), Fraction(slopes[1]), offset)))
        if _has_gap([a for a, _ in factors]):
            factors = factors[:1]
        terms.append((Fraction(random.randint(1, 5) * random.choice([1, -1]), 2), tuple(factors)))
    return Member(tuple(terms))


def _has_gap(atoms: list[Atom]) -> bool:
    """A wave with two half-spaces: that takes the bivariate normal CDF at a complex argument."""
    return any(a.wave for a in atoms) and sum(a.half_space for a in atoms) > 1


@cache
def _rule() -> tuple[Array, Array]:
    """The nodes and weights of one panel."""
    return leggauss(24)


def _panels(breaks: list[float], reach: float, width: float) -> tuple[Array, Array]:
    """Nodes, and weights with the standard normal density in them, on panels that have the breaks as edges."""
    nodes, weights = _rule()
    inside = [b for b in breaks if -reach < b < reach]
    edges = np.unique(np.concatenate([np.arange(-reach, reach + width / 2, width), inside]))
    half, middle = (edges[1:] - edges[:-1]) / 2, (edges[1:] + edges[:-1]) / 2
    t = (middle[:, None] + half[:, None] * nodes).ravel()
    return t, (half[:, None] * weights).ravel() * np.exp(-t * t / 2) / math.sqrt(2 * math.pi)


def expectation(g: Member, mean: tuple[float, ...], deviation: tuple[float, ...], rho: float) -> tuple[float, float]:
    """(E[g], E|g|): x = m + s t, and y given x, each line of kinks an edge of the inner panels.

    The outer integrand has kinks of its own where two such lines cross.
    """
    lines = g.lines()
    if len(mean) == 1:
        t, w = _panels([(-c / a - mean[0]) / deviation[0] for a, _, c in lines], 25.0, 0.5)
        values = g.values(mean[0] + deviation[0] * t, np.zeros_like(t)) * w
        return float(values.sum()), float(np.abs(values).sum())
    (m, n), (s, d) = mean, deviation
    still = [-c / a for a, b, c in lines if b == 0]
    crossings = [
        (b * f - c * e) / (a * e - b * k) for a, b, c in lines for k, e, f in lines if b and e and a * e != b * k
    ]
    spread, total, size = d * math.sqrt(1 - rho * rho), 0.0, 0.0
    # how fast a line of kinks moves past y given x
    moves = [abs(b * spread / (a * s + b * d * rho)) for a, b, _ in lines if b and a * s + b * d * rho]
    outer, weights = _panels([(x - m) / s for x in still + crossings], 14.0, max(0.2, min([1.0, *moves])))
    for t, w in zip(outer, weights, strict=True):
        if w < 1e-40:
            continue
        x, centre = m + s * t, n + d * rho * t
        inner, v = _panels([((-c - a * x) / b - centre) / spread for a, b, c in lines if b], 14.0, 2.0)
        values = g.values(np.full_like(inner, x), centre + spread * inner) * v * w
        total += float(values.sum())
        size += float(np.abs(values).sum())
    return total, size
