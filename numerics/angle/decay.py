"""How fast v² comes to rest once depth passes the width: the edge of the spectrum of the operator of the angle.

In a network of N units a layer v² does not go to 0: the lengths of two samples stay apart; ``v² - v²_∞`` decays.
Where t is small, a layer multiplies it: with n of the units active and one size of slope among those (ReLU, |.|),
``f(s') - f(s)`` is t times an independent normal vector of n numbers, whose part along f(s) changes a length and whose
part across, of squared length χ²_{n-1}, is the distance. So ``alpha = χ²_n/(N E f²)`` and
``alpha (t'/t)² = χ²_{n-1}/(N E f²)``, independent given n, and the operator takes t^s to λ(s) t^s with

``λ(s) = E[χ_n^{2-s}] E[χ_{n-1}^s]/(N E f²)``, averaged over n (binomial for ReLU, N for |.|).

λ(0) = 1 is the total, λ(s) = λ(3 - s). log t is then a random walk on a half line: the spectrum is continuous, and what
is seen at a fixed t falls as ``λ(3/2)^l``, the least of λ(s), times a power of l (a saddle point at s = 3/2).
That no eigenvalue lies above this edge is seen in the matrices, and not derived.
"""

from __future__ import annotations

import math

import numpy as np
import scipy

from derive.errors import InputError


def decay_edge(slope: float, units: int) -> float:
    """Return λ(3/2), the factor of a layer at large depth: about 1 - 9/(4 N) for ReLU and 1 - 9/(8 N) for |.|.

    Raises `InputError` for other slopes than 0 and -1, and for fewer than 2 units.

    >>> round(256 * (1 - decay_edge(0.0, 256)), 2)
    2.25
    """
    if slope not in (0.0, -1.0):
        raise InputError(f"slope must be 0 (ReLU) or -1 (the absolute value), got {slope!r}")
    if units < 2:
        raise InputError(f"units must be at least 2, got {units!r}")
    n = np.arange(2, units + 1) if slope == 0 else np.array([units])
    log = scipy.special.gammaln
    chance = log(units + 1) - log(n + 1) - log(units - n + 1) - units * math.log(2) if slope == 0 else 0.0
    # E χ_k^p = 2^(p/2) Γ((k + p)/2)/Γ(k/2), of χ_n^(1/2) and χ_{n-1}^(3/2).
    moments = 2 * log(n / 2 + 0.25) - log(n / 2) - log((n - 1) / 2) + math.log(2)
    mean_square = 0.5 if slope == 0 else 1.0
    return float(np.exp(chance + moments).sum() / (units * mean_square))
