"""An activation function, unit by unit."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr

from derive.activations import Activation, activation
from derive.blocks.block import Block
from derive.blocks.signal import Place, Signal
from derive.network import f


@dataclass(frozen=True)
class Elementwise(Block):
    """z_k = f(s_k)

    ``function`` is an activation of the catalogue, a text for one, or None for an arbitrary f.
    """

    function: Activation | str | None = None
    output: str = "z"
    word = "elementwise"

    @property
    def activation(self) -> Activation | None:
        """The activation function, or None for an arbitrary one."""
        return activation(self.function) if isinstance(self.function, str) else self.function

    def __call__(self, z: Signal) -> Signal:
        """Return the activations."""
        read, known = z.values, self.activation

        def formula(at: Place) -> Expr:
            argument = read(at)
            return f(argument) if known is None else known.expression.xreplace({known.symbol: argument})

        return z.becomes(self.output, z.axes, "the activations", formula)
