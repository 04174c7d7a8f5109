"""`Kernel`, the one callable that is made of a program, and `kernel`, which makes it from an expression."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from derive.averages import Bracket, SharedVariance
from derive.errors import InputError
from derive.network import Width
from derive.proof.derivation import Derivation
from derive.rules.analysis import DecayFunction, decay_function
from numerics.kernels import _runtime
from numerics.kernels.blocks import BlockCode, block_code
from numerics.kernels.layered import LayeredKernel, layered_kernel
from numerics.kernels.printers import UnsupportedExpressionError, compiled, limits_source, loop_source, point_source
from numerics.kernels.program import Program, from_expressions, identifier

if TYPE_CHECKING:
    from numerics.kernels.certificate import Certificate

BACKENDS = ("numpy", "numba")
_OF_LAYERS = (Width, SharedVariance, Bracket)


@dataclass(frozen=True)
class About:
    """What stands on top of an exported kernel: what it computes, by what formula, from where, and how."""

    title: str = ""
    formula: tuple[str, ...] = ()
    origin: str = ""
    method: str = "formula"
    note: str = ""


@dataclass(frozen=True, eq=False)
class Kernel:
    """A float64 function of named arguments, generated from a derived formula.

    Call it with positional or keyword arguments that broadcast against each other. Arrays give a float64 array (a tuple
    of arrays for several results), numbers give floats. `out` takes the array (or tuple of arrays) to write into; it
    may be one of the inputs. What is outside of the domain is a ValueError that names the argument; NaN gives NaN, and
    what is invalid or beyond float64 gives NaN or an infinity, as IEEE arithmetic has it; no warning is raised.

    Attributes: `arguments` (names, in order), `program` (what is computed, line by line, and its domain), `source` (the
    generated code that runs on arrays), `backend`, `certificate` (how accurate it is, measured on first access),
    `method` and `note` (how it computes, and why so).
    """

    program: Program
    arguments: tuple[str, ...]
    name: str = "kernel"
    backend: str = "numpy"
    single: bool = True
    defaults: tuple[tuple[str, float], ...] = ()
    about: About = field(default=About(), repr=False)
    measured: Callable[[Kernel], Certificate] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.program.helpers and self.backend == "numba":
            raise InputError(f"backend must be numpy for what is computed by quadrature, got {self.backend!r}")
        check_backend(self.backend)
        self.block  # noqa: B018  (an expression that cannot be printed is refused here)

    @property
    def method(self) -> str:
        """How it computes: ``"closed form"``, ``"certified step"``, ``"quadrature"`` or a plain ``"formula"``."""
        return self.about.method

    @property
    def note(self) -> str:
        """Why there is no closed form, or why it was not taken."""
        return self.about.note

    @cached_property
    def __signature__(self) -> inspect.Signature:
        given, kind = dict(self.defaults), inspect.Parameter.POSITIONAL_OR_KEYWORD
        named = [inspect.Parameter(a, kind, default=given.get(a, inspect.Parameter.empty)) for a in self.arguments]
        return inspect.Signature([*named, inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)])

    @cached_property
    def block(self) -> BlockCode:
        """The NumPy code."""
        return block_code(self.program)

    @cached_property
    def source(self) -> str:
        """The generated code that runs on arrays."""
        return loop_source(self.program) if self.backend == "numba" else self.block.source

    @cached_property
    def code(self) -> _runtime.Code:
        """The compiled functions."""
        names = {"math": math, **{symbol.name: value for symbol, value in self.program.constants}}
        helpers = helper_namespace(self.program.helpers)
        limits = compiled(limits_source(self.program, self.arguments), "LIMITS", dict(helpers))
        try:
            point = None if self.program.helpers else compiled(point_source(self.program), "point", dict(names))
        except UnsupportedExpressionError:
            point = None
        run = _runtime.blocks(self.block.compile(helpers), self.block.registers)
        if self.backend == "numba":
            run = checked_loop(compile_numba(self.source, "loop", names))
        return _runtime.Code(self.arguments, len(self.program.outputs), limits, run, point)

    def __call__(self, *args: Any, out: Any = None, **named: Any) -> Any:
        """Evaluate. Raises TypeError for missing or non-numeric arguments, ValueError for a wrong `out` or value."""
        if named or self.defaults or len(args) != len(self.arguments):
            bound = self.__signature__.bind(*args, **named)
            bound.apply_defaults()
            args = bound.args
        answers = _runtime.evaluate(self.code, args, out)
        return answers[0] if self.single else answers

    @cached_property
    def certificate(self) -> Certificate:
        """The measured accuracy of this very kernel (some seconds on first access).

        Raises ValueError where nothing says against what to measure.
        """
        if self.measured is None:
            raise ValueError(f"{self.name} must have a reference to be certified; kernels of maps and steps do")
        return self.measured(self)

    @property
    def companions(self) -> tuple[Kernel, ...]:
        """The kernels that an exported file holds."""
        return (self,)

    def with_defaults(self, defaults: tuple[tuple[str, float], ...]) -> Kernel:
        """The same kernel with default values of its last arguments."""
        return replace(self, defaults=defaults)

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write a file that needs neither SymPy nor varprop; see `numerics.kernels.export`."""
        from numerics.kernels.exporting import export

        return export(self, path)

    def __repr__(self) -> str:
        return f"<{self.name}({', '.join(self.arguments)}), {self.about.method}, {self.backend}>"


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


def compile_numba(source: str, name: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Compile generated loop source with numba; IEEE results instead of ZeroDivisionError, no fast-math."""
    import numba

    return numba.njit(error_model="numpy")(compiled(source, name, names))


def checked_loop(loop: Callable[..., bool]) -> Callable[..., None]:
    """Run a loop that says whether an input was outside; only then look which."""

    def run(inputs: Sequence[Any], targets: Sequence[Any], look: Callable[..., None]) -> None:
        if loop(*inputs, *targets):
            look(inputs, 0)

    return run


@lru_cache(maxsize=64)
def helper_namespace(helpers: str) -> dict[str, Any]:
    """What a program's helpers define, beside NumPy and `Limit`; not to be changed."""
    namespace: dict[str, Any] = {"numpy": np, "np": np, "Limit": _runtime.Limit}
    if helpers:
        namespace |= {"Callable": Callable, "NamedTuple": NamedTuple, "NDArray": NDArray}
        exec(compile(helpers, "<varprop helpers>", "exec"), namespace)
    return namespace


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
