"""What theory says of the first step: how much each layer changes, next to the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from derive.blocks import Dense, Elementwise
from numerics.curves import predict
from numerics.evidence.cells import Cell
from numerics.evidence.initialisation import DATA
from numerics.network import Network

Floats = NDArray[np.float64]


def predicted_rhythm(cell: Cell) -> Floats | None:
    """Return sqrt(Var[dCost/dW^i]/Var[W^i]) for each layer over its geometric mean, by the chain's own prediction.

    After one step from rest, it is what |dW^i|/|W^i| is proportional to, where samples' gradients add up alike in all
    layers. None for weights that are no more as they were drawn, and for what is no chain.
    """
    blocks = cell.network.blocks
    dense = [block for block in blocks[::2] if isinstance(block, Dense)]
    between = [block.activation for block in blocks[1::2] if isinstance(block, Elementwise)]
    if cell.start == DATA or len(dense) + len(between) < len(blocks) or len(set(between)) != 1:
        return None
    (size,) = cell.network.shape
    network = Network(
        widths=[size, *(int(block.units) for block in dense)],
        activation=between[0],
        gain=[float(block.gain) for block in dense if block.gain is not None],
    )
    relative = np.sqrt(predict(network).columns["var_grad_w"] / np.array(network.weight_variance))
    return np.asarray(relative / np.exp(np.log(relative).mean()))
