"""An activation as NumPy: f and f' of an array in one call, printed by SymPy from its expression."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import lambdify

from derive.activations import Activation

Floats = NDArray[np.float64]


@lru_cache(maxsize=64)
def value_and_derivative(activation: Activation) -> Callable[[Floats], tuple[Floats, Any]]:
    """Return a function from an array s to ``f(s)`` and ``f'(s)``, a number where f' is constant."""
    expressions = (activation.expression, activation.derivative)
    # cse: tanh and its derivative share the one tanh.
    return lambdify(activation.symbol, expressions, modules=["scipy", "numpy"], cse=True)
