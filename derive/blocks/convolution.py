"""Convolution in one or two dimensions: positions share one kernel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sympy import Expr, Integer, Max, Min, Mod, Mul, Sum, floor, sympify

from derive.blocks.assumptions import weights_assumed
from derive.blocks.block import Block
from derive.blocks.signal import CHANNEL, Axis, Place, Signal
from derive.errors import InputError
from derive.provided import provided
from derive.randomness import BIASES, WEIGHTS

if TYPE_CHECKING:
    from derive.blocks.lemmas import Lemmas

PADDINGS = ("circular", "zeros")


@dataclass(frozen=True)
class Convolution(Block):
    """s_{o,t} = sum_c sum_r K_{c,r,o} z_{c, stride (t - 1) + r - m} + b_o, with m = (kernel - 1) // 2

    Without padding by zeros, positions are counted around (``"circular"``); with it, what is outside is zero. The
    output has ceil(size / stride) positions. With ``groups``, output channels see the input channels of their group
    only. ``kernel`` may be an expression for a positive integer. ``gain`` is the fan-in, kernel positions times input
    channels of a group, times Var[K]. ``weights``, ``biases`` and ``output`` are the names of what is new.
    """

    channels: Expr | int
    kernel: Expr | int = 3
    stride: int = 1
    padding: str = "zeros"
    groups: int = 1
    gain: Expr | float | None = None
    bias_variance: Expr | float | None = 0
    law: str = "normal"
    weights: str = "K"
    biases: str = "b"
    output: str = "s"
    word = "conv"

    def __post_init__(self) -> None:
        """Raise `InputError` for a parameter that breaks its rule."""
        self._whole("channels")
        self._variances("gain", "bias_variance")
        if isinstance(self.kernel, Integer):
            object.__setattr__(self, "kernel", int(self.kernel))
        symbolic = isinstance(self.kernel, Expr) and self.kernel.free_symbols
        for name in ("kernel", "stride", "groups"):
            value = getattr(self, name)
            if name == "kernel" and symbolic and value.is_integer and value.is_positive:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"{name} must be a positive integer, got {value!r}")
        if self.padding not in PADDINGS:
            raise InputError(f"padding must be one of {', '.join(PADDINGS)}, got {self.padding!r}")

    def __call__(self, z: Signal) -> Signal:
        """Return the pre-activations of every output channel at every position."""
        if not z.positions:
            raise InputError("conv needs positions: give an input such as 3x32x32")
        group_in, group_out = self._groups(z)
        taps = tuple(Axis(f"{p.name} offset", sympify(self.kernel)) for p in z.positions)
        out = (Axis(CHANNEL, self.channels), *(Axis(p.name, self._size(p)) for p in z.positions))
        fan_in = group_in * self.kernel ** len(taps)
        variance = None if self.gain is None else self.gain / fan_in
        read, positions = z.values, z.positions
        z, K = z.drawing(
            self.weights,
            (Axis("in", group_in), *taps, Axis("out", out[0].size)),
            WEIGHTS,
            "the kernel's weights",
            variance=variance,
            law=self.law,
        )
        z = z.assuming(*weights_assumed(z, K))
        b = None
        if self.bias_variance != 0:
            z, b = z.drawing(self.biases, out[:1], BIASES, "the biases", variance=self.bias_variance)
            z = z.assuming(*weights_assumed(z, b))
        groups, kernel, stride, padding = self.groups, self.kernel, self.stride, self.padding

        def formula(at: Place) -> Expr:
            o = at[CHANNEL]
            channel, *offsets = at.fresh(1 + len(positions))
            first = Integer(0) if groups == 1 else group_in * floor((o - 1) / group_out)
            there = {CHANNEL: first + channel}
            limits = [(channel, Integer(1), group_in)]
            for axis, offset in zip(positions, offsets, strict=True):
                where, low, high = _window(kernel, stride, padding, at[axis.name], offset, axis.size)
                there[axis.name] = where
                limits.append((offset, low, high))
            total = Sum(Mul(K(*at.layer, channel, *offsets, o), read(at.moved(**there))), *limits)
            return total if b is None else total + b(*at.layer, o)

        name = z.feature.name
        axes = tuple(a for a in z.axes if a.name != name and a not in positions) + out
        return z.becomes(self.output, axes, "the pre-activations", formula)

    def _groups(self, z: Signal) -> tuple[Expr, Expr]:
        """Return how many input and output channels a group has."""
        sizes = []
        for name, size in (("input channels", z.feature.size), ("output channels", sympify(self.channels))):
            if size.is_Integer and int(size) % self.groups:
                raise InputError(f"groups must divide the {name}, got {self.groups} for {size}")
            sizes.append(size / self.groups)
        return sizes[0], sizes[1]

    def _size(self, axis: Axis) -> Expr:
        """Return the number of output positions."""
        return floor((axis.size + self.stride - 1) / self.stride)

    @provided
    def lemmas(self, z: Signal) -> Lemmas:
        """Return the lemmas of one layer, place by place."""
        raise NotImplementedError

    @property
    def has_weights(self) -> bool:
        """True: weights are on every way through."""
        return True

    def is_gaussian(self, *, incoming: bool) -> bool:
        """Return True: a sum with many weights is Gaussian."""
        return True


@lru_cache(maxsize=1_000)
def _window(
    kernel: Expr | int, stride: int, padding: str, position: Expr, offset: Expr, size: Expr
) -> tuple[Expr, Expr, Expr]:
    """Return where a kernel's weight looks, and the first and last weight that looks at something."""
    start = stride * (position - 1) - floor((sympify(kernel) - 1) / 2)
    if padding == "circular":
        return Mod(start + offset - 1, size) + 1, Integer(1), sympify(kernel)
    return start + offset, Max(1, 1 - start), Min(kernel, size - start)
