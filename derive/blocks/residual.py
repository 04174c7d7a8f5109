"""A residual block: what goes in comes out again, with a branch's output added."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, sympify

from derive.blocks.block import Block
from derive.blocks.serial import Serial
from derive.blocks.signal import Place, Signal
from derive.errors import InputError
from derive.layers import i


@dataclass(frozen=True, init=False)
class Residual(Block):
    """h'_k = h_k + alpha r_k, where r = branch(h)

    ``scale`` is alpha: a number, a symbol, or an expression in the layer ``i``.
    """

    branch: Serial
    scale: Expr | float
    output: str
    word = "residual"

    def __init__(self, *branch: Block, scale: Expr | float = 1, output: str = "h") -> None:
        for name, value in (("branch", Serial(*branch)), ("scale", scale), ("output", output)):
            object.__setattr__(self, name, value)
        self._exact("scale")

    def __call__(self, z: Signal) -> Signal:
        """Return the stream with the branch's output added; it must have the shape of the stream."""
        out = self.branch(z)
        if out.axes != z.axes:
            shapes = (f"{signal.family.name}: {', '.join(map(str, signal.shape))}" for signal in (z, out))
            raise InputError(f"residual adds its branch to what goes in: the shapes differ ({'; '.join(shapes)})")
        stream, added, alpha = z.values, out.values, sympify(self.scale)

        def formula(at: Place) -> Expr:
            return stream(at) + (alpha.subs(i, at.layer[0]) if at.layer else alpha) * added(at)

        return out.becomes(self.output, z.axes, "the stream", formula)

    @property
    def paths(self) -> tuple[tuple[Block, Expr], ...]:
        """What goes in, and the branch."""
        return (Serial(), Integer(1)), (self.branch, sympify(self.scale))

    @property
    def has_weights(self) -> bool:
        """False: what goes in comes out."""
        return False

    @property
    def inside(self) -> tuple[Block, ...]:
        """The branch's blocks."""
        return self.branch.blocks
