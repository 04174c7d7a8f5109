"""Closed forms against published ones, each typed here from its source and evaluated by mpmath."""

from collections.abc import Callable
from types import SimpleNamespace

import mpmath
import pytest
from mpmath import mp, mpf
from sympy import Abs, Expr, Heaviside, Max, Rational, cos, erf, exp, sin, sqrt

from derive.gaussian import Phi, gaussian_expectation
from derive.gaussian.check import answer_at

POINTS = [
    (mpf("0.7"), mpf("1.9"), mpf("0.3")),
    (mpf("1.3"), mpf("0.4"), mpf("-0.85")),
    (mpf("2.5"), mpf("1.1"), mpf("0.99")),
]


def value(expression: Expr, numbers: dict) -> mpf:
    """The number of a closed form at 30 digits."""
    return answer_at(expression, {k: Rational(str(x)) for k, x in numbers.items()}, 30)


def arc_cosine(order: int, s: mpf, t: mpf, rho: mpf) -> mpf:
    """Cho & Saul 2009, equations 3-6: k_n = |x|^n |y|^n J_n(θ)/π is twice E[Θ(x)Θ(y) x^n y^n]."""
    theta = mp.acos(rho)
    J = [
        mp.pi - theta,
        mp.sin(theta) + (mp.pi - theta) * mp.cos(theta),
        3 * mp.sin(theta) * mp.cos(theta) + (mp.pi - theta) * (1 + 2 * mp.cos(theta) ** 2),
    ][order]
    return (s * t) ** order * J / mp.pi / 2


def gelu_kernel(s: mpf, t: mpf, rho: mpf) -> mpf:
    """E[gelu gelu] by one quadrature: Tsuchida et al. 2021 reduce it to E[x Φ(x) E[y Φ(y) | x]], the inner
    in closed form.

    With y | x ~ N(μ, w): E[y Φ(y)] = μ Φ(μ/√(1+w)) + w φ(μ/√(1+w))/√(1+w) (Owen 1980, 10,011.1).
    """
    w = t**2 * (1 - rho**2)

    def inner(x: mpf) -> mpf:
        mu = rho * t / s * x
        h = mu / mp.sqrt(1 + w)
        return mu * mp.ncdf(h) + w * mp.npdf(h) / mp.sqrt(1 + w)

    points = [-12, -6, -3, 0, 3, 6, 12]
    return mp.quad(lambda z: s * z * mp.ncdf(s * z) * inner(s * z) * mp.npdf(z), points)


PUBLISHED: dict[str, tuple[Callable, Callable]] = {
    "Cho & Saul 2009, order 0": (lambda x: Heaviside(x), lambda s, t, r: arc_cosine(0, s, t, r)),
    "Cho & Saul 2009, order 1": (lambda x: Max(0, x), lambda s, t, r: arc_cosine(1, s, t, r)),
    "Cho & Saul 2009, order 2": (lambda x: Max(0, x) ** 2, lambda s, t, r: arc_cosine(2, s, t, r)),
    "Williams 1997, equation 11 (erf)": (
        lambda x: erf(x),
        lambda s, t, r: 2 / mp.pi * mp.asin(2 * r * s * t / mp.sqrt((1 + 2 * s**2) * (1 + 2 * t**2))),
    ),
    "characteristic function (sin)": (
        lambda x: sin(x),
        lambda s, t, r: mp.exp(-(s**2 + t**2) / 2) * mp.sinh(r * s * t),
    ),
    "characteristic function (cos)": (
        lambda x: cos(x),
        lambda s, t, r: mp.exp(-(s**2 + t**2) / 2) * mp.cosh(r * s * t),
    ),
    "moment generating function (exp)": (
        lambda x: exp(x),
        lambda s, t, r: mp.exp((s**2 + t**2) / 2 + r * s * t),
    ),
    "Gaussian": (
        lambda x: exp(-(x**2) / 2),
        lambda s, t, r: 1 / mp.sqrt((1 + s**2) * (1 + t**2) - (r * s * t) ** 2),
    ),
    "Sheppard 1899 (|x||y|)": (
        lambda x: Abs(x),
        lambda s, t, r: 2 / mp.pi * s * t * (mp.sqrt(1 - r**2) + r * mp.asin(r)),
    ),
    "Isserlis 1918 (x³y³)": (lambda x: x**3, lambda s, t, r: (s * t) ** 3 * (9 * r + 6 * r**3)),
    "Tsuchida et al. 2021 (GELU)": (lambda x: x * Phi(x), gelu_kernel),
    "Tsuchida et al. 2021 (GELU, by erf)": (lambda x: x * (1 + erf(x / sqrt(2))) / 2, gelu_kernel),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_kernels(name: str, v: SimpleNamespace) -> None:
    """Two variables, zero mean, unequal variances: the published kernel to 20 digits."""
    f, published = PUBLISHED[name]
    found = gaussian_expectation(f(v.x) * f(v.y), (v.x, v.y), covariance=v.plane)
    with mpmath.workdps(30):
        for s, t, r in POINTS:
            s, t, r = mpf(str(s)), mpf(str(t)), mpf(str(r))
            got = value(found.result, {v.s: s, v.t: t, v.r: r})
            assert abs(got - published(s, t, r)) < mpf(10) ** -14 * (1 + abs(got))


@pytest.mark.parametrize("k", range(1, 9))
def test_normal_moments(k: int, v: SimpleNamespace) -> None:
    """E|z|^k = s^k 2^(k/2) Γ((k+1)/2)/√π (Winkelbauer 2012, equation 18), and E z^k for even k."""
    expected = 2 ** (mpf(k) / 2) * mp.gamma(mpf(k + 1) / 2) / mp.sqrt(mp.pi)
    for g in [Abs(v.x) ** k, *([v.x**k] if k % 2 == 0 else [])]:
        found = gaussian_expectation(g, {v.x: (0, v.s**2)})
        assert value(found.result, {v.s: mpf(1)}) == pytest.approx(expected, rel=1e-14)


OWEN_1980 = {
    "10,010.8": (lambda v: Phi(v.a + v.b * v.x), lambda a, b: mp.ncdf(a / mp.sqrt(1 + b * b))),
    "10,011.1": (
        lambda v: v.x * Phi(v.a + v.b * v.x),
        lambda a, b: b / mp.sqrt(1 + b * b) * mp.npdf(a / mp.sqrt(1 + b * b)),
    ),
    "20,010.4": (
        lambda v: Phi(v.a + v.b * v.x) ** 2,
        lambda a, b: mp.ncdf(a / mp.sqrt(1 + b * b)) - 2 * owen_t(a / mp.sqrt(1 + b * b), 1 / mp.sqrt(1 + 2 * b * b)),
    ),
}


def owen_t(h: mpf, a: mpf) -> mpf:
    """Owen 1956: T(h, a) = ∫_h^∞ φ(x) (Φ(ax) - 1/2) dx, another integral than the one the library
    evaluates.
    """
    return mp.quad(lambda x: mp.npdf(x) * (mp.ncdf(a * x) - mpf(1) / 2), [h, h + 2, h + 6, h + 14])


@pytest.mark.parametrize("number", OWEN_1980)
def test_owen_table_of_normal_integrals(number: str, v: SimpleNamespace) -> None:
    """Owen 1980, A table of normal integrals, by the numbers of its entries."""
    g, published = OWEN_1980[number]
    found = gaussian_expectation(g(v), {v.x: (0, 1)})
    for a, b in [("0.4", "1.7"), ("-1.2", "0.6"), ("2", "-3")]:
        got = value(found.result, {v.a: mpf(a), v.b: mpf(b)})
        assert abs(got - published(mpf(a), mpf(b))) < 1e-13


def test_williams_with_means_agrees_with_an_independent_bivariate_cdf(v: SimpleNamespace) -> None:
    """Non-zero means: E[Θ(x)Θ(y)] = Φ₂(m/s, n/t; r), against SciPy's bivariate normal."""
    from scipy.stats import multivariate_normal

    found = gaussian_expectation(Heaviside(v.x) * Heaviside(v.y), (v.x, v.y), mean=(v.m, v.n), covariance=v.plane)
    for h, k, r in [("0.3", "-0.8", "0.6"), ("1.5", "0.2", "-0.9")]:
        numbers = {v.s: mpf(1), v.t: mpf(1), v.m: mpf(h), v.n: mpf(k), v.r: mpf(r)}
        other = multivariate_normal(cov=[[1, float(r)], [float(r), 1]]).cdf([float(h), float(k)])
        assert float(value(found.result, numbers)) == pytest.approx(other, abs=1e-8)
