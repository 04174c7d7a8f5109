"""Hypotheses of a theorem: declared properties of the random families, in words and as data.

The data is what rules look up to discharge their obligations, and what tiny worlds are built from: a world's laws
have the declared properties and no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sympy import Abs, Eq, Symbol

from derive.averages import SharedVariance
from derive.layers import d, i
from derive.network import SLOPE, W, b, cost_gradient, f, g, n, s, slope, x
from derive.randomness import Family
from derive.words import Words

_S = Symbol("s")
_K = Symbol("k", integer=True)


class Kind(Enum):
    """What can be declared of a family."""

    ENTRIES_INDEPENDENT = "its scalars are independent of each other"
    INDEPENDENT_OF = "it is independent of another family"
    ZERO_MEAN = "every scalar has mean zero"
    SHARED_VARIANCE = "every scalar (of a layer) has the same variance"
    IDENTICAL = "every scalar (of a layer) has the same law"
    SYMMETRIC = "every scalar has a law symmetric about zero"
    ZERO = "every scalar is zero"
    GAUSSIAN = "every scalar is Gaussian"
    RECTIFIER = "the activation function is leaky ReLU of slope a"
    RELU = "the slope of the leaky ReLU is 0"
    HE = "the weights have He's variance"
    FIRST_ORDER = "the activation function is affine where the network works"
    LINEAR = "the activation function is the identity where the network works"
    HOMOGENEOUS = "all widths are equal, and all weight variances"
    NEVER_ZERO = "no pre-activation is exactly zero"
    NONDEGENERATE = "it is not degenerate: its variance is positive, and so is a sum of its squares"


@dataclass(frozen=True)
class Property:
    """One declared property: a kind, the family it is about, and the other family where there is one."""

    kind: Kind
    family: Family | None = None
    other: Family | None = None


@dataclass(frozen=True, repr=False)
class Hypothesis:
    """A numbered assumption of a theorem.

    ``text`` is words with expressions, which every renderer prints in its own notation.
    ``exact`` tells whether the hypothesis can hold exactly at finite width (a statement about the law that one
    draws from) or is an approximation to the network one means. ``source`` cites where the field states it.
    ``states`` are equations that the hypothesis lays down besides those in its words: rules may solve them, or put in
    what they give.
    """

    key: str
    text: Words
    properties: tuple[Property, ...]
    exact: bool = True
    source: str = ""
    states: tuple[Eq, ...] = ()

    def __repr__(self) -> str:
        return f"<Hypothesis {self.key}: {self.text}>"

    @property
    def equations(self) -> tuple[Eq, ...]:
        """The equations that the hypothesis lays down: those in its words, and `states`."""
        return (*(e for e in self.text.objects if isinstance(e, Eq)), *self.states)

    def declares(self, kind: Kind, family: Family | None = None, other: Family | None = None) -> bool:
        """Return True when this hypothesis declares the property (independence is symmetric)."""
        wanted = {Property(kind, family, other)}
        if kind is Kind.INDEPENDENT_OF:
            wanted.add(Property(kind, other, family))
        return any(p in wanted for p in self.properties)


GLOROT = "Glorot & Bengio 2010, section 4.2.1"

LINEAR_REGIME = Hypothesis(
    "linear-regime",
    Words(
        "Linear regime: every pre-activation is where {}, so that {}.",
        Eq(f(_S), _S, evaluate=False),
        Eq(slope(_S), 1, evaluate=False),
    ),
    (Property(Kind.LINEAR),),
    exact=False,
    source=GLOROT + " (they take the slope to be about 1)",
)
WEIGHTS_INDEPENDENT = Hypothesis(
    "weights-independent",
    Words("All weights are independent of each other, of the input and of the biases."),
    (
        Property(Kind.ENTRIES_INDEPENDENT, W),
        Property(Kind.INDEPENDENT_OF, W, x),
        Property(Kind.INDEPENDENT_OF, W, b),
    ),
    source=GLOROT,
)
WEIGHTS_CENTRED = Hypothesis(
    "weights-zero-mean",
    Words("Every weight has mean zero."),
    (Property(Kind.ZERO_MEAN, W),),
    source="Glorot & Bengio 2010, equation 1 (the law they draw from)",
)
WEIGHTS_SHARE_VARIANCE = Hypothesis(
    "weights-shared-variance",
    Words("The weights of layer {} share one variance, {}; layers may differ.", i, SharedVariance(W, i)),
    (Property(Kind.SHARED_VARIANCE, W),),
    source=GLOROT + ' ("the shared scalar variance of all weights at layer i\'")',
)
UNITS_ALIKE = Hypothesis(
    "units-alike",
    Words(
        "The weights of one layer all have the same law, and so have its biases, "
        "which are independent of each other and of the input."
    ),
    (
        Property(Kind.IDENTICAL, W),
        Property(Kind.IDENTICAL, b),
        Property(Kind.ENTRIES_INDEPENDENT, b),
        Property(Kind.INDEPENDENT_OF, b, x),
    ),
)
INPUTS_CENTRED = Hypothesis(
    "inputs-zero-mean",
    Words("Every input feature has mean zero."),
    (Property(Kind.ZERO_MEAN, x),),
    source="the reading of the question; the paper leaves it unsaid",
)
INPUTS_SHARE_VARIANCE = Hypothesis(
    "inputs-shared-variance",
    Words("The input features share one variance, {} (they may depend on each other).", SharedVariance(x)),
    (Property(Kind.SHARED_VARIANCE, x),),
    source=GLOROT,
)
INPUT_INDEPENDENT = Hypothesis(
    "input-independent",
    Words("The input is independent of the weights and the biases."),
    (Property(Kind.INDEPENDENT_OF, W, x), Property(Kind.INDEPENDENT_OF, b, x)),
)
BIASES_ZERO = Hypothesis(
    "biases-zero",
    Words("All biases are zero, as they are at initialisation."),
    (Property(Kind.ZERO, b), Property(Kind.ZERO_MEAN, b), Property(Kind.SHARED_VARIANCE, b)),
    source="Glorot & Bengio 2010, section 2.3 (biases initialised at 0)",
)
BIASES_SHARE_VARIANCE = Hypothesis(
    "biases-shared-variance",
    Words("The biases of layer {} share one variance, {}.", i, SharedVariance(b, i)),
    (Property(Kind.SHARED_VARIANCE, b),),
)
OUTPUT_GRADIENT_INDEPENDENT = Hypothesis(
    "output-gradient-independent",
    Words(
        "The gradient at the output, {}, is independent of the weights, the input and the biases.",
        cost_gradient(s(d, _K)),
    ),
    tuple(Property(Kind.INDEPENDENT_OF, g, other) for other in (W, x, b)),
    exact=False,
    source="left unsaid by Glorot & Bengio 2010; needed for their equations 6 and 7",
)
OUTPUT_GRADIENT_CENTRED = Hypothesis(
    "output-gradient-zero-mean",
    Words("Every component {} of the gradient at the output has mean zero.", cost_gradient(s(d, _K))),
    (Property(Kind.ZERO_MEAN, g),),
    source="left unsaid by Glorot & Bengio 2010; needed for their equations 6 and 7",
)
OUTPUT_GRADIENT_SHARES_VARIANCE = Hypothesis(
    "output-gradient-shared-variance",
    Words(
        "The components of the gradient at the output share one variance, {} (they may depend on each other).",
        SharedVariance(g),
    ),
    (Property(Kind.SHARED_VARIANCE, g),),
    source=GLOROT,
)
HOMOGENEOUS = Hypothesis(
    "homogeneous",
    Words(
        "All layers have the same width and all weights the same variance: {} and {} do not depend on {}.",
        n(i),
        SharedVariance(W, i),
        i,
    ),
    (Property(Kind.HOMOGENEOUS),),
    source="Glorot & Bengio 2010, equations 12 to 14",
)
RECTIFIER = Hypothesis(
    "leaky-relu",
    Words(
        "The activation function is leaky ReLU of slope {}: {} (ReLU is {}, the identity {}, the absolute value {}).",
        SLOPE,
        Eq(f(_S), (1 + SLOPE) / 2 * _S + (1 - SLOPE) / 2 * Abs(_S), evaluate=False),
        Eq(SLOPE, 0),
        Eq(SLOPE, 1),
        Eq(SLOPE, -1),
    ),
    (Property(Kind.RECTIFIER),),
    source="He et al. 2015, equation 1 (PReLU)",
)
RELU = Hypothesis(
    "relu",
    Words("The activation function is ReLU: the slope {} is 0.", SLOPE),
    (Property(Kind.RECTIFIER), Property(Kind.RELU)),
)
HE_WEIGHTS = Hypothesis(
    "he-weights",
    Words("The weights have He's variance, {}.", Eq(SharedVariance(W, i), 2 / ((1 + SLOPE**2) * n(i)), evaluate=False)),
    (Property(Kind.HE),),
    source="He et al. 2015, equations 10 and 15",
)
WEIGHTS_SYMMETRIC = Hypothesis(
    "weights-symmetric",
    Words("Every weight and every bias has a law symmetric about zero; the biases are independent of each other."),
    (
        Property(Kind.SYMMETRIC, W),
        Property(Kind.SYMMETRIC, b),
        Property(Kind.ZERO_MEAN, b),
        Property(Kind.ENTRIES_INDEPENDENT, b),
        Property(Kind.INDEPENDENT_OF, b, x),
    ),
    source="He et al. 2015, section 2.2",
)
NEVER_ZERO = Hypothesis(
    "never-zero",
    Words(
        "No pre-activation {} is exactly zero. Biases of a continuous law see to that; without biases all {} units of "
        "a layer of ReLU are dead with a probability of about {}, and what follows is zero.",
        s(i, _K),
        n(i),
        2 ** -n(i),
    ),
    (Property(Kind.NEVER_ZERO),),
)
NONDEGENERATE = Hypothesis(
    "nondegenerate",
    Words(
        "Nothing is degenerate: {}, every {} and {} are positive, and a given input is not zero.",
        SharedVariance(x),
        SharedVariance(W, i),
        SharedVariance(g),
    ),
    tuple(Property(Kind.NONDEGENERATE, family) for family in (x, W, g)),
)

WEIGHTS = (WEIGHTS_INDEPENDENT, WEIGHTS_CENTRED, WEIGHTS_SHARE_VARIANCE)
FORWARD = (LINEAR_REGIME, *WEIGHTS, BIASES_ZERO, INPUTS_CENTRED, INPUTS_SHARE_VARIANCE)
BACKWARD = (
    LINEAR_REGIME,
    *WEIGHTS,
    OUTPUT_GRADIENT_INDEPENDENT,
    OUTPUT_GRADIENT_CENTRED,
    OUTPUT_GRADIENT_SHARES_VARIANCE,
)

CATALOGUE = (
    INPUTS_CENTRED,
    WEIGHTS_INDEPENDENT,
    WEIGHTS_CENTRED,
    BIASES_ZERO,
    LINEAR_REGIME,
    OUTPUT_GRADIENT_INDEPENDENT,
    OUTPUT_GRADIENT_CENTRED,
    WEIGHTS_SYMMETRIC,
    NEVER_ZERO,
    HOMOGENEOUS,
)
"""The further hypotheses that an audit tries on a claim that fails as stated; the same for every claim."""
