"""An activation's formulas and a rule's numbers as Python source that needs NumPy and SciPy alone."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from sympy import Symbol, cse, numbered_symbols
from sympy.printing.numpy import SciPyPrinter

from numerics import stable_forms
from numerics.activations import NEAR_ZERO, Formula

_PER_LINE = 4


class _Printer(SciPyPrinter):
    """Fully qualified NumPy and SciPy, with numbers from NumPy."""

    spelling: ClassVar[dict[str, str]] = {
        "_expm1": "numpy.expm1",
        "_tanh": "numpy.tanh",
        "_ndtr": "scipy.special.ndtr",
        "_log1p": "numpy.log1p",
        "_log_ndtr": "scipy.special.log_ndtr",
        "_erfcx": "scipy.special.erfcx",
    }
    """Functions of `numerics.stable_forms` that NumPy and SciPy have; `helpers` has the source of the others."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": True, "allow_unknown_functions": False})

    def _print_Pi(self, _: Any) -> str:
        return self._module_format("numpy.pi")

    def _print_Exp1(self, _: Any) -> str:
        return self._module_format("numpy.e")


def function_source(name: str, formula: Formula, symbol: Symbol) -> tuple[str, frozenset[str]]:
    """Return the source of a function of an array s, and the modules that it imports."""
    s = Symbol("s")
    shared, (result,) = cse(
        [stable_forms.in_floats(formula.expression.xreplace({symbol: s}))],
        symbols=numbered_symbols("u"),
        order="canonical",
    )
    printer = _Printer()
    lines = [f"{target} = {printer.doprint(value)}" for target, value in shared]
    lines.append(f"value = numpy.asarray({printer.doprint(result)}, dtype=float)")
    if formula.taylor is None:
        # A constant comes out as one number.
        lines.append("return numpy.broadcast_to(value, s.shape)")
    else:
        series = ", ".join(map(repr, formula.taylor[::-1]))
        lines.append("# The formula loses digits near 0; its Taylor polynomial does not.")
        lines.append(f"return numpy.where(numpy.abs(s) <= {NEAR_ZERO!r}, numpy.polyval([{series}], s), value)")
    body = "\n    ".join(lines)
    return f"def {name}(s):\n    {body}\n", frozenset({"numpy", *printer.module_imports})


def helpers(source: str) -> str:
    """Return the definitions of the functions of `numerics.stable_forms` that a source calls by its own names."""
    own = ("_logistic", "_softplus", "_root", "_plus_root")
    needed = [name for name in own if f"{name}(" in source]
    if "_plus_root" in needed and "_root" not in needed:
        needed.insert(0, "_root")
    return "\n\n".join(inspect.getsource(stable_forms.NAMES[name]) for name in needed)


def numbers_source(name: str, values: Any) -> str:
    """Return an assignment of a float64 array, exact: repr of a float round-trips."""
    array = np.asarray(values, dtype=float)
    flat = array.ravel().tolist()
    rows = [", ".join(map(repr, flat[k : k + _PER_LINE])) for k in range(0, len(flat), _PER_LINE)]
    shape = f".reshape{array.shape}" if array.ndim > 1 else ""
    if len(rows) <= 1:
        return f"{name} = numpy.array([{''.join(rows)}], dtype=float){shape}\n"
    listed = ",\n    ".join(rows)
    return f"{name} = numpy.array([\n    {listed},\n]){shape}\n"


def module_body(module: ModuleType) -> str:
    """Return a module's source without its docstring and imports."""
    source = inspect.getsource(module)
    first = next(node for node in ast.parse(source).body[1:] if not isinstance(node, ast.Import | ast.ImportFrom))
    return "\n".join(source.splitlines()[first.lineno - 1 :]).rstrip() + "\n"


def harmless(text: str) -> str:
    """Return text that can stand in any comment or docstring: no double quotes, no backslashes, one line."""
    kept = (c if c.isprintable() and c not in '"\\' else " " for c in text.replace("*/", "* /"))
    return " ".join("".join(kept).split())
