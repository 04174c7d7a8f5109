"""Gaussian expectations by ball arithmetic (python-flint), whose integrals are rigorous: an independent reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint

Ball = Any
REACH = 38
"""Standard deviations; beyond them lies less than 1e-300."""


def normal_density(x: Ball) -> Ball:
    """φ(x)."""
    return (-x * x / 2).exp() / (2 * flint.acb.pi()).sqrt()


def normal_cdf(x: Ball) -> Ball:
    """Φ(x)."""
    return (-x / flint.acb(2).sqrt()).erfc() / 2


def exact(value: Any) -> Ball:
    """A fraction or a float."""
    q = Fraction(value)
    return flint.arb(q.numerator) / q.denominator


def expectation(
    formula: Callable[[Ball, Ball], Ball], edges: Sequence[Any], mean: Any, deviation: Any, digits: int = 40
) -> Ball:
    """E[f(x)] as a real ball; ``formula(x, middle)`` is that of the piece in which the real ``middle`` lies."""
    flint.ctx.dps = digits
    m, s = flint.arb(mean), flint.arb(deviation)
    inside = sorted((flint.arb(e) - m) / s for e in edges)
    cuts = [flint.arb(-REACH), *(e for e in inside if abs(e) < REACH), flint.arb(REACH)]
    total = flint.arb(0)
    for a, b in pairwise(cuts):
        middle = m + s * (a + b) / 2

        def integrand(z: Ball, _: bool, middle: Ball = middle) -> Ball:
            return formula(m + s * z, middle) * normal_density(z)

        # Relative to the largest value on a grid: the integrals of tails are as small as 1e-100.
        sizes = [float(abs(integrand(flint.acb(a + (b - a) * k / 80), False)).mid()) for k in range(1, 80)]
        small = flint.arb(max(sizes)) * flint.arb(10) ** -(digits - 6) if max(sizes) else flint.arb("1e-300")
        found = flint.acb.integral(integrand, flint.acb(a), flint.acb(b), abs_tol=small, eval_limit=10**6)
        total += found.real
    return total


def holds(value: float, error: float, truth: Ball) -> bool:
    """Whether |value - truth| <= error, for certain."""
    return bool(abs(flint.arb(float(value)) - truth) <= flint.arb(float(error)))
