"""Residual blocks with LayerNorm behind the sum: correlation and gradient, block by block and in depth."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Integer, Sum

from derive.averages import Average, SharedVariance
from derive.blocks import Dense, LayerNorm
from derive.blocks.lemmas import passed_back
from derive.blocks.lemmas_normalise import settling
from derive.hypotheses import MadeHypothesis
from derive.indices import J, K, L, T, V
from derive.kinds import Hypothesis, Kind, Property
from derive.network import Partial, n
from derive.proof.derivation import Derivation, Proof
from derive.rules import ByLemma, ContractDelta, Define, Differentiate, EqualTerms, Linearity
from derive.rules.algebra import Expand, FactorOut
from derive.rules.any_activation import CORRELATION
from derive.rules.depth import EqualFactors, Unroll
from derive.rules.given import PutIn
from derive.rules.means import Centred
from derive.rules.self_averaging import SelfAveraging
from derive.rules.weights import CentredSquare, SplitOff, WeightedSums
from derive.rules.wide import ByClosedForm, GaussianLimit, Q
from derive.setting import Setting
from derive.theorems.branch_gradients import (
    COMING,
    COMING_BACK,
    GRADIENT,
    as_derived,
    equal,
    of_unit_stream,
    on_both_ways,
    together,
    with_leaky_relu,
)
from derive.theorems.edge_of_chaos import LAYER
from derive.theorems.meanings import RECTIFIER_NOTATION
from derive.theorems.post_ln_block import (
    ADD_UP,
    ASSUMED,
    BACKWARD,
    FORWARD,
    IN,
    NORMALISE,
    NOTATION,
    OF_STREAM,
    OF_SUMS,
    SOURCE,
    SQUARE_OF_SUMS,
    SUM,
    UPPER,
    A,
    H,
    R,
    S,
    W,
    X,
    Y,
    post_ln_branch,
    post_ln_mean,
    post_ln_sum,
)
from derive.theorems.residual_depth import DEPTH
from derive.theorems.residual_variance import ALPHA, SCALED
from derive.theorems.signals import (
    ONE,
    OVER,
    OVER_ALL,
    PAIR,
    Q1,
    alike,
    coming_back,
    proof,
    signal,
)
from derive.words import Words

# ---- backward: through LayerNorm, to the activation of the branch, and to the stream

_AT_SUM, _SUM_COMING = coming_back(SUM, "post-ln-sum")
_AT_SUMS, _SUMS_COMING = coming_back(Dense(n(1), output="s")(IN), "post-ln-sums", "e")
_TOGETHER = together("post-ln-gradients-together", W, _AT_SUM, _AT_SUMS, H)
_GRADIENTS = (*NOTATION[:1], *NOTATION[-1:], *ONE)


_ANY = signal("x", "what is normalised")
_NORMALISED = LayerNorm()(_ANY)
_BEHIND, _BEHIND_COMING = coming_back(_NORMALISED, "post-ln-output")
_LENGTH = (Average(_ANY.family(T, K) ** 2, OVER_ALL), Q1)
_ANY_ASSUMED = (
    *_BEHIND_COMING,
    settling(_ANY, "post-ln-settling"),
    Hypothesis(
        "post-ln-normalised-zero-mean",
        Words("What is normalised, {}, has mean zero.", _ANY.family(T, K)),
        (Property(Kind.ZERO_MEAN, _ANY.family),),
    ),
    alike("post-ln-normalised-length", _LENGTH, unit=K),
)


def post_ln_normalised() -> Derivation:
    """E[(dC/dx_k)^2] -> Var[g]/q_1 through LayerNorm, for the gradients g behind it and E[x_k^2] = q_1."""
    start = Average(passed_back(_NORMALISED, _BEHIND, _ANY.family(T, K), T) ** 2, OVER_ALL)
    put_in = (Define(family) for family in _NORMALISED.defined[::-1])
    back = (*put_in, SelfAveraging(), Differentiate(), ContractDelta(), Expand(), Linearity(), Centred())
    return proof(_ANY_ASSUMED, start, *back, PutIn((_LENGTH,)), CentredSquare(), over=OVER_ALL).done(
        "post-ln-normalised",
        "The gradient in front of LayerNorm",
        symbols=(*NOTATION[:1], (Q1, Words("the mean square of what is normalised"))),
    )


def post_ln_slope() -> Derivation:
    """E[(dC/ds_k)^2] -> alpha^2 n_0 Var[U] E[f'(u)^2] Var[g] for the gradients g at the sum of stream and branch."""
    start = Average(passed_back(SUM, _AT_SUM, S(T, L), T) ** 2, OVER_ALL)
    back = (*(Define(family) for family in (X, R, A)), Differentiate(), ContractDelta(), WeightedSums())
    rules = (*back, SplitOff(), CentredSquare(), EqualTerms(), Linearity(), GaussianLimit(), PutIn(SQUARE_OF_SUMS))
    return proof((*BACKWARD, *_SUM_COMING), start, *rules, over=OVER_ALL).done(
        "post-ln-slope", "The gradient at what goes into the activation of the branch", symbols=_GRADIENTS
    )


def _stream() -> Proof:
    back = (Define(S), Differentiate(), ContractDelta(), Expand(), Linearity(), WeightedSums())
    assumed = (*ASSUMED[1:], *_SUM_COMING, *_SUMS_COMING, _TOGETHER)
    start = on_both_ways((_AT_SUM, H), (_AT_SUMS, S), H(T, K))
    return proof(assumed, start, *back, CentredSquare(), EqualTerms(), over=OVER_ALL)


def post_ln_stream() -> Derivation:
    """E[(dC/dh_k)^2] = Var[g] + n_1 Var[W] Var[e] for the gradients g at the sum, and e in front of the activation."""
    return _stream().done("post-ln-stream", "The gradient in front of the block", symbols=NOTATION[:1])


@lru_cache(maxsize=1)
def _behind() -> tuple[Hypothesis, tuple[tuple[Expr, Expr], ...]]:
    """Return what comes back to the sum and to the activation, by the parts before, and the variance of the weights."""
    behind, at_sum, at_sums = (SharedVariance(g) for g in (_BEHIND, _AT_SUM, _AT_SUMS))
    first = post_ln_normalised().result.subs({behind: COMING, Q1: post_ln_sum().result})
    second = post_ln_slope().result.subs(at_sum, first)
    weights = of_unit_stream(Q, W, post_ln_branch().result.subs(CORRELATION, 1))
    values = (at_sum, first), (at_sums, second), weights
    return as_derived("post-ln-behind", values), values


@lru_cache(maxsize=1)
def post_ln_gradient() -> Derivation:
    """E[(dC/dh_k)^2] = G (1 + alpha^2 n_1 Var[U] q E[f'(u)^2])/(1 + alpha^2 n_1 Var[U] E[f(u)^2])"""
    stream, (hypothesis, values) = post_ln_stream(), _behind()
    again = Proof(stream.setting.assuming(SCALED, hypothesis), stream.statement.lhs)
    again.by(*(step.rule for step in stream.steps), PutIn(values), FactorOut(COMING))
    return again.done(
        "post-ln-gradient",
        "The squared gradient one block back",
        symbols=(*_GRADIENTS, COMING_BACK),
        source=SOURCE,
    )


def _factor() -> Expr:
    return post_ln_gradient().result / COMING


def post_ln_rectifier() -> Derivation:
    """1: the factor of the squared gradient a block for leaky ReLU, whatever alpha and the variances are."""
    proof = Proof(Setting(()), with_leaky_relu(_factor()))
    return proof.by(ByClosedForm()).done(
        "post-ln-rectifier",
        "Leaky ReLU: what LayerNorm divides by is what the branch multiplies with",
        symbols=(*RECTIFIER_NOTATION, *_GRADIENTS[1:]),
    )


def post_ln_weights() -> Derivation:
    """E[(dC/dU_lk)^2] -> alpha^2 E[f(u)^2] Var[g]: the law of the activations is the same in every block."""
    cost = Sum(_AT_SUM(J) * X(T, J), (J, Integer(1), n(0)))
    back = (*(Define(family) for family in (X, R)), Differentiate(), ContractDelta())
    rules = (*back, SplitOff(), CentredSquare(), Define(A), Linearity(), GaussianLimit(), PutIn(SQUARE_OF_SUMS))
    start = Average(Partial(cost, UPPER(L, K)) ** 2, OVER_ALL)
    return proof((*BACKWARD, *_SUM_COMING), start, *rules, over=OVER_ALL).done(
        "post-ln-weights", "The gradient of the last weights of a branch", symbols=_GRADIENTS
    )


def _blocks() -> tuple[Hypothesis, Expr]:
    """Return the recursion of the gradient, and its factor as the parts derive it."""
    factor = _factor()
    words = Words(
        "All blocks have weights of the same variances: {} in every one.",
        equal(GRADIENT(LAYER + 1), factor * GRADIENT(LAYER)),
    )
    return Hypothesis("post-ln-blocks", words, (), exact=False, for_all=(LAYER,)), factor


MADE_HYPOTHESES = (
    MadeHypothesis(
        "post-ln-behind",
        Words("What comes back to the sum and to the activation of the branch is as the parts derive it."),
        "",
        lambda: _behind()[0],
    ),
    MadeHypothesis(
        "post-ln-blocks",
        Words("All blocks have weights of the same variances, and multiply the squared gradient by what they derive."),
        "",
        lambda: _blocks()[0],
    ),
)
"""Hypotheses of this file that rest on what a part derives."""


def post_ln_depth() -> Derivation:
    """G(L) = chi^L G(0), L blocks before the end, with chi the factor of one block."""
    recursion, factor = _blocks()
    made = Proof(Setting((recursion,)), GRADIENT(DEPTH)).by(Unroll(factor, LAYER), EqualFactors())
    return made.done(
        "post-ln-depth",
        "The squared gradient through many blocks",
        symbols=(
            *_GRADIENTS[1:],
            (GRADIENT(LAYER), Words("the mean square of the gradient {} blocks before the end", LAYER)),
            (DEPTH, Words("a number of blocks")),
        ),
    )


def post_ln_residual() -> Derivation:
    """C(c) -> (c + alpha^2 n_1 Var[U] E[f(y_1) f(y_2)])/(1 + alpha^2 n_1 Var[U] E[f(u)^2]), a stream of length one."""
    centred = (SelfAveraging(), Expand(), Linearity(), Linearity(), ByLemma(post_ln_mean()))
    limit = (PutIn(OF_STREAM), Define(A), GaussianLimit(), PutIn(OF_SUMS), EqualTerms())
    start = Average(Y(T, K) * Y(V, K), OVER)
    return proof(FORWARD, start, *NORMALISE, *centred, *ADD_UP, *limit).done(
        "post-ln-residual",
        "The correlation of two samples through a residual block with LayerNorm behind the sum",
        symbols=(*NOTATION, *PAIR, *ONE),
        source=SOURCE,
        parts=(
            post_ln_mean(),
            post_ln_branch(),
            post_ln_sum(),
            post_ln_normalised(),
            post_ln_slope(),
            post_ln_stream(),
            post_ln_gradient(),
            post_ln_rectifier(),
            post_ln_weights(),
            post_ln_depth(),
        ),
        remarks=(
            Words(
                "Backward, LayerNorm divides the mean square of the gradient by the mean square of the sum, and the "
                "branch beside the stream multiplies it. For leaky ReLU both are the same number, whatever the "
                "variances of the weights and {} are: gradients neither grow nor fall, and the last weights of all "
                "branches have gradients of one size.",
                ALPHA,
            ),
        ),
    )
