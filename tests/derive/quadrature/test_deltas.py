"""E[f(x) δ(l)]: a density at a level times a mean given that level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from derive.quadrature import Bounded, Space

x, y = sp.symbols("x y", real=True)

LAWS = [
    ((1, -1, 0), (0, 0), "1/2"),
    ((1, -1, -1), (0, 0), "1/2"),
    ((2, -1, 3), (0.5, -0.25), "-1/4"),
    ((1, 3, 2), (-1, 2), "7/8"),
    ((-1, 2, 4), (0, 1), "0"),
]
"""Forms a x + b y + c, means, and correlations."""


def _given(form: tuple[float, ...], mean: tuple[float, float], r: str) -> tuple[Any, Any, Any]:
    """The density of the form at 0, and the mean and the variance of x given that it is 0."""
    a, b, c = map(mp.mpf, form)
    m, n = map(mp.mpf, mean)
    rho = mp.mpf(sp.Rational(r).p) / sp.Rational(r).q
    spread = a * a + 2 * a * b * rho + b * b
    level, shared = a * m + b * n + c, a + b * rho
    return mp.npdf(0, level, mp.sqrt(spread)), m - shared * level / spread, 1 - shared**2 / spread


@pytest.mark.parametrize(("form", "mean", "r"), LAWS)
def test_a_delta_at_any_level(form: tuple[float, ...], mean: tuple[float, float], r: str) -> None:
    (a, b, c), rho = form, sp.Rational(r)
    g = sp.DiracDelta(a * x + b * y + c) * sp.Max(x, 0)
    (found,) = Space([g], (x, y))(mean, [[1, rho], [rho, 1]])
    with mp.workdps(30):
        density, m, variance = _given(form, mean, r)
        s = mp.sqrt(variance)
        truth = density * (m * mp.ncdf(m / s) + s * mp.npdf(m / s))
        assert abs(mp.mpf(float(found.value)) - truth) <= mp.mpf(float(found.error))
    assert found.error <= 1e-12 * truth


def test_the_error_of_a_mean_given_a_level_is_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    """As large as it may be: a mean of 1 that is wrong by 1/2."""
    space = Space([sp.DiracDelta(x - y - 1) * sp.cos(x)], (x, y))
    poor = Bounded(np.array(1.0), np.array(0.5), size=np.array(1.0))
    ((delta,),) = space._deltas
    assert delta is not None
    monkeypatch.setattr(delta._space, "_one", lambda *_: [poor])
    (found,) = space([0, 0], [[1, 0.5], [0.5, 1]])
    density, _, _ = _given((1, -1, -1), (0, 0), "1/2")
    assert found.error >= 0.5 * density * (1 - 1e-15)
    assert abs(found.value - density) <= 1e-15
