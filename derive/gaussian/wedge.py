"""J = ∫ exp(-A/t² - B t²)/(1 + t²) dt, to which Owen's T and the bivariate normal CDF come down, with a proven error.

Near t = 0 a power series; elsewhere Gauss-Legendre panels in log t, with as many nodes as the bound of the rule on
Bernstein ellipses asks for (Trefethen 2013, theorem 19.3).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
from mpmath.calculus.quadrature import GaussLegendre

Scaled = tuple[Any, Any]
"""(m, e), which stands for m exp(-e)."""

_TRIED = 16
_BOUND = 64 / 15
_SAFE = 1e200


def wedge(A: Any, B: Any, low: Any, high: Any, ctx: Any, bits: int) -> list[Scaled]:
    """J over 0 ≤ low < high ≤ 1 to ``bits`` bits as a sum of scaled numbers, for A, B ≥ 0 of `mpmath.mp`.

    The sums are made in ``ctx``, `mpmath.mp` or `mpmath.fp`, which adds a few of its own roundings.
    """
    mp = mpmath.mp
    near = min(high, mp.mpf(1) / 2, 1 / mp.sqrt(B) if B else high)
    if near**2 < 16 * A or 2 * low > near:
        return _panels(A, B, low, high, ctx, bits)
    # From here on the recurrence of the series is stable; from 0 it starts with a closed form.
    start = 2 * mp.sqrt(A) if low else mp.mpf(0)
    parts = _panels(A, B, low, start, ctx, bits) if low < start else []
    a, b, start, end = (ctx.convert(v) for v in (A, B, max(low, start), near))
    parts.append((_series(a, b, start, end, ctx, bits), mp.mpf(0)))
    return parts + (_panels(A, B, near, high, ctx, bits) if near < high else [])


# ---- near 0


def _series(A: Any, B: Any, low: Any, high: Any, ctx: Any, bits: int) -> Any:
    """Σ (-1)^k e_k(B) ∫ t^2k exp(-A/t²) dt with e_k(B) = Σ_{j≤k} B^j/j!, for high ≤ 1/2, B high² ≤ 1, 16 A ≤ high².

    A term is at most 1/4 + 1/(k+1) times the one before: what is left out is less than twice the last term.
    """
    upper, lower = _Moments(A, high, ctx), _Moments(A, low, ctx)
    total = upper.value - lower.value
    power = coefficient = ctx.one
    k, sign = 0, 1
    while True:
        k, sign = k + 1, -sign
        power = power * B / k
        coefficient += power
        upper.step(k)
        lower.step(k)
        total += sign * coefficient * (upper.value - lower.value)
        if k >= 3 and coefficient * upper.value * 2**bits <= total:
            return total


class _Moments:
    """∫_0^b t^2k exp(-A/t²) dt for k = 0, 1, ..., by (2k + 1) M_k = b^(2k+1) exp(-A/b²) - 2A M_(k-1)."""

    def __init__(self, A: Any, b: Any, ctx: Any) -> None:
        self._twice, self._square = 2 * A, b * b
        self._edge = b * ctx.exp(-A / (b * b)) if b else ctx.zero
        self.value = self._edge - (ctx.sqrt(ctx.pi * A) * ctx.erfc(ctx.sqrt(A) / b) if A and b else ctx.zero)

    def step(self, k: int) -> None:
        """Go from k - 1 to k."""
        self._edge *= self._square
        self.value = (self._edge - self._twice * self.value) / (2 * k + 1)


# ---- panels


@dataclass(frozen=True)
class _Peak:
    """The integrand about its peak t² = square: exp(-fall z - bend z²/(1+z))/(2 cosh log t), 1 + z = square/t².

    With 1 + z = exp(2v), v runs from -below to above, in units of log t; the exponent at the peak is taken out.
    """

    square: Any
    exponent: Any
    fall: Any
    bend: Any
    below: Any
    above: Any

    @classmethod
    def of(cls, A: Any, B: Any, low: Any, high: Any) -> _Peak:
        """Find the peak of the exponent on [low, high]; t -> 1/t puts it at the upper end or inside."""
        mp = mpmath.mp
        if B * low**4 > A or (A == 0 and B == 0 and low):
            A, B, low, high = B, A, 1 / high, 1 / low
        inside = high == mp.inf or B * high**4 > A
        square = mp.sqrt(A / B) if inside else high**2
        bend = mp.sqrt(A * B) if inside else B * square
        fall = mp.mpf(0) if inside else A / square - bend
        below = mp.log(high**2 / square) / 2 if inside else mp.mpf(0)
        return cls(square, fall + 2 * bend, fall, bend, below, mp.log(square / low**2) / 2 if low else mp.inf)

    def smallness(self) -> float:
        """About how small the integral is beside exp(-exponent): minus a logarithm, and a few units of room."""
        mp = mpmath.mp
        width = min(self.below + self.above, 1 / (1 + self.fall + mp.sqrt(self.bend)))
        return 5 - float(mp.log(width * mp.sqrt(self.square) / (1 + self.square)))

    def reach(self, depth: float) -> tuple[Any, Any]:
        """The range of v in which the exponent is at most ``depth`` above its value at the peak."""
        return -min(self.below, _until(0, self.bend, depth)), min(self.above, _until(self.fall, self.bend, depth))


def _until(fall: Any, bend: Any, depth: float) -> Any:
    """The v > 0 at which fall z + bend z²/(1+z) is ``depth``."""
    mp = mpmath.mp
    a, b = fall + bend, fall - depth
    if a == 0:
        return mp.inf
    root = mp.sqrt(b * b + 4 * a * depth)
    return mp.log1p(2 * depth / (root + b) if b > 0 else (root - b) / (2 * a)) / 2


def _panels(A: Any, B: Any, low: Any, high: Any, ctx: Any, bits: int) -> list[Scaled]:
    peak = _Peak.of(A, B, low, high)
    # Floats plan the panels, numbers of mpmath where floats would overflow.
    lib: Any = math if peak.exponent < _SAFE else mpmath.mp
    goal = bits * math.log(2)
    depth = goal + peak.smallness()
    while True:
        start, end = peak.reach(depth)
        bound, total = _tail(peak, start, end, depth), ctx.zero
        for panel in _plan(peak, start, end, depth, lib):
            total += _rule(peak, panel, ctx, bits)
            bound += panel.bound
        if bound <= mpmath.mp.exp(-goal) * total:
            return [(total, peak.exponent)]
        depth += 2 + float(mpmath.mp.log(bound / total) + goal if total else goal)


def _tail(peak: _Peak, start: Any, end: Any, depth: float) -> Any:
    """A bound of what lies outside start..end: the exponent is convex, and 1/(2 cosh) at most 1/2."""
    cut = (-start if -start < peak.below else 0) + (end if end < peak.above else 0)
    return mpmath.mp.exp(-depth) * cut / (2 * depth)


@dataclass(frozen=True)
class _Panel:
    middle: Any
    half: Any
    degree: int
    bound: Any


def _plan(peak: _Peak, start: Any, end: Any, depth: float, lib: Any) -> Iterator[_Panel]:
    """Panels that cover start..end, each with an error below exp(-depth)."""
    number = float if lib is math else mpmath.mp.mpf
    middle, half = (start + end) / 2, (end - start) / 2
    fall, bend, c, r = (number(v) for v in (peak.fall, peak.bend, middle, half))
    nodes = min(_needed(fall, bend, c, r, s, depth, lib) for s in _sizes(r, lib))
    degree = max(2, math.ceil(math.log2(nodes / 3)) + 1)
    if 3 * 2 ** (degree - 1) <= max(24, depth / 1.5):
        yield _Panel(middle, half, degree, mpmath.mp.exp(-depth))
        return
    yield from _plan(peak, start, middle, depth, lib)
    yield from _plan(peak, middle, end, depth, lib)


def _sizes(half: Any, lib: Any) -> list[Any]:
    """Ellipses of foci ±1, by the logarithm of the sum of their half-axes: those that keep |Im v| ≤ π/4."""
    largest = lib.asinh(math.pi / 4 / half)
    return [largest * k / _TRIED for k in range(1, _TRIED + 1)]


def _needed(fall: Any, bend: Any, middle: Any, half: Any, s: Any, depth: float, lib: Any) -> Any:
    """The nodes after which the rule's error, (64/15) half max|f| ρ^(2-2n)/(1 - ρ^-2) with ρ = exp(s), is exp(-depth).

    With Im v = θ the exponent's real part is at least cos 2θ times the exponent at Re v; |cosh| is at least cos θ.
    """
    theta, reach = half * lib.sinh(s), half * lib.cosh(s)
    lowest = lib.log(bend / (bend + fall)) / 4 if bend else -mpmath.inf
    z = lib.expm1(2 * min(max(lowest, middle - reach), middle + reach))
    least = fall * z + bend * z * z / (1 + z)
    growth = 2 * lib.sin(theta) ** 2 * (fall + 2 * bend) - lib.cos(2 * theta) * least
    factor = lib.log(_BOUND * half / 2 / lib.cos(theta) / -lib.expm1(-2 * s))
    return 1 + max(1, (growth + factor + depth) / (2 * s))


def _rule(peak: _Peak, panel: _Panel, ctx: Any, bits: int) -> Any:
    """The sum of the Gauss-Legendre rule on a panel."""
    square, fall, bend, c, r = (
        ctx.convert(v) for v in (peak.square, peak.fall, peak.bend, 2 * panel.middle, 2 * panel.half)
    )
    exp, sqrt, total = ctx.exp, ctx.sqrt, ctx.zero
    rise = math.expm1 if ctx is mpmath.fp else (lambda u: exp(u) - 1)
    for x, weight in _float_nodes(panel.degree) if ctx is mpmath.fp else _nodes(panel.degree, -(-bits // 32) * 32):
        z = rise(c + r * x)
        t = square / (1 + z)
        total += weight * exp(-z * (fall + bend * z / (1 + z))) * sqrt(t) / (1 + t)
    return total * r / 2


@lru_cache(maxsize=64)
def _nodes(degree: int, precision: int) -> tuple[tuple[Any, Any], ...]:
    """3 2^(degree-1) nodes and weights on [-1, 1]."""
    return tuple(GaussLegendre(mpmath.mp).calc_nodes(degree, precision + 10))


@lru_cache(maxsize=16)
def _float_nodes(degree: int) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(w)) for x, w in _nodes(degree, 64))
