"""Rules for what layers do to a distance, and how deep it reaches, at work; see `scenario`."""

from fourth_scenarios import keys
from scenario import J, K, Scenario
from sympy import Abs, Eq, Gt, Integer, Rational, Sum, Symbol, asin, cos, exp, log, pi, sin, sqrt

from derive.averages import Average
from derive.hypotheses import FINITE_MOMENTS, Hypothesis
from derive.layers import i
from derive.network import DERIVATIVES, GAIN, SLOPE, n
from derive.rules.any_activation import CORRELATION, F, pair
from derive.rules.asymptotics import LAYER as LAYERS
from derive.rules.mean_field import TakeLogarithms
from derive.rules.near_zero import ExpandInVariance, IterateNearZero
from derive.rules.sign_changes import NoGain, OddInWeights, ProductBelowSquares, Together
from derive.rules.small_angles import HalfTurn, LeadingQuotient
from derive.rules.sums import OneIndex, SplitSum
from derive.rules.wide import Q
from derive.theorems import angle as two
from derive.theorems import critical_length, nearly_linear
from derive.theorems.edge_of_chaos import CHI, LAYER
from derive.theorems.finite_width_decay import SYMMETRIC
from derive.theorems.forward import BEFORE_LAST
from derive.theorems.trainable_depth import ORDERED
from derive.words import Words

T, N = Symbol("t", positive=True), Symbol("N", positive=True)
_INDEPENDENT = next(h for h in two.CHAIN.assumed if h.key.endswith("independent"))
ONE, OTHER = two.S(i, 1, K), two.S(i, 2, K)


def over(quantity):
    """The mean over the networks of two samples without biases."""
    return Average(quantity, two.OVER_WEIGHTS)


def depth_scenarios():
    """Signs of weights, means read together, bounds, angles."""
    return (*_signs(), *_angles(), *_small_lengths())


def _small_lengths():
    both, smooth = pair(F, F), critical_length.SMOOTH_AT_ZERO
    f, slope, curve, *_ = (g(0) for g in DERIVATIVES)
    first = Q * (2 * CORRELATION * slope**2 + 2 * f * curve) / 2
    lemma = nearly_linear.length_near_zero()
    hypotheses = (critical_length.NO_BIAS, smooth, nearly_linear.FOLLOWS)
    a, b, k = GAIN * slope**2, lemma.result.expand().coeff(Q, 2), Symbol("k", integer=True)
    right = a**LAYERS * Q + b * a ** (LAYERS - 1) * Q**2 * Sum(a**k, (k, 0, LAYERS - 1))
    return (
        Scenario(
            ExpandInVariance(Q, 2),
            both,
            f**2 + first,
            (f**2 + 2 * first, f**2 + first - f * curve * Q, f**2 + first * CORRELATION),
            (smooth,),
            needs=(smooth.key,),
            undefined=(smooth.key,),
        ),
        Scenario(
            IterateNearZero(lemma, critical_length.LENGTH, Q),
            critical_length.LENGTH(LAYERS),
            right,
            (
                right - a**LAYERS * Q,
                2 * right,
                right.subs(LAYERS, LAYERS + 1),
                a**LAYERS * Q + b * a**LAYERS * Q**2 * Sum(a**k, (k, 0, LAYERS - 1)),
            ),
            hypotheses,
            needs=keys(hypotheses),
            undefined=keys(hypotheses),
        ),
    )


def _signs():
    among = {"facts": BEFORE_LAST, "over": two.OVER_WEIGHTS}
    finite = {"hypotheses": (FINITE_MOMENTS,), "needs": (FINITE_MOMENTS.key,), "undefined": (FINITE_MOMENTS.key,)}
    signs = (FINITE_MOMENTS, SYMMETRIC, _INDEPENDENT)
    excess = over(Abs(ONE) * Abs(OTHER) - ONE * OTHER)
    square = over((ONE - OTHER) ** 2)
    rest = n(i) * over(ONE**2)
    units = (J, 1, n(i))
    return (
        Scenario(
            OddInWeights(),
            over(ONE * Abs(OTHER)) + over(ONE * OTHER),
            over(ONE * OTHER),
            (2 * over(ONE * OTHER), Integer(0), over(ONE * OTHER) + over(OTHER * Abs(ONE)) + over(ONE**2)),
            signs,
            **among,
            needs=keys(signs),
            undefined=(FINITE_MOMENTS.key,),
        ),
        Scenario(
            Together(square),
            3 * over(ONE**2) + 3 * over(OTHER**2) - 5 * over(ONE * OTHER),
            3 * square + over(ONE * OTHER),
            (3 * square - over(ONE * OTHER), 3 * square, square + over(ONE * OTHER)),
            **among,
            **finite,
        ),
        Scenario(
            NoGain(),
            rest - 2 * Sum(excess, (K, 1, n(i + 1))),
            rest,
            (rest - 3 * Sum(excess, (K, 1, n(i + 1))), rest / 2),
            **among,
        ),
        Scenario(
            ProductBelowSquares(),
            excess,
            square / 2,
            (square / 5, over(ONE**2) / 9),
            **among,
            **finite,
        ),
        Scenario(
            OneIndex(),
            Sum(two.Z(i, 1, J), units) + 2 * Sum(two.Z(i, 1, K), (K, *units[1:])),
            3 * Sum(two.Z(i, 1, J), units),
            (Sum(two.Z(i, 1, J), units), 2 * Sum(two.Z(i, 1, J), units)),
            facts=BEFORE_LAST,
        ),
        Scenario(
            SplitSum(),
            Sum(two.Z(i, 1, J) + SLOPE * two.Z(i, 2, J), units),
            Sum(two.Z(i, 1, J), units) + Sum(SLOPE * two.Z(i, 2, J), units),
            (Sum(two.Z(i, 1, J), units), Sum(two.Z(i, 1, J), units) + Sum(two.Z(i, 2, J), units)),
            facts=BEFORE_LAST,
        ),
    )


def _angles():
    between = Hypothesis("between", Words("{}.", Gt(pi - T, 0, evaluate=False)), ())
    quotient = (2 - 2 * cos(T) + N * sin(T) ** 2) / (T * sin(T) + T**3)
    return (
        Scenario(
            HalfTurn(T),
            sqrt(1 - cos(T) ** 2) + cos(T) * asin(cos(T)),
            sin(T) + cos(T) * (pi / 2 - T),
            (sin(T) - cos(T) * (pi / 2 - T), sin(T) + cos(T) * (pi - T), -sin(T) + cos(T) * (pi / 2 - T)),
            (between,),
            needs=("between",),
            undefined=("between",),
        ),
        Scenario(
            TakeLogarithms(LAYER),
            Eq(3 * Q * exp(LAYER * log(CHI)), 3 * Q * exp(-2), evaluate=False),
            Eq(LAYER, -2 / log(CHI), evaluate=False),
            (Eq(LAYER, 2 / log(CHI)), Eq(LAYER, -1 / log(CHI)), Eq(LAYER, -2 * log(CHI))),
            (ORDERED,),
            needs=(ORDERED.key,),
            undefined=(ORDERED.key,),
        ),
        Scenario(
            LeadingQuotient(T),
            quotient,
            N + 1,
            (N - 1, N + Rational(1, 2), N, Integer(1)),
        ),
    )
