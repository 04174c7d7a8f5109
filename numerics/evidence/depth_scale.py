"""In how many layers two inputs come e times nearer to where all pairs go, read off a predicted curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from numerics.criticality.theorems import layers
from numerics.curves.sweep import sweep

Floats = NDArray[np.float64]

_LAYERS = 400
_SEEN = 1e-8  # a relative change of 1 - rho that rounding and the quadratures cannot make


def depth_scales(between: str, variances: Sequence[float], *, bias_variance: float) -> Floats:
    """Return xi_c = -1/log |chi| of wide networks with these blocks between dense layers, for each σ_w².

    chi is the factor by which the last visible change of 1 - rho is smaller than the one before it, in a predicted
    network of 400 layers: for dropout, which has no formula for it here, as for any other block. At the edge of chaos,
    where changes fall like a power of the depth, it is what 400 layers show, and not infinite.
    """
    text = f"dense(64), repeat({_LAYERS}, {between}, dense(64))"
    found = sweep(text, input=64, gain=list(variances), bias_variance=[bias_variance])
    return np.array([_scale(columns, names) for columns, names in zip(found.columns, found.names, strict=True)])


def _scale(columns: Mapping[str, Floats], names: Sequence[str]) -> float:
    rows = [row for row, name in enumerate(names) if name == "dense"]
    # v2 is carried as a number of its own: nothing cancels where rho tends to 1.
    apart = columns["v2"][rows] / columns["q"][rows]
    change = np.abs(np.diff(apart))
    seen = np.flatnonzero(change > _SEEN * apart[1:])
    if len(seen) < 2 or seen[-1] == 0:
        return 0.0
    chi = change[seen[-1]] / change[seen[-1] - 1]
    return float(layers()(chi)) if chi < 1 else np.inf
