"""Rules for weighted sums, deltas, samples, masks and depth at work; see `scenario`."""

from scenario import TERM, V_W, C, E, J, K, L, M, Scenario
from sympy import Add, Eq, Gt, Integer, KroneckerDelta, Max, Mod, Piecewise, Product, Sum, Symbol, exp, sqrt

from derive.averages import Average
from derive.blocks.dropout import MASKS, masks
from derive.blocks.lemmas import RATE
from derive.blocks.masks import MaskMoment
from derive.hypotheses import RECTIFIER, WEIGHTS, WEIGHTS_INDEPENDENT, WEIGHTS_SYMMETRIC, Hypothesis, Kind, Property
from derive.layers import Facts, d, i
from derive.network import SLOPE, b, f, n, s, z
from derive.randomness import INPUT, SAMPLES, Family, Over, Source
from derive.rules.algebra import TakeOut
from derive.rules.bounds import AgainstZero, DropPositive, MeanBelowRoot, Minkowski, RectifierContracts
from derive.rules.deltas import FullTurn, OneToOne, OnlyTerm
from derive.rules.depth import (
    INDEX,
    EqualFactors,
    ExponentialBound,
    PowerLimit,
    ProductOfExponentials,
    RollUp,
    SumBelowProduct,
    Telescope,
    Unroll,
    UnrollBound,
)
from derive.rules.given import Everywhere
from derive.rules.means import CovarianceDefinition
from derive.rules.one_of_many import OneOfMany
from derive.rules.samples import IndependentSamples, SamplesAlike
from derive.rules.sums import JoinSums, MultiplySums
from derive.rules.symmetric_halves import SymmetricHalves
from derive.rules.weights import CentredSquare, SplitOff, WeightedSums
from derive.theorems.edge_of_chaos import LAYER
from derive.theorems.residual_depth import (
    DEPTH,
    ENDING,
    ENDING_MEANS,
    FACTOR,
    FACTORS,
    LEAST,
    LENGTH,
    MEAN,
    RECURSION,
    ROOT,
)
from derive.theorems.residual_depth import C as SLOPE_OF_ROOT
from derive.theorems.residual_variance import END_ASSUMED, SUM, H
from derive.theorems.signals import OVER, T, gaussian
from derive.words import Words

WEIGHED = ("weights-independent", "weights-zero-mean", "weights-shared-variance")
PLACES, PLACE, OTHER = Symbol("T", integer=True, positive=True), Symbol("p", integer=True), Symbol("u", integer=True)
Q = Symbol("q", positive=True)
EQUAL = Eq(E(z(i, L) ** 2), Q, evaluate=False)
FLAT = Hypothesis("flat", Words("Every unit {} has one mean square: {}.", L, EQUAL), (), for_all=(L,))
KEPT = Hypothesis("kept", Words("Some units are kept: {}.", Gt(1 - RATE, 0)), ())
D = Family("D", meaning="the masks", extents=lambda _: (n(0),), layered=False, source=MASKS)
OVER_MASKS = Over("masks", (MASKS,))
NET = Source("network")
SAMPLE = Family("x", meaning="the samples", extents=lambda _: (Integer(3),), layered=False, source=INPUT)
PIXEL = Family("g", meaning="a pixel", extents=lambda _: (PLACES,), layered=False, source=INPUT)
SHARED = Family("w", meaning="the network", extents=lambda _: (), layered=False, source=NET)
SEEN = Family(
    "y",
    meaning="what the network makes of a sample",
    extents=lambda _: (Integer(3),),
    layered=False,
    definition=lambda t: SAMPLE(t) * SHARED() + SAMPLE(t) ** 2,
)
LEAKY = Family(
    "y",
    meaning="what is made of a pre-activation",
    extents=lambda i: (n(i + 1),),
    definition=lambda i, k: Piecewise((s(i, k), s(i, k) > 0), (-3 * s(i, k), True)),
)
DRAWN = Hypothesis("drawn", Words("Samples are drawn apart."), (Property(Kind.ENTRIES_INDEPENDENT, SAMPLE),))
ONE_LAW = Hypothesis("one-law", Words("Samples have one law."), (Property(Kind.IDENTICAL, SAMPLE),))
BESIDE = Hypothesis(
    "beside", Words("Samples are independent of the network."), (Property(Kind.INDEPENDENT_OF, SAMPLE, SHARED),)
)
WIDE_BRANCH = gaussian(SUM)


def over(quantity):
    return Average(quantity, SAMPLES)


def block_scenarios():
    """Weights, deltas, samples, masks, bounds and depth."""
    return [*_weights(), *_sums(), *_random(), *_bounds(), *_depth()]


def _weights():
    square = V_W(i) * Sum(E(z(i, L) ** 2), (L, 1, n(i)))
    total = Sum(TERM, (L, 1, n(i)))
    return [
        Scenario(
            WeightedSums(),
            E(total**2),
            square,
            (square.subs(i, i + 1), V_W(i) * Sum(E(z(i, L)) ** 2, (L, 1, n(i))), n(i) * square),
            WEIGHTS,
            Facts((i, d - 1 - i)),
            needs=WEIGHED,
            silent=("weights-zero-mean",),
        ),
        Scenario(
            WeightedSums(),
            E(total * b(i, K)),
            Integer(0),
            (Integer(1), V_W(i) * E(b(i, K))),
            WEIGHTS,
            needs=WEIGHED[:2],
            silent=("weights-zero-mean",),
        ),
        Scenario(
            SplitOff(),
            E(TERM**2),
            E(TERM**2).subs(E(TERM**2), E(TERM.args[0] ** 2) * E(TERM.args[1] ** 2)),
            (E(TERM.args[0] ** 2), E(TERM.args[0]) * E(TERM.args[1])),
            WEIGHTS[:2],
            needs=WEIGHED[:1],
            silent=WEIGHED[:1],
        ),
        Scenario(
            CentredSquare(),
            E((TERM / z(i, L)) ** 2),
            V_W(i),
            (V_W(i) + 1, 2 * V_W(i), Integer(0)),
            WEIGHTS[2:],
            needs=WEIGHED[1:],
            silent=WEIGHED[1:2],
        ),
        Scenario(
            SymmetricHalves(),
            E(LEAKY(i, K) ** 2),
            5 * E(s(i, K) ** 2),
            (E(s(i, K) ** 2), 2 * E(s(i, K) ** 2), 5 * E(z(i, K) ** 2)),
            (WEIGHTS_INDEPENDENT, WEIGHTS_SYMMETRIC),
            needs=("weights-independent", "weights-symmetric"),
        ),
    ]


def _sums():
    inner = Sum(TERM / z(i, L), (K, 1, n(i + 1)))
    both = Sum(TERM, (K, 1, n(i + 1)), (L, 1, n(i)))
    pick = KroneckerDelta(L + 1, K) * KroneckerDelta(M + 1, K) * z(i, L) * z(i, M)
    joined = Sum(KroneckerDelta(L + 1, K) * z(i, L) ** 2 * z(i, K), (L, 1, n(i)))
    around = KroneckerDelta(PLACE, Mod(L + M, PLACES) + 1)
    pixel = over(PIXEL(PLACE))
    product = Sum(z(i, L) * b(i, M), (M, 1, n(i + 1)), (L, 1, n(i)))
    before = Facts((i, d - 1 - i))
    return [
        Scenario(JoinSums(), Sum(z(i, L) * inner, (L, 1, n(i))), both, (2 * both, both + 1), facts=before),
        Scenario(
            MultiplySums(),
            Sum(z(i, L), (L, 1, n(i))) * Sum(b(i, M), (M, 1, n(i + 1))),
            product,
            (2 * product, Sum(z(i, L) * b(i, L), (L, 1, n(i)))),
            facts=before,
        ),
        Scenario(
            OnlyTerm((K,)),
            Sum(KroneckerDelta(L, K, (1, n(i))) * z(i, L), (L, 1, n(i))),
            z(i, K),
            (2 * z(i, K), n(i) * z(i, K), z(i, 1)),
        ),
        Scenario(
            OneToOne(),
            Sum(pick * z(i, K), (L, 1, n(i)), (M, 1, n(i))),
            joined,
            (2 * joined, joined + 1, Sum(KroneckerDelta(L + 1, K) * z(i, L) * z(i, K), (L, 1, n(i)))),
        ),
        Scenario(
            FullTurn(),
            Sum(around * M * pixel, (L, 1, PLACES), (M, 1, 3)),
            Sum(M * pixel, (M, 1, 3)),
            (Sum(M * pixel, (M, 1, 2)), 3 * pixel, Sum(2 * M * pixel, (M, 1, 3))),
            facts=Facts((PLACE - 1, PLACES - PLACE)),
        ),
        Scenario(
            TakeOut(n(i)),
            n(i) * E(z(i, K)) + n(i) * n(d),
            n(i) * (E(z(i, K)) + n(d)),
            (n(i) * E(z(i, K)) + n(d), n(d) * (E(z(i, K)) + n(i)), n(i) * (E(z(i, K)) - n(d))),
        ),
        Scenario(
            Everywhere(EQUAL),
            Sum(E(z(i, J) ** 2) * n(d), (J, 1, n(i))),
            Sum(Q * n(d), (J, 1, n(i))),
            (Sum(2 * Q * n(d), (J, 1, n(i))), Q * n(d), Sum(Q**2 * n(d), (J, 1, n(i)))),
            (FLAT,),
            needs=("flat",),
            undefined=("flat",),
        ),
    ]


def _random():
    moved = {"over": OVER_MASKS, "needs": ("D-mask",), "silent": ("D-mask",)}
    mask = masks(D, RATE)
    first, second = over(SEEN(T)), over(SEEN(OTHER))
    apart = {"over": SAMPLES, "apart": (T, OTHER), "facts": Facts(())}
    branch = Average(H(T, K) * f(SUM(T, K)), OVER)
    return [
        Scenario(
            CovarianceDefinition(),
            C(z(i, K), z(i, L)),
            E(z(i, K) * z(i, L)) - E(z(i, K)) * E(z(i, L)),
            (E(z(i, K) * z(i, L)), E(z(i, K) * z(i, L)) - E(z(i, K)) ** 2, E(z(i, K)) * E(z(i, L))),
        ),
        Scenario(
            MaskMoment(RATE),
            Average(D(K) ** 2, OVER_MASKS),
            1 / (1 - RATE),
            (1 / RATE, 1 - RATE, Integer(1)),
            (mask,),
            **moved,
        ),
        Scenario(MaskMoment(RATE), Average(D(K), OVER_MASKS), Integer(1), (1 - RATE, RATE), (mask,), **moved),
        Scenario(
            IndependentSamples(T, OTHER),
            over(SEEN(T) * SEEN(OTHER)),
            first * second,
            (first + second, first**3, over(SEEN(T) ** 2)),
            (DRAWN, BESIDE),
            needs=("drawn", "beside"),
            **apart,
        ),
        Scenario(
            SamplesAlike(OTHER, T),
            2 * second,
            2 * first,
            (first, 2 * over(SEEN(T) ** 2)),
            (DRAWN, ONE_LAW, BESIDE),
            needs=("drawn", "one-law", "beside"),
            **apart,
        ),
        Scenario(
            OneOfMany(),
            branch,
            Average(H(T, K), OVER) * Average(f(SUM(T, K)), OVER),
            (),
            (*END_ASSUMED, WIDE_BRANCH),
            needs=("V-independent", "V-zero-mean", WIDE_BRANCH.key),
            silent=("V-zero-mean", WIDE_BRANCH.key),
            undefined=("V-independent", "V-zero-mean", WIDE_BRANCH.key),
        ),
    ]


def _bounds():
    roots = sqrt(E(z(i, K) ** 2)), sqrt(E(b(i, K) ** 2))
    steep = sqrt(Max(1, SLOPE**2)) * sqrt(E(s(i, K) ** 2))
    gap = n(d) - n(i)
    dropped = RATE * n(i) / (1 - RATE)
    return [
        Scenario(
            Minkowski(),
            sqrt(E((z(i, K) + b(i, K)) ** 2)),
            Add(*roots),
            (roots[0], roots[0] - roots[1], Add(*roots) / 3),
        ),
        Scenario(
            MeanBelowRoot(),
            E(z(i, K)),
            roots[0],
            (E(z(i, K) ** 2) / 100, roots[0] / 3, Integer(0)),
        ),
        Scenario(
            RectifierContracts(),
            sqrt(E(f(s(i, K)) ** 2)),
            steep,
            (steep / 5, -steep, SLOPE * steep / 5),
            (RECTIFIER,),
            needs=("leaky-relu",),
        ),
        Scenario(
            AgainstZero(),
            Gt(n(d) ** 2, n(i) ** 2),
            Gt((n(d) - n(i)) * (n(d) + n(i)), 0),
            (Gt(n(i) - n(d), 0), Gt(n(d) - n(i), 1), Gt(n(d) + n(i), 0)),
        ),
        Scenario(
            DropPositive(gap),
            Gt(n(i) * gap, 0),
            Gt(gap, 0),
            (Gt(-gap, 0), Gt(gap * (n(i) - 2), 0)),
        ),
        Scenario(
            DropPositive(RATE),
            Gt(dropped, 0, evaluate=False),
            Gt(RATE, 0, evaluate=False),
            (Gt(-RATE, 0, evaluate=False), Gt(RATE / (1 - RATE) * (RATE - 1), 0, evaluate=False)),
            (KEPT,),
            needs=("kept",),
        ),
    ]


def _depth():
    limits = (INDEX, 0, DEPTH - 1)
    growth, bound = 1 + FACTOR(LAYER) ** 2, 1 + SLOPE_OF_ROOT * FACTOR(LAYER)
    least = 1 + LEAST * FACTOR(LAYER)
    each, most = growth.subs(LAYER, INDEX), bound.subs(LAYER, INDEX)
    square = Sum(FACTOR(INDEX) ** 2, limits)
    power = (1 + SLOPE_OF_ROOT / DEPTH) ** DEPTH
    return [
        Scenario(
            Unroll(growth, LAYER),
            LENGTH(DEPTH),
            LENGTH(0) * Product(each, limits),
            (LENGTH(0) * Product(each, (INDEX, 1, DEPTH - 1)), LENGTH(1) * Product(each, limits), LENGTH(0)),
            (RECURSION,),
            needs=(RECURSION.key,),
            undefined=(RECURSION.key,),
        ),
        Scenario(
            UnrollBound(bound, LAYER),
            ROOT(DEPTH),
            ROOT(0) * Product(most, limits),
            (ROOT(0) * Product(most, (INDEX, 1, DEPTH - 1)), ROOT(0)),
            (ENDING,),
            needs=(ENDING.key,),
            undefined=(ENDING.key,),
        ),
        Scenario(
            RollUp(least, LAYER, MEAN),
            MEAN(0) * Product(least.subs(LAYER, INDEX), limits),
            MEAN(DEPTH),
            (MEAN(DEPTH - 1), MEAN(0), 2 * MEAN(DEPTH)),
            (ENDING_MEANS,),
            needs=(ENDING_MEANS.key,),
            undefined=(ENDING_MEANS.key,),
        ),
        Scenario(
            EqualFactors(),
            Product(1 + SLOPE_OF_ROOT / DEPTH, limits),
            power,
            ((1 + SLOPE_OF_ROOT / DEPTH) ** (DEPTH - 1), (1 + SLOPE_OF_ROOT / DEPTH) ** (DEPTH + 1)),
        ),
        Scenario(
            Telescope(),
            Product(LENGTH(INDEX + 1) / LENGTH(INDEX), (INDEX, i, d - 1)),
            LENGTH(d) / LENGTH(i),
            (LENGTH(d - 1) / LENGTH(i), LENGTH(d) / LENGTH(i + 1), LENGTH(i) / LENGTH(d), LENGTH(d)),
            (RECURSION,),
            facts=Facts((i, d - i)),
        ),
        Scenario(
            ExponentialBound(),
            growth,
            exp(FACTOR(LAYER) ** 2),
            (exp(-(FACTOR(LAYER) ** 2)), FACTOR(LAYER) ** 2, Integer(1)),
            (FACTORS,),
        ),
        Scenario(
            ProductOfExponentials(),
            Product(exp(FACTOR(INDEX)), limits),
            exp(Sum(FACTOR(INDEX), limits)),
            (exp(Sum(FACTOR(INDEX), (INDEX, 1, DEPTH - 1))), exp(Product(FACTOR(INDEX), limits)), Integer(1)),
            (FACTORS,),
        ),
        Scenario(
            SumBelowProduct(),
            1 + square,
            Product(each, limits),
            (square, Integer(1), 1 + square - FACTOR(0) ** 2),
            (FACTORS,),
        ),
        Scenario(PowerLimit(DEPTH), power, exp(SLOPE_OF_ROOT), (exp(2 * SLOPE_OF_ROOT), Integer(1))),
    ]
