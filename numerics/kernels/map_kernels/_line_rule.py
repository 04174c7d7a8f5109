"""Maps of one variance by a fixed composite Gauss-Legendre rule in z = s/sqrt(q).

Needs NumPy alone: `numerics.kernels.map_kernels.modules` copies the code of this file into the modules that it writes.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from numerics.kernels._runtime import as_floats

Floats = NDArray[np.float64]

BLOCK = 1 << 18  # numbers of one array at most: a second-level cache holds it


class Rule(NamedTuple):
    """An activation and the numbers of its rule.

    ``edges`` are those of the panels in z, ``nodes`` and ``weights`` the Gauss-Legendre rule on [-1, 1]; a panel is cut
    where a kink or jump p of f lies in it, at z = p/sqrt(q). ``jumps`` and ``square_jumps`` are those of f and f^2.
    """

    value: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    lowest: float
    highest: float
    edges: Floats
    nodes: Floats
    weights: Floats
    points: Floats
    jumps: Floats
    square_jumps: Floats


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


def expectation(rule: Rule, what: str, q: Floats) -> Floats:
    """E[f], E[f^2], E[f'^2], E[z f] or dE[f^2]/dq = E[z f f']/sqrt(q) for s = z sqrt(q), z standard normal."""
    found = np.empty(q.shape)
    count = max(1, BLOCK // ((rule.edges.size + rule.points.size) * rule.nodes.size))
    for start in range(0, q.size, count):
        part = slice(start, start + count)
        root = np.sqrt(q[part])
        z, weight = standard_nodes(rule, root)
        s = root[:, None] * z
        # A square gets half of the weight in each factor: f^2 may leave float64 where f^2 times the weight does not.
        half = np.sqrt(weight)
        if what == "mean":
            integrand = weight * rule.value(s)
        elif what == "first":
            integrand = weight * z * rule.value(s)
        elif what == "second":
            integrand = np.square(half * rule.value(s))
        elif what == "slope_second":
            integrand = np.square(half * rule.slope(s))
        else:
            integrand = (half * z * rule.value(s)) * (half * rule.slope(s) / root[:, None])
        found[part] = np.where(weight > 0.0, integrand, 0.0).sum(axis=1)
        if what == "second_slope":
            for p, jump in zip(rule.points, rule.square_jumps, strict=True):
                # f^2 jumps: s d(f^2)/ds has a delta at p.
                density = np.exp(-0.5 * p * p / q[part]) / (root * np.sqrt(2.0 * np.pi))
                found[part] += p * jump * density / (2.0 * q[part])
    return found


def rule_mean(rule: Rule, q: Floats) -> Floats:
    """E[f(s)]."""
    return expectation(rule, "mean", q)


def rule_second_moment(rule: Rule, q: Floats) -> Floats:
    """E[f(s)^2]."""
    return expectation(rule, "second", q)


def rule_length_map(rule: Rule, q: Floats, sigma_w2: Floats, sigma_b2: Floats) -> Floats:
    """sigma_w2 E[f^2] + sigma_b2."""
    return sigma_w2 * expectation(rule, "second", q) + sigma_b2


def rule_chi_perp(rule: Rule, q: Floats, sigma_w2: Floats) -> Floats:
    """sigma_w2 E[f'^2]."""
    return sigma_w2 * expectation(rule, "slope_second", q)


def rule_chi_par(rule: Rule, q: Floats, sigma_w2: Floats) -> Floats:
    """sigma_w2 dE[f^2]/dq."""
    return sigma_w2 * expectation(rule, "second_slope", q)


def rule_slope_at_zero(rule: Rule, q: Floats, sigma_w2: Floats, sigma_b2: Floats) -> Floats:
    """sigma_w2 E[z f]^2/q', with q' the length map."""
    return sigma_w2 * expectation(rule, "first", q) ** 2 / rule_length_map(rule, q, sigma_w2, sigma_b2)


def rule_slope_at_one(rule: Rule, q: Floats, sigma_w2: Floats, sigma_b2: Floats) -> Floats:
    """chi_perp q/q', with q' the length map."""
    return rule_chi_perp(rule, q, sigma_w2) * q / rule_length_map(rule, q, sigma_w2, sigma_b2)


def rule_backward_factor(rule: Rule, q: Floats, n_in: Floats, n_out: Floats, sigma_w2: Floats) -> Floats:
    """n_out/n_in sigma_w2 E[f'^2]."""
    return n_out / n_in * rule_chi_perp(rule, q, sigma_w2)


def check_range(name: str, values: Floats, lowest: float, highest: float) -> None:
    """Raise ValueError for a positive number outside of [lowest, highest] by more than rounding; NaN passes."""
    wrong = (values < lowest * (1.0 - 1e-12)) | (values > highest * (1.0 + 1e-12))
    if wrong.any():
        raise ValueError(f"{name} must be from {lowest:g} to {highest:g}, got {float(values[wrong][0])!r}")


def evaluate(function: Callable[..., Any], rule: Any, names: Sequence[str], values: Sequence[Any]) -> Any:
    """Broadcast the arguments, check the variances and evaluate: floats for numbers, arrays for arrays."""
    line = getattr(rule, "line", rule)
    arrays = [as_floats(name, value) for name, value in zip(names, values, strict=True)]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    flat = [np.broadcast_to(array, shape).ravel() for array in arrays]
    for name, array in zip(names, flat, strict=True):
        if name in ("q", "q_1", "q_2"):
            check_range(name, array, line.lowest, line.highest)
    with np.errstate(all="ignore"):
        found = function(rule, *flat)
    answers = [part.reshape(shape) if shape else float(part[0]) for part in np.atleast_2d(found)]
    return tuple(answers) if isinstance(found, tuple) else answers[0]
