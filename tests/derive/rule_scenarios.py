"""One place where each rule is at work, with what it must compute, typed here by hand, and errors to plant in it.

A scenario has a setting, a start, the rule, the result that is right, wrong results that a slip would give
(an index off by one, a lost term, a wrong constant), and the hypotheses that the step cannot do without.
"""

from dataclasses import dataclass, field

from sympy import Abs, Add, And, Eq, Integer, Integral, KroneckerDelta, Product, Rational, Sum, Symbol, sqrt

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.hypotheses import (
    BIASES_SHARE_VARIANCE,
    BIASES_ZERO,
    FORWARD,
    INPUTS_CENTRED,
    INPUTS_SHARE_VARIANCE,
    LINEAR_REGIME,
    NONDEGENERATE,
    OUTPUT_GRADIENT_INDEPENDENT,
    RECTIFIER,
    UNITS_ALIKE,
    WEIGHTS,
    WEIGHTS_SHARE_VARIANCE,
    WEIGHTS_SYMMETRIC,
)
from derive.layers import Facts, d, i
from derive.network import SLOPE, Partial, W, b, cost_gradient, f, g, n, s, slope, x, z
from derive.proof.rule import Rule
from derive.randomness import EVERYTHING, NETWORKS
from derive.rules import (
    ByLemma,
    ByProductVariance,
    Cancel,
    CancelEquation,
    Centred,
    ChainRule,
    ContractDelta,
    DeclaredVariance,
    Define,
    Differentiate,
    DivideEquations,
    DrawnGradient,
    EqualTerms,
    Expand,
    Induction,
    Integrate,
    Isolate,
    Linearity,
    LinearRegime,
    MomentFromVariance,
    NoBiases,
    ProductLaw,
    PullOut,
    ReindexProduct,
    SameForEveryUnit,
    SecondMoment,
    Solve,
    Uncorrelated,
    VarianceDefinition,
    VarianceOfSum,
)
from derive.rules.rectifier import ByHalfVariance, Collect, DefineRectifier, OddMean, SameByLemma
from derive.setting import Setting
from derive.theorems.condition import COMPROMISE, HALF_WIDTH, UNIFORM
from derive.theorems.forward import BEFORE_LAST, HERE, forward_step, pre_activation_variance
from derive.theorems.product import BOTH_FACTORS, X, Y, product_variance
from derive.theorems.rectifier import OVER_Y, SYMMETRIC, half_variance
from derive.theorems.rectifier import Y as PRE

J, K, L, M = (Symbol(c, integer=True) for c in "jklm")
P = Symbol("i'", integer=True)
T = Symbol("w", real=True)
AFTER_FIRST = Facts((i - 1, d - i))
INNER = Facts((i - 1, d - 1 - i))
LAST = Facts((d,))


@dataclass(frozen=True)
class Scenario:
    """A rule at work."""

    rule: Rule
    start: object
    right: object
    wrong: tuple[object, ...]
    hypotheses: tuple = ()
    facts: Facts = HERE
    needs: tuple[str, ...] = ()
    over: object = EVERYTHING
    silent: tuple[str, ...] = field(default=())
    """Needed hypotheses without which the rule does not match, rather than refuse."""
    undefined: tuple[str, ...] = field(default=())
    """Needed hypotheses without which the sides have no value, so that no world can refute the step."""

    @property
    def setting(self):
        return Setting(self.hypotheses, self.facts, self.over)


def E(quantity, over=EVERYTHING):
    return Average(quantity, over)


def V(quantity, over=EVERYTHING):
    return Variance(quantity, over)


def C(left, right):
    return Covariance(left, right, EVERYTHING)


def V_W(layer):
    return SharedVariance(W, layer)


def chain(lower, upper, shift=0):
    return Product(n(P + shift) * V_W(P), (P, lower, upper))


TERM = W(i, L, K) * z(i, L)
TERM_M = W(i, M, K) * z(i, M)
GRADIENT = cost_gradient(s(i + 1, J))
INPUTS = (INPUTS_CENTRED, INPUTS_SHARE_VARIANCE)
ANY_F = (*WEIGHTS, BIASES_SHARE_VARIANCE)
ALIKE = (*WEIGHTS, UNITS_ALIKE, *INPUTS)
RELU_NETWORK = (RECTIFIER, *WEIGHTS, BIASES_ZERO, WEIGHTS_SYMMETRIC)

# The middle of the backward recursion: dCost/ds^i through the definition of s^{i+1}.
S_NEXT = Sum(f(s(i, L)) * W(i + 1, L, J), (L, 1, n(i + 1))) + b(i + 1, J)


def forward_induction():
    """The induction of the forward theorem, with its base and step derived."""
    from derive.proof.derivation import Proof

    base = Proof(Setting(FORWARD, LAST), V(z(0, K))).by(Define(z), DeclaredVariance())
    return Induction(base.done("base", "base"), forward_step())


def scenarios():
    """All scenarios, at least one a rule."""
    product = product_variance()
    pre = pre_activation_variance()
    half = half_variance()
    ex, ey = Average(X(), BOTH_FACTORS), Average(Y(), BOTH_FACTORS)
    half_width_square = Integral(T**2 / (2 * HALF_WIDTH), (T, -HALF_WIDTH, HALF_WIDTH))
    alike_sum = Sum(E(z(i, L) ** 2), (L, 1, n(i)))
    symmetric_sum = Sum(V(s(i, L), NETWORKS), (L, 1, n(i + 1)))
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
            Solve(V_W(i), COMPROMISE.key),
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
            ChainRule(),
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
        # lemmas
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
            SameByLemma(pre_activation_variance(NETWORKS)),
            symmetric_sum,
            n(i + 1) * V(s(i, L), NETWORKS),
            (n(i) * V(s(i, L), NETWORKS), V(s(i, L), NETWORKS)),
            (*WEIGHTS, BIASES_SHARE_VARIANCE),
            over=NETWORKS,
            needs=tuple(h.key for h in ANY_F),
        ),
    ]


def uniform_scenario():
    """The half-width of the uniform law, by way of a lemma."""
    from derive.theorems.condition import uniform_variance

    return Scenario(
        Solve(HALF_WIDTH, UNIFORM.key, uniform_variance()),
        HALF_WIDTH,
        sqrt(3) * sqrt(V_W(i)),
        (sqrt(6) * sqrt(V_W(i)), sqrt(V_W(i)), -sqrt(3) * sqrt(V_W(i))),
        (UNIFORM, WEIGHTS_SHARE_VARIANCE),
        needs=("uniform-weights",),
        undefined=("uniform-weights",),
    )


SCENARIOS = [*scenarios(), uniform_scenario()]
