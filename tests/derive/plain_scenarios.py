"""Rules of algebra, calculus, sums and definitions at work; see `scenario`."""

from scenario import LAST, S_NEXT, TERM, V_W, E, J, K, L, M, P, Scenario, T, V, chain
from sympy import And, Eq, Integer, Integral, KroneckerDelta, Product, Sum, sqrt

from derive.averages import Average, SharedVariance
from derive.hypotheses import (
    BIASES_ZERO,
    INPUTS_SHARE_VARIANCE,
    LINEAR_REGIME,
    NONDEGENERATE,
    OUTPUT_GRADIENT_INDEPENDENT,
    WEIGHTS_SHARE_VARIANCE,
)
from derive.layers import d, i
from derive.network import Partial, W, b, cost_gradient, f, g, n, s, slope, x, z
from derive.rules import (
    Cancel,
    CancelEquation,
    ChainRule,
    ContractDelta,
    Define,
    Differentiate,
    DivideEquations,
    DrawnGradient,
    EqualTerms,
    Expand,
    Integrate,
    Isolate,
    LinearRegime,
    NoBiases,
    PullOut,
    ReindexProduct,
    Solve,
)
from derive.theorems.condition import COMPROMISE, HALF_WIDTH, ONE_ON_AVERAGE, UNIFORM, UNIFORM_VARIANCE
from derive.theorems.forward import BEFORE_LAST
from derive.theorems.product import BOTH_FACTORS, X, Y


def plain_scenarios():
    """Algebra, solving, calculus, definitions, sums."""
    ex, ey = Average(X(), BOTH_FACTORS), Average(Y(), BOTH_FACTORS)
    half_width_square = Integral(T**2 / (2 * HALF_WIDTH), (T, -HALF_WIDTH, HALF_WIDTH))
    return [
        # algebra
        Scenario(
            Expand(),
            (ex + 1) * (ey + 2),
            ex * ey + 2 * ex + ey + 2,
            (ex * ey + 2 * ex + 2, ex * ey + ex + ey + 2),
            over=BOTH_FACTORS,
        ),
        Scenario(
            ReindexProduct(1),
            Product(n(P + 2) * V_W(P + 1), (P, i, d - 1)),
            chain(i + 1, d, 1),
            (chain(i, d, 1), chain(i + 1, d), Product(n(P + 2) * V_W(P + 1), (P, i + 1, d))),
            (WEIGHTS_SHARE_VARIANCE,),
            BEFORE_LAST,
        ),
        Scenario(
            Cancel(),
            chain(0, i) / chain(0, i - 1),
            n(i) * V_W(i),
            (n(i + 1) * V_W(i), 2 * n(i) * V_W(i), V_W(i)),
            (WEIGHTS_SHARE_VARIANCE, NONDEGENERATE),
            needs=("nondegenerate",),
            undefined=("nondegenerate",),
        ),
        Scenario(
            CancelEquation(),
            Eq(SharedVariance(x) * n(i) * V_W(i), SharedVariance(x)),
            Eq(n(i) * V_W(i), 1),
            (Eq(n(i + 1) * V_W(i), 1), Eq(n(i) * V_W(i), 2), Eq(V_W(i), 1)),
            (WEIGHTS_SHARE_VARIANCE, INPUTS_SHARE_VARIANCE, NONDEGENERATE),
            needs=("nondegenerate",),
        ),
        Scenario(
            DivideEquations(),
            And(Eq(n(i) * V_W(i), 1), Eq(n(i + 1) * V_W(i), 1)),
            And(Eq(n(i), n(i + 1)), Eq(n(i) * V_W(i), 1)),
            (Eq(n(i), n(i + 1)), Eq(n(i) * V_W(i), 1), And(Eq(n(i), 2 * n(i + 1)), Eq(n(i) * V_W(i), 1))),
            (WEIGHTS_SHARE_VARIANCE,),
        ),
        Scenario(
            Isolate(V_W(i)),
            Eq(n(i) * V_W(i), 1),
            Eq(V_W(i), 1 / n(i)),
            (Eq(V_W(i), 1 / n(i + 1)), Eq(V_W(i), 2 / n(i)), Eq(V_W(i), n(i))),
            (WEIGHTS_SHARE_VARIANCE,),
        ),
        # solving: no world, but the equation itself
        Scenario(
            Solve(V_W(i), ONE_ON_AVERAGE),
            V_W(i),
            2 / (n(i) + n(i + 1)),
            (1 / (n(i) + n(i + 1)), 2 / (n(i) + n(i + 2)), -2 / (n(i) + n(i + 1)), 2 / n(i)),
            (COMPROMISE, WEIGHTS_SHARE_VARIANCE),
            needs=("compromise",),
            undefined=("compromise",),
        ),
        Scenario(
            Integrate(),
            half_width_square,
            HALF_WIDTH**2 / 3,
            (HALF_WIDTH**2 / 2, HALF_WIDTH**2 / 6, HALF_WIDTH / 3, Integer(0)),
        ),
        # calculus
        Scenario(
            ChainRule((s,)),
            cost_gradient(s(i, K)),
            Sum(cost_gradient(s(i + 1, J)) * Partial(s(i + 1, J), s(i, K)), (J, 1, n(i + 2))),
            (
                Sum(cost_gradient(s(i, K)) * Partial(s(i + 1, J), s(i, K)), (J, 1, n(i + 2))),
                Sum(cost_gradient(s(i + 1, J)) * Partial(s(i + 1, J), s(i, K)), (J, 1, n(i + 1))),
                cost_gradient(s(i + 1, 1)) * Partial(s(i + 1, 1), s(i, K)),
            ),
            facts=BEFORE_LAST,
        ),
        Scenario(
            Differentiate(),
            Partial(S_NEXT, s(i, K)),
            Sum(slope(s(i, L)) * KroneckerDelta(L, K, (1, n(i + 1))) * W(i + 1, L, J), (L, 1, n(i + 1))),
            (
                Sum(KroneckerDelta(L, K, (1, n(i + 1))) * W(i + 1, L, J), (L, 1, n(i + 1))),
                Sum(slope(s(i, L)) * W(i + 1, L, J), (L, 1, n(i + 1))),
                slope(s(i, K)) * W(i + 1, K, J) + 1,
            ),
            facts=BEFORE_LAST,
        ),
        # definitions
        Scenario(
            Define(s),
            s(i, K),
            Sum(z(i, L) * W(i, L, K), (L, 1, n(i))) + b(i, K),
            (
                Sum(z(i, L) * W(i, L, K), (L, 1, n(i))),
                Sum(z(i, L) * W(i, 1, K), (L, 1, n(i))) + b(i, K),
                Sum(z(i, L) * W(i, L, K), (L, 2, n(i))) + b(i, K),
            ),
        ),
        Scenario(Define(z), z(i + 1, K), f(s(i, K)), (s(i, K), f(z(i + 1, K)), 2 * f(s(i, K))), facts=BEFORE_LAST),
        Scenario(Define(z), z(0, K), x(K), (2 * x(K), x(1), f(x(K))), facts=LAST),
        Scenario(
            DrawnGradient(),
            cost_gradient(s(d, K)),
            g(K),
            (2 * g(K), g(1), g(K) + 1),
            (OUTPUT_GRADIENT_INDEPENDENT,),
            LAST,
            needs=("output-gradient-independent",),
        ),
        Scenario(
            LinearRegime(),
            f(s(i, K)) * slope(s(i, K)),
            s(i, K),
            (2 * s(i, K), s(i, K) + 1),
            (LINEAR_REGIME,),
            needs=("linear-regime",),
        ),
        Scenario(
            NoBiases(),
            V(b(i, K)) + E(b(i, K) ** 2 + z(i, 1)),
            E(z(i, 1)),
            (E(z(i, 1)) + 1, Integer(0)),
            (BIASES_ZERO,),
            needs=("biases-zero",),
        ),
        # sums
        Scenario(
            ContractDelta(),
            Sum(KroneckerDelta(L, K, (1, n(i + 1))) * b(i, L), (L, 1, n(i + 1))),
            b(i, K),
            (b(i, 1), n(i + 1) * b(i, K), Sum(b(i, L), (L, 1, n(i + 1)))),
        ),
        Scenario(
            ContractDelta(),
            Sum(KroneckerDelta(L, M, (1, n(i))) * V(TERM), (M, 1, n(i)), (L, 1, n(i))),
            Sum(V(TERM), (L, 1, n(i))),
            (V(W(i, 1, K) * z(i, 1)), n(i) * Sum(V(TERM), (L, 1, n(i)))),
        ),
        Scenario(
            PullOut(),
            Sum(V_W(i) * V(z(i, L)), (L, 1, n(i))),
            V_W(i) * Sum(V(z(i, L)), (L, 1, n(i))),
            (Sum(V(z(i, L)), (L, 1, n(i))), V_W(i) * V(z(i, 1)), V_W(i + 1) * Sum(V(z(i, L)), (L, 1, n(i)))),
            (WEIGHTS_SHARE_VARIANCE,),
            BEFORE_LAST,
        ),
        Scenario(
            EqualTerms(),
            Sum(V_W(i), (L, 1, n(i))),
            n(i) * V_W(i),
            (n(i + 1) * V_W(i), V_W(i), (n(i) - 1) * V_W(i)),
            (WEIGHTS_SHARE_VARIANCE,),
        ),
        uniform_scenario(),
    ]


def uniform_scenario():
    """The half-width of the uniform law, by way of a lemma."""
    from derive.theorems.condition import uniform_variance

    return Scenario(
        Solve(HALF_WIDTH, UNIFORM_VARIANCE, uniform_variance()),
        HALF_WIDTH,
        sqrt(3) * sqrt(V_W(i)),
        (sqrt(6) * sqrt(V_W(i)), sqrt(V_W(i)), -sqrt(3) * sqrt(V_W(i))),
        (UNIFORM, WEIGHTS_SHARE_VARIANCE),
        needs=("uniform-weights",),
        undefined=("uniform-weights",),
    )
