r"""Hermite coefficients of an activation with proved bounds: f(√q z) = Σ_k a_k He_k(z)/√k!, and what follows.

With them the covariance of two units is one power series in their correlation (Mehler's formula; Daniely, Frostig
& Singer 2016, the dual activation): E[f(u1) f(u2)] = Σ_k a_k(q1) a_k(q2) ρ^k.

The integrals of f against ψ_k = He_k exp(-z²/4)/√k! are Gauss rules on boxes. In the plane
|ψ_k(x + iy)| <= κ exp(y²/4 + |y| √k), from Cramér's inequality |ψ_k(x)| <= κ (Indritz 1961) and
He_k(x + iy) = Σ_j C(k, j) (iy)^j He_{k-j}(x); so one enclosure of f bounds the error of every coefficient.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from derive.activations import Activation
from derive.quadrature.boxes import Boxes, R, gauss_error, joined, long_rule
from derive.quadrature.discs import EPS, Disc
from derive.quadrature.growth import Growth
from derive.quadrature.line import Line
from derive.quadrature.reading import CannotRead, Decided, Reading
from numerics.activations import stable_expression
from numerics.maps.one_unit import expectation
from numerics.maps.values import Array

ORDERS = (48, 128, 512, 2048)
"""Numbers of coefficients that are tried, one after the other."""

CRAMER = 1.0865
"""κ: the largest of all |He_k(x)| exp(-x²/4)/√k!."""

U = float(np.finfo(np.longdouble).eps) / 2
"""The rounding of the recurrence: 2^-64 where long double has 64 bits."""

_NODES = 22
_ACROSS = (R - 1 / R) / 2
_QUARTER_ROOT = (2 * math.pi) ** -0.25
_MOST_NODES = 60_000
_GROWN = 4.0
"""The error of ψ_k by the recurrence is at most this (k + 4 + z²/4) U; half that at k <= 2048 was the most seen."""


@dataclass(frozen=True, eq=False)
class Series:
    """The first coefficients at one variance, and bounds of what each is wrong by.

    ``least_tail`` is at most and ``tail`` at least Σ a_k² over all k that are left out, and ``slope_tail`` is at least
    Σ k a_k² over them: what E[f²] and q E[f'²] leave (Parseval). The last is infinite where f jumps.
    """

    q: float
    coefficients: Array
    errors: Array
    least_tail: float
    tail: float
    slope_tail: float
    second: float
    second_error: float

    @property
    def order(self) -> int:
        """How many coefficients there are."""
        return len(self.coefficients)

    @property
    def error(self) -> float:
        """The largest error of a coefficient."""
        return float(self.errors.max())


@lru_cache(maxsize=1024)
def series(f: Activation, q: float, order: int) -> Series | None:
    """Return the first ``order`` coefficients, or None where they are not found."""
    (found,) = many_series(f, [q], order)
    return found


def many_series(f: Activation, variances: Sequence[float], order: int) -> list[Series | None]:
    """Return `series` at several variances, which are integrated together: many cost little more than one."""
    both = many_squares(f, variances)
    known = [k for k, (second, _) in enumerate(both) if np.isfinite(second).all()]
    found: list[Series | None] = [None] * len(variances)
    for k, one in zip(known, _coefficients(f, [variances[k] for k in known], order, 0), strict=True):
        if one is not None:
            found[k] = _with_tails(f, variances[k], order, *both[k], *one)
    return found


def _with_tails(
    f: Activation,
    q: float,
    order: int,
    second: tuple[float, float],
    slope_second: tuple[float, float],
    a: Array,
    errors: Array,
) -> Series:
    least = np.square(np.maximum(np.abs(a) - errors, 0.0))
    k = np.arange(order)
    lost = 4 * EPS * second[0]
    tail = max(second[0] + second[1] + lost - math.fsum(least), 0.0)
    most = np.square(np.abs(a) + errors)
    least_tail = max(second[0] - second[1] - lost - math.fsum(most), 0.0)
    slope_tail = math.inf
    if not f.jumps:
        slope_tail = q * (slope_second[0] + slope_second[1]) * (1 + 4 * EPS) - math.fsum(k * least) * (1 - EPS)
        slope_tail = max(slope_tail, 0.0) if math.isfinite(slope_tail) else math.inf
    return Series(q, a, errors, least_tail, min(tail, slope_tail / order), slope_tail, *second)


@lru_cache(maxsize=1024)
def slope_series(f: Activation, q: float, order: int) -> Series | None:
    """The coefficients but a_0 from those of f', each right beside E[f'²]; None where f jumps or they are not found.

    a_k = √(q/k) b_(k-1), where f'(√q z) = Σ b_k He_k(z)/√k!.
    """
    whole = squares(f, q)[1]
    if f.jumps or not np.isfinite(whole).all():
        return None
    (found,) = _coefficients(f, [q], order - 1, 1)
    if found is None:
        return None
    b, errors = found
    left = whole[0] * (1 + 4 * EPS) + whole[1] - math.fsum(np.square(np.maximum(np.abs(b) - errors, 0.0)))
    slope_tail = q * max(left, 0.0) * (1 + 4 * EPS)
    a, error = (np.concatenate([[0.0], x * np.sqrt(q / np.arange(1, order))]) for x in (b, errors))
    return Series(q, a, error + 4 * EPS * np.abs(a), 0.0, slope_tail / order, slope_tail, math.nan, math.inf)


def _coefficients(
    f: Activation, variances: Sequence[float], order: int, derivative: int
) -> list[tuple[Array, Array] | None]:
    """The first coefficients of f or f' at each variance and their errors; by parity every other is exactly 0."""
    if not variances:
        return []
    try:
        found = _projection(f, derivative).coefficients(np.array(variances), order)
    except CannotRead:
        return [None] * len(variances)
    for first, holds in ((derivative, f.is_odd), (1 - derivative, f.is_even)):
        for part in (part for one in found if holds and one is not None for part in one):
            part[first::2] = 0.0
    return found


@lru_cache(maxsize=4096)
def squares(activation: Activation, q: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """E[f²] and E[f'²] away from jumps, s ~ N(0, q), each with its error; not a number or infinite without a rule."""
    (found,) = many_squares(activation, [q])
    return found


def many_squares(
    activation: Activation, variances: Sequence[float]
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return `squares` at several variances."""
    sides = []
    for f in (activation.expression, activation.derivative):
        found = expectation(f**2, activation.symbol, np.asarray(variances, np.float64))
        sides.append(list(zip(found.value.tolist(), found.error.tolist(), strict=True)))
    return list(zip(*sides, strict=True))


@lru_cache(maxsize=64)
def _projection(activation: Activation, derivative: int = 0) -> _Projection:
    return _Projection(activation, derivative)


class _Damped:
    """g(z) = f(√q z) exp(-z²/4)/(2π)^(1/4) at nodes; on boxes a disc about 0 that holds g times any ψ_k, k < order."""

    def __init__(self, reading: Reading, z: sp.Symbol, order: int) -> None:
        self.reading, self.z, self.order = reading, z, order

    def __call__(self, given: Mapping[sp.Symbol, Disc], decided: Decided | None = None) -> tuple[list[Disc], Decided]:
        (found,), decisions = self.reading(given, decided)
        radius = given[self.z].rad
        if found.mid.ndim > 1:
            return [found], decisions
        with np.errstate(all="ignore"):
            return [self._about_zero(found, radius, decided is not None)], decisions

    def _about_zero(self, found: Disc, radius: Array, plane: bool) -> Disc:
        grown = CRAMER * np.ones_like(radius)
        if plane:
            # The ellipse is not as high as the disc about it.
            high = radius * _ACROSS / (0.5 * (R + 1 / R))
            grown = CRAMER * np.exp(high * high / 4 + high * math.sqrt(self.order))
        return Disc(0.0 * found.mid, (np.abs(found.mid) + found.rad) * grown)


class _Projection(Line):
    """One activation, or its derivative, against Hermite functions."""

    # The integrand is damped around poles, too: boxes alone close in on them.
    _suspects = ()

    def __init__(self, activation: Activation, derivative: int) -> None:
        super().__init__([stable_expression(activation, derivative)], activation.symbol)
        damping = sp.exp(-(self.z**2) / 4)
        # Without the mean, which is 0 and would count as a rounding.
        self.damped = Reading([(self._cut[0] * damping).xreplace({self.m: sp.S.Zero})], [self.z])
        # |f| exp(-z²/4) is so much times the density.
        self._growths = [Growth(sp.sqrt(2 * sp.pi) * self._inside[0] / damping, [self.z])]

    def coefficients(self, variances: Array, order: int) -> list[tuple[Array, Array] | None]:
        """The first coefficients and their errors, at each of the variances; None where they are not found."""
        root, damped = np.sqrt(variances), _Damped(self.damped, self.z, order)
        width = min(1.5, 12 / math.sqrt(order))
        sums, _, _ = self.sums(0 * root, variances, damped, width=width, nodes=_NODES, tolerance=EPS / 16)
        boxes = joined([b for b, _ in sums.kept])
        count = np.bincount(boxes.owner, minlength=len(root))
        good = np.isfinite(sums.error).all(axis=1) & (count * _NODES <= _MOST_NODES)
        found: list[tuple[Array, Array] | None] = [None] * len(root)
        if not good.any():
            return found
        kept = boxes.where(np.flatnonzero(good[boxes.owner]))
        kept = kept.where(np.argsort(kept.owner, kind="stable"))
        with np.errstate(all="ignore"):
            a, errors = self._project(kept, root, order)
            errors += sums.left[good, 0] * CRAMER * _QUARTER_ROOT
        for k, n in enumerate(np.flatnonzero(good)):
            if np.isfinite(a[:, k]).all() and np.isfinite(errors[:, k]).all():
                found[n] = a[:, k].copy(), errors[:, k].copy()
        return found

    def _project(self, boxes: Boxes, root: Array, order: int) -> tuple[Array, Array]:
        """The coefficients and what they are wrong by, of shape (orders, owners); boxes are sorted by owner."""
        middle, half, owner = boxes.middle[0], boxes.half[0], boxes.owner
        starts = np.flatnonzero(np.diff(owner, prepend=-1))

        def total(parts: Any) -> Any:
            return np.add.reduceat(parts, starts, axis=-1)

        x, w = long_rule(_NODES)
        z = middle.astype(np.longdouble)[:, None] + half[:, None] * x
        at = z.astype(np.float64)
        roots = root[owner][:, None]
        (g,), _ = self.damped({self.s: Disc(roots, EPS * roots), self.z: Disc(at, EPS * np.abs(at))})
        bound, by_rule = self._wrong_by(middle, half, root[owner], order)
        keep = by_rule[:, None]
        weight = half[:, None] * w * keep * _QUARTER_ROOT**2
        values = np.where(keep, g.mid, 0.0) * weight
        wrong = total(np.sum(np.where(keep, g.rad, 0.0) * weight.astype(np.float64), axis=1))
        size = np.abs(values).astype(np.float64)
        a = np.empty((order, len(starts)))
        before, now = np.zeros_like(z), np.exp(-z * z / 4)
        roots = np.sqrt(np.arange(order + 1, dtype=np.longdouble))
        for k in range(order):
            a[k] = total(np.sum(values * now, axis=1))
            before, now = now, (z * now - roots[k] * before) / roots[k + 1]
        each, whole = np.arange(order)[:, None], total(size.sum(axis=1))
        recurrence = _GROWN * U * ((each + 4) * whole + total((size * at * at).sum(axis=1)) / 4)
        rounding = CRAMER * (wrong + (EPS + 64 * U) * whole)
        return a, total(bound) + recurrence + rounding + EPS * np.abs(a)

    def _wrong_by(self, middle: Array, half: Array, root: Array, order: int) -> tuple[Array, Any]:
        """What the rule on each box is wrong by for each k, of shape (orders, boxes), and where it is better used."""
        s = Disc(root, EPS * root)
        (real,), decided = self.damped({self.s: s, self.z: Disc(middle, half)})
        radius = 0.5 * (R + 1 / R) * half * (1 + 4 * EPS)
        (plane,), _ = self.damped({self.s: s, self.z: Disc(middle, radius)}, decided)
        whole = 2 * half * (np.abs(real.mid) + real.rad) * CRAMER * _QUARTER_ROOT**2
        high = _ACROSS * half
        sup = np.abs(plane.mid) + plane.rad
        sup = np.where(np.isnan(sup), np.inf, sup)
        steep = np.exp(high * high / 4 + high * math.sqrt(order))
        rule = gauss_error(_NODES, sup * steep * CRAMER * _QUARTER_ROOT**2, 2 * half, 1)
        by_rule = rule <= whole
        k = np.sqrt(np.arange(order))[:, None] - math.sqrt(order)
        terms = np.where(by_rule, np.where(np.isfinite(rule), rule, 0.0) * np.exp(high * k), whole)
        return np.asarray(terms), by_rule
