"""The smooth pieces of a function of one real variable: where they meet, and the formula on each side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise

from sympy import (
    Abs,
    Add,
    Basic,
    DiracDelta,
    Expr,
    Float,
    Heaviside,
    Max,
    Min,
    Piecewise,
    Poly,
    Rational,
    S,
    Symbol,
    cosh,
    exp,
    lambdify,
    real_roots,
    sign,
    simplify,
    sinh,
)
from sympy.core.relational import Relational

from derive.activations.zeros import DIGITS, peeled, sign_changes
from derive.errors import InputError

Point = Mapping[Symbol, Expr]


def stand_ins(expression: Expr, variable: Symbol) -> dict[Symbol, Expr]:
    """Return numbers for the free parameters of an expression: its pieces are ordered as they are there."""
    parameters = sorted(expression.free_symbols - {variable}, key=str)
    return {p: Rational(7 + n, 10) * (-1 if p.is_negative else 1) for n, p in enumerate(parameters)}


@lru_cache(maxsize=512)
def breakpoints(expression: Expr, variable: Symbol) -> tuple[Expr, ...]:
    """Return the points where one smooth formula gives way to another, in increasing order.

    Exact where the condition is (piecewise) polynomial, also within functions that have an inverse; otherwise sign
    changes are looked for between -32 and 32 and located to 50 digits, so that breakpoints farther out are not found.
    """
    at = stand_ins(expression, variable)
    roots = (root for switch in _switches(expression) for root in _roots(switch, variable, at))
    found: list[Expr] = []
    for root in sorted(roots, key=lambda p: _number(p, at)):
        if not found or _number(root - found[-1], at) != 0:
            found.append(root)
    return tuple(found)


@lru_cache(maxsize=512)
def pieces(expression: Expr, variable: Symbol) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """Return the breakpoints and the smooth formulas: the k-th formula holds left of the k-th breakpoint."""
    at = stand_ins(expression, variable)
    points = breakpoints(expression, variable)
    if not points:
        return (), (branch(expression, variable, at, S.Zero),)
    values = [_number(p, at) for p in points]
    probes = [values[0] - 1, *((a + b) / 2 for a, b in pairwise(values)), values[-1] + 1]
    return points, tuple(branch(expression, variable, at, p) for p in probes)


def branch(expression: Expr, variable: Symbol, at: Point, probe: Expr) -> Expr:
    """Return the smooth formula that holds around ``variable = probe``."""
    here = {**at, variable: probe}

    def visit(e: Basic) -> Basic:
        if isinstance(e, Piecewise):
            return next((visit(value) for value, condition in e.args if _holds(condition, here)), S.NaN)
        if not e.args or isinstance(e, Relational):
            return e
        args = [visit(a) for a in e.args]
        if isinstance(e, Max | Min):
            pick = max if isinstance(e, Max) else min
            return pick(args, key=lambda a: _number(a, here))
        if isinstance(e, Abs):
            return args[0] * _sign(args[0], here)
        if isinstance(e, sign):
            return _sign(args[0], here)
        if isinstance(e, Heaviside):
            return (1 + _sign(args[0], here)) / 2
        if isinstance(e, DiracDelta):
            return S.Zero
        return e.func(*args)

    return visit(expression)


def jumps(expression: Expr, variable: Symbol, order: int = 0) -> dict[Expr, Expr]:
    """Return the heights f(p+) - f(p-) that are not 0, for f or for its derivative of an order."""
    points, formulas = pieces(expression, variable)
    at = stand_ins(expression, variable)
    heights = {}
    for p, left, right in zip(points, formulas, formulas[1:], strict=False):
        sides = [f.diff(variable, order) if order else f for f in (left, right)]
        heights[p] = _exact_zero(sides[1].subs(variable, p) - sides[0].subs(variable, p), at)
    return {p: h for p, h in heights.items() if h != 0}


def distributional_derivative(expression: Expr, variable: Symbol) -> Expr:
    """Return f' as a distribution: the derivative between the jumps of f, and a delta at each of them."""
    between = expression.diff(variable).replace(DiracDelta, lambda *_: S.Zero)
    return Add(between, *(height * DiracDelta(variable - p) for p, height in jumps(expression, variable).items()))


def _switches(e: Basic) -> list[Expr]:
    """Expressions whose sign decides which formula holds."""
    found: list[Expr] = []
    if isinstance(e, Relational):
        return [e.lhs - e.rhs]
    if isinstance(e, Abs | sign | Heaviside | DiracDelta):
        found.append(e.args[0])
    if isinstance(e, Max | Min):
        found += [a - b for n, a in enumerate(e.args) for b in e.args[:n]]
    return found + [switch for a in e.args for switch in _switches(a)]


def _roots(e: Expr, variable: Symbol, at: Point) -> list[Expr]:
    """Real zeros at which an expression may change sign."""
    if variable not in e.free_symbols:
        return []
    if e.has(Piecewise, Abs, sign, Heaviside, Max, Min):
        points, formulas = pieces(e, variable)
        bounds = [-S.Infinity, *(_number(p, at) for p in points), S.Infinity]
        inside = [
            root
            for formula, low, high in zip(formulas, bounds, bounds[1:], strict=False)
            for root in _roots(formula, variable, at)
            if low < _number(root, at) < high
        ]
        return [*points, *inside]
    if not e.is_polynomial(variable):
        return _located(e, variable, at)
    polynomial = Poly(e, variable)
    if polynomial.degree() == 1:
        a, b = polynomial.all_coeffs()
        return [simplify(-b / a)]
    if polynomial.free_symbols_in_domain:
        raise InputError(f"a breakpoint with free parameters must come from an affine condition, got {e}")
    if not all(c.is_Rational for c in polynomial.all_coeffs()):
        return _located(e, variable, at)
    return list(dict.fromkeys(real_roots(polynomial)))


def _located(e: Expr, variable: Symbol, at: Point) -> list[Expr]:
    """Zeros of an expression that is no polynomial: of what is inside an invertible function, or else sign changes."""
    if e.free_symbols != {variable}:
        raise InputError(f"a breakpoint with free parameters must come from an affine condition, got {e}")
    inside = peeled(e, variable)
    if inside is None:
        return sign_changes(e, variable)
    return [root for u in inside for root in _roots(u, variable, at)]


def _holds(condition: Basic, here: Point) -> bool:
    if isinstance(condition, Relational):
        difference = _number(condition.lhs - condition.rhs, here)
        return bool(condition.func(difference, 0))
    if condition in (S.true, S.false):
        return condition is S.true
    return bool(condition.func(*(S(_holds(a, here)) for a in condition.args)))


def _sign(e: Expr, here: Point) -> Expr:
    return S(sign(_number(e, here)))


def _number(e: Expr, here: Point, digits: int = DIGITS + 10) -> Expr:
    """Return the value at a point: exact if rational, 0 where nothing remains of its terms to 40 digits."""
    value = e.xreplace(dict(here)) if here else e
    if value.is_Rational:
        return value
    _refuse_overflow(e, here)
    number = value.evalf(digits, maxn=4 * digits)
    if not number.is_number or not number.is_extended_real:
        raise InputError(f"must be a real number, got {number} for {e}")
    size = max((abs(a.evalf(5)) for a in Add.make_args(value)), default=S.Zero)
    return S.Zero if abs(number) <= size * Rational(1, 10 ** min(DIGITS, digits - 3)) else number


def _refuse_overflow(e: Expr, here: Point) -> None:
    """Raise before an exponential of an exponential becomes a number of a billion digits."""
    if not any(a.args[0].has(exp, sinh, cosh) for a in e.atoms(exp, sinh, cosh)):
        return
    names = tuple(here)
    try:
        _in_floats(e, names)(*(float(here[name]) for name in names))
    except (OverflowError, ValueError):
        where = ", ".join(f"{k} = {float(v):g}" for k, v in here.items())
        raise InputError(f"cannot be evaluated, since it is too large, at {where}: {e}") from None


@lru_cache(maxsize=128)
def _in_floats(e: Expr, names: tuple[Symbol, ...]) -> Callable[..., float]:
    function: Callable[..., float] = lambdify(names, e, "math")
    return function


def _exact_zero(e: Expr, at: Point) -> Expr:
    """Return 0 for what is 0 at 40 digits (and, with parameters, after simplification), else the expression."""
    if e.has(S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity):
        return S.NaN
    if e.has(Float):
        # The breakpoint is itself a number of 50 digits.
        return e if abs(e.xreplace(dict(at)).evalf(20)) > Rational(1, 10**25) else S.Zero
    if e.free_symbols:
        return simplify(e)
    return e if _number(e, at) != 0 else S.Zero
