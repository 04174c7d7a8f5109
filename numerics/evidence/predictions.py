"""What theory says of the first step: how much each layer changes, next to the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import derive
from derive.blocks import Dense, Elementwise
from numerics.curves.plans import is_homogeneous
from numerics.evidence.cells import Cell
from numerics.evidence.initialisation import DATA
from numerics.kernels import kernel

Floats = NDArray[np.float64]


def predicted_rhythm(cell: Cell) -> Floats | None:
    """Return |dW^i|/|W^i| of the first step for each layer over its geometric mean, by the theorem `first-step`.

    The theorem is of the linear regime, and has the ratio of neighbouring layers: where f(c s) = c f(s) for c > 0, the
    same E[f^2]/q = E[f'^2] stands above and below, and cancels. It is the ratio of a batch's step, too, where samples'
    gradients add up alike in all layers. None for weights that are no more as they were drawn, and for what is no chain
    of one such activation.
    """
    blocks = cell.network.blocks
    dense = [block for block in blocks[::2] if isinstance(block, Dense)]
    between = {block.activation for block in blocks[1::2] if isinstance(block, Elementwise) and block.activation}
    if cell.start == DATA or len(dense) + len(blocks[1::2]) < len(blocks) or len(between) != 1:
        return None
    if not all(isinstance(block, Elementwise) for block in blocks[1::2]) or not is_homogeneous(*between):
        return None
    n = [*cell.network.shape, *(int(block.units) for block in dense)]
    variances = [float(block.gain or 0) / size for block, size in zip(dense, n, strict=False)]
    (ratio,) = (part for part in derive.theorem("first-step").parts if part.name == "first-step-relative")
    steps = np.log(kernel(ratio)(np.arange(len(dense) - 1), n, variances))
    squares = np.concatenate([[0.0], -np.cumsum(steps)])
    return np.asarray(np.exp((squares - squares.mean()) / 2))
