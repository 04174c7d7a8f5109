"""Branches side by side: their sum, or their units one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Piecewise

from derive.blocks.block import Block
from derive.blocks.signal import Axis, Place, Signal
from derive.errors import InputError


@dataclass(frozen=True, init=False)
class _Branches(Block):
    branches: tuple[Block, ...]

    def __init__(self, *branches: Block) -> None:
        if not branches:
            raise InputError(f"{self.word} needs at least one branch")
        object.__setattr__(self, "branches", branches)

    def _outputs(self, z: Signal) -> list[Signal]:
        """Return the branches' outputs; each begins at z, and knows the names that those before it took."""
        found: list[Signal] = []
        for branch in self.branches:
            start = z.joined(*found)
            found.append(branch(start))
        return found

    @property
    def has_weights(self) -> bool:
        """Whether every branch has weights on every way through."""
        return all(branch.has_weights for branch in self.branches)

    @property
    def inside(self) -> tuple[Block, ...]:
        """The branches."""
        return self.branches


class SumOf(_Branches):
    """y_k = sum over branches of branch(z)_k"""

    word = "sum"

    def __call__(self, z: Signal) -> Signal:
        """Return the sum; all branches must come out in one shape."""
        outputs = self._outputs(z)
        if len({out.axes for out in outputs}) > 1:
            shapes = "; ".join(", ".join(map(str, out.shape)) for out in outputs)
            raise InputError(f"sum adds its branches up: their shapes differ ({shapes})")
        taps = [out.values for out in outputs]

        def formula(at: Place) -> Expr:
            return Add(*(tap(at) for tap in taps))

        return outputs[-1].becomes("y", outputs[0].axes, "the sum of the branches", formula)

    @property
    def paths(self) -> tuple[tuple[Block, Expr], ...]:
        """The branches, one that has no weights first."""
        return tuple((b, Integer(1)) for b in sorted(self.branches, key=lambda b: b.has_weights))


class Concatenate(_Branches):
    """y_k = branch(z)_k, the units of one branch after those of another"""

    word = "concatenate"

    def __call__(self, z: Signal) -> Signal:
        """Return all branches' units; they must agree in all other axes."""
        return self.of(self._outputs(z))

    @staticmethod
    def of(outputs: Sequence[Signal]) -> Signal:
        """Return the units of these signals, one after the other; raise `InputError` where their other axes differ."""
        others = {tuple(axis for axis in out.axes if axis != out.feature) for out in outputs}
        if len(others) > 1:
            raise InputError("concatenate joins the units of its branches: their other axes differ")
        name = outputs[0].feature.name
        taps = [out.values for out in outputs]
        sizes = [out.feature.size for out in outputs]
        whole = Axis(name, Add(*sizes))

        def formula(at: Place) -> Expr:
            k, before, pieces = at[name], Add(), []
            for tap, size in zip(taps, sizes, strict=True):
                pieces.append((tap(at.moved(**{name: k - before})), k <= before + size))
                before = before + size
            return Piecewise(*pieces[:-1], (pieces[-1][0], True))

        return outputs[-1].becomes("y", outputs[0].replaced(name, whole), "the branches' units", formula)
