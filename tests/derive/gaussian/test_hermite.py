"""Hermite expansion: moments of two variables, and coefficients of the dual activation."""

from types import SimpleNamespace

import mpmath
import pytest
from sympy import Max, Rational, erf, exp, expand, sin

from derive.errors import InputError
from derive.gaussian import Phi, gaussian_expectation, hermite_coefficient
from derive.gaussian.check import answer_at


def test_polynomials_go_by_hermite(v: SimpleNamespace) -> None:
    """E[x³y³] = 9 p q c + 6 c³ (Isserlis 1918), by the expansion."""
    found = gaussian_expectation(v.x**3 * v.y**3, (v.x, v.y), covariance=[[v.p, v.c], [v.c, v.q]])
    assert expand(found.result - 9 * v.p * v.q * v.c - 6 * v.c**3) == 0
    assert found.steps[0].rule.name == "hermite-expansion"


@pytest.mark.parametrize("k", range(6))
@pytest.mark.parametrize("f", [lambda z: Max(0, z), lambda z: erf(z), lambda z: z * Phi(z), sin, exp])
def test_coefficients(k: int, f: object, v: SimpleNamespace) -> None:
    """Against a direct quadrature with mpmath's own Hermite polynomials."""
    found = answer_at(hermite_coefficient(f(v.x), v.x, k, variance=Rational(9, 4)).result, {}, 20)
    s = mpmath.mpf(3) / 2
    function = {
        0: lambda z: max(mpmath.mpf(0), z),
        1: mpmath.erf,
        2: lambda z: z * mpmath.ncdf(z),
        3: mpmath.sin,
        4: mpmath.exp,
    }
    probe = mpmath.mpf("0.3")
    chosen = next(g for g in function.values() if abs(g(probe) - answer_at(f(v.x), {v.x: Rational(3, 10)}, 15)) < 1e-12)

    def integrand(u: mpmath.mpf) -> mpmath.mpf:
        he = mpmath.hermite(k, u / mpmath.sqrt(2)) / mpmath.mpf(2) ** (mpmath.mpf(k) / 2)
        return chosen(s * u) * he * mpmath.npdf(u) / mpmath.sqrt(mpmath.factorial(k))

    expected = mpmath.quad(integrand, [-14, -6, -3, 0, 3, 6, 14])
    assert abs(found - expected) < 1e-12


def test_mehler_sums_to_the_kernel(v: SimpleNamespace) -> None:
    """Σ ρ^k g_k² reaches E[g(x)g(y)] at correlation ρ."""
    rho = Rational(3, 10)
    kernel = gaussian_expectation(Max(0, v.x) * Max(0, v.y), (v.x, v.y), covariance=[[1, rho], [rho, 1]]).result
    total = sum(rho**k * hermite_coefficient(Max(0, v.x), v.x, k).result ** 2 for k in range(15))
    assert abs((kernel - total).evalf(20)) < 1e-9


def test_orders_are_bounded(v: SimpleNamespace) -> None:
    """A negative order is refused by name."""
    with pytest.raises(InputError, match="order must be from 0 to 40, got -1"):
        hermite_coefficient(v.x, v.x, -1)
