"""All maps of an activation at one point, by the names that `derive.maps.MAPS` gives them."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import numpy as np

from derive.errors import InputError
from derive.quadrature import Bounded
from numerics.maps.kernels import NumericalMaps
from numerics.maps.values import bounded, variances_of


def maps_at(maps: NumericalMaps, q: float, rho: float) -> dict[str, Bounded]:
    """Return every map at variance q and correlation ρ; those over samples at m² = ρq, v² = (1 - ρ)q, for ρ >= 0.

    The backward factor is that of equal widths, n_out/n_in = 1. A map that has no number has the value NaN, an infinite
    error, and the reason.
    """
    variances_of("q", q)
    bounded("rho", rho)
    of_q: dict[str, Callable[[float], Bounded]] = {
        "mean": maps.mean,
        "second_moment": maps.second_moment,
        "length_map": maps.length_map,
        "chi_perp": maps.chi_perp,
        "chi_par": maps.chi_par,
        "slope_at_zero": maps.slope_at_zero,
        "slope_at_one": maps.slope_at_one,
        "backward_factor": maps.chi_perp,
    }
    found = {name: _number(partial(evaluate, q)) for name, evaluate in of_q.items()}
    found["covariance_map"] = _number(lambda: maps.covariance_map(q, rho))
    found["correlation_map"] = _number(lambda: maps.correlation_map(q, rho))
    if rho >= 0:
        m, v = math.sqrt(rho * q), math.sqrt((1 - rho) * q)
        found["K"] = _number(lambda: maps.K(m, v))
        found["mean_square_map"] = _number(lambda: maps.mean_square_map(m, v))
        # A compiled form does not pay for its making and measuring at one point.
        method = "quadrature" if maps.method == "auto" else maps.method
        one = NumericalMaps(
            maps.activation, weight_variance=maps.weight_variance, bias_variance=maps.bias_variance, method=method
        )
        found["sample_variance_map"] = _number(lambda: one.sample_variance_map(m, v))
    return found


def _number(evaluate: Callable[[], Bounded]) -> Bounded:
    reason = "the arguments are outside of what the map takes"
    with suppress(ArithmeticError, ValueError):
        try:
            return evaluate()
        except InputError as why:
            reason = str(why)
    return Bounded(np.nan, np.inf, "none", reason)
