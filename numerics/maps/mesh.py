"""Panels for quadrature: where an activation is a polynomial to working precision, and where the Gaussian is."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np

from derive import limits
from numerics.maps.functions import Array, Functions

DEGREE = 16
"""A function is resolved on a panel when this many Legendre coefficients hold it to working precision."""

_RESOLVED = 3e-14
_FLOOR = 1e-4  # of the size near 0: values below it never decide an integral over a centred Gaussian
_SPECK, _MIRROR = 1e-36, 1e-3
_NOISE = 1e5
_LARGEST = 1e307
_MOST_PANELS = 30_000
_DEEPEST = 45
REACH = 48.0
"""Mass of an integrand is looked for within so many standard deviations."""


@lru_cache(maxsize=32)
def rule(n: int) -> tuple[Array, Array]:
    """Nodes and weights of the Gauss-Legendre rule on [-1, 1]."""
    x, w = np.polynomial.legendre.leggauss(n)
    return x, w


@lru_cache(maxsize=2)
def _to_coefficients(n: int) -> Array:
    x, w = rule(n)
    k = np.arange(n)
    matrix: Array = np.polynomial.legendre.legvander(x, n - 1).T * w * (k[:, None] + 0.5)
    return matrix


def panels(edges: Array, n: int) -> tuple[Array, Array]:
    """Nodes and weights of the composite Gauss-Legendre rule on the panels between edges, shape (panels, n)."""
    x, w = rule(n)
    half = 0.5 * np.diff(edges)
    return (edges[:-1] + half)[:, None] + half[:, None] * x, half[:, None] * w


def _excess(f: Functions, left: Array, right: Array, centre: tuple[float, float], inside: Array | None = None) -> Array:
    """How far f and f' are from a polynomial of degree `DEGREE` - 1 on each panel; up to 1 is resolved.

    ``inside`` are edges of parts that are resolved: then the polynomial must agree at the nodes of the parts too, so
    that nothing between the nodes of the whole is missed.
    """
    limits.check()
    x, _ = rule(DEGREE)
    half = 0.5 * (right - left)
    s = (left + half)[:, None] + half[:, None] * x
    value, slope = f.value(s), f.slope(s)
    worst = np.zeros(len(left))
    with np.errstate(all="ignore"):
        # A centred Gaussian weighs s and -s alike: where f is large on the other side, a small tail needs no detail.
        one_sided = (left >= 0) | (right <= 0)
        other, steeper = (
            np.where(one_sided, _MIRROR * np.minimum(_highest(g(-s)), 1e300), 0.0) for g in (f.value, f.slope)
        )
        size = np.maximum(np.maximum(np.abs(value).max(axis=1), other), _FLOOR * centre[0])
        # A slope that is small beside f / (width of the panel) changes f by less than f's own rounding.
        steep = np.maximum(np.abs(slope).max(axis=1), np.maximum(size / (right - left), _FLOOR * centre[1]))
        # A scale that overflows would divide infinity by infinity.
        size, steep = np.minimum(size, _LARGEST), np.minimum(np.maximum(steep, steeper), _LARGEST)
        # The rounding of s itself: a sine of a large argument is known to so many digits only.
        rounding = 4 * np.finfo(float).eps * np.maximum(np.abs(left), np.abs(right))
        for values, scale, change in ((value, size, slope), (slope, steep, f.curvature(s))):
            # In units of the largest value: sums of values near float64's end would overflow.
            coefficients = (values / scale[:, None]) @ _to_coefficients(DEGREE).T
            allowed = _RESOLVED + rounding * _highest(change) / scale
            worst = np.fmax(worst, _ratio(np.abs(coefficients[:, -3:]).max(axis=1), allowed))
            if inside is None or (worst > 1).all():
                continue
            for a, b in ((left, inside), (inside, right)):
                at = (0.5 * (a + b))[:, None] + 0.5 * (b - a)[:, None] * x
                local = (at - (left + half)[:, None]) / half[:, None]
                expected = np.einsum("pnk,pk->pn", np.polynomial.legendre.legvander(local, DEGREE - 1), coefficients)
                found = (f.value(at) if values is value else f.slope(at)) / scale[:, None]
                worst = np.fmax(worst, _ratio(np.abs(found - expected).max(axis=1), 4 * allowed))
    # Nothing is gained where all values, or all slopes, are beyond float64.
    worst[~(np.isfinite(value).any(axis=1) & np.isfinite(slope).any(axis=1))] = 0.0
    return worst


def _highest(values: Array) -> Array:
    """The largest size on each panel; what has no value, such as 0 times infinity, says nothing of the others."""
    highest: Array = np.fmax.reduce(np.abs(values), axis=1)
    return np.where(np.isnan(highest), 0.0, highest)


def _ratio(found: Array, allowed: Array) -> Array:
    ratio = np.where(found <= allowed, np.minimum(found / allowed, 1.0), found / allowed)
    ratio[(found == 0) & (allowed == 0)] = 0.0
    return np.where(np.isnan(ratio), np.inf, ratio)


@lru_cache(maxsize=256)
def activation_edges(f: Functions, exponent: int) -> Array:
    """Edges of the fewest panels found on which f and f' are polynomials, on |s| <= 2^exponent.

    Every point where one formula gives way to another is an edge, and so are the two ends.
    """
    reach = 2.0**exponent
    fixed = sorted({-reach, reach, *(p for p in f.points if -reach < p < reach)})
    centre = _centre(f, reach)
    made = [np.array([fixed[0]])]
    for left, right in itertools.pairwise(fixed):
        made.append(_coarsened(f, _refined(f, left, right, centre), centre)[1:])
    return np.concatenate(made)


def _centre(f: Functions, reach: float) -> tuple[float, float]:
    """How large f and f' are near 0, where values count, on |s| <= reach."""
    s = np.linspace(-1, 1, 41) * min(1.0, reach)
    # The second sample is for functions that are nothing near 0, such as a bump far from it.
    far = np.linspace(-64, 64, 1025)
    value, slope = (max(_largest(g(s)), _SPECK * _largest(g(far[np.abs(far) <= reach]))) for g in (f.value, f.slope))
    return value, slope


def _largest(values: Array) -> float:
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def _refined(f: Functions, left: float, right: float, centre: tuple[float, float]) -> Array:
    """Bisect until every panel is resolved, from panels that are short beside their distance from 0."""
    seeds = [left, right]
    for step in _STEPS:
        seeds += [p for p in (step, -step) if left < p < right]
    edges = np.unique(np.array(seeds))
    done: list[Array] = []
    low, high = edges[:-1], edges[1:]
    before = np.full(len(low), np.inf)
    for _ in range(_DEEPEST):
        excess = _excess(f, low, high, centre)
        bad = excess > 1
        # Halving a panel improves a polynomial by 2^-15; where it does not help, what is left is the rounding of f.
        bad &= ~((excess > 0.5 * before) & (excess < _NOISE))
        bad &= (high - low) > 1e-14 * np.maximum(np.abs(low), np.abs(high))
        done.append(low[~bad])
        if not bad.any() or bad.sum() > _MOST_PANELS:
            done.append(low[bad])
            break
        middle = 0.5 * (low[bad] + high[bad])
        low, high = np.concatenate([low[bad], middle]), np.concatenate([middle, high[bad]])
        before = np.tile(excess[bad], 2)
    else:
        done.append(low)
    return np.unique(np.concatenate([*done, np.array([right])]))


_STEPS = np.unique(
    np.concatenate(
        [
            [0.0],
            np.arange(1, 17),
            *(2.0**k * (1 + np.arange(1, 9) / 8) for k in range(4, 40)),
            2.0 ** np.arange(-8.0, 0),
        ]
    )
).tolist()


def _coarsened(f: Functions, edges: Array, centre: tuple[float, float]) -> Array:
    """Join neighbours as long as what they make is still resolved."""
    offset = idle = 0
    # An edge that was kept is looked at again when a neighbour has gone.
    kept = np.zeros(len(edges), dtype=bool)
    while idle < 2 and len(edges) > 2:
        inner = np.arange(1 + offset, len(edges) - 1, 2)
        offset = 1 - offset
        inner = inner[~kept[inner]]
        if not len(inner):
            idle += 1
            continue
        bad = _excess(f, edges[inner - 1], edges[inner + 1], centre, edges[inner]) > 1
        kept[inner[bad]] = True
        gone = inner[~bad]
        idle = 0 if len(gone) else idle + 1
        kept[gone - 1] = kept[gone + 1] = False
        edges, kept = np.delete(edges, gone), np.delete(kept, gone)
    return edges


def exponent_for(reach: float) -> int:
    """The smallest k >= -4 with 2^k >= reach: meshes are made for few sizes, and kept."""
    return max(-4, math.ceil(math.log2(max(reach, 1e-300))))


def window(f: Functions, q: float, depth: float) -> tuple[float, float, bool]:
    """Where the mass is: an interval of z = s/√q outside which |f|, f² and f'² times exp(-z²/2) are small.

    Small is exp(-depth) times the largest. The third value says that mass may lie where f overflows or beyond
    `REACH` standard deviations.
    """
    root = math.sqrt(q)
    z = np.linspace(-REACH, REACH, 8 * int(REACH) + 1)
    edges = activation_edges(f, exponent_for(13 * root)) / root
    near = edges[np.abs(edges) <= REACH]
    z = np.unique(np.concatenate([z, near[:2000], 0.5 * (near[1:] + near[:-1])[:2000]]))
    with np.errstate(all="ignore"):
        size = np.log(np.abs(f.value(root * z)))
        steep = np.log(np.abs(f.slope(root * z)))
        weight = -0.5 * z * z
        logs = [size + weight, 2 * size + weight, 2 * steep + weight]
    significant = np.zeros(len(z), dtype=bool)
    beyond = False
    for log in logs:
        finite = np.isfinite(log)
        if not finite.any():
            continue
        top = log[finite].max()
        keep = finite & (log > top - depth)
        significant |= keep
        # Where f overflows or the scan ends, the integrand must have become small already.
        # A slope may also be infinite at one point, such as that of sqrt(|s|) at 0.
        lost = (np.isposinf(log) | np.isnan(log)) & ~np.isfinite(f.value(root * z))
        lost[[0, -1]] |= keep[[0, -1]]
        if lost.any():
            first, last = np.flatnonzero(keep)[[0, -1]]
            beyond |= bool(lost[max(first - 1, 0) : last + 2].any())
    if not significant.any():
        return -9.0, 9.0, beyond
    first, last = np.flatnonzero(significant)[[0, -1]]
    return float(z[max(first - 1, 0)]), float(z[min(last + 1, len(z) - 1)]), beyond


def gaussian_edges(low: float, high: float, step: float) -> Array:
    """Equal panels of at most ``step`` from low to high."""
    return np.linspace(low, high, max(2, math.ceil((high - low) / step) + 1))


def edges_on(f: Functions, q: float, low: float, high: float, step: float) -> Array:
    """Edges in s for the Gaussian of variance q between z = low and high, and for the activation."""
    root = math.sqrt(q)
    reach = max(abs(low), abs(high)) * root
    own = activation_edges(f, exponent_for(max(reach, 13 * root)))
    own = own[(own > low * root) & (own < high * root)]
    return np.unique(np.concatenate([gaussian_edges(low, high, step) * root, own]))


def common_edges(f: Functions, lowest: float, highest: float, *, depth: float, step: float) -> Array | None:
    """Edges in z = s/√q that serve every variance q from lowest to highest, once each is cut at f's points too.

    Panels are at most ``step`` wide, and bisected until f and f' are polynomials on what the points p/√q leave of them,
    for each of a ladder of variances. None where there is mass in which f overflows.
    """
    ladder = np.geomspace(lowest, highest, max(2, math.ceil(math.log2(highest / lowest)) + 1))
    windows = [window(f, q, depth) for q in ladder]
    if any(beyond for _, _, beyond in windows):
        return None
    low, high = min(w[0] for w in windows), max(w[1] for w in windows)
    edges = np.unique(np.concatenate([gaussian_edges(low, high, step), [0.0] if low < 0 < high else []]))
    centre = _centre(f, max(-low, high) * math.sqrt(highest))
    before = np.full(len(edges) - 1, np.inf)
    for _ in range(_DEEPEST):
        worst = np.max([_worst(f, edges * math.sqrt(q), centre) for q in ladder], axis=0)
        # Where halving does not help, what is left is the rounding of f.
        bad = (worst > 1) & ~((worst > 0.5 * before) & (worst < _NOISE))
        if not bad.any() or len(edges) + bad.sum() > _MOST_COMMON:
            break
        after = np.where(bad, worst, before)
        inner = 0.5 * (edges[:-1] + edges[1:])[bad]
        before = np.repeat(after, 1 + bad)
        edges = np.sort(np.concatenate([edges, inner]))
    return edges


_MOST_COMMON = 4000


def _worst(f: Functions, edges: Array, centre: tuple[float, float]) -> Array:
    """The largest excess on the parts that f's points make of each panel."""
    parts = np.unique(np.concatenate([edges, [p for p in f.points if edges[0] < p < edges[-1]]]))
    found = _excess(f, parts[:-1], parts[1:], centre)
    owner = np.searchsorted(edges, parts[:-1], side="right") - 1
    worst = np.zeros(len(edges) - 1)
    np.maximum.at(worst, owner, found)
    return worst
