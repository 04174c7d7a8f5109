"""One-dimensional Gaussian expectations of an activation, by composite Gauss-Legendre quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from derive import limits
from numerics.maps.functions import Array, Functions
from numerics.maps.mesh import edges_on, panels, window

EPS = float(np.finfo(float).eps)
_FINE, _CHECK = 20, 15
_DEPTH = 44.0
_TOLERANCE = 2e-14
_MOST_NODES = 2_000_000

NAMES = ("mean", "mean_slope", "second", "slope_second", "second_slope", "curvature_second", "value_curvature")


@dataclass(frozen=True)
class Moments:
    """Expectations over s ~ N(0, q) and the estimated absolute error of each.

    ``mean`` E[f], ``mean_slope`` E[f'], ``second`` E[f²], ``slope_second`` E[f'²] (infinite if f jumps),
    ``second_slope`` dE[f²]/dq, ``curvature_second`` E[f''²] and ``value_curvature`` E[f f''] away from kinks. The
    error is the difference of two Gauss-Legendre rules (20 and 15 nodes a panel) and the rounding of the sum.
    """

    q: float
    value: dict[str, float]
    error: dict[str, float]


@lru_cache(maxsize=65536)
def moments(f: Functions, q: float) -> Moments:
    """Return the expectations over s ~ N(0, q), q > 0; those beyond float64 are infinite, with infinite error."""
    low, high, beyond = window(f, q, _DEPTH)
    if beyond:
        return Moments(q, dict.fromkeys(NAMES, math.inf), dict.fromkeys(NAMES, math.inf))
    edges = edges_on(f, q, low, high, 1.5)
    before = np.full(len(NAMES), np.inf)
    while True:
        limits.check()
        fine, size = _sums(f, q, edges, _FINE)
        check, _ = _sums(f, q, edges, _CHECK)
        with np.errstate(invalid="ignore"):
            error = np.where(np.isfinite(fine), np.abs(fine - check) + size, np.inf)
            # All are measured against E[f²] or E[f'²], which cannot vanish: E[f] and dE[f²]/dq can.
            scale = np.abs(fine[[2, 3, 2, 3, 3, 5, 5]]) ** np.array([0.5, 0.5, 1, 1, 1, 1, 1])
            poor = error > _TOLERANCE * scale + 2 * size
        # The curvature is needed to a few digits only; where halving helps no more, f' has a singularity.
        helped = poor & (error < 0.25 * before)
        before = error
        if not helped[:5].any() or 2 * len(edges) * (_FINE + _CHECK) > _MOST_NODES:
            break
        edges = np.sort(np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1])]))
    value = dict(zip(NAMES, fine.tolist(), strict=True))
    errors = dict(zip(NAMES, error.tolist(), strict=True))
    root = math.sqrt(q)
    for p, jump in zip(f.points, f.jumps, strict=True):
        if jump:
            density = math.exp(-0.5 * p * p / q) / (root * math.sqrt(2 * math.pi))
            value["mean_slope"] += jump * density
            sides = f.value(np.array([np.nextafter(p, -math.inf), np.nextafter(p, math.inf)]))
            # f² jumps too: s d(f²)/ds has a delta at p.
            value["second_slope"] += p * float(sides[1] ** 2 - sides[0] ** 2) * density / (2 * q)
            value["slope_second"] = math.inf
            errors["slope_second"] = 0.0
    if not any(f.jumps):
        _by_curvature(f, q, value, errors)
    return Moments(q, value, errors)


def expectation(f: Functions, q: float, integrand: Callable[[Array], Array]) -> float:
    """Return E[integrand(s)] over s ~ N(0, q), on panels that resolve f; other features are resolved as f's are."""
    low, high, _ = window(f, q, _DEPTH)
    s, weight = panels(edges_on(f, q, low, high, 1.5), _FINE)
    with np.errstate(all="ignore"):
        terms = weight * np.exp(-0.5 * s * s / q) * integrand(s)
    return float(np.where(np.isfinite(terms), terms, 0.0).sum()) / math.sqrt(2 * math.pi * q)


def _by_curvature(f: Functions, q: float, value: dict[str, float], errors: dict[str, float]) -> None:
    """dE[f²]/dq as E[f'² + f f''] where that is better: E[s f f']/q cancels at a small q if f(0) is not 0."""
    total, error = value["slope_second"] + value["value_curvature"], errors["slope_second"] + errors["value_curvature"]
    for p, jump in zip(f.points, f.slope_jumps, strict=True):
        if jump:
            # f'' is a delta at a kink.
            density = math.exp(-0.5 * p * p / q) / math.sqrt(2 * math.pi * q)
            delta = float(f.value(np.array([p]))[0]) * jump * density
            total += delta
            error += 4 * EPS * abs(delta) * (1 + p * p / q)
    if error < errors["second_slope"]:
        value["second_slope"], errors["second_slope"] = total, error


def _sums(f: Functions, q: float, edges: Array, n: int) -> tuple[Array, Array]:
    """Weighted sums of the integrands, and what rounding may have changed in each."""
    s, weight = panels(edges, n)
    root = math.sqrt(q)
    z = s / root
    weight = weight / (root * math.sqrt(2 * math.pi))
    # Half of the exponent goes to each factor of a square: exp(s)² leaves float64 long before its product with φ does.
    damped = np.exp(-0.25 * z * z)
    # exp(-z²/2) is wrong by z²/2 roundings.
    rounding = EPS * (1 + 0.25 * z * z) * weight
    sums, sizes = [], []
    with np.errstate(all="ignore"):
        value, slope, curvature = (np.where(damped > 0, g(s) * damped, 0.0) for g in (f.value, f.slope, f.curvature))
        for integrand in (
            value * damped,
            slope * damped,
            value * value,
            slope * slope,
            (z * value) * (slope / root),
            curvature * curvature,
            value * curvature,
        ):
            sums.append(float((weight * integrand).sum()))
            sizes.append(float((rounding * np.abs(integrand)).sum()))
    return np.array(sums), np.array(sizes)
