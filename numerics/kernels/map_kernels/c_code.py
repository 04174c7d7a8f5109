"""A closed form as a C99 file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import sympy as sp

from derive.errors import InputError
from derive.gaussian.functions import NormalDensity, Phi
from numerics.kernels.map_kernels.closed import special_functions
from numerics.kernels.program import Assignment, Program
from numerics.kernels.scalar_code import c_constant_lines, c_lines

if TYPE_CHECKING:
    from numerics.kernels.map_kernels.kernel import MapKernel

_ROOT_HALF = sp.Symbol("ROOT_HALF")


def c_module(kernel: MapKernel) -> str:
    """Return the text of the C file; raise `InputError` where there is no closed form in functions that C has."""
    program = kernel.program
    if program is None:
        raise InputError(
            f"C needs a closed form, and {kernel.name} of {kernel.activation} is computed by quadrature; export to .py"
        )
    missing = special_functions(program)
    if missing:
        raise InputError(
            f"C has no {', '.join(missing)}, which {kernel.name} of {kernel.activation} needs; export to .py"
        )
    program = _portable(program)
    inputs = [symbol.name for symbol in program.arguments]
    results = [symbol.name for symbol in program.outputs]
    used = {symbol for line in program.assignments for symbol in line.value.free_symbols}
    body = [
        *(f"const double {x} = {x}array[i];" for x, s in zip(inputs, program.arguments, strict=True) if s in used),
        *(f"(void){x}array;" for x, s in zip(inputs, program.arguments, strict=True) if s not in used),
        *c_lines(program),
        *(f"out{k}[i] = {result};" for k, result in enumerate(results)),
    ]
    loop = "\n".join(f"        {line}" for line in body)
    parameters = [f"const double *restrict {x}array" for x in inputs]
    parameters += [f"double *restrict out{k}" for k in range(len(results))]
    header = f"void {kernel.name}(size_t count, {', '.join(parameters)})"
    usage = (
        "Compile with `-O3 -fno-math-errno -ffp-contract=off`, never with -ffast-math. The accuracy is that of the\n"
        "NumPy kernel, but for the last digits of the C library's functions.\n"
    )
    return "\n".join(
        [
            f"/*\n{kernel.header()}\n{usage}*/",
            "#include <math.h>\n#include <stddef.h>\n",
            *c_constant_lines(program),
            "",
            f"{header}\n{{\n    for (size_t i = 0; i < count; i++) {{\n{loop}\n    }}\n}}\n",
        ]
    )


def _portable(program: Program) -> Program:
    """Return the program in what C99 has: irrational numbers among the constants, and Phi by erfc.

    C names no numbers, and printers write Phi as (1 + erf)/2, which cancels.
    """
    written = [line.value.replace(NormalDensity, _density) for line in program.assignments]
    irrational = {
        e
        for value in written
        for e in value.atoms(sp.NumberSymbol, sp.Pow)
        if e.is_number and not e.is_Rational and e is not sp.E
    }
    names = {e: sp.Symbol(f"NUMBER_{k}") for k, e in enumerate(sorted(irrational, key=sp.default_sort_key))}
    # Phi last: SymPy would turn erfc(-x) into 2 - erfc(x) in any later change.
    values = [value.xreplace(names).replace(Phi, _by_erfc) for value in written]
    used = {symbol for value in values for symbol in value.free_symbols}
    numbers = {name: float(e.evalf(25)) for e, name in names.items()} | {_ROOT_HALF: math.sqrt(0.5)}
    constants = tuple((symbol, value) for symbol, value in numbers.items() if symbol in used)
    lines = tuple(Assignment(line.target, value) for line, value in zip(program.assignments, values, strict=True))
    return Program(program.arguments, (*program.constants, *constants), lines, program.outputs)


def _density(u: sp.Expr) -> sp.Expr:
    return NormalDensity(u).rewrite(sp.exp)


def _by_erfc(u: sp.Expr) -> sp.Expr:
    return sp.Mul(sp.S.Half, sp.erfc(-u * _ROOT_HALF, evaluate=False), evaluate=False)
