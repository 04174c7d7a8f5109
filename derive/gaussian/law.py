"""A Gaussian law with exact parameters, and what conditioning and exponential tilting make of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Matrix

from derive.gaussian.normal_form import Factor, Polynomial
from derive.gaussian.parameters import Element, Parameters

Vector = tuple[Element, ...]


@dataclass(frozen=True)
class Law:
    """z ~ N(mean, covariance); the covariance may be singular, the mean complex (a characteristic
    function).
    """

    mean: Vector
    covariance: tuple[Vector, ...]

    @property
    def dimension(self) -> int:
        """Number of variables."""
        return len(self.mean)

    def along(self, a: Sequence[Element]) -> Vector:
        """Cov(z, a·z)."""
        zero = a[0] - a[0]
        return tuple(sum((c * x for c, x in zip(row, a, strict=True)), zero) for row in self.covariance)

    def level(self, factor: Factor) -> Element:
        """Mean of a·z + c + τY."""
        return sum((x * m for x, m in zip(factor.a, self.mean, strict=True)), factor.c)

    def covariance_of(self, f: Factor, g: Factor) -> Element:
        """Cov(a_f·z, a_g·z), the auxiliary variables left out."""
        return sum((x * y for x, y in zip(f.a, self.along(g.a), strict=True)), f.c - f.c)

    def spread(self, factor: Factor) -> Element:
        """Variance of a·z + c + τY."""
        return self.covariance_of(factor, factor) + factor.tau2

    def given_boundary(self, factor: Factor, parameters: Parameters) -> "Law":
        """The law of z given a·z + c + τY = 0: mean m - Ca l(m)/V, covariance C - Ca aᵀC/V, V = aᵀCa + τ²."""
        reduce = parameters.reduce
        gain, level, spread = self.along(factor.a), self.level(factor), self.spread(factor)
        mean = tuple(reduce(m - k * level / spread) for m, k in zip(self.mean, gain, strict=True))
        covariance = tuple(
            tuple(reduce(c - k * h / spread) for c, h in zip(row, gain, strict=True))
            for row, k in zip(self.covariance, gain, strict=True)
        )
        return Law(mean, covariance)


def regression(law: Law, i: int, parameters: Parameters) -> list[Element]:
    """Coefficients of the best linear prediction of z_i - m_i from z_j - m_j, j < i (their covariance
    regular).
    """
    if i == 0:
        return []
    C = law.covariance
    _, inverse = _invert([[C[j][k] for k in range(i)] for j in range(i)], parameters)
    return [parameters.reduce(sum((inverse[j][k] * C[k][i] for k in range(i)), parameters.zero)) for j in range(i)]


@dataclass(frozen=True)
class Tilt:
    """E[exp(zᵀAz + b·z + c) h(z)] = determinant^(-1/2) · exp(exponent) · E'[h(z)] with z ~ law under E'."""

    law: Law
    determinant: Element
    exponent: Element
    conditions: tuple[Element, ...]


def tilt(law: Law, growth: Polynomial, phase: Polynomial, parameters: Parameters) -> Tilt:
    """Complete the square: C' = (1 - 2CA)^{-1} C, m' = (1 - 2CA)^{-1}(m + Cb), determinant = |1 - 2CA|.

    The exponent is c + b·m' + m'ᵀAm' minus half the squared distance from m to m' (in the metric of C),
    which works
    out to c + (b·(m + m') )/2 + m'ᵀAm, and holds for singular C too. `conditions` must all be positive.
    """
    n, zero, one = law.dimension, parameters.zero, parameters.one
    A = [[zero] * n for _ in range(n)]
    b, c = [zero] * n, zero
    for form, unit in ((growth, one), (phase, parameters.i)):
        for powers, value in form:
            places = [i for i, k in enumerate(powers) for _ in range(k)]
            if len(places) == 2:
                i, j = places
                A[i][j] += value / 2
                A[j][i] += value / 2
            elif len(places) == 1:
                b[places[0]] += value * unit
            else:
                c += value * unit
    C = law.covariance
    shifted = [m + sum((x * y for x, y in zip(row, b, strict=True)), zero) for m, row in zip(law.mean, C, strict=True)]
    if not any(x != 0 for row in A for x in row):
        mean = tuple(parameters.reduce(x) for x in shifted)
        exponent = c + sum((x * (m + k) for x, m, k in zip(b, law.mean, mean, strict=True)), zero) / 2
        return Tilt(Law(mean, C), one, parameters.reduce(exponent), ())
    M = [
        [(one if i == j else zero) - 2 * sum((C[i][k] * A[k][j] for k in range(n)), zero) for j in range(n)]
        for i in range(n)
    ]
    determinant, inverse = _invert(M, parameters)
    conditions = [determinant] if n == 1 else _positive_spectrum(M, determinant, parameters)
    mean = tuple(parameters.reduce(sum((inverse[i][j] * shifted[j] for j in range(n)), zero)) for i in range(n))
    covariance = tuple(
        tuple(parameters.reduce(sum((inverse[i][k] * C[k][j] for k in range(n)), zero)) for j in range(n))
        for i in range(n)
    )
    exponent = c + sum((x * (m + k) for x, m, k in zip(b, law.mean, mean, strict=True)), zero) / 2
    exponent += sum((mean[i] * A[i][j] * law.mean[j] for i in range(n) for j in range(n)), zero)
    return Tilt(Law(mean, covariance), determinant, parameters.reduce(exponent), tuple(conditions))


def _invert(M: list[list[Element]], parameters: Parameters) -> tuple[Element, list[list[Element]]]:
    """Determinant and inverse of a small matrix over the field."""
    n = len(M)
    if n == 1:
        return M[0][0], [[1 / M[0][0]]] if M[0][0] != 0 else [[parameters.zero]]
    if n == 2:
        (a, b), (c, d) = M
        det = parameters.reduce(a * d - b * c)
        return det, [[d / det, -b / det], [-c / det, a / det]] if det != 0 else M
    minor = [[determinant(_without(M, i, j), parameters) for j in range(n)] for i in range(n)]
    det = parameters.reduce(sum((M[0][j] * minor[0][j] * (-1) ** j for j in range(n)), parameters.zero))
    if det == 0:
        return det, M
    return det, [[minor[j][i] * (-1) ** (i + j) / det for j in range(n)] for i in range(n)]


def _without(M: list[list[Element]], i: int, j: int) -> list[list[Element]]:
    return [[x for k, x in enumerate(row) if k != j] for h, row in enumerate(M) if h != i]


def determinant(M: list[list[Element]], parameters: Parameters) -> Element:
    """The determinant of a small matrix over the field."""
    if len(M) == 1:
        return M[0][0]
    return sum(
        (M[0][j] * determinant(_without(M, 0, j), parameters) * (-1) ** j for j in range(len(M))),
        parameters.zero,
    )


def _positive_spectrum(M: list[list[Element]], determinant: Element, parameters: Parameters) -> list[Element]:
    """Elementary symmetric functions of the (real) eigenvalues of M: all eigenvalues are positive iff all
    of them are.
    """
    n = len(M)
    symmetric = [sum((M[i][i] for i in range(n)), parameters.zero)]
    for k in range(2, n):
        matrix = Matrix(n, n, lambda i, j: parameters.expression(M[i][j]))
        coefficients = matrix.charpoly().all_coeffs()
        symmetric.append(parameters.element(coefficients[k] * (-1) ** k))
    return [*symmetric, determinant]
