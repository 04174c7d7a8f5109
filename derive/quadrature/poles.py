"""What a function does on the way to a point: c t^a <= |g(p ± t)| <= C t^a for the smallest t.

An exponent above -1 bounds what is left out next to the point; one of -1 or less proves that the integral diverges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Abs, Expr, Pow, S, Symbol, cos, exp, log, sin, tan

from derive.activations.pieces import breakpoints
from derive.errors import InputError

NEAREST = 1e-290
"""The smallest distance at which a function is evaluated."""

_SLACK = 2.0
_ROOT = 1e-40
_LOG_POWER = 1e-3
_LOG_FACTOR = 370.0
"""|log t| <= 370 t^(-1/1000) for t < 1."""


@dataclass(frozen=True)
class Order:
    """low t^power <= |g| <= high t^power."""

    low: float
    high: float
    power: float

    def left_out(self, t: float) -> float:
        """A bound of ∫|g| from 0 to t; infinite where there is none."""
        return self.high * t ** (self.power + 1) / (self.power + 1) if self.power > -1 else float("inf")

    @property
    def diverges(self) -> bool:
        """Whether the integral is proved to be infinite."""
        return self.power <= -1 and self.low > 0


def order(g: Expr, t: Symbol) -> Order | None:
    """The order of g as t falls to 0, or None where it is not found."""
    if g == 0:
        return Order(0.0, 0.0, 0.0)
    if g == t:
        return Order(1.0, 1.0, 1.0)
    value = None if isinstance(g, tan) else _number(g, t)
    if value is not None and value != 0:
        return Order(abs(value) / _SLACK if g.has(t) else abs(value), abs(value) * (_SLACK if g.has(t) else 1), 0.0)
    if g.is_Mul:
        return _product([order(a, t) for a in g.args])
    if g.is_Pow and g.exp.is_number:
        base = order(g.base, t)
        if base is None:
            return None
        k = float(g.exp)
        ends = sorted([base.low**k if base.low else (0.0 if k > 0 else float("inf")), base.high**k])
        return Order(ends[0], ends[1], base.power * k)
    if isinstance(g, tan):
        return _product([order(sin(g.args[0]), t), order(1 / cos(g.args[0]), t)])
    if isinstance(g, Abs):
        return order(g.args[0], t)
    if isinstance(g, log):
        return _logarithm(g.args[0], t)
    if g.is_Add:
        return _sum(g, t) or _by_slope(g, t)
    if isinstance(g, exp):
        return None
    return _by_slope(g, t)


def _product(parts: Sequence[Order | None]) -> Order | None:
    total = Order(1.0, 1.0, 0.0)
    for part in parts:
        if part is None:
            return None
        total = Order(total.low * part.low, total.high * part.high, total.power + part.power)
    return total


def _logarithm(u: Expr, t: Symbol) -> Order | None:
    inner = order(u, t)
    if inner is None:
        return None
    if inner.power == 0:
        return order(u - 1, t)
    from math import log as ln

    return Order(0.0, abs(inner.power) * _LOG_FACTOR + abs(ln(inner.high)), -_LOG_POWER)


def _sum(g: Expr, t: Symbol) -> Order | None:
    """The one term that grows fastest."""
    parts = [order(a, t) for a in g.args]
    if any(p is None for p in parts):
        return None
    known = [p for p in parts if p is not None]
    least = min(p.power for p in known)
    leading = [p for p in known if p.power == least]
    if least >= 0:
        return None
    low = leading[0].low / _SLACK if len(leading) == 1 else 0.0
    return Order(low, _SLACK * len(known) * max(p.high for p in known), least)


def _by_slope(g: Expr, t: Symbol) -> Order | None:
    """A simple zero."""
    if _number(g, t) != 0:
        return None
    slope = _number(g.diff(t), t)
    return None if slope is None or slope == 0 else Order(abs(slope) / _SLACK, abs(slope) * _SLACK, 1.0)


def _number(g: Expr, t: Symbol) -> float | None:
    try:
        value = g.subs(t, S.Zero).evalf(30)
        if not (value.is_real and value.is_finite) or abs(value) > 1 / _ROOT:
            return None
        # A root that is known to 50 digits is a root.
        return float(value) if abs(value) > _ROOT else 0.0
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def suspects(g: Expr, x: Symbol) -> list[Expr]:
    """Where g may have a pole: zeros of what is divided by, or of which a logarithm or a broken power is taken."""
    found: list[Expr] = []
    for part in g.atoms(Pow, log, tan):
        base = cos(part.args[0]) if isinstance(part, tan) else part.args[0]
        if x in base.free_symbols and not (isinstance(part, Pow) and part.exp.is_nonnegative):
            found += _zeros(base, x)
    return sorted(dict.fromkeys(found), key=lambda p: float(p))


def _zeros(e: Expr, x: Symbol) -> list[Expr]:
    while isinstance(e, Pow | Abs):
        e = e.args[0]
    if e.is_positive or e.is_negative:
        return []
    try:
        return list(breakpoints(Abs(e, evaluate=False), x))
    except InputError:
        return []
