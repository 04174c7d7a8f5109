"""Layer randomness: the variance over the weights of one layer, with everything before it fixed."""

from __future__ import annotations

from functools import cache

from sympy import Rational, Sum, Symbol

from derive.averages import Average, SharedVariance, Variance
from derive.gaussian import GaussianExpectation
from derive.hypotheses import FINITE_MOMENTS, RECTIFIER, Hypothesis, Kind, Property
from derive.indices import L
from derive.network import f, n
from derive.proof.derivation import Derivation, Proof
from derive.randomness import BEFORE, Family, Over, Source
from derive.rules import ContractDelta, DeclaredVariance, Linearity, PullOut, Uncorrelated, VarianceOfSum
from derive.rules.algebra import CollectIn
from derive.rules.means import ScaleVariance
from derive.rules.rectifier import DefineRectifier
from derive.rules.wide import ByClosedForm, Q
from derive.setting import Setting
from derive.theorems.meanings import RECTIFIER_NOTATION
from derive.words import Words

LAYER = Source("weights of one layer", "the ")
OVER_LAYER = Over("layer", (LAYER,), "layer")
OVER_BEFORE = Over("layers before", (BEFORE,), "network")
U = Family(
    "layer-z",
    symbol="z",
    meaning=Words("the activations that enter the layer, fixed by the layers before"),
    extents=lambda _: (n(0),),
    layered=False,
    source=BEFORE,
)
OWN = Family(
    "layer-w",
    symbol="w",
    meaning=Words("the weights of one unit of the layer"),
    extents=lambda _: (n(0),),
    layered=False,
    source=LAYER,
)
Y = Symbol("y", real=True)
OWN_WEIGHTS = Hypothesis(
    "layer-weights",
    Words(
        "The weights of the layer are independent of each other and of the layers before, with mean zero and one "
        "variance {}.",
        SharedVariance(OWN),
    ),
    (
        Property(Kind.ENTRIES_INDEPENDENT, OWN),
        Property(Kind.INDEPENDENT_OF, OWN, U),
        Property(Kind.ZERO_MEAN, OWN),
        Property(Kind.SHARED_VARIANCE, OWN),
    ),
)


def layer_variance() -> Derivation:
    """Var_layer[sum_l w_l z_l] = Var[w] sum_l z_l^2, that is sigma_w^2/N |z|^2."""
    setting = Setting((OWN_WEIGHTS, FINITE_MOMENTS), over=OVER_LAYER)
    proof = Proof(setting, Variance(Sum(OWN(L) * U(L), (L, 1, n(0))), OVER_LAYER))
    proof.by(VarianceOfSum(), Uncorrelated(), ContractDelta(), ScaleVariance(), DeclaredVariance(), PullOut())
    return proof.done(
        "layer-variance",
        "The variance over the weights of one layer",
        symbols=RECTIFIER_NOTATION,
        source="The post of 2020-02-18, layer randomness",
        parts=(mean_over_networks(proof.now), fluctuation()),
        remarks=(
            Words(
                "It is a random number: it depends on the layers before. Its mean over networks is the variance over "
                "networks, at every width; its relative variance is the last part's divided by the width, so that "
                "the two agree as the width grows."
            ),
        ),
    )


def mean_over_networks(conditional: object) -> Derivation:
    """<<Var_layer[y]>> = Var[w] sum_l <<z_l^2>>, exactly."""
    proof = Proof(Setting((OWN_WEIGHTS, FINITE_MOMENTS), over=OVER_BEFORE), Average(conditional, OVER_BEFORE))
    proof.by(Linearity())
    return proof.done("layer-variance-mean", "Its mean over networks is the variance over networks, at every width")


@cache
def fluctuation() -> Derivation:
    """(E[f(y)^4] - E[f(y)^2]^2)/E[f(y)^2]^2 = 6 (1 + a^4)/(1 + a^2)^2 - 1 for y ~ N(0, q)."""

    def mean(e: object) -> object:
        return GaussianExpectation.of(e, (Y,), (Rational(0),), ((Q,),))

    start = mean(f(Y) ** 4) / mean(f(Y) ** 2) ** 2 - 1  # type: ignore[operator]
    proof = Proof(Setting((RECTIFIER,)), start).by(DefineRectifier(), ByClosedForm(), CollectIn(()))
    return proof.done(
        "layer-variance-fluctuation", "The relative variance of a squared activation, for Gaussian pre-activations"
    )
