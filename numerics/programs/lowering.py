"""Program -> source of a NumPy function that works on one block, in place.

Every operation is one ufunc call that writes into one of a few scratch registers, or into an output that is not needed
yet; a place is used again as soon as its value has been read for the last time, so the working set stays in cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from derive.gaussian.functions import NormalDensity
from numerics.programs.printers import NUMPY, UnsupportedExpressionError, compiled, unsupported
from numerics.programs.straight_line import Program


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
        for symbol in (*self.program.arguments, *(name for name, _ in self.program.constants)):
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
        name = str(node.func) if isinstance(node, AppliedUndef) and self.program.helpers else _ufunc_of(node)
        return self._call(name, *(self._lower(arg) for arg in node.args))

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


def _ufunc_of(node: sp.Expr) -> str:
    """The name of the ufunc that the printer uses for a function: atan -> numpy.arctan."""
    try:
        printed = NUMPY.doprint(node.func(*sp.symbols(f"x:{len(node.args)}"))) if isinstance(node, sp.Function) else ""
    except UnsupportedExpressionError:
        printed = ""
    match = re.fullmatch(r"((?:numpy|scipy\.special)\.\w+|abs)\([^()]*\)", printed)
    if match is None:
        raise unsupported(node, NUMPY.target)
    return "numpy.absolute" if match[1] == "abs" else match[1]


@dataclass(frozen=True)
class BlockCode:
    """Source of `block(inputs..., outputs..., registers...)`, and what it needs in its namespace.

    ``ufuncs`` are qualified names by local ones.
    """

    source: str
    registers: int
    constants: dict[str, float]
    ufuncs: dict[str, str]

    def compile(self, helpers: dict[str, Any]) -> Callable[..., None]:
        """Execute the source. It was printed from a SymPy tree by this module; no text of a user is in it."""
        namespace = dict(helpers)
        for local, qualified in self.ufuncs.items():
            namespace[local] = getattr(_module(qualified.rpartition(".")[0]), local)
        # 0-d arrays: a ufunc takes them without converting a Python float on each call.
        namespace |= {name: np.array(value) for name, value in self.constants.items()}
        function: Callable[..., None] = compiled(self.source, BLOCK, namespace)
        return function


BLOCK = "block"


def _module(name: str) -> Any:
    if name == "numpy":
        return np
    from scipy import special  # only kernels with special functions pay for the import

    return special


def block_code(program: Program) -> BlockCode:
    """Generate the block function of a program."""
    lowering = _Lowering(program)
    results = lowering.run()
    inputs = [symbol.name for symbol in program.arguments]
    outs = [f"out{i}" for i in range(len(results))]
    # The first call that makes an output's value writes it straight into the output.
    home = {value: out for value, out in reversed(list(zip(results, outs, strict=True))) if value.startswith("%")}
    places = _places(lowering.calls, home)
    ufuncs: dict[str, str] = {}
    lines: list[str] = []
    for call in lowering.calls:
        operands = [places.get(name, name) for name in call.operands]
        target = places[call.result]
        if "." in call.ufunc:
            local = call.ufunc.rpartition(".")[2]
            ufuncs[local] = call.ufunc
            lines.append(f"{local}({', '.join(operands)}, out={target})")
        else:
            lines.append(f"{target}[...] = {call.ufunc}({', '.join(operands)})")
    for value, out in zip(results, outs, strict=True):
        if home.get(value) != out:
            ufuncs["positive"] = "numpy.positive"
            lines.append(f"positive({places.get(value, value)}, out={out})")
    scratch = sorted({place for place in places.values() if place.startswith("w")})
    header = f"def {BLOCK}({', '.join([*inputs, *outs, *scratch])}):"
    source = "\n    ".join([header, *lines]) + "\n"
    constants = {symbol.name: value for symbol, value in program.constants} | lowering.literals
    return BlockCode(source, len(scratch), constants, ufuncs)


def _places(calls: list[_Call], home: dict[str, str]) -> dict[str, str]:
    """Where each value is kept: outputs at home, others in an output that is still idle, or in a register."""
    last_read = {name: i for i, call in enumerate(calls) for name in call.operands}
    made = {home[call.result]: i for i, call in enumerate(calls) if call.result in home}
    free = list(made)
    places: dict[str, str] = {}
    registers = 0
    for i, call in enumerate(calls):
        free += [places[n] for n in dict.fromkeys(call.operands) if n in places and n not in home and last_read[n] == i]
        # A value may stay in an output until the very call that makes the output.
        idle = [place for place in free if made.get(place, len(calls)) >= last_read.get(call.result, i)]
        if call.result in home:
            place = home[call.result]
        elif idle:
            place = idle[-1]
        else:
            place, registers = f"w{registers}", registers + 1
        if place in free:
            free.remove(place)
        places[call.result] = place
    return places
