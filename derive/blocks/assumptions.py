"""What blocks assume of the families that they draw, in words and as data."""

from __future__ import annotations

from derive.averages import SharedVariance
from derive.blocks.signal import Signal
from derive.kinds import Hypothesis, Kind, Property
from derive.layers import i
from derive.randomness import Family
from derive.words import Words


def _key(family: Family, what: str) -> str:
    """Return the key of a hypothesis on a family; what holds in every layer is another one."""
    return f"{family.name}-{'layers-' if family.layered else ''}{what}"


def independent(z: Signal, family: Family) -> Hypothesis:
    """Return the hypothesis that a family's scalars are independent of each other and of all else that is drawn."""
    others = tuple(d.family for d in z.drawn if d.family != family)
    return Hypothesis(
        _key(family, "independent"),
        Words(f"All {family.meaning} are independent of each other, and of all together that is drawn besides."),
        (
            Property(Kind.ENTRIES_INDEPENDENT, family),
            *((Property(Kind.INDEPENDENT_OF, family, *others),) if others else ()),
        ),
    )


def centred(family: Family) -> Hypothesis:
    """Return the hypothesis that a family's scalars have mean zero."""
    return Hypothesis(
        _key(family, "zero-mean"),
        Words(f"Each of {family.meaning} has mean zero."),
        (Property(Kind.ZERO_MEAN, family),),
    )


def one_variance(family: Family) -> Hypothesis:
    """Return the hypothesis that a family's scalars (of a layer) share one variance."""
    shared = SharedVariance(family, i) if family.layered else SharedVariance(family)
    return Hypothesis(
        _key(family, "shared-variance"),
        Words(f"All of {family.meaning} share one variance, {{}}.", shared),
        (Property(Kind.SHARED_VARIANCE, family),),
    )


def weights_assumed(z: Signal, family: Family) -> tuple[Hypothesis, ...]:
    """Return what is assumed of weights or biases: independent, of mean zero, of one variance."""
    return independent(z, family), centred(family), one_variance(family)
