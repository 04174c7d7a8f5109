"""Moments of one unit by a fixed composite Gauss-Legendre rule in z = s/sqrt(q).

Needs NumPy alone: `numerics.kernels.quadrature` copies the code of this file into the programs that it writes.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PIECE = 1 << 18  # numbers of one array at most: a second-level cache holds it


class Rule(NamedTuple):
    """An activation and the numbers of its rule.

    ``edges`` are those of the panels in z, ``nodes`` and ``weights`` the Gauss-Legendre rule on [-1, 1]; a panel is cut
    where a kink or jump p of f lies in it, at z = p/sqrt(q). ``jumps`` and ``square_jumps`` are those of f and f^2.
    ``absolute`` asks for the integrals of absolute values: what rounding errors are measured against.
    """

    value: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    edges: Floats
    nodes: Floats
    weights: Floats
    points: Floats
    jumps: Floats
    square_jumps: Floats
    absolute: bool


def standard_nodes(rule: Rule, root: Floats) -> tuple[Floats, Floats]:
    """Nodes z and their weights under the standard normal law, one row for each sqrt(q), or one for all."""
    edges, moving = rule.edges[None, :], rule.points[rule.points != 0.0]
    if moving.size:
        cuts = np.clip(moving / root[:, None], rule.edges[0], rule.edges[-1])
        edges = np.sort(np.concatenate([np.broadcast_to(edges, (root.size, edges.size)), cuts], axis=1), axis=1)
    half = 0.5 * np.diff(edges, axis=1)[:, :, None]
    z = edges[:, :-1, None] + half * (1.0 + rule.nodes)
    weight = half * rule.weights * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    return z.reshape(len(edges), -1), weight.reshape(len(edges), -1)


def moment(rule: Rule, factors: str, q: Floats) -> Floats:
    """E of a product of f (v), f' (s) and z (z) for s = z sqrt(q), z standard normal."""
    functions = {"v": rule.value, "s": rule.slope}
    found = np.empty(q.shape)
    count = max(1, PIECE // ((rule.edges.size + rule.points.size) * rule.nodes.size))
    for start in range(0, q.size, count):
        part = slice(start, start + count)
        root = np.sqrt(q[part])
        z, weight = standard_nodes(rule, root)
        s = root[:, None] * z
        # Each factor gets its share of the weight: f^2 may leave float64 where f^2 times the weight does not.
        share = weight if len(factors) == 1 else np.sqrt(weight) if len(factors) == 2 else np.cbrt(weight)
        values = {name: share * (z if name == "z" else functions[name](s)) for name in set(factors)}
        integrand = values[factors[0]]
        for name in factors[1:]:
            integrand = integrand * values[name]
        integrand = np.where(weight > 0.0, np.abs(integrand) if rule.absolute else integrand, 0.0)
        found[part] = np.broadcast_to(integrand, (root.size, z.shape[1])).sum(axis=1)
    return found


def growth(rule: Rule, q: Floats) -> Floats:
    """dE[f^2]/dq = E[z f f']/sqrt(q); where f^2 jumps, s d(f^2)/ds has a delta."""
    root = np.sqrt(q)
    found = moment(rule, "zvs", q) / root
    for p, jump in zip(rule.points, rule.square_jumps, strict=True):
        term = p * jump * np.exp(-0.5 * p * p / q) / (root * np.sqrt(2.0 * np.pi)) / (2.0 * q)
        found += np.abs(term) if rule.absolute else term
    return found
