"""A closed form as a C99 file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.errors import InputError
from numerics.kernels.map_kernels.closed import special_functions
from numerics.kernels.scalar_code import c_constant_lines, c_lines

if TYPE_CHECKING:
    from numerics.kernels.map_kernels.kernel import MapKernel


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
    usage = "Compile with `-O3 -fno-math-errno -ffp-contract=off`, never with -ffast-math.\n"
    return "\n".join(
        [
            f"/*\n{kernel.header()}\n{usage}*/",
            "#include <math.h>\n#include <stddef.h>\n",
            *c_constant_lines(program),
            "",
            f"{header}\n{{\n    for (size_t i = 0; i < count; i++) {{\n{loop}\n    }}\n}}\n",
        ]
    )
