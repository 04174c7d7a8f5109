"""Glorot & Bengio's theorems in networks of a few units, every outcome of weights, input and gradient enumerated.

Values that both sides have are worked out by hand, from the variances of the laws.
"""

from __future__ import annotations

import math
from fractions import Fraction

from derive.proof.oracle import Case, Known, Oracle
from derive.proof.outcomes import Coins, Law, Network
from derive.theorems.oracles.cases import identity, known, signs, skewed, with_zeros

SOURCE = "a network enumerated from its definition"
X: Law = ((1, (2, 2, -2)), (2, (-1, -1, 1)))
G: Law = ((1, (2, -2, 2)), (2, (-1, 1, -1)))
"""Vectors of mean zero, each component with variance 2, and as dependent as can be."""


def _linear(widths: tuple[int, ...], *weights: Law, i: int) -> Known:
    return known(Network(widths, weights, identity, X, G), i=i)


def _two_factors() -> Known:
    return Known(world=Coins(X=("first factor", ((1, 3), (2, 1))), Y=("second factor", ((1, -1), (3, 2)))))


def _forward(i: int) -> Known:
    return _linear((3, 2, 1, 1), skewed(1), signs(3), signs(1), i=i)


def _one_layer() -> Known:
    laws = (signs(1), skewed(1), signs(1))
    return known(Network((2, 2, 1, 1), laws, lambda s: s**2 + s / 2, X, biases=(skewed(0.5), skewed(2), signs(1))), i=1)


def _backward(i: int) -> Known:
    return _linear((1, 1, 2, 3), signs(1), signs(3), skewed(1), i=i)


def _weights(i: int) -> Known:
    return _linear((2, 1, 1, 3), skewed(1), signs(3), signs(2), i=i)


def _balance(first: Law, second: Law) -> Known:
    return _linear((1, 2, 1, 3), signs(2), first, second, i=1)


def _forward_condition(law: Law) -> Known:
    return _linear((3, 2, 3, 1), skewed(1), law, signs(1), i=1)


def _backward_condition(law: Law) -> Known:
    return _linear((2, 1, 1, 3), signs(2), skewed(2), law, i=1)


def _conditions(before: int, after: int, v: Fraction, **symbols: float) -> Known:
    widths, variances = {4: before, 5: after}, {("W", 4): v}

    def shared(family: str, layer: int) -> Fraction:
        return variances[family, layer]

    return Known({"i": 4, **symbols}, {"Width": widths.__getitem__, "SharedVariance": shared})


def _when(before: int, after: int, v: Fraction, holds: bool) -> Case:
    return Case(f"widths {before} and {after}, variance {v}", lambda: _conditions(before, after, v), equals=holds)


ORACLES = {
    "product-variance": Oracle(
        "E[X^2 Y^2] - E[X Y]^2 by hand",
        # E[X^2] = 11/3, E[Y^2] = 13/4, E[X] = 5/3, E[Y] = 5/4.
        (Case("two factors with two values each", _two_factors, equals=11 / 3 * 13 / 4 - (25 / 12) ** 2),),
    ),
    "forward-variance": Oracle(
        SOURCE,
        (
            Case("the input", lambda: _forward(0), equals=2),
            Case("after one layer", lambda: _forward(1), equals=2 * (3 * 2)),
            Case("after two layers", lambda: _forward(2), equals=2 * (3 * 2) * (2 * 9)),
        ),
    ),
    "one-layer-variance": Oracle(SOURCE, (Case("a layer after a curved activation function", _one_layer),)),
    "backward-variance": Oracle(
        SOURCE,
        (
            Case("two layers back", lambda: _backward(0), equals=2 * (3 * 2) * (2 * 9)),
            Case("one layer back", lambda: _backward(1), equals=2 * (3 * 2)),
            Case("at the output", lambda: _backward(2), equals=2),
        ),
    ),
    "weight-gradient-variance": Oracle(
        SOURCE,
        (
            Case("the first layer", lambda: _weights(0), equals=2 * 2 * (3 * 4) * (1 * 9)),
            Case("a layer in the middle", lambda: _weights(1), equals=2 * (2 * 2) * 2 * (3 * 4)),
            Case("the last layer", lambda: _weights(2), equals=2 * (2 * 2) * (1 * 9) * 2),
        ),
    ),
    "glorot-condition": Oracle(
        "3 v and 5 v are 1 on average; Glorot & Bengio 2010, equation 12",
        (Case("widths 3 and 5", lambda: _conditions(3, 5, Fraction(1, 4)), equals=0.25),),
    ),
    "uniform-bound": Oracle(
        "a uniform weight on [-a, a] has variance a^2/3; Glorot & Bengio 2010, equation 16",
        (Case("widths 3 and 5", lambda: _conditions(3, 5, Fraction(1, 4), a=math.sqrt(3 / 4))),),
    ),
    "forward-condition": Oracle(
        SOURCE,
        (
            Case("the fan-in times the variance is 1", lambda: _forward_condition(with_zeros(2)), equals=True),
            Case("the fan-out times the variance is 1", lambda: _forward_condition(with_zeros(4)), equals=False),
        ),
    ),
    "backward-condition": Oracle(
        SOURCE,
        (
            Case("the fan-out times the variance is 1", lambda: _backward_condition(with_zeros(4)), equals=True),
            Case("the fan-in times the variance is 1", lambda: _backward_condition(signs(1)), equals=False),
        ),
    ),
    "both-conditions": Oracle(
        "arithmetic",
        (
            _when(2, 2, Fraction(1, 2), True),
            _when(2, 3, Fraction(1, 2), False),
            _when(3, 2, Fraction(1, 2), False),
            _when(2, 2, Fraction(1, 3), False),
        ),
    ),
    "layer-gradient-balance": Oracle(
        SOURCE, (Case("two layers", lambda: _balance(skewed(1), signs(3)), equals=(3 * 9) / (2 * 2)),)
    ),
    "balance-condition": Oracle(
        SOURCE,
        (
            Case("variances 3 and 2", lambda: _balance(signs(math.sqrt(3)), skewed(1)), equals=True),
            Case("variances 2 and 2", lambda: _balance(signs(math.sqrt(2)), skewed(1)), equals=False),
            Case("variances 2 and 3", lambda: _balance(skewed(1), signs(math.sqrt(3))), equals=False),
        ),
    ),
}
