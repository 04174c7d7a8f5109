"""Two samples at real widths: the covariances of a layer's pre-activations are random, and how they travel."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Integer, sqrt

from derive.averages import Average, Covariance, SharedVariance, Variance
from derive.blocks import Dense, Elementwise, Serial, layers, network_input
from derive.hypotheses import FINITE_FOURTH_MOMENTS, Hypothesis, Kind, Property
from derive.kinds import definition
from derive.layers import i
from derive.network import BIAS_VARIANCE, GAIN, n
from derive.proof.derivation import Derivation, Proof
from derive.randomness import NETWORKS, Family
from derive.rules import ByLemma, Define, EqualTerms, Expand, Linearity, VarianceDefinition
from derive.rules.algebra import FactorOut
from derive.rules.fluctuations import SmallFluctuations
from derive.rules.given import PutIn, Rename
from derive.rules.kernel import GivenLayersBefore
from derive.rules.means import CovarianceDefinition
from derive.rules.pairs import EqualPairs, SplitDiagonal
from derive.rules.sums import MultiplySums
from derive.rules.towers import CovarianceFromMoments, VarianceFromMoments
from derive.rules.wide import FIRST, SECOND, U
from derive.setting import Setting
from derive.theorems.angle import product_of_samples
from derive.theorems.forward import BEFORE_LAST, HERE
from derive.theorems.signals import Q1, Q2, Q12
from derive.words import Words

_CHAIN = layers(
    Serial(Dense(n(i + 1), bias_variance=None), Elementwise(output="z'")), network_input(n(i), samples=2), "z"
)
_Z, _S = _CHAIN.defined
_X, _W, _B = (drawn.family for drawn in _CHAIN.drawn)
KERNELS = Family(
    "K",
    meaning=Words("the covariance of the pre-activations of two samples over a layer's own weights and biases"),
    extents=lambda _: (Integer(2), Integer(2)),
    definition=lambda i, t, u: SharedVariance(_W, i) * product_of_samples(_Z, i, t, u) + SharedVariance(_B, i),
)
_GAIN = definition(
    "gain",
    Words("{} is the gain of the weights: {}.", GAIN, Eq(GAIN, n(i + 1) * SharedVariance(_W, i + 1), evaluate=False)),
)
BIAS_DEFINED = definition(
    "bias-variance",
    Words("{} is the variance of the biases: {}.", BIAS_VARIANCE, Eq(BIAS_VARIANCE, SharedVariance(_B, i + 1))),
)
_GAUSSIAN = Hypothesis(
    "gaussian-layers",
    Words("Every weight and every bias is Gaussian."),
    (Property(Kind.GAUSSIAN, _W), Property(Kind.GAUSSIAN, _B)),
)
_MEANS = ((1, 1, Q1), (1, 2, Q12), (2, 2, Q2))
MEANS_DEFINED = definition(
    "mean-kernels",
    Words(
        "{}, {} and {} are the means of the covariances of layer {}: {}, {} and {}.",
        *(q for *_, q in _MEANS),
        i,
        *(Eq(q, Average(KERNELS(i, t, u), NETWORKS), evaluate=False) for t, u, q in _MEANS),
    ),
)
NARROW_KERNELS = Hypothesis(
    "narrow-kernels",
    Words(
        "The layers are wide: the {} stay close to their means. Their variances are of order one over the width, and "
        "their third and fourth moments about the means are of that order squared.",
        KERNELS(i, 1, 2),
    ),
    (Property(Kind.NARROW, KERNELS, licenses="~"),),
    exact=False,
    source="Roberts, Yaida & Hanin 2022, chapter 4",
)
SYMBOLS = (
    (U, Words("a pre-activation of a sample")),
    (FIRST, Words("a pre-activation of the first sample")),
    (SECOND, Words("the same unit's of the second")),
    (GAIN, Words("the gain of the weights, {}", _GAIN.equations[0].rhs)),
    (BIAS_VARIANCE, Words("the variance of the biases")),
)
EXACT = (FINITE_FOURTH_MOMENTS, *_CHAIN.assumed, _GAUSSIAN, _GAIN)
_GAIN_IN = PutIn(((SharedVariance(_W, i + 1), GAIN / n(i + 1)),))
_GIVEN = GivenLayersBefore(KERNELS, _S)
_FLUCTUATIONS = tuple((KERNELS(i, t, u), q) for t, u, q in _MEANS)
_SOURCE = "Roberts, Yaida & Hanin 2022, chapter 4 (to first order)"


def width_correction_two_samples() -> Derivation:
    """Var[K_12'] = sigma_w^4 (Var[E f_1 f_2] + (E[E f_1^2 f_2^2] - E[(E f_1 f_2)^2])/n), exactly."""
    exact, mean = covariance_of((1, 2), (1, 2)), mean_of(1, 2)
    lengths, cross = covariance_of((1, 1), (2, 2)), covariance_of((1, 1), (1, 2))
    first = (first_order(exact, "variance", leading=True), first_order(mean, "covariance", leading=False))
    parts = (mean, lengths, cross, *first, *correlation())
    return replace(exact, source=_SOURCE, parts=parts, remarks=_REMARKS)


_REMARKS = (
    Words(
        "Its mean over two independent samples is the m² of the post, and what is left of the length, {}, its v²: "
        "means, variances and corrections of both follow. A bias adds its variance to every {} and is no part of how "
        "they fluctuate within a layer.",
        KERNELS(i, 1, 1) - KERNELS(i, 1, 2),
        KERNELS(i, 1, 2),
    ),
)


def covariance_of(one: tuple[int, int], other: tuple[int, int]) -> Derivation:
    """Cov[K_tu', K_vw'] = sigma_w^4 (Cov[E f_t f_u, E f_v f_w] + (E[E f_t f_u f_v f_w] - E[E f_t f_u E f_v f_w])/n)."""
    left, right = KERNELS(i + 1, *one), KERNELS(i + 1, *other)
    same = one == other
    start = Variance(left, NETWORKS) if same else Covariance(left, right, NETWORKS)
    proof = Proof(Setting(EXACT, BEFORE_LAST, NETWORKS), start)
    proof.by(VarianceDefinition() if same else CovarianceDefinition(), Define(KERNELS), Expand(), MultiplySums())
    proof.by(Linearity(), Define(_Z), SplitDiagonal(), _GIVEN, EqualTerms(), EqualPairs(), Expand())
    proof.by(VarianceFromMoments() if same else CovarianceFromMoments(), _GAIN_IN, FactorOut(GAIN**2, (n(i + 1),)))
    samples = "".join(map(str, (*one, *other)))
    name, title = _TITLES.get((one, other), (f"kernel-covariance-{samples}", f"How two covariances vary, {samples}"))
    return proof.done(name, title, symbols=SYMBOLS, source=_SOURCE)


_NAME = "width-correction-two-samples"
_TITLES = {
    ((1, 2), (1, 2)): (_NAME, "The fluctuation of the covariance of two samples from network to network"),
    ((1, 1), (2, 2)): (f"{_NAME}-lengths", "What the lengths of two samples have in common"),
    ((1, 1), (1, 2)): (f"{_NAME}-cross", "What a length and the covariance have in common"),
}


def mean_of(t: int, u: int) -> Derivation:
    """E[K_tu'] = sigma_w^2 E[E f_t f_u] + sigma_b^2, exactly."""
    proof = Proof(Setting((*EXACT, BIAS_DEFINED), BEFORE_LAST, NETWORKS), Average(KERNELS(i + 1, t, u), NETWORKS))
    proof.by(Define(KERNELS), Linearity(), Define(_Z), _GIVEN, EqualTerms(), _GAIN_IN, Rename((BIAS_VARIANCE,)))
    name = f"{_NAME}-mean" if t != u else f"kernel-mean-{t}{u}"
    return proof.done(
        name, "The mean covariance of two samples" if t != u else f"The mean length, {t}", symbols=SYMBOLS
    )


def first_order(exact: Derivation, name: str, *, leading: bool) -> Derivation:
    """The same with the fluctuations of the layer before to first order in one over the width."""
    setting = Setting((*exact.setting.hypotheses, MEANS_DEFINED, NARROW_KERNELS), BEFORE_LAST, NETWORKS)
    proof = Proof(setting, exact.statement.lhs).by(ByLemma(exact), SmallFluctuations(_FLUCTUATIONS, leading=leading))
    return proof.done(
        f"{_NAME}-{name}",
        f"The {'variance of the ' if leading else ''}covariance of two samples, to first order in one over the width",
        symbols=SYMBOLS,
    )


def correlation() -> tuple[Derivation, ...]:
    """E[rho] and Var[rho] of the correlation K_12/sqrt(K_11 K_22), to first order."""
    rho = KERNELS(i, 1, 2) / sqrt(KERNELS(i, 1, 1) * KERNELS(i, 2, 2))
    setting = Setting((MEANS_DEFINED, NARROW_KERNELS), HERE, NETWORKS)
    return tuple(
        Proof(setting, bracket(rho, NETWORKS)).by(SmallFluctuations(_FLUCTUATIONS)).done(name, title)
        for bracket, name, title in (
            (Average, "mean-correlation", "The mean correlation of two samples, to first order"),
            (Variance, "correlation-fluctuation", "The fluctuation of their correlation, to first order"),
        )
    )
