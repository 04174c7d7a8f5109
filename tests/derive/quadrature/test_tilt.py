"""Exponentials of quadratic polynomials taken into the density, against the Gaussian integrals one writes down."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from mpmath import mp

from derive.quadrature.tilt import Tilted, tilted

x, y = sp.symbols("x y", real=True)


def _line(a: Any, b: Any, m: Any, v: Any) -> Any:
    """E exp(a x² + b x), x ~ N(m, v)."""
    d = 1 - 2 * a * v
    return mp.exp((a * m * m + b * m + b * b * v / 2) / d) / mp.sqrt(d)


def _plane(p: dict[str, Any], mean: Any, variances: Any) -> Any:
    """E exp(a x² + b x y + c y² + d x + e y) of independent x and y: over y first."""
    a, b, c, d, e = (mp.mpf(p[k]) for k in "abcde")
    (m, n), (v, w) = (tuple(map(mp.mpf, pair)) for pair in (mean, variances))
    # E exp(c y² + (b x + e) y) = exp((c n² + (b x + e) n + (b x + e)² w/2)/k)/√k.
    k = 1 - 2 * c * w
    front = mp.exp((c * n * n + e * n + e * e * w / 2) / k) / mp.sqrt(k)
    return front * _line(a + b * b * w / (2 * k), d + (b * n + b * e * w) / k, m, v)


EXPONENTS = [
    {"a": "-1", "b": "0", "c": "0", "d": "0", "e": "0"},
    {"a": "0.25", "b": "0", "c": "0", "d": "1", "e": "0"},
    {"a": "-0.5", "b": "0.75", "c": "-0.25", "d": "-1", "e": "2"},
    {"a": "0.125", "b": "-0.25", "c": "-2", "d": "0", "e": "0.5"},
    {"a": "0", "b": "0", "c": "0", "d": "3", "e": "-2"},
]


def _exponent(p: dict[str, str]) -> sp.Expr:
    a, b, c, d, e = (sp.Rational(p[k]) for k in "abcde")
    return a * x**2 + b * x * y + c * y**2 + d * x + e * y


def _tilted(g: sp.Expr, mean: Any, variances: Any) -> Tilted | None:
    return tilted(g, (x, y), [mp.mpf(m) for m in mean], [[variances[0], 0], [0, variances[1]]])


@pytest.mark.parametrize(("mean", "variances"), [((0, 0), (1, 1)), (("0.5", "-2"), ("0.75", "0.5"))], ids=str)
@pytest.mark.parametrize("p", EXPONENTS, ids=lambda p: str(_exponent(p)))
def test_the_factor_and_the_law(p: dict[str, str], mean: Any, variances: Any) -> None:
    """The factor is E of the exponential; mean and covariance are the derivatives of its logarithm in d and e."""
    with mp.workdps(40):
        mean, variances = (tuple(map(mp.mpf, pair)) for pair in (mean, variances))
        found = _tilted(sp.exp(_exponent(p)) * sp.cos(x), mean, variances)
        assert found is not None
        assert found.rest == sp.cos(x)

        def log_factor(d: Any, e: Any) -> Any:
            return mp.log(_plane({**p, "d": mp.mpf(p["d"]) + d, "e": mp.mpf(p["e"]) + e}, mean, variances))

        assert abs(mp.log(found.factor) - log_factor(0, 0)) < 1e-35
        # The logarithm is a quadratic polynomial in d and e: differences are exact.
        up, down = [log_factor(1, 0), log_factor(0, 1)], [log_factor(-1, 0), log_factor(0, -1)]
        for k in (0, 1):
            assert abs(found.mean[k] - (up[k] - down[k]) / 2) < 1e-35
            assert abs(found.covariance[k][k] - (up[k] + down[k] - 2 * log_factor(0, 0))) < 1e-35
        cross = log_factor(1, 1) - up[0] - up[1] + log_factor(0, 0)
        assert abs(found.covariance[0][1] - cross) < 1e-35
        assert abs(found.covariance[1][0] - cross) < 1e-35


def test_what_leaves_no_density() -> None:
    """exp(x²/2) has no expectation, exp(x³) is no such exponential, and a law on a line has no density."""
    with mp.workdps(30):
        assert _tilted(sp.exp(x**2 / 2), (0, 0), (1, 1)) is None
        assert _tilted(sp.exp(2 * x * y), (0, 0), (1, 1)) is None
        assert _tilted(sp.exp(x**3), (0, 0), (1, 1)) is None
        assert tilted(sp.exp(-(x**2)), (x, y), [0, 0], [[1, 1], [1, 1]]) is None
