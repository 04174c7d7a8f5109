"""A residual block with LayerNorm behind the sum: its definitions, what is assumed, and its exact moments."""

from __future__ import annotations

from sympy import Expr, Integer

from derive.averages import Average
from derive.blocks import Dense, Elementwise, LayerNorm, Residual
from derive.blocks.lemmas_normalise import settling
from derive.indices import K, L, T, V
from derive.kinds import Hypothesis, Kind, Property
from derive.network import n
from derive.proof.derivation import Derivation
from derive.randomness import Family, Over
from derive.rules import Define, EqualTerms, Linearity
from derive.rules.algebra import Expand
from derive.rules.any_activation import CORRELATION
from derive.rules.given import PutIn
from derive.rules.means import Centred
from derive.rules.weights import WeightedSums
from derive.rules.wide import GaussianLimit, Q
from derive.theorems.residual_variance import ALPHA, SCALED, STREAM
from derive.theorems.signals import (
    ONE,
    OVER,
    OVER_ALL,
    TWO_SAMPLES,
    alike,
    gaussian,
    proof,
    signal,
)
from derive.words import Words

IN = signal("h", STREAM)
SUM = Residual(
    Dense(n(1), output="s"),
    Elementwise(output="a"),
    Dense(n(0), weights="U", output="r"),
    scale=ALPHA,
    output="x",
)(IN)
S, A, R, X = SUM.defined
OUT = LayerNorm()(SUM)
MU, VARIANCE, Y = OUT.defined[len(SUM.defined) :]
H = IN.family
W, UPPER = (drawn.family for drawn in OUT.drawn[1:])
CENTRED = Hypothesis(
    "post-ln-zero-mean",
    Words("The stream {} has mean zero, as LayerNorm leaves it.", H(T, K)),
    (Property(Kind.ZERO_MEAN, H),),
)


def lengths(of: Family, square: Expr, unit: Expr, over: Over = OVER) -> tuple[tuple[Expr, Expr], ...]:
    """Return the mean squares of two samples and their mean product, for one length and the correlation c."""
    one, other = of(T, unit), of(V, unit)
    moments = ((one**2, square), (other**2, square), (one * other, CORRELATION * square))
    return tuple((Average(e, over), value) for e, value in moments)


SOURCE = "Xiong et al. 2020"
NOTATION = (
    *TWO_SAMPLES,
    (CORRELATION, Words("the correlation of the two samples in the stream")),
    (Q, Words("the mean square of what goes into the activation of the branch")),
)
OF_STREAM, OF_SUMS = lengths(H, Integer(1), K), lengths(S, Q, L)
SQUARE_OF_STREAM, SQUARE_OF_SUMS = (
    lengths(of, square, unit, OVER_ALL)[:1] for of, square, unit in ((H, Integer(1), K), (S, Q, L))
)
_OF_UNITS = lengths(H, Integer(1), L)
_UNITS = alike("post-ln-stream-units", *_OF_UNITS)
ASSUMED = (SCALED, *OUT.assumed, CENTRED, settling(SUM), gaussian(S))
FORWARD = (*ASSUMED, alike("post-ln-stream", *OF_STREAM, unit=K), alike("post-ln-sums", *OF_SUMS))
BACKWARD = (
    *ASSUMED,
    alike("post-ln-stream-length", *SQUARE_OF_STREAM, unit=K),
    alike("post-ln-sums-length", *SQUARE_OF_SUMS),
)
NORMALISE = tuple(Define(family) for family in (Y, VARIANCE, MU))
ADD_UP = (Define(X), Expand(), Linearity(), Define(R), WeightedSums())


def post_ln_mean() -> Derivation:
    """E[x_tk] = 0 for the sum x of stream and branch: it is what LayerNorm takes away."""
    rules = (Define(X), Linearity(), Centred(), Define(R), WeightedSums())
    made = proof(ASSUMED, Average(X(T, K), OVER), *rules)
    return made.done("post-ln-mean", "The sum of stream and branch has mean zero", symbols=TWO_SAMPLES[:1])


def post_ln_branch() -> Derivation:
    """E[s_tk s_uk] = n_0 Var[W] c: what goes into the activation is as correlated as the stream."""
    rules = (Define(S), WeightedSums(), PutIn(_OF_UNITS), EqualTerms())
    return proof((*ASSUMED[1:], _UNITS), Average(S(T, K) * S(V, K), OVER), *rules).done(
        "post-ln-branch", "What goes into the activation of the branch", symbols=NOTATION[:3]
    )


def post_ln_sum() -> Derivation:
    """E[x_tk^2] -> 1 + alpha^2 n_1 Var[U] E[f(u)^2]: what LayerNorm divides by."""
    limit = (PutIn(OF_STREAM), Define(A), GaussianLimit(), PutIn(OF_SUMS), EqualTerms())
    return proof(FORWARD, Average(X(T, K) ** 2, OVER), *ADD_UP, *limit).done(
        "post-ln-sum", "The mean square of the sum of stream and branch", symbols=(*NOTATION, *ONE)
    )
