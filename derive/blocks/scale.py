"""A constant factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, sympify

from derive.blocks.block import Block
from derive.blocks.signal import Place, Signal
from derive.layers import i
from derive.provided import provided

if TYPE_CHECKING:
    from derive.blocks.lemmas import Lemmas


@dataclass(frozen=True)
class Scale(Block):
    """y_k = alpha z_k

    ``factor`` is a number, a symbol, or an expression in the layer ``i``.
    """

    factor: Expr | float
    output: str = "y"
    word = "scale"

    def __post_init__(self) -> None:
        """Raise `InputError` for a factor that is no number."""
        self._exact("factor")

    def __call__(self, z: Signal) -> Signal:
        """Return the signal times the factor."""
        read, factor = z.values, sympify(self.factor)

        def formula(at: Place) -> Expr:
            return (factor.subs(i, at.layer[0]) if at.layer else factor) * read(at)

        return z.becomes(self.output, z.axes, "the scaled values", formula)

    @provided
    def lemmas(self, z: Signal) -> Lemmas:
        """Return the lemmas of a factor."""
        raise NotImplementedError

    def is_gaussian(self, *, incoming: bool) -> bool:
        """Return what comes in: a factor changes no law's form."""
        return incoming
