"""Maps of two units by fixed composite Gauss-Legendre rules: over what they share, and over what each has alone.

Needs NumPy alone: `numerics.kernels.quadrature` copies the code of this file into the programs that it writes.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from numerics.kernels._line_rule import Rule

Floats = NDArray[np.float64]


class PlaneRule(NamedTuple):
    """A rule for one unit, and the numbers of the rules for two.

    ``normal`` are the edges of panels for a standard normal law, 0 among them; ``own`` those of panels in s on which f
    and f' are polynomials, the kinks and jumps among them; ``nodes`` and ``weights`` the Gauss-Legendre rule on
    [-1, 1], and ``integrals`` the matrix that integrates from -1 to each node.
    """

    line: Rule
    normal: Floats
    own: Floats
    nodes: Floats
    weights: Floats
    integrals: Floats


def inner_nodes(rule: PlaneRule, anchor: float, offset: Floats, spread: float) -> tuple[Floats, Floats, Floats]:
    """Nodes nu, weights under N(0, spread^2) and half widths of panels, for each mu = anchor + offset."""
    low, high = spread * rule.normal[0], spread * rule.normal[-1]
    own = rule.own - anchor
    own = own[(own > offset.min() + low) & (own < offset.max() + high)]
    cuts = np.clip(own - offset[:, None], low, high)
    regular = np.broadcast_to(spread * rule.normal, (offset.size, rule.normal.size))
    edges = np.sort(np.concatenate([regular, cuts], axis=1), axis=1)
    half = 0.5 * np.diff(edges, axis=1)[:, :, None]
    nu = edges[:, :-1, None] + half * (1.0 + rule.nodes)
    weight = half * rule.weights * np.exp(-0.5 * np.square(nu / spread)) / (spread * np.sqrt(2.0 * np.pi))
    return nu, weight, half


def smoothed(rule: PlaneRule, mu: Floats, spread: float) -> Floats:
    """E[f(mu + nu)] over nu ~ N(0, spread^2), for each mu."""
    if spread == 0.0:
        return rule.line.value(mu)
    nu, weight, _ = inner_nodes(rule, 0.0, mu, spread)
    integrand = weight * rule.line.value(mu[:, None, None] + nu)
    found: Floats = np.where(weight > 0.0, integrand, 0.0).sum(axis=(1, 2))
    return found


def product(rule: PlaneRule, first: tuple[float, float], second: tuple[float, float]) -> float:
    """E[f(a z + b y) f(a' z + b' y')] for independent standard normal z, y and y', and legs (a, b), (a', b')."""
    if not np.isfinite([first, second]).all():
        return float("nan")
    if first[0] == 0.0 or second[0] == 0.0:
        z, weight = np.zeros((1, 1)), np.ones((1, 1))
    else:
        parts = [rule.normal]
        for scale, spread in (first, second):
            parts += [rule.own / scale, *((p + spread * rule.normal) / scale for p in rule.line.points)]
        edges = np.unique(np.clip(np.concatenate(parts), rule.normal[0], rule.normal[-1]))
        half = 0.5 * np.diff(edges)[:, None]
        z = edges[:-1, None] + half * (1.0 + rule.nodes)
        weight = half * rule.weights * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    total = 0.0
    for nodes, root in zip(z, np.sqrt(weight), strict=True):
        one = root * smoothed(rule, first[0] * nodes, first[1])
        other = one if first == second else root * smoothed(rule, second[0] * nodes, second[1])
        total += float(np.where(root > 0.0, one * other, 0.0).sum())
    return total


def scatter(rule: PlaneRule, m: float, v: float) -> float:
    """E_mu[Var_nu f(mu + nu)] for mu ~ N(0, m^2) and nu ~ N(0, v^2), without subtracting nearly equal numbers.

    Nodes are kept as distances from the nearest kink or jump, or from 0, which stay exact however small v or m is.
    """
    if not np.isfinite([m, v]).all():
        return float("nan")
    if v == 0.0:
        return 0.0
    if m == 0.0:
        return float(variance_within(rule, 0.0, np.zeros(1), v)[0])
    points = rule.line.points
    anchors = np.unique(np.append(points, 0.0))
    ends = m * rule.normal[0], m * rule.normal[-1]
    borders = np.clip([ends[0], *(0.5 * (anchors[1:] + anchors[:-1])), ends[1]], *ends)
    total = 0.0
    for anchor, (low, high) in zip(anchors.tolist(), pairwise(borders.tolist()), strict=True):
        if low == high:
            continue
        blurred = [(p - anchor) + v * rule.normal for p in points]
        offsets = np.concatenate([m * rule.normal - anchor, rule.own - anchor, *blurred, [low - anchor, high - anchor]])
        edges = np.unique(np.clip(offsets, low - anchor, high - anchor))
        for left, right in pairwise(edges.tolist()):
            half = 0.5 * (right - left)
            t = left + half * (1.0 + rule.nodes)
            weight = half * rule.weights * np.exp(-0.5 * np.square((anchor + t) / m)) / (m * np.sqrt(2.0 * np.pi))
            if weight.any():
                total += float(np.where(weight > 0.0, weight * variance_within(rule, anchor, t, v), 0.0).sum())
    return total


def variance_within(rule: PlaneRule, anchor: float, offset: Floats, v: float) -> Floats:
    """Var_nu f(mu + nu) for each mu = anchor + offset: that of f(mu + nu) - f(mu), the integral of f' and the jumps."""
    nu, weight, half = inner_nodes(rule, anchor, offset, v)
    slope = np.where(half > 0.0, rule.line.slope(anchor + (offset[:, None, None] + nu)), 0.0)
    whole = half[:, :, 0] * (slope @ rule.weights)
    from_left = half * (slope @ rule.integrals.T)
    from_right = half * (slope @ (rule.weights - rule.integrals).T)
    # Both ways from nu = 0, so that neither side is the difference of two large sums.
    right_of_zero = nu[:, :, :1] > 0.0
    upper = np.where(right_of_zero[:, :, 0], whole, 0.0)
    lower = np.where(right_of_zero[:, :, 0], 0.0, whole)[:, ::-1]
    none = np.zeros((len(nu), 1))
    before = np.concatenate([none, np.cumsum(upper, axis=1)[:, :-1]], axis=1)[:, :, None]
    after = np.concatenate([none, np.cumsum(lower, axis=1)[:, :-1]], axis=1)[:, ::-1, None]
    change = np.where(right_of_zero, before + from_left, -(after + from_right))
    for p, jump in zip(rule.line.points, rule.line.jumps, strict=True):
        gap = ((p - anchor) - offset)[:, None, None]
        change += jump * ((nu > gap).astype(float) - (gap < 0.0))
    weight = np.where(half > 0.0, weight, 0.0)
    change = np.where(weight > 0.0, change, 0.0)
    centre = (weight * change).sum(axis=(1, 2), keepdims=True) / weight.sum(axis=(1, 2), keepdims=True)
    found: Floats = np.square(np.sqrt(weight) * (change - centre)).sum(axis=(1, 2))
    return found


def covariance(rule: PlaneRule, q_1: Floats, q_2: Floats, rho: Floats, gap: Floats) -> Floats:
    """E[f(u1) f(u2)] for variances q_1 and q_2, correlation rho and gap = 1 - rho."""
    found = np.empty(np.broadcast(q_1, q_2, rho, gap).shape)
    rho, gap = (np.abs(rho), np.where(rho < 0.0, 2.0 - gap, gap)) if rule.line.absolute else (rho, gap)
    shared = np.minimum(np.abs(rho), 1.0)
    own = np.maximum(np.where(rho < 0.0, 1.0 + rho, gap), 0.0)
    sign = np.where(rho < 0.0, -1.0, 1.0)
    for k, (a, b, common, apart, way) in enumerate(zip(*np.broadcast_arrays(q_1, q_2, shared, own, sign), strict=True)):
        first = float(np.sqrt(a * common)), float(np.sqrt(a * apart))
        second = float(way * np.sqrt(b * common)), float(np.sqrt(b * apart))
        found[k] = product(rule, first, second)
    return found


def separation(rule: PlaneRule, shared: Floats, own: Floats) -> Floats:
    """E[f^2] - E[f(u1) f(u2)] for units of which each has variance ``shared`` in common and ``own`` alone."""
    legs = zip(np.sqrt(shared).tolist(), np.sqrt(own).tolist(), strict=True)
    return np.array([scatter(rule, *leg) for leg in legs])
