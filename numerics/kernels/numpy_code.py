"""Program -> source of a NumPy function that works on one block, in place.

Every operation is one ufunc call that writes into one of a few scratch registers; a register is reused as
soon as its value has been read for the last time, so the working set stays in cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.numpy import SciPyPrinter

from derive.gaussian.functions import NormalDensity, OwensT, Phi
from numerics.kernels.program import Program

BLOCK_NAME = "block"


class UnsupportedExpressionError(ValueError):
    """An expression holds a function for which no NumPy or SciPy ufunc exists."""


@dataclass
class _Call:
    """One ufunc call; operands are names of arguments, constants or values."""

    ufunc: str
    operands: list[str]
    result: str


@dataclass
class _Lowering:
    """Breaks expressions into ufunc calls, left to right, in the order in which the program states them."""

    program: Program
    calls: list[_Call] = field(default_factory=list)
    literals: dict[str, float] = field(default_factory=dict)
    _values: dict[sp.Symbol, str] = field(default_factory=dict)

    def run(self) -> list[str]:
        """Lower every assignment; the names of the values of the outputs."""
        for symbol in (*self.program.arguments, *self.program.constant_values):
            self._values[symbol] = symbol.name
        for line in self.program.assignments:
            self._values[line.target] = self._lower(line.value)
        return [self._values[symbol] for symbol in self.program.outputs]

    def _call(self, ufunc: str, *operands: str) -> str:
        result = f"%{len(self.calls)}"
        self.calls.append(_Call(ufunc, list(operands), result))
        return result

    def _literal(self, value: float) -> str:
        name = "k_" + re.sub(r"\W", "_", repr(value).replace("-", "m"))  # one name a value, in every program
        self.literals[name] = value
        return name

    def _lower(self, node: sp.Expr) -> str:
        if node in self._values:
            return self._values[node]
        if node.is_number:
            return self._literal(float(node.evalf(25)))
        if isinstance(node, sp.Add):
            return self._lower_sum(node)
        if isinstance(node, sp.Mul):
            return self._lower_product(node)
        if isinstance(node, sp.Pow):
            return self._lower_power(node)
        if isinstance(node, (sp.Max, sp.Min)):
            ufunc = "numpy.maximum" if isinstance(node, sp.Max) else "numpy.minimum"
            return self._fold(ufunc, [self._lower(arg) for arg in node.args])
        if isinstance(node, NormalDensity):
            return self._lower(node.rewrite(sp.exp))
        return self._call(_ufunc_of(node), *(self._lower(arg) for arg in node.args))

    def _fold(self, ufunc: str, operands: list[str]) -> str:
        result = operands[0]
        for operand in operands[1:]:
            result = self._call(ufunc, result, operand)
        return result

    def _lower_sum(self, node: sp.Add) -> str:
        positive = [t for t in node.args if not t.could_extract_minus_sign()]
        negative = [-t for t in node.args if t.could_extract_minus_sign()]
        if not positive:
            return self._call("numpy.negative", self._lower(sp.Add(*negative)))
        total = self._fold("numpy.add", [self._lower(term) for term in positive])
        for term in negative:
            total = self._call("numpy.subtract", total, self._lower(term))
        return total

    def _lower_product(self, node: sp.Mul) -> str:
        above = [f for f in node.args if not _is_reciprocal(f)]
        below = [1 / f for f in node.args if _is_reciprocal(f)]
        negate = sp.Integer(-1) in above
        factors = [self._lower(f) for f in above if f != -1]
        product = self._fold("numpy.multiply", factors) if factors else self._literal(1.0)
        if below:
            product = self._call("numpy.divide", product, self._lower(sp.Mul(*below)))
        return self._call("numpy.negative", product) if negate else product

    def _lower_power(self, node: sp.Pow) -> str:
        base, exponent = node.args
        if exponent == sp.Rational(1, 2):
            return self._call("numpy.sqrt", self._lower(base))
        if exponent == 2:
            return self._call("numpy.square", self._lower(base))
        if _is_reciprocal(node):
            return self._call("numpy.divide", self._literal(1.0), self._lower(1 / node))
        if exponent.is_Integer and exponent <= 8:
            value = self._lower(base)
            half = self._lower(base ** (exponent // 2))
            square = self._call("numpy.square", half)
            return square if exponent % 2 == 0 else self._call("numpy.multiply", square, value)
        if base == sp.E:
            return self._call("numpy.exp", self._lower(exponent))
        return self._call("numpy.power", self._lower(base), self._lower(exponent))


def _is_reciprocal(node: sp.Expr) -> bool:
    return isinstance(node, sp.Pow) and node.exp.is_Rational and node.exp.is_negative and not node.is_number


_SCIPY: dict[type[sp.Expr], str] = {Phi: "scipy.special.ndtr", OwensT: "scipy.special.owens_t"}
"""Ours that SciPy has under a name of its own; the printers would write Phi as (1 + erf)/2, which cancels."""


def _ufunc_of(node: sp.Expr) -> str:
    """The name of the ufunc that SymPy's printers use for a function: atan -> numpy.arctan."""
    for function, name in _SCIPY.items():
        if isinstance(node, function):
            return name
    if isinstance(node, sp.Function):
        dummies = sp.symbols(f"x:{len(node.args)}")
        printer = SciPyPrinter({"fully_qualified_modules": True, "strict": False})
        match = re.fullmatch(r"([\w.]+)\(([^()]*)\)", printer.doprint(node.func(*dummies)))
        name = match[1] if match else ""
        if name == "abs":
            return "numpy.absolute"
        if name.startswith(("numpy.", "scipy.special.")):
            return name
    raise UnsupportedExpressionError(
        f"expression must be built from +, *, powers and functions that NumPy or SciPy have, "
        f"got {type(node).__name__} in {node}"
    )


@dataclass(frozen=True)
class NumpyCode:
    """Source of `block(inputs..., outputs..., registers...)`, and what it needs in its namespace."""

    source: str
    registers: int
    constants: dict[str, float]
    literals: dict[str, float]
    ufuncs: dict[str, str]

    def compile(self) -> Callable[..., None]:
        """Execute the source. It was printed from a SymPy tree by this module; no text of a user is in it."""
        namespace: dict[str, Any] = {}
        for local, qualified in self.ufuncs.items():
            module, _, name = qualified.rpartition(".")
            namespace[local] = getattr(_module(module), name)
        # 0-d arrays: a ufunc takes them without converting a Python float on each call.
        numbers = self.constants | self.literals
        namespace |= {name: np.array(value) for name, value in numbers.items()}
        exec(compile(self.source, "<varprop kernel>", "exec"), namespace)
        function: Callable[..., None] = namespace[BLOCK_NAME]
        return function


def _module(name: str) -> Any:
    if name == "numpy":
        return np
    from scipy import special  # only kernels with special functions pay for the import

    return special


def numpy_code(program: Program) -> NumpyCode:
    """Generate the block function of a program."""
    lowering = _Lowering(program)
    results = lowering.run()
    inputs = [symbol.name for symbol in program.arguments]
    outs = [f"out{i}" for i in range(len(results))]
    last_read = {name: i for i, call in enumerate(lowering.calls) for name in call.operands}
    # The first call that makes an output's value writes it straight into the output.
    home = {value: out for value, out in reversed(list(zip(results, outs, strict=True))) if value.startswith("%")}
    free: list[str] = []
    place: dict[str, str] = {}
    registers = 0
    lines: list[str] = []
    ufuncs: dict[str, str] = {}
    for i, call in enumerate(lowering.calls):
        operands = [place.get(name, name) for name in call.operands]
        dying = [name for name in dict.fromkeys(call.operands) if last_read[name] == i]
        free += [place[name] for name in dying if place.get(name, "").startswith("w")]
        if call.result in home:
            target = home[call.result]
        elif free:
            target = free.pop()
        else:
            target, registers = f"w{registers}", registers + 1
        place[call.result] = target
        local = call.ufunc.rpartition(".")[2]
        ufuncs[local] = call.ufunc
        lines.append(f"{local}({', '.join(operands)}, out={target})")
    for value, out in zip(results, outs, strict=True):
        if home.get(value) != out:
            ufuncs["positive"] = "numpy.positive"
            lines.append(f"positive({place.get(value, value)}, out={out})")
    scratch = [f"w{i}" for i in range(registers)]
    header = f"def {BLOCK_NAME}({', '.join([*inputs, *outs, *scratch])}):"
    source = "\n    ".join([header, *lines]) + "\n"
    constants = {symbol.name: value for symbol, value in program.constants}
    return NumpyCode(source, registers, constants, lowering.literals, ufuncs)
