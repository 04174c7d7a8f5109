"""Residual blocks that normalise what goes into their branch: stream, correlation and gradient."""

from __future__ import annotations

from derive.averages import Average
from derive.blocks import Dense, Elementwise, LayerNorm, Residual, Serial
from derive.blocks.lemmas import passed_back
from derive.blocks.lemmas_normalise import settling
from derive.indices import K, L, T, V
from derive.kinds import Hypothesis, Kind, Property
from derive.network import n
from derive.proof.derivation import Derivation
from derive.rules import ContractDelta, Define, Differentiate, EqualTerms, Linearity
from derive.rules.algebra import Expand
from derive.rules.given import PutIn
from derive.rules.means import Centred
from derive.rules.self_averaging import SelfAveraging
from derive.rules.weights import CentredSquare, SplitOff, WeightedSums
from derive.rules.wide import GaussianLimit
from derive.theorems.residual_variance import ALPHA, SCALED, STREAM
from derive.theorems.signals import (
    ONE,
    OVER,
    OVER_ALL,
    PAIR,
    Q1,
    TWO_SAMPLES,
    alike,
    coming_back,
    gaussian,
    lengths,
    proof,
    signal,
)
from derive.words import Words

_IN = signal("h", STREAM)
_BLOCK = Residual(
    LayerNorm(),
    Dense(n(1), output="s"),
    Elementwise(output="a"),
    Dense(n(0), weights="U", output="r"),
    scale=ALPHA,
    output="h'",
)
_OUT = _BLOCK(_IN)
MU, VARIANCE, Y, S, A, R, NEXT = _OUT.defined
H = _IN.family
CENTRED = Hypothesis(
    "stream-zero-mean",
    Words("The stream {} has mean zero, as it is a sum of weighted sums.", H(T, K)),
    (Property(Kind.ZERO_MEAN, H),),
)
ASSUMED = (SCALED, *_OUT.assumed, settling(_IN), CENTRED)
_FORWARD_ASSUMED = (*ASSUMED, gaussian(S), alike("lengths", *lengths(S)))
_SOURCE = "Xiong et al. 2020"


def pre_ln_residual() -> Derivation:
    """E[h'_tk h'_uk] -> E[h_tk h_uk] + alpha^2 n_1 Var[U] E[f(y_1) f(y_2)], whose law does not know the length."""
    rules = (Define(NEXT), Expand(), Linearity(), Define(R), WeightedSums(), Define(A), GaussianLimit())
    ends = (PutIn(lengths(S)), EqualTerms())
    start = Average(NEXT(T, K) * NEXT(V, K), OVER)
    return proof(_FORWARD_ASSUMED, start, *rules, *ends).done(
        "pre-ln-residual",
        "A residual stream whose branches begin with LayerNorm",
        symbols=(*TWO_SAMPLES, *PAIR),
        source=_SOURCE,
        parts=(pre_ln_branch(), pre_ln_slope(), pre_ln_gradient()),
        remarks=(
            Words(
                "LayerNorm takes the length out of what the branch gets: at weights of one variance in every block the "
                "stream's mean square grows by one amount a block, and no longer by a factor. What comes back through "
                "the branch is divided by the mean square of the stream."
            ),
        ),
    )


def pre_ln_branch() -> Derivation:
    """E[s_tk s_uk] -> n_0 Var[W] E[h_tk h_uk]/(E[h_tk^2] E[h_uk^2])^(1/2)"""
    rules = (Define(S), WeightedSums(), Define(Y), Define(VARIANCE), Define(MU), SelfAveraging(L))
    ends = (Expand(), Linearity(), Linearity(), Centred())
    return proof(ASSUMED[1:], Average(S(T, K) * S(V, K), OVER), *rules, *ends).done(
        "pre-ln-branch", "What goes into the activation of the branch", symbols=TWO_SAMPLES
    )


_SUMS = signal("z", "what goes into the activation of the branch")
_UPPER = Serial(Elementwise(output="a"), Dense(n(1), weights="V", output="r"))(_SUMS)
_LOWER = Serial(LayerNorm(), Dense(n(1), output="s"))(_IN)
(_UPPER_G, _UPPER_COMING), (_LOWER_G, _LOWER_COMING) = coming_back(_UPPER, "sum"), coming_back(_LOWER)
_UPPER_SQUARE, _LOWER_SQUARE = ((Average(of(T, K) ** 2, OVER_ALL), Q1) for of in (_SUMS.family, H))
_UPPER_ASSUMED = (
    *_UPPER.assumed,
    *_UPPER_COMING,
    gaussian(_SUMS.family),
    alike("sum-length", _UPPER_SQUARE, unit=K),
)
_LOWER_ASSUMED = (*_LOWER.assumed, *_LOWER_COMING, settling(_IN), CENTRED, alike("length", _LOWER_SQUARE, unit=K))
_WEIGHTED = (WeightedSums(), SplitOff(), CentredSquare(), EqualTerms())


def pre_ln_slope() -> Derivation:
    """E[(dC/ds_k)^2] -> n_1 Var[V] E[f'(u)^2] Var[g] for the gradients g at the n_1 units that the branch ends in."""
    start = Average(passed_back(_UPPER, _UPPER_G, _SUMS.family(T, K), T) ** 2, OVER_ALL)
    back = (*(Define(family) for family in _UPPER.defined[::-1]), Differentiate(), ContractDelta())
    return proof(
        _UPPER_ASSUMED, start, *back, *_WEIGHTED, GaussianLimit(), PutIn((_UPPER_SQUARE,)), over=OVER_ALL
    ).done(
        "pre-ln-slope", "The gradient at what goes into the activation of the branch", symbols=(*TWO_SAMPLES[:1], *ONE)
    )


def pre_ln_gradient() -> Derivation:
    """E[(dC/dh_k)^2] -> n_1 Var[W] Var[g]/q_1 through the branch, for the gradients g at the n_1 weighted sums."""
    start = Average(passed_back(_LOWER, _LOWER_G, H(T, K), T) ** 2, OVER_ALL)
    back = (*(Define(family) for family in _LOWER.defined[::-1]), SelfAveraging(), Differentiate(), ContractDelta())
    moments = (Expand(), Linearity(), Centred(), PutIn((_LOWER_SQUARE,)))
    ends = (WeightedSums(), Linearity(), CentredSquare(), EqualTerms())
    return proof(_LOWER_ASSUMED, start, *back, *moments, *ends, over=OVER_ALL).done(
        "pre-ln-gradient", "What comes back through a branch that begins with LayerNorm", symbols=TWO_SAMPLES[:1]
    )
