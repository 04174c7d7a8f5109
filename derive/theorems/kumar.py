"""The variance of the weights for any activation differentiable at zero (Kumar 2017)."""

from __future__ import annotations

from sympy import Eq, Rational, symbols

from derive.averages import Average
from derive.hypotheses import FINITE_MOMENTS, Hypothesis, Kind, Property
from derive.kinds import definition
from derive.network import AT_ZERO, SLOPE_AT_ZERO, f
from derive.proof.derivation import Derivation, Proof
from derive.rules import Centred, Expand, Linearity, Solve
from derive.rules.definitions import ARGUMENT, TO_FIRST_ORDER, FirstOrder
from derive.rules.given import PutIn, Rename
from derive.setting import Setting
from derive.theorems.network_variance import OVER_Y, Y
from derive.words import Words

FAN_IN, VARIANCE, Q = symbols("N v^2 q", positive=True)
_SQUARE = Average(f(Y()) ** 2, OVER_Y)
SAME_SQUARE = Eq(FAN_IN * VARIANCE * _SQUARE, Q, evaluate=False)

FIRST_ORDER = Hypothesis(
    "first-order",
    Words(
        "The activation function is differentiable at zero, and is taken to first order there: {}. What is dropped is "
        "of second order in the pre-activation.",
        TO_FIRST_ORDER,
    ),
    (Property(Kind.REGIME),),
    exact=False,
    source="Kumar 2017, section 3",
    for_all=(ARGUMENT,),
)
CENTRED = Hypothesis(
    "centred-pre-activation",
    Words("The pre-activation {} has mean zero.", Y()),
    (Property(Kind.ZERO_MEAN, Y),),
    source="Kumar 2017, section 3 (weights of mean zero)",
)
NAMED = definition(
    "mean-square",
    Words("{} is the mean square of the pre-activation: {}.", Q, Eq(Q, Average(Y() ** 2, OVER_Y))),
)
KEPT = Hypothesis(
    "kept",
    Words("The next pre-activation has the same mean square: {}.", SAME_SQUARE),
    (),
    source="Kumar 2017, section 2",
)
UNIT = Hypothesis(
    "unit-activations",
    Words("The activations have variance one: {}.", Eq(SLOPE_AT_ZERO**2 * Q, 1, evaluate=False)),
    (),
    source="Kumar 2017, section 3",
)


def kumar_2017() -> Derivation:
    """v^2 = 1/(N f'(0)^2 (1 + f(0)^2))."""
    hypotheses = (FIRST_ORDER, CENTRED, NAMED, FINITE_MOMENTS)
    square = Proof(Setting(hypotheses, over=OVER_Y), _SQUARE)
    square.by(FirstOrder(), Expand(), Linearity(), Centred(), Rename((Q,)))
    lemma = square.done("first-order-square", "The mean square of an activation, to first order")
    proof = Proof(Setting((*hypotheses, KEPT, UNIT), over=OVER_Y), VARIANCE)
    proof.by(Solve(VARIANCE, SAME_SQUARE, lemma), PutIn(((Q, 1 / SLOPE_AT_ZERO**2),)))
    return proof.done(
        "kumar-2017",
        "The variance of the weights for any differentiable activation",
        source="Kumar 2017, On weight initialization in deep neural networks, equation 14",
        remarks=(
            Words("For a sigmoid, {} and {}, the deviation is about 3.6 over the root of the fan-in.", *_SIGMOID),
        ),
    )


_SIGMOID = (Eq(AT_ZERO, Rational(1, 2)), Eq(SLOPE_AT_ZERO, Rational(1, 4)))
