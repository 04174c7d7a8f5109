"""What LayerNorm does not see: a factor of all values of a sample, and what is added to them all."""

from __future__ import annotations

from sympy import Expr, Symbol

from derive.blocks import LayerNorm
from derive.blocks.signal import Extents, Place
from derive.indices import K, T
from derive.kinds import definition
from derive.proof.derivation import Derivation, Proof
from derive.randomness import BEFORE, Family
from derive.rules.algebra import Expand, TakeOut
from derive.rules.definitions import Define
from derive.rules.lemma import ByLemma
from derive.rules.naming import Gather
from derive.rules.sums import EqualTerms, PullOut, SplitSum
from derive.setting import Setting
from derive.theorems.signals import OVER, TWO_SAMPLES, signal
from derive.words import Words

FACTOR = Symbol("a", positive=True)
SCALED = definition("positive-factor", Words("{} is a positive constant.", FACTOR))
_IN = signal("z", "the values that are normalised")
_SHIFT = Family(
    "c",
    meaning="what is added to all values of a sample",
    extents=Extents(_IN.axes[:1]),
    layered=False,
    source=BEFORE,
)


def _moved(at: Place) -> Expr:
    return FACTOR * _IN.values(at) + _SHIFT(at[_IN.axes[0].name])


_THERE = LayerNorm()(_IN).becomes("z'", _IN.axes, "the values, scaled and shifted", _moved)
MEAN, VARIANCE, Y, MOVED, MOVED_MEAN, MOVED_VARIANCE, MOVED_Y = LayerNorm()(_THERE).defined
_SETTING = Setting((SCALED,), over=OVER)


def _mean() -> Derivation:
    """mu'_t = a mu_t + c_t"""
    rules = (Define(MOVED_MEAN), Define(MOVED), SplitSum(), PullOut(), EqualTerms(), Gather((MEAN(T),)), Expand())
    return Proof(_SETTING, MOVED_MEAN(T)).by(*rules).done("layer-norm-moved-mean", "The mean of the moved values")


def _variance() -> Derivation:
    """V'_t = a^2 V_t"""
    rules = (
        Define(MOVED_VARIANCE),
        ByLemma(_mean()),
        Define(MOVED),
        TakeOut(FACTOR),
        PullOut(),
        Gather((VARIANCE(T),)),
    )
    return Proof(_SETTING, MOVED_VARIANCE(T)).by(*rules).done("layer-norm-moved-variance", "Their variance")


def layer_norm_invariance() -> Derivation:
    """y'_tk = y_tk for z'_tk = a z_tk + c_t, a > 0 and epsilon = 0."""
    rules = (
        Define(MOVED_Y),
        ByLemma(_variance()),
        ByLemma(_mean()),
        Define(MOVED),
        TakeOut(FACTOR),
        Gather((Y(T, K),)),
    )
    return (
        Proof(_SETTING, MOVED_Y(T, K))
        .by(*rules)
        .done(
            "layer-norm-invariance",
            "LayerNorm does not see a factor of a sample's values, nor what is added to them all",
            symbols=(TWO_SAMPLES[0], (FACTOR, Words("a positive factor of all values of the sample"))),
            source="Ba, Kiros & Hinton 2016, section 5.1",
        )
    )
