"""Where training starts: the weights as the network draws them, or these, scaled by what the data make of them."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from numerics.evidence.networks import Learner, Values

DRAWN, DATA = "drawn", "data-dependent"
KINDS = (DRAWN, DATA)


def initial(learner: Learner, kind: str, streams: list[Generator], x: NDArray[np.float64]) -> Values:
    """Return the weights of all copies.

    ``data-dependent`` divides the matrix of each dense layer, from the input on, by the root mean square of its
    pre-activations on samples: all of them then have mean square 1 there (Mishkin & Matas 2016, with normal weights in
    place of orthonormal ones).
    """
    values = learner.draw(streams)
    if kind == DATA:
        for row, key in learner.dense:
            s = learner.run(learner.whole, {**values, **learner.means()}, x)[row]
            root = np.sqrt(np.square(s, dtype=np.float64).mean(axis=tuple(range(1, s.ndim)), keepdims=True))
            values[key] = (values[key] / root).astype(learner.dtype)
    return values
