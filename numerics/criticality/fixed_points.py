"""Every fixed point of the length map q -> σ_w² E[f²] + σ_b², with its stability."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from derive.activations import Activation
from numerics.maps.functions import Array, Functions, functions
from numerics.maps.line import EPS, moments
from numerics.maps.values import named, variance

LOWEST, LARGE, HIGHEST = 1e-12, 1e4, 1e6
"""Fixed points are looked for from the lowest to the highest variance, less densely where q is large."""

PER_DECADE, PER_LARGE_DECADE = 16, 4

_FLAT = 3e-14  # a length map that differs from q by less than this (relative) is the identity
_TANGENT = 1e-13
_STEEPEST = 1e60


@dataclass(frozen=True)
class FixedPoint:
    """A fixed point of the length map.

    ``stability`` is ``stable`` or ``unstable`` (|χ_∥| below or above 1) or, where χ_∥ = 1, ``half-stable`` (it attracts
    from one side), ``stable`` or ``unstable`` by the next order. ``error`` is the estimated absolute error of q.
    """

    q: float
    chi_par: float
    chi_perp: float
    stability: str
    error: float = 0.0

    @property
    def xi_q(self) -> float:
        """-1/log|χ_∥|: the number of layers in which a deviation of the length falls by e (Schoenholz et al. 2017)."""
        return depth_scale(self.chi_par)

    @property
    def xi_c(self) -> float:
        """-1/log χ_⊥: the same for a correlation near 1; negative in the chaotic phase, where 1 repels."""
        return depth_scale(self.chi_perp)


def depth_scale(chi: float) -> float:
    """Return -1/log|χ|: infinite at |χ| = 1, negative above."""
    size = abs(chi)
    if size == 1:
        return math.inf
    if not 0 < size < math.inf:
        return 0.0
    return -1 / math.log(size)


@dataclass(frozen=True)
class FixedPoints:
    """All fixed points found, in increasing order.

    ``identity`` says that the length map is the identity (every q is a fixed point), ``escapes`` that lengths above
    the last fixed point grow without bound.
    """

    points: tuple[FixedPoint, ...]
    identity: bool = False
    escapes: bool = False

    @property
    def attractor(self) -> FixedPoint | None:
        """The stable point with the largest q, at which lengths that start large end."""
        stable = [p for p in self.points if p.stability == "stable"]
        return stable[-1] if stable else None


def grid() -> Array:
    """The variances of the scan."""
    usual = np.geomspace(LOWEST, LARGE, round(math.log10(LARGE / LOWEST) * PER_DECADE) + 1)
    large = np.geomspace(LARGE, HIGHEST, round(math.log10(HIGHEST / LARGE) * PER_LARGE_DECADE) + 1)
    return np.concatenate([usual, large[1:]])


@lru_cache(maxsize=32)
def scan(f: Functions) -> dict[str, Array]:
    """The moments and their errors on the grid, where they are within float64."""
    found = [moments(f, float(q)) for q in grid()]
    usable = [m for m in found if math.isfinite(m.value["second"])]
    names = ("second", "second_slope", "slope_second")
    table = {"q": np.array([m.q for m in usable])}
    table |= {name: np.array([m.value[name] for m in usable]) for name in names}
    return table | {f"{name}_error": np.array([m.error[name] for m in usable]) for name in names}


def at_zero(f: Functions) -> tuple[float, float] | None:
    """f(0) and E[f'²] for q -> 0, or None if f jumps or has no finite slope at 0."""
    if any(p == 0 and jump for p, jump in zip(f.points, f.jumps, strict=True)):
        return None
    left, right = f.slope(np.array([-1e-200, 1e-200]))
    size = float(left**2 + right**2) / 2
    # Next to 0 a power of |s| has a slope that is 0 or infinite in all but name.
    size = size if size > 1 / _STEEPEST else 0.0
    return (float(f.value(np.zeros(1))[0]), size) if size < _STEEPEST else None


def roots(g: Callable[[float], float], q: Array, values: Array, noise: Array) -> list[float]:
    """Zeros of g, from its values on a grid, located by Brent's method to float64's last digits.

    Values below ``noise`` say nothing and are left out. Where a spline through the others has an extremum between
    grid points, g is evaluated there too: two zeros between neighbours have an extremum between them.
    """
    clear = np.abs(values) > noise
    q, values = q[clear], values[clear]
    if len(q) < 4:
        return []
    spline = CubicSpline(np.log(q), values).derivative()
    near = [float(x) for x in np.exp(spline.roots(extrapolate=False)) if q[0] < x < q[-1]]
    # An extremum matters where it might reach 0 between neighbours of one sign.
    spots = np.searchsorted(q, near) - 1
    size = np.maximum(np.abs(values[:-1]), np.abs(values[1:]))
    rise = np.abs(np.diff(values)) + 1e-3 * size
    extra = [x for x, n in zip(near, spots, strict=True) if np.abs(values[n : n + 2]).min() <= 4 * rise[n]]
    places, back = np.unique([*q, *extra], return_index=True)
    values = np.array([*values, *map(g, extra)])[back]
    found = [float(x) for x in places[values == 0]]
    signs = np.sign(values)
    changes = np.flatnonzero(signs[1:] * signs[:-1] < 0)
    found.extend(brentq(g, places[n], places[n + 1], xtol=1e-300, rtol=4 * EPS) for n in changes)
    return sorted(found)


def fixed_points(activation: str | Activation, *, weight_variance: float, bias_variance: float = 0.0) -> FixedPoints:
    """Return every fixed point of the length map from 1e-12 to 1e6, and q = 0 where it is one.

    The scan takes 16 variances a decade (4 above 1e4) and the extrema between them; simple roots are found where the
    sign changes, double roots (half-stable points) where the length map touches q to 13 digits.

    Raises `InputError` for a variance that is negative or not finite.

    >>> found = fixed_points("tanh", weight_variance=1.5)
    >>> [(round(p.q, 6), p.stability) for p in found.points]
    [(0.0, 'unstable'), (0.286894, 'stable')]
    """
    f = functions(named(activation))
    w, b = variance("weight_variance", weight_variance), variance("bias_variance", bias_variance)
    table = scan(f)
    q = table["q"]
    excess = w * table["second"] + b - q
    if b == 0 and np.all(np.abs(excess) <= _FLAT * q):
        return FixedPoints((), identity=True)
    slope = w * table["second_slope"] - 1

    def difference(x: float) -> float:
        return w * moments(f, x).value["second"] + b - x

    def slope_of(x: float) -> float:
        return w * moments(f, x).value["second_slope"] - 1

    turning = roots(slope_of, q, slope, 8 * EPS * (np.abs(slope) + 1) + 4 * w * table["second_slope_error"])
    double = [x for x in turning if abs(difference(x)) <= _TANGENT * x]
    # Turning points are part of the scan: two close roots have one between them.
    places, back = np.unique([*q, *turning], return_index=True)
    values = np.array([*excess, *map(difference, turning)])[back]
    simple = roots(difference, places, values, 16 * EPS * (places + b))
    simple = [x for x in simple if all(abs(x / d - 1) > 1e-5 for d in double)]
    points = [_point(f, w, b, x) for x in simple] + [_point(f, w, b, x, "half-stable") for x in double]
    points = _at_origin(f, w, b, q, excess) + sorted(points, key=lambda p: p.q)
    return FixedPoints(tuple(points), escapes=bool(excess[-1] > 0))


def _point(f: Functions, w: float, b: float, q: float, stability: str | None = None) -> FixedPoint:
    at = moments(f, q)
    chi_par, chi_perp = w * at.value["second_slope"], w * at.value["slope_second"]
    noise = w * at.error["second"] + EPS * (q + b)
    steep = abs(1 - chi_par)
    error = math.sqrt(noise * q) if stability == "half-stable" else noise / max(steep, EPS) + EPS * q
    return FixedPoint(q, chi_par, chi_perp, stability or ("stable" if abs(chi_par) < 1 else "unstable"), error)


def _at_origin(f: Functions, w: float, b: float, q: Array, excess: Array) -> list[FixedPoint]:
    start = at_zero(f)
    if b != 0 or start is None or start[0] != 0:
        return []
    chi = w * start[1]
    if abs(chi - 1) > 4 * EPS:
        return [FixedPoint(0.0, chi, chi, "stable" if chi < 1 else "unstable")]
    # χ = 1: the next order decides, where it stands clear of rounding.
    clear = np.flatnonzero(np.abs(excess) > 1e-12 * q)
    return [FixedPoint(0.0, 1.0, 1.0, "stable" if len(clear) and excess[clear[0]] < 0 else "unstable")]
