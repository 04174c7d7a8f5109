"""Residual streams, h' = h + alpha r: mean, mean square and covariance forward, the gradient back."""

from __future__ import annotations

from sympy import Function, Symbol

from derive.averages import Average, SharedVariance
from derive.blocks import Dense, Elementwise, Residual, layers, network_input
from derive.blocks.lemmas import passed_back
from derive.indices import K, T, V
from derive.kinds import Hypothesis, Kind, Property, definition
from derive.layers import Facts, d, i
from derive.network import GAIN, n
from derive.proof.derivation import Derivation
from derive.randomness import NETWORKS
from derive.rules import ContractDelta, Define, Differentiate, EqualTerms, Linearity, PullOut
from derive.rules.algebra import Expand, TakeOut
from derive.rules.given import PutIn, Rename
from derive.rules.one_of_many import OneOfMany
from derive.rules.weights import CentredSquare, SplitOff, WeightedSums
from derive.rules.wide import GaussianLimit
from derive.theorems.signals import (
    GAINS,
    ONE,
    OVER,
    OVER_ALL,
    PAIR,
    Q1,
    TWO_SAMPLES,
    alike,
    coming_back,
    gain_defined,
    gaussian,
    lengths,
    proof,
    signal,
)
from derive.words import Words

ALPHA = Symbol("alpha", real=True)
SCALED = definition("branch-scale", Words("{} is the factor of the branch, a constant.", ALPHA))
SCALES = Function("alpha", real=True)
SCALED_BY_LAYER = definition(
    "branch-scales", Words("{} is the factor of the branch of block {}, a constant.", SCALES(i), i)
)
STREAM = "the residual stream"

_IN = signal("h", STREAM)
_BLOCK = Residual(Elementwise(output="a"), Dense(n(0), output="r"), scale=ALPHA, output="h'")
_OUT = _BLOCK(_IN)
A, R, NEXT = _OUT.defined
H, (W,) = _IN.family, (drawn.family for drawn in _OUT.drawn[1:])
ASSUMED = (SCALED, *_OUT.assumed)
WIDE = (gaussian(H), alike("lengths", *lengths(H)), *gain_defined(W))
_PRODUCT = Average(NEXT(T, K) * NEXT(V, K), OVER)
FORWARD = (Define(NEXT), Expand(), Linearity(), Define(R), WeightedSums())
_SOURCE = "Yang & Schoenholz 2017 (mean field residual networks)"


def residual_variance() -> Derivation:
    """E[h'_tk h'_uk] = E[h_tk h_uk] + alpha^2 Var[W] sum_l E[a_tl a_ul] with a = f(h): exact at every width."""
    return proof(ASSUMED, _PRODUCT, *FORWARD).done(
        "residual-variance",
        "The residual stream behind a branch that ends in its weights",
        symbols=TWO_SAMPLES,
        source=_SOURCE,
        parts=(
            residual_mean(),
            residual_map(),
            residual_gradient(),
            residual_of_layers(),
            ending_mean(),
            ending_map(),
            ending_gradient(),
        ),
        remarks=(
            Words(
                "With one sample, {} equal to {}, it is the mean square. The mean stays, so that the covariance over "
                "networks and the variance grow by the same.",
                V,
                T,
            ),
        ),
    )


def residual_mean() -> Derivation:
    """E[h'_tk] = E[h_tk]: a branch that ends in its weights has mean zero."""
    made = proof(ASSUMED, Average(NEXT(T, K), OVER), Define(NEXT), Linearity(), Define(R), WeightedSums())
    return made.done("residual-mean", "The mean of the stream stays", symbols=TWO_SAMPLES)


def residual_map() -> Derivation:
    """E[h'_tk h'_uk] -> E[h_tk h_uk] + alpha^2 sigma_w^2 E[f(y_1) f(y_2)] for a Gaussian stream."""
    limit = (Define(A), GaussianLimit(), PutIn(lengths(H)), EqualTerms(), Rename((GAIN,)))
    return proof((*ASSUMED, *WIDE), _PRODUCT, *FORWARD, *limit).done(
        "residual-map",
        "One residual block of a wide network",
        symbols=(*TWO_SAMPLES, *PAIR, *GAINS[:1]),
        source=_SOURCE,
    )


_G, _COMING = coming_back(_OUT)
_GRADIENT = Average(passed_back(_OUT, _G, H(T, K), T) ** 2, OVER_ALL)
_SQUARE = (Average(H(T, K) ** 2, OVER_ALL), Q1)
_ONE_LENGTH = alike("length", _SQUARE, unit=K)
_BACKWARD = (
    *(Define(family) for family in _OUT.defined[::-1]),
    Differentiate(),
    ContractDelta(),
    Expand(),
    ContractDelta(),
    Linearity(),
    WeightedSums(),
    SplitOff(),
    Linearity(),
    CentredSquare(),
    EqualTerms(),
    TakeOut(SharedVariance(_G)),
)


def residual_gradient() -> Derivation:
    """E[(dC/dh_k)^2] = (1 + alpha^2 n_0 Var[W] E[f'(h_k)^2]) Var[g], the gradients of the block's output being g."""
    made = proof((*ASSUMED, *_COMING), _GRADIENT, *_BACKWARD, over=OVER_ALL)
    return made.done(
        "residual-gradient",
        "The gradient in front of a residual block",
        symbols=TWO_SAMPLES[:1],
        source=_SOURCE,
        parts=(residual_gradient_map(),),
    )


def residual_gradient_map() -> Derivation:
    """E[(dC/dh_k)^2] -> (1 + alpha^2 sigma_w^2 E[f'(u)^2]) Var[g] for a Gaussian stream."""
    rules = (*_BACKWARD, GaussianLimit(), PutIn((_SQUARE,)), Rename((GAIN,)))
    return proof((*ASSUMED, *_COMING, *WIDE, _ONE_LENGTH), _GRADIENT, *rules, over=OVER_ALL).done(
        "residual-gradient-map",
        "The gradient one residual block back, in a wide network",
        symbols=(*TWO_SAMPLES[:1], *ONE, *GAINS[:1]),
        source=_SOURCE,
    )


_ENDING = Residual(Dense(n(0), weights="V", output="r"), Elementwise(output="a"), scale=ALPHA, output="h'")
_END = _ENDING(_IN)
SUM, END_A, END_NEXT = _END.defined
END_DRAWN = _END.drawn[1:]
END_ASSUMED = (SCALED, *_END.assumed)
_END_WIDE = (gaussian(SUM), alike("branch-lengths", *lengths(SUM, K), unit=K))


def ending_mean() -> Derivation:
    """E[h'_tk] -> E[h_tk] + alpha E[f(u)]: the mean of a branch that ends in its activation does not vanish."""
    rules = (Define(END_NEXT), Linearity(), Define(END_A), GaussianLimit(), PutIn(lengths(SUM, K)[:1]))
    return proof((*END_ASSUMED, *_END_WIDE), Average(END_NEXT(T, K), OVER), *rules).done(
        "ending-activation-mean",
        "The mean of the stream behind a branch that ends in its activation",
        symbols=(*TWO_SAMPLES, *ONE),
    )


def ending_map() -> Derivation:
    """E[h'_t h'_u] -> E[h_t h_u] + alpha (E[h_t] E[f(u_2)] + E[h_u] E[f(u_1)]) + alpha^2 E[f(y_1) f(y_2)]."""
    rules = (
        Define(END_NEXT),
        Expand(),
        Linearity(),
        Define(END_A),
        OneOfMany(),
        GaussianLimit(),
        PutIn(lengths(SUM, K)),
    )
    made = proof((*END_ASSUMED, *_END_WIDE), Average(END_NEXT(T, K) * END_NEXT(V, K), OVER), *rules)
    return made.done(
        "ending-activation-map",
        "The stream behind a branch that ends in its activation",
        symbols=(*TWO_SAMPLES, *ONE, *PAIR),
        source=_SOURCE,
    )


_END_G, _END_COMING = coming_back(_END, "ending-gradient")
ENDING_GRADIENT = Hypothesis(
    "ending-gradient-entries",
    Words("The gradients {} that come back to different units are independent of each other.", _END_G(K)),
    (Property(Kind.ENTRIES_INDEPENDENT, _END_G),),
    exact=False,
)


def ending_gradient() -> Derivation:
    """E[(dC/dh_k)^2] = (1 + 2 alpha E[V_kk f'(r_k)] + alpha^2 sum_j E[V_kj^2 f'(r_j)^2]) Var[g], at every width."""
    start = Average(passed_back(_END, _END_G, H(T, K), T) ** 2, OVER_ALL)
    rules = (*(Define(family) for family in _END.defined[::-1]), Differentiate(), ContractDelta(), WeightedSums())
    ends = (Expand(), Linearity(), Expand(), ContractDelta(), PullOut(), TakeOut(SharedVariance(_END_G)))
    made = proof((*END_ASSUMED, *_END_COMING, ENDING_GRADIENT), start, *rules, *ends, over=OVER_ALL)
    return made.done(
        "ending-activation-gradient",
        "The gradient in front of a branch that ends in its activation",
        symbols=TWO_SAMPLES[:1],
        remarks=(
            Words(
                "The middle term is what comes back along the branch and beside it together: a unit's slope depends on "
                "the weights into it. One of {} weights does little to it, so that a prediction for wide layers leaves "
                "the term out; in a stream of few units it adds up, block by block.",
                n(0),
            ),
        ),
    )


_LAYERS = layers(
    Residual(Elementwise(output="a"), Dense(n(0), output="r"), scale=SCALES(i), output="h'"),
    network_input(n(0), samples=2),
    "h",
    meaning=STREAM,
)


def residual_of_layers() -> Derivation:
    """E[h^{i+1}_tk h^{i+1}_uk] = E[h^i_tk h^i_uk] + alpha_i^2 Var[W^i] sum_l E[a^i_tl a^i_ul] in every block."""
    h, r = _LAYERS.family, next(f for f in _LAYERS.defined if f.name == "r")
    start = Average(h(i + 1, T, K) * h(i + 1, V, K), NETWORKS)
    rules = (Define(h), Expand(), Linearity(), Define(r), WeightedSums())
    return proof((SCALED_BY_LAYER, *_LAYERS.assumed), start, *rules, over=NETWORKS, facts=Facts((i, d - 1 - i))).done(
        "residual-of-layers", "Block by block, for two given inputs", symbols=TWO_SAMPLES
    )
