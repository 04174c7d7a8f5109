"""What a box states of its error: of the rule, of the hull of the values, and of the rounding of its nodes."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from derive.quadrature.boxes import Adaptive, Boxes, R, Sums, gauss_error
from derive.quadrature.digits import _enough
from derive.quadrature.reading import Reading

x = sp.Symbol("x", real=True)


def _integral(g: sp.Expr, low: float, high: float, **options: float) -> Sums:
    run = Adaptive(Reading([g], [x]), [x], {}, owners=1, outputs=1, **options)
    run.take(Boxes(np.zeros(1, int), np.array([[0.5 * (low + high)]]), np.array([[0.5 * (high - low)]])))
    return run.sums


def _chebyshev(n: int) -> tuple[float, float]:
    """What the n-point rule on [-1, 1] is wrong by for T_2n, and the largest |T_2n| on the ellipse."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    wrong = 2 / (1 - 4 * n * n) - weights @ np.cos(2 * n * np.arccos(nodes))
    return abs(wrong), 0.5 * (R ** (2 * n) + R ** (-2 * n))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 22, 40])
def test_the_error_of_a_gauss_rule(n: int) -> None:
    """T_2n is the worst for its degree: the bound holds, with less than four to spare."""
    wrong, largest = _chebyshev(n)
    bound = gauss_error(n, largest, 2.0, 1)
    assert wrong <= bound <= 4 * wrong


def test_the_error_of_a_rule_of_many_digits() -> None:
    """The same where boxes are longer by a part in a million."""
    n = 96
    wrong, largest = _chebyshev(n)
    nodes, error = _enough((mp.mpf(-1), mp.mpf(1), largest), 1e3)
    assert nodes == n
    assert wrong <= gauss_error(n, largest, 2.0, 1) <= error


@pytest.mark.parametrize("side", [-1, 1])
def test_a_hull_may_be_wrong_by_all_of_its_radius(side: int) -> None:
    """A step at the end of a box: half of its values is as wrong as can be."""
    found = _integral(sp.Heaviside(sp.exp(x) - sp.exp(sp.Rational(side * 999, 1000))), -1, 1, tolerance=1e6)
    truth = 1 - 0.999 * side
    assert abs(found.value[0, 0] - truth) <= found.error[0, 0] <= 1.001


@pytest.mark.parametrize("start", [-700, -300, 40, 300, 690])
def test_the_rounding_of_nodes_counts(start: int) -> None:
    """exp far from 0, whose values are as wrong as its argument."""
    for k in range(24):
        low, high = start + k / 7, start + k / 7 + 2
        found = _integral(sp.exp(x), low, high)
        with mp.workdps(30):
            middle, half = mp.mpf(0.5 * (low + high)), mp.mpf(0.5 * (high - low))
            truth = mp.exp(middle + half) - mp.exp(middle - half)
            assert abs(mp.mpf(float(found.value[0, 0])) - truth) <= mp.mpf(float(found.error[0, 0]))
        assert found.error[0, 0] <= 1e-12 * found.value[0, 0]
