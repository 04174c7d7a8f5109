"""Inverted dropout: a unit is set to zero with probability p, and divided by 1 - p otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from sympy import Expr, StrictLessThan, sympify

from derive.blocks.assumptions import independent
from derive.blocks.block import Block
from derive.blocks.signal import Place, Signal
from derive.chances import Chances, Scalar
from derive.errors import InputError
from derive.kinds import Hypothesis, Kind, Property
from derive.provided import provided
from derive.randomness import Family, Source
from derive.words import Words

if TYPE_CHECKING:
    from derive.blocks.lemmas import Lemmas

MASKS = Source("dropout masks")


def mask(rate: Expr) -> Kind:
    """Return the property of inverted dropout's masks: 0 with the drop rate as probability, else 1/(1 - rate)."""

    def law(scalar: Scalar) -> Chances:
        p = Fraction(scalar.value(rate))
        return ((p, 0), (1 - p, 1 / (1 - p)))

    return Kind("MASK", f"every scalar is 0 with probability {rate}, else 1/(1 - {rate})", (Kind.IDENTICAL,), law)


def masks(family: Family, rate: Expr) -> Hypothesis:
    """Return the hypothesis that a family is dropout's masks of a drop rate below 1."""
    return Hypothesis(
        f"{family.name}-mask",
        Words(
            f"Each of {family.meaning} is 0 with the probability {{}}, the drop rate, and else {{}}; {{}}.",
            rate,
            1 / (1 - rate),
            StrictLessThan(rate, 1, evaluate=False),
        ),
        (Property(mask(rate), family),),
        source="Srivastava et al. 2014 (inverted dropout)",
    )


@dataclass(frozen=True)
class Dropout(Block):
    """y_k = D_k z_k, with D_k = 0 with probability p and 1/(1 - p) otherwise

    Every unit of every sample has a mask of its own.
    """

    rate: Expr | float
    mask: str = "D"
    output: str = "y"
    word = "dropout"

    def __post_init__(self) -> None:
        """Raise `InputError` for a rate that is no probability below 1."""
        self._exact("rate")
        p = sympify(self.rate)
        if p.is_number and not (p.is_real and 0 <= p < 1):
            raise InputError(f"the drop rate must be at least 0 and less than 1, got {self.rate}")

    def __call__(self, z: Signal) -> Signal:
        """Return the masked values."""
        read, p = z.values, sympify(self.rate)
        z, D = z.drawing(self.mask, z.axes, MASKS, "the dropout masks", variance=p / (1 - p), law="mask", rate=p)
        z = z.assuming(independent(z, D), masks(D, p))
        axes = z.axes

        def formula(at: Place) -> Expr:
            return D(*at.layer, *(at[axis.name] for axis in axes)) * read(at)

        return z.becomes(self.output, axes, "the values that dropout leaves", formula)

    @provided
    def lemmas(self, z: Signal) -> Lemmas:
        """Return the lemmas of masks."""
        raise NotImplementedError

    def is_gaussian(self, *, incoming: bool) -> bool:
        """Return False, unless nothing is dropped: a masked Gaussian is a mixture."""
        return incoming and self.rate == 0
