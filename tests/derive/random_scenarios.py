"""Rules for means and variances, lemmas, induction and leaky ReLU at work; see `scenario`."""

from scenario import (
    ALIKE,
    ANY_F,
    RELU_NETWORK,
    TERM,
    TERM_M,
    V_W,
    C,
    E,
    J,
    K,
    L,
    M,
    Scenario,
    V,
    chain,
    forward_induction,
)
from sympy import Abs, Add, Integer, KroneckerDelta, Rational, Sum

from derive.averages import Average, SharedVariance
from derive.hypotheses import (
    BIASES_SHARE_VARIANCE,
    FORWARD,
    INPUT_INDEPENDENT,
    INPUTS_CENTRED,
    OUTPUT_GRADIENT_INDEPENDENT,
    OUTPUT_GRADIENT_SHARES_VARIANCE,
    RECTIFIER,
    UNITS_ALIKE,
    WEIGHTS,
    WEIGHTS_SHARE_VARIANCE,
)
from derive.layers import Facts, i
from derive.network import SLOPE, W, b, cost_gradient, f, n, s, slope, x, z
from derive.randomness import NETWORKS, SAMPLES
from derive.rules import (
    ByDifference,
    ByLemma,
    ByProductVariance,
    Centred,
    DeclaredVariance,
    Linearity,
    MomentFromVariance,
    ProductLaw,
    SameForEveryUnit,
    SameGradients,
    SecondMoment,
    Uncorrelated,
    VarianceDefinition,
    VarianceOfSum,
)
from derive.rules.gradients import RectifierGradient
from derive.rules.rectifier import ByHalfVariance, Collect, DefineRectifier, OddMean, SameByLemma
from derive.theorems.forward import BEFORE_LAST, pre_activation_variance
from derive.theorems.network_variance import OVER_Y, SYMMETRIC, half_variance
from derive.theorems.network_variance import Y as PRE
from derive.theorems.product import BOTH_FACTORS, X, Y, product_variance
from derive.theorems.rectifier_gradient import FIXED_INPUT, HYPOTHESES
from derive.theorems.total_variance import NETWORKS_AND_SAMPLES, total_variance

RECTIFIER_BACK = tuple(h for h in HYPOTHESES if h.key != "output-gradient-shared-variance")
IMPLIED = ("input-independent", "weights-zero-mean")
"""Other hypotheses of these say so, too."""
BACK = (*WEIGHTS, UNITS_ALIKE, INPUT_INDEPENDENT, OUTPUT_GRADIENT_INDEPENDENT, OUTPUT_GRADIENT_SHARES_VARIANCE)


def G(layer, unit):
    """The gradient at a pre-activation."""
    return cost_gradient(s(layer, unit))


def random_scenarios():
    """Expectation, lemmas, induction, leaky ReLU."""
    product = product_variance()
    pre = pre_activation_variance()
    half = half_variance()
    ex, ey = Average(X(), BOTH_FACTORS), Average(Y(), BOTH_FACTORS)
    alike_sum = Sum(E(z(i, L) ** 2), (L, 1, n(i)))
    coming = Sum(W(i + 1, K, J) * G(i + 1, J), (J, 1, n(i + 2)))
    back = Sum(V(G(i + 1, J), FIXED_INPUT), (J, 1, n(i + 2)))
    symmetric_sum = Sum(V(s(i, L), NETWORKS), (L, 1, n(i + 1)))
    return [
        # expectation
        Scenario(
            VarianceDefinition(),
            V(z(i, K)),
            E(z(i, K) ** 2) - E(z(i, K)) ** 2,
            (E(z(i, K) ** 2), E(z(i, K) ** 2) - E(z(i, K)), E(z(i, K) ** 2) + E(z(i, K)) ** 2),
        ),
        Scenario(
            MomentFromVariance(),
            E(z(i, K) ** 2),
            V(z(i, K)) + E(z(i, K)) ** 2,
            (V(z(i, K)), V(z(i, K)) - E(z(i, K)) ** 2, V(z(i, 1)) + E(z(i, K)) ** 2 + 1),
        ),
        Scenario(
            SecondMoment(),
            V_W(i) * V(z(i, K)) + V_W(i) * E(z(i, K)) ** 2 + 1,
            V_W(i) * E(z(i, K) ** 2) + 1,
            (V_W(i) * E(z(i, K) ** 2), E(z(i, K) ** 2) + 1, V_W(i) * E(z(i, K)) ** 2 + 1),
            (WEIGHTS_SHARE_VARIANCE,),
        ),
        Scenario(
            Linearity(),
            E(Sum(z(i, L) * W(i, L, K), (L, 1, n(i))) + 3 * b(i, K) + 2),
            Sum(E(z(i, L) * W(i, L, K)), (L, 1, n(i))) + 3 * E(b(i, K)) + 2,
            (
                Sum(E(z(i, L) * W(i, L, K)), (L, 1, n(i))) + 3 * E(b(i, K)),
                Sum(E(z(i, L) * W(i, L, K)), (L, 1, n(i))) + E(b(i, K)) + 2,
                Sum(E(z(i, L)) * W(i, L, K), (L, 1, n(i))) + 3 * E(b(i, K)) + 2,
            ),
        ),
        Scenario(
            ProductLaw(),
            E(W(i, L, K) * z(i, L)),
            E(W(i, L, K)) * E(z(i, L)),
            (E(W(i, L, K)) + E(z(i, L)), E(z(i, L))),
            WEIGHTS,
            needs=("weights-independent",),
        ),
        Scenario(
            Centred(),
            E(x(K)),
            Integer(0),
            (Integer(1), E(x(K)) + 1),
            (INPUTS_CENTRED,),
            needs=("inputs-zero-mean",),
            silent=("inputs-zero-mean",),
        ),
        Scenario(
            DeclaredVariance(),
            V(W(i, L, K)) * V(W(0, 1, 1)),
            V_W(i) * V_W(0),
            (V_W(0), V_W(i) ** 2, 2 * V_W(i) * V_W(0)),
            WEIGHTS,
            needs=("weights-shared-variance",),
        ),
        Scenario(
            VarianceOfSum(),
            V(z(i, K) + b(i, 1)),
            V(z(i, K)) + V(b(i, 1)) + 2 * C(b(i, 1), z(i, K)),
            (V(z(i, K)) + V(b(i, 1)), V(z(i, K)) + V(b(i, 1)) + C(b(i, 1), z(i, K))),
        ),
        Scenario(
            VarianceOfSum(),
            V(Sum(TERM, (L, 1, n(i)))),
            Sum(C(TERM, W(i, J, K) * z(i, J)), (J, 1, n(i)), (L, 1, n(i))),
            (
                Sum(V(TERM), (L, 1, n(i))),
                Sum(C(TERM, TERM), (J, 1, n(i)), (L, 1, n(i))),
                Sum(C(TERM, W(i, J, K) * z(i, J)), (J, 2, n(i)), (L, 1, n(i))),
            ),
        ),
        Scenario(
            Uncorrelated(),
            Sum(C(TERM, TERM_M), (M, 1, n(i)), (L, 1, n(i))),
            Sum(KroneckerDelta(L, M, (1, n(i))) * V(TERM), (M, 1, n(i)), (L, 1, n(i))),
            (
                Integer(0),
                Sum(V(TERM), (M, 1, n(i)), (L, 1, n(i))),
                Sum(KroneckerDelta(L, M, (1, n(i))) * V(TERM) / 2, (M, 1, n(i)), (L, 1, n(i))),
            ),
            WEIGHTS,
            needs=("weights-independent", "weights-zero-mean"),
        ),
        Scenario(
            Uncorrelated(),
            C(b(i, K), Sum(TERM, (L, 1, n(i)))) + 1,
            Integer(1),
            (Integer(0), V(b(i, K)) + 1),
            WEIGHTS,
            needs=("weights-independent", "weights-zero-mean"),
        ),
        Scenario(
            SameForEveryUnit(),
            alike_sum,
            n(i) * E(z(i, L) ** 2),
            (n(i + 1) * E(z(i, L) ** 2), E(z(i, L) ** 2), (n(i) - 1) * E(z(i, L) ** 2)),
            ALIKE,
            needs=("units-alike", "inputs-zero-mean", "inputs-shared-variance", "weights-independent"),
        ),
        Scenario(
            SameGradients(),
            Sum(V(G(i, J)), (J, 1, n(i + 1))),
            n(i + 1) * V(G(i, J)),
            (n(i) * V(G(i, J)), V(G(i, J)), (n(i + 1) - 1) * V(G(i, J))),
            BACK,
            needs=(
                "weights-independent",
                "units-alike",
                "output-gradient-independent",
                "output-gradient-shared-variance",
            ),
        ),
        # lemmas
        Scenario(
            ByDifference(total_variance()),
            Average(V(s(i, K), SAMPLES), NETWORKS),
            V(s(i, K), NETWORKS_AND_SAMPLES) - V(Average(s(i, K), SAMPLES), NETWORKS),
            (
                V(s(i, K), NETWORKS_AND_SAMPLES),
                V(s(i, K), NETWORKS) - V(Average(s(i, K), SAMPLES), NETWORKS),
                V(s(i, K), NETWORKS_AND_SAMPLES) + V(Average(s(i, K), SAMPLES), NETWORKS),
            ),
            (INPUT_INDEPENDENT,),
            over=NETWORKS,
            needs=("input-independent",),
            # An input that the weights decide has no mean over samples with the weights fixed.
            undefined=("input-independent",),
        ),
        Scenario(
            ByLemma(pre),
            V(s(i + 1, J)),
            V_W(i + 1) * Sum(E(z(i + 1, L) ** 2), (L, 1, n(i + 1))) + SharedVariance(b, i + 1),
            (
                V_W(i) * Sum(E(z(i + 1, L) ** 2), (L, 1, n(i + 1))) + SharedVariance(b, i + 1),
                V_W(i + 1) * Sum(E(z(i, L) ** 2), (L, 1, n(i))) + SharedVariance(b, i + 1),
                V_W(i + 1) * Sum(E(z(i + 1, L) ** 2), (L, 1, n(i + 1))),
            ),
            ANY_F,
            BEFORE_LAST,
            needs=(
                "weights-independent",
                "weights-zero-mean",
                "weights-shared-variance",
                "biases-shared-variance",
            ),
        ),
        Scenario(
            ByProductVariance(product),
            V(TERM),
            V(W(i, L, K)) * V(z(i, L)) + E(W(i, L, K)) ** 2 * V(z(i, L)) + E(z(i, L)) ** 2 * V(W(i, L, K)),
            (
                V(W(i, L, K)) * V(z(i, L)),
                V(W(i, L, K)) * V(z(i, L)) + E(z(i, L)) * V(W(i, L, K)),
                V(W(i, L, K)) * V(z(i, L)) + 2 * E(z(i, L)) ** 2 * V(W(i, L, K)),
            ),
            WEIGHTS,
            needs=("weights-independent",),
        ),
        Scenario(
            forward_induction(),
            V(z(i, M)),
            SharedVariance(x) * chain(0, i - 1),
            (
                SharedVariance(x) * chain(0, i),
                SharedVariance(x) * chain(0, i - 1, 1),
                SharedVariance(x) * chain(1, i - 1),
                chain(0, i - 1),
            ),
            FORWARD,
            needs=tuple(h.key for h in FORWARD),
        ),
        # leaky ReLU
        Scenario(
            DefineRectifier(),
            f(z(i, K)),
            (1 + SLOPE) * Rational(1, 2) * z(i, K) + (1 - SLOPE) * Rational(1, 2) * Abs(z(i, K)),
            (z(i, K), (1 + SLOPE) * z(i, K) + (1 - SLOPE) * Abs(z(i, K)), Abs(z(i, K))),
            (RECTIFIER,),
            needs=("leaky-relu",),
        ),
        Scenario(
            OddMean(),
            Average(PRE() * Abs(PRE()), OVER_Y),
            Integer(0),
            (Integer(1), Average(PRE() ** 2, OVER_Y)),
            (SYMMETRIC,),
            Facts(),
            over=OVER_Y,
            needs=("symmetric",),
            silent=("symmetric",),
        ),
        Scenario(
            Collect(),
            Add(2 * ex, SLOPE * ex, ey),
            (SLOPE + 2) * ex + ey,
            ((SLOPE + 1) * ex + ey, (SLOPE + 2) * ex),
            (RECTIFIER,),
            Facts(),
            over=BOTH_FACTORS,
        ),
        Scenario(
            ByHalfVariance(half),
            E(f(s(i, K)) ** 2, NETWORKS),
            (SLOPE**2 + 1) * E(s(i, K) ** 2, NETWORKS) / 2,
            (E(s(i, K) ** 2, NETWORKS) / 2, (SLOPE + 1) ** 2 * E(s(i, K) ** 2, NETWORKS) / 4),
            RELU_NETWORK,
            over=NETWORKS,
            needs=("leaky-relu", "weights-independent", "weights-symmetric"),
        ),
        Scenario(
            RectifierGradient(),
            V(slope(s(i, K)) * coming, FIXED_INPUT),
            (SLOPE**2 / 2 + Rational(1, 2)) * V_W(i + 1) * back,
            (
                SLOPE**2 * V_W(i + 1) * back / 2 + V_W(i + 1) * back,
                (SLOPE + 1) ** 2 * V_W(i + 1) * back / 4,
                (SLOPE**2 + 1) * V_W(i) * back / 2,
                (SLOPE**2 + 1) * V_W(i + 1) * V(G(i + 1, J), FIXED_INPUT) / 2,
            ),
            RECTIFIER_BACK,
            BEFORE_LAST,
            over=FIXED_INPUT,
            needs=tuple(h.key for h in RECTIFIER_BACK if h.key not in IMPLIED),
        ),
        Scenario(
            RectifierGradient(),
            V(z(i, L) * G(i, K), FIXED_INPUT),
            E(z(i, L) ** 2, FIXED_INPUT) * V(G(i, K), FIXED_INPUT),
            (
                V(z(i, L), FIXED_INPUT) * V(G(i, K), FIXED_INPUT) / 2,
                E(z(i, L), FIXED_INPUT) ** 2 * V(G(i, K), FIXED_INPUT) / 3,
            ),
            RECTIFIER_BACK,
            over=FIXED_INPUT,
            needs=tuple(h.key for h in RECTIFIER_BACK if h.key not in (*IMPLIED, "weights-shared-variance")),
        ),
        Scenario(
            SameByLemma(pre_activation_variance(NETWORKS)),
            symmetric_sum,
            n(i + 1) * V(s(i, L), NETWORKS),
            (n(i) * V(s(i, L), NETWORKS), V(s(i, L), NETWORKS)),
            (*WEIGHTS, BIASES_SHARE_VARIANCE, INPUT_INDEPENDENT),
            over=NETWORKS,
            needs=(*(h.key for h in ANY_F), INPUT_INDEPENDENT.key),
        ),
    ]
