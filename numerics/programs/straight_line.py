"""A kernel as straight-line code: assignments of SymPy expressions, in the order in which they are computed.

A `Program` is all that the printers see. Each assignment is one SymPy expression in arguments, constants and earlier
targets. A program may call functions of arrays, such as a quadrature rule, whose Python source it then carries.
"""

from __future__ import annotations

import hashlib
import keyword
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from derive.expressions.stable import in_floats


@dataclass(frozen=True)
class Assignment:
    """`target = value`: one SymPy expression in arguments, constants and earlier targets."""

    target: sp.Symbol
    value: sp.Expr


@dataclass(frozen=True)
class Range:
    """An expression in a program's arguments that must lie in [low, high]; NaN passes. ``why`` ends its error."""

    value: sp.Expr
    low: float
    high: float
    why: str = ""


@dataclass(frozen=True)
class Program:
    """Arguments, named float64 constants, assignments in order, the symbols that are the outputs, and the domain.

    ``helpers`` is the source of the functions of arrays that assignments call (as SymPy's undefined functions).
    """

    arguments: tuple[sp.Symbol, ...]
    constants: tuple[tuple[sp.Symbol, float], ...]
    assignments: tuple[Assignment, ...]
    outputs: tuple[sp.Symbol, ...]
    domain: tuple[Range, ...] = ()
    helpers: str = ""

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the SHA-256 of the program: its operations and the bits of its constants."""
        lines = [
            "arguments " + " ".join(map(str, self.arguments)),
            *(f"{name} = {value.hex()}" for name, value in self.constants),
            *(f"{line.target} = {line.value}" for line in self.assignments),
            *(f"{limit.low} <= {limit.value} <= {limit.high}" for limit in self.domain),
            "outputs " + " ".join(map(str, self.outputs)),
            self.helpers,
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def with_constant(self, name: str, value: float) -> Program:
        """The same program with one constant changed (for testing that a certificate notices)."""
        if name not in {str(symbol) for symbol, _ in self.constants}:
            known = ", ".join(str(symbol) for symbol, _ in self.constants)
            raise KeyError(f"no constant is named {name!r}; there are {known}")
        changed = tuple((symbol, value if str(symbol) == name else old) for symbol, old in self.constants)
        return replace(self, constants=changed)


def split(program: Program, fixed: Sequence[sp.Symbol]) -> tuple[Program, Program]:
    """What hangs on fixed arguments alone, and the rest, which takes what it needs of that after its own arguments."""
    constants = {symbol for symbol, _ in program.constants}
    known = constants | set(fixed)
    first: list[Assignment] = []
    rest: list[Assignment] = []
    for line in program.assignments:
        alone = line.value.free_symbols <= known
        (first if alone else rest).append(line)
        known |= {line.target} if alone else set()
    needed = set(program.outputs).union(*(line.value.free_symbols for line in rest))
    kept = tuple(sorted(needed & known - constants, key=str))
    own = tuple(a for a in program.arguments if a not in fixed)
    return (
        Program(tuple(fixed), program.constants, tuple(first), kept),
        Program((*own, *kept), program.constants, tuple(rest), program.outputs),
    )


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

    def include(self, program: Program) -> None:
        """Append another program's lines; its arguments must be this one's, or lines before."""
        self._constants |= dict(program.constants)
        self._assignments += program.assignments

    def expressions(self, expressions: Sequence[sp.Expr], stem: str = "result") -> list[sp.Symbol]:
        """Append common subexpressions, then the expressions; numbers that are not rational become constants."""
        taken = {*self.arguments, *self._constants, *(line.target for line in self._assignments)}
        fresh = (s for s in sp.numbered_symbols("t_") if s not in taken)
        shared, reduced = sp.cse([self.folded(e) for e in expressions], symbols=fresh, order="canonical")
        for symbol, value in shared:
            self.let(symbol.name, value)
        return [self.let(f"{stem}_{n}", value) for n, value in enumerate(reduced)]

    def folded(self, node: sp.Expr) -> sp.Expr:
        """The same with numbers that are not rational as constants."""
        if node.is_number and isinstance(node, sp.Expr) and not node.is_Rational:
            return self._number(node)
        if not node.args or isinstance(node, sp.Piecewise):
            return node
        args = list(node.args)
        numbers = [a for a in args if a.is_number]
        if isinstance(node, sp.Add | sp.Mul) and len(numbers) > 1:
            args = [node.func(*numbers), *(a for a in args if not a.is_number)]
        return node.func(*map(self.folded, args))

    def _number(self, number: sp.Expr) -> sp.Symbol:
        value = float(number.evalf(25))
        known = [symbol for symbol, other in self._constants.items() if other == value]
        return known[0] if known else self.constant(f"NUMBER_{len(self._constants)}", value)

    def program(self, *outputs: sp.Symbol, domain: Sequence[Range] = (), helpers: str = "") -> Program:
        """The finished program; lines that no output needs are left out."""
        needed = set(outputs)
        kept = []
        for line in reversed(self._assignments):
            if line.target in needed:
                needed |= line.value.free_symbols
                kept.append(line)
        constants = tuple((symbol, value) for symbol, value in self._constants.items() if symbol in needed)
        return Program(self.arguments, constants, tuple(reversed(kept)), outputs, tuple(domain), helpers)


def identifier(symbol: sp.Basic) -> str:
    """A Python (and C) name for a symbol: `sigma_w^2` becomes `sigma_w_2`."""
    name = str(symbol)
    if not (name.isascii() and name.isidentifier()):
        name = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "x"
    if name[0].isdigit():
        name = "x" + name
    return name + "_" if keyword.iskeyword(name) else name


def plain(argument: sp.Basic) -> sp.Symbol:
    """The symbol that stands for an argument in a program.

    Without assumptions, on which code must not depend; its underscore keeps it apart from the names of functions,
    registers and literals in generated code.
    """
    return sp.Symbol(identifier(argument) + "_")


def renaming(arguments: Iterable[sp.Basic]) -> dict[sp.Basic, sp.Symbol]:
    """Plain symbols for arguments; ValueError where two would have one name."""
    names: dict[str, sp.Basic] = {}
    for argument in arguments:
        name = identifier(argument)
        if name in names:
            raise ValueError(f"arguments {names[name]} and {argument} would both be called {name!r}")
        names[name] = argument
    return {argument: plain(argument) for argument in names.values()}


def from_expressions(
    expressions: Sequence[sp.Expr], arguments: Iterable[sp.Basic], domain: Sequence[Range] = ()
) -> Program:
    """Common subexpressions first, then the outputs; the argument x is called `x_` in the program.

    An argument may be any SymPy object that occurs in the expressions as a whole (a symbol, or an indexed
    quantity such as n[i]); each gets a plain symbol of its own, in which the domain is stated.

    Raises ValueError when the expressions hold a symbol that is not among the arguments.
    """
    names = renaming(arguments)
    renamed = [in_floats(expression.xreplace(names)) for expression in expressions]
    unknown = sorted({str(s) for e in renamed for s in e.free_symbols - {*names.values()} - names.keys()})
    if unknown:
        listed = ", ".join(identifier(argument) for argument in names)
        raise ValueError(f"expression must depend on its arguments ({listed}) alone, got also {', '.join(unknown)}")
    builder = Builder(tuple(names.values()))
    return builder.program(*builder.expressions(renamed), domain=domain)
