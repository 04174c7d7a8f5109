"""A residual block that normalises what goes into its branch: its definitions, stream, and gradients."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Integer, Sum

from derive.averages import Average, SharedVariance
from derive.blocks import Dense, Elementwise, LayerNorm, Residual, Serial
from derive.blocks.lemmas import passed_back
from derive.blocks.lemmas_normalise import settling
from derive.hypotheses import MadeHypothesis
from derive.indices import J, K, L, T, V
from derive.kinds import Hypothesis, Kind, Property
from derive.network import Partial, n
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule
from derive.randomness import Family
from derive.rules import ContractDelta, Define, Differentiate, EqualTerms, Linearity
from derive.rules.algebra import Expand, FactorOut
from derive.rules.any_activation import CORRELATION
from derive.rules.given import PutIn
from derive.rules.means import Centred
from derive.rules.self_averaging import SelfAveraging
from derive.rules.weights import CentredSquare, SplitOff, WeightedSums
from derive.rules.wide import GaussianLimit, Q
from derive.theorems.branch_gradients import COMING, COMING_BACK, as_derived, of_unit_stream, on_both_ways, together
from derive.theorems.residual_variance import ALPHA, SCALED, STREAM
from derive.theorems.signals import (
    ONE,
    OVER,
    OVER_ALL,
    Q1,
    TWO_SAMPLES,
    alike,
    coming_back,
    gaussian,
    proof,
    signal,
)
from derive.words import Words

_IN = signal("h", STREAM)
_BRANCH = (LayerNorm(), Dense(n(1), output="s"), Elementwise(output="a"), Dense(n(0), weights="U", output="r"))
_OUT = Residual(*_BRANCH, scale=ALPHA, output="h'")(_IN)
MU, VARIANCE, Y, S, A, R, NEXT = _OUT.defined
H = _IN.family
W, UPPER = (drawn.family for drawn in _OUT.drawn[1:])
CENTRED = Hypothesis(
    "stream-zero-mean",
    Words("The stream {} has mean zero, as it is a sum of weighted sums.", H(T, K)),
    (Property(Kind.ZERO_MEAN, H),),
)
NOTATION = (
    *TWO_SAMPLES,
    (CORRELATION, Words("the correlation of the two samples in the stream")),
    (Q, Words("the mean square of what goes into the activation of the branch")),
    (Q1, Words("the mean square of the stream in front of the block")),
)
_ONE_SAMPLE = (NOTATION[0], *NOTATION[3:])


def _moments(of: Family, square: Expr, unit: Expr) -> tuple[tuple[Expr, Expr], ...]:
    """Return the mean squares of two samples and their mean product, for one length and the correlation c."""
    one, other = of(T, unit), of(V, unit)
    moments = ((one**2, square), (other**2, square), (one * other, CORRELATION * square))
    return tuple((Average(e, OVER), value) for e, value in moments)


_SUMS, _STREAM = _moments(S, Q, L), _moments(H, Q1, L)
_SUM_LENGTH, _LENGTH = ((Average(e**2, OVER_ALL), square) for e, square in ((S(T, L), Q), (H(T, K), Q1)))
_STREAM_ALIKE = alike("pre-ln-stream", *_STREAM)
ASSUMED = (SCALED, *_OUT.assumed, settling(_IN), CENTRED, gaussian(S))
FORWARD = (*ASSUMED, alike("pre-ln-sums", *_SUMS))
_BACKWARD = (*ASSUMED, alike("sum-length", _SUM_LENGTH), alike("length", _LENGTH, unit=K))


_ADD_UP = (Define(NEXT), Expand(), Linearity(), Define(R), WeightedSums(), Define(A))
FORWARD_RULES: tuple[Rule, ...] = (*_ADD_UP, GaussianLimit(), PutIn(_SUMS), EqualTerms())


def pre_ln_square() -> Derivation:
    """E[h'_tk^2] -> E[h_tk^2] + alpha^2 n_1 Var[U] E[f(u)^2]"""
    return proof(FORWARD, Average(NEXT(T, K) ** 2, OVER), *FORWARD_RULES).done(
        "pre-ln-square", "The mean square of the stream grows by one amount", symbols=(*NOTATION[:4], *ONE)
    )


def pre_ln_branch() -> Derivation:
    """E[s_tk s_uk] -> n_0 Var[W] c, for the correlation c in the stream: its length does not matter."""
    rules = (Define(S), WeightedSums(), Define(Y), Define(VARIANCE), Define(MU), SelfAveraging(L))
    ends = (Expand(), Linearity(), Linearity(), Centred(), PutIn(_STREAM), EqualTerms())
    return proof((*ASSUMED[1:], _STREAM_ALIKE), Average(S(T, K) * S(V, K), OVER), *rules, *ends).done(
        "pre-ln-branch", "What goes into the activation of the branch", symbols=(*NOTATION[:3], NOTATION[-1])
    )


# ---- backward

_AT_END, _END_COMING = coming_back(_OUT)
_AT_SUMS, _SUMS_COMING = coming_back(Serial(*_BRANCH[:2])(_IN), "sum", "e")
_TOGETHER = together("pre-ln-gradients-together", W, _AT_END, _AT_SUMS, H)


def pre_ln_slope() -> Derivation:
    """E[(dC/ds_l)^2] -> alpha^2 n_0 Var[U] E[f'(u)^2] Var[g] for the gradients g behind the block."""
    start = Average(passed_back(_OUT, _AT_END, S(T, L), T) ** 2, OVER_ALL)
    back = (*(Define(family) for family in (NEXT, R, A)), Differentiate(), ContractDelta(), WeightedSums())
    rules = (*back, SplitOff(), CentredSquare(), EqualTerms(), Linearity(), GaussianLimit(), PutIn((_SUM_LENGTH,)))
    return proof((*_BACKWARD, *_END_COMING), start, *rules, over=OVER_ALL).done(
        "pre-ln-slope", "The gradient at what goes into the activation of the branch", symbols=(*_ONE_SAMPLE[:2], *ONE)
    )


def pre_ln_gradient() -> Derivation:
    """E[(dC/dh_k)^2] -> Var[g] + n_1 Var[W] Var[e]/q_1 for the gradients g behind the block, e in the branch."""
    start = on_both_ways((_AT_END, H), (_AT_SUMS, S), H(T, K))
    back = (*(Define(family) for family in (S, Y, VARIANCE, MU)), SelfAveraging(), Differentiate(), ContractDelta())
    moments = (Expand(), Linearity(), Linearity(), Centred(), PutIn((_LENGTH,)), WeightedSums())
    assumed = (*_BACKWARD[1:], *_END_COMING, *_SUMS_COMING, _TOGETHER)
    return proof(assumed, start, *back, *moments, Linearity(), CentredSquare(), EqualTerms(), over=OVER_ALL).done(
        "pre-ln-gradient", "What comes back beside the branch, and through it", symbols=(_ONE_SAMPLE[0], _ONE_SAMPLE[2])
    )


@lru_cache(maxsize=1)
def _behind() -> tuple[Hypothesis, tuple[tuple[Expr, Expr], ...]]:
    """Return what comes back to the branch, by the parts before, and the variance of the weights."""
    at_end, at_sums = SharedVariance(_AT_END), SharedVariance(_AT_SUMS)
    weights = of_unit_stream(Q, W, pre_ln_branch().result.subs(CORRELATION, 1))
    values = (at_end, COMING), (at_sums, pre_ln_slope().result.subs(at_end, COMING)), weights
    return as_derived("pre-ln-behind", values), values


MADE_HYPOTHESES = (
    MadeHypothesis(
        "pre-ln-behind",
        Words("What comes back to the activation of the branch is as the parts derive it."),
        "",
        lambda: _behind()[0],
    ),
)
"""Hypotheses of this file that rest on what a part derives."""


@lru_cache(maxsize=1)
def pre_ln_block() -> Derivation:
    """E[(dC/dh_k)^2] -> G (1 + alpha^2 n_1 Var[U] q E[f'(u)^2]/q_1)"""
    through, (hypothesis, values) = pre_ln_gradient(), _behind()
    again = Proof(through.setting.assuming(SCALED, hypothesis), through.statement.lhs)
    again.by(*(step.rule for step in through.steps), PutIn(values), FactorOut(COMING))
    return again.done("pre-ln-block", "The squared gradient one block back", symbols=(*_ONE_SAMPLE, *ONE, COMING_BACK))


def pre_ln_weights() -> Derivation:
    """E[(dC/dU_lk)^2] -> alpha^2 E[f(u)^2] Var[g]: the law of the activations is the same in every block."""
    cost = Sum(_AT_END(J) * NEXT(T, J), (J, Integer(1), n(0)))
    back = (*(Define(family) for family in (NEXT, R)), Differentiate(), ContractDelta())
    rules = (*back, SplitOff(), CentredSquare(), Define(A), Linearity(), GaussianLimit(), PutIn((_SUM_LENGTH,)))
    start = Average(Partial(cost, UPPER(L, K)) ** 2, OVER_ALL)
    return proof((*_BACKWARD, *_END_COMING), start, *rules, over=OVER_ALL).done(
        "pre-ln-weights", "The gradient of the last weights of a branch", symbols=(*_ONE_SAMPLE[:2], *ONE)
    )
