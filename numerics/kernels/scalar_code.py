"""Program -> one-point-at-a-time code: a Python function, a numba loop, a C loop.

All three print the same assignments with SymPy's printers, so they do the same operations in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp
from sympy.printing.c import C99CodePrinter
from sympy.printing.pycode import PythonCodePrinter

from numerics.kernels.program import Program


class _Python(PythonCodePrinter):
    """Python, with a maximum that passes NaN on and the functions that `math` has."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": False, "standard": "python3"})

    def _print_Max(self, node: sp.Max) -> str:
        return _maximum(self, node, "({b} if {a} < {b} else {a})")


class _C(C99CodePrinter):
    """C99, with a maximum that passes NaN on (fmax would drop it)."""

    def _print_Max(self, node: sp.Max) -> str:
        return _maximum(self, node, "({a} < {b} ? {b} : {a})")


def _maximum(printer: Any, node: sp.Max, template: str) -> str:
    # A constant goes second: comparisons with NaN are false, which selects the other, possibly NaN, operand.
    args = sorted(node.args, key=lambda arg: arg.name.isupper() if isinstance(arg, sp.Symbol) else arg.is_number)
    if len(args) != 2:
        args = [args[0], sp.Max(*args[1:])]
    return template.format(a=printer._print(args[0]), b=printer._print(args[1]))


def _c_float(value: float) -> str:
    return f"{value!r} /* {value.hex()} */"


def python_lines(program: Program) -> list[str]:
    """`name = expression` lines, outputs included under their own names."""
    printer = _Python()
    return [f"{line.target.name} = {printer.doprint(line.value)}" for line in program.assignments]


def c_lines(program: Program) -> list[str]:
    """`const double name = expression;` lines."""
    printer = _C()
    return [f"const double {line.target.name} = {printer.doprint(line.value)};" for line in program.assignments]


def constant_lines(program: Program) -> list[str]:
    """`NAME = value` lines, exact: repr of a float round-trips."""
    return [f"{symbol.name} = {value!r}" for symbol, value in program.constants]


def c_constant_lines(program: Program) -> list[str]:
    """`static const double NAME = value;` lines."""
    return [f"static const double {symbol.name} = {_c_float(value)};" for symbol, value in program.constants]


def _indent(lines: Iterator[str] | list[str], by: int) -> str:
    return "\n".join(" " * by + line for line in lines)


def python_source(program: Program, name: str = "point") -> str:
    """A function of floats that returns a tuple of floats."""
    arguments = ", ".join(symbol.name for symbol in program.arguments)
    outputs = ", ".join(symbol.name for symbol in program.outputs)
    return f"def {name}({arguments}):\n{_indent(python_lines(program), 4)}\n    return ({outputs},)\n"


def numba_source(program: Program, name: str = "loop", largest: float | None = None) -> str:
    """A loop over one-dimensional arrays: inputs, then outputs.

    With `largest`, it returns whether any input lies outside [0, largest] or is NaN.
    """
    inputs = [symbol.name for symbol in program.arguments]
    arrays = [f"{name_}_array" for name_ in inputs]
    outs = [f"out{i}" for i in range(len(program.outputs))]
    body = [f"{x} = {array}[i]" for x, array in zip(inputs, arrays, strict=True)]
    if largest is not None:
        # Bitwise operators: a branch would keep the compiler from vectorising the loop.
        inside = " & ".join(f"({x} >= 0.0) & ({x} <= {largest!r})" for x in inputs)
        body.append(f"inside &= {inside}")
    body += python_lines(program)
    body += [f"{out}[i] = {symbol.name}" for out, symbol in zip(outs, program.outputs, strict=True)]
    loop = f"for i in range({outs[0]}.size):\n{_indent(body, 8)}\n"
    header = f"def {name}({', '.join(arrays + outs)}):\n"
    if largest is None:
        return f"{header}    {loop}"
    return f"{header}    inside = True\n    {loop}    return not inside\n"


def compile_python(source: str, name: str, constants: dict[str, float]) -> Callable[..., Any]:
    """Execute generated source (printed from a SymPy tree by this package) and return the function `name`."""
    namespace: dict[str, Any] = {key: getattr(math, key) for key in dir(math) if not key.startswith("_")}
    namespace |= constants
    exec(compile(source, "<varprop kernel>", "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    return function
