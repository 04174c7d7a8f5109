"""What is left out, far out and beside poles: bounds against mpmath, and divergence only where there is divergence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from derive.gaussian.functions import NormalDensity, Phi
from derive.quadrature import Line
from derive.quadrature.growth import Growth
from derive.quadrature.poles import order

x, y = sp.symbols("x y", real=True)
t = sp.Symbol("t", positive=True)


def _outside(log_of: Callable[[Any], Any], reach: float, side: int) -> Any:
    """∫ exp(log_of(z)) φ(z) dz over z beyond ``reach`` on one side."""
    with mp.workdps(40):
        edges = [mp.mpf(reach) + k for k in (0, 0.25, 1, 3, 8, 20, 60)]
        return mp.quad(
            lambda z: mp.exp(log_of(side * z) - z * z / 2) / mp.sqrt(2 * mp.pi), edges, method="gauss-legendre"
        )


def _log_phi(z: Any) -> Any:
    return mp.log(mp.erfc(-z / mp.sqrt(2)) / 2)


FAR = {
    "φ": (NormalDensity(x), 3, lambda z: -z * z / 2 - mp.log(2 * mp.pi) / 2),
    "fourth power": (sp.exp(-(x**4) / 100), 3, lambda z: -(z**4) / 100),
    "sixth power": (sp.exp(-(x**6) / 1000 + x), 2, lambda z: -(z**6) / 1000 + z),
    "1/Φ": (sp.exp(-(x**2) / 200) / Phi(x), 300, lambda z: -z * z / 200 - _log_phi(z)),
    "1/Φ on both sides": (
        sp.exp(-(x**2) / 200) * sp.Max(1 / Phi(x), 1 / Phi(-x)),
        300,
        lambda z: -z * z / 200 - _log_phi(-abs(z)),
    ),
    "log Φ": (sp.log(Phi(x)), 9, lambda z: mp.log(-_log_phi(z))),
    "Φ": (Phi(x), 9, _log_phi),
    "exp": (sp.exp(2 * x), 9, lambda z: 2 * z),
    "log(1 + x²)": (sp.log(1 + x**2), 9, lambda z: mp.log(mp.log(1 + z * z))),
    "sinh": (sp.sinh(3 * x), 9, lambda z: mp.log(abs(mp.sinh(3 * z)))),
    "polynomial": (x**3 - 4 * x + 7, 9, lambda z: mp.log(abs(z**3 - 4 * z + 7))),
    "over a polynomial": (sp.exp(x) / (x**2 - 2 * x + 3), 9, lambda z: z - mp.log(z * z - 2 * z + 3)),
    "over a bounded sum": (sp.exp(x) / (2 + sp.tanh(x)), 9, lambda z: z - mp.log(2 + mp.tanh(z))),
    "over z and a wave": (1 / (x + 3 * sp.sin(x)), 9, lambda z: -mp.log(abs(z + 3 * mp.sin(z)))),
    "root": (sp.sqrt(1 + x**2), 9, lambda z: mp.log(1 + z * z) / 2),
    "where": (sp.Piecewise((sp.exp(x), x > 1), (x, True)), 9, lambda z: z if z > 1 else mp.log(abs(z))),
}


@pytest.mark.parametrize("name", FAR)
def test_what_is_left_out_far_out(name: str) -> None:
    """It is bounded, and by no more than four times what it is."""
    e, reach, log_of = FAR[name]
    truth = _outside(log_of, reach, 1) + _outside(log_of, reach, -1)
    bound = float(Growth(e, [x]).beyond(float(reach), {}))
    assert truth <= bound * (1 + 1e-13)
    assert bound <= 4 * truth


PAIRS = {
    "product": (x * y, 1 - (1 - mp.exp(-4.5)) ** 2, 2 / mp.pi),
    "exponentials": (sp.exp((x + y) / 2), 1 - (mp.ncdf(2.5) - mp.ncdf(-3.5)) ** 2, mp.exp(0.25)),
    "constant": (sp.Integer(1) + 0 * x, 1 - (mp.ncdf(3) - mp.ncdf(-3)) ** 2, 1),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_left_out_of_a_square(name: str) -> None:
    """E[|f|; |x| > 3 or |y| > 3] of independent x and y."""
    e, share, whole = PAIRS[name]
    bound = float(Growth(e, [x, y]).beyond(3.0, {}))
    assert share * whole <= bound * (1 + 1e-13)


def test_what_grows_like_the_density_falls_may_have_an_expectation() -> None:
    """E[exp(x²/2)/(1 + x²)] = √(π/2): nothing bounds it far out, but it is not infinite."""
    for g in (sp.exp(x**2 / 2) / (1 + x**2), sp.exp(x**2 / 2 - 100) / (1 + x**2)):
        (found,) = Line([g], x)(0.0, 1.0)
        assert found.error == np.inf
        assert "infinite" not in found.reason


@pytest.mark.parametrize(
    "g",
    [sp.exp(x**2 / 2), sp.exp(x**2) / (1 + x**2), sp.exp(x**2) - sp.sin(x), sp.exp(x**4 / 100) - 5],
    ids=str,
)
def test_what_grows_faster_has_none(g: sp.Expr) -> None:
    (found,) = Line([g], x)(0.0, 1.0)
    assert (found.value, found.error) == (np.inf, 0.0)
    assert "infinite" in found.reason


POWERS = [sp.Rational(-1, 2), sp.Rational(-3, 4), sp.Rational(-39, 40)]


@pytest.mark.parametrize("power", POWERS, ids=str)
@pytest.mark.parametrize("at", [0, 1, -3])
def test_what_is_left_out_beside_a_pole(at: int, power: sp.Rational) -> None:
    """E|x - a|^p = 2^(p/2) Γ((1 + p)/2)/√π · ₁F₁(-p/2; 1/2; -a²/2) (Winkelbauer 2012)."""
    (found,) = Line([sp.Abs(x - at) ** power], x)(0.0, 1.0)
    with mp.workdps(40):
        p = mp.mpf(power.p) / power.q
        front = mp.mpf(2) ** (p / 2) * mp.gamma((1 + p) / 2) / mp.sqrt(mp.pi)
        truth = front * mp.hyp1f1(-p / 2, mp.mpf(1) / 2, -(mp.mpf(at) ** 2) / 2)
        assert abs(mp.mpf(float(found.value)) - truth) <= mp.mpf(float(found.error))
    assert found.error <= 1e-6 * truth


ORDERS = [
    1 / sp.sin(2 * t),
    1 / sp.sin(t / 7) ** 2,
    sp.tan(3 * t),
    sp.Abs(sp.sin(t)) ** sp.Rational(-3, 4),
    1 / sp.log(1 + 5 * t),
    sp.log(3 * t),
    t ** sp.Rational(-1, 2) * sp.cos(t),
    1 / t + 1 / t ** sp.Rational(1, 2),
    sp.cos(t) / t + sp.exp(t) / t + sp.cos(2 * t) / t + sp.cosh(t) / t + sp.exp(-t) / t + (1 + t**2) / t,
    (2 + t) ** 3 / (t * (1 - t)),
    sp.sqrt(t) * sp.log(t),
    sp.asinh(9 * t) ** -2,
]


@pytest.mark.parametrize("g", ORDERS, ids=str)
def test_an_order_holds_next_to_the_point(g: sp.Expr) -> None:
    """low t^a <= |g(t)| <= high t^a, from which divergence and what is left out follow."""
    found = order(g, t)
    assert found is not None
    with mp.workdps(400):
        exact = sp.lambdify(t, g, "mpmath")
        for place in (mpmath.mpf(10) ** -290, mpmath.mpf(10) ** -100, mpmath.mpf(10) ** -20):
            size = abs(exact(place)) / place ** mp.mpf(found.power)
            assert found.low * (1 - 1e-12) <= size <= found.high * (1 + 1e-12)
    assert found.left_out(1e-20) == (
        pytest.approx(found.high * 1e-20 ** (found.power + 1) / (found.power + 1)) if found.power > -1 else np.inf
    )


@pytest.mark.parametrize("g", [1 / t - 1 / sp.sin(t), sp.cos(t) / t - sp.exp(t) / t], ids=str)
def test_poles_that_cancel_prove_nothing(g: sp.Expr) -> None:
    """Each term has no integral, their sum has."""
    found = order(g, t)
    assert found is None or not found.diverges
    assert order(1 / t, t).diverges
