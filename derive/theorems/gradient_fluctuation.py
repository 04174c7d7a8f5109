"""The squared norm of the gradient and its fluctuation from network to network, exactly at every width."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Sum

from derive.averages import Average, SharedVariance
from derive.hypotheses import (
    FINITE_FOURTH_MOMENTS,
    FINITE_MOMENTS,
    LINEAR_REGIME,
    NEVER_ZERO,
    NONDEGENERATE,
    OUTPUT_GRADIENT_INDEPENDENT,
    RECTIFIER,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_MESOKURTIC,
    WEIGHTS_OF_ONE_LAW,
    WEIGHTS_SHARE_VARIANCE,
    WEIGHTS_SYMMETRIC,
    Hypothesis,
)
from derive.indices import K
from derive.layers import d, i
from derive.network import W, cost_gradient, n, s
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule
from derive.rules import (
    ByLemma,
    Cancel,
    DrawnGradient,
    EqualTerms,
    Induction,
    Linearity,
    LinearRegime,
    PullOut,
    ReindexProduct,
)
from derive.rules.algebra import FactorOut
from derive.rules.fourth import FourthPowers, GradientPowers, MesokurticMoment
from derive.rules.given import Rename
from derive.rules.pairs import EqualPairs, OneLaw, SplitDiagonal
from derive.rules.sums import MultiplySums
from derive.setting import Setting
from derive.theorems.backpropagation import gradient_recursion
from derive.theorems.forward import BEFORE_LAST, HERE, LAST
from derive.theorems.meanings import RECTIFIER_NOTATION
from derive.theorems.norm_moments import HALF, NOTATION, SPREAD, spread_defined
from derive.theorems.rectifier_gradient import FIXED_INPUT
from derive.words import Words

_WEIGHTS = (WEIGHTS_INDEPENDENT, WEIGHTS_SHARE_VARIANCE, OUTPUT_GRADIENT_INDEPENDENT)
_RECTIFIER = (RECTIFIER, NEVER_ZERO, WEIGHTS_SYMMETRIC, *_WEIGHTS)
_ANY_LAW = (FINITE_FOURTH_MOMENTS, *_RECTIFIER, WEIGHTS_OF_ONE_LAW)
_MESOKURTIC = (FINITE_FOURTH_MOMENTS, *_RECTIFIER, WEIGHTS_MESOKURTIC)
_LINEAR = (LINEAR_REGIME, FINITE_FOURTH_MOMENTS, *_WEIGHTS, WEIGHTS_MESOKURTIC)


def gradient_norm(layer: Expr) -> Sum:
    """Return sum_k (dCost/ds^i_k)^2, the squared norm of the gradient at the pre-activations of a layer."""
    return Sum(cost_gradient(s(layer, K)) ** 2, (K, 1, n(layer + 1)))


def _mean_square(layer: Expr) -> Average:
    return Average(gradient_norm(layer) ** 2, FIXED_INPUT)


def _squares(hypotheses: tuple[Hypothesis, ...], *passing: Rule) -> Proof:
    """E[(sum_k (dCost/ds^i_k)^2)^2] by the gradient of the next layer, and by the fourth moment of the weights."""
    proof = Proof(Setting(hypotheses, BEFORE_LAST, FIXED_INPUT), _mean_square(i))
    return proof.by(MultiplySums(), Linearity(), ByLemma(gradient_recursion()), SplitDiagonal(), *passing)


_SOURCE = "Hanin 2018; Hanin & Nica 2020 (ReLU)"


def _closed(hypotheses: tuple[Hypothesis, ...], step: Proof, name: str, title: str) -> Derivation:
    """E[(sum_k (dCost/ds^i_k)^2)^2] for all layers at once."""
    base = Proof(Setting((OUTPUT_GRADIENT_INDEPENDENT,), LAST, FIXED_INPUT), _mean_square(d)).by(DrawnGradient())
    rule = Induction(
        base.done(f"{name}-base", "At the last layer the gradient is given"),
        step.done(f"{name}-step", "One layer back, for Gaussian weights"),
    )
    proof = Proof(Setting(hypotheses, HERE, FIXED_INPUT), _mean_square(i)).by(rule, ReindexProduct(1))
    return proof.done(name, title, symbols=NOTATION, source=_SOURCE)


def gradient_fluctuation() -> Derivation:
    """E[|dCost/ds^i|^4] = E[|g|^4] prod_{i'=i+1}^{d} (n_{i'} Var[W^{i'}] (1 + a^2)/2)^2 (1 + c/n_{i'})."""
    step = _squares((*_MESOKURTIC, spread_defined()), GradientPowers(), MesokurticMoment(), EqualTerms(), EqualPairs())
    (after,) = step.now.atoms(Average)
    step.by(FactorOut((SharedVariance(W, i + 1) * n(i + 1) * HALF) ** 2 * after, (n(i + 1),)), Rename((SPREAD,)))
    title = "The mean square of the squared norm of the gradient, at every width"
    closed = _closed((*_MESOKURTIC, spread_defined()), step, "gradient-fluctuation", title)
    mean = gradient_mean()
    parts = (any_law(), linear(), mean, growth(closed, mean))
    return replace(closed, source=_SOURCE, parts=parts, remarks=(_AS_FORWARD,))


_AS_FORWARD = Words(
    "It is exact at every width, though slopes and gradients depend on each other: a single network's gradient "
    "fluctuates as its activations do, {} for every layer that it has come back through.",
    SPREAD / n(i),
)


def any_law() -> Derivation:
    """E[|dCost/ds^i|^4] for weights of any symmetric law: its fourth moment comes with that of the gradients."""
    proof = _squares(_ANY_LAW, GradientPowers(), OneLaw(), PullOut(), EqualTerms(), EqualPairs())
    return proof.done(
        "gradient-any-law", "One layer back, for weights of any symmetric law", symbols=RECTIFIER_NOTATION
    )


def linear() -> Derivation:
    """E[|dCost/ds^i|^4] = E[|g|^4] prod_{i'=i+1}^{d} (n_{i'} Var[W^{i'}])^2 (1 + 2/n_{i'}) in the linear regime."""
    passing = (LinearRegime(), FourthPowers(), MesokurticMoment(), EqualTerms(), EqualPairs())
    step = _squares(_LINEAR, *passing)
    (after,) = step.now.atoms(Average)
    step.by(FactorOut((SharedVariance(W, i + 1) * n(i + 1)) ** 2 * after, (n(i + 1),)))
    return _closed(_LINEAR, step, "gradient-fluctuation-linear", "The same for a linear network")


def gradient_mean() -> Derivation:
    """sum_k E[(dCost/ds^i_k)^2] = sum_k E[g_k^2] prod_{i'=i+1}^{d} n_{i'} Var[W^{i'}] (1 + a^2)/2."""

    def total(layer: Expr) -> Expr:
        return Sum(Average(cost_gradient(s(layer, K)) ** 2, FIXED_INPUT), (K, 1, n(layer + 1)))

    hypotheses = (FINITE_MOMENTS, *_RECTIFIER)
    base = Proof(Setting((OUTPUT_GRADIENT_INDEPENDENT,), LAST, FIXED_INPUT), total(d)).by(DrawnGradient())
    step = Proof(Setting(hypotheses, BEFORE_LAST, FIXED_INPUT), total(i))
    step.by(ByLemma(gradient_recursion()), GradientPowers(), EqualTerms())
    rule = Induction(
        base.done("gradient-mean-base", "At the last layer the gradient is given"),
        step.done("gradient-mean-step", "One layer back"),
    )
    proof = Proof(Setting(hypotheses, HERE, FIXED_INPUT), total(i)).by(rule, ReindexProduct(1))
    return proof.done("gradient-mean", "The mean of the squared norm of the gradient", symbols=RECTIFIER_NOTATION)


def growth(closed: Derivation, mean: Derivation) -> Derivation:
    """E[|dCost/ds^i|^4]/E[|dCost/ds^i|^2]^2 = E[|g|^4]/E[|g|^2]^2 prod_{i'=i+1}^{d} (1 + c/n_{i'})."""
    setting = Setting((*_MESOKURTIC, spread_defined(), FINITE_MOMENTS, NONDEGENERATE), HERE, FIXED_INPUT)
    proof = Proof(setting, _mean_square(i) / Average(gradient_norm(i), FIXED_INPUT) ** 2)
    proof.by(ByLemma(closed), Linearity(), ByLemma(mean), Cancel())
    return proof.done("gradient-relative-square", "The mean square by the squared mean", symbols=NOTATION)
