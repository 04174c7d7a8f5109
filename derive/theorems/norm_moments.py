"""The squared norm of the activations and its fluctuation from network to network, exactly at every width."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from sympy import Eq, Expr, Rational, Sum, Symbol

from derive.averages import Average, SharedVariance, Variance
from derive.hypotheses import (
    BIASES_ZERO,
    FINITE_FOURTH_MOMENTS,
    FINITE_MOMENTS,
    INPUT_INDEPENDENT,
    LINEAR_REGIME,
    NONDEGENERATE,
    RECTIFIER,
    WEIGHTS_CENTRED,
    WEIGHTS_GAUSSIAN,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_MESOKURTIC,
    WEIGHTS_OF_ONE_LAW,
    WEIGHTS_SHARE_VARIANCE,
    WEIGHTS_SYMMETRIC,
    Hypothesis,
    MadeHypothesis,
)
from derive.indices import K, L
from derive.kinds import definition
from derive.layers import i
from derive.network import SLOPE, W, n, s, z
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule
from derive.randomness import NETWORKS
from derive.rules import (
    ByLemma,
    Cancel,
    Define,
    EqualTerms,
    Expand,
    Induction,
    Linearity,
    LinearRegime,
    NoBiases,
    PullOut,
    ReindexProduct,
    VarianceDefinition,
)
from derive.rules.algebra import FactorOut
from derive.rules.asymptotics import LocalExpansion
from derive.rules.depth import ExponentialBound, ProductOfExponentials, SumBelowProduct
from derive.rules.fourth import EvenPowers, FourthPowers, MesokurticMoment
from derive.rules.given import Rename
from derive.rules.pairs import EqualPairs, OneLaw, SplitDiagonal
from derive.rules.sums import MultiplySums
from derive.rules.weights import WeightedSums
from derive.rules.wide import GaussianMoment
from derive.setting import Setting
from derive.theorems.forward import BEFORE_LAST, HERE, LAST
from derive.theorems.layer_variance import fluctuation
from derive.theorems.meanings import RECTIFIER_NOTATION
from derive.words import Words

LAYER = Symbol("i'", integer=True)
SPREAD = Symbol("c", positive=True)


@cache
def spread_defined() -> Hypothesis:
    """Return the definition of c by what it is for leaky ReLU."""
    return definition(
        "squared-activation-spread",
        Words(
            "{} is the relative variance of a squared activation, for Gaussian pre-activations: {}.",
            SPREAD,
            Eq(SPREAD, fluctuation().result, evaluate=False),
        ),
    )


MADE_HYPOTHESES = (
    MadeHypothesis(
        "squared-activation-spread",
        Words("{} is the relative variance of a squared activation, for Gaussian pre-activations.", SPREAD),
        "",
        spread_defined,
    ),
)
"""Hypotheses of this file that rest on what a theorem derives."""
INVERSE_WIDTH = Symbol("u", positive=True)
INVERSE = definition("inverse-width", Words("{} is one over the width of a layer.", INVERSE_WIDTH))
DEPTH = Symbol("L", integer=True, positive=True)
NOTATION = (
    *RECTIFIER_NOTATION,
    (SPREAD, Words("the relative variance of a squared activation: 5 for ReLU, 2 for the line")),
)
_SIGNS = (RECTIFIER, WEIGHTS_INDEPENDENT, WEIGHTS_CENTRED, WEIGHTS_SHARE_VARIANCE, BIASES_ZERO, WEIGHTS_SYMMETRIC)
_ANY_LAW = (FINITE_FOURTH_MOMENTS, *_SIGNS, WEIGHTS_OF_ONE_LAW)
_MESOKURTIC = (FINITE_FOURTH_MOMENTS, *_SIGNS, WEIGHTS_MESOKURTIC)
_LINEAR = (
    LINEAR_REGIME,
    FINITE_FOURTH_MOMENTS,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_CENTRED,
    WEIGHTS_SHARE_VARIANCE,
    BIASES_ZERO,
    WEIGHTS_MESOKURTIC,
)
HALF = (1 + SLOPE**2) * Rational(1, 2)


def norm(layer: Expr) -> Sum:
    """Return sum_l (z^i_l)^2, the squared norm of the activations of a layer."""
    return Sum(z(layer, L) ** 2, (L, 1, n(layer)))


def _squares(hypotheses: tuple[Hypothesis, ...], *activation: Rule) -> Proof:
    """E[(sum_k (z^{i+1}_k)^2)^2] by the norm of the layer before, and by the fourth moment of the weights."""
    proof = Proof(Setting(hypotheses, BEFORE_LAST, NETWORKS), Average(norm(i + 1) ** 2, NETWORKS))
    proof.by(MultiplySums(), Define(z), Linearity(), SplitDiagonal(), *activation)
    return proof.by(Define(s), NoBiases(), FourthPowers())


_SOURCE = "Hanin 2018; Hanin & Nica 2020 (ReLU)"


def _closed(hypotheses: tuple[Hypothesis, ...], step: Proof, name: str, title: str) -> Derivation:
    """E[(sum_l (z^i_l)^2)^2] for all layers at once."""
    rule = Induction(
        _start(Average(norm(0) ** 2, NETWORKS), FINITE_FOURTH_MOMENTS, f"{name}-base"),
        step.done(f"{name}-step", "One layer, for Gaussian weights"),
    )
    proof = Proof(Setting((*hypotheses, INPUT_INDEPENDENT), HERE, NETWORKS), Average(norm(i) ** 2, NETWORKS))
    proof.by(rule, ReindexProduct(1))
    return proof.done(name, title, symbols=NOTATION, source=_SOURCE)


@cache
def norm_fourth_moment() -> Derivation:
    """E[(sum_l (z^i_l)^2)^2] = (sum_l x_l^2)^2 prod_{i'=1}^{i} (n_{i'} Var[W^{i'-1}] (1 + a^2)/2)^2 (1 + c/n_{i'})."""
    step = _squares((*_MESOKURTIC, spread_defined()), EvenPowers()).by(MesokurticMoment(), EqualTerms(), EqualPairs())
    (before,) = step.now.atoms(Average)
    step.by(FactorOut((SharedVariance(W, i) * n(i + 1) * HALF) ** 2 * before, (n(i + 1),)), Rename((SPREAD,)))
    title = "The mean square of the squared norm of the activations, at every width"
    closed, mean = _closed((*_MESOKURTIC, spread_defined()), step, "norm-fourth-moment", title), norm_mean()
    relative = norm_fluctuation(closed, mean)
    laws = (gaussian_fourth_moment(), any_law(), fourth_powers(), linear())
    parts = (*laws, mean, relative, above(relative), below(), first_order())
    return replace(closed, source=_SOURCE, parts=parts, remarks=(_ONLY_FOURTH, _DEPTH_OVER_WIDTH))


_ONLY_FOURTH = Words(
    "It is exact for one fixed input and any widths. Of the law of the weights, only the fourth moment matters: with "
    "another one, the sum of the fourth powers of the activations enters in every layer, and has a recursion with the "
    "squared norm's."
)
_DEPTH_OVER_WIDTH = Words(
    "The norm of a single network is near its mean where the sum of {} over the layers is small: the depth over the "
    "width, times {}.",
    SPREAD / n(i),
    SPREAD,
)


def _start(start: Expr, moments: Hypothesis, name: str) -> Derivation:
    proof = Proof(Setting((moments, INPUT_INDEPENDENT), LAST, NETWORKS), start).by(Define(z), Linearity())
    return proof.done(name, "The input is fixed")


def gaussian_fourth_moment() -> Derivation:
    """E[(W^i_{lk})^4] = 3 Var[W^i]^2 for Gaussian weights."""
    hypotheses = (WEIGHTS_CENTRED, WEIGHTS_SHARE_VARIANCE, WEIGHTS_GAUSSIAN)
    proof = Proof(Setting(hypotheses, HERE, NETWORKS), Average(W(i, L, K) ** 4, NETWORKS)).by(GaussianMoment())
    return proof.done("gaussian-fourth-moment", "The fourth moment of a Gaussian weight")


def any_law() -> Derivation:
    """E[(sum_k (z^{i+1}_k)^2)^2] for weights of any symmetric law: its fourth moment comes with sum_l E[(z^i_l)^4]."""
    proof = _squares(_ANY_LAW, EvenPowers()).by(OneLaw(), PullOut(), EqualTerms(), EqualPairs())
    return proof.done("norm-any-law", "One layer, for weights of any symmetric law", symbols=RECTIFIER_NOTATION)


def fourth_powers() -> Derivation:
    """sum_k E[(z^{i+1}_k)^4] for weights of any symmetric law, by the same two quantities."""
    start = Sum(Average(z(i + 1, L) ** 4, NETWORKS), (L, 1, n(i + 1)))
    proof = Proof(Setting(_ANY_LAW, BEFORE_LAST, NETWORKS), start)
    proof.by(Define(z), EvenPowers(), Define(s), NoBiases(), FourthPowers(), OneLaw(), PullOut(), EqualTerms())
    return proof.done("norm-fourth-powers", "The fourth powers of the activations", symbols=RECTIFIER_NOTATION)


def linear() -> Derivation:
    """E[(sum_l (z^i_l)^2)^2] = (sum_l x_l^2)^2 prod_{i'=1}^{i} (n_{i'} Var[W^{i'-1}])^2 (1 + 2/n_{i'}), f(s) = s."""
    step = _squares(_LINEAR, LinearRegime()).by(MesokurticMoment(), EqualTerms(), EqualPairs())
    (before,) = step.now.atoms(Average)
    step.by(FactorOut((SharedVariance(W, i) * n(i + 1)) ** 2 * before, (n(i + 1),)))
    return _closed(_LINEAR, step, "norm-fourth-moment-linear", "The same for a linear network")


@cache
def norm_mean() -> Derivation:
    """sum_l E[(z^i_l)^2] = sum_l x_l^2 prod_{i'=1}^{i} n_{i'} Var[W^{i'-1}] (1 + a^2)/2."""

    def total(layer: Expr) -> Expr:
        return Sum(Average(z(layer, L) ** 2, NETWORKS), (L, 1, n(layer)))

    step = Proof(Setting((FINITE_MOMENTS, *_SIGNS), BEFORE_LAST, NETWORKS), total(i + 1))
    step.by(Define(z), EvenPowers(), Define(s), NoBiases(), WeightedSums(), EqualTerms())
    rule = Induction(
        _start(total(0), FINITE_MOMENTS, "norm-mean-base"), step.done("norm-mean-step", "One layer of leaky ReLU")
    )
    proof = Proof(Setting((FINITE_MOMENTS, *_SIGNS, INPUT_INDEPENDENT), HERE, NETWORKS), total(i))
    return proof.by(rule, ReindexProduct(1)).done(
        "norm-mean", "The mean of the squared norm", symbols=RECTIFIER_NOTATION
    )


def norm_fluctuation(closed: Derivation, mean: Derivation) -> Derivation:
    """Var[|z^i|^2]/E[|z^i|^2]^2 = prod_{i'=1}^{i} (1 + c/n_{i'}) - 1."""
    hypotheses = (*_MESOKURTIC, spread_defined(), FINITE_MOMENTS, INPUT_INDEPENDENT, NONDEGENERATE)
    setting, size = Setting(hypotheses, HERE, NETWORKS), Average(norm(i), NETWORKS)
    ratio = Proof(setting, Average(norm(i) ** 2, NETWORKS) / size**2)
    ratio.by(ByLemma(closed), Linearity(), ByLemma(mean), Cancel())
    growth = ratio.done("norm-relative-square", "The mean square by the squared mean", symbols=NOTATION)
    proof = Proof(setting, Variance(norm(i), NETWORKS) / size**2)
    proof.by(VarianceDefinition(), Expand(), ByLemma(growth))
    return proof.done("norm-fluctuation", "The relative variance of the squared norm", symbols=NOTATION)


def above(relative: Derivation) -> Derivation:
    """Var[|z^i|^2]/E[|z^i|^2]^2 <= exp(sum_{i'=1}^{i} c/n_{i'}) - 1."""
    proof = Proof(relative.setting, relative.statement.lhs)
    proof.by(ByLemma(relative), ExponentialBound(), ProductOfExponentials(), PullOut())
    return proof.done("norm-fluctuation-above", "At most the exponential of a sum over the layers", symbols=NOTATION)


@cache
def first_order() -> Derivation:
    """(1 + c/n)^L - 1 ~ L c/n, to first order in 1/n, for L layers of width n."""
    proof = Proof(Setting((INVERSE,)), (1 + SPREAD * INVERSE_WIDTH) ** DEPTH - 1)
    return proof.by(LocalExpansion(INVERSE_WIDTH, 2)).done(
        "norm-fluctuation-first-order",
        "The relative variance of the squared norm behind wide layers of one width, to first order in one over it",
        symbols=(*NOTATION, (DEPTH, Words("the number of layers"))),
    )


def below() -> Derivation:
    """1 + sum_{i'=1}^{i} c/n_{i'} <= prod_{i'=1}^{i} (1 + c/n_{i'})."""
    total = Sum(SPREAD / n(LAYER), (LAYER, 1, i))
    proof = Proof(Setting((), HERE), 1 + total).by(SumBelowProduct())
    return proof.done("norm-fluctuation-below", "At least the sum over the layers", symbols=NOTATION)
