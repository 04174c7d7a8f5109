"""Lemmas of activation functions, dropout and sums of branches."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Symbol, sympify

from derive.averages import Average
from derive.blocks.dropout import Dropout
from derive.blocks.elementwise import Elementwise
from derive.blocks.lemmas import (
    BRANCH,
    FACTOR,
    OVER,
    RATE,
    UNIT_INDEX,
    Lemma,
    Lemmas,
    gradient,
    incoming,
    known,
    made,
    moments,
    place,
)
from derive.blocks.masks import MaskMoment
from derive.blocks.signal import Extents, Signal
from derive.hypotheses import FINITE_MOMENTS
from derive.kinds import Hypothesis, Kind, Property
from derive.randomness import OUTPUT_GRADIENT, Family
from derive.rules.algebra import Expand
from derive.rules.calculus import Differentiate
from derive.rules.definitions import Define
from derive.rules.means import Centred, Linearity
from derive.rules.sums import ContractDelta
from derive.rules.weights import SplitOff
from derive.rules.wide import GaussianLimit
from derive.setting import Setting
from derive.words import Words


def elementwise(_: Elementwise, z: Signal) -> Lemmas:
    """E[f(u) f(u')] for Gaussian u, u' with the mean squares and the mean product of the signal; E[f'(u)^2] back."""
    return known(_elementwise(len(z.positions)), {}, {})


@lru_cache(maxsize=4)
def _elementwise(positions: int) -> Lemmas:
    block, z, single = Elementwise(), incoming(positions), incoming(positions, samples=False)
    y, once = block(z).family, block(single).family
    rules = (Define(y), GaussianLimit())
    back = (Define(once), Differentiate(), ContractDelta(), SplitOff(), GaussianLimit())
    found = moments(block, positions, rules, rules, gaussian(z))
    return {**found, "gradient": gradient(block, positions, back, gaussian(single))}


def gaussian(z: Signal) -> Hypothesis:
    """Return the hypothesis that the values of a signal are jointly Gaussian."""
    return Hypothesis(
        "gaussian-signal",
        Words(
            "The layers before are wide: the values that go into an activation function, of one sample or of two, at "
            "one place or at two, are jointly Gaussian with mean zero.",
        ),
        tuple(Property(kind, z.family, licenses="->") for kind in (Kind.GAUSSIAN_LIMIT, Kind.JOINT_GAUSSIAN_LIMIT)),
        exact=False,
        source="Neal 1996; Lee et al. 2018; Matthews et al. 2018; Novak et al. 2019 (convolutions)",
    )


MASKED = (SplitOff(), MaskMoment(RATE))
"""What becomes of a mean with a mask in it."""


def dropout(block: Dropout, z: Signal) -> Lemmas:
    """E[y^2] = E[z^2]/(1 - p); two samples, or two places, have masks of their own: E[y y'] = E[z z']."""
    return known(_dropped(len(z.positions)), {RATE: sympify(block.rate)}, {})


@lru_cache(maxsize=4)
def _dropped(positions: int) -> Lemmas:
    block = Dropout(RATE)
    y, once = (block(incoming(positions, samples=s)).family for s in (True, False))
    found = moments(
        block,
        positions,
        (Define(y), *MASKED),
        (Define(y), *MASKED),
        product=(Define(y), *MASKED, *MASKED),
        between=(Define(y), *MASKED, *MASKED),
    )
    back = (Define(once), Differentiate(), ContractDelta(), *MASKED)
    return {**found, "gradient": gradient(block, positions, back)}


def added(z: Signal, alpha: Expr, *, exact: bool) -> Lemmas:
    """E[y y'] = E[h h'] + alpha (E[h] E[r'] + E[r] E[h']) + alpha^2 E[r r'] for y = h + alpha r; gradients add up.

    ``exact`` says that the branch ends in weights, so that h and r are uncorrelated at every width.
    """
    return known(_added(len(z.positions), exact), {FACTOR: alpha}, {})


@lru_cache(maxsize=8)
def _added(positions: int, exact: bool = False) -> Lemmas:
    stream = incoming(positions, name="h", meaning="what a branch is added to")
    branch = incoming(positions, name=BRANCH, meaning="what comes out of a branch")
    h, r = stream.values, branch.values
    total = stream.joined(branch).becomes("y", stream.axes, "the sum", lambda at: h(at) + FACTOR * r(at))
    uncorrelated = Hypothesis(
        "branch-independent",
        Words(
            "The weights of a branch are drawn anew: what it adds to a unit, {}, is independent of what it is added "
            "to, {}" + ("." if exact else ", as the layers grow wide: a unit is one of many that go into the branch."),
            *(v.family(*(Symbol(axis.name[0], integer=True) for axis in v.axes)) for v in (branch, stream)),
        ),
        (Property(Kind.INDEPENDENT_OF, h.family, r.family),),
        exact=exact,
    )
    y = total.family
    mean, second = (Define(y), Linearity()), (Define(y), Expand(), Linearity(), SplitOff())
    found = moments(lambda _: total, positions, mean, second, uncorrelated, word="sum")
    return {**found, "gradient": _gradients_added(stream)}


def _gradients_added(stream: Signal) -> Lemma:
    """E[(g + alpha g')^2] = E[g^2] + alpha^2 E[g'^2]: what comes back along the branch went through its weights."""
    axes = tuple(axis for axis in stream.axes if axis.name != "sample")
    g, back = (
        Family(name, meaning=meaning, extents=Extents(axes), layered=False, source=OUTPUT_GRADIENT)
        for name, meaning in (
            ("g", "the gradient of the cost at the sum"),
            (BRANCH, "the gradient that has come back along the branch"),
        )
    )
    at = (UNIT_INDEX, *place(0, stream.positions))
    independent = Hypothesis(
        "branch-gradient",
        Words(
            "The layers are wide: what comes back along a branch, {}, has been through weights of mean zero, and is "
            "independent of what comes back beside it, {}. In a branch that ends in its activation that is so but for "
            "terms of the order of 1 over the width.",
            back(*at),
            g(*at),
        ),
        (Property(Kind.INDEPENDENT_OF, g, back), Property(Kind.ZERO_MEAN, back)),
        exact=False,
        source="Yang & Schoenholz 2017, Mean field residual networks",
    )
    setting = Setting((FINITE_MOMENTS, independent), over=OVER)
    start = Average((g(*at) + FACTOR * back(*at)) ** 2, OVER)
    rules = (Expand(), Linearity(), SplitOff(), Centred())
    return made(setting, start, rules, "sum-gradient", "The gradient in front of a sum")
