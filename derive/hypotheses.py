"""Hypotheses of a theorem: declared properties of the random families, in words and as data.

The data is what rules look up to discharge their obligations, and what tiny worlds are built from: a world's laws
have the declared properties and no others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Abs, Eq, Expr, Max, Symbol

from derive.averages import SharedVariance
from derive.errors import InputError
from derive.indices import K
from derive.kinds import Hypothesis as Hypothesis
from derive.kinds import Kind as Kind
from derive.kinds import Property as Property
from derive.layers import d, i
from derive.network import SLOPE, W, b, cost_gradient, f, g, n, s, slope, x
from derive.words import Words


@dataclass(frozen=True)
class MadeHypothesis:
    """A hypothesis that rests on what a theorem derives, in words that do without; ``make`` derives it."""

    key: str
    words: Words
    source: str
    make: Callable[[], Hypothesis]


_S = Symbol("s")

GLOROT = "Glorot & Bengio 2010, section 4.2.1"

LINEAR_REGIME = Hypothesis(
    "linear-regime",
    Words(
        "Linear regime: every pre-activation is where {}, so that {}.",
        Eq(f(_S), _S, evaluate=False),
        Eq(slope(_S), 1, evaluate=False),
    ),
    (Property(Kind.REGIME),),
    exact=False,
    source=GLOROT + " (they take the slope to be about 1)",
    for_all=(_S,),
)
LINEAR, SLOPE_ONE = LINEAR_REGIME.equations
FINITE_MOMENTS = Hypothesis(
    "finite-moments",
    Words("What is drawn has finite second moments, and so has what is computed from it."),
    (Property(Kind.FINITE_MOMENTS, order=2),),
)
FINITE_FOURTH_MOMENTS = Hypothesis(
    "finite-fourth-moments",
    Words("What is drawn has finite fourth moments, and so has what is computed from it."),
    (Property(Kind.FINITE_MOMENTS, order=4),),
)
WEIGHTS_INDEPENDENT = Hypothesis(
    "weights-independent",
    Words("All weights are independent of each other, and of the input and the biases together."),
    (Property(Kind.ENTRIES_INDEPENDENT, W), Property(Kind.INDEPENDENT_OF, W, x, b)),
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
WEIGHTS_GAUSSIAN = Hypothesis(
    "weights-gaussian",
    Words("Every weight is Gaussian."),
    (Property(Kind.GAUSSIAN, W),),
)
WEIGHTS_MESOKURTIC = Hypothesis(
    "weights-mesokurtic",
    Words("Every weight has a law symmetric about zero, with the fourth moment of a Gaussian. Gaussian weights have."),
    (Property(Kind.MESOKURTIC, W), Property(Kind.SYMMETRIC, W), Property(Kind.ZERO_MEAN, W)),
)
WEIGHTS_OF_ONE_LAW = Hypothesis(
    "weights-one-law",
    Words("The weights of one layer all have the same law."),
    (Property(Kind.IDENTICAL, W),),
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
    Words("The input is independent of the weights and the biases together."),
    (Property(Kind.INDEPENDENT_OF, x, W, b),),
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
        "The gradient at the output, {}, is independent of the weights, the input and the biases together.",
        cost_gradient(s(d, K)),
    ),
    (Property(Kind.INDEPENDENT_OF, g, W, x, b),),
    exact=False,
    source="left unsaid by Glorot & Bengio 2010; needed for their equations 6 and 7",
)
OUTPUT_GRADIENT_CENTRED = Hypothesis(
    "output-gradient-zero-mean",
    Words("Every component {} of the gradient at the output has mean zero.", cost_gradient(s(d, K))),
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
        "All layers have the same width and all weights the same variance: {} and {} for every {}.",
        Eq(n(i + 1), n(i), evaluate=False),
        Eq(SharedVariance(W, i + 1), SharedVariance(W, i), evaluate=False),
        i,
    ),
    (Property(Kind.REGIME),),
    for_all=(i,),
    source="Glorot & Bengio 2010, equations 12 to 14",
)
_LEAKY_RELU = (1 + SLOPE) / 2 * _S + (1 - SLOPE) / 2 * Abs(_S)


def leaky_relu_slope(function: Expr) -> Eq:
    """Return at which slope leaky ReLU is a function; raise `InputError` where it is at none."""
    sides = (Symbol("s", positive=True), Symbol("s", negative=True))
    gaps = [(_LEAKY_RELU - function).subs(_S, side).expand() for side in sides]
    # Each is linear in the slope.
    found = {-gap.coeff(SLOPE, 0) / gap.coeff(SLOPE) for gap in gaps if gap.has(SLOPE)}
    if len(found) != 1 or any(gap.subs(SLOPE, *found).expand() != 0 for gap in gaps):
        raise InputError(f"{_LEAKY_RELU} is {function} at no slope")
    return Eq(SLOPE, found.pop())


RECTIFIER = Hypothesis(
    "leaky-relu",
    Words(
        "The activation function is leaky ReLU of slope {}: {}.",
        SLOPE,
        Eq(f(_S), _LEAKY_RELU, evaluate=False),
    ),
    (Property(Kind.REGIME),),
    source="He et al. 2015, equation 1 (PReLU)",
    aside=Words(
        "(ReLU is {}, the identity {}, the absolute value {}.)",
        leaky_relu_slope(Max(_S, 0)),
        leaky_relu_slope(_S),
        leaky_relu_slope(Abs(_S)),
    ),
    for_all=(_S,),
)
(LEAKY_RELU,) = RECTIFIER.equations
RELU = Hypothesis(
    "relu",
    Words(
        "The activation function is ReLU, leaky ReLU {} with {}.", *RECTIFIER.equations, leaky_relu_slope(Max(_S, 0))
    ),
    (Property(Kind.REGIME),),
    for_all=RECTIFIER.for_all,
)
HE_WEIGHTS = Hypothesis(
    "he-weights",
    Words("The weights have He's variance, {}.", Eq(SharedVariance(W, i), 2 / ((1 + SLOPE**2) * n(i)), evaluate=False)),
    (Property(Kind.REGIME),),
    source="He et al. 2015, equations 10 and 15",
)
WEIGHTS_SYMMETRIC = Hypothesis(
    "weights-symmetric",
    Words("Every weight and every bias has a law symmetric about zero; the biases are independent of each other."),
    (
        Property(Kind.SYMMETRIC, W),
        Property(Kind.ZERO_MEAN, W),
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
        s(i, K),
        n(i),
        2 ** -n(i),
    ),
    (Property(Kind.NEVER_ZERO, s),),
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

WEIGHTS = (FINITE_MOMENTS, WEIGHTS_INDEPENDENT, WEIGHTS_CENTRED, WEIGHTS_SHARE_VARIANCE)
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
