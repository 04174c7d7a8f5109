"""Moments on half-spaces by Stein's identity: from monomials to probabilities.

    E[z_i h(z)] = m_i E[h] + Σ_j C_ij E[∂_j h],   with   ∂_j H(l, τ²) = a_j · (density of l + τY at 0, z conditioned on it)

A step differentiates to a delta; conditioning on l + τY = 0 is exact for steps and for Φ alike. The same identity gives
truncated moments, Isserlis' moments, and Price's theorem's reduction. Source: Stein 1981, lemma 1 and 2; Price 1958.
"""

from functools import cache

from derive.gaussian.closed import Closed
from derive.gaussian.law import Law
from derive.gaussian.normal_form import Factor, Powers
from derive.gaussian.orthants import probability
from derive.gaussian.parameters import Parameters


class Moments:
    """Computes E[z^powers · ΠH] for one family of laws, remembering every intermediate moment."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._moment = cache(self._compute)
        self._given = cache(lambda law, factor: law.given_boundary(factor, parameters))

    def moment(self, law: Law, powers: Powers, factors: frozenset[Factor]) -> Closed:
        """E[z^powers · Π factors] under `law`, in closed form."""
        result: Closed = self._moment(law, powers, factors)
        return result

    def _compute(self, law: Law, powers: Powers, factors: frozenset[Factor]) -> Closed:
        p = self.parameters
        for factor in factors:
            if factor.delta:
                return self._boundary(law, factor, powers, factors)
        place = next((i for i, k in enumerate(powers) if k), None)
        if place is None:
            return probability(law, tuple(sorted(factors, key=repr)), p)
        rest = _lower(powers, place)
        result = Closed(p)
        if law.mean[place] != 0:
            result = result + self._moment(law, rest, factors).scaled(law.mean[place])
        for j, k in enumerate(rest):
            if k and law.covariance[place][j] != 0:
                lowered = self._moment(law, _lower(rest, j), factors)
                result = result + lowered.scaled(law.covariance[place][j] * k)
        for factor in factors:
            weight = p.reduce(law.along(factor.a)[place])
            if weight != 0:
                result = result + self._boundary(law, factor, rest, factors).scaled(weight)
        return result

    def _boundary(self, law: Law, factor: Factor, powers: Powers, factors: frozenset[Factor]) -> Closed:
        """density(l + τY = 0) · E[z^powers · other factors | l + τY = 0]."""
        p = self.parameters
        level, spread = law.level(factor), law.spread(factor)
        p.declare_positive(spread)
        given = self._given(law, factor)
        inside = self._moment(given, powers, factors - {factor})
        if not inside.terms:
            return inside
        density = Closed.monomial(
            p, p.one, pi_halves=-1, under_root=1 / (2 * spread), exponent=p.reduce(-(level**2) / (2 * spread))
        )
        return inside * density


def _lower(powers: Powers, place: int) -> Powers:
    return (*powers[:place], powers[place] - 1, *powers[place + 1 :])
