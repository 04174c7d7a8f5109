"""Rules for wide networks with any activation at work, tried with concrete activations; see `scenario`."""

from scenario import Scenario
from sympy import (
    Abs,
    Derivative,
    DiracDelta,
    Eq,
    Integer,
    Integral,
    Rational,
    Subs,
    Sum,
    Symbol,
    exp,
    log,
    pi,
    sign,
    sqrt,
)

from derive.gaussian import GaussianExpectation, Phi
from derive.network import GAIN
from derive.rules.any_activation import (
    CORRELATION,
    CURVATURE_OF_F,
    FOURTH_OF_F,
    GAP,
    KINKS,
    SLOPE_OF_F,
    SMOOTH_CURVATURE,
    THIRD_OF_F,
    TIME,
    F,
    KinkAt,
    SlopeJump,
    W,
    pair,
)
from derive.rules.asymptotics import LAYER
from derive.rules.decay import DecayOfRecursion
from derive.rules.mean_field import DivideByMeanSquare, FullCorrelation, GeometricDecay, PriceDerivative, unit
from derive.rules.near_one import (
    CollectPowers,
    ExpandNearOne,
    J,
    JointDensity,
    K,
    SingularPart,
    SplitKinks,
    TaylorRemainder,
)
from derive.rules.near_zero import ExpandInVariance, ExpandOneSided, OneSided
from derive.rules.stability import (
    BoundByIntervals,
    DerivativeInMean,
    DerivativeOfParts,
    SpectralRadius,
    TriangularSpectrum,
)
from derive.rules.wide import Q, U, one_gaussian
from derive.theorems import critical, critical_length
from derive.theorems.edge_of_chaos import CHI, LINEARISED, NOT_CONSTANT, SLOPE_EXISTS
from derive.theorems.edge_of_chaos import GAP as DISTANCE
from derive.theorems.edge_of_chaos import LAYER as ANY_LAYER

P, P_K, J_J, J_K = KinkAt(J), KinkAt(K), SlopeJump(J), SlopeJump(K)
S2, S3 = one_gaussian(CURVATURE_OF_F(U) ** 2), one_gaussian(THIRD_OF_F(U) ** 2)
KINK_SUM = Sum(J_J**2 * exp(-(P**2) / (2 * Q)), (J, 1, KINKS))
"""sum_j J_j^2 exp(-p_j^2/(2q)), which is sqrt(2 pi q) sum_j J_j^2 n_q(p_j)."""
NEAR = 1 - TIME


def near(g, correlation=NEAR):
    """E[g(u, w)] at a correlation."""
    rows = ((Q, Q * correlation), (Q * correlation, Q))
    return GaussianExpectation.of(g, (U, W), (Integer(0), Integer(0)), rows)


def analytic_scenarios():
    """Price's derivatives, expansions near correlation one and near length zero, decay, stability."""
    return [
        *correlation_scenarios(),
        *kink_scenarios(),
        *length_scenarios(),
        *decay_scenarios(),
        *stability_scenarios(),
    ]


def correlation_scenarios():
    slope = Derivative(pair(F, F), CORRELATION)
    order, expanded = (-GAP, GAP**2 / 2), pair(F, F, Integer(1))
    first, second = Q * one_gaussian(SLOPE_OF_F(U) ** 2), Q**2 * S2
    right = expanded + order[0] * first + order[1] * second
    slopes = tuple(map(critical.slope_at_one, (1, 2)))
    key = SLOPE_EXISTS.key
    one_derivative = {"hypotheses": (SLOPE_EXISTS,), "needs": (key,), "undefined": (key,)}
    return [
        Scenario(
            PriceDerivative(),
            slope,
            Q * pair(SLOPE_OF_F, SLOPE_OF_F),
            (pair(SLOPE_OF_F, SLOPE_OF_F), Q * pair(F, CURVATURE_OF_F), 2 * Q * pair(SLOPE_OF_F, F)),
            **one_derivative,
        ),
        Scenario(
            PriceDerivative(),
            Derivative(3 * pair(F, F) + 1, CORRELATION, CORRELATION),
            3 * Q**2 * pair(CURVATURE_OF_F, CURVATURE_OF_F),
            (3 * Q * pair(CURVATURE_OF_F, CURVATURE_OF_F), 3 * Q**2 * pair(SLOPE_OF_F, SLOPE_OF_F)),
            **one_derivative,
        ),
        Scenario(
            FullCorrelation(),
            pair(F, SLOPE_OF_F, Integer(1)),
            one_gaussian(F(U) * SLOPE_OF_F(U)),
            (
                one_gaussian(F(U) ** 2),
                one_gaussian(F(U)) * one_gaussian(SLOPE_OF_F(U)),
                2 * one_gaussian(F(U) * SLOPE_OF_F(U)),
            ),
            **one_derivative,
        ),
        Scenario(
            FullCorrelation(),
            Subs(pair(CURVATURE_OF_F, CURVATURE_OF_F), CORRELATION, 1),
            S2,
            (S3, Q * S2),
            (critical.SMOOTH,),
            needs=(critical.SMOOTH.key,),
            undefined=(critical.SMOOTH.key,),
        ),
        Scenario(
            DivideByMeanSquare(),
            unit(GAIN * one_gaussian(SLOPE_OF_F(U) ** 2)),
            Eq(GAIN, 1 / one_gaussian(SLOPE_OF_F(U) ** 2)),
            (Eq(GAIN, one_gaussian(SLOPE_OF_F(U) ** 2)), Eq(GAIN, 2 / one_gaussian(SLOPE_OF_F(U) ** 2))),
            (NOT_CONSTANT, SLOPE_EXISTS),
            needs=(NOT_CONSTANT.key, SLOPE_EXISTS.key),
            undefined=(NOT_CONSTANT.key, SLOPE_EXISTS.key),
        ),
        Scenario(
            GeometricDecay(CHI, ANY_LAYER),
            DISTANCE(ANY_LAYER),
            DISTANCE(0) * exp(ANY_LAYER * log(CHI)),
            (DISTANCE(0) * exp(-ANY_LAYER * log(CHI)), DISTANCE(0) * exp(2 * ANY_LAYER * log(CHI))),
            (LINEARISED,),
            needs=(LINEARISED.key,),
            undefined=(LINEARISED.key,),
        ),
        Scenario(
            ExpandNearOne(slopes),
            pair(F, F, 1 - GAP),
            right,
            (right + order[1] * second, right + 2 * GAP * first, right - order[1] * second, right + GAP / 1000),
            (critical.SMOOTH,),
            needs=(critical.SMOOTH.key,),
            undefined=(critical.SMOOTH.key,),
        ),
        Scenario(
            CollectPowers(GAP),
            GAP * (1 + S2) - GAP * S2 + 2 * GAP**2 * S2 - GAP**2,
            GAP + GAP**2 * (2 * S2 - 1),
            (GAP + GAP**2 * (2 * S2 + 1), GAP * (1 + S2) + GAP**2 * (2 * S2 - 1)),
        ),
    ]


def kink_scenarios():
    start = pair(F, F, 1 - GAP)
    curved = near(CURVATURE_OF_F(U) * CURVATURE_OF_F(W))
    remainder = Integral(Q**2 * (GAP - TIME) * curved, (TIME, 0, GAP))
    taylor = pair(F, F, Integer(1)) - GAP * Q * one_gaussian(SLOPE_OF_F(U) ** 2) + remainder
    deltas = near(DiracDelta(U - P) * DiracDelta(W - P_K))
    density = exp(-(P**2 - 2 * NEAR * P * P_K + P_K**2) / (2 * Q * TIME * (2 - TIME)))
    density /= 2 * pi * Q * sqrt(TIME) * sqrt(2 - TIME)
    both = ((J, 1, KINKS), (K, 1, KINKS))
    split = (
        near(SMOOTH_CURVATURE(U) * SMOOTH_CURVATURE(W))
        + 2 * Sum(J_J * near(SMOOTH_CURVATURE(U) * DiracDelta(W - P)), (J, 1, KINKS))
        + Sum(J_J * J_K * deltas, *both)
    )
    bounded = near(SMOOTH_CURVATURE(U) * SMOOTH_CURVATURE(W))
    singular = Integral((GAP - TIME) * (bounded + Sum(J_J * J_K * density, *both)), (TIME, 0, GAP))
    # n(p, p; 1 - t) = exp(-p^2/(q (2 - t)))/(2 pi q sqrt(t (2 - t))).
    leading = Integral((GAP - TIME) * sqrt(2) * KINK_SUM / (4 * pi * Q * sqrt(TIME)), (TIME, 0, GAP))
    known = {"hypotheses": (critical.KINKED,), "needs": (critical.KINKED.key,), "undefined": (critical.KINKED.key,)}
    return [
        Scenario(
            TaylorRemainder(critical.slope_at_one(1, critical.KINKED), critical.curvature()),
            start,
            taylor,
            (taylor + remainder, taylor - remainder, taylor + GAP * Q * one_gaussian(SLOPE_OF_F(U) ** 2)),
            **known,
        ),
        Scenario(SplitKinks(), curved, split, (split - bounded, split + bounded), **known),
        Scenario(
            JointDensity(),
            Sum(J_J * J_K * deltas, *both),
            Sum(J_J * J_K * density, *both),
            (
                Sum(2 * J_J * J_K * density, *both),
                Sum(J_J * J_K * density * sqrt(Q), *both),
                Sum(J_J * J_K * density, *both).xreplace({P_K: P}),
            ),
        ),
        Scenario(
            SingularPart(),
            singular,
            leading,
            (
                2 * leading,
                leading * Rational(99, 100),
                leading.xreplace({exp(-(P**2) / (2 * Q)): exp(-(P**2) / Q)}),
                Integer(0),
            ),
            **known,
        ),
    ]


def length_scenarios():
    at = {k: f(0) for k, f in enumerate((F, SLOPE_OF_F, CURVATURE_OF_F, THIRD_OF_F, FOURTH_OF_F))}
    second = at[1] ** 2 + at[0] * at[2]
    fourth = (at[0] * at[4] + 4 * at[1] * at[3] + 3 * at[2] ** 2) / 4
    smooth = critical_length.SMOOTH_AT_ZERO
    right = at[0] ** 2 + Q * (2 * at[0] * at[2] + 2 * at[1] ** 2) / 2
    right += Q**2 * (2 * at[0] * at[4] + 8 * at[1] * at[3] + 6 * at[2] ** 2) / 8
    assert (right - at[0] ** 2 - Q * second - Q**2 * fourth).expand() == 0
    sided = critical_length.SIDED_AT_ZERO
    a, b, c, d = (OneSided(k, side) for k, side in ((1, 1), (2, 1), (1, -1), (2, -1)))
    half = Q * a**2 / 2 + Q * c**2 / 2
    kinked = sqrt(2) * Q ** Rational(3, 2) * (a * b) / sqrt(pi) - sqrt(2) * Q ** Rational(3, 2) * (c * d) / sqrt(pi)
    known = {"needs": (smooth.key,), "undefined": (smooth.key,), "hypotheses": (smooth,)}
    return [
        Scenario(
            ExpandInVariance(Q, 3),
            one_gaussian(F(U) ** 2),
            right,
            (
                at[0] ** 2 + Q * second + 2 * Q**2 * fourth,
                at[0] ** 2 + 2 * Q * second + Q**2 * fourth,
                # Without the 3/4 f''(0)^2 of the fourth derivative.
                right - Q**2 * 3 * at[2] ** 2 / 4,
            ),
            **known,
        ),
        Scenario(
            ExpandOneSided(Q, 4),
            one_gaussian(F(U) ** 2),
            half + kinked,
            (half - kinked, half + 2 * kinked, half, 2 * half + kinked),
            (sided,),
            needs=(sided.key,),
            undefined=(sided.key,),
        ),
    ]


def decay_scenarios():
    smooth, kinked = critical.smooth_map(), critical.kinked_map()
    epsilon, follows = critical.SEQUENCE(LAYER), critical.LAYER_BY_LAYER
    beta, gamma = GAIN * Q * S2 / 2, GAIN * Q**2 * S3 / 6
    leading = 1 / (beta * LAYER)
    correction = 1 - (1 - gamma / beta**2) * log(LAYER) / LAYER
    # 4/(beta l)^2 with beta = (2/3) sigma_w^2 sqrt(q/pi) sum_j J_j^2 n_q(p_j).
    power = 18 * pi**2 / (GAIN**2 * KINK_SUM**2 * LAYER**2)
    shared = (critical.FIXED_LENGTH, critical.AT_EDGE)

    def scenario(lemma, own, right, wrong):
        hypotheses = (*shared, own, follows)
        keys = tuple(h.key for h in hypotheses)
        rule = DecayOfRecursion(lemma, critical.SEQUENCE, GAP)
        return Scenario(rule, epsilon, right, wrong, hypotheses, needs=keys, undefined=keys)

    return [
        scenario(
            smooth,
            critical.SMOOTH,
            leading * correction,
            (
                leading,
                2 * leading * correction,
                leading * (2 - correction),
                leading * (1 - log(LAYER) / LAYER),
                leading**2,
            ),
        ),
        scenario(kinked, critical.KINKED, power, (power / 4, 2 * power, sqrt(power), power * LAYER, power * GAIN)),
    ]


def stability_scenarios():
    z, m, a, b, c = Symbol("z", real=True), Symbol("m", real=True), *(Symbol(x, real=True) for x in "abc")
    mean = GaussianExpectation.of(Abs(z) + z**2, (z,), (2 * m,), ((Q,),))
    moved = 2 * GaussianExpectation.of(2 * z + sign(z), (z,), (2 * m,), ((Q,),))
    abstract = GaussianExpectation.of(F(z), (z,), (2 * m,), ((Q,),))

    def at_one(e):
        return Subs(Derivative(e, m), m, 1)

    number = Phi(-1) * exp(Rational(1, 2)) / sqrt(pi)
    return [
        Scenario(
            DerivativeInMean(),
            Derivative(mean, m),
            moved,
            (moved / 2, 2 * moved, moved + 1, GaussianExpectation.of(2 * z, (z,), (2 * m,), ((Q,),))),
        ),
        Scenario(
            DerivativeInMean(),
            Derivative(abstract, m),
            2 * GaussianExpectation.of(SLOPE_OF_F(z), (z,), (2 * m,), ((Q,),)),
            (abstract, GaussianExpectation.of(SLOPE_OF_F(z), (z,), (2 * m,), ((Q,),))),
        ),
        Scenario(
            DerivativeOfParts(),
            Subs(Derivative(abstract**2 + 3 * mean, m), m, 1),
            2 * abstract.xreplace({m: Integer(1)}) * at_one(abstract) + 3 * at_one(mean),
            (
                2 * at_one(abstract) + 3 * at_one(mean),
                abstract.xreplace({m: Integer(1)}) * at_one(abstract) + 3 * at_one(mean),
                2 * abstract.xreplace({m: Integer(1)}) * at_one(abstract),
            ),
        ),
        Scenario(
            TriangularSpectrum(),
            SpectralRadius.of(((0, a), (0, b))),
            Abs(b),
            (Abs(a), Abs(b) + Abs(a), b**2, Abs(c)),
        ),
        Scenario(
            BoundByIntervals(3),
            number,
            Rational(148, 1000),
            (Rational(147, 1000), Rational(150, 1000), Rational(14, 100)),
        ),
    ]
