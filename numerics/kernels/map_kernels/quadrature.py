"""A self-contained module that evaluates a map by a fixed rule, for any activation."""

from __future__ import annotations

import inspect
import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.polynomial import legendre

from derive.activations import Activation
from derive.errors import InputError
from numerics.activations import formula
from numerics.kernels import _runtime
from numerics.kernels.map_kernels import _line_rule, _plane_rule
from numerics.kernels.map_kernels._line_rule import Rule
from numerics.kernels.map_kernels._plane_rule import PlaneRule
from numerics.kernels.map_kernels.arguments import ARGUMENTS, PAIRS
from numerics.kernels.map_kernels.code import function_source, helpers, module_body, numbers_source
from numerics.maps.functions import Functions, functions
from numerics.maps.mesh import activation_edges, common_edges, exponent_for, rule

_LINE_NODES, _PLANE_NODES = 20, 16
_DEPTH = 44.0
_STEP = 1.5

_IMPORTS = """\
from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
"""


def quadrature_source(activation: Activation, name: str, domain: tuple[float, float]) -> tuple[str, str]:
    """Return the source of the module, and the part of it that belongs to this activation and map.

    Raises `InputError` where f jumps and E[f'^2] is asked for, and where mass lies in which f overflows.
    """
    f = functions(activation)
    _check(f, name)
    plane = plane_rule(f, domain)
    line = plane.line
    modules: set[str] = set()
    parts = []
    for order, title in enumerate(("value", "slope")):
        source, needed = function_source(title, formula(activation, order), activation.symbol)
        modules |= needed
        parts.append(source)
    parts = [part for part in (helpers("".join(parts)), *parts) if part]
    fields = Rule._fields[4:]
    parts += [numbers_source(field.upper(), getattr(line, field)) for field in fields]
    listed = ", ".join(map(str.upper, fields))
    parts.append(f"RULE = Rule(value, slope, {line.lowest!r}, {line.highest!r}, {listed})\n")
    runtime = module_body(_line_rule)
    if name in PAIRS:
        own_fields = PlaneRule._fields[1:]
        parts += [numbers_source(f"PLANE_{field.upper()}", getattr(plane, field)) for field in own_fields]
        parts.append(f"RULE = PlaneRule(RULE, {', '.join(f'PLANE_{field.upper()}' for field in own_fields)})\n")
        runtime += "\n\n" + module_body(_plane_rule)
    arguments = ", ".join(ARGUMENTS[name])
    names = ", ".join(f'"{argument}"' for argument in ARGUMENTS[name])
    doc = inspect.getdoc(getattr(_plane_rule if name in PAIRS else _line_rule, f"rule_{name}"))
    entry = (
        f'def {name}({arguments}):\n    """{doc} Numbers or arrays that broadcast."""\n'
        f"    return evaluate(rule_{name}, RULE, ({names},), ({arguments},))\n"
    )
    own = "\n\n".join([*parts, entry])
    imports = "".join(f"import {module}\n" for module in sorted(modules))
    helper = inspect.getsource(_runtime.as_floats)
    return f"{_IMPORTS}{imports}\n\n{helper}\n\n{runtime}\n\n{own}", own


def _check(f: Functions, name: str) -> None:
    if not f.is_continuous and name in ("chi_perp", "slope_at_one", "backward_factor"):
        at = ", ".join(f"{p:g}" for p, jump in zip(f.points, f.jumps, strict=True) if jump)
        raise InputError(f"{name} of {f.activation} is infinite: E[f'^2] is, since f jumps at {at}")


@lru_cache(maxsize=32)
def plane_rule(f: Functions, domain: tuple[float, float]) -> PlaneRule:
    """Return the rules for one unit and for two, for variances in a domain.

    Raises `InputError` where mass lies in which f overflows.
    """
    edges = common_edges(f, *domain, depth=_DEPTH, step=_STEP)
    if edges is None:
        raise InputError(f"domain must end where E[f^2] of {f.activation} is within float64, got up to {domain[1]:g}")
    sides = [
        f.value(np.array([np.nextafter(p, -math.inf), np.nextafter(p, math.inf)])) if jump else np.zeros(2)
        for p, jump in zip(f.points, f.jumps, strict=True)
    ]
    points, jumps = np.array(f.points), np.array(f.jumps)
    squares = np.array([right**2 - left**2 for left, right in sides])
    line = Rule(f.value, f.slope, *domain, edges, *rule(_LINE_NODES), points, jumps, squares)
    reach = max(9.0, -float(edges[0]), float(edges[-1]))
    half = np.linspace(0.0, reach, math.ceil(reach / _STEP) + 1)
    normal = np.concatenate([-half[:0:-1], half])
    own = activation_edges(f, exponent_for(reach * math.sqrt(domain[1])))
    nodes, weights = rule(_PLANE_NODES)
    return PlaneRule(line, normal, own, nodes, weights, integration_matrix(nodes, weights))


def integration_matrix(nodes: Any, weights: Any) -> Any:
    """Return A with (A g)_i = the integral from -1 to node i of the polynomial through the values g at the nodes."""
    n = len(nodes)
    coefficients = legendre.legvander(nodes, n - 1).T * weights * (np.arange(n)[:, None] + 0.5)
    integrals = np.stack([legendre.legval(nodes, legendre.legint(row, lbnd=-1)) for row in np.eye(n)], axis=1)
    return integrals @ coefficients
