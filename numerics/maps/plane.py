"""Two-dimensional expectations near correlation 1 and -1, over the mean of two units and half their difference.

With u1 = m + d and u2 = m - d, m and d are independent; f(u1) - f(u2) is the integral of f' over [m - d, m + d] and
the jumps in it, computed without subtracting. Kinks are the lines d = ±(p - m), at which the inner integral is split.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from derive import limits
from numerics.maps.functions import Array, Functions
from numerics.maps.line import EPS
from numerics.maps.mesh import activation_edges, exponent_for, rule, window

_RULES = (16, 12)
_TOLERANCE = 1e-13
_MOST_POINTS = 40_000_000
_BLOCK = 400_000
_STEP = 1.5


@dataclass(frozen=True)
class Estimate:
    """A number and the estimated absolute error of it."""

    value: float
    error: float


def separation(f: Functions, mean_variance: float, half_variance: float) -> Estimate:
    """E[(f(m + d) - f(m - d))²]/2 for independent m ~ N(0, mean_variance), d ~ N(0, half_variance)."""
    return _Plane(f, mean_variance, half_variance, product=False).integrate()


def product(f: Functions, mean_variance: float, half_variance: float) -> Estimate:
    """E[f(m + d) f(m - d)] for independent m ~ N(0, mean_variance), d ~ N(0, half_variance)."""
    return _Plane(f, mean_variance, half_variance, product=True).integrate()


class _Plane:
    def __init__(self, f: Functions, mean_variance: float, half_variance: float, *, product: bool) -> None:
        self.f, self.product = f, product
        self.m, self.d = math.sqrt(mean_variance), math.sqrt(half_variance)
        q = mean_variance + half_variance
        low, high, self.beyond = window(f, q, 44.0)
        self.reach = max(9.0, -low, high)
        self.own = activation_edges(f, exponent_for(self.reach * math.sqrt(q)))
        narrowest = float(np.diff(self.own).min())
        # Within one panel f' is a polynomial that eight nodes integrate.
        self.by_slope = not product and 16 * self.d <= narrowest
        points = f.points or (0.0,)
        self.crossings = sorted({0.5 * (a + b) for a in points for b in points} | ({0.0} if product else set()))

    def integrate(self) -> Estimate:
        if self.beyond:
            return Estimate(math.inf, math.inf)
        best = Estimate(math.nan, math.inf)
        for level in range(4):
            if self._cost(level) > _MOST_POINTS:
                break
            fine, rounding = self._rule(_RULES[0], level)
            check, _ = self._rule(_RULES[1], level)
            error = abs(fine - check) + rounding
            if error < best.error:
                best = Estimate(fine, error)
            if error <= _TOLERANCE * abs(fine) + 2 * rounding:
                break
        return best

    def _outer(self, level: int) -> list[tuple[float, Array]]:
        """Edges for m, each run of them as offsets from a crossing: near it they are known to all digits."""
        reach = self.reach * self.m
        step = _STEP / 2**level
        count = math.ceil(2 * self.reach / step)
        wide = np.linspace(-reach, reach, count + 1)
        own = self.own[np.abs(self.own) < reach]
        near = np.linspace(-9, 9, math.ceil(18 / step) + 1) * self.d
        inside = [c for c in self.crossings if abs(c) < reach]
        borders = [-reach, *(0.5 * (a + b) for a, b in pairwise(inside)), reach]
        runs = []
        for c, low, high in zip(inside, borders, borders[1:], strict=False):
            offsets = np.concatenate([near, wide - c, own - c, np.array([0.0])])
            if level:
                offsets = np.unique(offsets)
                offsets = np.concatenate([offsets, 0.5 * (offsets[1:] + offsets[:-1])])
            bounds = np.array([low - c, high - c])
            inner = offsets[(offsets > bounds[0]) & (offsets < bounds[1])]
            runs.append((c, np.unique(np.concatenate([bounds, inner]))))
        return runs

    def _cost(self, level: int) -> float:
        outer = sum(len(edges) for _, edges in self._outer(level)) * _RULES[0]
        span = self.reach * self.d
        per = float(np.mean([np.sum(np.abs(self.own - m) < span) for m in np.linspace(-self.m, self.m, 7)]))
        inner = (2 * per + self.reach / _STEP * 2**level) * _RULES[0]
        return outer * inner * (8 * (len(self.f.points) + 1) if self.by_slope else 2)

    def _rule(self, n: int, level: int) -> tuple[float, float]:
        x, w = rule(n)
        total = size = 0.0
        for crossing, edges in self._outer(level):
            half = 0.5 * np.diff(edges)
            t = ((edges[:-1] + half)[:, None] + half[:, None] * x).ravel()
            weight = (half[:, None] * w).ravel() / (self.m * math.sqrt(2 * math.pi))
            weight = weight * np.exp(-0.5 * ((crossing + t) / self.m) ** 2)
            keep = weight > 0
            t, weight = t[keep], weight[keep]
            block = max(1, _BLOCK // (n * (2 * len(self.own) + 12)))
            for start in range(0, len(t), block):
                limits.check()
                part = slice(start, start + block)
                inner, rounding = self._inner(crossing, t[part], x, w, level)
                total += float(weight[part] @ inner)
                size += float(weight[part] @ rounding)
        return total, size

    def _inner(self, crossing: float, t: Array, x: Array, w: Array, level: int) -> tuple[Array, Array]:
        """The integral over d for each m = crossing + t; the integrand is even in d."""
        span = self.reach * self.d
        m = crossing + t
        regular = np.linspace(0, span, math.ceil(self.reach / _STEP) * 2**level + 1)
        own = self.own[(self.own > m.min() - span) & (self.own < m.max() + span)]
        kinks = np.abs((own - crossing) - t[:, None])
        edges = np.sort(np.concatenate([np.broadcast_to(regular, (len(t), len(regular))), kinks], axis=1), axis=1)
        edges = np.minimum(edges, span)
        half = 0.5 * np.diff(edges, axis=1)
        row, panel = np.nonzero(half > 0)
        half, left = half[row, panel][:, None], edges[row, panel][:, None]
        d = left + half * (1 + x)
        weight = half * w * np.exp(-0.5 * (d / self.d) ** 2) * (2 / (self.d * math.sqrt(2 * math.pi)))
        integrand, rounding = self._integrand(crossing, t[row][:, None], d)
        inner = np.bincount(row, (weight * integrand).sum(axis=1), minlength=len(t))
        size = np.bincount(row, (weight * rounding).sum(axis=1), minlength=len(t))
        return inner.astype(np.float64), size.astype(np.float64)

    def _integrand(self, crossing: float, t: Array, d: Array) -> tuple[Array, Array]:
        m = crossing + t
        if self.by_slope:
            difference = self._difference(crossing, t, d)
            square = 0.5 * difference * difference
            return square, 8 * EPS * square
        upper, lower = m + d, m - d
        close = np.zeros(d.shape, dtype=bool)
        if not self.product:
            close = (d < 0.1 * np.abs(m)) & (np.searchsorted(self.own, upper) == np.searchsorted(self.own, lower))
        upper, lower = self.f.value(upper), self.f.value(lower)
        if self.product:
            value = upper * lower
            return value, 8 * EPS * np.abs(value)
        difference = upper - lower
        lost = 2 * EPS * (np.abs(upper) + np.abs(lower)) * np.abs(difference)
        if close.any():
            x, w = rule(8)
            half = d[close]
            at = np.broadcast_to(m, d.shape)[close][:, None] + half[:, None] * x
            difference[close] = half * (self.f.slope(at) @ w)
            lost[close] = 8 * EPS * difference[close] ** 2
        return 0.5 * difference * difference, lost

    def _difference(self, crossing: float, t: Array, d: Array) -> Array:
        """f(m + d) - f(m - d) as the integral of f' and the jumps between."""
        x, w = rule(8)
        points = self.f.points
        t = np.broadcast_to(t, d.shape)
        m = crossing + t
        # Distances to the points, from offsets: p - m is small and exact where p is the crossing.
        gaps = [(p - crossing) - t for p in points]
        crossed = np.zeros(d.shape, dtype=bool)
        for gap in gaps:
            crossed |= np.abs(gap) < d
        found = np.zeros(d.shape)
        plain = ~crossed
        found[plain] = d[plain] * (self.f.slope(m[plain][:, None] + d[plain][:, None] * x) @ w)
        if crossed.any():
            inner, centre = d[crossed], m[crossed]
            bounds = [-inner, *(np.clip(gap[crossed], -inner, inner) for gap in gaps), inner]
            parts = np.zeros(inner.shape)
            for left, right in pairwise(bounds):
                half = 0.5 * (right - left)
                at = (centre + left + half)[:, None] + half[:, None] * x
                parts += half * (self.f.slope(at) @ w)
            for gap, jump in zip(gaps, self.f.jumps, strict=True):
                if jump:
                    parts += jump * (np.abs(gap[crossed]) < inner)
            found[crossed] = parts
        return found
