"""Which theorems, claims and figures belong to which chapter of the story, and what each figure shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """A section of the page: what it is about, and what it shows if it was asked for."""

    key: str
    title: str
    about: str
    theorems: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()


OVER_WHAT = Chapter(
    "over-what",
    "Variance over what?",
    "A deep ReLU network with He&#8217;s weights, on white noise. Draw networks, and the variance of a pre-activation "
    "is kept at every depth. Fix the network and draw inputs, and each pre-activation settles at a "
    "value of its own, from which it hardly moves. Over the units of one layer it looks as it does over networks. "
    "Layers are counted from one in these figures.",
    theorems=("total-variance", "layer-variance"),
    figures=(
        "kaiming-net",
        "samplelayer-randomness",
        "network-randomness",
        "sample-randomness",
        "layer-randomness",
    ),
)
GLOROT = Chapter(
    "glorot",
    "Glorot&#8217;s equations",
    "Linear units, or units near the origin, where the activation is its tangent: variances multiply, forward and "
    "backward.",
    theorems=(
        "product-variance",
        "forward-variance",
        "backward-variance",
        "weight-gradient-variance",
        "glorot-condition",
        "layer-gradient-balance",
    ),
    claims=("glorot-2010-", "question-1-", "answer-2-"),
)
HE = Chapter(
    "he",
    "He&#8217;s step",
    "A rectifier lets half of a symmetric variance through, so weights of twice the variance keep it: over networks, "
    "exactly, at any width; and backward, too.",
    theorems=("half-variance", "network-variance", "rectifier-gradient"),
    claims=("post-3-network-", "post-3-half-", "post-3-exact", "he-2015-", "xavier-on-relu"),
)
SAMPLES = Chapter(
    "samples",
    "K and the variance over samples",
    "What is kept is the sum of two variances: that of the mean over samples, m², which grows, and that of the "
    "fluctuation around it, v², which decays to zero like one over the square of the depth.",
    theorems=(
        "kernel-K",
        "sample-variance",
        "sample-variance-stable",
        "sample-variance-decay",
        "quadratic-form-variance",
    ),
    claims=("post-3-step-", "later-post-"),
    figures=("sample-variance",),
)
ANY = Chapter(
    "any",
    "Any activation",
    "Fixed points, gains and the edge of chaos, for activations beyond these.",
    theorems=(
        "length-map",
        "sample-variance-map",
        "gradient-variance",
        "kumar-2017",
        "selu-fixed-point",
        "correlation-map-slope",
        "edge-of-chaos",
        "depth-scale",
        "critical-correlation-smooth",
        "critical-correlation-kinked",
        "critical-length",
        "critical-length-kinked",
        "critical-length-half-stable",
    ),
)

CHAPTERS = (OVER_WHAT, GLOROT, HE, SAMPLES, ANY)

CAPTIONS = {
    "kaiming-net": "What is random: the input, the weights, or one layer&#8217;s weights.",
    "samplelayer-randomness": "The three kinds of randomness at one layer.",
    "network-randomness": "Network randomness: the variance is kept.",
    "sample-randomness": "Sample randomness: each neuron settles at its own mean, and its fluctuation decays. Theory "
    "is the limit of wide layers; deep in a network of finite width the fluctuation is larger, and differs between "
    "neurons.",
    "layer-randomness": "Layer randomness: like network randomness, as long as the layer is wide. What the variance "
    "of one deep layer is off by is common to all its units.",
    "sample-variance": "m² and v² against depth, with two standard errors. The narrower network leaves the wide limit "
    "earlier. The asymptote is the theorem <code>sample-variance-decay</code>, evaluated.",
}


def home(name: str, kind: str) -> Chapter:
    """Return the chapter of a theorem (``kind="theorems"``) or a claim (``"claims"``, by the beginning of its id)."""
    for chapter in CHAPTERS:
        listed: Sequence[str] = getattr(chapter, kind)
        if name in listed or (kind == "claims" and name.startswith(tuple(listed))):
            return chapter
    return ANY
