"""Two samples in a (leaky) ReLU network without biases: their distance shrinks at every width, and how fast."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Integer, Rational, Sum, cos, factor

from derive.averages import Average, SharedVariance
from derive.gaussian import GaussianExpectation
from derive.hypotheses import FINITE_MOMENTS, RECTIFIER, Hypothesis, Kind, Property
from derive.indices import K, L
from derive.layers import i
from derive.network import SLOPE, n
from derive.proof.derivation import Derivation, Proof
from derive.rules import ByLemma, Define, EqualTerms, Expand, Linearity, PullOut
from derive.rules.asymptotics import LocalExpansion, SimplifySides
from derive.rules.rectifier import DefineRectifier
from derive.rules.sign_changes import NoGain, OddInWeights, ProductBelowSquares, Together
from derive.rules.small_angles import HalfTurn
from derive.rules.sums import SplitSum
from derive.rules.weights import WeightedSums
from derive.rules.wide import FIRST, SECOND, ByClosedForm, Q
from derive.setting import Setting
from derive.theorems.angle import CHAIN, OVER_WEIGHTS, S, W, Z
from derive.theorems.angle_process import ANGLE, BETWEEN
from derive.theorems.forward import BEFORE_LAST, HERE
from derive.theorems.meanings import RECTIFIER_NOTATION
from derive.words import Words

SYMMETRIC = Hypothesis(
    "layer-weights-symmetric",
    Words("Every weight has a law symmetric about zero."),
    (Property(Kind.SYMMETRIC, W),),
)
_INDEPENDENT = tuple(h for h in CHAIN.assumed if any(p.kind == Kind.ENTRIES_INDEPENDENT for p in h.properties))
_SIGNS = (RECTIFIER, FINITE_MOMENTS, SYMMETRIC, *_INDEPENDENT)
_WEIGHTS = (FINITE_MOMENTS, *CHAIN.assumed)


def mean(quantity: Expr) -> Average:
    """Return a mean over the networks."""
    return Average(quantity, OVER_WEIGHTS)


def square(values: object, layer: Expr, unit: Expr) -> Average:
    """Return the mean squared difference of two samples in a unit."""
    return mean((values(layer, 1, unit) - values(layer, 2, unit)) ** 2)  # type: ignore[operator]


def distance(layer: Expr) -> Sum:
    """Return sum_l E[(z_1l - z_2l)^2], the mean squared distance of two samples behind a layer."""
    return Sum(square(Z, layer, L), (L, 1, n(layer)))


def excess(unit: Expr) -> Average:
    """Return E[|s_1k s_2k| - s_1k s_2k], which counts units where two samples have different signs."""
    one, other = S(i, 1, unit), S(i, 2, unit)
    return mean(abs(one) * abs(other) - one * other)


def before_activation() -> Derivation:
    """E[(s^i_1k - s^i_2k)^2] = Var[W^i] sum_l E[(z^i_1l - z^i_2l)^2]."""
    proof = Proof(Setting(_WEIGHTS, HERE, OVER_WEIGHTS), square(S, i, K))
    proof.by(Expand(), Linearity(), Define(S), WeightedSums(), Together(distance(i)))
    return proof.done("finite-width-decay-weights", "Weights keep distances, in the mean")


def one_unit() -> Derivation:
    """E[(z_1k - z_2k)^2] = (1 + a^2)/2 E[(s_1k - s_2k)^2] - (1 - a)^2/2 E[|s_1k s_2k| - s_1k s_2k]."""
    proof = Proof(Setting(_SIGNS, BEFORE_LAST, OVER_WEIGHTS), square(Z, i + 1, K))
    proof.by(Define(Z), DefineRectifier(), Expand(), Linearity(), OddInWeights())
    proof.by(Together(square(S, i, K)), Together(excess(K)))
    return proof.done(
        "finite-width-decay-unit", "Leaky ReLU takes from a distance what changes its sign", symbols=RECTIFIER_NOTATION
    )


def finite_width_decay() -> Derivation:
    """D_{i+1} = n_{i+1} Var[W^i] (1 + a^2)/2 D_i - (1 - a)^2/2 sum_k E[|s_1k s_2k| - s_1k s_2k], exactly."""
    unit, weights = one_unit(), before_activation()
    exact = _one_layer(unit, weights).done(
        "finite-width-decay",
        "The distance of two samples one layer on, at every width",
        symbols=RECTIFIER_NOTATION,
        source="derived here",
    )
    above = (
        _one_layer(unit, weights)
        .by(NoGain())
        .done("finite-width-decay-above", "At every width no more than its share is left", symbols=RECTIFIER_NOTATION)
    )
    loss = largest_loss(weights)
    parts = (weights, unit, above, loss, wide_loss())
    return replace(exact, parts=parts, remarks=_remarks(exact, loss))


def _remarks(exact: Derivation, loss: Derivation) -> tuple[Words, ...]:
    kept, most = (exact.result.xreplace({loss.statement.lhs: e}) for e in (Integer(0), loss.result))
    (before,) = loss.result.atoms(Sum)
    least = factor((most / kept).replace(lambda e: isinstance(e, Sum), lambda _: before))
    return (
        Words(
            "It is exact for any inputs, widths and symmetric laws of the weights. The mean squared length grows by {} "
            "a layer, and so would the distance: what a layer takes, it takes at units in which the two samples "
            "have different signs, at every width, and nothing comes back.",
            (1 + SLOPE**2) * SharedVariance(W, i) * n(i + 1) * Rational(1, 2),
        ),
        Words("What a layer leaves is between {} of that share and all of it.", least),
        Words(
            "In a wide layer the loss is the cube of the angle, where the distance is its square: the decay is the "
            "power law of theorem sample-variance-decay. Once the depth exceeds the width, what a layer makes of "
            "powers of a small angle decides, in theorem angle-process."
        ),
    )


def _one_layer(unit: Derivation, weights: Derivation) -> Proof:
    proof = Proof(Setting((*_SIGNS, *_WEIGHTS[1:]), BEFORE_LAST, OVER_WEIGHTS), distance(i + 1))
    return proof.by(ByLemma(unit), ByLemma(weights), SplitSum(), EqualTerms(), PullOut())


def largest_loss(weights: Derivation) -> Derivation:
    """sum_k E[|s_1k s_2k| - s_1k s_2k] <= n_{i+1} Var[W^i]/2 sum_l E[(z_1l - z_2l)^2]."""
    setting = Setting(_WEIGHTS, BEFORE_LAST, OVER_WEIGHTS)
    proof = Proof(setting, Sum(excess(L), (L, 1, n(i + 1))))
    proof.by(ProductBelowSquares(), ByLemma(weights), EqualTerms())
    return proof.done("finite-width-decay-loss", "A layer takes no more than half of the distance")


_SYMBOLS = (
    (Q, Words("the variance of a pre-activation")),
    (ANGLE, Words("the angle of two samples before the layer")),
)


def wide_loss() -> Derivation:
    """E[|y_1 y_2| - y_1 y_2] ~ 2 q t^3/(3 pi), for a Gaussian pair of correlation cos t."""
    shared = Q * cos(ANGLE)
    lost = abs(FIRST) * abs(SECOND) - FIRST * SECOND
    start = GaussianExpectation.of(lost, (FIRST, SECOND), (Integer(0),) * 2, ((Q, shared), (shared, Q)))
    proof = Proof(Setting((BETWEEN,)), start).by(ByClosedForm(), HalfTurn(ANGLE), SimplifySides())
    exact = proof.done("finite-width-decay-wide", "What a wide layer takes, by the angle", symbols=_SYMBOLS)
    near = Proof(exact.setting, start).by(ByLemma(exact), LocalExpansion(ANGLE, 5))
    return near.done(
        "finite-width-decay-cubic",
        "What a wide layer takes at small angles: the cube of the angle",
        symbols=_SYMBOLS,
        parts=(exact,),
    )
