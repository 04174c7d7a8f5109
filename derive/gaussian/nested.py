"""Gaussian expectations in several variables by nested Gauss–Legendre panels in floats, split at the kinks.

An outer integrand has edges of its own: where a kink stands still while the later coordinates move, and where
two kinks of the next coordinate cross.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import mpmath

from derive import limits
from derive.gaussian.quadrature import Integrand, nodes_for, panels, roots_on_line

Point = Callable[[Sequence[float]], list[float]]
Switch = Callable[[Sequence[float]], float]

_DENSITY = 0.3989422804014327  # 1/√(2π)
_EDGE = 1e-11  # the share of a sum that the outermost panel may hold
_FARTHER = 12  # panels that may be added on a side


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
    f: Switch, switches: Sequence[Switch], cholesky: Sequence[Sequence[float]], mean: Sequence[float]
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

    def point(t: Sequence[float]) -> list[float]:
        return [m + sum(c * x for c, x in zip(row, t, strict=False)) for m, row in zip(mean, cholesky, strict=True)]

    def inner(t: list[float]) -> tuple[float, float]:
        k = len(t)
        last = k == n - 1
        kinks, width = _outer_edges(switches, point, t, n, step) if not last else ([], step)

        def line(u: Switch) -> Integrand:
            return lambda x: u(point([*t, x, *([0.0] * (n - k - 1))]))

        for u in switches:
            roots = roots_on_line(line(u), ctx)
            if last or _depends_only(u, point, t, n, roots):
                kinks += roots

        start, along = point(t), [row[k] for row in cholesky]

        def panel(a: float, b: float) -> tuple[float, float]:
            limits.check()
            total = size = 0.0
            half, middle = (b - a) / 2, (a + b) / 2
            for x, w in nodes:
                s = middle + half * x
                weight = half * w * _DENSITY * ctx.exp(-s * s / 2)
                if last:
                    value = f([p + q * s for p, q in zip(start, along, strict=True)])
                    absolute = abs(value)
                else:
                    value, absolute = inner([*t, s])
                total += weight * value
                size += weight * absolute
            return total, size

        found = [panel(a, b) for a, b in panels(kinks, reach, width, ctx)]
        total, size = sum(p[0] for p in found), sum(p[1] for p in found)
        for side, edge in ((-1, found[0]), (1, found[-1])):
            # a growing factor moves the mass outwards: follow it
            for far in range(_FARTHER):
                if edge[1] <= _EDGE * size:
                    break
                a, b = reach + far * width, reach + (far + 1) * width
                edge = panel(a, b) if side > 0 else panel(-b, -a)
                total, size = total + edge[0], size + edge[1]
        return total, size

    return inner([])


def _outer_edges(
    switches: Sequence[Switch], point: Point, t: Sequence[float], n: int, step: float
) -> tuple[list[float], float]:
    """Where two affine kinks of the next coordinate cross, and a panel width that resolves how they move."""
    forms = [form for u in switches if (form := _affine(u, point, t, n)) is not None]
    crossings, width = [], step
    for _, a, b in forms:
        if b and a:
            width = min(width, 1.5 * step * abs(b / a))
    for (c, a, b), (d, p, q) in combinations(forms, 2):
        across = a * q - p * b
        if b and q and abs(across) > 1e-9 * (abs(a * q) + abs(p * b)):
            crossings.append((d * b - c * q) / across)
    return crossings, max(0.2, width)


def _affine(u: Switch, point: Point, t: Sequence[float], n: int) -> tuple[float, float, float] | None:
    """(c, a, b) of a switch that is c + a x + b y in the next two coordinates, and in no later one."""
    rest = [0.0] * (n - len(t) - 2)

    def at(x: float, y: float, later: float = 0.0) -> float:
        return u(point([*t, x, y, *(r + later for r in rest)]))

    c = at(0.0, 0.0)
    a, b = at(1.0, 0.0) - c, at(0.0, 1.0) - c
    size = abs(c) + abs(a) + abs(b)
    a, b = (0.0 if abs(x) < 1e-12 * size else x for x in (a, b))
    probes = ((-3.0, 2.0, 1.0), (5.0, 7.0, -2.0))
    exact = all(abs(at(x, y, z) - (c + a * x + b * y)) <= 1e-9 * size for x, y, z in probes)
    return (c, a, b) if exact else None


def _depends_only(u: Switch, point: Point, t: list[float], n: int, roots: Sequence[float]) -> bool:
    """Whether the zero of u does not move with the later coordinates."""
    for r in roots:
        later = n - len(t) - 1
        values = [abs(u(point([*t, r, *([x] * later)]))) for x in (1.0, -2.0)]
        if max(values) > 1e-9:
            return False
    return bool(roots)
