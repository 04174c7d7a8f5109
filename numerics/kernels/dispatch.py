"""`kernel`: one door to both kinds of generated functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Basic

from derive.averages import Bracket, SharedVariance
from derive.network import Width
from derive.proof.derivation import Derivation
from derive.rules.analysis import DecayFunction, decay_function
from numerics.kernels import general
from numerics.kernels.layered import LayeredKernel, layered_kernel

_OF_LAYERS = (Width, SharedVariance, Bracket)


def kernel(
    expression: Derivation | Any, arguments: Sequence[Basic] | None = None, *, backend: str = "numpy"
) -> general.Kernel | LayeredKernel:
    """Return the NumPy function that evaluates a derivation's right-hand side, or an expression.

    What speaks of layers (widths n_i, variances Var[W^i], products over layers) becomes a function of arrays over
    layers; what is a formula between numbers, a broadcasting function of its symbols. Both name their symbols in the
    signature.

    Args:
        expression: a derivation, a SymPy expression, or several of them.
        arguments: the symbols of a formula between numbers, in the order of the call; default: sorted by name.
        backend: ``numpy`` or ``numba`` (extra ``fast``), for formulas between numbers.

    Raises:
        InputError: for an expression without a value, such as a condition.
        ValueError: for an unknown backend, or arguments that do not cover the expression.
        TypeError: for text; it would have to be evaluated.

    >>> import derive
    >>> kernel(derive.theorem("backward-variance")).signature
    <Signature (i, d, n, var_W, var_grad_s_d)>
    >>> from sympy import sqrt, symbols
    >>> kernel(sqrt(symbols("m") ** 2 + symbols("v") ** 2))(3.0, 4.0)
    5.0

    """
    result = expression.result if isinstance(expression, Derivation) else expression
    if isinstance(result, Basic) and result.atoms(*_OF_LAYERS):
        return layered_kernel(expression)
    if isinstance(result, Basic):
        result = result.replace(DecayFunction, decay_function)
    return general.kernel(result, arguments, backend=backend)
