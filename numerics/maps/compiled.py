"""A closed form as a compiled function of whole arrays: what is fixed in a call once, the rest in blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
from sympy import Abs, Add, Basic, Expr, Float, Min, Mul, Pow, Rational, S, Symbol, cse, sqrt

from derive.maps.gaps import ArcExcess, d, e
from derive.maps.symbols import c, q
from numerics.maps.rectifier_profile import DIGITS, KAPPA, polynomial
from numerics.maps.values import Array
from numerics.programs import _runtime
from numerics.programs.lowering import block_code
from numerics.programs.printers import compiled, point_source
from numerics.programs.straight_line import Builder

Look = Callable[[Sequence[Array], int], None]
X = Symbol("x")
"""The second argument: a correlation, a gap, or v²."""

M = Symbol("m2")
"""m², where the arguments are the shares m² and v² of the variance."""

LINES: dict[str, tuple[tuple[Symbol, Expr], ...]] = {
    "rho": ((c, q * X), (d, q * (1 - X)), (e, q * (1 + X))),
    "gap": ((d, q * X), (e, q * (2 - X)), (c, q * (1 - X))),
    "shares": ((c, M), (d, X), (e, 2 * M + X), (q, M + X)),
    "q": (),
}
_SMALLER, _RATIO = Symbol("smaller"), Symbol("ratio")
ARC_LINES = ((_SMALLER, Min(d, e)), (_RATIO, _SMALLER / (_SMALLER + Float(KAPPA) * Abs(c))))
_ARGUMENTS = {"rho": (q, X), "gap": (q, X), "shares": (M, X), "q": (q,)}


class Compiled:
    """A function of arrays, and of numbers that are the same for all of an array.

    Args:
        expression: in q, c, d, e and further symbols, all of them fixed.
        mode: what the two arguments are: ``rho`` (q, ρ), ``gap`` (q, 1 - ρ), ``shares`` (m², v²), ``q`` (q alone).
        fixed: the symbols that are numbers in a call, in the order in which they are passed.
        unit: whether c, d and e are those at q = 1 (the caller has taken the power of q out).

    """

    def __init__(self, expression: Expr, mode: str, fixed: Sequence[Symbol], *, unit: bool = False) -> None:
        # Symbols without a sign: SymPy would split the root of a product of positive numbers.
        plain = {s: Symbol(f"{s.name}_") for s in (q, c, d, e, X, M, *fixed)}
        known = [plain[s] for s in fixed]
        body, constants = _hoisted(_merged_roots(with_arc_excess(expression).xreplace(plain)), set(known))
        head = Builder(tuple(known))
        kept = [head.let(symbol.name, value) for symbol, value in constants.items()]
        kept += [plain[q]] if q in fixed and not unit else []
        self._head: Callable[..., Sequence[float]] = compiled(
            point_source(head.program(*kept)), "point", {"math": math}
        )
        builder = Builder((*(plain[s] for s in _ARGUMENTS[mode] if s not in fixed), *kept))
        for name, value in LINES[mode]:
            builder.let(plain[name].name, (value.xreplace({q: S.One}) if unit else value).xreplace(plain))
        for name, value in ARC_LINES:
            builder.let(name.name, value.xreplace(plain))
        shared, (reduced,) = cse([body], order="canonical")
        for name, value in shared:
            builder.let(name.name, value)
        self.program = builder.program(builder.let("result", reduced))
        code = block_code(self.program)
        self._run = _runtime.blocks(code.compile({}), code.registers)

    def __call__(self, fixed: Sequence[float], arrays: Sequence[Array], look: Look | None = None) -> Array:
        """Return the values; arrays broadcast. Fixed numbers out of a function's range raise as `math` does.

        ``look`` is called with the same block of every array.
        """
        shape = arrays[0].shape if len(arrays) == 1 else np.broadcast_shapes(*(a.shape for a in arrays))
        flat = [np.ascontiguousarray(a if a.shape == shape else np.broadcast_to(a, shape)).reshape(-1) for a in arrays]
        out = np.empty(shape)
        # 0-d arrays: a ufunc takes them without converting a Python float on each call.
        self._run(flat, [out.reshape(-1)], look, [np.array(value) for value in self._head(*map(float, fixed))])
        return out


def _hoisted(expression: Expr, fixed: set[Symbol]) -> tuple[Expr, dict[Symbol, Expr]]:
    """Give a name to every largest part that holds fixed symbols alone."""
    found: dict[Expr, Symbol] = {}

    def name(part: Expr) -> Expr:
        return part if part.is_number else found.setdefault(part, Symbol(f"h{len(found)}_"))

    def visit(node: Expr) -> Expr:
        if node.free_symbols <= fixed:
            return name(node)
        if isinstance(node, Add | Mul):
            still = [a for a in node.args if a.free_symbols <= fixed]
            rest = [visit(a) for a in node.args if not a.free_symbols <= fixed]
            if still == [-1]:
                return node.func(-1, *rest)
            return node.func(name(node.func(*still)), *rest) if still else node.func(*rest)
        return node.func(*(visit(a) for a in node.args)) if node.args else node

    made = visit(expression)
    return made, {symbol: part for part, symbol in found.items()}


def _merged_roots(expression: Basic) -> Any:
    """√a √b as √(a b): a root costs as much as five products."""
    if not expression.args:
        return expression
    made = expression.func(*(_merged_roots(a) for a in expression.args))
    if not isinstance(made, Mul):
        return made
    for power in (Rational(1, 2), -Rational(1, 2)):
        roots = [f for f in made.args if isinstance(f, Pow) and f.exp == power and not f.base.is_number]
        if len(roots) > 1:
            rest = [f for f in made.args if f not in roots]
            made = Mul(*rest, Pow(Mul(*(f.base for f in roots)), power))
    return made


def with_arc_excess(expression: Expr) -> Expr:
    """ArcExcess by the polynomial of the sample-variance kernels: d h, h = t (1 + (1 - x) P(x)).

    x = d/(d + κ c), t = √x; h is read off the derivation `sample-variance-stable`.
    """
    if not expression.has(ArcExcess):
        return expression
    with mpmath.workdps(DIGITS):
        *rest, p = (Float(str(value), 25) for value in polynomial()[0])
    for value in reversed(rest):
        p = p * _RATIO + value
    return expression.replace(ArcExcess, lambda *_: _SMALLER * sqrt(_RATIO) * (1 + (1 - _RATIO) * p))
