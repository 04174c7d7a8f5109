"""Hundreds of random members of the class: the closed form against an independent quadrature. No wrong answer, no
refusal.

VARPROP_RANDOM_EXPRESSIONS sets how many of each dimension, VARPROP_RANDOM_SEED which ones.
"""

import math
import os
from random import Random
from types import SimpleNamespace

import pytest
from random_expressions import expectation, member
from sympy import Max, Rational, S

from derive.gaussian import gaussian_expectation, parameters
from derive.gaussian.check import answer_at

SEED = int(os.environ.get("VARPROP_RANDOM_SEED", "1000"))
COUNT = int(os.environ.get("VARPROP_RANDOM_EXPRESSIONS", "0"))
NUMBERS = [(1, k) for k in range(COUNT or 110)] + [(2, k) for k in range(COUNT or 20)]


def _uniform(random: Random, low: int, high: int) -> Rational:
    return Rational(random.randint(low, high), 100)


@pytest.mark.parametrize(("dimension", "number"), NUMBERS)
def test_random_expression(dimension: int, number: int, v: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed form = quadrature with symbols and with numbers, unequal variances, any means, correlations up to 0.95.

    The point is not one of those at which the engine checked itself.
    """
    # Whether it is right, not whether it is quick: a busy machine must not fail this.
    monkeypatch.setattr(parameters, "PATIENCE", 60.0)
    random = Random(f"{SEED}, {dimension}, {number}")
    g = member(random, dimension)
    centred, symbolic = random.random() < 0.4, random.random() < 0.6 and not g.is_joint
    point = {v.s: _uniform(random, 30, 220), v.t: _uniform(random, 30, 220), v.r: _uniform(random, -95, 95)}
    point |= {m: S.Zero if centred else _uniform(random, -200, 200) for m in (v.m, v.n)}
    mean, covariance = [v.m, v.n][:dimension], [row[:dimension] for row in v.plane[:dimension]]
    if centred:
        mean = [S.Zero] * dimension
    if not symbolic:
        mean, covariance = [S(m).subs(point) for m in mean], [[c.subs(point) for c in row] for row in covariance]
    found = gaussian_expectation(g.expression(v.x, v.y), (v.x, v.y)[:dimension], mean=mean, covariance=covariance)
    numbers = [float(point[k]) for k in (v.m, v.n, v.s, v.t, v.r)]
    value, size = expectation(g, tuple(numbers[:dimension]), tuple(numbers[2 : 2 + dimension]), numbers[4])
    assert float(answer_at(found.result, point, 15)) == pytest.approx(value, abs=1e-9 * size), g.expression(v.x, v.y)


def test_the_quadrature_knows_a_known_value(v: SimpleNamespace) -> None:
    """E[max(x, y)] = √((1 - ρ)/π) for standard normals (Clark 1961), with its kink on the diagonal."""
    from random_expressions import Atom, Form, Member

    relu = Atom(lambda u: Max(0, u), lambda u: u * (u > 0), (0,))
    gap = Member(((1, ((relu, Form(1, -1, 0)),)),))  # E[max(x, y)] = E[max(0, x - y)] + E[y]
    value, size = expectation(gap, (0.0, 0.0), (1.0, 1.0), 0.3)
    assert value == size == pytest.approx(math.sqrt(0.7 / math.pi), rel=1e-13)
