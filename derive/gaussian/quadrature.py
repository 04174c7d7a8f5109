"""High-precision, kink-aware quadrature of Gaussian expectations: the other side of every check.

One variable: adaptive Gauss–Legendre on panels between the kinks. Two variables and a product of
one-variable factors:
Mehler's expansion E[f(x) h(y)] = Σ ρ^n f_n h_n in normalised Hermite coefficients. Otherwise: nested panels
in floats.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import mpmath

Integrand = Callable[[Any], Any]
ORDER = 16
MOST_PANELS = 400


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
    used: list[Any] = []
    effort = 0
    total, size = ctx.zero, ctx.zero

    def panel(a: Any, b: Any) -> tuple[Any, Any, list[Any]]:
        nonlocal effort
        effort += 1
        if effort > MOST_PANELS:
            raise NoConvergence
        half, middle = (b - a) / 2, (a + b) / 2
        points, sum_, absolute = [], ctx.zero, ctx.zero
        for x, w in nodes:
            t = middle + half * x
            value = half * w * norm * ctx.exp(-t * t / 2) * f(t)
            points.append((t, value))
            sum_ += value
            absolute += abs(value)
        return sum_, absolute, points

    def adapt(a: Any, b: Any, known: tuple[Any, Any, list[Any]], depth: int) -> tuple[Any, Any, list[Any]]:
        m = (a + b) / 2
        left, right = panel(a, m), panel(m, b)
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
        # a growing factor moves the mass outwards: follow it
        for _ in range(40):
            a, b, edge = rough[side]
            if edge[1] <= tolerance * size:
                break
            extra = (a - width, a) if side == 0 else (b, b + width)
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


def square_root(C: Sequence[Sequence[float]]) -> list[list[float]]:
    """L with L Lᵀ = C, columns of zeros (of a singular C) left out."""
    n = len(C)
    columns: list[list[float]] = []
    for k in range(n):
        pivot = C[k][k] - sum(c[k] ** 2 for c in columns)
        if pivot < -1e-9 * max(1.0, C[k][k]):
            raise ValueError("indefinite covariance")
        if pivot < 1e-12 * max(1e-12, C[k][k]):
            continue
        scale = pivot**0.5
        rest = [(C[i][k] - sum(c[i] * c[k] for c in columns)) / scale if i > k else 0.0 for i in range(n)]
        rest[k] = scale
        columns.append(rest)
    return [[c[i] for c in columns] for i in range(n)]


def nested(
    f: Callable[[Sequence[float]], float],
    switches: Sequence[Callable[[Sequence[float]], float]],
    cholesky: Sequence[Sequence[float]],
    mean: Sequence[float],
) -> tuple[float, float]:
    """(E[f], E|f|) by nested panels in floats; variable k is mean_k + Σ_j L_kj t_j with independent
    standard t_j.
    """
    ctx = mpmath.fp
    nodes = nodes_for(ctx, 14)
    n = len(cholesky[0])
    if n == 0:
        return f(mean), abs(f(mean))
    step = 2.0 if n <= 2 else 3.4
    reach = 9.0 if n <= 2 else 7.2
    # with a correlation near 1 the inner integral varies on the scale of the last conditional deviation
    sharpness = min((abs(row[-1]) / sum(c * c for c in row) ** 0.5 for row in cholesky if row[-1]), default=1.0)

    def point(t: Sequence[float]) -> list[float]:
        return [m + sum(c * x for c, x in zip(row, t, strict=False)) for m, row in zip(mean, cholesky, strict=True)]

    def inner(t: list[float]) -> tuple[float, float]:
        k = len(t)

        def line(u: Callable[[Sequence[float]], float]) -> Integrand:
            return lambda x: u(point([*t, x, *([0.0] * (n - k - 1))]))

        kinks: list[float] = []
        for u in switches:
            roots = roots_on_line(line(u), ctx)
            if k == n - 1 or _depends_only(u, point, t, n, roots):
                kinks += roots
        total = size = 0.0
        width = step if k == n - 1 else max(0.2, step * min(1.0, 1.5 * sharpness))
        for a, b in panels(kinks, reach, width, ctx):
            half, middle = (b - a) / 2, (a + b) / 2
            for x, w in nodes:
                s = middle + half * x
                weight = half * w * 0.3989422804014327 * ctx.exp(-s * s / 2)
                if k == n - 1:
                    value = f(point([*t, s]))
                    total += weight * value
                    size += weight * abs(value)
                else:
                    value, absolute = inner([*t, s])
                    total += weight * value
                    size += weight * absolute
        return total, size

    return inner([])


def _depends_only(
    u: Callable[[Sequence[float]], float],
    point: Callable[[Sequence[float]], list[float]],
    t: list[float],
    n: int,
    roots: Sequence[float],
) -> bool:
    """Whether the zero of u does not move with the later coordinates."""
    for r in roots:
        later = n - len(t) - 1
        values = [abs(u(point([*t, r, *([x] * later)]))) for x in (1.0, -2.0)]
        if max(values) > 1e-9:
            return False
    return bool(roots)
