"""Two units as nested integrals with proved bounds: over one unit, and over the other with the first one fixed.

With u = √q z and t = √q (ρ z + s y), s² = 1 - ρ², the inner integral over y is a function H(z) that is analytic
between the breakpoints of f(u). Two bounds of |H| in the plane give the error of the outer rule:
the kernel's, |φ((t - ρz)/s)| <= exp(ρ² Im(z)²/(2 s²)) φ((t - ρ Re z)/s), for boxes as small as s near breakpoints;
and that of f on a disc that t does not leave but with a chance of exp(-`REACH`²/4), where f is one formula.
A change of measure bounds what is beyond `REACH` standard deviations by E[f²] at four times the variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

from derive.activations import Activation
from derive.quadrature.bounded import Bounded
from derive.quadrature.boxes import R, gauss_error, rule
from derive.quadrature.discs import EPS, Disc, multiply, normal_density
from numerics.maps.given import MOST_WORK, Given
from numerics.maps.hermite import squares
from numerics.maps.parts import parts_of
from numerics.maps.values import Array

REACH = 20.0
NODES = 40
_ALONG, _ACROSS = 0.5 * (R + 1 / R), 0.5 * (R - 1 / R)
_SHARE = 1e-17
_LEAST = 4e-38
"""Of E[f²]: about what the rule of 40 nodes is wrong by on a box of length 1."""

_MOST_BOXES = 400
_DEEPEST = 400
_WIDEST = 1.5
_NEARBY = (0.0, 10.0, 20.0, 32.0)
_SPREAD = 4.0
"""The variance, in units of q, of the law that what is far out is compared with."""


NOTHING = Bounded(math.nan, math.inf)
TOO_MUCH = Bounded(math.nan, math.inf, reason=f"nested integrals would take more than {MOST_WORK:.0e} steps")


@lru_cache(maxsize=1024)
def separation(f: Activation, q: float, gap: Any, size: float) -> Bounded:
    """E[(f(u) - f(t))²]/2 for two units of variance q and correlation 1 - gap; ``size`` is about as large as that."""
    return _Plane(f, q, gap).integrate(size)


@dataclass
class _Outer:
    """Boxes in ζ = z - e/√q1, where e is a breakpoint of their part (or 0): near it they are known to all digits."""

    part: Any
    anchor: Any
    middle: Array
    half: Array

    def where(self, keep: Any) -> _Outer:
        return _Outer(self.part[keep], self.anchor[keep], self.middle[keep], self.half[keep])

    def halved(self) -> _Outer:
        half = np.tile(0.5 * self.half, 2)
        step = np.concatenate([-0.5 * self.half, 0.5 * self.half])
        return _Outer(np.tile(self.part, 2), np.tile(self.anchor, 2), np.tile(self.middle, 2) + step, half)


class _Plane:
    def __init__(self, f: Activation, q: float, gap: Any) -> None:
        self.parts = parts_of(f)
        with mpmath.workdps(50):
            g = mpmath.mpf(gap)
            rho, s = 1 - g, mpmath.sqrt(g * (2 - g))
            alpha = mpmath.sqrt(mpmath.mpf(q))
            exact = [mpmath.mpf(str(p.evalf(50))) for p in self.parts.exact]
            self.alpha, self.rho, self.s, self.gap = float(alpha), float(rho), float(s), float(g)
            # By anchor, the last being 0: z there, and t - p there for every breakpoint p.
            anchors = [*exact, mpmath.mpf(0)]
            self.at = np.array([float(e) for e in anchors])
            self.start = np.array([float(e / alpha) for e in anchors])
            self.offset = np.array([[float(rho * e - p) for p in exact] for e in anchors])
            self.offset = self.offset.reshape(len(anchors), len(exact))
        # Of both units together.
        self.far = 2 * sum(squares(f, _SPREAD * q)[0])
        self.lost = 8 * math.exp(-(REACH**2) / 4) * self.far

    def integrate(self, size: float) -> Bounded:
        """The integral, to errors that are small beside ``size``."""
        reach = REACH * self.alpha * 2
        if not (math.isfinite(self.far) and size > 0 and reach < 2 * self.parts.reach):
            return NOTHING
        with np.errstate(all="ignore"):
            boxes, error = self._boxes(max(_SHARE * size, _LEAST * self.far))
            if boxes is None:
                return NOTHING
            x, w = rule(NODES)
            zeta = (boxes.middle[:, None] + boxes.half[:, None] * x).ravel()
            weight = (boxes.half[:, None] * w).ravel()
            part, anchor = np.repeat(boxes.part, NODES), np.repeat(boxes.anchor, NODES)
            z = self.start[anchor] + zeta
            density = normal_density(Disc(z, 2 * EPS * (np.abs(self.start[anchor]) + np.abs(zeta))), True)
            inner = Given(self).integrate(part, anchor, zeta, z)
            if inner is None:
                return TOO_MUCH
            found = multiply(inner, density)
            value = float(weight @ found.mid)
            error += float(weight @ found.rad) + 8 * EPS * float(weight @ np.abs(found.mid)) + self.lost
        return Bounded(value, error) if math.isfinite(value) and math.isfinite(error) else NOTHING

    # ---- boxes

    def _first(self) -> _Outer:
        """Boxes to start with, growing away from the breakpoints."""
        rows: list[tuple[int, int, float, float]] = []
        inside = [n for n, z in enumerate(self.start[:-1]) if abs(z) < REACH]
        ends = [-1, *inside, len(self.start) - 1]
        for before, after in pairwise(ends):
            part = before + 1 if before >= 0 else (inside[0] if inside else int(np.sum(self.start[:-1] <= -REACH)))
            self._segment(rows, part, before, after if after in inside else -1)
        own, anchor, low, high = (np.array(c) for c in zip(*rows, strict=True))
        return _Outer(own, anchor, 0.5 * (low + high), 0.5 * (high - low))

    def _segment(self, rows: list[Any], part: int, left: int, right: int) -> None:
        zero = len(self.start) - 1
        if left < 0 and right < 0:
            edges = np.linspace(-REACH, REACH, math.ceil(2 * REACH / (2 * _WIDEST)) + 1)
            rows += [(part, zero, a, b) for a, b in pairwise(edges)]
            return
        width = self.start[right] - self.start[left] if left >= 0 and right >= 0 else math.inf
        if left >= 0:
            rows += [(part, left, a, b) for a, b in pairwise(self._away(min(0.5 * width, REACH - self.start[left])))]
        if right >= 0:
            rows += [
                (part, right, -b, -a) for a, b in pairwise(self._away(min(0.5 * width, REACH + self.start[right])))
            ]

    def _away(self, end: float) -> list[float]:
        edges = [a * self.s for a in _NEARBY]
        while edges[-1] < end:
            step = max((edges[-1] - REACH * self.s) / 1.15, 5 * self.s)
            edges.append(edges[-1] + min(step, 2 * _WIDEST))
        return [e for e in edges if e < 0.999 * end] + [end]

    def _boxes(self, allowed: float) -> tuple[_Outer | None, float]:
        """The boxes of the final rule, and what that and the boxes left out are wrong by."""
        todo = self._first()
        kept: list[_Outer] = []
        error, count = 0.0, 0
        for _ in range(_DEEPEST):
            bound, real = self._sizes(todo)
            rule_error = gauss_error(NODES, bound, 2 * todo.half, 1)
            drop = 2 * todo.half * real
            small, good = drop <= allowed, rule_error <= allowed
            error += float(drop[small].sum())
            good &= ~small
            error += float(rule_error[good].sum())
            kept.append(todo.where(good))
            count += int(good.sum())
            todo = todo.where(~(small | good))
            if not len(todo.part):
                break
            if count + 2 * len(todo.part) > _MOST_BOXES:
                return None, math.inf
            todo = todo.halved()
        else:
            return None, math.inf
        parts = [np.concatenate([getattr(k, name) for k in kept]) for name in ("part", "anchor", "middle", "half")]
        return _Outer(*parts), error

    def _sizes(self, b: _Outer) -> tuple[Array, Array]:
        """Bounds of |H φ|: in the ellipse about each box, and on the box itself."""
        z = self.start[b.anchor] + b.middle
        along, across = _ALONG * b.half * (1 + 4 * EPS), _ACROSS * b.half * (1 + 4 * EPS)
        u = self.at[b.anchor] + self.alpha * b.middle
        near = Disc(u, self.alpha * b.half)
        own, own_real = self._own(b.part, Disc(u, self.alpha * along), True), self._own(b.part, near, False)
        kernel = self._window(z, along, own)
        grown = np.exp(np.minimum((self.rho * across / self.s) ** 2 / 2, 700.0))
        plane = np.minimum(kernel * grown, self._analytic(b, z, along, across, own))
        close = np.maximum(np.abs(z) - along, 0.0)
        density = np.exp(0.5 * (across**2 - close**2)) / math.sqrt(2 * math.pi)
        flat = np.exp(-0.5 * np.maximum(np.abs(z) - b.half, 0.0) ** 2) / math.sqrt(2 * math.pi)
        real = self._window(z, b.half, own_real) * flat
        plane = np.where(np.isnan(plane), np.inf, plane)
        return plane * density, np.where(np.isnan(real), np.inf, real)

    def _own(self, part: Any, at: Disc, plane: bool) -> Disc:
        """f(u) by its own formula."""
        mid, rad = np.zeros(part.shape), np.zeros(part.shape)
        for k in np.unique(part):
            here = part == k
            mid[here], rad[here] = self.parts.value(int(k), Disc(at.mid[here], at.rad[here]), plane)
        return Disc(mid, rad)

    def _window(self, z: Array, reach: Array, own: Disc) -> Array:
        """|H| where Re z is so near, with the modulus of the kernel as on the real line."""
        t = Disc(self.alpha * self.rho * z, self.alpha * (abs(self.rho) * reach + self.s * REACH) * (1 + 8 * EPS))
        hull = self.parts.hull(t)
        return self._size(own, hull, self._tail(abs(self.rho) * (np.abs(z) + reach)))

    def _analytic(self, b: _Outer, z: Array, along: Array, across: Array, own: Disc) -> Array:
        """|H| where t stays in one part: the path of t is moved into the plane along with z."""
        corner = np.hypot(along + across, across)
        t = Disc(self.alpha * self.rho * z, self.alpha * (corner + self.s * REACH) * (1 + 8 * EPS))
        offset = self.offset[b.anchor] + (self.alpha * self.rho * b.middle)[:, None]
        inside = np.all(np.abs(offset) >= t.rad[:, None], axis=1)
        part = np.sum(offset > 0, axis=1)
        found = self._own(part, t, True)
        tail = self._tail(abs(self.rho) * (np.abs(z) + along + across)) + across / self.s * math.exp(-0.5 * REACH**2)
        return np.where(inside, self._size(own, found, tail), np.inf)

    def _size(self, own: Disc, other: Disc, tail: Array) -> Array:
        apart = own.rad + np.abs(other.mid - own.mid) + other.rad
        beyond = 2 * own.rad**2 + 4 * own.mid**2 + 4 * self.far
        return 0.5 * (apart**2 + tail * (beyond + apart**2))

    def _tail(self, m: Array) -> Array:
        """E[g(t); |y| > REACH] for a mean of at most m is at most this times E[g] at the larger variance."""
        wide = m**2 / (2 * _SPREAD - 4 * self.s**2) - REACH**2 / 4
        return np.exp(np.minimum(wide, 700.0)) * math.sqrt(_SPREAD) / self.s
