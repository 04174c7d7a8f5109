"""E[g(x)] of a Gaussian x as a number with a proved bound, for several g and many laws at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from derive.expressions.stable import stable
from derive.quadrature.bounded import Bounded
from derive.quadrature.boxes import Adaptive, Boxes, Integrand, Sums, joined
from derive.quadrature.discs import EPS, Disc, Floats
from derive.quadrature.growth import Growth
from derive.quadrature.poles import NEAREST, Order, order, suspects
from derive.quadrature.reading import Reading
from derive.quadrature.signs import affine_forms, with_signs

_FIRST, _LAST = 9.0, 1e9
_GRID = 2.0**-44
_NEIGHBOURHOOD = 2.0**-8
_RATIO = 3.0
_LARGE = 300.0  # of log|g|: beyond it float64 shows how g grows
_POWER, _FALL = 0.1, 1e-9  # what growth and rounding may hide of a power of z, and of a logarithm
_NO_NUMBER = 1e-6
"""Of ∫|g|: with a larger error there is no number."""


_SEEN = ", as far as floating-point numbers show"
_NO_REASON = {
    (False, False): "",
    (True, False): "the quadrature does not converge",
    (True, True): "the expectation is beyond the range of floating-point numbers",
}


@dataclass(frozen=True)
class _Pole:
    """A pole p from one side: g(p ± t) and its order."""

    point: sp.Expr
    side: int
    orders: tuple[Order | None, ...]


class Line:
    """E[g(x)], x ~ N(mean, variance), of the outputs g.

    Raises `CannotRead` for a function without a rule.

    >>> from sympy import Symbol, tanh
    >>> x = Symbol("x", real=True)
    >>> (square,) = Line([tanh(x) ** 2], x)(0.0, 1.0)
    >>> float(square.value.round(12)), bool(square.error < 1e-14)
    (0.39429449039..., True)
    """

    def __init__(self, outputs: Sequence[sp.Expr], x: sp.Symbol) -> None:
        self._given = [sp.sympify(g, strict=True) for g in outputs]
        self.outputs = [stable(g) for g in self._given]
        self.x = x
        self.z, self.t = sp.Dummy("z", real=True), sp.Dummy("t", positive=True)
        self.m, self.s = sp.Dummy("m", real=True), sp.Dummy("s", positive=True)
        inside = {x: self.m + self.s * self.z}
        self._inside = [g.xreplace(inside) for g in self.outputs]
        self._growths = [Growth(g, [self.z]) for g in self._inside]
        forms = affine_forms(self.outputs, [x])
        self.breakpoints = [x - f for f in forms]
        signs = {f: sp.sign(f) for f in forms}
        self._cut = [with_signs(g, [x], signs).xreplace(inside) for g in self.outputs]
        self._reading = Reading([g * _density(self.z) for g in self._cut], [self.z])
        self.points = sorted({float(p) for p in self.breakpoints})

    def __call__(self, mean: Any, variance: Any, tolerance: float = EPS / 4) -> tuple[Bounded, ...]:
        """One `Bounded` for each output, with arrays of the broadcast shape of mean and variance (positive)."""
        mean, variance = np.broadcast_arrays(np.asarray(mean, np.float64), np.asarray(variance, np.float64))
        sums, diverges, reasons = self.sums(mean.ravel(), variance.ravel(), self._reading, tolerance=tolerance)
        if not (np.isfinite(sums.error) | diverges).all():
            # One exponential overflows where the other makes up for it; joined they lose digits instead.
            sums, diverges, reasons = self.sums(mean.ravel(), variance.ravel(), self._joined, tolerance=tolerance)
        found = []
        for k in range(len(self.outputs)):
            value, error, size = sums.value[:, k].copy(), sums.error[:, k].copy(), sums.size[:, k]
            value[np.isinf(value) & (error < np.inf)] = np.nan
            error[~(error <= np.where(size == 0, np.inf, _NO_NUMBER * size))] = np.inf
            beyond = np.isinf(value) & np.isinf(error)
            error[diverges[:, k]] = 0.0
            value[diverges[:, k]] = np.inf
            reason = reasons[k] or _NO_REASON[bool(np.isinf(error).any()), bool(beyond.any())]
            value, error, size = (a.reshape(mean.shape) for a in (value, error, size))
            found.append(Bounded(value, error, reason=reason, size=size))
        return tuple(found)

    @cached_property
    def _joined(self) -> Reading:
        return Reading([stable(_by_exponentials(g) * _density(self.z)) for g in self._cut], [self.z])

    def sums(
        self, mean: Floats, variance: Floats, reading: Integrand | None = None, *, width: float = 1.0, **rule: Any
    ) -> tuple[Sums, Any, list[str]]:
        """The sums of boxes that start at most so wide near the mean, where outputs diverge, and why."""
        root = np.sqrt(variance)
        owners, outputs = len(mean), len(self.outputs)
        reasons = [self._infinite(k) for k in range(outputs)]
        if all(reasons):
            return Sums.none(owners, outputs), np.ones((owners, outputs), bool), reasons
        given = {self.m: Disc(mean, 0 * mean), self.s: Disc(root, EPS * root)}
        run = Adaptive(reading or self._reading, [self.z], given, owners=owners, outputs=outputs, **rule)
        holes = [self._holes(float(m), float(s)) for m, s in zip(mean, root, strict=True)]
        diverges = np.zeros((owners, outputs), bool)
        diverges[:, [k for k in range(outputs) if reasons[k]]] = True
        left, seen = self._outward(run, mean, root, holes, diverges, width)
        run.sums.left = left
        run.sums.error += left
        for n in range(owners):
            if holes[n]:
                self._poles(run.sums, n, mean[n], root[n], holes[n])
        for k in range(outputs):
            if diverges[:, k].any():
                first = int(np.argmax(diverges[:, k]))
                how = _SEEN if seen[first, k] else ""
                reasons[k] = reasons[k] or self._why(k, mean[first], root[first]) + how
        return run.sums, diverges, reasons

    def _outward(
        self, run: Adaptive, mean: Floats, root: Floats, holes: Any, diverges: Any, width: float
    ) -> tuple[Floats, Any]:
        """Integrate out to where only ``tolerance`` is left; return bounds of what is, and where growth decided."""
        owners = len(mean)
        reach = np.full(owners, _FIRST)
        numbers = {self.m: mean, self.s: root}
        run.take(joined([self._start(n, -_FIRST, _FIRST, mean[n], root[n], holes[n], width) for n in range(owners)]))
        while True:
            left = np.stack([np.broadcast_to(g.beyond(reach, numbers), (owners,)) for g in self._growths], axis=1)
            short = left > run.tolerance * run.sums.size
            more = short.any(axis=1) & (reach < _LAST) & np.isfinite(run.sums.size).all(axis=1)
            more &= ~np.isinf(left).all(axis=1) | (reach < 40)
            if not more.any():
                break
            parts = []
            for n in np.flatnonzero(more).tolist():
                further = np.ceil(1.25 * reach[n])
                for a, b in ((reach[n], further), (-further, -reach[n])):
                    parts.append(self._start(n, a, b, mean[n], root[n], holes[n], width))
                reach[n] = further
            run.take(joined(parts))
        seen = np.zeros_like(diverges)
        for k, growth in enumerate(self._growths):
            lost = np.isinf(left[:, k])
            if lost.any():
                diverges[:, k] |= lost & np.broadcast_to(growth.diverges(reach, numbers), (owners,))
                for n in map(int, np.flatnonzero(lost & ~diverges[:, k])):
                    diverges[n, k] = seen[n, k] = any(self._tail(k, mean[n], root[n], side) for side in (-1, 1))
        return left, seen

    # ---- where boxes start

    def _start(self, owner: int, low: float, high: float, mean: float, root: float, holes: Any, width: float) -> Boxes:
        count = max(1, int((high - low) / max(width, 0.05 * min(abs(low), abs(high)))))
        edges = list(np.linspace(low, high, count + 1))
        for p in self.points:
            edges += [e for e in _on_grid((p - mean) / root, mean / root) if low < e < high]
        gaps = [(a, b) for _, a, b in holes]
        edges += [e for gap in gaps for e in gap if low < e < high]
        cut = np.unique(np.array(edges))
        middle, half = 0.5 * (cut[1:] + cut[:-1]), 0.5 * np.diff(cut)
        for a, b in gaps:
            keep = ~((middle > a) & (middle < b))
            middle, half = middle[keep], half[keep]
        return Boxes(np.full(len(middle), owner), middle[None], half[None])

    # ---- poles

    @property
    def has_poles(self) -> bool:
        """Whether there may be a point next to which the variable is the distance from it."""
        return bool(self._suspects)

    @cached_property
    def _suspects(self) -> Sequence[sp.Expr]:
        return sorted({p for g in self._given for p in suspects(g, self.x)}, key=float)

    @cached_property
    def _sides(self) -> list[_Pole]:
        found = []
        for p in self._suspects:
            for side in (-1, 1):
                near = [_at(g, self.x, p, side, self.t) for g in self._given]
                found.append(_Pole(p, side, tuple(order(g, self.t) for g in near)))
        return found

    def _infinite(self, k: int) -> str:
        """Why an output has no integral up to one of its poles; empty where it has, or that is not known."""
        signs: list[int] = []
        where = None
        for pole in self._sides:
            o = pole.orders[k]
            if o is not None and o.diverges:
                g = _at(self._given[k], self.x, pole.point, pole.side, sp.Float("1e-30", 30))
                signs.append(int(sp.sign(g.evalf(30))))
                where = pole.point if where is None else where
        return "" if where is None else f"{_verdict(signs)}: there is no integral up to the pole at {float(where):g}"

    def _why(self, k: int, mean: float, root: float) -> str:
        grown = [tail for side in (-1, 1) if (tail := self._tail(k, mean, root, side))]
        return f"{_verdict(grown)}: the integrand grows faster than the Gaussian density falls"

    def _tail(self, k: int, mean: float, root: float, side: int) -> int:
        """The sign of g where |g| outgrows 1/(z φ), from how it grows until g overflows; 0 where it does not.

        Near z²/2 the growth of log|g| alone says nothing: exp(z²/2)/(1 + z²) has an expectation.
        """
        z = side * np.geomspace(1e-3, 1e6, 1801)
        value = self._values(k, mean, root, z)
        with np.errstate(all="ignore"):
            size = np.log(np.abs(np.where(np.isfinite(value), value, np.nan)))
        lost = np.flatnonzero(~np.isfinite(value) & (np.abs(z) > 1e-2))
        last = (int(lost[0]) if len(lost) else len(z)) - 1
        if last < 1 or not size[last] > _LARGE:
            return 0
        half = int(np.searchsorted(np.abs(z), abs(z[last]) / 2))
        power = np.log2(size[last] / size[half]) if size[half] > 0 else np.inf
        start, end = (size[n] - 0.5 * z[n] ** 2 + np.log(abs(z[n])) for n in (half, last))
        return int(np.sign(value[last])) if power > 2 - _POWER and end >= start - _FALL else 0

    def _values(self, k: int, mean: float, root: float, z: Floats) -> Floats:
        reading = Reading([self._inside[k]], [self.z])
        given = {self.m: np.asarray(mean), self.s: np.asarray(root), self.z: z}
        ((mid, _),), _ = reading({s: Disc(v, np.zeros(v.shape)) for s, v in given.items()})
        return np.asarray(np.broadcast_to(mid, z.shape))

    def _holes(self, mean: float, root: float) -> list[tuple[sp.Expr, float, float]]:
        """Poles with the z between which their own variable is used."""
        found = []
        places = [(p, (float(p) - mean) / root) for p in self._suspects]
        for n, (p, at) in enumerate(places):
            gaps = [abs(at - other) for k, (_, other) in enumerate(places) if k != n]
            width = min([_NEIGHBOURHOOD * max(1.0, abs(at)), *(g / 4 for g in gaps)])
            (low, _), (_, high) = _on_grid(at - width), _on_grid(at + width)
            found.append((p, float(low), float(high)))
        return found

    @cached_property
    def _near(self) -> dict[tuple[sp.Expr, int], Reading]:
        """G(p ± t) times the density, in x = p ± t."""
        made = {}
        for pole in self._sides:
            x = pole.point + pole.side * self.t
            density = sp.exp(-((x - self.m) ** 2) / (2 * self.s**2)) / (sp.sqrt(2 * sp.pi) * self.s)
            near = [_at(g, self.x, pole.point, pole.side, self.t) for g in self.outputs]
            made[pole.point, pole.side] = Reading([stable(g * density) for g in near], [self.t])
        return made

    def _poles(self, sums: Sums, n: int, mean: float, root: float, holes: Any) -> None:
        given = {self.m: Disc(np.array([mean]), np.zeros(1)), self.s: Disc(np.array([root]), EPS * np.array([root]))}
        for p, low, high in holes:
            for pole in (q for q in self._sides if q.point == p):
                end = high if pole.side > 0 else low
                width = abs(mean + root * end - float(p))
                run = Adaptive(self._near[p, pole.side], [self.t], given, owners=1, outputs=len(self.outputs))
                count = int(np.log(width / NEAREST) / np.log(_RATIO)) + 1
                edges = width * _RATIO ** -np.arange(count, -1.0, -1.0)
                run.take(
                    Boxes(np.zeros(count, int), (0.5 * (edges[1:] + edges[:-1]))[None], (0.5 * np.diff(edges))[None])
                )
                top = float(
                    np.exp(-0.5 * min(abs(low), abs(high)) ** 2) / (root * np.sqrt(2 * np.pi))
                    if low * high > 0
                    else 0.4 / root
                )
                sliver = Disc(np.array([0.5 * edges[0]]), np.array([0.5 * edges[0]]))
                hulls, _ = self._near[p, pole.side]({**given, self.t: sliver})
                for k, (o, hull) in enumerate(zip(pole.orders, hulls, strict=True)):
                    # A function that is regular here is bounded by its values.
                    beside = float(np.max(np.abs(hull.mid) + hull.rad) * edges[0])
                    left_out = np.inf if o is None else top * o.left_out(edges[0])
                    left_out = np.fmin(left_out, beside if np.isfinite(beside) else np.inf)
                    sums.value[n, k] += run.sums.value[0, k]
                    sums.size[n, k] += run.sums.size[0, k]
                    sums.error[n, k] += run.sums.error[0, k] + left_out
                    # The far end of the neighbourhood is known to so many digits.
                    sums.error[n, k] += (
                        4 * EPS * (abs(mean) + root * abs(end) + abs(float(p))) / width * run.sums.size[0, k]
                    )


def _verdict(signs: Sequence[int]) -> str:
    return "the expectation is infinite" if len(set(signs)) == 1 else "the expectation does not exist"


def _by_exponentials(g: sp.Expr) -> sp.Expr:
    """Hyperbolic functions by exponentials of what is not negative, which can be joined with others."""
    g = g.replace(sp.cosh, lambda u: sp.exp(sp.Abs(u)) * (1 + sp.exp(-2 * sp.Abs(u))) / 2)
    return g.replace(sp.sinh, lambda u: sp.sign(u) * sp.exp(sp.Abs(u)) * (1 - sp.exp(-2 * sp.Abs(u))) / 2)


def _density(z: sp.Symbol) -> sp.Expr:
    return sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


def _at(g: sp.Expr, x: sp.Symbol, p: sp.Expr, side: int, t: sp.Expr) -> sp.Expr:
    # log t² would underflow where 2 log t does not.
    return sp.expand_log(g.subs(x, p + side * t))


def _on_grid(at: float, beside: float = 0.0) -> tuple[float, float]:
    """Neighbours of a point on a grid, on which middles and halves stay exact; 0 needs none.

    They are further off than the rounding of what is computed from numbers as large as ``beside``.
    """
    size = max(abs(at), abs(beside))
    if not size:
        return 0.0, 0.0
    spacing = _GRID * 2.0 ** np.ceil(np.log2(size))
    return float((np.floor(at / spacing) - 1) * spacing), float((np.ceil(at / spacing) + 1) * spacing)
