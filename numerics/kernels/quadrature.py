"""Programs that compute a map by a fixed quadrature rule, for any activation: the definition with the rule put in."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from sympy import Expr, Function, Symbol

from derive.activations import Activation
from derive.errors import InputError
from derive.quadrature.boxes import rule
from numerics.activations import NEAR_ZERO, Formula, formula, numpy_function
from numerics.kernels import _line_rule, _plane_rule
from numerics.kernels._line_rule import Rule
from numerics.kernels._plane_rule import PlaneRule
from numerics.kernels.panels import LINE_NODES, PLANE_NODES, common_edges, own_edges
from numerics.maps.definitions import Definition, arguments
from numerics.maps.parts import number, parts_of
from numerics.programs.exporting import module_body
from numerics.programs.printers import array_source, helper_functions
from numerics.programs.straight_line import Builder, Program, Range, renaming

_STEP = 1.5
_PER_LINE = 4

_SIZE = """\
ABSOLUTE = False


def _size(values):
    return numpy.abs(values) if ABSOLUTE else values
"""


def quadrature_program(
    activation: Activation, name: str, found: Definition, domain: tuple[float, float], ranges: list[Range]
) -> Program:
    """Return the program of a definition whose integrals a rule computes, for variances in a domain.

    Raises `InputError` where mass lies in which f overflows.
    """
    own = renaming(arguments(name, found.everything))
    builder = Builder(tuple(own.values()))
    swap: dict[Expr, Symbol] = dict(own)
    calls: dict[str, str] = {}
    for stand_in, integral in found.integrals.items():
        kind = integral.kind
        # What has a shared part and each its own is integrated over these.
        given = integral.law[2:] if kind == "separation" else integral.law
        law = builder.expressions([e.xreplace(own) for e in given], f"law_{stand_in.name}")
        calls[kind] = f"def {kind}_of(*law):\n    return {_CALLS[kind]}, *law)\n"
        swap[stand_in] = builder.let(f"E_{stand_in.name}", Function(f"{kind}_of")(*law))
    outputs = builder.expressions([e.xreplace(swap) for e in found.results])
    helpers = rule_source(activation, domain, plane=not _TWO.isdisjoint(calls)) + "\n\n" + "\n\n".join(calls.values())
    return builder.program(*outputs, domain=ranges, helpers=helpers)


def absolute(program: Program) -> Program:
    """The same program with the integrals of absolute values: what rounding errors are measured against."""
    return replace(program, helpers=program.helpers.replace("ABSOLUTE = False", "ABSOLUTE = True"))


_LETTERS = {"mean": "v", "second": "vv", "slope_second": "ss", "deviation": "zv"}
_TWO = frozenset({"covariance", "separation"})
_CALLS = {kind: f'moment(RULE, "{letters}"' for kind, letters in _LETTERS.items()}
_CALLS |= {"second_slope": "growth(RULE"} | {kind: f"{kind}(PLANE" for kind in _TWO}
"""What a program calls for an integral, but for its law."""


@lru_cache(maxsize=64)
def rule_source(activation: Activation, domain: tuple[float, float], *, plane: bool) -> str:
    """The source of the rules of an activation: their code, f and f', and their numbers."""
    made = plane_rule(activation, domain)
    parts = [_function(title, formula(activation, k), activation.symbol) for k, title in enumerate(("value", "slope"))]
    parts = [part for part in (_SIZE, helper_functions("".join(parts)), *parts) if part]
    fields = Rule._fields[2:-1]
    parts += [numbers_source(field.upper(), getattr(made.line, field)) for field in fields]
    parts.append(f"RULE = Rule(value, slope, {', '.join(map(str.upper, fields))}, ABSOLUTE)\n")
    code = module_body(_line_rule)
    if plane:
        code = "from itertools import pairwise\n\n" + code + "\n\n" + module_body(_plane_rule)
        own = PlaneRule._fields[1:]
        parts += [numbers_source(f"PLANE_{field.upper()}", getattr(made, field)) for field in own]
        parts.append(f"PLANE = PlaneRule(RULE, {', '.join(f'PLANE_{field.upper()}' for field in own)})\n")
    body = "\n\n".join([code, *parts])
    return f"import scipy.special\n\n{body}" if "scipy.special." in body else body


def _function(name: str, made: Formula, symbol: Symbol) -> str:
    """The source of f or f' as a function of an array."""
    source = array_source(f"{name}_formula", ["s"], made.expression.xreplace({symbol: Symbol("s")}))
    result = f"numpy.broadcast_to(numpy.asarray({name}_formula(s), dtype=float), s.shape)"
    if made.taylor is not None:
        series = ", ".join(map(repr, made.taylor[::-1]))
        near = "# The formula loses digits near 0; its Taylor polynomial does not.\n    "
        result = f"numpy.where(numpy.abs(s) <= {NEAR_ZERO!r}, numpy.polyval([{series}], s), {result})"
        return f"{source}\n\ndef {name}(s):\n    {near}return _size({result})\n"
    return f"{source}\n\ndef {name}(s):\n    return _size({result})\n"


def numbers_source(name: str, values: Any) -> str:
    """An assignment of a float64 array, exact: repr of a float round-trips."""
    array = np.asarray(values, dtype=float)
    flat = array.ravel().tolist()
    rows = [", ".join(map(repr, flat[k : k + _PER_LINE])) for k in range(0, len(flat), _PER_LINE)]
    shape = f".reshape{array.shape}" if array.ndim > 1 else ""
    if len(rows) <= 1:
        return f"{name} = numpy.array([{''.join(rows)}], dtype=float){shape}\n"
    listed = ",\n    ".join(rows)
    return f"{name} = numpy.array([\n    {listed},\n]){shape}\n"


@lru_cache(maxsize=32)
def plane_rule(f: Activation, domain: tuple[float, float]) -> PlaneRule:
    """Return the rules for one unit and for two, for variances in a domain.

    Raises `InputError` where mass lies in which f overflows.
    """
    edges = common_edges(f, *domain, _STEP)
    if edges is None:
        raise InputError(f"domain must end where E[f^2] of {f} is within float64, got up to {domain[1]:g}")
    parts = parts_of(f)
    left, right = (np.array([float(number(e).mid) for e in side]) for side in (parts.left, parts.right))
    functions = numpy_function(f), numpy_function(f, 1)
    jumps = right - left, right**2 - left**2
    line = Rule(*functions, edges, *rule(LINE_NODES), parts.points, *jumps, absolute=False)
    reach = max(9.0, -float(edges[0]), float(edges[-1]))
    half = np.linspace(0.0, reach, math.ceil(reach / _STEP) + 1)
    normal = np.concatenate([-half[:0:-1], half])
    own = own_edges(f, reach * math.sqrt(domain[1]))
    nodes, weights = rule(PLANE_NODES)
    return PlaneRule(line, normal, own, nodes, weights, integration_matrix(nodes, weights))


def integration_matrix(nodes: Any, weights: Any) -> Any:
    """Return A with (A g)_i = the integral from -1 to node i of the polynomial through the values g at the nodes."""
    n = len(nodes)
    coefficients = legendre.legvander(nodes, n - 1).T * weights * (np.arange(n)[:, None] + 0.5)
    integrals = np.stack([legendre.legval(nodes, legendre.legint(row, lbnd=-1)) for row in np.eye(n)], axis=1)
    return integrals @ coefficients
