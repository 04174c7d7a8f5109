"""Any activation at real widths: the variance of a layer's pre-activations is random, and so is what it becomes."""

from __future__ import annotations

from dataclasses import replace

from sympy import Derivative, Eq, Expr, Function, Integer, Rational

from derive.averages import Average, SharedVariance, Variance
from derive.hypotheses import FINITE_FOURTH_MOMENTS, RECTIFIER, Hypothesis, Kind, Property
from derive.indices import K
from derive.kinds import definition
from derive.layers import i
from derive.network import BIAS_VARIANCE, GAIN, SLOPE, W, b, f, n, s, x, z
from derive.proof.derivation import Derivation, Proof
from derive.randomness import NETWORKS
from derive.rules import ByLemma, Define, EqualTerms, Expand, Induction, Linearity, VarianceDefinition
from derive.rules.algebra import FactorOut
from derive.rules.fluctuations import SmallFluctuations
from derive.rules.given import Everywhere, PutIn, Rename
from derive.rules.kernel import KERNEL, GivenLayersBefore, MomentGivenKernel
from derive.rules.logarithms import VarianceOfIndependent
from derive.rules.means import MomentFromVariance, ScaleVariance
from derive.rules.pairs import EqualPairs, SplitDiagonal
from derive.rules.rectifier import DefineRectifier
from derive.rules.sums import MultiplySums
from derive.rules.towers import VarianceFromMoments
from derive.rules.wide import Q, U, one_gaussian
from derive.setting import Setting
from derive.theorems.forward import BEFORE_LAST, HERE, LAST
from derive.theorems.norm_moments import SPREAD, spread_defined
from derive.theorems.sample_variance import BIAS_DEFINED, GAIN_DEFINED
from derive.words import Words

GAUSSIAN_LAYERS = Hypothesis(
    "gaussian-layers",
    Words(
        "All weights and biases are Gaussian with mean zero, independent of each other and of the input "
        "together; in a layer the weights share one variance, {}, and the biases one, {}.",
        SharedVariance(W, i),
        SharedVariance(b, i),
    ),
    (
        *(
            Property(kind, family)
            for family in (W, b)
            for kind in (Kind.GAUSSIAN, Kind.ZERO_MEAN, Kind.SHARED_VARIANCE, Kind.ENTRIES_INDEPENDENT)
        ),
        Property(Kind.INDEPENDENT_OF, W, x, b),
        Property(Kind.INDEPENDENT_OF, b, x),
    ),
)
MEAN_DEFINED = definition(
    "mean-kernel", Words("{} is the mean of {}: {}.", Q, KERNEL(i), Eq(Q, Average(KERNEL(i), NETWORKS), evaluate=False))
)
NARROW = Hypothesis(
    "narrow-kernel",
    Words(
        "The layers are wide: {} stays close to its mean. Its variance is of order one over the width, and its third "
        "and fourth moments about the mean are of that order squared.",
        KERNEL(i),
    ),
    (Property(Kind.NARROW, KERNEL, licenses="~"),),
    exact=False,
    source="Roberts, Yaida & Hanin 2022, chapter 4",
)
SLOPE_OF_MAP, CURVATURE, NOISE = (Function(name, real=True) for name in ("chi", "kappa", "h"))
LENGTH, VERTEX, SHIFT = Function("q", positive=True), Function("V", real=True), Function("delta", real=True)
_AT = LENGTH(i)
_SQUARE, _FOURTH = one_gaussian(f(U) ** 2, _AT), one_gaussian(f(U) ** 4, _AT)
_NEXT_VERTEX = Eq(
    VERTEX(i + 1),
    SLOPE_OF_MAP(i) ** 2 * VERTEX(i) + NOISE(i) / n(i + 1),
    evaluate=False,
)
_NEXT_SHIFT = Eq(
    SHIFT(i + 1),
    SLOPE_OF_MAP(i) * SHIFT(i) + CURVATURE(i) * VERTEX(i) / 2,
    evaluate=False,
)
FIRST_ORDER = definition(
    "first-order",
    Words(
        "{} are the lengths of infinite width. At each of them {} is the slope of the length map, {} is its "
        "curvature, and {} is what a layer adds to the variance, times its width: {}, {} and {}. To first order in "
        "one over the width, {} is the variance of {} and {} is its mean less {}: both are 0 where the input is given, "
        "{} and {}, and {} and {}.",
        _AT,
        SLOPE_OF_MAP(i),
        CURVATURE(i),
        NOISE(i),
        Eq(SLOPE_OF_MAP(i), GAIN * Derivative(_SQUARE, _AT), evaluate=False),
        Eq(CURVATURE(i), GAIN * Derivative(_SQUARE, (_AT, 2)), evaluate=False),
        Eq(NOISE(i), GAIN**2 * (_FOURTH - _SQUARE**2), evaluate=False),
        VERTEX(i),
        KERNEL(i),
        SHIFT(i),
        _AT,
        Eq(VERTEX(0), 0, evaluate=False),
        Eq(SHIFT(0), 0, evaluate=False),
        _NEXT_VERTEX,
        _NEXT_SHIFT,
    ),
    for_all=(i,),
)
SYMBOLS = (
    (U, Words("a pre-activation")),
    (GAIN, Words("the gain of the weights, {}", GAIN_DEFINED.equations[0].rhs)),
    (BIAS_VARIANCE, Words("the variance of the biases")),
)
_EXACT = (FINITE_FOURTH_MOMENTS, GAUSSIAN_LAYERS, GAIN_DEFINED)
_GAIN_IN = PutIn(((SharedVariance(W, i + 1), GAIN / n(i + 1)),))
_SOURCE = "Roberts, Yaida & Hanin 2022, chapter 4 (to first order)"


def width_correction() -> Derivation:
    """Var[K^{i+1}] = sigma_w^4 (Var[E_u f^2] + (E[E_u f^4] - E[(E_u f^2)^2])/n_{i+1}), u ~ N(0, K^i), exactly."""
    proof = Proof(Setting(_EXACT, BEFORE_LAST, NETWORKS), Variance(KERNEL(i + 1), NETWORKS))
    proof.by(Define(KERNEL), VarianceOfIndependent(), ScaleVariance(), VarianceDefinition(), MultiplySums())
    proof.by(Linearity(), Define(z), SplitDiagonal(), GivenLayersBefore(), EqualTerms(), EqualPairs(), Expand())
    exact = proof.by(VarianceFromMoments(), _GAIN_IN, FactorOut(GAIN**2, (n(i + 1),))).done(
        "width-correction",
        "The variance from network to network of a layer's variance, at every width, for any activation function",
        symbols=SYMBOLS,
        source=_SOURCE,
    )
    mean = mean_kernel()
    vertex, shift = layers_of(VERTEX, "variance"), layers_of(SHIFT, "shift")
    parts = (mean, excess(), rectifier(exact), first_order(exact), first_order_mean(mean), vertex, shift)
    return replace(exact, parts=parts, remarks=_REMARKS)


_REMARKS = (
    Words(
        "The first term is what the fluctuation of the layers before becomes, the second what this layer adds: the "
        "law of total variance. Nothing but the Gaussian weights and biases is used."
    ),
    Words(
        "A pre-activation is a Gaussian of a random variance: it is Gaussian up to the fluctuation of that, and the "
        "relative variance of {} is a third of its excess kurtosis.",
        KERNEL(i),
    ),
)


def mean_kernel() -> Derivation:
    """E[K^{i+1}] = sigma_w^2 E[E_u f^2] + sigma_b^2, exactly."""
    hypotheses = (*_EXACT, BIAS_DEFINED)
    proof = Proof(Setting(hypotheses, BEFORE_LAST, NETWORKS), Average(KERNEL(i + 1), NETWORKS))
    proof.by(Define(KERNEL), Linearity(), Define(z), GivenLayersBefore(), EqualTerms(), _GAIN_IN)
    proof.by(Rename((BIAS_VARIANCE,)))
    return proof.done("width-correction-mean", "The mean of a layer's variance, at every width", symbols=SYMBOLS)


def excess() -> Derivation:
    """E[(s^i_k)^4] - 3 E[(s^i_k)^2]^2 = 3 Var[K^i], exactly."""

    def mean(power: int) -> Expr:
        return Average(s(i, K) ** power, NETWORKS)

    proof = Proof(Setting((FINITE_FOURTH_MOMENTS, GAUSSIAN_LAYERS), HERE, NETWORKS), mean(4) - 3 * mean(2) ** 2)
    proof.by(GivenLayersBefore(), MomentGivenKernel(), Linearity(), VarianceFromMoments())
    return proof.done("width-correction-excess", "The fourth cumulant of a pre-activation")


def rectifier(exact: Derivation) -> Derivation:
    """Var[K^{i+1}] = (sigma_w^2 (1 + a^2)/2)^2 (Var[K^i] + c/n_{i+1} (Var[K^i] + E[K^i]^2)) for leaky ReLU."""
    proof = Proof(Setting((*_EXACT, RECTIFIER, spread_defined()), BEFORE_LAST, NETWORKS), exact.statement.lhs)
    proof.by(ByLemma(exact), DefineRectifier(), MomentGivenKernel(), Linearity(), ScaleVariance())
    spread, square = Variance(KERNEL(i), NETWORKS), Average(KERNEL(i) ** 2, NETWORKS)
    proof.by(FactorOut((GAIN * (1 + SLOPE**2) * Rational(1, 2)) ** 2, (spread, square)), Rename((SPREAD,)))
    proof.by(MomentFromVariance())
    return proof.done(
        "width-correction-rectifier",
        "The same for leaky ReLU, in closed form",
        symbols=(
            *SYMBOLS,
            (SPREAD, Words("the relative variance of a squared activation: 5 for ReLU, 2 for the line")),
        ),
        remarks=(
            Words(
                "At He's gain every layer adds {} to the relative variance, 5 over its width for ReLU and 2 over its "
                "width for the line, whatever came before.",
                SPREAD / n(i + 1),
            ),
        ),
    )


def first_order(exact: Derivation) -> Derivation:
    """Var[K^{i+1}] ~ sigma_w^4 ((d/dq E f^2)^2 Var[K^i] + (E f^4 - (E f^2)^2)/n_{i+1}), at the mean q of K^i."""
    proof = Proof(Setting((*_EXACT, MEAN_DEFINED, NARROW), BEFORE_LAST, NETWORKS), exact.statement.lhs)
    proof.by(ByLemma(exact), SmallFluctuations(((KERNEL(i), Q),), leading=True))
    return proof.done(
        "width-correction-variance", "The variance, to first order in one over the width", symbols=SYMBOLS
    )


def first_order_mean(exact: Derivation) -> Derivation:
    """E[K^{i+1}] ~ sigma_w^2 (E f^2 + (d/dq)^2 E f^2 Var[K^i]/2) + sigma_b^2, at the mean q of K^i."""
    hypotheses = (*_EXACT, BIAS_DEFINED, MEAN_DEFINED, NARROW)
    proof = Proof(Setting(hypotheses, BEFORE_LAST, NETWORKS), exact.statement.lhs)
    proof.by(ByLemma(exact), SmallFluctuations(((KERNEL(i), Q),)))
    return proof.done("width-correction-length", "The length map with its correction, to first order", symbols=SYMBOLS)


def layers_of(sequence: type[Function], name: str) -> Derivation:
    """V_i = sum_j h_j/n_{j+1} prod_{j<i'<i} chi_i'^2, and delta_i = sum_j kappa_j V_j/2 prod_{j<i'<i} chi_i'."""
    recursion = _NEXT_VERTEX if sequence == VERTEX else _NEXT_SHIFT
    base = Proof(Setting((FIRST_ORDER,), LAST), sequence(0)).by(PutIn(((sequence(0), Integer(0)),)))
    step = Proof(Setting((FIRST_ORDER,), BEFORE_LAST), sequence(i + 1)).by(Everywhere(recursion))
    rule = Induction(
        base.done(f"width-correction-{name}-base", "The input is given"),
        step.done(f"width-correction-{name}-step", "One layer, to first order"),
    )
    proof = Proof(Setting((FIRST_ORDER,), HERE), sequence(i)).by(rule)
    return proof.done(
        f"width-correction-{name}-layers",
        f"The {'variance' if sequence == VERTEX else 'correction of the length'} at every layer, to first order",
    )
