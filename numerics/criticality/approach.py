"""How a critical network nears its fixed point: power laws with their amplitudes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from numerics.maps.functions import Functions
from numerics.maps.line import moments


@dataclass(frozen=True)
class Approach:
    """How a deviation falls with the layer l: amplitude · l^exponent, or exp(-l/scale) where ``scale`` is given."""

    quantity: str
    exponent: float | None = None
    amplitude: float | None = None
    scale: float | None = None

    def __str__(self) -> str:
        if self.scale is not None:
            return f"{self.quantity} falls as exp(-l/{self.scale:.6g})"
        return f"{self.quantity} ~ {self.amplitude:.6g} l^{self.exponent:g}"


def length_at_zero(f: Functions, weight_variance: float) -> Approach | None:
    """At K* = 0: q' = q - c q^p gives q ~ ((p - 1) c l)^(-1/(p - 1)); p = 2 for smooth f, 3/2 for a kink in f'.

    p and c are fitted to the length map at q = 1e-5 and 1e-6; c to four or more digits.
    Source: Roberts, Yaida & Hanin 2022, section 5.3.3, for smooth f.
    """
    q = 1e-6
    near, far = (1 - weight_variance * moments(f, x).value["second"] / x for x in (q, 10 * q))
    if near <= 0 or far <= 0:
        return None
    order = round(2 * math.log10(far / near)) / 2
    if order <= 0:
        return None
    ratio = 10.0 ** (0.5 if order < 1 else 1.0)
    first, second = near / q**order, far / (10 * q) ** order
    amplitude = (ratio * first - second) / (ratio - 1)
    return Approach("q", -1 / order, (order * amplitude) ** (-1 / order))


def correlation_at_edge(f: Functions, q: float, weight_variance: float) -> Approach | None:
    """At χ_⊥ = 1 and fixed length q: how 1 - ρ falls.

    Smooth f: 1 - ρ' = x - β x² with β = σ_w² q E[f''²]/2, so 1 - ρ ~ 1/(β l). With kinks of slope jumps J_p:
    x - β x^(3/2), β = (2/3) σ_w² √(q/π) Σ J_p² n(p), so 1 - ρ ~ 4/(β l)² (n is the density of N(0, q)).
    Source: Hayou, Doucet & Rousseau 2019, propositions 2 and 3 (κ = 1/β for smooth f; 9π²/2 for ReLU).
    """
    if not f.is_continuous:
        return None
    root = math.sqrt(q)
    weight = sum(
        jump * jump * math.exp(-0.5 * p * p / q) / (root * math.sqrt(2 * math.pi))
        for p, jump in zip(f.points, f.slope_jumps, strict=True)
    )
    if weight > 0:
        beta = 2 / 3 * weight_variance * math.sqrt(q / math.pi) * weight
        return Approach("1 - rho", -2.0, 4 / beta**2)
    at = moments(f, q)
    if not at.error["curvature_second"] < 1e-6 * at.value["curvature_second"]:
        # infinite, or too singular to be known
        return None
    beta = weight_variance * q * at.value["curvature_second"] / 2
    return Approach("1 - rho", -1.0, 1 / beta) if beta > 0 else None


def length_at_double_root(f: Functions, q: float, weight_variance: float) -> Approach:
    """At a half-stable q*: (q - q*)' = x + a x², so q* - q ~ 1/(a l) from the side that is attracted."""
    step = 1e-4 * q
    rise = moments(f, q + step).value["second_slope"] - moments(f, q - step).value["second_slope"]
    curve = weight_variance * rise / (4 * step)
    return Approach("q* - q" if curve > 0 else "q - q*", -1.0, 1 / abs(curve))
