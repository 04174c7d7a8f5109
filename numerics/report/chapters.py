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
    'backward. <a href="#verification">Networks of both kinds</a> are simulated below.',
    theorems=(
        "product-variance",
        "forward-variance",
        "backward-variance",
        "weight-gradient-variance",
        "glorot-condition",
        "layer-gradient-balance",
        "first-step",
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
    figures=("edge-of-chaos",),
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
        "nearly-linear",
        "trainable-depth",
    ),
)

BLOCKS = Chapter(
    "blocks",
    "Networks of any shape",
    "What a block does to two samples that the same network sees, and to the gradient: layers of weights, residual "
    "streams, dropout, convolutions and pooling.",
    theorems=(
        "covariance-recursion",
        "residual-variance",
        "residual-depth",
        "dropout-variance",
        "convolution-variance",
        "convolution-variance-2d",
        "grouped-convolution",
        "pooled-variance",
    ),
)

WIDTHS = Chapter(
    "widths",
    "Real widths",
    "How far a single network is from the mean over networks, exactly at every width.",
    theorems=(
        "norm-fourth-moment",
        "log-norm-law",
        "gradient-fluctuation",
        "angle-operator",
        "width-correction",
        "width-correction-two-samples",
        "angle-process",
        "finite-width-decay",
    ),
    claims=("pdlt-", "hanin-"),
)

AFTER = Chapter(
    "after",
    "After the post",
    "What constant variance helps, and what it does not: networks that learn, held against what is derived of them at "
    "initialisation; and normalisation, by which samples are kept apart, at the price of growing gradients.",
    theorems=("layer-norm", "batch-norm", "batch-norm-gradient"),
    claims=("post-3-batch-norm", "post-3-layer-norm", "luther-", "yang-"),
    figures=("normalised-decay", "batch-norm-gradients", "depth-scale"),
)

CHAPTERS = (OVER_WHAT, GLOROT, HE, SAMPLES, ANY, BLOCKS, WIDTHS, AFTER)

CAPTIONS = {
    "kaiming-net": (
        "What is random: the input, the weights, or one layer&#8217;s weights.",
        "A diagram of a network of five layers of units. Below it, three rows: network randomness draws all "
        "weights and fixes the input; sample randomness draws the input and fixes all weights; layer randomness "
        "draws the weights of one layer and fixes all else.",
    ),
    "samplelayer-randomness": (
        "The three kinds of randomness at one layer. Over networks and over a layer the values spread alike; over "
        "samples each neuron keeps near a value of its own.",
        "Three histograms at one layer with the Gaussians of theory over them: over networks and over the layer "
        "one wide bell around zero each, over samples three narrow bells, one a neuron, at different places.",
    ),
    "network-randomness": (
        "Network randomness: the variance is kept. The first layer is Gaussian, the deep ones are not: given the "
        "layers before, a pre-activation is Gaussian, but of a variance that differs from network to network, the "
        "more the deeper. Over networks that is a mixture of wide and narrow Gaussians, with a sharper peak and "
        "longer tails than the Gaussian of the same variance. Dotted is the mixture for networks of this width.",
        "Histograms of one neuron over networks at four depths, each with the Gaussian of theory, which is the "
        "same at all depths. The histogram of the deepest layer has a higher peak and longer tails than it.",
    ),
    "sample-randomness": (
        "Sample randomness: each neuron settles at its own mean, and its fluctuation decays. Theory is the limit "
        "of wide layers, where it is Gaussian. In a network of finite width, every layer stretches the "
        "fluctuations in some directions more than in others, and deep in it few directions are left: a histogram "
        "is then larger than theory, skewed, and of a width that differs between neurons. Dotted are Gaussians of "
        "the variance that networks of this width have in the mean: some have far more, most have less.",
        "Histograms of three neurons over inputs at four depths, with the Gaussians of theory. In the first layer "
        "all three are wide bells around zero; with depth they become narrow and lie apart.",
    ),
    "layer-randomness": (
        "Layer randomness: like network randomness, as long as the layer is wide. The units of one layer are "
        "drawn from one Gaussian, whose variance is that of this network: deep in a network it is off from the "
        "mean over networks, which is drawn, by what is common to all units of the layer.",
        "Histograms of all neurons of a layer at four depths, each a bell around zero close to the Gaussian of theory.",
    ),
    "sample-variance": (
        "m² and v² against depth, with two standard errors. The narrower network leaves the wide limit earlier. "
        "The asymptote is the theorem <code>sample-variance-decay</code>, evaluated.",
        "Two plots. Left, on logarithmic axes, the variance over samples falls with depth towards its asymptote; "
        "simulated networks follow it, and the narrower one leaves it earlier. Right, m² grows and v² falls, and "
        "their sum stays constant.",
    ),
    "edge-of-chaos": (
        "Left, the phases of tanh networks, with the depth scale of the correlation in layers, and three "
        "networks. Right, how far two unrelated inputs are from alike in each: in the ordered phase they become "
        "alike exponentially, on the edge of chaos only like one over the depth, and in the chaotic phase they "
        "stay apart.",
        "Two plots. Left, the phase diagram of tanh over weight and bias variance, parted by the critical line. "
        "Right, one minus the correlation of two inputs against depth, on a logarithmic axis: a straight fall "
        "below the critical line, a slow one on it, and a constant above it; simulated networks lie on the curves "
        "of theory.",
    ),
    "normalised-decay": (
        "How far two samples of one ReLU network with He&#8217;s weights are apart, against depth: points are "
        "simulated, with two standard errors, lines are the theory of wide layers. LayerNorm in front of ReLU changes "
        "lengths alone: its line is the one without normalisation, and the decay stays; behind ReLU it takes "
        "away what samples share. BatchNorm removes the decay "
        "by construction.",
        "A plot of one minus the correlation against depth, on a logarithmic axis. Without normalisation and with "
        "LayerNorm in front of ReLU it falls along one line; with LayerNorm behind ReLU it rises to one; with "
        "BatchNorm it stays at about 0.7.",
    ),
    "batch-norm-gradients": (
        "Mean squares of gradients, back from the output, through ReLU networks with BatchNorm: points are simulated "
        "batches of B, with two standard errors; the line is the theorem <code>batch-norm-gradient</code>, for an "
        "infinite batch.",
        "A plot of the mean square gradient against layers back from the output, on a logarithmic axis: all grow "
        "about exponentially, and the larger the batch, the nearer to the line of theory.",
    ),
    "depth-scale": (
        "The depth scale ξ<sub>c</sub> of tanh networks, over weight and bias variance: in how many layers a "
        "difference between two samples falls by e on its way to where it ends (theorem <code>trainable-depth</code>). "
        "It is infinite on the edge of chaos, and colours end at 100.",
        "A heat map over weight and bias variance: dark, of few layers, far from the critical line, and bright along "
        "it.",
    ),
}
"""What each figure shows, as HTML; and what it says to those who do not see it."""


def home(name: str, kind: str) -> Chapter:
    """Return the chapter of a theorem (``kind="theorems"``) or a claim (``"claims"``, by the beginning of its id)."""
    for chapter in CHAPTERS:
        listed: Sequence[str] = getattr(chapter, kind)
        if name in listed or (kind == "claims" and name.startswith(tuple(listed))):
            return chapter
    return ANY
