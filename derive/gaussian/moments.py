"""Moments on half-spaces by Stein's identity: from monomials to probabilities.

    E[z_i h(z)] = m_i E[h] + Σ_j C_ij E[∂_j h],   with   ∂_j H(l, τ²) = a_j · (density of l + τY at 0, z
    conditioned on it)

A step differentiates to a delta; conditioning on l + τY = 0 is exact for steps and for Φ alike. The same
identity gives truncated moments and Isserlis' moments. Source: Stein 1981, lemmas 1 and 2; Price 1958.
"""

from collections.abc import Iterator
from functools import cache

from derive.gaussian.closed import Closed
from derive.gaussian.law import Law
from derive.gaussian.normal_form import Factor, Powers
from derive.gaussian.orthants import probability
from derive.gaussian.parameters import Element, Parameters


class Moments:
    """Computes E[z^powers · ΠH] for one family of laws, remembering every intermediate moment."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._moment = cache(self._compute)

    def moment(self, law: Law, powers: Powers, factors: frozenset[Factor]) -> Closed:
        """E[z^powers · Π factors] under `law`, in closed form."""
        result: Closed = self._moment(law, powers, factors)
        return result

    def _compute(self, law: Law, powers: Powers, factors: frozenset[Factor]) -> Closed:
        p = self.parameters
        result = Closed(p)
        for here, weight, rest, inner in identity(law, powers, factors, p):
            if here is None:
                return probability(law, tuple(sorted(factors, key=repr)), p)
            result = result + weight * self._moment(here, rest, inner)
        return result


Part = tuple[Law | None, Closed, Powers, frozenset[Factor]]


def identity(law: Law, powers: Powers, factors: frozenset[Factor], p: Parameters) -> Iterator[Part]:
    """The terms (law, weight, powers, factors) of Stein's identity for the first variable that has a power.

    Without powers (and deltas) the single term has no law: what is left is a probability.
    """
    for factor in factors:
        if factor.delta:
            yield _boundary(law, factor, powers, factors, p.one, p)
            return
    place = next((i for i, k in enumerate(powers) if k), None)
    if place is None:
        yield None, Closed.constant(p, p.one), powers, factors
        return
    rest = _lower(powers, place)
    if law.mean[place] != 0:
        yield law, Closed.constant(p, law.mean[place]), rest, factors
    for j, k in enumerate(rest):
        if k and law.covariance[place][j] != 0:
            yield law, Closed.constant(p, law.covariance[place][j] * k), _lower(rest, j), factors
    for factor in sorted(factors, key=repr):
        weight = p.reduce(law.along(factor.a)[place])
        if weight != 0:
            yield _boundary(law, factor, rest, factors, weight, p)


def _boundary(
    law: Law, factor: Factor, powers: Powers, factors: frozenset[Factor], weight: Element, p: Parameters
) -> Part:
    """Weight · density(l + τY = 0), and the law given l + τY = 0."""
    level, spread = law.level(factor), law.spread(factor)
    p.declare_positive(spread)
    exponent = p.reduce(-(level**2) / (2 * spread))
    density = Closed.monomial(p, weight, pi_halves=-1, under_root=1 / (2 * spread), exponent=exponent)
    return law.given_boundary(factor, p), density, powers, factors - {factor}


def stein(
    law: Law, powers: Powers, factors: frozenset[Factor], parameters: Parameters
) -> list[tuple[Closed, Law, frozenset[Factor]]]:
    """The same recursion, stopped at the probabilities: E[z^powers · ΠH] = Σ front · P_law(factors)."""
    p = parameters
    totals: dict[tuple[Law, frozenset[Factor]], Closed] = {}
    waiting: dict[tuple[Law, Powers, frozenset[Factor]], Closed] = {(law, powers, factors): Closed.constant(p, p.one)}
    while waiting:
        p.check_time()
        # every application lowers this order, so each state is taken once, with all that leads to it
        state = max(waiting, key=lambda s: sum(s[1]) + sum(f.delta for f in s[2]))
        front = waiting.pop(state)
        for here, weight, rest, inner in identity(*state, p):
            if here is None:
                key = (state[0], inner)
                totals[key] = totals.get(key, Closed(p)) + front
            else:
                target = (here, rest, inner)
                waiting[target] = waiting.get(target, Closed(p)) + front * weight
    return [(front, *key) for key, front in totals.items() if front.terms]


def _lower(powers: Powers, place: int) -> Powers:
    return (*powers[:place], powers[place] - 1, *powers[place + 1 :])
