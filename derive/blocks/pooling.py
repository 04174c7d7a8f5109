"""Average pooling over windows of positions, and flattening of positions into units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, Integer, Mod, Mul, Sum, floor

from derive.blocks.block import Block
from derive.blocks.signal import CHANNEL, UNIT, Axis, Place, Signal
from derive.errors import InputError
from derive.provided import provided

if TYPE_CHECKING:
    from derive.blocks.lemmas import Lemmas


@dataclass(frozen=True)
class AveragePool(Block):
    """y_{c,t} = (1/w) sum_{r=1}^{w} z_{c, w (t - 1) + r} on every axis of positions

    ``window`` is w; None averages over all positions, and no axes of positions are left but of size 1.
    """

    window: int | None = None
    word = "average-pool"

    def __post_init__(self) -> None:
        """Raise `InputError` for a window that is no positive integer."""
        if self.window is not None and (
            isinstance(self.window, bool) or not isinstance(self.window, int) or self.window < 1
        ):
            raise InputError(f"the window must be a positive integer, got {self.window!r}")

    def __call__(self, z: Signal) -> Signal:
        """Return the means over windows."""
        if not z.positions:
            raise InputError("average-pool needs positions: give an input such as 3x32x32")
        windows = [self._window(axis) for axis in z.positions]
        pooled = {a.name: Axis(a.name, a.size / w) for a, w in zip(z.positions, windows, strict=True)}
        read, names = z.values, tuple(pooled)

        def formula(at: Place) -> Expr:
            offsets = at.fresh(len(names))
            there = {n: w * (at[n] - 1) + r for n, w, r in zip(names, windows, offsets, strict=True)}
            limits = [(r, Integer(1), w) for r, w in zip(offsets, windows, strict=True)]
            return Sum(read(at.moved(**there)), *limits) / Mul(*windows)

        axes = tuple(pooled.get(axis.name, axis) for axis in z.axes)
        return z.becomes("y", axes, "the means over windows", formula)

    def _window(self, axis: Axis) -> Expr:
        window = axis.size if self.window is None else Integer(self.window)
        if axis.size.is_Integer and int(axis.size) % int(window):
            raise InputError(f"the window must divide the {axis.name}s, got {window} for {axis.size}")
        return window

    @provided
    def lemmas(self, z: Signal) -> Lemmas:
        """Return the lemmas of means over windows."""
        raise NotImplementedError

    def is_gaussian(self, *, incoming: bool) -> bool:
        """Return what comes in: means of Gaussians are Gaussian."""
        return incoming


@dataclass(frozen=True)
class Flatten(Block):
    """y_m = z_{c,t} with m = T (c - 1) + t: channels and positions become units, the last axis running fastest"""

    word = "flatten"

    def __call__(self, z: Signal) -> Signal:
        """Return units."""
        if not z.positions:
            raise InputError("flatten needs channels and positions: this signal has units already")
        read = z.values
        axes = (z.feature, *z.positions)
        units = Axis(UNIT, Mul(*(axis.size for axis in axes)))

        def formula(at: Place) -> Expr:
            rest, there = at[UNIT] - 1, {}
            for axis in reversed(axes[1:]):
                there[axis.name] = Mod(rest, axis.size) + 1
                rest = floor(rest / axis.size)
            return read(at.moved(**there, **{CHANNEL: rest + 1}))

        kept = tuple(axis for axis in z.axes if axis not in axes)
        return z.becomes("y", (*kept, units), "channels and positions as units", formula)

    @provided
    def lemmas(self, z: Signal) -> Lemmas:
        """Return the lemmas of units that were places."""
        raise NotImplementedError

    def is_gaussian(self, *, incoming: bool) -> bool:
        """Return what comes in: nothing is computed."""
        return incoming
