"""Lemmas of normalisation: over the units of a wide layer, and over a batch."""

from __future__ import annotations

from functools import lru_cache

from sympy import Symbol, sympify

from derive.blocks.lemmas import EPSILON, Lemmas, gradient, incoming, known, moments
from derive.blocks.normalise import LayerNorm, RMSNorm
from derive.blocks.signal import Signal
from derive.kinds import Hypothesis, Property
from derive.rules.algebra import Expand
from derive.rules.calculus import Differentiate
from derive.rules.definitions import Define
from derive.rules.means import Linearity
from derive.rules.self_averaging import SELF_AVERAGING, SelfAveraging
from derive.rules.sums import ContractDelta
from derive.words import Words


def settling(z: Signal) -> Hypothesis:
    """Return the hypothesis that averages over the units of a signal settle at their means."""
    at = z.family(*(Symbol(axis.name[0], integer=True) for axis in z.axes))
    return Hypothesis(
        f"settling-{z.family.name}",
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
    put_in = tuple(Define(family) for family in reversed(out.defined))
    # What is subtracted makes a sum of each mean, and a variance of the mean square inside the root.
    mean, second, after = (
        ((Expand(), Linearity()), (Expand(), Linearity(), Linearity()), (Expand(), Linearity()))
        if kind is LayerNorm
        else ((Linearity(),), (Linearity(),), ())
    )
    found = moments(block, positions, (*put_in, SelfAveraging(), *mean), (*put_in, SelfAveraging(), *second), settling(z))
    back = (
        *(Define(family) for family in reversed(once.defined)),
        SelfAveraging(),
        Differentiate(),
        ContractDelta(),
        Linearity(),
        *after,
    )
    return {**found, "gradient": gradient(block, positions, back, settling(single))}

