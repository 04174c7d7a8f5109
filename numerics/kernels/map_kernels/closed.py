"""A closed form as straight-line code, and the module that holds it."""

from __future__ import annotations

import ast
import inspect

import sympy as sp

from derive.gaussian.functions import BivariateNormalCDF, OwensT
from derive.maps import Maps
from numerics.kernels import _runtime
from numerics.kernels.map_kernels import _limits
from numerics.kernels.map_kernels.arguments import ARGUMENTS, STEP
from numerics.kernels.map_kernels.code import module_body
from numerics.kernels.numpy_code import BLOCK_NAME, NumpyCode, UnsupportedExpressionError
from numerics.kernels.program import Builder, Program, from_expressions
from numerics.kernels.sample_programs import Parameters, step_program
from numerics.kernels.scalar_code import constant_lines


def closed_program(maps: Maps, name: str) -> Program:
    """Return the program of a map's derived closed form; its arguments are those of `ARGUMENTS`, with ``_`` appended.

    Raises `NoClosedForm`, and `UnsupportedExpressionError` where NumPy and SciPy lack a function of it.
    """
    expression = _guarded(getattr(maps, name).result)
    if expression.has(BivariateNormalCDF):
        raise UnsupportedExpressionError(
            "the derived form holds the bivariate normal distribution function, which SciPy has not for arrays"
        )
    by_name = {symbol.name: symbol for symbol in expression.free_symbols}
    arguments = [by_name.get(argument, sp.Symbol(argument)) for argument in ARGUMENTS[name]]
    return from_expressions([expression], arguments)


def _guarded(e: sp.Expr) -> sp.Expr:
    """Keep what rounding would push out of an inverse sine's or a root's domain, at correlation 1, at its end."""
    e = e.replace(sp.asin, lambda u: sp.asin(sp.Max(-1, sp.Min(1, u))))
    return e.replace(
        lambda p: isinstance(p, sp.Pow) and p.exp == sp.S.Half and p.base.is_Add and not p.base.is_positive,
        lambda p: sp.sqrt(sp.Max(0, p.base)),
    )


def step_map_program(name: str, slope: float) -> Program:
    """Return a map over samples of (leaky) ReLU, or the step, from the certified step, which does not cancel."""
    step = step_program(Parameters(slope, 1.0, 0.0))
    arguments = tuple(sp.Symbol(f"{argument}_") for argument in ARGUMENTS[name])
    build = Builder(arguments)
    for symbol, value in step.constants:
        build.constant(symbol.name, value)
    for target, argument in zip(step.arguments, arguments[:2], strict=True):
        build.let(target.name, argument if name == STEP else argument**2)
    for line in step.assignments:
        build.let(line.target.name, line.value)
    m2_next, v2_next = step.outputs
    if name == "K":
        return build.program(build.let("result_0", m2_next))
    scaled = build.let("v2_scaled", arguments[2] * v2_next)
    if name == "sample_variance_map":
        return build.program(scaled)
    common = build.let("m2_scaled", arguments[2] * m2_next)
    shifted = build.let("m2_biased", common + arguments[3])
    return build.program(shifted) if name == "mean_square_map" else build.program(shifted, scaled)


def block_source(name: str, code: NumpyCode) -> str:
    """Return the block function alone, under the map's name."""
    return code.source.replace(f"def {BLOCK_NAME}(", f"def {name}_block(", 1)


def closed_source(name: str, program: Program, code: NumpyCode) -> str:
    """Return the source of a module that evaluates the program on arrays, with NumPy (and SciPy) alone."""
    runtime = inspect.getsource(_runtime)
    runtime = "\n".join(runtime.splitlines()[ast.parse(runtime).body[1].lineno - 1 :]).rstrip()
    imports = "\n".join(
        f"from {qualified.rpartition('.')[0]} import {local}" for local, qualified in sorted(code.ufuncs.items())
    )
    numbers = constant_lines(program) + [f"{key} = {value!r}" for key, value in code.literals.items()]
    arguments = ", ".join(ARGUMENTS[name])
    names = ", ".join(f'"{argument}"' for argument in ARGUMENTS[name])
    entry = (
        f"def {name}({arguments}, *, out=None):\n"
        '    """Numbers or arrays that broadcast; ValueError for what no variance or correlation can be."""\n'
        f"    inputs, targets, results = prepare(({names},), ({arguments},), out, {len(program.outputs)})\n"
        f"    check_arguments(({names},), inputs)\n"
        f"    run_blocks({name}_block, {code.registers}, inputs, targets)\n"
        "    arrays = finish(targets, results)\n"
        "    answers = [float(array) if out is None and array.ndim == 0 else array for array in arrays]\n"
        "    return answers[0] if len(answers) == 1 else tuple(answers)\n"
    )
    body = "\n\n".join(["\n".join(numbers), block_source(name, code), entry])
    return f"from __future__ import annotations\n\n{runtime}\n\n{module_body(_limits)}\n\n{imports}\n\n{body}"


def special_functions(program: Program) -> list[str]:
    """Return the functions of a program that C99 lacks."""
    return sorted({type(e).__name__ for line in program.assignments for e in line.value.atoms(OwensT)})
