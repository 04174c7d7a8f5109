"""Blocks one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from derive.blocks.block import Block
from derive.blocks.signal import Signal


@dataclass(frozen=True, init=False)
class Serial(Block):
    """The last block of the one before it, of the one before that, ... of z; no blocks leave z as it is."""

    blocks: tuple[Block, ...]
    word = "serial"

    def __init__(self, *blocks: Block) -> None:
        flat = (b for block in blocks for b in (block.blocks if isinstance(block, Serial) else (block,)))
        object.__setattr__(self, "blocks", tuple(flat))

    def __call__(self, z: Signal) -> Signal:
        """Return what comes out of the last block."""
        for block in self.blocks:
            z = block(z)
        return z

    @property
    def steps(self) -> tuple[Block, ...]:
        """The blocks in order."""
        return tuple(step for block in self.blocks for step in block.steps)

    @property
    def inside(self) -> tuple[Block, ...]:
        """The blocks in order."""
        return self.blocks
