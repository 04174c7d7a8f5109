"""Random members of the class: the closed form against an independent grid quadrature. No wrong answer is
allowed.
"""

import os
from random import Random
from types import SimpleNamespace

import pytest
from random_expressions import grid_expectation, one_variable, two_variables
from sympy import Rational, S

from derive.gaussian import gaussian_expectation
from derive.gaussian.check import answer_at

COUNT = int(os.environ.get("VARPROP_RANDOM_EXPRESSIONS", "60"))


@pytest.mark.parametrize("number", range(COUNT))
def test_random_expression(number: int, v: SimpleNamespace) -> None:
    """Closed form = grid, at a point the engine's own check did not choose (correlations up to 0.9)."""
    random = Random(1000 + number)
    two, centred = random.random() < 0.5, random.random() < 0.5
    variables = (v.x, v.y) if two else (v.x,)
    g = two_variables(v.x, v.y, random) if two else one_variable(v.x, random)
    mean = [S.Zero] * len(variables) if centred else [v.m, v.n][: len(variables)]
    covariance = v.plane if two else [[v.s**2]]
    found = gaussian_expectation(g, variables, mean=mean, covariance=covariance)
    point = {
        v.s: Rational(random.randint(60, 150), 100),
        v.t: Rational(random.randint(60, 150), 100),
        v.m: Rational(random.randint(-100, 100), 100),
        v.n: Rational(random.randint(-100, 100), 100),
        v.r: Rational(random.randint(-90, 90), 100),
    }
    numbers = [[float(S(c).subs(point)) for c in row] for row in covariance]
    value, size = grid_expectation(g, variables, [float(S(m).subs(point)) for m in mean], numbers)
    assert float(answer_at(found.result, point, 15)) == pytest.approx(value, abs=1e-8 * max(size, 1e-3)), g
