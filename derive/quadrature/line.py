"""E[g(x)] of a Gaussian x as a number with a proved bound, for several g and many laws at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from derive.gaussian.evaluate import switches
from derive.quadrature.boxes import Adaptive, Boxes, Sums, joined
from derive.quadrature.bounded import Bounded
from derive.quadrature.discs import EPS, Disc, Floats
from derive.quadrature.growth import Growth
from derive.quadrature.poles import NEAREST, Order, order, suspects
from derive.quadrature.reading import Reading

_FIRST, _LAST = 8.0, 1e9
_GRID = 2.0**-44
_NEIGHBOURHOOD = 2.0**-8
_RATIO = 3.0
_NO_NUMBER = 1e-6
"""Of ∫|g|: with a larger error there is no number."""


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
        from numerics.stable_forms import stable

        self._given = [sp.sympify(g, strict=True) for g in outputs]
        self.outputs = [stable(g) for g in self._given]
        self.x = x
        self.z, self.t = sp.Dummy("z", real=True), sp.Dummy("t", positive=True)
        self.m, self.s = sp.Dummy("m", real=True), sp.Dummy("s", positive=True)
        self._inside = [g.xreplace({x: self.m + self.s * self.z}) for g in self.outputs]
        self._reading = Reading([g * _density(self.z) for g in self._inside], [self.z])
        self._growths = [Growth(g, [self.z]) for g in self._inside]
        self.breakpoints = list(dict.fromkeys(p for g in self._given for p in _affine_zeros(g, x)))
        self.points = sorted({float(p) for p in self.breakpoints})

    def __call__(self, mean: Any, variance: Any, tolerance: float = EPS / 4) -> tuple[Bounded, ...]:
        """One `Bounded` for each output, with arrays of the broadcast shape of mean and variance (positive)."""
        mean, variance = np.broadcast_arrays(np.asarray(mean, np.float64), np.asarray(variance, np.float64))
        sums, reasons = self.sums(mean.ravel(), variance.ravel(), tolerance=tolerance)
        found = []
        for k in range(len(self.outputs)):
            value, error, size = sums.value[:, k].copy(), sums.error[:, k].copy(), sums.size[:, k]
            diverges = np.isinf(value)
            none = ~diverges & ~(error <= _NO_NUMBER * size + np.where(size == 0, np.inf, 0.0))
            error[none] = np.inf
            error[diverges] = 0.0
            reason = reasons[k] or ("the quadrature does not converge" if none.any() else "")
            found.append(Bounded(*(a.reshape(mean.shape) for a in (value, error)), reason, size.reshape(mean.shape)))
        return tuple(found)

    def sums(
        self, mean: Floats, variance: Floats, *, width: float = 1.0, **rule: Any
    ) -> tuple[Sums, list[str]]:
        """The sums of all boxes, which start at most so wide near the mean, and why an output has none."""
        root = np.sqrt(variance)
        owners, outputs = len(mean), len(self.outputs)
        reasons = [self._infinite(k) for k in range(outputs)]
        if all(reasons):
            shape = owners, outputs
            return Sums(np.full(shape, np.inf), np.zeros(shape), np.full(shape, np.inf), 0, []), reasons
        given = {self.m: Disc(mean, 0 * mean), self.s: Disc(root, EPS * root)}
        run = Adaptive(self._reading, [self.z], given, owners=owners, outputs=outputs, **rule)
        holes = [self._holes(float(m), float(s)) for m, s in zip(mean, root, strict=True)]
        left = self._outward(run, mean, root, holes, reasons, width)
        run.sums.left = left
        run.sums.error += left
        for n in range(owners):
            if holes[n]:
                self._poles(run.sums, n, mean[n], root[n], holes[n], width)
        for k, reason in enumerate(reasons):
            if self._infinite(k):
                run.sums.value[:, k] = np.inf
        return run.sums, reasons

    def _outward(
        self, run: Adaptive, mean: Floats, root: Floats, holes: Any, reasons: list[str], width: float
    ) -> Floats:
        """Integrate out to where nothing is left but ``tolerance``; return bounds of what is left."""
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
            for n in np.flatnonzero(more):
                further = np.ceil(1.25 * reach[n])
                for a, b in ((reach[n], further), (-further, -reach[n])):
                    parts.append(self._start(n, a, b, mean[n], root[n], holes[n], width))
                reach[n] = further
            run.take(joined(parts))
        for k, growth in enumerate(self._growths):
            lost = np.isinf(left[:, k])
            if lost.any():
                diverges = lost & np.broadcast_to(growth.diverges(reach, numbers), (owners,))
                run.sums.value[diverges, k] = np.inf
                reasons[k] = reasons[k] or (
                    "the expectation is infinite: the integrand grows faster than the Gaussian density falls"
                    if diverges.any()
                    else "nothing bounds the integrand far out"
                )
        return left

    # ---- where boxes start

    def _start(self, owner: int, low: float, high: float, mean: float, root: float, holes: Any, width: float) -> Boxes:
        count = max(1, int((high - low) / max(width, 0.05 * min(abs(low), abs(high)))))
        edges = list(np.linspace(low, high, count + 1))
        for p in self.points:
            at = (p - mean) / root
            if low < at < high:
                edges += list(_on_grid(at))
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
    def _suspects(self) -> list[sp.Expr]:
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
        for pole in self._sides:
            o = pole.orders[k]
            if o is not None and o.diverges:
                return f"the expectation is infinite or does not exist: there is no integral up to the pole at {float(pole.point):g}"
        return ""

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
            made[pole.point, pole.side] = Reading([g * density for g in near], [self.t])
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
                for k, o in enumerate(pole.orders):
                    sums.value[n, k] += run.sums.value[0, k]
                    sums.size[n, k] += run.sums.size[0, k]
                    sums.error[n, k] += run.sums.error[0, k] + (np.inf if o is None else top * o.left_out(edges[0]))
                    # The far end of the neighbourhood is known to so many digits.
                    sums.error[n, k] += (
                        4 * EPS * (abs(mean) + root * abs(end) + abs(float(p))) / width * run.sums.size[0, k]
                    )


def _density(z: sp.Symbol) -> sp.Expr:
    return sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


def _at(g: sp.Expr, x: sp.Symbol, p: sp.Expr, side: int, t: sp.Symbol) -> sp.Expr:
    # log t² would underflow where 2 log t does not.
    return sp.expand_log(g.subs(x, p + side * t))


def _on_grid(at: float) -> tuple[float, float]:
    """The neighbours of a point on a grid, on which middles and halves stay exact; 0 needs none."""
    spacing = _GRID * 2.0 ** np.ceil(np.log2(abs(at))) if at else 1.0
    low, high = np.floor(at / spacing), np.ceil(at / spacing)
    if low == high and at:
        low, high = low - 1, high + 1
    return float(low * spacing), float(high * spacing)


def _affine_zeros(g: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    found = []
    for u in switches(g, {x}):
        if u.free_symbols == {x} and u.is_polynomial(x) and sp.degree(u, x) == 1:
            found.append(-u.coeff(x, 0) / u.coeff(x, 1))
    return found
