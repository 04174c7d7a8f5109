"""The rules of inference, one file a family."""

from derive.rules.algebra import (
    Cancel,
    CancelEquation,
    DivideEquations,
    Expand,
    ReindexProduct,
)
from derive.rules.calculus import ChainRule, Differentiate
from derive.rules.definitions import Define, DrawnGradient, LinearRegime, NoBiases
from derive.rules.gradients import SameGradients
from derive.rules.lemma import ByDifference, ByLemma, ByProductVariance
from derive.rules.means import (
    Centred,
    DeclaredVariance,
    Linearity,
    MomentFromVariance,
    ProductLaw,
    SameForEveryUnit,
    SecondMoment,
    Uncorrelated,
    VarianceDefinition,
    VarianceOfSum,
)
from derive.rules.recursion import Induction
from derive.rules.solving import Integrate, Isolate, Solve
from derive.rules.sums import ContractDelta, EqualTerms, PullOut

__all__ = [
    "ByDifference",
    "ByLemma",
    "ByProductVariance",
    "Cancel",
    "CancelEquation",
    "Centred",
    "ChainRule",
    "ContractDelta",
    "DeclaredVariance",
    "Define",
    "Differentiate",
    "DivideEquations",
    "DrawnGradient",
    "EqualTerms",
    "Expand",
    "Induction",
    "Integrate",
    "Isolate",
    "LinearRegime",
    "Linearity",
    "MomentFromVariance",
    "NoBiases",
    "ProductLaw",
    "PullOut",
    "ReindexProduct",
    "SameForEveryUnit",
    "SameGradients",
    "SecondMoment",
    "Solve",
    "Uncorrelated",
    "VarianceDefinition",
    "VarianceOfSum",
]
