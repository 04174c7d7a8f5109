"""Rules for wide layers, two samples, iterated means and what happens far down at work; see `scenario`."""

from scenario import E, J, K, Scenario, V
from sympy import Gt, Integer, KroneckerDelta, Mul, Rational, Sum, asin, atan, pi, sqrt

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.gaussian import GaussianExpectation
from derive.hypotheses import (
    FINITE_MOMENTS,
    INPUT_INDEPENDENT,
    OUTPUT_GRADIENT_CENTRED,
    OUTPUT_GRADIENT_INDEPENDENT,
    WEIGHTS,
)
from derive.layers import Facts, i
from derive.network import AT_ZERO, BIAS_VARIANCE, GAIN, SLOPE, SLOPE_AT_ZERO, W, b, cost_gradient, f, n, s, slope, z
from derive.proof.derivation import Proof
from derive.randomness import NETWORKS, SAMPLES
from derive.rules import VarianceDefinition
from derive.rules.algebra import ByComplement, CollectIn
from derive.rules.analysis import ArcsineToArctangent, DecayFunction, InTermsOfT, NameDecayFunction, T
from derive.rules.asymptotics import SMALL, LocalExpansion, Positive, SimplifySides
from derive.rules.definitions import FirstOrder
from derive.rules.given import PutIn, Rename
from derive.rules.gradients import GradientIndependence
from derive.rules.means import IndependentTerms, ScaleVariance
from derive.rules.replicas import HalfSquaredDifference, Replicas
from derive.rules.towers import Tower, VarianceFromMoments
from derive.rules.wide import (
    FIRST,
    MU,
    NU,
    SECOND,
    ByClosedForm,
    GaussianLimit,
    GaussianMoment,
    M,
    Q,
    U,
    one_gaussian,
    over_networks,
    over_samples,
)
from derive.rules.wide import V as SPREAD
from derive.setting import Setting
from derive.theorems.forward import BEFORE_LAST, HERE
from derive.theorems.kumar import FIRST_ORDER
from derive.theorems.product import BOTH_FACTORS, X, Y, product_variance
from derive.theorems.quadratic_form import COORDINATES, EIGENVALUES, GAUSSIAN_ROW, OVER_ROW
from derive.theorems.sample_variance import BIAS_DEFINED, FUNCTION_DEFINED, GAIN_DEFINED, RATIO_DEFINED, WIDE
from derive.theorems.sample_variance_decay import HE
from derive.theorems.total_variance import NETWORKS_AND_SAMPLES
from derive.theorems.wide_networks import GAUSSIAN, GRADIENT_INDEPENDENCE

H = DecayFunction(T)


def limit_scenarios():
    """Algebra and analysis of the sample variance, means over part of the randomness, two samples, limits."""
    return [
        *written_scenarios(),
        *equation_scenarios(),
        *small_scenarios(),
        *mean_scenarios(),
        *sample_scenarios(),
        *limits(),
    ]


def written_scenarios():
    root = sqrt(SPREAD**2 + 2 * M**2)
    gathered = SPREAD**2 * (2 + 3 * H)
    return [
        complement_of_a_variance(),
        complement_of_a_product(),
        Scenario(
            CollectIn((M**2, SPREAD**2)),
            Q * M**2 + 2 * M**2 + SPREAD**2 * (1 - Q),
            M**2 * (Q + 2) + SPREAD**2 * (1 - Q),
            (M**2 * (Q + 1) + SPREAD**2 * (1 - Q), M**2 * (Q + 2) - SPREAD**2 * (1 - Q), M**2 * (Q + 2)),
        ),
        Scenario(
            ArcsineToArctangent(),
            asin(M**2 / (M**2 + SPREAD**2)),
            pi / 2 - 2 * atan(SPREAD / root),
            (pi / 2 - atan(SPREAD / root), pi / 2 + 2 * atan(SPREAD / root), pi / 2 - 2 * atan(root / SPREAD)),
        ),
        Scenario(
            InTermsOfT(),
            M**2 * SPREAD * root,
            # m^2 = v^2 (1/T^2 - 1)/2 and sqrt(v^2 + 2 m^2) = v/T.
            SPREAD**4 * (1 - T**2) / (2 * T**3),
            (SPREAD**4 * (1 - T**2) / T**3, SPREAD**4 * (1 - T**2) / (2 * T**2), SPREAD**4 * (1 + T**2) / (2 * T**3)),
            **by(RATIO_DEFINED),
        ),
        Scenario(
            NameDecayFunction(),
            SPREAD**2 * (2 + 3 * (atan(T) + (T - atan(T)) / T**2)),
            gathered,
            (SPREAD**2 * (3 + 2 * H), SPREAD**2 * (2 - 3 * H), SPREAD**2 * 3 * H, gathered / SPREAD**2),
            **by(FUNCTION_DEFINED),
        ),
    ]


def by(*definitions):
    """What a scenario says of equations that it rests on: a definition is put in, and no world is without it."""
    keys = tuple(h.key for h in definitions)
    return {"hypotheses": definitions, "needs": keys, "undefined": keys}


def equation_scenarios():
    gain = n(i + 1) * SharedVariance(W, i + 1)
    he = 2 / (1 + SLOPE**2)
    return [
        Scenario(
            PutIn(((GAIN, he), (BIAS_VARIANCE, Integer(0)))),
            GAIN * SPREAD**2 + BIAS_VARIANCE,
            he * SPREAD**2,
            (SPREAD**2, he * SPREAD**2 + BIAS_VARIANCE, 2 * SPREAD**2, he**2 * SPREAD**2),
            **by(HE),
        ),
        Scenario(
            Rename((GAIN, BIAS_VARIANCE)),
            Q * gain + SharedVariance(b, i + 1),
            Q * GAIN + BIAS_VARIANCE,
            (Q * GAIN, Q * BIAS_VARIANCE + GAIN, Q * GAIN - BIAS_VARIANCE, Q**2 * GAIN + BIAS_VARIANCE),
            facts=BEFORE_LAST,
            **by(GAIN_DEFINED, BIAS_DEFINED),
        ),
    ]


def complement_of_a_variance():
    """E[z]^2 = E[z^2] - Var[z], with Var[z] = E[z^2] - E[z]^2 as a lemma."""
    lemma = (
        Proof(Setting((FINITE_MOMENTS,), HERE), V(z(i, K)))
        .by(VarianceDefinition())
        .done("variance", "What a variance is")
    )
    square = E(z(i, K) ** 2)
    mean = E(z(i, K)) ** 2
    return Scenario(ByComplement(square, lemma), square - V(z(i, K)), mean, (-mean, square - mean, 2 * mean))


def complement_of_a_product():
    """t - Var[XY] for independent X and Y."""
    lemma = product_variance()
    total, var = E(X() ** 2 * Y() ** 2, BOTH_FACTORS), V(X() * Y(), BOTH_FACTORS)
    right = total - lemma.result
    keys = tuple(h.key for h in lemma.rests_on)
    return Scenario(
        ByComplement(total, lemma),
        total - var,
        right,
        (total + lemma.result, right + V(X(), BOTH_FACTORS) * V(Y(), BOTH_FACTORS), -right),
        lemma.setting.hypotheses,
        Facts(),
        over=BOTH_FACTORS,
        needs=keys,
    )


def small_scenarios():
    positive = Gt((1 - SLOPE) ** 2 * H / 3, 0, evaluate=False)
    return [
        Scenario(
            LocalExpansion(SMALL, 3),
            SMALL * sqrt(1 + Q * SMALL),
            SMALL + Q * SMALL**2 / 2,
            (SMALL, SMALL - Q * SMALL**2 / 2, SMALL + Q * SMALL**2, SMALL**2 + Q * SMALL**2 / 2),
        ),
        Scenario(
            Positive(),
            positive,
            Gt((SLOPE - 1) ** 2 / 3, 0, evaluate=False),
            (Gt((1 + SLOPE) ** 2 / 3, 0, evaluate=False), Gt(1 - SLOPE, 0, evaluate=False)),
            **by(FUNCTION_DEFINED),
        ),
        Scenario(
            SimplifySides(),
            Q * SLOPE**2 + 2 * Q * SLOPE + Q,
            Q * (SLOPE + 1) ** 2,
            (Q * (SLOPE - 1) ** 2, (SLOPE + 1) ** 2, Q * (SLOPE + 1)),
        ),
        Scenario(
            SimplifySides(),
            Gt(Q * H + Q, Q - SLOPE * Q * H, evaluate=False),
            Gt(Q * (SLOPE + 1) * H, 0, evaluate=False),
            (Gt(Q * (1 - SLOPE) * H, 0, evaluate=False), Gt(-Q * (SLOPE + 1) * H, 0, evaluate=False)),
        ),
    ]


def mean_scenarios():
    def term(k):
        return EIGENVALUES(k) * COORDINATES(k) ** 2

    both = ((K, 1, n(0)), (J, 1, n(0)))
    delta = KroneckerDelta(J, K, (1, n(0)))
    var = Variance(term(J), OVER_ROW)
    row = {"hypotheses": (GAUSSIAN_ROW,), "facts": Facts(), "over": OVER_ROW}
    total = Average(z(i, K), NETWORKS_AND_SAMPLES)
    return [
        Scenario(
            FirstOrder(),
            f(s(i, K)),
            AT_ZERO + SLOPE_AT_ZERO * s(i, K),
            (AT_ZERO + s(i, K), AT_ZERO - SLOPE_AT_ZERO * s(i, K), AT_ZERO, SLOPE_AT_ZERO * s(i, K)),
            (FIRST_ORDER,),
            needs=("first-order",),
        ),
        Scenario(
            IndependentTerms(),
            Sum(Covariance(term(J), term(K), OVER_ROW), *both),
            Sum(delta * var, *both),
            (Integer(0), Sum(var, *both), Sum(delta * var / 2, *both)),
            needs=("gaussian-row",),
            **row,
        ),
        Scenario(
            ScaleVariance(),
            Variance(term(K), OVER_ROW),
            EIGENVALUES(K) ** 2 * Variance(COORDINATES(K) ** 2, OVER_ROW),
            (
                EIGENVALUES(K) * Variance(COORDINATES(K) ** 2, OVER_ROW),
                EIGENVALUES(K) ** 2 * Variance(COORDINATES(K), OVER_ROW),
                Variance(COORDINATES(K) ** 2, OVER_ROW),
            ),
            needs=("gaussian-row",),
            **row,
        ),
        Scenario(
            Tower(SAMPLES, NETWORKS),
            total,
            Average(Average(z(i, K), SAMPLES), NETWORKS),
            (
                2 * total,
                Average(Average(z(i, K), SAMPLES) ** 2, NETWORKS),
                Average(Average(z(i, K) ** 2, SAMPLES), NETWORKS),
            ),
            (INPUT_INDEPENDENT,),
            over=NETWORKS_AND_SAMPLES,
            needs=("input-independent",),
            # An input that the weights decide has no mean over samples with the weights fixed.
            undefined=("input-independent",),
        ),
        Scenario(
            VarianceFromMoments(),
            E(z(i, K) ** 2) - E(z(i, K)) ** 2 + 1,
            V(z(i, K)) + 1,
            (V(z(i, K)), 1 - V(z(i, K)), E(z(i, K) ** 2) + 1),
        ),
    ]


def two_samples(integrand, covariance=M**2):
    """The mean over two samples seen by the same network."""
    rows = ((M**2 + SPREAD**2, covariance), (covariance, M**2 + SPREAD**2))
    return GaussianExpectation.of(integrand, (FIRST, SECOND), (Integer(0), Integer(0)), rows)


def sample_scenarios():
    squared_mean = over_networks(over_samples(f(MU + NU)) ** 2)
    mean_square = over_networks(over_samples(f(MU + NU) ** 2))
    half = (f(FIRST) - f(SECOND)) ** 2 * Rational(1, 2)
    apart = (FIRST, SECOND), (Integer(0), Integer(0))
    return [
        Scenario(
            Replicas(),
            3 * squared_mean + 1,
            3 * two_samples(f(FIRST) * f(SECOND)) + 1,
            (
                3 * two_samples(f(FIRST) * f(SECOND), SPREAD**2) + 1,
                3 * two_samples(f(FIRST) ** 2) + 1,
                two_samples(f(FIRST) * f(SECOND)) + 1,
            ),
        ),
        Scenario(
            HalfSquaredDifference(),
            Q * mean_square - Q * squared_mean,
            Q * two_samples(half),
            (Q * two_samples(2 * half), Q * two_samples(half, SPREAD**2), two_samples(half), -Q * two_samples(half)),
        ),
        Scenario(
            HalfSquaredDifference(),
            one_gaussian(f(U) ** 2) - one_gaussian(f(U)) ** 2,
            GaussianExpectation.of(half, *apart, ((Q, Integer(0)), (Integer(0), Q))),
            (
                GaussianExpectation.of(2 * half, *apart, ((Q, Integer(0)), (Integer(0), Q))),
                GaussianExpectation.of(half, *apart, ((2 * Q, Integer(0)), (Integer(0), 2 * Q))),
            ),
        ),
    ]


def limits():
    """Closed forms, which are lemmas, and limits, which are taken from their sources."""
    gradient = Sum(W(i + 1, K, J) * cost_gradient(s(i + 1, J)), (J, 1, n(i + 2)))
    coming = SharedVariance(W, i + 1) * Sum(V(cost_gradient(s(i + 1, J))), (J, 1, n(i + 2)))
    backward = (*WEIGHTS, GRADIENT_INDEPENDENCE, OUTPUT_GRADIENT_INDEPENDENT, OUTPUT_GRADIENT_CENTRED)
    needed = tuple(h.key for h in backward if h.key != "weights-independent")
    pair = f(s(i, K)), over_samples(f(MU + NU))
    return [
        Scenario(ByClosedForm(), Mul(2, one_gaussian(U**4 + U)), 6 * Q**2, (3 * Q**2, 6 * Q, 2 * Q**2)),
        Scenario(ByClosedForm(price=True), two_samples(FIRST * SECOND), M**2, (SPREAD**2, M**2 + SPREAD**2, -(M**2))),
        Scenario(
            GaussianMoment(),
            Average(COORDINATES(K) ** 4, OVER_ROW) - Average(COORDINATES(K) ** 2, OVER_ROW) ** 2,
            2 * SharedVariance(COORDINATES) ** 2,
            (SharedVariance(COORDINATES) ** 2, 3 * SharedVariance(COORDINATES) ** 2, 2 * SharedVariance(COORDINATES)),
            (GAUSSIAN_ROW,),
            Facts(),
            needs=("gaussian-row",),
            over=OVER_ROW,
            undefined=("gaussian-row",),
        ),
        Scenario(
            GaussianLimit(),
            E(f(s(i, K)) ** 2) + E(slope(s(i, K))),
            one_gaussian(f(U) ** 2) + one_gaussian(slope(U)),
            (),
            (GAUSSIAN,),
            needs=(GAUSSIAN.key,),
            undefined=(GAUSSIAN.key,),
        ),
        Scenario(
            GaussianLimit(),
            Average(Average(pair[0], SAMPLES) ** 2, NETWORKS),
            over_networks(pair[1] ** 2),
            (),
            (WIDE,),
            over=NETWORKS,
            needs=(WIDE.key,),
            undefined=(WIDE.key,),
        ),
        Scenario(
            GradientIndependence(),
            V(slope(s(i, K)) * gradient),
            E(slope(s(i, K)) ** 2) * coming,
            (),
            backward,
            BEFORE_LAST,
            needs=needed,
            undefined=needed,
        ),
        Scenario(
            GradientIndependence(),
            V(z(i, K) * cost_gradient(s(i, J))),
            E(z(i, K) ** 2) * V(cost_gradient(s(i, J))),
            (),
            backward,
            needs=needed,
            undefined=needed,
        ),
    ]
