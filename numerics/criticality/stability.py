"""Whether lengths stay at a fixed point of the length map: by its slope or, where that is 1, by the next order."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from numerics.criticality.moments import Number

STABLE, UNSTABLE, HALF_STABLE, UNDECIDED, NEUTRAL = "stable", "unstable", "half-stable", "undecided", "neutral"

Step = Callable[[float], Number]
"""Q(q) - q, and its error."""

_STEPS = range(26, 2, -1)
_SURE = 4.0


class Judgement(NamedTuple):
    """One of `STABLE`, `UNSTABLE`, `HALF_STABLE` and `UNDECIDED`, and what shows it."""

    stability: str
    evidence: str


def by_slope(chi: Number) -> Judgement | None:
    """Return what the slope of the length map decides: nothing where |χ_∥| is 1 within its error."""
    if abs(abs(chi.value) - 1) <= chi.error:
        return None
    below = abs(chi.value) < 1
    return Judgement(
        STABLE if below else UNSTABLE, f"|chi_par| {'<' if below else '>'} 1: {chi.value:.9g} +- {chi.error:.1g}"
    )


def by_sides(step: Step, q: float, chi: Number) -> Judgement:
    """Return what the sign of Q(q) - q on both sides of a fixed point decides, or of Q(Q(q)) - q where χ_∥ = -1.

    A side counts at the smallest distance at which its step is beyond what its own error and that of χ_∥ explain.
    """
    twice = chi.value < 0

    def beyond(x: float) -> Number:
        first = step(x)
        if not twice:
            return first
        second = step(x + first.value)
        return Number(first.value + second.value, 2 * first.error + second.error)

    below, above = (_side(beyond, q, side, chi.error) for side in (-1, 1))
    name = "Q(Q(q)) - q" if twice else "Q(q) - q"
    # Q is the length map, as in the glossary.
    found = [
        f"{name} = {side[1]:.2g} at q = q* (1 {'-' if side[0] < 0 else '+'} {abs(side[0]):.1g})"
        for side in (below, above)
        if side is not None
    ]
    slope = f"chi_par = {-1 if twice else 1} within {chi.error:.1g}"
    words = "; ".join([slope, *(found or [f"the sign of {name} is in the noise"])])
    if below is None or above is None:
        return Judgement(UNDECIDED, words)
    to_it, away = below[1] > 0, above[1] > 0
    if to_it == away:
        return Judgement(
            HALF_STABLE, f"attracts from {'below, repels above' if to_it else 'above, repels below'}: {words}"
        )
    return Judgement(STABLE if to_it else UNSTABLE, f"{'attracts' if to_it else 'repels'} on both sides: {words}")


def _side(step: Step, q: float, side: int, doubt: float) -> tuple[float, float] | None:
    """The nearest place on one side whose step has a sure sign, as a share of q*, and the step."""
    for n in _STEPS:
        part = side * 2.0**-n
        found = step(q * (1 + part))
        if abs(found.value) > _SURE * (found.error + doubt * abs(part) * q):
            return part, found.value
    return None
