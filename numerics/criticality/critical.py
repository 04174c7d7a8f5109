"""Where a wide network is critical: the edge of chaos, and the points at which χ_⊥ = χ_∥ = 1."""

from __future__ import annotations

from typing import NamedTuple

from derive.activations import Activation
from numerics.criticality.approach import Approach, correlation_at_edge, length_at_double_root
from numerics.criticality.chebyshev import EPS
from numerics.criticality.depth import depth_scale
from numerics.criticality.fixed_points import LengthMap, fixed_points, roots
from numerics.criticality.moments import Moments, Number, moments_of
from numerics.criticality.point import AT_ZERO, NONE, SCALE_INVARIANT, Critical
from numerics.criticality.stability import UNSTABLE, Judgement, by_sides, by_slope
from numerics.criticality.theorems import edge_weight, fixing_bias
from numerics.criticality.universality import ROOT, UniversalityClass
from numerics.maps.values import named, variance

_KNOWN = 1e-12


def critical(activation: str | Activation, *, bias_variance: float | None = None) -> Critical:
    """Return the edge of chaos for a bias variance or, without one, the point where χ_⊥ = χ_∥ = 1.

    With ``bias_variance``: σ_w² such that χ_⊥ = σ_w² E[f'²] = 1 at a fixed point q* of the length map (Schoenholz et
    al. 2017; Hayou et al. 2019). Without: the critical point of Roberts, Yaida & Hanin 2022, with its class.
    Points are looked for from q = 1e-12 to 1e6, and located to float64's last digits that the problem has.

    Raises `InputError` for a bias variance that is negative or not finite, and for an activation with free parameters.

    >>> edge = critical("tanh", bias_variance=0.04)
    >>> round(edge.sigma_w2, 12)
    1.700796372137
    >>> critical("relu").kind
    'scale-invariant'
    """
    moments = moments_of(named(activation))
    own = UniversalityClass(moments)
    if bias_variance is None:
        return own.point()
    b = variance("bias_variance", bias_variance)
    if moments.infinite or moments.doubt:
        return Critical(moments.activation, NONE, sigma_b2=b, notes=tuple(own.notes))
    if b == 0 and own.kind in (SCALE_INVARIANT, AT_ZERO) and own.at_origin is not None:
        return own.point()
    return _edge(moments, b, own.kind)


def _edge(moments: Moments, b: float, kind: str) -> Critical:
    """The edge of chaos: the theorem ``edge-of-chaos`` gives σ_w² at every q, and the length map the σ_b² for it."""
    activation, q = moments.activation, moments.grid
    slope, slope_error = moments.near("slope_second", q)
    second, second_error = moments.near("second", q)
    usable = slope > slope_error
    q, slope, second = q[usable], slope[usable], second[usable]
    values = fixing_bias()(q, second, edge_weight()(slope)) - b
    noise = 16 * EPS * (q + b) + second_error[usable] / slope + second / slope * (slope_error[usable] / slope)

    def excess(x: float) -> float:
        w = edge_weight()(moments.exact("slope_second", x).value)
        return float(fixing_bias()(x, moments.exact("second", x).value, w)) - b

    found = [_EdgePoint.at(moments, x, b) for x in roots(excess, q, values, noise)]
    if not found:
        note = (
            f"no weight variance gives {activation} a fixed point with χ_⊥ = 1 at bias variance {b:g} "
            f"(searched q from {q[0]:g} to {q[-1]:g})"
        )
        return Critical(activation, kind, sigma_b2=b, notes=(note, *moments.limits))
    # The stable ones first, in order of weight variance.
    found.sort(key=lambda p: (p.judged.stability == UNSTABLE, p.w))
    best, others = found[0], found[1:]
    points = fixed_points(activation, weight_variance=best.w, bias_variance=b)
    rates: list[Approach | None] = []
    double = by_slope(best.chi_par) is None
    if best.judged.stability != UNSTABLE:
        if double:
            rates.append(length_at_double_root(moments, best.q, best.w))
        else:
            rates.append(Approach("|q - q*|", scale=depth_scale(best.chi_par.value)))
        rates.append(correlation_at_edge(moments, best.q, best.w))
    note = f"E[f'²] is known to {best.known:.0e} only (relative), and σ_w² and q* with it"
    return Critical(
        activation,
        kind,
        sigma_w2=best.w,
        sigma_b2=b,
        q_star=best.q,
        chi_perp=1.0,
        chi_par=1.0 if double else best.chi_par.value,
        stability=best.judged.stability,
        evidence=best.judged.evidence,
        chi_error=best.chi_par.error,
        fixed_points=points.points,
        approach=tuple(r for r in rates if r is not None),
        others=tuple((p.w, b, p.q) for p in others),
        notes=((note,) if best.known > _KNOWN else ()) + tuple(moments.limits),
    )


class _EdgePoint(NamedTuple):
    """A fixed point with χ_⊥ = 1: σ_w², q, χ_∥, its stability, and the relative error of E[f'²]."""

    w: float
    q: float
    chi_par: Number
    judged: Judgement
    known: float

    @classmethod
    def at(cls, moments: Moments, q: float, b: float) -> _EdgePoint:
        slope = moments.exact("slope_second", q)
        map_ = LengthMap(moments, float(edge_weight()(slope.value)), b)
        known = slope.error / slope.value
        chi = map_.chi_par(q)
        # The root has the digits of the two moments and of Brent's method.
        chi = Number(chi.value, chi.error + abs(chi.value) * known + ROOT)
        return cls(map_.w, q, chi, by_slope(chi) or by_sides(map_.step, q, chi), known)
