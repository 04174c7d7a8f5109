"""A running bound on the rounding error of an expression, carried through the operations that evaluate it.

A formula that is exact may still be useless in floating point (1 - exp(-2q) at q = 1e-12). So every operation carries
the bound of what rounding did so far, to first order in a rounding, whatever the order of sums and products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np
from sympy import (
    ITE,
    Abs,
    Add,
    And,
    Basic,
    Dummy,
    Expr,
    Function,
    Heaviside,
    Max,
    Min,
    Mul,
    Not,
    Or,
    Piecewise,
    Pow,
    S,
    Symbol,
    acos,
    asin,
    cos,
    erf,
    erfc,
    exp,
    lambdify,
    log,
    sign,
    sin,
)
from sympy.core.function import ArgumentIndexError
from sympy.core.relational import Relational

from derive.expressions.accurate import Cdf, StableFunction
from derive.gaussian.functions import NormalDensity, Phi
from numerics.accurate_functions import modules

Array = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

EPS = float(np.finfo(float).eps)
_LEAST, _NORMAL = 2.0**-1074, float(np.finfo(float).tiny)
_FUNCTION = 4 * EPS
"""The relative error of a function of NumPy or SciPy."""


class Bounded(NamedTuple):
    """Values, and a first-order bound on the absolute error of each."""

    value: Array
    error: Array


class NotSupported(Exception):
    """An expression holds a function that has no rule here."""


def evaluate(e: Expr, at: Mapping[Symbol, Bounded]) -> Bounded:
    """Return the values of an expression and bounds on their rounding errors, inf where nothing is known.

    Raises `NotSupported` for a function without a rule.
    """
    with np.errstate(all="ignore"):
        return _evaluate(e, at)


def _evaluate(e: Expr, at: Mapping[Symbol, Bounded]) -> Bounded:
    if e.is_Symbol:
        return at[e]
    if not e.free_symbols and not e.has(StableFunction):
        return _constant(e)
    if isinstance(e, Piecewise):
        return _piecewise(e, at)
    if isinstance(e, Pow):
        return _power(e, at)
    if isinstance(e, NormalDensity):
        return _evaluate(e.rewrite(exp), at)
    args = [_evaluate(a, at) for a in e.args]
    for kind, rule in _RULES.items():
        if isinstance(e, kind):
            return rule(args)
    if isinstance(e, Function):
        return _function(e.func, args)
    raise NotSupported(type(e).__name__)


def _constant(e: Expr) -> Bounded:
    try:
        value = float(e)
    except (TypeError, ValueError, OverflowError):
        raise NotSupported(str(e)) from None
    roundings = 0 if e == int(value) and abs(value) < 2**53 else 1 if e.is_Rational else 2 + int(e.count_ops())
    return Bounded(np.array(value), np.array(abs(value) * EPS * roundings))


def _rounded(value: Array, error: Array, roundings: float, *exact: Mask) -> Bounded:
    """Add the roundings of an operation itself, and underflow but where the result is exactly 0."""
    error = error + roundings * EPS * np.abs(value)
    known = reduce(np.logical_or, exact, np.zeros((), dtype=bool))
    error = error + np.where((np.abs(value) < _NORMAL) & ~known, _LEAST * max(1.0, roundings), 0.0)
    return Bounded(value, np.where(np.isfinite(value) & ~np.isnan(error), error, np.inf))


def _exact_zero(b: Bounded) -> Mask:
    return np.asarray((b.value == 0) & (b.error == 0))


def _sum(terms: Sequence[Bounded]) -> Bounded:
    total, error, size = np.zeros(()), np.zeros(()), np.zeros(())
    for term in terms:
        total, error, size = total + term.value, error + term.error, size + np.abs(term.value)
    # Sums do not underflow.
    return _rounded(total, error + (len(terms) - 1) * EPS * size, 0, np.ones((), dtype=bool))


def _product(factors: Sequence[Bounded]) -> Bounded:
    product, error = np.ones(()), np.zeros(())
    for factor in factors:
        error = error * np.abs(factor.value) + np.abs(product) * factor.error + error * factor.error
        product = product * factor.value
    return _rounded(product, error, len(factors) - 1, *map(_exact_zero, factors))


def _power(e: Pow, at: Mapping[Symbol, Bounded]) -> Bounded:
    if not e.exp.is_Rational:
        raise NotSupported("Pow")
    base, p = _evaluate(e.base, at), float(e.exp)
    value = np.sqrt(base.value) if p == 0.5 else base.value**p
    size = np.abs(base.value)
    # Relative to the value, so that nothing overflows; the slope is largest at one end of what the base may be.
    off = base.error / size
    steepest = (1 + off) ** (p - 1) if p > 1 else np.where(off < 1, (1 - off) ** (p - 1), np.inf)
    error = np.where(size == 0, np.inf, np.abs(p * value) * off * steepest)
    if p > 0:
        # A power of what may be zero is off by as much as the power of the error, a sum of two for p > 1.
        error = np.fmin(error, base.error**p if p <= 1 else (size + base.error) ** p + size**p)
    exact = _exact_zero(base) & (p > 0)
    error = np.where(base.error == 0, 0.0, error)
    return _rounded(value, error, 2 + (abs(p) if e.exp.is_Integer else 0), exact)


# ---- choices


def _piecewise(e: Piecewise, at: Mapping[Symbol, Bounded]) -> Bounded:
    """The case that holds; where rounding may have chosen the wrong one, the others are within the bound."""
    cases = [(_evaluate(v, at), _condition(c, at)) for v, c in e.args]
    value, error = np.array(np.nan), np.array(np.inf)
    for case, (holds, _) in reversed(cases):
        value, error = np.where(holds, case.value, value), np.where(holds, case.error, error)
    open_ = np.ones((), dtype=bool)
    for case, (holds, unsure) in cases:
        other = np.abs(case.value - value) + case.error
        error = np.where(open_ & (holds | unsure) & ~np.isnan(other), np.maximum(error, other), error)
        open_ = open_ & (~holds | unsure)
    return Bounded(value, error)


def _condition(c: Basic, at: Mapping[Symbol, Bounded]) -> tuple[Mask, Mask]:
    """Where a condition holds, and where rounding may decide that."""
    if c in (S.true, S.false):
        return np.array(c is S.true), np.zeros((), dtype=bool)
    if isinstance(c, Relational):
        left, right = _evaluate(c.lhs, at), _evaluate(c.rhs, at)
        holds = _COMPARISONS[c.rel_op](left.value, right.value)
        wrong = left.error + right.error
        return holds, (wrong > 0) & ~(np.abs(left.value - right.value) > wrong)
    if not isinstance(c, And | Or | Not | ITE):
        raise NotSupported(type(c).__name__)
    parts = [_condition(a, at) for a in c.args]
    unsure = reduce(np.logical_or, (u for _, u in parts))
    held = [h for h, _ in parts]
    if isinstance(c, Not):
        return ~held[0], unsure
    if isinstance(c, ITE):
        return np.where(held[0], held[1], held[2]), unsure
    return reduce(np.logical_and if isinstance(c, And) else np.logical_or, held), unsure


_COMPARISONS: dict[str, Callable[[Array, Array], Mask]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


def _largest(args: Sequence[Bounded]) -> Bounded:
    return Bounded(reduce(np.maximum, (a.value for a in args)), reduce(np.maximum, (a.error for a in args)))


def _smallest(args: Sequence[Bounded]) -> Bounded:
    return Bounded(reduce(np.minimum, (a.value for a in args)), reduce(np.maximum, (a.error for a in args)))


def _step(args: Sequence[Bounded]) -> Bounded:
    u = args[0]
    half = args[1].value if len(args) > 1 else np.array(0.5)
    return Bounded(np.heaviside(u.value, half), np.where(_unsure_sign(u), 1.0, 0.0))


def _unsure_sign(u: Bounded) -> Mask:
    return np.asarray((u.error > 0) & ~(np.abs(u.value) > u.error))


_RULES: dict[Any, Callable[[Sequence[Bounded]], Bounded]] = {
    Add: _sum,
    Mul: _product,
    Max: _largest,
    Min: _smallest,
    Abs: lambda args: Bounded(np.abs(args[0].value), args[0].error),
    sign: lambda args: Bounded(np.sign(args[0].value), np.where(_unsure_sign(args[0]), 2.0, 0.0)),
    Heaviside: _step,
}


# ---- functions: by their derivatives

_WAVES: tuple[type, ...] = (sin, cos)
_ROUNDS_ITS_ARGUMENT: tuple[type, ...] = (Phi, Cdf, erfc, erf)
"""Functions that SciPy computes from exp(-u²) with u² rounded."""


def _function(kind: Any, args: Sequence[Bounded]) -> Bounded:
    value_of, slopes_of = _numeric(kind, len(args))
    values = [a.value for a in args]
    value = np.asarray(value_of(*values), dtype=float)
    error = np.zeros(())
    for k, (arg, slope_of) in enumerate(zip(args, slopes_of, strict=True)):
        wrong = arg.error + (EPS * np.abs(arg.value) if issubclass(kind, _ROUNDS_ITS_ARGUMENT) else 0.0)
        if np.any(wrong):
            error = error + np.where(wrong == 0, 0.0, _spread(kind, slope_of, values, k, wrong))
    exact = [_exact_zero(args[0]) & (value == 0)] if len(args) == 1 else []
    return _rounded(value, error, _FUNCTION / EPS, *exact)


def _spread(kind: Any, slope_of: Callable[..., Any] | None, values: list[Array], k: int, wrong: Array) -> Array:
    """How far a function moves with its k-th argument: by the steepest of three slopes, or what is known of it."""
    u = values[k]
    if issubclass(kind, _WAVES):
        return np.minimum(wrong, 2.0)
    if kind is log:
        return np.where(wrong < np.abs(u), -np.log1p(-wrong / np.abs(u)), np.inf)
    if slope_of is None:
        raise NotSupported(kind.__name__)
    moved = ([*values[:k], v, *values[k + 1 :]] for v in (u - wrong, u, u + wrong))
    found = wrong * reduce(np.maximum, (np.abs(slope_of(*at)) for at in moved))
    if kind in (asin, acos):
        # Steep at ±1, but never more than a root: acos(1 - w) <= 1.6 √w for w <= 1.
        root = np.where(wrong <= 1, 1.6 * np.sqrt(wrong), np.pi)
        found = np.minimum(np.where(np.isnan(found), np.inf, found), root)
    return np.asarray(found)


@lru_cache(maxsize=128)
def _numeric(kind: Any, count: int) -> tuple[Callable[..., Any], tuple[Callable[..., Any] | None, ...]]:
    """A function and its partial derivatives in NumPy; None where there is no derivative."""
    symbols = [Dummy(f"u{k}", real=True) for k in range(count)]
    e = kind(*symbols)

    def compiled(expression: Expr) -> Callable[..., Any]:
        made: Callable[..., Any] = lambdify(symbols, expression, modules=modules(expression))
        return made

    def slope(k: int) -> Callable[..., Any] | None:
        try:
            return compiled(e.fdiff(k + 1))
        except (ArgumentIndexError, NotImplementedError, AttributeError):
            return None

    return compiled(e), tuple(map(slope, range(count)))
