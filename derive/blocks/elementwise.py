"""An activation function, unit by unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr

from derive.activations import CATALOGUE, Activation, activation
from derive.blocks.block import Block
from derive.blocks.signal import Place, Signal
from derive.network import f
from derive.provided import provided

if TYPE_CHECKING:
    from derive.blocks.lemmas import Lemmas


@dataclass(frozen=True)
class Elementwise(Block):
    """z_k = f(s_k)

    ``function`` is an activation of the catalogue, a text for one, or None for an arbitrary f.
    """

    function: Activation | str | None = None
    output: str = "z"
    word = "elementwise"

    def __post_init__(self) -> None:
        """Read a text; raise `InputError` for one that is no activation."""
        if isinstance(self.function, str):
            object.__setattr__(self, "function", activation(self.function))

    @property
    def activation(self) -> Activation | None:
        """The activation function, or None for an arbitrary one."""
        assert not isinstance(self.function, str)  # it was read
        return self.function

    @property
    def name(self) -> str:
        """The activation's name in the catalogue, and ``f`` for all others."""
        return "f" if self._listed is None else self._listed.name

    @property
    def _listed(self) -> Activation | None:
        """The activation, if the catalogue has it."""
        known = self.activation
        return known if known is not None and known.name in CATALOGUE else None

    def __str__(self) -> str:
        own = "f" if self.activation is None else f'f("{self.activation}")'
        text = own if self._listed is None else str(self._listed)
        return text if self.output == type(self).output else f'{self.word}({text}, output="{self.output}")'

    def __call__(self, z: Signal) -> Signal:
        """Return the activations."""
        read, known = z.values, self.activation

        def formula(at: Place) -> Expr:
            argument = read(at)
            return f(argument) if known is None else known.expression.xreplace({known.symbol: argument})

        return z.becomes(self.output, z.axes, "the activations", formula)

    @provided
    def lemmas(self, z: Signal) -> Lemmas:
        """Return the lemmas of an activation function of Gaussians."""
        raise NotImplementedError
