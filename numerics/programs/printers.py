"""One printer for each target, all on SymPy's own: NumPy, floats in Python (and numba), and C.

A printer's ``table`` has the spelling of what SymPy would print wrongly (Φ as (1 + erf)/2, which cancels), or not.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import sympy as sp
from sympy.printing.c import C99CodePrinter
from sympy.printing.codeprinter import CodePrinter, PrintMethodNotImplementedError
from sympy.printing.numpy import SciPyPrinter
from sympy.printing.pycode import PythonCodePrinter

from numerics.accurate_functions import NAMES
from numerics.programs.straight_line import Program


class UnsupportedExpressionError(ValueError):
    """An expression holds a function that the target (NumPy and SciPy, or C) has not."""


class _Printer(CodePrinter):
    """What all targets share: the table, whole numbers beyond 2^53 as floats, and an error for what is unknown."""

    printmethod = "_kernelcode"  # not the functions' own code methods: the table is the one place for spellings
    table: ClassVar[dict[str, str]] = {}
    numbers: ClassVar[dict[str, str]] = {}
    target: ClassVar[str]
    # A maximum that passes NaN on, from whichever side, which max and fmax do not.
    chosen: ClassVar[str]
    choices: ClassVar[tuple[str, str]] = (">", "<")

    def __init__(self) -> None:
        super().__init__({"strict": True, "allow_unknown_functions": False})

    def _print(self, expr: Any, **kwargs: Any) -> Any:
        name = type(expr).__name__
        if name in self.table:
            return self.table[name].format(*(self._print(a) for a in expr.args))
        if name in self.numbers:
            return self._module_format(self.numbers[name])
        return super()._print(expr, **kwargs)

    def _print_Integer(self, expr: sp.Integer) -> str:
        return str(expr.p) if abs(expr.p) <= 2**53 else repr(float(expr.p))

    def doprint(self, expr: Any, assign_to: Any = None) -> Any:
        """Print an expression; `UnsupportedExpressionError` for what the target has not."""
        try:
            return super().doprint(expr, assign_to)
        except PrintMethodNotImplementedError:
            raise unsupported(expr, self.target) from None

    def _print_not_supported(self, expr: Any) -> Any:
        raise unsupported(expr, self.target)

    def _chosen(self, node: sp.Expr, choice: str) -> str:
        first, *rest = (self._print(a) for a in node.args)
        for other in rest:
            first = self.chosen.format(a=first, b=other, by=choice)
        return first

    def _print_Max(self, node: sp.Max) -> str:
        return self._chosen(node, self.choices[0])

    def _print_Min(self, node: sp.Min) -> str:
        return self._chosen(node, self.choices[1])


def unsupported(node: sp.Basic, target: str) -> UnsupportedExpressionError:
    """The error for what a target has not."""
    return UnsupportedExpressionError(
        f"expression must be built from +, *, powers and functions that {target} has, "
        f"got {type(node).__name__} in {node}"
    )


class PythonPrinter(_Printer, PythonCodePrinter):
    """Floats in Python, by `math`; numba reads the same."""

    target = "Python's math"
    table: ClassVar = {
        "Phi": "(0.5*math.erfc(-0.7071067811865476*({0})))",
        "NormalDensity": "(0.3989422804014327*math.exp(-0.5*({0})**2))",
        "expm1": "math.expm1({0})",
    }
    chosen = "({a} if {a} {by} {b} or {a} != {a} else {b})"


class CPrinter(_Printer, C99CodePrinter):
    """C99."""

    target = "C"
    table: ClassVar = {
        "Phi": "(0.5*erfc(-0.70710678118654757*({0})))",
        "NormalDensity": "(0.39894228040143268*exp(-0.5*({0})*({0})))",
        "expm1": "expm1({0})",
    }
    chosen = "({a} {by} {b} || {a} != {a} ? {a} : {b})"


class NumPyPrinter(_Printer, SciPyPrinter):
    """Arrays, by NumPy and SciPy; functions of `derive.expressions.accurate` that neither has keep its names."""

    target = "NumPy or SciPy"
    table: ClassVar = {
        "Phi": "scipy.special.ndtr({0})",
        "NormalDensity": "(0.3989422804014327*numpy.exp(-0.5*({0})**2))",
        "OwensT": "scipy.special.owens_t({0}, {1})",
        "Expm1": "numpy.expm1({0})",
        "expm1": "numpy.expm1({0})",
        "Tanh": "numpy.tanh({0})",
        "Cdf": "scipy.special.ndtr({0})",
        "Logistic": "_logistic({0})",
        "Softplus": "_softplus({0})",
        "Root": "_root({0}, {1})",
        "PlusRoot": "_plus_root({0}, {1})",
    }
    numbers: ClassVar = {"Pi": "numpy.pi", "Exp1": "numpy.e"}
    chosen, choices = "numpy.{by}({a}, {b})", ("maximum", "minimum")


PYTHON, C, NUMPY = PythonPrinter(), CPrinter(), NumPyPrinter()


# ---- whole functions


def compiled(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """Execute generated source (printed from SymPy trees by this package) and return what it calls `name`."""
    exec(compile(source, "<varprop kernel>", "exec"), namespace)
    return namespace[name]


def indented(lines: Iterable[str], by: int = 4) -> str:
    """Lines as a block of code."""
    return "\n".join(" " * by + line for line in lines)


def python_lines(program: Program) -> list[str]:
    """`name = expression` lines of floats, outputs included under their own names."""
    return [f"{line.target.name} = {PYTHON.doprint(line.value)}" for line in program.assignments]


def point_source(program: Program, name: str = "point") -> str:
    """A function of floats that returns a tuple of floats."""
    arguments = ", ".join(symbol.name for symbol in program.arguments)
    outputs = "".join(f"{symbol.name}, " for symbol in program.outputs)
    return f"def {name}({arguments}):\n{indented(python_lines(program))}\n    return ({outputs})\n"


def _inside(program: Program, printer: _Printer) -> str:
    # Bitwise operators: a branch would keep a compiler from vectorising the loop.
    parts = []
    for limit in program.domain:
        value = printer.doprint(limit.value) if limit.value.is_Symbol else f"({printer.doprint(limit.value)})"
        ends = ((">=", limit.low), ("<=", limit.high))
        parts += [f"({value} {sign} {end!r})" for sign, end in ends if math.isfinite(end)]
    return " & ".join(parts)


def loop_source(program: Program, numbers: int = 0) -> str:
    """`loop` for numba over one-dimensional arrays, inputs then outputs; it returns whether an input is outside.

    The last ``numbers`` arguments are no arrays.
    """
    outs = [f"out{n}" for n in range(len(program.outputs))]
    arrays = program.arguments[: len(program.arguments) - numbers]
    fixed = program.arguments[len(arrays) :]
    parameters = ", ".join([*(f"{x.name}_array" for x in arrays), *(x.name for x in fixed), *outs])
    body = [
        *(f"{x.name} = {x.name}_array[i]" for x in arrays),
        *([f"inside &= {_inside(program, PYTHON)}"] if program.domain else []),
        *python_lines(program),
        *(f"{out}[i] = {symbol.name}" for out, symbol in zip(outs, program.outputs, strict=True)),
    ]
    loop = f"    for i in range({outs[0]}.size):\n{indented(body, 8)}\n"
    return f"def loop({parameters}):\n    inside = True\n{loop}    return not inside\n"


def c_lines(program: Program) -> list[str]:
    """`const double name = expression;` lines."""
    return [f"const double {line.target.name} = {C.doprint(line.value)};" for line in program.assignments]


def c_constants(program: Program) -> list[str]:
    """`static const double NAME = value;` lines."""
    return [f"static const double {s.name} = {value!r} /* {value.hex()} */;" for s, value in program.constants]


def c_source(program: Program, name: str) -> str:
    """A C function that loops over arrays and returns how many points were outside the domain (their results: NaN)."""
    inputs, outputs = [x.name for x in program.arguments], [x.name for x in program.outputs]
    used = {s for line in program.assignments for s in line.value.free_symbols}
    used |= {s for r in program.domain for s in r.value.free_symbols} | set(program.outputs)
    parameters = [f"const double *restrict {x}_array" for x in inputs]
    parameters += [f"double *restrict {x}_array" for x in outputs]
    inside = _inside(program, C)
    results = [f"{x}_array[i] = {f'inside ? {x} : NAN' if inside else x};" for x in outputs]
    body = [
        *(f"const double {x.name} = {x.name}_array[i];" for x in program.arguments if x in used),
        *(f"(void){x.name}_array;" for x in program.arguments if x not in used),
        *c_lines(program),
        *([f"const int inside = {inside};", "outside += (size_t)!inside;"] if inside else []),
        *results,
    ]
    return (
        f"size_t {name}(size_t count, {', '.join(parameters)})\n{{\n    size_t outside = 0;\n"
        f"    for (size_t i = 0; i < count; i++) {{\n{indented(body, 8)}\n    }}\n    return outside;\n}}\n"
    )


def array_source(name: str, arguments: Sequence[str], expression: sp.Expr) -> str:
    """A function of NumPy arrays, with common subexpressions computed once."""
    shared, (result,) = sp.cse([expression], symbols=sp.numbered_symbols("u"), order="canonical")
    lines = [f"{symbol} = {NUMPY.doprint(value)}" for symbol, value in shared]
    body = indented([*lines, f"return {NUMPY.doprint(result)}"])
    return f"def {name}({', '.join(arguments)}):\n{body}\n"


def helper_functions(source: str) -> str:
    """The definitions of the functions of `derive.expressions.accurate` that a source calls by its names for them."""
    own = ("_logistic", "_softplus", "_root", "_plus_root")
    needed = [name for name in own if f"{name}(" in source or (name == "_root" and "_plus_root(" in source)]
    return "\n\n".join(inspect.getsource(NAMES[name]) for name in needed)


def limits_source(program: Program, arguments: Sequence[str], name: str = "LIMITS") -> str:
    """The domain of a program, as a tuple of `numerics.programs._runtime.Limit`."""
    shown = dict(zip(program.arguments, map(sp.Symbol, arguments), strict=True))
    parameters = ", ".join(symbol.name for symbol in program.arguments)
    lines = []
    for limit in program.domain:
        title = str(limit.value.xreplace(shown)).replace("**", "^")
        high = repr(limit.high) if math.isfinite(limit.high) else "numpy.inf"
        of = f"lambda {parameters}: {NUMPY.doprint(limit.value)}"
        if limit.value in program.arguments:
            of = str(program.arguments.index(limit.value))
        why = f", {limit.why!r}" if limit.why else ""
        lines.append(f"Limit({title!r}, {limit.low!r}, {high}, {of}{why}),")
    return f"{name} = (\n{indented(lines)}\n)\n"
