"""High-precision, kink-aware quadrature of Gaussian expectations: the other side of every check.

One variable: adaptive Gauss–Legendre on panels between the kinks. Two variables and a product of
one-variable factors:
Mehler's expansion E[f(x) h(y)] = Σ ρ^n f_n h_n in normalised Hermite coefficients. Otherwise: nested panels
in floats, in `nested`.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import mpmath

from derive import limits

Integrand = Callable[[Any], Any]
ORDER = 16
MOST_PANELS = 400
FARTHEST_KINK = 25


class NoConvergence(Exception):
    """The quadrature did not reach its tolerance."""


@cache
def _nodes(order: int, precision: int) -> tuple[tuple[Any, Any], ...]:
    """Gauss–Legendre nodes and weights on [-1, 1] by Newton's method."""
    ctx = mpmath.mp
    with mpmath.workprec(precision + 20):
        pairs = []
        for i in range(1, order + 1):
            x = ctx.cos(ctx.pi * (i - ctx.mpf(1) / 4) / (order + ctx.mpf(1) / 2))
            slope = ctx.one
            for _ in range(60):
                p, q = ctx.one, ctx.zero
                for j in range(order):
                    p, q = ((2 * j + 1) * x * p - j * q) / (j + 1), p
                slope = order * (x * p - q) / (x * x - 1)
                step = p / slope
                x -= step
                if abs(step) < ctx.mpf(2) ** (-precision - 5):
                    break
            pairs.append((x, 2 / ((1 - x * x) * slope * slope)))
    return tuple(pairs)


def nodes_for(ctx: Any, order: int = ORDER) -> tuple[tuple[Any, Any], ...]:
    """Nodes and weights in the given context."""
    if ctx is mpmath.fp:
        return tuple((float(x), float(w)) for x, w in _nodes(order, 53))
    return _nodes(order, ctx.prec)


def panels(kinks: Sequence[Any], reach: float, width: float, ctx: Any) -> list[tuple[Any, Any]]:
    """Panels of at most `width` standard deviations covering ±reach, with the kinks on their edges."""
    count = int(2 * reach / width) + 1
    grid = [ctx.mpf(-reach) + ctx.mpf(2 * reach) * n / count for n in range(count + 1)]
    edges = sorted([*grid, *(k for k in kinks if -reach < k < reach)])
    return [(a, b) for a, b in pairwise(edges) if b - a > ctx.mpf(10) ** (-20)]


def gaussian_integral(f: Integrand, kinks: Sequence[Any], ctx: Any, digits: int) -> tuple[Any, Any, list[Any]]:
    """(∫ f(t) φ(t) dt, ∫ |f| φ dt, the nodes used as [(t, weight · φ(t) · f(t))])."""
    nodes = nodes_for(ctx)
    norm = 1 / ctx.sqrt(2 * ctx.pi)
    tolerance = ctx.mpf(10) ** (-digits)
    reach, width = 5.0 + digits * 0.28, 2.2
    # a step far out may leave nothing but its tail
    reach = max(reach, *(float(abs(k)) + 3.0 for k in kinks if abs(k) < FARTHEST_KINK), 0.0)
    used: list[Any] = []
    effort = 0
    total, size = ctx.zero, ctx.zero

    def panel(a: Any, b: Any) -> tuple[Any, Any, list[Any]]:
        nonlocal effort
        effort += 1
        limits.check()
        if effort > MOST_PANELS:
            raise NoConvergence
        half, middle = (b - a) / 2, (a + b) / 2
        points, sum_, absolute = [], ctx.zero, ctx.zero
        for x, w in nodes:
            t = middle + half * x
            value = f(t)
            if value:
                value = half * w * norm * ctx.exp(-t * t / 2) * value
            points.append((t, value))
            sum_ += value
            absolute += abs(value)
        return sum_, absolute, points

    def adapt(a: Any, b: Any, known: tuple[Any, Any, list[Any]], depth: int) -> tuple[Any, Any, list[Any]]:
        nonlocal size
        m = (a + b) / 2
        left, right = panel(a, m), panel(m, b)
        # a peak between the first nodes shows now
        size = max(size, left[1] + right[1])
        error = abs(left[0] + right[0] - known[0])
        if error <= tolerance * max(size, known[1]):
            return left[0] + right[0], left[1] + right[1], left[2] + right[2]
        if depth == 0:
            raise NoConvergence
        left, right = adapt(a, m, left, depth - 1), adapt(m, b, right, depth - 1)
        return left[0] + right[0], left[1] + right[1], left[2] + right[2]

    rough = [(a, b, panel(a, b)) for a, b in panels(kinks, reach, width, ctx)]
    size = sum((p[1] for _, _, p in rough), ctx.zero)
    for side in (0, -1):
        # a growing factor moves the mass outwards: follow it in ever longer panels
        for step in range(40):
            a, b, edge = rough[side]
            if edge[1] <= tolerance * size:
                break
            wide = width * max(1.0, 1.3 ** (step - 8))
            extra = (a - wide, a) if side == 0 else (b, b + wide)
            made = (*extra, panel(*extra))
            size += made[2][1]
            rough.insert(0, made) if side == 0 else rough.append(made)
        else:
            raise NoConvergence
    for a, b, known in rough:
        if known[1] <= tolerance * size:
            value, absolute, points = known
        else:
            value, absolute, points = adapt(a, b, known, 8)
        total += value
        used += points
        del absolute
    return total, size, used


def hermite_coefficients(points: Sequence[tuple[Any, Any]], count: int, ctx: Any) -> list[Any]:
    """f_n = E[f(t) He_n(t)]/√n! from the weighted values of f."""
    sums = [ctx.zero] * count
    roots = [ctx.sqrt(n) for n in range(count + 1)]
    for t, value in points:
        if not value:
            # One side of a kink is often zero, and adds nothing.
            continue
        previous, current = ctx.zero, value
        sums[0] += current
        for n in range(1, count):
            previous, current = current, (t * current - roots[n - 1] * previous) / roots[n]
            sums[n] += current
    return sums


def mehler(left: Sequence[Any], right: Sequence[Any], rho: Any, ctx: Any, digits: int) -> Any:
    """E[f(x) h(y)] = Σ ρ^n f_n h_n for standard normals of correlation ρ (Mehler 1866)."""
    total, power = ctx.zero, ctx.one
    terms = []
    for a, b in zip(left, right, strict=True):
        term = power * a * b
        terms.append(abs(term))
        total += term
        power *= rho
    largest = max(terms)
    if largest and max(terms[-4:]) > largest * ctx.mpf(10) ** (-digits):
        raise NoConvergence
    return total


def roots_on_line(f: Integrand, ctx: Any, reach: float = 14.0) -> list[Any]:
    """Where a switching function changes sign: exact when it is affine, by scan and bisection otherwise."""
    zero, one = f(ctx.zero), f(ctx.one)
    slope = one - zero
    probes = (-7, 3, 11)
    if all(abs(f(ctx.mpf(t)) - (zero + slope * t)) <= abs(slope * t) * ctx.mpf(10) ** (-12) for t in probes):
        return [-zero / slope] if slope != 0 else []
    grid = [-reach + 2 * reach * n / 280 for n in range(281)]
    values = [f(ctx.mpf(t)) for t in grid]
    found = []
    for a, b, u, v in zip(grid, grid[1:], values, values[1:], strict=False):
        if (u > 0) != (v > 0):
            found.append(_bisect(f, ctx.mpf(a), ctx.mpf(b), u > 0, ctx))
    return found


def _bisect(f: Integrand, a: Any, b: Any, positive: bool, ctx: Any) -> Any:
    steps = 55 if ctx is mpmath.fp else int(ctx.prec)
    for _ in range(steps):
        m = (a + b) / 2
        if (f(m) > 0) == positive:
            a = m
        else:
            b = m
    return (a + b) / 2
