"""The sign of a difference: proved where it is so at all values, and never where numbers say otherwise."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest
from sympy import Expr, Integer, Product, Rational, Symbol, pi

from derive.averages import Average, SharedVariance, Variance
from derive.claims.sign import not_negative
from derive.hypotheses import NONDEGENERATE
from derive.layers import Facts, d, i
from derive.network import W, n, s, x
from derive.randomness import EVERYTHING
from derive.setting import Setting

SETTING = Setting((NONDEGENERATE,), Facts((i, d - i)))
P = Symbol("i'", integer=True)
V, Y = SharedVariance(W, i), SharedVariance(x)
MEAN, SQUARE, SPREAD = Average(s(i, 1), EVERYTHING), Average(s(i, 1) ** 2, EVERYTHING), Variance(s(i, 1), EVERYTHING)
LAYERS = Product(n(P) * SharedVariance(W, P), (P, 0, i))


@pytest.mark.parametrize(
    ("expression", "weak", "strict"),
    [
        (V, True, True),
        (SPREAD, True, False),
        (SQUARE - MEAN**2, True, False),
        (SQUARE - SPREAD, True, False),
        (SPREAD - SQUARE, False, False),
        (n(i) - 1, True, False),
        (n(i) - 2, False, False),
        (V * (1 - 1 / pi) + Y, True, True),
        (V - Y, False, False),
        (LAYERS * (1 - Rational(1, 2) ** i), True, False),
        (LAYERS * (Integer(2) ** i - 1), True, False),
        (LAYERS * (1 - Integer(2) ** i), False, False),
        (1 / (n(i) + 1) - 1 / (n(i) + 2), True, True),
        (1 / n(i) - 1 / (n(i) + n(i + 1)), True, True),
    ],
)
def test_signs(expression, weak, strict):
    """Sizes are at least 1, variances are not negative, and a mean square is not below a squared mean."""
    assert (not_negative(expression, SETTING), not_negative(expression, SETTING, strict=True)) == (weak, strict)


def test_numbers_never_contradict():
    """200 random differences at random values: what is proved is so."""
    rng, proved = Random(14), 0
    for expression in islice(_expressions(rng), 200):
        if not_negative(expression, SETTING, strict=True):
            proved += 1
            assert all(expression.xreplace(_values(rng)) > 0 for _ in range(5))
    assert proved > 20


def _expressions(rng: Random):
    atoms = (n(i), n(i + 1), V, Y, MEAN, SQUARE, SPREAD, Integer(1))
    while True:
        yield sum((rng.choice((-1, 1, 2, 3)) * _term(rng, atoms) for _ in range(rng.randint(2, 3))), Integer(0))


def _term(rng: Random, atoms: tuple[Expr, ...]) -> Expr:
    return rng.choice(atoms) ** rng.choice((-1, 1, 2)) * rng.choice(atoms) if rng.random() < 0.8 else rng.choice(atoms)


def _values(rng: Random) -> dict[Expr, Expr]:
    mean, spread = Rational(rng.randint(-20, 20), 7), Rational(rng.randint(1, 30), 11)
    values = {MEAN: mean, SPREAD: spread, SQUARE: mean**2 + spread}
    values |= {width: Integer(rng.randint(1, 9)) for width in (n(i), n(i + 1))}
    return values | {shared: Rational(rng.randint(1, 40), 13) for shared in (V, Y)}
