"""Rules for logarithms of squared norms at work; see `scenario`."""

from fourth_scenarios import DRAWN, keys, total
from scenario import V_W, E, J, K, L, Scenario, V
from sympy import Rational, Sum, digamma, log, polygamma, sqrt

from derive.hypotheses import FINITE_FOURTH_MOMENTS, FINITE_MOMENTS, NONDEGENERATE, WEIGHTS_GAUSSIAN
from derive.layers import i
from derive.network import W, n, x, z
from derive.randomness import NETWORKS
from derive.rules.logarithms import XI, GaussianColumns, LogOfChiSquared, LogOfProduct, VarianceOfIndependent
from derive.theorems.log_norm import STANDARD

GAUSSIAN = (*(h for h in DRAWN if h != FINITE_FOURTH_MOMENTS), WEIGHTS_GAUSSIAN, STANDARD)


def logarithm_scenarios():
    """Gaussian columns, logarithms of products and of chi-squared variables, independent terms."""
    square = Sum(z(i, L) ** 2, (L, 1, n(i)))
    columns = Sum(total(K) ** 2, (K, 1, n(i + 1)))
    chi = Sum(XI(i, K) ** 2, (K, 1, n(i + 1)))
    half = n(i + 1) * Rational(1, 2)
    return (
        Scenario(
            GaussianColumns(),
            E(log(columns), NETWORKS),
            E(log(Sum(V_W(i) * square * XI(i, K) ** 2, (K, 1, n(i + 1)))), NETWORKS),
            (
                E(log(Sum(square * XI(i, K) ** 2, (K, 1, n(i + 1)))), NETWORKS),
                E(log(Sum(V_W(i) ** 2 * square * XI(i, K) ** 2, (K, 1, n(i + 1)))), NETWORKS),
                E(log(Sum(V_W(i) * square**2 * XI(i, K) ** 2, (K, 1, n(i + 1)))), NETWORKS),
            ),
            GAUSSIAN,
            over=NETWORKS,
            needs=keys(GAUSSIAN, FINITE_MOMENTS),
        ),
        Scenario(
            GaussianColumns(),
            E(total(J) ** 6 * total(K), NETWORKS),
            E((sqrt(V_W(i) * square) * XI(i, J)) ** 6 * sqrt(V_W(i) * square) * XI(i, K), NETWORKS),
            (E((V_W(i) * square) ** 3 * XI(i, J) ** 6, NETWORKS),),
            GAUSSIAN,
            over=NETWORKS,
            needs=keys(GAUSSIAN, FINITE_MOMENTS),
        ),
        Scenario(
            LogOfProduct(),
            log(2 * Sum(x(L) ** 2, (L, 1, n(0)))),
            log(2) + log(Sum(x(L) ** 2, (L, 1, n(0)))),
            (2 * log(Sum(x(L) ** 2, (L, 1, n(0)))), log(Sum(x(L) ** 2, (L, 1, n(0))))),
            (NONDEGENERATE,),
            needs=(NONDEGENERATE.key,),
            undefined=(NONDEGENERATE.key,),
        ),
        Scenario(
            VarianceOfIndependent(),
            V(3 + W(i, 1, 1) + W(i, 1, 2) ** 2, NETWORKS),
            V(W(i, 1, 1), NETWORKS) + V(W(i, 1, 2) ** 2, NETWORKS),
            (V(W(i, 1, 1), NETWORKS), 9 + V(W(i, 1, 1), NETWORKS) + V(W(i, 1, 2) ** 2, NETWORKS)),
            (FINITE_FOURTH_MOMENTS, DRAWN[1]),
            over=NETWORKS,
            needs=keys((FINITE_FOURTH_MOMENTS, DRAWN[1])),
        ),
        Scenario(
            LogOfChiSquared(),
            E(log(chi), NETWORKS),
            log(2) + digamma(half),
            (digamma(half), log(2) + digamma(half + 1), 2 * log(2) + digamma(half)),
            (STANDARD,),
            over=NETWORKS,
            needs=(STANDARD.key,),
        ),
        Scenario(
            LogOfChiSquared(),
            V(log(chi), NETWORKS),
            polygamma(1, half),
            (polygamma(1, half) / 2, polygamma(1, n(i + 1)), polygamma(2, half)),
            (STANDARD,),
            over=NETWORKS,
            needs=(STANDARD.key,),
        ),
    )
