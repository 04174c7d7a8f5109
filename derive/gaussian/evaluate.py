"""Numeric evaluation of expressions by closures over a numeric context: the checker's own reading of an
expression.

It shares nothing with the engine or with SymPy's evalf; `mpmath.mp` gives many digits, `mpmath.fp` gives
floats.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.polys.rootoftools import ComplexRootOf

from derive.gaussian import functions, numeric

Function = Callable[[Sequence[Any]], Any]


class CannotEvaluate(Exception):
    """A function that the checker has no numeric meaning for."""


def compile_expression(e: sp.Basic, variables: Sequence[sp.Symbol], ctx: Any) -> Function:
    """A Python function of the sequence of values of `variables`."""
    places = {v: n for n, v in enumerate(variables)}
    return _compile(e, places, ctx)


def _compile(e: sp.Basic, places: dict[sp.Symbol, int], ctx: Any) -> Function:
    if e in places:
        n = places[e]
        return lambda x: x[n]
    if not e.args or e.is_Rational or isinstance(e, ComplexRootOf):
        constant = _constant(e, ctx)
        return lambda x: constant
    made = _operation(e, [_compile(a, places, ctx) for a in e.args if not isinstance(a, sp.Tuple)], places, ctx)
    if e.free_symbols & set(places):
        return made
    constant = made(())
    return lambda x: constant


def _operation(e: sp.Basic, parts: list[Function], places: dict[sp.Symbol, int], ctx: Any) -> Function:
    if e.is_Add:
        return lambda x: sum((f(x) for f in parts[1:]), parts[0](x))
    if e.is_Mul:
        return lambda x: _product(parts, x)
    if e.is_Pow:
        return _power(e, parts, ctx)
    if isinstance(e, sp.Piecewise):
        return _piecewise([(_compile(v, places, ctx), _compile(c, places, ctx)) for v, c in e.args])
    if isinstance(e, Relational):
        compare = _COMPARISONS[e.rel_op]
        left, right = parts
        return lambda x: compare(left(x), right(x))
    return _call(e, parts, ctx)


def _constant(e: sp.Basic, ctx: Any) -> Any:
    if e.is_Rational:
        return ctx.mpf(int(e.p)) / int(e.q)
    if e is sp.S.true or e is sp.S.false:
        return e is sp.S.true
    if e is sp.pi:
        return +ctx.pi
    if e is sp.E:
        return +ctx.e
    if e is sp.I:
        return ctx.mpc(0, 1)
    if e.is_Float:
        return ctx.mpf(str(e))
    if isinstance(e, ComplexRootOf):
        return ctx.convert(e.evalf(ctx.dps + 5)._to_mpmath(ctx.prec))
    raise CannotEvaluate(str(e))


def _product(parts: list[Function], x: Sequence[Any]) -> Any:
    result = parts[0](x)
    for f in parts[1:]:
        if result == 0:
            return result
        result = result * f(x)
    return result


def _power(e: sp.Expr, parts: list[Function], ctx: Any) -> Function:
    base, exponent = parts
    if e.exp.is_Integer:
        n = int(e.exp)
        return lambda x: base(x) ** n
    if e.exp == sp.Rational(1, 2):
        return lambda x: ctx.sqrt(base(x))
    if e.exp == sp.Rational(-1, 2):
        return lambda x: 1 / ctx.sqrt(base(x))
    return lambda x: ctx.power(base(x), exponent(x))


def _piecewise(cases: list[tuple[Function, Function]]) -> Function:
    def value(x: Sequence[Any]) -> Any:
        for f, condition in cases:
            if condition(x):
                return f(x)
        raise CannotEvaluate("no case of a Piecewise holds")

    return value


def _call(e: sp.Basic, parts: list[Function], ctx: Any) -> Function:
    kind = e.func
    if kind in _LOGIC:
        combine = _LOGIC[kind]
        return lambda x: combine([f(x) for f in parts])
    if kind in (sp.Max, sp.Min):
        choose = max if kind is sp.Max else min
        return lambda x: choose(f(x) for f in parts)
    if kind in _SPECIAL:
        special = _SPECIAL[kind]
        return lambda x: special(ctx, *(f(x) for f in parts))
    name = _NAMED.get(kind)
    if name is None:
        raise CannotEvaluate(str(kind))
    function = getattr(ctx, name)
    first = parts[0]
    return lambda x: function(first(x))


def _heaviside(ctx: Any, x: Any, at_zero: Any = 0.5) -> Any:
    return ctx.one if x > 0 else ctx.zero if x < 0 else ctx.one * at_zero


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_LOGIC: dict[type, Callable[[list[bool]], bool]] = {
    sp.And: all,
    sp.Or: any,
    sp.Not: lambda v: not v[0],
    sp.ITE: lambda v: v[1] if v[0] else v[2],
}
_SPECIAL: dict[type, Callable[..., Any]] = {
    sp.Heaviside: _heaviside,
    sp.sign: lambda ctx, x: ctx.one if x > 0 else -ctx.one if x < 0 else ctx.zero,
    sp.Abs: lambda ctx, x: abs(x),
    sp.re: lambda ctx, x: ctx.re(x),
    sp.im: lambda ctx, x: ctx.im(x),
    functions.Phi: numeric.phi,
    functions.NormalDensity: numeric.density,
    functions.OwensT: numeric.owens_t,
    functions.BivariateNormalCDF: numeric.bivariate_cdf,
}
_NAMED: dict[type, str] = {
    sp.exp: "exp",
    sp.log: "ln",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.tan: "tan",
    sp.sinh: "sinh",
    sp.cosh: "cosh",
    sp.tanh: "tanh",
    sp.erf: "erf",
    sp.erfc: "erfc",
    sp.erfi: "erfi",
    sp.asin: "asin",
    sp.acos: "acos",
    sp.atan: "atan",
    sp.asinh: "asinh",
    sp.acosh: "acosh",
    sp.atanh: "atanh",
    sp.erfinv: "erfinv",
    sp.gamma: "gamma",
}


def _alternatives(e: sp.Expr) -> list[sp.Expr]:
    """The values among which nested Max and Min choose."""
    if isinstance(e, sp.Max | sp.Min):
        return [leaf for a in e.args for leaf in _alternatives(a)]
    return [e]


def switches(e: sp.Basic, variables: set[sp.Symbol]) -> list[sp.Expr]:
    """The expressions at whose zeros `e` may have a kink or a jump."""
    found: list[sp.Expr] = []
    for node in sp.preorder_traversal(e):
        if isinstance(node, sp.Heaviside | sp.sign | sp.Abs):
            found.append(node.args[0])
        elif isinstance(node, sp.Max | sp.Min):
            found += [a - b for a, b in combinations(_alternatives(node), 2)]
        elif isinstance(node, Relational):
            found.append(node.lhs - node.rhs)
        elif node.is_Pow and node.exp == sp.Rational(1, 2):
            found.append(node.base)
    return list(dict.fromkeys(u for u in found if u.free_symbols & variables))
