"""The variance of a product of two independent random variables."""

from __future__ import annotations

from functools import cache

from derive.averages import Variance
from derive.hypotheses import FINITE_MOMENTS, Hypothesis, Kind, Property
from derive.layers import Facts
from derive.proof.derivation import Derivation, Proof
from derive.randomness import Family, Over, Source
from derive.rules import Expand, MomentFromVariance, ProductLaw, VarianceDefinition
from derive.setting import Setting
from derive.words import Words

FIRST = Source("first factor")
SECOND = Source("second factor")
X = Family("X", meaning="the first factor, a random variable", extents=lambda _: (), layered=False, source=FIRST)
Y = Family("Y", meaning="the second factor, a random variable", extents=lambda _: (), layered=False, source=SECOND)
BOTH_FACTORS = Over("both factors", (FIRST, SECOND))

FACTORS_INDEPENDENT = Hypothesis(
    "factors-independent",
    Words("{} and {} are independent (their means and laws are arbitrary).", X(), Y()),
    (Property(Kind.INDEPENDENT_OF, X, Y),),
)


@cache
def product_variance() -> Derivation:
    """Var[XY] = Var[X] Var[Y] + E[X]^2 Var[Y] + E[Y]^2 Var[X] for independent X and Y."""
    setting = Setting((FACTORS_INDEPENDENT, FINITE_MOMENTS), Facts(), over=BOTH_FACTORS)
    proof = Proof(setting, Variance(X() * Y(), BOTH_FACTORS))
    proof.by(VarianceDefinition(), ProductLaw(), MomentFromVariance(), Expand())
    return proof.done(
        "product-variance",
        "The variance of a product of independent factors",
        source="The formula quoted in the question “Understanding an equation used in the Xavier initialization”",
    )
