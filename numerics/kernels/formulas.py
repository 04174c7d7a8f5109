"""`kernel`: the function that evaluates a derived formula, or an expression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derive.averages import Bracket, SharedVariance
from derive.network import Width
from derive.proof.derivation import Derivation
from derive.rules.analysis import DecayFunction, decay_function
from numerics.kernels.layered import LayeredKernel, layered_kernel
from numerics.programs.callable import Kernel
from numerics.programs.straight_line import from_expressions, identifier

_OF_LAYERS = (Width, SharedVariance, Bracket)


def kernel(
    expression: Derivation | Any, arguments: Sequence[sp.Basic] | None = None, *, backend: str = "numpy"
) -> Kernel | LayeredKernel:
    """Return the NumPy function that evaluates a derivation's right-hand side, or an expression.

    What speaks of layers (widths n_i, variances Var[W^i], products over layers) becomes a function of arrays over
    layers; what is a formula between numbers, a broadcasting function of its symbols. Both name their symbols in the
    signature. Common subexpressions are computed once; NumPy code runs in cache-sized blocks with in-place operations;
    `backend="numba"` (extra `fast`) compiles one loop. The expression must already be free of cancellation: a kernel
    computes what is written.

    Args:
        expression: a derivation, a SymPy expression, or several of them (which give a tuple).
        arguments: the symbols (or other atoms, such as n[i]) of a formula between numbers, in the order of the call;
            default: the free symbols sorted by name.
        backend: ``numpy`` or ``numba`` (extra ``fast``), for formulas between numbers.

    Raises:
        InputError: for an expression over layers without a value, such as a condition.
        ValueError: for an unknown backend, or an expression that depends on more than its arguments;
            `UnsupportedExpressionError`, which is one, for a function that NumPy and SciPy lack.
        TypeError: for text; it would have to be evaluated.
        ImportError: when numba is missing.

    >>> import derive
    >>> kernel(derive.theorem("backward-variance")).signature
    <Signature (i, d, n, var_W, var_grad_s_d)>
    >>> m, v = sp.symbols("m v")
    >>> length = kernel(sp.sqrt(m**2 + v**2))
    >>> length(3.0, 4.0)
    5.0
    >>> length(m=[0.0, 5.0], v=12.0)
    array([12., 13.])

    """
    result = getattr(expression, "result", expression)
    if isinstance(result, sp.Basic) and result.atoms(*_OF_LAYERS):
        return layered_kernel(expression)
    if isinstance(result, sp.Basic):
        result = result.replace(DecayFunction, decay_function)
    return formula_kernel(result, arguments, backend=backend)


def formula_kernel(expression: Any, arguments: Sequence[sp.Basic] | None = None, *, backend: str = "numpy") -> Kernel:
    """`kernel` for formulas between numbers."""
    single = not isinstance(expression, (tuple, list, sp.Tuple))
    expressions = [expression] if single else list(expression)
    for item in expressions:
        # Text is refused: SymPy would run it through eval.
        if not isinstance(item, sp.Expr) and not isinstance(item, (int, float)):
            raise TypeError(f"expression must be a SymPy expression or a derivation, got {type(item).__name__}")
    expressions = [sp.S(item) for item in expressions]
    if not expressions:
        raise ValueError("expression must hold at least one expression, got none")
    if arguments is None:
        free = set().union(*(item.free_symbols for item in expressions))
        arguments = sorted(free, key=lambda symbol: (identifier(symbol), str(symbol)))
    names = tuple(identifier(argument) for argument in arguments)
    return Kernel(from_expressions(expressions, arguments), names, single=single, backend=backend)
