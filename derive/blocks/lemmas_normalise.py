"""Lemmas of normalisation: over the units of a wide layer, and over a batch."""

from __future__ import annotations

from functools import lru_cache

from sympy import Eq, Symbol, sympify

from derive.blocks.lemmas import EPSILON, Lemmas, gradient, incoming, known, moments
from derive.blocks.normalise import LayerNorm, RMSNorm
from derive.blocks.signal import Signal
from derive.kinds import Hypothesis, Property
from derive.proof.rule import Rule
from derive.rules.algebra import Expand
from derive.rules.calculus import Differentiate
from derive.rules.definitions import Define
from derive.rules.means import Linearity
from derive.rules.self_averaging import SELF_AVERAGING, SelfAveraging
from derive.rules.sums import ContractDelta
from derive.words import Words

NO_EPSILON = Hypothesis(
    "no-epsilon",
    Words("Nothing is added to the variance, {}, and it is not zero.", Eq(EPSILON, 0, evaluate=False)),
    (),
)


def settling(z: Signal, key: str = "settling") -> Hypothesis:
    """Return the hypothesis that averages over the units of a signal settle at their means."""
    at = z.family(*(Symbol(axis.name[0], integer=True) for axis in z.axes))
    return Hypothesis(
        key,
        Words(
            "The layers are wide, and all units alike: averages over the units of {} settle at their means, which are "
            "not those of a constant.",
            at,
        ),
        (Property(SELF_AVERAGING, z.family, licenses="->"),),
        exact=False,
        source="Yang 2020, Tensor Programs III",
    )


def of_units(block: LayerNorm | RMSNorm, z: Signal) -> Lemmas:
    """E[y y'] -> (E[z z'] - E[z] E[z'])/sqrt((Var[z] + epsilon)(Var[z'] + epsilon)), and RMSNorm without the means."""
    return known(_of_units(type(block), len(z.positions)), {EPSILON: sympify(block.epsilon)}, {})


@lru_cache(maxsize=8)
def _of_units(kind: type[LayerNorm | RMSNorm], positions: int) -> Lemmas:
    block = kind(EPSILON)
    z, single = incoming(positions), incoming(positions, samples=False)
    out, once = block(z), block(single)
    mean, second = (of_wide_layer(out, second=power) for power in (False, True))
    found = moments(block, positions, mean, second, settling(z))
    back = gradient_of_wide_layer(once)
    return {**found, "gradient": gradient(block, positions, back, settling(single))}


_WITH_MEAN = 3
"""Families that LayerNorm defines: means, variances, values."""


def of_wide_layer(out: Signal, *, second: bool) -> tuple[Rule, ...]:
    """Return the rules for a mean behind a normalisation over units: of values, or of products of two of them."""
    rules: tuple[Rule, ...] = (*(Define(family) for family in reversed(out.defined)), SelfAveraging())
    if len(out.defined) < _WITH_MEAN:
        return (*rules, Linearity())
    # What is subtracted makes a sum of each mean, and a variance of the mean square inside the root.
    return (*rules, Expand(), Linearity(), *((Linearity(),) if second else ()))


def gradient_of_wide_layer(out: Signal) -> tuple[Rule, ...]:
    """Return the rules for the mean square of the gradient in front of a normalisation over units."""
    put_in = tuple(Define(family) for family in reversed(out.defined))
    rules = (*put_in, SelfAveraging(), Differentiate(), ContractDelta())
    return (*rules, Linearity(), *(() if len(out.defined) < _WITH_MEAN else (Expand(), Linearity())))
