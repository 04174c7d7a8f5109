r"""Hermite coefficients of an activation: f(√q z) = Σ_k a_k He_k(z)/√k!, and what follows from them.

With them the covariance of two units is one power series in their correlation (Mehler's formula; Daniely, Frostig
& Singer 2016, the dual activation): E[f(u1) f(u2)] = Σ_k a_k(q1) a_k(q2) ρ^k.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from numerics.maps.functions import Array, Functions
from numerics.maps.line import EPS
from numerics.maps.mesh import edges_on, panels, window

ORDERS = (48, 128, 512, 2048)
"""Numbers of coefficients that are tried, one after the other."""

_FINE, _CHECK = 20, 16
_DEPTH = 80.0
_MOST_NODES = 60_000


@dataclass(frozen=True, eq=False)
class Series:
    """The first coefficients at one variance, in which each is in error by about ``error``.

    ``tail`` estimates Σ a_k² over all that are left out: what E[f²] leaves (Parseval). Where that is rounding alone, it
    is eight times what the last quarter holds, if that is less; coefficients of a function with jumps, the slowest,
    fall as k^(-3/4).
    """

    q: float
    coefficients: Array
    error: float
    tail: float
    second: float
    second_error: float

    @property
    def order(self) -> int:
        """How many coefficients there are."""
        return len(self.coefficients)


@lru_cache(maxsize=4096)
def series(f: Functions, q: float, order: int) -> Series | None:
    """Return the first ``order`` coefficients, or None where they would take too many nodes to compute."""
    low, high, beyond = window(f, q, _DEPTH)
    if beyond:
        return None
    # The highest polynomial oscillates with frequency √order; a panel holds about two of its periods.
    edges = edges_on(f, q, low, high, min(1.0, 13 / math.sqrt(order)))
    if len(edges) * _FINE > _MOST_NODES:
        return None
    (fine, check), (second, again), rounding = _project(f, q, edges, order)
    second_error = abs(second - again) + rounding
    error = float(np.abs(fine - check).max()) + 4 * EPS * math.sqrt(second)
    squares = fine * fine
    missing, noise = second - float(squares.sum()), second_error + 16 * EPS * second
    tail = max(missing, 0.0) + noise
    # What is missing beyond rounding is there, however small the last coefficients are: sin at q = 1000 has all of its
    # weight about order 1000, and a narrow notch its own far beyond any order.
    if missing <= noise:
        tail = min(tail, 8 * (float(squares[-(order // 4) :].sum()) + order * error * error))
    return Series(q, fine, error, tail, second, second_error)


def _project(f: Functions, q: float, edges: Array, order: int) -> tuple[Array, tuple[float, float], float]:
    """Integrals of f(√q z) He_k(z)/√k! and of f² by the fine rule and the check, and the rounding of the last."""
    root = math.sqrt(q)
    rules = [panels(edges, n) for n in (_FINE, _CHECK)]
    s = np.concatenate([nodes.ravel() for nodes, _ in rules])
    weight = np.concatenate([weights.ravel() for _, weights in rules]) / root
    z = s / root
    # The weight is shared: Hermite functions times exp(-z²/4) stay bounded.
    damped = np.exp(-0.25 * z * z)
    first = rules[0][0].size
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.where(damped > 0, f.value(s) * damped, 0.0)
        squares = values * values * weight / math.sqrt(2 * math.pi)
        values = values * weight / math.sqrt(2 * math.pi)
    second = float(squares[:first].sum()), float(squares[first:].sum())
    rounding = EPS * float(((1 + 0.25 * z * z) * squares)[:first].sum())
    both = np.zeros((2, len(s)))
    both[0, :first], both[1, first:] = values[:first], values[first:]
    before, now = np.zeros_like(z), damped
    found = np.empty((2, order))
    for k in range(order):
        found[:, k] = both @ now
        before *= -math.sqrt(k)
        before += z * now
        before /= math.sqrt(k + 1)
        before, now = now, before
    return found, second, rounding
