"""The logarithm of the squared norm in a linear network: its mean and variance, exactly at every width."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Expr, Integer, digamma, log, polygamma

from derive.averages import Average, SharedVariance, Variance
from derive.hypotheses import (
    BIASES_ZERO,
    FINITE_MOMENTS,
    INPUT_INDEPENDENT,
    LINEAR_REGIME,
    NONDEGENERATE,
    WEIGHTS_CENTRED,
    WEIGHTS_GAUSSIAN,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_SHARE_VARIANCE,
    Hypothesis,
    Kind,
    Property,
)
from derive.indices import K
from derive.layers import i
from derive.network import W, b, n, s, x, z
from derive.proof.derivation import Derivation, Proof
from derive.proof.rule import Rule
from derive.randomness import NETWORKS
from derive.rules import Define, Induction, Linearity, LinearRegime, NoBiases, PullOut
from derive.rules.asymptotics import LocalExpansion
from derive.rules.logarithms import XI, GaussianColumns, LogOfChiSquared, LogOfProduct, VarianceOfIndependent
from derive.setting import Setting
from derive.theorems.forward import BEFORE_LAST, HERE, LAST
from derive.theorems.norm_moments import INVERSE, INVERSE_WIDTH, norm
from derive.words import Words

STANDARD = Hypothesis(
    "standard-gaussians",
    Words(
        "The {} are standard Gaussian variables, independent of each other and of all the rest together: {}.",
        XI(i, K),
        Eq(SharedVariance(XI, i), 1, evaluate=False),
    ),
    (
        *(Property(k, XI) for k in (Kind.GAUSSIAN, Kind.ZERO_MEAN, Kind.SHARED_VARIANCE, Kind.ENTRIES_INDEPENDENT)),
        Property(Kind.INDEPENDENT_OF, XI, W, b, x),
        Property(Kind.NONDEGENERATE, XI),
    ),
    for_all=(i,),
)
NOT_ALL_ZERO = Hypothesis(
    "activations-not-all-zero",
    Words("The activations of no layer are all zero, as is so for Gaussian weights and an input that is not zero."),
    (Property(Kind.NONDEGENERATE, z),),
)
_HYPOTHESES = (
    LINEAR_REGIME,
    FINITE_MOMENTS,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_CENTRED,
    WEIGHTS_SHARE_VARIANCE,
    WEIGHTS_GAUSSIAN,
    BIASES_ZERO,
    NONDEGENERATE,
    STANDARD,
    NOT_ALL_ZERO,
)


_SOURCE = "Hanin & Nica 2020; Jakub & Nica 2023"


def log_norm_law() -> Derivation:
    """E[log |z^i|^2] = log |x|^2 + sum_{j'<i} (log(2 Var[W^{j'}]) + psi(n_{j'+1}/2)) for a linear network."""
    mean = _closed(
        Average, (Linearity(), LogOfChiSquared()), "log-norm-law", "The mean of the logarithm of the squared norm"
    )
    spread = _closed(
        Variance, (VarianceOfIndependent(), LogOfChiSquared()), "log-norm-variance", "The variance of that logarithm"
    )
    return replace(mean, source=_SOURCE, parts=(spread, *narrow()), remarks=(_NORMAL,))


_NORMAL = Words(
    "The steps from layer to layer are independent: as the layers grow many, the logarithm tends to a normal law, with "
    "this mean and this variance, whatever the widths (the central limit theorem; Hanin & Nica 2020, and Jakub & Nica "
    "2023 for ReLU). With weights of variance {} the typical norm falls where its mean square stays.",
    1 / n(i),
)


def _closed(bracket: type[Average | Variance], last: tuple[Rule, ...], name: str, title: str) -> Derivation:
    """Return a moment of log |z^i|^2, for all layers at once."""

    def moment(layer: Expr) -> Expr:
        return bracket(log(norm(layer)), NETWORKS)

    given = (FINITE_MOMENTS, INPUT_INDEPENDENT)
    base = Proof(Setting(given, LAST, NETWORKS), moment(Integer(0))).by(Define(z), *last[:1])
    step = Proof(Setting(_HYPOTHESES, BEFORE_LAST, NETWORKS), moment(i + 1))
    step.by(Define(z), LinearRegime(), Define(s), NoBiases(), GaussianColumns(), PullOut(), LogOfProduct(), *last)
    rule = Induction(base.done(f"{name}-base", "The input is fixed"), step.done(f"{name}-step", "One layer"))
    proof = Proof(Setting((*_HYPOTHESES, INPUT_INDEPENDENT), HERE, NETWORKS), moment(i)).by(rule)
    return proof.done(name, title, source=_SOURCE)


def narrow() -> tuple[Derivation, ...]:
    """log(2/n) + psi(n/2) ~ -1/n and psi'(n/2) ~ 2/n, to first order in 1/n."""
    drift = Proof(Setting((INVERSE,)), log(2 * INVERSE_WIDTH) + digamma(1 / (2 * INVERSE_WIDTH)))
    spread = Proof(Setting((INVERSE,)), polygamma(1, 1 / (2 * INVERSE_WIDTH)))
    return tuple(
        proof.by(LocalExpansion(INVERSE_WIDTH, 2)).done(name, title)
        for proof, name, title in (
            (drift, "log-norm-drift", "What one wide layer adds to the mean, for weights of variance 1/n"),
            (spread, "log-norm-spread", "What one wide layer adds to the variance"),
        )
    )
