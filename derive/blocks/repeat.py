"""A block many times: written out for a number, or as the layers i = 0, 1, ... of one definition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from sympy import Expr, sympify

from derive.blocks.block import Block
from derive.blocks.serial import Serial
from derive.blocks.signal import Axis, Drawn, Extents, Signal, Values
from derive.errors import InputError
from derive.layers import i
from derive.randomness import Family


@dataclass(frozen=True, init=False)
class Repeat(Block):
    """block(block(... z)), ``times`` times, everything drawn anew"""

    times: int
    body: Serial
    word = "repeat"

    def __init__(self, times: int, *body: Block) -> None:
        if isinstance(times, bool) or not isinstance(times, int) or times < 1:
            raise InputError(f"repeat needs a positive number of times, got {times!r}")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "body", Serial(*body))

    def __call__(self, z: Signal) -> Signal:
        """Return what comes out at the end."""
        for _ in range(self.times):
            z = self.body(z)
        return z

    @property
    def steps(self) -> tuple[Block, ...]:
        """The block, as often as it is repeated."""
        return self.body.steps * self.times

    @property
    def inside(self) -> tuple[Block, ...]:
        """The block, once."""
        return self.body.blocks


@dataclass(frozen=True)
class _Recursive:
    """h^{i+1} = body(h^i), as a function of indices."""

    body: Block
    start: Values
    name: str
    meaning: str

    def __call__(self, layer: Expr | int, *indices: Expr | int) -> Expr:
        return self.after.family.definition(sympify(layer) - 1, *indices)

    @cached_property
    def signal(self) -> Signal:
        """The signal of a layer that goes into the body."""
        axes = self.start.axes
        family = Family(
            self.name, meaning=self.meaning, extents=Extents(axes), definition=self, start=self.start.family
        )
        return Signal(family, axes, (Drawn(self.start.family),), (family,))

    @cached_property
    def after(self) -> Signal:
        """What comes out of the body."""
        return self.body(self.signal)


def layers(body: Block, start: Signal, name: str = "h", *, meaning: str = "the signal of a layer") -> Signal:
    """Return the signal h with h^0 = start and h^{i+1} = body(h^i): all layers of one definition.

    What the body draws and defines has the layer as its first index. Where sizes change with the layer, write those of
    ``start`` with the layer ``i``.

    Raises:
        InputError: when the start has layers already, or the body comes out with other axes than it takes.

    """
    if start.layered or not any(d.family == start.family for d in start.drawn):
        raise InputError(f"layers start from what is drawn and has no layers, not from {start.family.name}")
    tied = _Recursive(body, start.values, name, meaning)
    if tied.after.family == tied.signal.family:
        raise InputError("layers need a body that computes something")
    there = tuple(Axis(axis.name, axis.size.subs(i, i + 1)) for axis in start.axes)
    if tied.after.axes != there:
        shapes = [", ".join(map(str, (axis.size for axis in axes))) for axes in (there, tied.after.axes)]
        raise InputError(f"the next layer has other axes: {shapes[0]} expected, the body gives {shapes[1]}")
    inner = replace(tied.after, defined=tied.after.defined[:-1])
    return tied.signal.joined(inner)
