"""What the arguments of a map may be. Needs NumPy alone: the modules that are written hold a copy of this file."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SLACK = 1e-12  # what rounding may have added to a correlation of 1


def check_arguments(names: Sequence[str], inputs: Sequence[Any]) -> None:
    """Raise ValueError for a variance or deviation below 0 and a correlation beyond 1; NaN stays NaN."""
    given = {name: np.asarray(values) for name, values in zip(names, inputs, strict=True)}
    for name, values in given.items():
        if name == "c":
            size = np.sqrt(np.abs(given["q_1"] * given["q_2"]))
            wrong, rule = np.abs(values) > size * (1.0 + SLACK), "lie between -sqrt(q_1 q_2) and sqrt(q_1 q_2)"
        elif name == "rho":
            wrong, rule = np.abs(values) > 1.0 + SLACK, "lie between -1 and 1"
        else:
            wrong, rule = values < 0.0, "not be negative"
        if wrong.any():
            raise ValueError(f"{name} must {rule}, got {float(values[wrong].flat[0])!r}")
