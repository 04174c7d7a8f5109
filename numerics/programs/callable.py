"""`Kernel`, the one callable that is made of a program."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from derive.errors import InputError
from numerics.programs import _runtime, check_backend
from numerics.programs.exporting import export
from numerics.programs.lowering import BlockCode, block_code
from numerics.programs.printers import UnsupportedExpressionError, compiled, limits_source, loop_source, point_source
from numerics.programs.straight_line import Program, split

if TYPE_CHECKING:
    from numerics.programs.certificate import Certificate

Look = Callable[[Sequence[Any], int], None]
"""Sees a piece of every input, and where it starts."""


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
        answers = self._run(args, out)
        return answers[0] if self.single else answers

    def _run(self, values: Sequence[Any], out: Any) -> tuple[Any, ...]:
        """All results; what hangs on numbers beside arrays is computed once."""
        numbers = {n: value for n, value in enumerate(values) if _runtime.scalar(value) or not np.ndim(value)}
        mixed = 0 < len(numbers) < len(values) and not self.program.helpers
        if mixed and (self.backend == "numpy" or not self.program.domain):
            numbers = {n: _runtime.as_floats(self.arguments[n], value) for n, value in numbers.items()}
            code = self.beside(numbers)
            if code is not None:
                rest = [value for n, value in enumerate(values) if n not in numbers]
                return _runtime.evaluate(code, rest, out, self._checked(numbers))
        return _runtime.evaluate(self.code, values, out)

    def beside(self, numbers: dict[int, Any]) -> _runtime.Code | None:
        """The code for arrays beside numbers by place, without a check; None where these alone raise, such as 0/0."""
        with suppress(ArithmeticError, ValueError):
            first, names, rest = self._split(tuple(numbers))
            # 0-d arrays: a ufunc takes them without converting a Python float on each call.
            kind = np.array if self.backend == "numpy" else float
            known = list(map(kind, first(*map(float, numbers.values()))))
            return _runtime.Code(names, len(self.program.outputs), (), partial(rest, fixed=known), None)
        return None

    def _checked(self, numbers: dict[int, Any]) -> Look:
        """The check of the domain for arrays beside numbers."""

        def look(pieces: Sequence[Any], start: int) -> None:
            own, places = iter(pieces), range(len(self.arguments))
            _runtime.check(self.code.limits, [numbers[n] if n in numbers else next(own) for n in places], start)

        return look

    @cached_property
    def _made(self) -> dict[tuple[int, ...], Any]:
        return {}

    def _split(self, fixed: tuple[int, ...]) -> tuple[Callable[..., Any], tuple[str, ...], Callable[..., None]]:
        """What computes the numbers from those that are fixed, the names of the others, and what runs on these."""
        if fixed not in self._made:
            head, body = split(self.program, [self.program.arguments[n] for n in fixed])
            constants = {"math": math, **{symbol.name: value for symbol, value in self.program.constants}}
            code = block_code(body)
            run = _runtime.blocks(code.compile({}), code.registers)
            if self.backend == "numba":
                run = partial(_whole, compile_numba(loop_source(body, len(head.outputs)), "loop", dict(constants)))
            names = tuple(a for n, a in enumerate(self.arguments) if n not in fixed)
            self._made[fixed] = compiled(point_source(head), "point", constants), names, run
        return self._made[fixed]

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
        return export(self, path)

    def __repr__(self) -> str:
        return f"<{self.name}({', '.join(self.arguments)}), {self.about.method}, {self.backend}>"


def _whole(loop: Callable[..., Any], inputs: Any, targets: Any, look: Look, fixed: Sequence[float]) -> None:
    """One call of a loop, for which blocks would not pay."""
    look(inputs, 0)
    loop(*inputs, *fixed, *targets)


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
