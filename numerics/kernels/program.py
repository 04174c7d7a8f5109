"""A kernel as straight-line code: assignments of SymPy expressions, in the order in which they are computed.

A `Program` is all that the code generators see. Each assignment holds symbols and at most one constant fold,
so that SymPy cannot reorder the floating-point operations that an accuracy claim rests on.
"""

from __future__ import annotations

import hashlib
import keyword
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sympy as sp

from numerics.stable_forms import in_floats


@dataclass(frozen=True)
class Assignment:
    """`target = value`: one SymPy expression in arguments, constants and earlier targets."""

    target: sp.Symbol
    value: sp.Expr


@dataclass(frozen=True)
class Program:
    """Arguments, named float64 constants, assignments in order, and the symbols that are the outputs."""

    arguments: tuple[sp.Symbol, ...]
    constants: tuple[tuple[sp.Symbol, float], ...]
    assignments: tuple[Assignment, ...]
    outputs: tuple[sp.Symbol, ...]

    @property
    def constant_values(self) -> dict[sp.Symbol, float]:
        """The constants by symbol."""
        return dict(self.constants)

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the SHA-256 of the program: its operations and the bits of its constants."""
        lines = [
            "arguments " + " ".join(map(str, self.arguments)),
            *(f"{name} = {value.hex()}" for name, value in self.constants),
            *(f"{line.target} = {line.value}" for line in self.assignments),
            "outputs " + " ".join(map(str, self.outputs)),
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def with_constant(self, name: str, value: float) -> Program:
        """The same program with one constant changed (for testing that a certificate notices)."""
        if name not in {str(symbol) for symbol, _ in self.constants}:
            known = ", ".join(str(symbol) for symbol, _ in self.constants)
            raise KeyError(f"no constant is named {name!r}; there are {known}")
        constants = tuple((symbol, value if str(symbol) == name else old) for symbol, old in self.constants)
        return Program(self.arguments, constants, self.assignments, self.outputs)


@dataclass
class Builder:
    """Writes a program line by line."""

    arguments: tuple[sp.Symbol, ...]
    _constants: dict[sp.Symbol, float] = field(default_factory=dict)
    _assignments: list[Assignment] = field(default_factory=list)

    def constant(self, name: str, value: float) -> sp.Symbol:
        """A named float64 constant."""
        symbol = sp.Symbol(name)
        self._constants[symbol] = float(value)
        return symbol

    def let(self, name: str, value: sp.Expr) -> sp.Symbol:
        """Append `name = value` and return the symbol `name`."""
        target = sp.Symbol(name)
        self._assignments.append(Assignment(target, value))
        return target

    def program(self, *outputs: sp.Symbol) -> Program:
        """The finished program; lines that no output needs are left out."""
        needed = set(outputs)
        kept = []
        for line in reversed(self._assignments):
            if line.target in needed:
                needed |= line.value.free_symbols
                kept.append(line)
        constants = tuple((symbol, value) for symbol, value in self._constants.items() if symbol in needed)
        return Program(self.arguments, constants, tuple(reversed(kept)), outputs)


def identifier(symbol: sp.Basic) -> str:
    """A Python (and C) name for a symbol: `sigma_w^2` becomes `sigma_w_2`."""
    name = str(symbol)
    if not (name.isascii() and name.isidentifier()):
        name = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "x"
    if name[0].isdigit():
        name = "x" + name
    return name + "_" if keyword.iskeyword(name) else name


def from_expressions(expressions: Sequence[sp.Expr], arguments: Iterable[sp.Basic]) -> Program:
    """Common subexpressions first, then the outputs; the argument x is called `x_` in the program.

    An argument may be any SymPy object that occurs in the expressions as a whole (a symbol, or an indexed
    quantity such as n[i]); each gets a plain symbol of its own.

    Raises ValueError when the expressions hold a symbol that is not among the arguments.
    """
    arguments = tuple(arguments)
    names: dict[str, sp.Basic] = {}
    for argument in arguments:
        name = identifier(argument)
        if name in names:
            raise ValueError(f"arguments {names[name]} and {argument} would both be called {name!r}")
        names[name] = argument
    # Fresh symbols without assumptions, on which code generation must not depend. The underscore keeps
    # them apart from the names of functions, registers and literals in generated code.
    renaming = {argument: sp.Symbol(identifier(argument) + "_") for argument in arguments}
    renamed = [in_floats(expression.xreplace(renaming)) for expression in expressions]
    allowed = set(renaming.values())
    unknown = sorted({str(s) for e in renamed for s in e.free_symbols - allowed - renaming.keys()})
    if unknown:
        raise ValueError(
            f"expression must depend on its arguments ({', '.join(names)}) alone, got also {', '.join(unknown)}"
        )
    temporaries = (s for s in sp.numbered_symbols("t_") if s not in allowed)
    shared, reduced = sp.cse(renamed, symbols=temporaries, order="canonical")
    builder = Builder(tuple(renaming.values()))
    for symbol, value in shared:
        builder.let(symbol.name, value)
    outputs = [builder.let(f"result_{i}", value) for i, value in enumerate(reduced)]
    return builder.program(*outputs)
