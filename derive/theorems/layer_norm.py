"""Normalisation over the units of a layer: exact norms, and what becomes of the correlation of two samples."""

from __future__ import annotations

from sympy import Derivative, Expr, Heaviside, Integer, Max, Sum

from derive.averages import Average
from derive.blocks import Dense, Elementwise, LayerNorm, Serial
from derive.blocks.lemmas import EPSILON, EPSILON_ADDED
from derive.blocks.lemmas_linear import SECOND_MOMENT_OF_WEIGHTED
from derive.blocks.lemmas_normalise import NO_EPSILON, of_wide_layer, settling
from derive.indices import K, L, T, V
from derive.kinds import Hypothesis, Kind, Property
from derive.network import n
from derive.proof.derivation import Derivation, Proof
from derive.rules import Define, EqualTerms, Expand, PullOut
from derive.rules.any_activation import CORRELATION, SLOPE_OF_F, F, pair
from derive.rules.asymptotics import SimplifySides
from derive.rules.given import PutIn
from derive.rules.mean_field import FullCorrelation, NoCorrelation, PriceDerivative
from derive.rules.means import Centred, Linearity
from derive.rules.naming import Gather
from derive.rules.self_averaging import SelfAveraging
from derive.rules.wide import ByClosedForm, Q, U, one_gaussian
from derive.setting import Setting
from derive.theorems.edge_of_chaos import NOTATION as OF_MAPS
from derive.theorems.edge_of_chaos import SLOPE_EXISTS
from derive.theorems.layer_norm_invariance import layer_norm_invariance
from derive.theorems.signals import (
    OVER,
    TWO_SAMPLES,
    proof,
    signal,
)
from derive.words import Words

_SOURCE = "Ba, Kiros & Hinton 2016"
_IN = signal("z", "the values that are normalised")
_OUT = LayerNorm(EPSILON)(_IN)
MEAN, VARIANCE, Y = _OUT.defined
Z = _IN.family
_ALL = (L, Integer(1), n(0))
_EPSILON = ((EPSILON, Words("what is added to the variance")),)
_PAIR = Average(Y(T, K) * Y(V, K), OVER)
_SETTLES = settling(_IN)
CENTRED = Hypothesis(
    "normalised-zero-mean",
    Words("Every value {} that is normalised has mean zero, as a weighted sum has.", Z(T, K)),
    (Property(Kind.ZERO_MEAN, Z),),
)


def layer_norm() -> Derivation:
    """sum_l y_tl^2 = n V_t/(V_t + epsilon) for LayerNorm: exact, for any values whatever."""
    start = Sum(Y(T, L) ** 2, _ALL)
    return proof((EPSILON_ADDED,), start, Define(Y), PullOut(), Gather((VARIANCE(T),))).done(
        "layer-norm",
        "What LayerNorm fixes is the length of each sample, not its variance over samples",
        symbols=(TWO_SAMPLES[0], *_EPSILON),
        source=_SOURCE,
        parts=(
            layer_norm_length(),
            layer_norm_sum(),
            layer_norm_invariance(),
            layer_norm_product(),
            layer_norm_centred(),
            layer_norm_after(),
            *correlation(),
        ),
        intro=(
            Words(
                "Behind an activation and LayerNorm, two samples whose Gaussian pre-activations have the variance {} "
                "and the correlation {} have the correlation {}.",
                Q,
                CORRELATION,
                NORMALISED_MAP,
            ),
        ),
        remarks=(
            Words(
                "On pre-activations, whose mean over the units vanishes, LayerNorm divides by the length alone: the "
                "correlation of two samples is what it was, and a network in which it tends to 1 loses its variance "
                "over samples as without normalisation. After an activation of positive mean it takes away the mean "
                "that all samples share: correlation 0 stays 0, and the map is steeper at 1, by the share of the mean "
                "square that the mean had."
            ),
        ),
    )


def layer_norm_length() -> Derivation:
    """sum_l y_tl^2 = n, where nothing is added to the variance."""
    rules = (Define(Y), PullOut(), Gather((VARIANCE(T),)), PutIn(((EPSILON, Integer(0)),)))
    made = proof((EPSILON_ADDED, NO_EPSILON), Sum(Y(T, L) ** 2, _ALL), *rules)
    return made.done("layer-norm-length", "The length of a normalised sample", symbols=(TWO_SAMPLES[0], *_EPSILON))


def layer_norm_sum() -> Derivation:
    """sum_l y_tl = 0"""
    rules = (Define(Y), PullOut(), Expand(), EqualTerms(), Gather((MEAN(T),)))
    made = proof((EPSILON_ADDED,), Sum(Y(T, L), _ALL), *rules)
    return made.done("layer-norm-sum", "The sum of a normalised sample", symbols=(TWO_SAMPLES[0], *_EPSILON))


def layer_norm_product() -> Derivation:
    """E[y_tk y_uk] -> (E[z_tk z_uk] - E[z_tk] E[z_uk])/sqrt((Var[z_tk] + epsilon)(Var[z_uk] + epsilon))"""
    made = proof((EPSILON_ADDED, _SETTLES), _PAIR, *of_wide_layer(_OUT, second=True))
    return made.done("layer-norm-product", "Two samples behind LayerNorm", symbols=(*TWO_SAMPLES, *_EPSILON))


def layer_norm_centred() -> Derivation:
    """E[y_tk y_uk] -> E[z_tk z_uk]/sqrt((E[z_tk^2] + epsilon)(E[z_uk^2] + epsilon)) for values of mean zero."""
    made = proof((EPSILON_ADDED, _SETTLES, CENTRED), _PAIR, *of_wide_layer(_OUT, second=True), Centred())
    return made.done(
        "layer-norm-centred", "On pre-activations the correlation stays", symbols=(*TWO_SAMPLES, *_EPSILON)
    )


_BEFORE = signal("y", "the pre-activations of the layer before")
_ACTIVATED = Elementwise(output="z")(_BEFORE)
_ACTIVATIONS_SETTLE = settling(_ACTIVATED, "settling-activations")
_LAYER = Serial(LayerNorm(), Dense(n(1), bias_variance=None))(_ACTIVATED)
_A, _MU, _V, _NORMALISED, _S = _LAYER.defined
_W, _B = (drawn.family for drawn in _LAYER.drawn[1:])


def layer_norm_after() -> Derivation:
    """E[s_tk s_uk] -> Var[W] sum_l Cov[f(y_tl), f(y_ul)]/sqrt(Var[f(y_tl)] Var[f(y_ul)]) + Var[b]"""
    rules = (
        Define(_S),
        *SECOND_MOMENT_OF_WEIGHTED,
        *(Define(family) for family in (_NORMALISED, _V, _MU)),
        SelfAveraging(L),
        Expand(),
        Linearity(),
        Linearity(),
        Define(_A),
    )
    return proof((*_LAYER.assumed, _ACTIVATIONS_SETTLE), Average(_S(T, K) * _S(V, K), OVER), *rules).done(
        "layer-norm-after",
        "The covariance map with LayerNorm after the activation",
        symbols=TWO_SAMPLES,
        source=_SOURCE,
    )


MEAN_OF_F, SQUARE_OF_F = one_gaussian(F(U)), one_gaussian(F(U) ** 2)
SPREAD = SQUARE_OF_F - MEAN_OF_F**2
NORMALISED_MAP = (pair(F, F) - MEAN_OF_F**2) / SPREAD
"""The correlation behind f and LayerNorm, of two samples whose pre-activations have the correlation c."""
_NOTATION = (*OF_MAPS[:2], (Q, Words("the variance of a pre-activation")), OF_MAPS[3])


def correlation() -> tuple[Derivation, ...]:
    """C(0) = 0, C'(0) = q E[f']^2/Var[f] and C'(1) = q E[f'^2]/Var[f] for LayerNorm after the activation.

    C(0) is 0 because E[f(u) f(w)] = E[f(u)]^2 there.
    """
    setting = Setting((SLOPE_EXISTS,))
    slope = Proof(setting, Derivative(NORMALISED_MAP, CORRELATION)).by(PriceDerivative())
    anywhere = slope.done("layer-norm-slope", "The slope of the correlation map behind LayerNorm", symbols=_NOTATION)
    at_one = Proof(setting, anywhere.result.subs(CORRELATION, 1)).by(FullCorrelation())
    fixed = Proof(setting, pair(F, F).subs(CORRELATION, 0)).by(NoCorrelation())
    at_zero = Proof(setting, anywhere.result.subs(CORRELATION, 0)).by(NoCorrelation())
    return (
        anywhere,
        at_one.done("layer-norm-slope-at-one", "Equal samples behind an activation and LayerNorm", symbols=_NOTATION),
        fixed.done(
            "layer-norm-fixed-point",
            "What samples of correlation 0 share behind an activation is its mean, which LayerNorm takes away",
            symbols=_NOTATION,
        ),
        at_zero.done("layer-norm-slope-at-zero", "How fast correlations vanish", symbols=_NOTATION),
        *relu(anywhere.result),
    )


def relu(slope: Expr) -> tuple[Derivation, ...]:
    """pi/(pi - 1) at correlation 1 and pi/(2 (pi - 1)) at 0, for ReLU."""

    def with_relu(e: Expr) -> Expr:
        return e.replace(F, lambda u: Max(u, 0)).replace(SLOPE_OF_F, lambda u: Heaviside(u))

    found = []
    for at, where in ((1, "one"), (0, "zero")):
        start = with_relu(slope.subs(CORRELATION, at))
        made = Proof(Setting(()), start).by(ByClosedForm(), SimplifySides())
        found.append(
            made.done(
                f"layer-norm-relu-at-{where}", f"ReLU and LayerNorm, at correlation {where}", symbols=_NOTATION[2:3]
            )
        )
    return tuple(found)
