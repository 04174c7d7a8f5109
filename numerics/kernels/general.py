"""`kernel`: from a SymPy expression, or a derivation's result, to a float64 function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from numerics.kernels import _runtime
from numerics.kernels.numpy_code import numpy_code
from numerics.kernels.program import Program, from_expressions, identifier
from numerics.kernels.scalar_code import compile_python, numba_source

BACKENDS = ("numpy", "numba")


def check_backend(backend: str) -> None:
    """Raise ValueError for an unknown backend, ImportError if numba is asked for and missing."""
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    if backend == "numba":
        try:
            import numba  # noqa: F401  (is it there?)
        except ImportError as missing:
            raise ImportError(
                "backend 'numba' needs numba; install the extra: pip install 'varprop[fast]'"
            ) from missing


def compile_numba(source: str, name: str, constants: dict[str, float]) -> Callable[..., Any]:
    """Compile generated loop source with numba; IEEE results instead of ZeroDivisionError, no fast-math."""
    import numba

    return numba.njit(error_model="numpy")(compile_python(source, name, constants))


class Kernel:
    """A float64 function of named arguments, generated from a SymPy expression.

    Call it with positional or keyword arguments that broadcast against each other. Arrays give a float64
    array (a tuple of arrays for several expressions), scalars give floats. `out` takes the array (or tuple
    of arrays) to write into; it may be one of the inputs. What is invalid gives NaN or an infinity, as IEEE
    arithmetic has it; no warning is raised.

    Attributes: `arguments` (names, in order), `program` (what is computed, line by line), `source` (the
    generated Python), `backend`.
    """

    def __init__(self, program: Program, arguments: Sequence[str], *, single: bool, backend: str = "numpy") -> None:
        check_backend(backend)
        self.program = program
        self.backend = backend
        self.arguments = tuple(arguments)
        self._single = single
        parameter = inspect.Parameter
        self.__signature__ = inspect.Signature(
            [
                *(parameter(name, parameter.POSITIONAL_OR_KEYWORD) for name in self.arguments),
                parameter("out", parameter.KEYWORD_ONLY, default=None),
            ]
        )
        if backend == "numba":
            self.source = numba_source(program)
            constants = {symbol.name: value for symbol, value in program.constants}
            self._loop = compile_numba(self.source, "loop", constants)
        else:
            code = numpy_code(program)
            self.source = code.source
            self._block, self._registers = code.compile(), code.registers

    def __call__(self, *args: Any, out: Any = None, **named: Any) -> Any:
        """Evaluate. Raises TypeError for missing or non-numeric arguments, ValueError for a wrong `out`."""
        values = self.__signature__.bind(*args, **named).args
        inputs, targets, results = _runtime.prepare(self.arguments, values, out, len(self.program.outputs))
        if self.backend == "numba":
            self._loop(*inputs, *targets)
        else:
            _runtime.run_blocks(self._block, self._registers, inputs, targets)
        arrays = _runtime.finish(targets, results)
        answers = [float(array) if out is None and array.ndim == 0 else array for array in arrays]
        return answers[0] if self._single else tuple(answers)

    def __repr__(self) -> str:
        return f"<kernel({', '.join(self.arguments)}), {self.backend}>"


def kernel(expression: Any, arguments: Sequence[sp.Basic] | None = None, *, backend: str = "numpy") -> Kernel:
    """A fast float64 function for a SymPy expression, a tuple of them, or a derivation (its `.result`).

    Common subexpressions are computed once; NumPy code runs in cache-sized blocks with in-place operations;
    `backend="numba"` (extra `fast`) compiles one loop. The expression must already be free of cancellation:
    a kernel computes what is written.

    arguments: the symbols (or other atoms, such as n[i]) in the order of the call; default: the free symbols
    sorted by name. Several expressions give a tuple.

    Raises ValueError for an expression that depends on more than its arguments or for an unknown backend,
    `UnsupportedExpressionError` (a ValueError) for a function that NumPy and SciPy lack, TypeError when
    there is no SymPy expression, ImportError when numba is missing.

    >>> import sympy as sp
    >>> m, v = sp.symbols("m v")
    >>> length = kernel(sp.sqrt(m**2 + v**2))
    >>> length(3.0, 4.0)
    5.0
    >>> length(m=[0.0, 5.0], v=12.0)
    array([12., 13.])
    """
    expression = getattr(expression, "result", expression)
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
    names = [identifier(argument) for argument in arguments]
    return Kernel(from_expressions(expressions, arguments), names, single=single, backend=backend)
