"""Gaussian expectations of functions that may have poles: whether they exist, and their number."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
from sympy import Abs, Expr, Pow, Symbol, cos, log, tan

from derive.activations.pieces import breakpoints
from derive.errors import InputError
from numerics.activations import numpy_function
from numerics.maps.functions import Functions
from numerics.maps.line import moments
from numerics.maps.mesh import REACH
from numerics.stable_forms import precise

_DIGITS = 30
_NEAR, _NEARER = 20, 40
"""Powers of 1/10 at which the growth towards a pole is measured; the poles themselves are known to 50 digits."""

_POLE, _INTEGRABLE, _NOT = 1e-3, 0.9, 0.999  # of the power a: between the last two a logarithm may decide
_QUADRATIC, _ORDER = 0.02, 0.1  # how near to s²/(2q) growth cannot be told from it
_DEPTH = 75.0
_WORST = 1e-6  # of ∫|f φ|: with a larger error there is no number
_LARGE = 300.0  # of log|f|: beyond it float64 shows how f grows
_FAILS = "the quadrature does not converge"


@dataclass(frozen=True)
class Expectation:
    """E[f] and its estimated absolute error or, where there is no number, ``reason`` in words."""

    value: float | None
    error: float | None
    reason: str = ""


def expectation_of(f: Functions, q: float) -> Expectation:
    """Return E[f(s)], s ~ N(0, q), by quadrature, or why there is none.

    Towards a pole p the growth |f| ~ |s - p|^-a is measured in 100 digits: for a >= 1 the integral diverges. In the
    tails log|f| is held against s²/(2q). Poles that can be integrated over are removed by a power of the distance,
    s = p ± t^m, and integrated by the double exponential rule; without poles it is the rule of `moments`. Poles at
    zeros of what is no polynomial are looked for between -32 and 32, as breakpoints are.
    """
    exact = precise(f.activation.expression, f.activation.symbol)
    orders = {p: (_order(exact, p, -1), _order(exact, p, 1)) for p in _suspects(f)}
    sides = [side for pair in orders.values() for side in pair]
    signs = [sign for a, sign in sides if a > _NOT]
    if signs:
        where = next(p for p, pair in orders.items() if any(a > _NOT for a, _ in pair))
        return Expectation(None, None, f"{_verdict(signs)}: there is no integral up to the pole at {float(where):g}")
    if any(not a <= _INTEGRABLE for a, _ in sides):
        return Expectation(None, None, _FAILS)
    if not any(a > _POLE for a, _ in sides):
        found = moments(f, q)
        value, error = found.value["mean"], found.error["mean"]
        if math.isfinite(value) and math.isfinite(error):
            return Expectation(value, error)
    tails = [sign for sign in (_tail(f, q, -1), _tail(f, q, 1)) if sign]
    if tails:
        return Expectation(None, None, f"{_verdict(tails)}: the integrand grows faster than the Gaussian density falls")
    window = _window(f, q)
    if window is None:
        return Expectation(None, None, f"{_FAILS}: the integrand is not small {REACH:g} standard deviations out")
    powers = {p: tuple(_power(a) for a, _ in pair) for p, pair in orders.items()}
    try:
        first, size, own = _integral(exact, q, window, powers, 2.0)
        second, _, _ = _integral(exact, q, window, powers, 3.0)
        error = float(abs(first - second) + own + size * mpmath.mpf(2) ** -52)
        if error <= _WORST * float(size) and math.isfinite(float(first)):
            return Expectation(float(first), error)
    except (ValueError, ArithmeticError, TypeError):
        pass
    return Expectation(None, None, _FAILS)


def _verdict(signs: list[int]) -> str:
    return "the expectation is infinite" if len(set(signs)) == 1 else "the expectation does not exist"


def _suspects(f: Functions) -> list[Any]:
    """Where f may be infinite or has a kink, as mpmath numbers: zeros of what is divided by or of which a log is."""
    e, x = f.activation.expression, f.activation.symbol
    points = list(f.activation.breakpoints)
    for part in e.atoms(Pow, log, tan):
        base = cos(part.args[0]) if isinstance(part, tan) else part.args[0]
        if x in base.free_symbols and not (isinstance(part, Pow) and part.exp.is_nonnegative):
            points += _zeros(base, x)
    with mpmath.workdps(100):
        return sorted({mpmath.mpf(str(p.evalf(60))) for p in points})


def _zeros(e: Expr, x: Symbol) -> list[Expr]:
    try:
        return list(breakpoints(Abs(e, evaluate=False), x))
    except InputError:
        return []


def _order(exact: Callable[[Any], Any], p: Any, side: int) -> tuple[float, int]:
    """The power a of |f| ~ h^-a at a distance h to one side of p, and the sign of f there; nan if it has no value."""
    with mpmath.workdps(100):
        try:
            values = [exact(p + side * mpmath.mpf(10) ** -n) for n in (_NEAR, _NEARER)]
            near, nearer = (mpmath.mpf(v) for v in values)
            if near == 0 or nearer == 0:
                return 0.0, 0
            return float(mpmath.log10(abs(nearer / near)) / (_NEARER - _NEAR)), int(mpmath.sign(nearer))
        except (ValueError, ArithmeticError, TypeError):
            return math.nan, 0


def _power(a: float) -> int:
    return max(1, math.ceil(1 / (1 - a))) if a > _POLE else 1


def _tail(f: Functions, q: float, side: int) -> int:
    """The sign of f where log|f| outgrows s²/(2q), from how it grows up to where f overflows; 0 if it does not."""
    s = side * np.geomspace(1e-3, 1e4, 1401)
    value = numpy_function(f.activation)(s)
    with np.errstate(all="ignore"):
        size = np.log(np.abs(np.where(np.isfinite(value), value, np.nan)))
    lost = np.flatnonzero(~np.isfinite(value) & (np.abs(s) > 1e-2))
    last = (int(lost[0]) if len(lost) else len(s)) - 1
    if last < 1 or not size[last] > _LARGE:
        return 0
    half = int(np.searchsorted(np.abs(s), abs(s[last]) / 2))
    order = math.log2(size[last] / size[half]) if size[half] > 0 else math.inf
    excess = size[last] * 2 * q / s[last] ** 2
    grows = order > 2 + _ORDER or (order > 2 - _ORDER and excess > 1 + _QUADRATIC)
    return int(np.sign(value[last])) if grows and excess > 0 else 0


def _window(f: Functions, q: float) -> tuple[float, float] | None:
    """Standard deviations between which f φ is not negligible; None where that is beyond `REACH`."""
    z = np.linspace(-REACH, REACH, 16 * int(REACH) + 2)
    with np.errstate(all="ignore"):
        logs = np.log(np.abs(numpy_function(f.activation)(math.sqrt(q) * z))) - 0.5 * z * z
    if np.isposinf(logs).any() or not np.isfinite(logs).any():
        return None
    keep = np.flatnonzero(logs > logs[np.isfinite(logs)].max() - _DEPTH)
    first, last = int(keep[0]), int(keep[-1])
    return None if first == 0 or last == len(z) - 1 else (float(z[first - 1]), float(z[last + 1]))


def _integral(
    exact: Callable[[Any], Any], q: float, window: tuple[float, float], powers: dict[Any, Any], width: float
) -> tuple[Any, Any, Any]:
    """∫ f φ, ∫ |f φ| and the rule's own error, over panels of at most ``width`` standard deviations."""
    digits = _DIGITS * (1 + max((m for pair in powers.values() for m in pair), default=1))
    with mpmath.workdps(_DIGITS):
        root = mpmath.sqrt(mpmath.mpf(q))
        low, high = (root * mpmath.mpf(z) for z in window)
        cuts = {low, high, *(p for p in powers if low < p < high)}
        total = size = error = mpmath.mpf(0)
        for a, b in pairwise(sorted(cuts)):
            count = 2 * max(1, math.ceil(float((b - a) / (2 * width * root))))
            for n in range(count):
                left, right = a + (b - a) * n / count, a + (b - a) * (n + 1) / count
                start, sign, m = left, 1, 1
                if n == 0 and a in powers:
                    m = powers[a][1]
                if n == count - 1 and b in powers:
                    start, sign, m = right, -1, powers[b][0]

                def term(t: Any, start: Any = start, sign: int = sign, m: int = m) -> Any:
                    # A point next to a pole has as many digits as its distance from it.
                    with mpmath.workdps(digits):
                        s = start + sign * t**m
                        return exact(s) * mpmath.exp(-s * s / (2 * q)) * m * t ** (m - 1)

                end = (right - left) ** (mpmath.mpf(1) / m)
                value, wrong = mpmath.quad(term, [0, end], error=True)
                total, error, size = total + value, error + abs(wrong), size + abs(value)
        norm = root * mpmath.sqrt(2 * mpmath.pi)
        return total / norm, size / norm, error / norm
