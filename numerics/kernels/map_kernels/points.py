"""Where a map kernel is measured, and in units of what."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from derive.activations import Activation
from numerics.kernels.map_kernels import _line_rule, _plane_rule
from numerics.kernels.map_kernels.arguments import OVER_SAMPLES, PAIRS, STEP
from numerics.kernels.map_kernels.quadrature import plane_rule
from numerics.maps.functions import functions

Columns = dict[str, Any]

_SMALLEST_SHARE = 1e-16
"""The smallest part v^2/q or m^2/q, and the smallest 1 - |rho| but 0."""

_OWN_SCALE = ("mean", "chi_par", "slope_at_zero", "covariance_map", "correlation_map", "K", "mean_square_map", STEP)


def domain_text(name: str, domain: tuple[float, float]) -> str:
    """Return the domain of a map's arguments in words."""
    low, high = (f"{x:g}" for x in domain)
    words = f"q from {low} to {high}"
    if name == "covariance_map":
        words = f"q_1 and q_2 from {low} to {high}, c from -sqrt(q_1 q_2) to sqrt(q_1 q_2)"
    elif name == "correlation_map":
        words += ", rho from -1 to 1"
    elif name in OVER_SAMPLES:
        words = f"m^2 + v^2 from {low} to {high}, m^2 and v^2 each at least {_SMALLEST_SHARE:g} of it"
    return words + ", sigma_w2 from 0.1 to 10, sigma_b2 from 0 to 1"


def chosen(name: str, domain: tuple[float, float], count: int, seed: int) -> Columns:
    """Return ``count`` points: ends and decades of the domain, and random ones."""
    rng = np.random.default_rng(seed)
    low, high = np.log(domain)
    q = np.exp(np.concatenate([np.linspace(low, high, count // 2), rng.uniform(low, high, count - count // 2)]))
    q = np.clip(q, *domain)
    common = {
        "sigma_w2": np.exp(rng.uniform(np.log(0.1), np.log(10), count)),
        # A bias hides errors of what it is added to.
        "sigma_b2": np.where(rng.uniform(size=count) < 0.5, 0.0, rng.uniform(0, 1, count)),
        "n_in": rng.integers(1, 1000, count).astype(float),
        "n_out": rng.integers(1, 1000, count).astype(float),
    }
    if name not in PAIRS:
        return {"q": q, **common}
    q = rng.permutation(q)
    # The share that is not common: decades down to nothing, and anything.
    decades = np.exp(rng.uniform(np.log(_SMALLEST_SHARE), 0.0, count))
    gap = np.where(rng.uniform(size=count) < 0.7, decades, rng.uniform(0, 1, count))
    gap[:3] = _SMALLEST_SHARE, 1e-8, 1.0
    if name in OVER_SAMPLES:
        swap = rng.uniform(size=count) < 0.2
        shared = np.where(swap, gap, 1 - gap)
        shared, own = np.clip(shared, _SMALLEST_SHARE, 1), np.clip(np.where(swap, 1 - gap, gap), _SMALLEST_SHARE, 1)
        q = np.clip(q, domain[0], domain[1] / (1 + _SMALLEST_SHARE))
        squares = {"m2": q * shared, "v2": q * own}
        return {**squares, "m": np.sqrt(squares["m2"]), "v": np.sqrt(squares["v2"]), **common}
    rho = np.where(rng.uniform(size=count) < 0.7, 1, -1) * (1 - gap)
    rho[3:5] = 1.0, -1.0
    other = q if name == "correlation_map" else rng.permutation(q)
    return {"q": q, "rho": rho, "q_1": q, "q_2": other, "c": _covariances(rho, q, other), **common}


def _covariances(rho: Any, q_1: Any, q_2: Any) -> Any:
    """Return rho sqrt(q_1 q_2), nowhere beyond what is possible, which rounding may exceed."""
    found = rho * np.sqrt(q_1 * q_2)
    for n, c in enumerate(found):
        while Fraction(float(c)) ** 2 > Fraction(float(q_1[n])) * Fraction(float(q_2[n])):
            c = np.nextafter(c, 0.0)
        found[n] = c
    return found


def scales(activation: Activation, name: str, domain: tuple[float, float], at: Columns) -> tuple[Any, ...] | None:
    """Return in units of what errors are stated: the same map of the integrand's absolute value; None for the value.

    A map that can vanish, or that consists of terms of both signs, has no relative error there.
    """
    if name not in _OWN_SCALE:
        return None
    f = functions(activation)
    plane = plane_rule(f, domain)
    line = plane.line._replace(value=lambda s: np.abs(f.value(s)), slope=lambda s: np.abs(f.slope(s)))
    plane = plane._replace(line=line)
    w, b = at["sigma_w2"], at["sigma_b2"]
    with np.errstate(all="ignore"):
        if name == "mean":
            return (_line_rule.rule_mean(line, at["q"]),)
        if name in ("chi_par", "slope_at_zero"):
            return (_absolute(line, name, at),)
        if name == "covariance_map":
            return (_plane_rule.rule_covariance_map(plane, at["q_1"], at["q_2"], np.abs(at["c"]), w, b),)
        if name == "correlation_map":
            return (_plane_rule.rule_correlation_map(plane, at["q"], np.abs(at["rho"]), w, b),)
        K = _plane_rule.rule_K(plane, at["m"], at["v"])
        return (K,) if name == "K" else (w * K + b,) if name == "mean_square_map" else (w * K + b, None)


def _absolute(line: _line_rule.Rule, name: str, at: Columns) -> Any:
    """The integrals over |z f f'| or |z f|."""
    found = []
    for q in at["q"]:
        z, weight = (part[0] for part in _line_rule.standard_nodes(line, np.sqrt(np.array([q]))))
        s = np.sqrt(q) * z
        root = np.sqrt(weight)
        second = (root * line.slope(s) / np.sqrt(q)) if name == "chi_par" else root
        found.append(float((root * np.abs(z) * line.value(s) * second).sum()))
    if name == "chi_par":
        return at["sigma_w2"] * np.array(found)
    length = _line_rule.rule_length_map(line, at["q"], at["sigma_w2"], at["sigma_b2"])
    return at["sigma_w2"] * np.array(found) ** 2 / length
