"""The value of an expectation at one parameter point, by the quadrature that suits it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath
from sympy import (
    DiracDelta,
    Expr,
    Mul,
    S,
    Symbol,
    exp,
    expand,
    expand_power_exp,
    pi,
    sqrt,
)

from derive.gaussian.evaluate import CannotEvaluate, compile_expression, switches
from derive.gaussian.nested import nested, square_root
from derive.gaussian.quadrature import (
    NoConvergence,
    gaussian_integral,
    hermite_coefficients,
    mehler,
    roots_on_line,
)

LINE_DIGITS = 16
PLANE_DIGITS = 12
NESTED_DIGITS = 8


@dataclass(frozen=True)
class Problem:
    """E[g] under z ~ N(mean, covariance), and what must be positive."""

    integrand: Expr
    variables: tuple[Symbol, ...]
    mean: tuple[Expr, ...]
    covariance: tuple[tuple[Expr, ...], ...]
    conditions: tuple[Expr, ...] = ()
    singular: bool = False

    @property
    def symbols(self) -> list[Symbol]:
        """The parameters, in a fixed order."""
        parts = [*self.mean, *(c for row in self.covariance for c in row), *self.conditions]
        free = set().union(self.integrand.free_symbols, *(p.free_symbols for p in parts)) - set(self.variables)
        return sorted(free, key=str)


class CannotCheck(Exception):
    """No quadrature decided: an answer that cannot be checked is not given."""


def quadrature(problem: Problem, sample: Mapping[Symbol, Expr]) -> tuple[Any, Any, int, str]:
    """(value, E|g|, digits to trust, method) of E[g] at one parameter point."""
    g = problem.integrand.subs(sample)
    mean = [S(m).subs(sample) for m in problem.mean]
    covariance = [[S(c).subs(sample) for c in row] for row in problem.covariance]
    try:
        if g.has(DiracDelta):
            value, size = _with_deltas(g, problem.variables, mean, covariance)
            return value, size, PLANE_DIGITS, "adaptive Gauss-Legendre quadrature"
        if problem.singular:
            return _nested(g, problem.variables, mean, covariance)
        if len(problem.variables) == 1:
            value, size, _ = _line(g, problem.variables[0], mean[0], covariance[0][0], LINE_DIGITS)
            return value, size, LINE_DIGITS, "adaptive Gauss-Legendre quadrature"
        if len(problem.variables) == 2:
            try:
                return _plane(g, problem.variables, mean, covariance)
            except (NoConvergence, _NotAProduct):
                pass
        return _nested(g, problem.variables, mean, covariance)
    except (CannotEvaluate, NoConvergence, ArithmeticError, ValueError, TypeError) as why:
        raise CannotCheck(f"the quadrature that must confirm the answer failed ({type(why).__name__})") from None


class _NotAProduct(Exception):
    """The integrand is not a sum of products of functions of one variable."""


def _line(g: Expr, z: Symbol, mean: Expr, variance: Expr, digits: int) -> tuple[Any, Any, list[Any]]:
    """E[g(z)], E|g(z)| and weighted values, z ~ N(mean, variance)."""
    with mpmath.workdps(digits + 8):
        ctx = mpmath.mp
        m = compile_expression(mean, (), ctx)(())
        s = ctx.sqrt(compile_expression(variance, (), ctx)(()))
        f = compile_expression(g, (z,), ctx)
        kinks: list[Any] = []
        for u in switches(g, {z}):
            line = compile_expression(u, (z,), ctx)
            kinks += roots_on_line(partial(_along, line, m, s), ctx)
        return gaussian_integral(lambda t: f((m + s * t,)), kinks, ctx, digits)


def _with_deltas(
    g: Expr, variables: Sequence[Symbol], mean: Sequence[Expr], covariance: Sequence[Sequence[Expr]]
) -> tuple[Any, Any]:
    """E[A + B δ(l)] = E[A] + density of l at 0 · E[B | l = 0], for at most two variables."""
    deltas = sorted(g.atoms(DiracDelta), key=str)
    if not deltas:
        problem = Problem(g, tuple(variables), tuple(mean), tuple(tuple(r) for r in covariance))
        if not variables:
            with mpmath.workdps(PLANE_DIGITS + 8):
                value = compile_expression(g, (), mpmath.mp)(())
            return value, abs(value)
        return quadrature(problem, {})[:2]
    marker = Symbol("delta", real=True)
    marked = g.subs(deltas[0], marker)
    if marked.diff(marker, 2) != 0:
        raise CannotEvaluate("a power of a delta")
    n = len(variables)
    form = deltas[0].args[0]
    slope = [form.diff(v) for v in variables]
    along = [sum(covariance[i][j] * slope[j] for j in range(n)) for i in range(n)]
    spread = sum(slope[i] * along[i] for i in range(n))
    level = form.subs(dict(zip(variables, mean, strict=True)))
    density = exp(-(level**2) / (2 * spread)) / sqrt(2 * pi * spread)
    centre = [m - k * level / spread for m, k in zip(mean, along, strict=True)]
    rest = [[covariance[i][j] - along[i] * along[j] / spread for j in range(n)] for i in range(n)]
    inner = marked.diff(marker)
    keep = next((i for i in range(n) if rest[i][i] != 0), None)
    if n > 2:
        raise CannotEvaluate("a delta in more than two variables")
    # given l = 0, everything is an affine function of the one variable that is left
    line = {
        v: centre[i] + (S.Zero if keep is None else rest[i][keep] / rest[keep][keep] * (variables[keep] - centre[keep]))
        for i, v in enumerate(variables)
        if i != keep
    }
    inner = inner.subs(line)
    left = [] if keep is None else [keep]
    value, size = _with_deltas(
        inner, [variables[i] for i in left], [centre[i] for i in left], [[rest[i][i]] for i in left]
    )
    smooth = marked.subs(marker, 0)
    base = _with_deltas(smooth, variables, mean, covariance) if smooth != 0 else (mpmath.mpf(0), mpmath.mpf(0))
    weight = compile_expression(density, (), mpmath.mp)(())
    return base[0] + weight * value, base[1] + weight * size


def _along(line: Callable[[tuple[Any, ...]], Any], m: Any, s: Any, t: Any) -> Any:
    return line((m + s * t,))


def _plane(
    g: Expr, variables: Sequence[Symbol], mean: Sequence[Expr], covariance: Sequence[Sequence[Expr]]
) -> tuple[Any, Any, int, str]:
    x, y = variables
    digits = PLANE_DIGITS
    with mpmath.workdps(digits + 8):
        ctx = mpmath.mp
        C = [[compile_expression(c, (), ctx)(()) for c in row] for row in covariance]
        rho = C[0][1] / ctx.sqrt(C[0][0] * C[1][1])
        if abs(rho) > 0.75:
            raise NoConvergence
        count = max(8, int((digits + 3) * 2.303 / -ctx.ln(abs(rho)))) if rho else 8
        seen: dict[tuple[Expr, Symbol], tuple[list[Any], Any]] = {}

        def coefficients(f: Expr, v: Symbol, i: int) -> tuple[list[Any], Any]:
            if (f, v) not in seen:
                _, size, points = _line(f, v, mean[i], covariance[i][i], digits)
                seen[f, v] = hermite_coefficients(points, count, ctx), size
            return seen[f, v]

        total, size = ctx.zero, ctx.zero
        for left, right in _products(g, x, y):
            a, size_a = coefficients(left, x, 0)
            b, size_b = coefficients(right, y, 1)
            total += mehler(a, b, rho, ctx, digits)
            size += size_a * size_b
        return total, size, digits, "Mehler's expansion with adaptive Gauss-Legendre quadrature"


def _products(g: Expr, x: Symbol, y: Symbol) -> list[tuple[Expr, Expr]]:
    """G as a sum of products f(x) h(y)."""
    split = [_split(t, x, y) for t in g.as_ordered_terms()]
    if any(s is None for s in split):
        wide = expand(expand_power_exp(g))
        split = [_split(t, x, y) for t in wide.as_ordered_terms()]
    if len(split) > 12 or any(s is None for s in split):
        raise _NotAProduct
    return [s for s in split if s is not None]


def _split(term: Expr, x: Symbol, y: Symbol) -> tuple[Expr, Expr] | None:
    left: list[Expr] = []
    right: list[Expr] = []
    for factor in Mul.make_args(term):
        free = factor.free_symbols & {x, y}
        if len(free) == 2:
            return None
        (right if free == {y} else left).append(factor)
    return Mul(*left), Mul(*right)


def _nested(
    g: Expr, variables: Sequence[Symbol], mean: Sequence[Expr], covariance: Sequence[Sequence[Expr]]
) -> tuple[Any, Any, int, str]:
    if len(variables) > 3:
        raise CannotCheck("answers in more than three variables cannot be checked by quadrature in time")
    ctx = mpmath.fp
    rows = square_root([[float(c) for c in row] for row in covariance])
    f = compile_expression(g, variables, ctx)
    edges = [compile_expression(u, variables, ctx) for u in switches(g, set(variables))]
    value, size = nested(f, edges, rows, [float(m) for m in mean])
    digits = NESTED_DIGITS if len(rows[0]) <= 2 else 5
    return mpmath.mpf(value), mpmath.mpf(size), digits, "nested Gauss-Legendre quadrature"
