"""All maps of an activation at one point, by the names that `derive.maps.MAPS` gives them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from numerics.maps.kernels import NumericalMaps
from numerics.maps.values import Evaluated


@dataclass(frozen=True)
class Value:
    """A number, its absolute error (an estimate, or a bound for a closed form) and how it was computed."""

    value: float
    error: float
    method: str


def maps_at(maps: NumericalMaps, q: float, rho: float) -> dict[str, Value]:
    """Return every map at variance q and correlation ρ; those over samples at m² = ρq, v² = (1 - ρ)q, for ρ >= 0.

    The backward factor is that of equal widths, n_out/n_in = 1.
    """
    length = maps.length_map(q)
    chi_perp = maps.chi_perp(q)
    slope = maps.hermite_coefficients(q, 2)
    w, total = maps.weight_variance, float(length.value)
    first = float(slope.value[1])
    at_zero = w * first * first / total if total else math.nan
    at_one = float(chi_perp.value) * q / total if total else math.nan
    found = {
        "mean": _value(maps.mean(q)),
        "second_moment": _value(maps.second_moment(q)),
        "length_map": _value(length),
        "covariance_map": _value(maps.covariance_map(q, rho)),
        "correlation_map": _value(maps.correlation_map(q, rho)),
        "chi_perp": _value(chi_perp),
        "chi_par": _value(maps.chi_par(q)),
        "slope_at_zero": Value(
            at_zero,
            2 * w * abs(first) * float(slope.error[1]) / total + at_zero * float(length.error) / total
            if total
            else math.nan,
            "quadrature",
        ),
        "slope_at_one": Value(
            at_one,
            at_one * _relative(chi_perp) + at_one * _relative(length) if math.isfinite(at_one) else 0.0,
            str(chi_perp.method),
        ),
        "backward_factor": _value(chi_perp),
    }
    if rho >= 0:
        m, v = math.sqrt(rho * q), math.sqrt((1 - rho) * q)
        K, sample = maps.K(m, v), maps.sample_variance_map(m, v)
        common = w * float(K.value) + maps.bias_variance
        found["K"] = _value(K)
        found["mean_square_map"] = Value(common, w * float(K.error), str(K.method))
        found["sample_variance_map"] = _value(sample)
    return found


def _value(e: Evaluated) -> Value:
    return Value(float(e.value), float(e.error), str(e.method))


def _relative(e: Evaluated) -> float:
    return float(e.error) / abs(float(e.value)) if float(e.value) else 0.0
