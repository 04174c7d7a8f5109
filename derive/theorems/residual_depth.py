"""How a residual stream grows with its depth, and which sum over the factors of its branches must be finite."""

from __future__ import annotations

from sympy import Eq, Function, Integer, LessThan, Sum, Symbol, sqrt, symbols

from derive.averages import Average, SharedVariance
from derive.hypotheses import RECTIFIER, Hypothesis
from derive.indices import K, L, T
from derive.kinds import definition
from derive.network import GAIN, SLOPE, n
from derive.proof.derivation import Derivation, Proof
from derive.rules import ByLemma, Define, EqualTerms, Linearity, PullOut
from derive.rules.algebra import CollectIn, TakeOut
from derive.rules.bounds import MeanBelowRoot, Minkowski, RectifierContracts
from derive.rules.depth import (
    INDEX,
    EqualFactors,
    ExponentialBound,
    PowerLimit,
    ProductOfExponentials,
    RollUp,
    SumBelowProduct,
    Unroll,
    UnrollBound,
)
from derive.rules.given import PutIn
from derive.rules.rectifier import DefineRectifier
from derive.rules.weights import WeightedSums
from derive.rules.wide import ByClosedForm, GaussianLimit
from derive.setting import Setting
from derive.theorems.edge_of_chaos import LAYER
from derive.theorems.meanings import RECTIFIER_NOTATION
from derive.theorems.residual_variance import (
    ASSUMED,
    END_A,
    END_ASSUMED,
    END_DRAWN,
    END_NEXT,
    FORWARD,
    NEXT,
    SUM,
    WIDE,
    A,
    H,
    W,
)
from derive.theorems.signals import GAINS, OVER, Q1, TWO_SAMPLES, gain_defined, gaussian, proof
from derive.words import Words

DEPTH = Symbol("L", integer=True, positive=True)
C, LEAST = symbols("c c'", positive=True)
LENGTH = Function("q", positive=True)
ROOT = Function("rho", positive=True)
MEAN = Function("m", positive=True)
FACTOR = Function("alpha", nonnegative=True)
_GROWTH = 1 + FACTOR(LAYER) ** 2
RECURSION = Hypothesis(
    "he-branches",
    Words(
        "The layers are wide, and the branches end in weights of He's variance: {} in every block.",
        Eq(LENGTH(LAYER + 1), _GROWTH * LENGTH(LAYER)),
    ),
    (),
    exact=False,
    for_all=(LAYER,),
)
UNSCALED = Hypothesis(
    "unscaled", Words("The branches are added as they are: {}.", Eq(FACTOR(INDEX), 1)), (), for_all=(INDEX,)
)
SCALED = Hypothesis(
    "scaled-by-depth",
    Words("The factors fall with the depth {}: {}.", DEPTH, Eq(FACTOR(INDEX), C / sqrt(DEPTH))),
    (),
    for_all=(INDEX,),
)
FACTORS = definition(
    "branch-factors", Words("{} is the factor of the branch of block {}; it is not negative.", FACTOR(INDEX), INDEX)
)
_ENDING_GROWTH = 1 + C * FACTOR(LAYER)
ENDING = Hypothesis(
    "ending-branches",
    Words(
        "The branches end in their activations, each of which adds to the root a multiple of it at most: {} in every "
        "block.",
        LessThan(ROOT(LAYER + 1), _ENDING_GROWTH * ROOT(LAYER)),
    ),
    (),
    for_all=(LAYER,),
)
_MEANS_GROWTH = 1 + LEAST * FACTOR(LAYER)
ENDING_MEANS = Hypothesis(
    "ending-means",
    Words(
        "The layers are wide, and the branches end in their activations, each of which adds to the mean a multiple of "
        "the root of the mean square: {} in every block.",
        LessThan(_MEANS_GROWTH * MEAN(LAYER), MEAN(LAYER + 1)),
    ),
    (),
    exact=False,
    for_all=(LAYER,),
)
_LENGTHS = tuple((Average(H(T, unit) ** 2, OVER), Q1) for unit in (L, K))
ONE_LENGTH = Hypothesis(
    "one-length",
    Words("Every unit has the same mean square: {} and {}.", *(Eq(*v, evaluate=False) for v in _LENGTHS)),
    (),
    for_all=(L, K),
)
_V = END_DRAWN[0].family
_ENDING = (*END_ASSUMED, ONE_LENGTH, *gain_defined(_V))
_ENDING_WEIGHTS = (SharedVariance(_V), GAIN / n(0))
_HE = (SharedVariance(W), 2 / ((1 + SLOPE**2) * n(0)))
HE_VARIANCE = Hypothesis("he-variance", Words("The weights have He's variance: {}.", Eq(*_HE, evaluate=False)), ())
NOTATION = (
    (LENGTH(LAYER), Words("the mean square of the stream behind {} blocks", LAYER)),
    (ROOT(LAYER), Words("its root")),
    (MEAN(LAYER), Words("the mean of the stream behind {} blocks", LAYER)),
    (FACTOR(LAYER), Words("the factor of the branch of a block")),
    (DEPTH, Words("the number of blocks")),
    (C, Words("a constant")),
    (LEAST, Words("another constant")),
)


def residual_depth() -> Derivation:
    """q(L) = q(0) prod_{l<L} (1 + alpha_l^2); its parts: 2^L, exp(c^2), and the sum that must be finite."""
    return _unrolled().done(
        "residual-depth",
        "The mean square of a residual stream with its depth",
        symbols=NOTATION,
        parts=(
            he_branch(),
            unscaled(),
            bounded(),
            deep(),
            above(),
            below(),
            ending_step(),
            ending_above(),
            ending_mean_step(),
            mean_below_root(),
            ending_below(),
        ),
        remarks=(
            Words(
                "So the stream stays bounded as the depth grows exactly where {} does. Where its branches end in "
                "leaky ReLU of a slope other than 1, the mean square is bounded from both sides: it stays bounded "
                "exactly where {} does.",
                Sum(FACTOR(INDEX) ** 2, (INDEX, 0, DEPTH - 1)),
                Sum(FACTOR(INDEX), (INDEX, 0, DEPTH - 1)),
            ),
        ),
    )


def _unrolled(*more: Hypothesis) -> Proof:
    return Proof(Setting((RECURSION, *more)), LENGTH(DEPTH)).by(Unroll(_GROWTH, LAYER))


def unscaled() -> Derivation:
    """q(L) = 2^L q(0) for alpha = 1."""
    proof = _unrolled(UNSCALED).by(PutIn(((FACTOR(INDEX), Integer(1)),)), EqualFactors())
    return proof.done("residual-depth-unscaled", "Branches as they are", symbols=NOTATION)


def _power() -> Proof:
    return _unrolled(SCALED).by(PutIn(((FACTOR(INDEX), C / sqrt(DEPTH)),)), EqualFactors())


def bounded() -> Derivation:
    """q(L) <= exp(c^2) q(0) for alpha = c/sqrt(L)."""
    return (
        _power().by(ExponentialBound()).done("residual-depth-bounded", "Branches scaled by the depth", symbols=NOTATION)
    )


def deep() -> Derivation:
    """q(L) ~ exp(c^2) q(0) as L grows, for alpha = c/sqrt(L)."""
    return (
        _power()
        .by(PowerLimit(DEPTH))
        .done("residual-depth-limit", "Many branches scaled by the depth", symbols=NOTATION)
    )


def above() -> Derivation:
    """q(L) <= q(0) exp(sum_l alpha_l^2)."""
    proof = _unrolled().by(ExponentialBound(), ProductOfExponentials())
    return proof.done(
        "residual-depth-above", "A finite sum of the squared factors keeps the stream bounded", symbols=NOTATION
    )


def below() -> Derivation:
    """1 + sum_l alpha_l^2 <= prod_l (1 + alpha_l^2)."""
    total = Sum(FACTOR(INDEX) ** 2, (INDEX, 0, DEPTH - 1))
    proof = Proof(Setting((FACTORS,)), 1 + total).by(SumBelowProduct())
    return proof.done("residual-depth-below", "The growth is not less than the sum", symbols=NOTATION)


def he_branch() -> Derivation:
    """E[(h'_tk)^2] -> (1 + alpha^2) q_1 for a branch of leaky ReLU and weights of He's variance."""
    hypotheses = (*ASSUMED, RECTIFIER, WIDE[0], ONE_LENGTH, HE_VARIANCE)
    rules = (*FORWARD, Define(A), GaussianLimit(), PutIn((*_LENGTHS, _HE)), EqualTerms(), DefineRectifier())
    return proof(hypotheses, Average(NEXT(T, K) ** 2, OVER), *rules, ByClosedForm(), CollectIn((Q1,))).done(
        "residual-step",
        "One residual block with He's weights",
        symbols=(*RECTIFIER_NOTATION, *TWO_SAMPLES[:1]),
    )


def ending_step() -> Derivation:
    """E[h'^2]^(1/2) <= (1 + |alpha| max(1, |a|) sigma_w) q_1^(1/2) for a branch that ends in leaky ReLU, exactly."""
    start = sqrt(Average(END_NEXT(T, K) ** 2, OVER))
    rules = (
        Define(END_NEXT),
        Minkowski(),
        Linearity(),
        Define(END_A),
        RectifierContracts(),
        Define(SUM),
        WeightedSums(),
    )
    ends = (PutIn(_LENGTHS), EqualTerms(), PutIn((_ENDING_WEIGHTS,)), TakeOut(sqrt(Q1)))
    return proof((*_ENDING, RECTIFIER), start, *rules, *ends).done(
        "ending-rectifier-step",
        "One residual block whose branch ends in leaky ReLU",
        symbols=(*RECTIFIER_NOTATION, *TWO_SAMPLES[:1], *GAINS[:1]),
    )


def ending_above() -> Derivation:
    """rho(L) <= rho(0) exp(c sum_l alpha_l): where branches end in activations, the factors themselves are summed."""
    proof = Proof(Setting((ENDING,)), ROOT(DEPTH)).by(UnrollBound(_ENDING_GROWTH, LAYER), ExponentialBound())
    return proof.by(ProductOfExponentials(), PullOut()).done(
        "residual-depth-ending",
        "A finite sum of the factors keeps a stream bounded whose branches end in their activations",
        symbols=NOTATION,
    )


def ending_mean_step() -> Derivation:
    """E[h'_tk] -> E[h_tk] + alpha (1 - a)/(2 pi)^(1/2) sigma_w q_1^(1/2) for a branch that ends in leaky ReLU."""
    rules = (Define(END_NEXT), Linearity(), Define(END_A), GaussianLimit(), ByLemma(_ending_square()))
    hypotheses = (*_ENDING, RECTIFIER, gaussian(SUM))
    return proof(hypotheses, Average(END_NEXT(T, K), OVER), *rules, DefineRectifier(), ByClosedForm()).done(
        "ending-mean-step",
        "What a branch that ends in leaky ReLU adds to the mean",
        symbols=(*RECTIFIER_NOTATION, *TWO_SAMPLES[:1], *GAINS[:1]),
    )


def _ending_square() -> Derivation:
    """E[r_tk^2] = sigma_w^2 q_1: what goes into the activation function of a branch."""
    rules = (Define(SUM), WeightedSums(), PutIn(_LENGTHS), EqualTerms(), PutIn((_ENDING_WEIGHTS,)))
    # The factor of the branch does not occur.
    return proof(_ENDING[1:], Average(SUM(T, K) ** 2, OVER), *rules).done(
        "ending-square", "What goes into the activation function at the end of a branch"
    )


def mean_below_root() -> Derivation:
    """E[h_tk] <= E[h_tk^2]^(1/2)"""
    return proof((), Average(H(T, K), OVER), MeanBelowRoot()).done(
        "mean-below-root", "The mean of the stream is below the root of its mean square", symbols=TWO_SAMPLES[:1]
    )


def ending_below() -> Derivation:
    """m(0) (1 + c' sum_l alpha_l) <= m(L): the sum of the factors is bounded where the mean is."""
    start = MEAN(0) * (1 + Sum(LEAST * FACTOR(INDEX), (INDEX, 0, DEPTH - 1)))
    proof = Proof(Setting((FACTORS, ENDING_MEANS)), start)
    return proof.by(SumBelowProduct(), RollUp(_MEANS_GROWTH, LAYER, MEAN)).done(
        "residual-depth-ending-below", "The mean is not below the sum of the factors", symbols=NOTATION
    )
