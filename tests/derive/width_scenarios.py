"""Rules for layers of real width at work; see `scenario`."""

from fourth_scenarios import keys
from scenario import E, J, K, L, Scenario
from sympy import Derivative, Integer, KroneckerDelta, Rational, Sum, sqrt

from derive.averages import Average, Covariance, Variance
from derive.gaussian import GaussianExpectation
from derive.hypotheses import FINITE_FOURTH_MOMENTS, FINITE_MOMENTS, RECTIFIER
from derive.layers import i
from derive.network import b, f, n, s, z
from derive.randomness import NETWORKS
from derive.rules.fluctuations import SmallFluctuations
from derive.rules.gram import (
    ETA,
    OVER_PAIRS,
    XI,
    Carried,
    Correlation,
    GaussianPairs,
    Homogeneous,
    ScalesPass,
)
from derive.rules.kernel import KERNEL, GivenLayersBefore, MomentGivenKernel
from derive.rules.naming import Gather, Recognise
from derive.rules.replicas import Exchange
from derive.rules.towers import CovarianceFromMoments
from derive.rules.wide import FIRST, SECOND, Q, U, one_gaussian
from derive.theorems import angle as two
from derive.theorems.forward import BEFORE_LAST
from derive.theorems.gram_correction import _S as PAIR
from derive.theorems.gram_correction import EXACT, KERNELS
from derive.theorems.width_correction import GAUSSIAN_LAYERS, MEAN_DEFINED, NARROW

_DRAWN = tuple(h for h in two.DRAWN if h.key != "gaussian-weights")


def over(quantity):
    """The mean over the networks of two samples without biases."""
    return Average(quantity, two.OVER_WEIGHTS)


def given(g, kernel=None):
    """The mean over one Gaussian of the variance of a layer."""
    return one_gaussian(g, KERNEL(i) if kernel is None else kernel)


def paired(g):
    """The mean over the pre-activations of two samples."""
    rows = [[KERNELS(i, *sorted((t, u))) for u in (1, 2)] for t in (1, 2)]
    return GaussianExpectation.of(g, (FIRST, SECOND), (Integer(0), Integer(0)), rows)


def exchangeable(g, variances=(Q, Q)):
    """The mean over a Gaussian pair."""
    rows = ((variances[0], Q / 3), (Q / 3, variances[1]))
    return GaussianExpectation.of(g, (FIRST, SECOND), (Integer(0), Integer(0)), rows)


def width_scenarios():
    """Gaussian pairs and layers given what is before them, names, scales, small fluctuations."""
    return (*_pairs(), *_names(), *_kernels(), *_fluctuations())


def _pairs():
    one, other = (Sum(two.Z(i, t, L) * two.W(i, L, K), (L, 1, n(i))) for t in (1, 2))
    squares = [Sum(two.Z(i, t, L) ** 2, (L, 1, n(i))) for t in (1, 2)]
    rho = Correlation(*squares, Sum(two.Z(i, 1, L) * two.Z(i, 2, L), (L, 1, n(i))))
    v, xi, eta = two.SharedVariance(two.W, i), XI(i, K), ETA(i, K)

    def right(first, second):
        return over(Average(f(sqrt(v * squares[0]) * first) * f(sqrt(v * squares[1]) * second), OVER_PAIRS))

    a, c = two.entries(i)[0], two.entries(i)[2]
    scaled = Correlation(4 * a, Q * a, 2 * sqrt(Q) * c)
    lengths = 2 * sqrt(Q)
    return (
        Scenario(
            GaussianPairs(),
            over(f(one) * f(other)),
            right(xi, rho * xi + sqrt(1 - rho**2) * eta),
            (
                right(xi, rho * xi + (1 - rho**2) * eta),
                right(xi, xi),
                right(xi, sqrt(1 - rho**2) * xi + rho * eta),
                over(
                    Average(
                        f(v * squares[0] * xi) * f(sqrt(v * squares[1]) * (rho * xi + sqrt(1 - rho**2) * eta)),
                        OVER_PAIRS,
                    )
                ),
            ),
            two.DRAWN,
            over=two.OVER_WEIGHTS,
            facts=BEFORE_LAST,
            needs=keys(two.DRAWN),
        ),
        Scenario(
            Homogeneous(),
            f(sqrt(Q) * (s(i, K) + 1)),
            sqrt(Q) * f(s(i, K) + 1),
            (Q * f(s(i, K) + 1), f(s(i, K) + 1)),
            (RECTIFIER,),
            needs=(RECTIFIER.key,),
        ),
        Scenario(
            ScalesPass(Integer(4), Q),
            lengths * Carried(i, scaled),
            lengths * Carried(i, Correlation(a, a, c)),
            (lengths * Carried(i, Correlation(a, a, 2 * c)), Carried(i, Correlation(a, a, c))),
            facts=BEFORE_LAST,
        ),
    )


def _names():
    equation = two.operator()
    at = two.entries(i)[0]
    right = equation.rhs.xreplace({two.RHO: at})
    gram = two.GRAM(i, 1, 2)
    return (
        Scenario(
            Recognise(equation, ((two.RHO, at),)),
            over(at * right),
            over(at * Carried(i, at)),
            (over(at * Carried(i + 1, at)), over(Carried(i, at)), over(at * Carried(i, two.RHO))),
            (two.FUNCTIONS,),
            needs=(two.FUNCTIONS.key,),
            undefined=(two.FUNCTIONS.key,),
        ),
        Scenario(
            Gather((gram,)),
            over(2 * Sum(two.Z(i, 1, J) * two.Z(i, 2, J), (J, 1, n(i)))),
            over(2 * gram),
            (over(2 * two.GRAM(i, 1, 1)), over(2 * two.GRAM(i + 1, 1, 2)), over(gram)),
            facts=BEFORE_LAST,
            over=two.OVER_WEIGHTS,
        ),
    )


def _kernels():
    layers = (FINITE_FOURTH_MOMENTS, GAUSSIAN_LAYERS)
    units = (1 - KroneckerDelta(J, L, (1, n(i + 1))),)
    limits = ((L, 1, n(i + 1)), (J, 1, n(i + 1)))
    exact = tuple(h for h in EXACT if h.key != "gain")
    turned = f(FIRST) ** 3 * f(SECOND)
    return (
        Scenario(
            GivenLayersBefore(),
            Sum(units[0] * E(f(s(i, J)) ** 2 * f(s(i, L)) ** 2, NETWORKS), *limits),
            Sum(units[0] * E(given(f(U) ** 2) ** 2, NETWORKS), *limits),
            (
                Sum(units[0] * E(given(f(U) ** 4), NETWORKS), *limits),
                Sum(units[0] * E(given(f(U) ** 2), NETWORKS) ** 2, *limits),
                Sum(units[0] * E(given(f(U) ** 2, KERNEL(i + 1)) ** 2, NETWORKS), *limits),
            ),
            layers,
            facts=BEFORE_LAST,
            over=NETWORKS,
            needs=keys(layers),
        ),
        Scenario(
            GivenLayersBefore(KERNELS, PAIR),
            E(f(PAIR(i, 1, K)) * f(PAIR(i, 2, K)) ** 2, NETWORKS),
            E(paired(f(FIRST) * f(SECOND) ** 2), NETWORKS),
            (
                E(paired(f(FIRST) ** 2 * f(SECOND)), NETWORKS),
                E(paired(f(FIRST)) * paired(f(SECOND) ** 2), NETWORKS),
            ),
            exact,
            facts=BEFORE_LAST,
            over=NETWORKS,
            needs=keys(exact),
        ),
        Scenario(
            MomentGivenKernel(),
            E(given(U**4), NETWORKS),
            E(3 * KERNEL(i) ** 2, NETWORKS),
            (E(3 * KERNEL(i), NETWORKS), E(KERNEL(i) ** 2, NETWORKS)),
            over=NETWORKS,
        ),
        Scenario(
            CovarianceFromMoments(),
            3 * E(z(i, K) * b(i, L), NETWORKS) - 3 * E(z(i, K), NETWORKS) * E(b(i, L), NETWORKS) + 1,
            3 * Covariance(b(i, L), z(i, K), NETWORKS) + 1,
            (Covariance(b(i, L), z(i, K), NETWORKS) + 1, 3 * E(z(i, K) * b(i, L), NETWORKS) + 1),
            (FINITE_MOMENTS,),
            needs=(FINITE_MOMENTS.key,),
            over=NETWORKS,
            undefined=(FINITE_MOMENTS.key,),
        ),
        Scenario(
            Exchange(),
            exchangeable(f(FIRST) * f(SECOND) ** 3),
            exchangeable(turned),
            (exchangeable(f(FIRST) * f(SECOND)), exchangeable(turned, (Q, 2 * Q))),
        ),
    )


def _fluctuations():
    narrow = (MEAN_DEFINED, NARROW)
    square = one_gaussian(f(U) ** 2)
    spread = Variance(KERNEL(i), NETWORKS)
    return (
        Scenario(
            SmallFluctuations(((KERNEL(i), Q),)),
            E(given(f(U) ** 2), NETWORKS),
            square + Derivative(square, Q, Q) * spread * Rational(1, 2),
            (square, square + Derivative(square, Q, Q) * spread, square + Derivative(square, Q) * spread / 2),
            narrow,
            over=NETWORKS,
            needs=keys(narrow),
        ),
        Scenario(
            SmallFluctuations(((KERNEL(i), Q),), leading=True),
            Variance(given(f(U) ** 2), NETWORKS) + E(given(f(U) ** 2) ** 2, NETWORKS) / n(i),
            Derivative(square, Q) ** 2 * spread + square**2 / n(i),
            (
                Derivative(square, Q) * spread + square**2 / n(i),
                Derivative(square, Q) ** 2 * spread + square / n(i),
                Derivative(square, Q) ** 2 * spread,
            ),
            narrow,
            over=NETWORKS,
            needs=keys(narrow),
        ),
    )
