"""Where a wide network is critical: the edge of chaos, and the points at which χ_⊥ = χ_∥ = 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.activations import Activation
from numerics.criticality.approach import Approach, correlation_at_edge, length_at_double_root, length_at_zero
from numerics.criticality.fixed_points import FixedPoint, at_zero, depth_scale, fixed_points, roots, scan
from numerics.maps.functions import Functions, functions
from numerics.maps.line import EPS, moments
from numerics.maps.values import named, variance
from numerics.plain import finite

_ONE = 1e-11  # χ_∥ is 1 to its own rounding
_KNOWN = 1e-12

SCALE_INVARIANT, AT_ZERO, HALF_STABLE, NONE = "scale-invariant", "K* = 0", "half-stable", "none"


@dataclass(frozen=True)
class Critical:
    """A critical point of an activation, or why there is none.

    ``kind`` is the activation's universality class (Roberts, Yaida & Hanin 2022, chapter 5): ``scale-invariant``,
    ``K* = 0``, ``half-stable`` or ``none``. ``sigma_w2`` is σ_w², the weight variance times the fan-in; ``sigma_b2``
    the bias variance. Numbers are None where there is no such point, and ``q_star`` also where every q is a fixed
    point. ``xi_q`` and ``xi_c`` are infinite where χ_∥ or χ_⊥ is 1. ``others`` are further points of the same sort.
    """

    activation: Activation
    kind: str
    sigma_w2: float | None = None
    sigma_b2: float | None = None
    q_star: float | None = None
    chi_perp: float | None = None
    chi_par: float | None = None
    stability: str | None = None
    fixed_points: tuple[FixedPoint, ...] = ()
    approach: tuple[Approach, ...] = ()
    others: tuple[tuple[float, float, float], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def xi_q(self) -> float | None:
        """Depth scale of the length, -1/log|χ_∥|."""
        return None if self.chi_par is None else depth_scale(self.chi_par)

    @property
    def xi_c(self) -> float | None:
        """Depth scale of the correlation, -1/log χ_⊥."""
        return None if self.chi_perp is None else depth_scale(self.chi_perp)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; an infinite depth scale is None, and ``notes`` says so."""
        names = ("sigma_w2", "sigma_b2", "q_star", "chi_perp", "chi_par", "xi_q", "xi_c")
        values = {name: finite(getattr(self, name)) for name in names}
        points = [
            {
                "q": p.q,
                "chi_par": finite(p.chi_par),
                "chi_perp": finite(p.chi_perp),
                "xi_q": finite(p.xi_q),
                "xi_c": finite(p.xi_c),
                "stability": p.stability,
                "error": p.error,
            }
            for p in self.fixed_points
        ]
        notes = list(self.notes)
        notes += [f"{n} is infinite" for n in ("xi_q", "xi_c") if getattr(self, n) == math.inf]
        return {
            "activation": str(self.activation),
            **values,
            "class": self.kind,
            "stability": self.stability,
            "fixed_points": points,
            "approach": [str(a) for a in self.approach],
            "others": [dict(zip(("sigma_w2", "sigma_b2", "q_star"), o, strict=True)) for o in self.others],
            "notes": notes,
        }


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
    made = named(activation)
    f = functions(made)
    own = _Class(made, f)
    if bias_variance is None:
        return own.point()
    b = variance("bias_variance", bias_variance)
    if own.slope_in_doubt:
        return Critical(made, NONE, sigma_b2=b, notes=tuple(own.notes))
    if b == 0 and own.kind in (SCALE_INVARIANT, AT_ZERO) and own.at_origin is not None:
        return own.point()
    return _edge(made, f, b, own.kind)


def _edge(activation: Activation, f: Functions, b: float, kind: str) -> Critical:
    """The edge of chaos: q = σ_w² E[f²] + σ_b² and σ_w² E[f'²] = 1 leave q - E[f²]/E[f'²] = σ_b²."""
    if not f.is_continuous:
        note = f"{activation} jumps: χ_⊥ is infinite at every weight variance, and there is no edge of chaos"
        return Critical(activation, kind, sigma_b2=b, notes=(note,))
    table = scan(f)
    usable = table["slope_second"] > 0
    q = table["q"][usable]

    def excess(x: float) -> float:
        at = moments(f, x).value
        return x - at["second"] / at["slope_second"] - b

    values = q - table["second"][usable] / table["slope_second"][usable] - b
    found = []
    for x in roots(excess, q, values, 16 * EPS * (q + b)):
        at = moments(f, x).value
        found.append((1 / at["slope_second"], b, x, at["second_slope"] / at["slope_second"]))
    if not found:
        note = (
            f"no weight variance gives {activation} a fixed point with χ_⊥ = 1 at bias variance {b:g} "
            f"(searched q from {q[0]:g} to {q[-1]:g})"
        )
        return Critical(activation, kind, sigma_b2=b, notes=(note,))
    # The stable ones first, in order of weight variance.
    found.sort(key=lambda p: (abs(p[3]) >= 1, p[0]))
    w, _, x, chi_par = found[0]
    points = fixed_points(activation, weight_variance=w, bias_variance=b)
    stability = "stable" if abs(chi_par) < 1 else "unstable"
    rates = [correlation_at_edge(f, x, w)]
    if abs(chi_par - 1) <= _ONE:
        # the next order decides
        chi_par, stability = 1.0, min(points.points, key=lambda p: abs(p.q - x)).stability
        rates.insert(0, length_at_double_root(f, x, w))
    elif abs(chi_par) < 1:
        rates.insert(0, Approach("|q - q*|", scale=depth_scale(chi_par)))
    known = moments(f, x).error["slope_second"] * w
    note = f"E[f'²] is known to {known:.0e} only (relative), and σ_w² and q* with it"
    return Critical(
        activation,
        kind,
        sigma_w2=w,
        sigma_b2=b,
        q_star=x,
        chi_perp=1.0,
        chi_par=chi_par,
        stability=stability,
        fixed_points=points.points,
        approach=tuple(r for r in rates if r is not None),
        others=tuple((p[0], p[1], p[2]) for p in found[1:]),
        notes=(note,) if known > _KNOWN else (),
    )


class _Class:
    """An activation's universality class and its critical point."""

    def __init__(self, activation: Activation, f: Functions) -> None:
        self.activation, self.f = activation, f
        self.notes: list[str] = []
        self.positive: list[tuple[float, float, float]] = []
        start = at_zero(f)
        self.at_origin: float | None = None
        self.slope_in_doubt = self.everywhere = False
        self.kind = NONE
        if not f.is_continuous:
            self.notes.append(f"{activation} jumps: χ_⊥ is infinite at every weight variance")
            return
        table = scan(f)
        if np.any(table["slope_second_error"] > 1e-6 * np.abs(table["slope_second"])):
            self.slope_in_doubt = True
            self.notes.append(f"E[f'²] of {activation} could not be computed to six digits: it may be infinite")
            return
        if start is not None and start[0] == 0 and start[1] > 0:
            self.at_origin = 1 / start[1]
            ratio = self.at_origin * table["second"] / table["q"]
            if np.all(np.abs(ratio - 1) <= 1e-13) and np.all(
                np.abs(self.at_origin * table["slope_second"] - 1) <= 1e-13
            ):
                self.kind = SCALE_INVARIANT
                return
        self._half_stable()
        if self.at_origin is not None:
            self.origin = fixed_points(activation, weight_variance=self.at_origin).points[0]
            if self.origin.stability == "stable":
                self.kind = AT_ZERO
                return
        if self.positive or self.everywhere:
            self.kind = HALF_STABLE
        elif self.at_origin is not None:
            self.kind = AT_ZERO
            self.notes.append("the critical point at q = 0 repels: lengths near it grow")

    def _half_stable(self) -> None:
        """Where χ_⊥ = χ_∥ at q > 0: E[f'²] = dE[f²]/dq, that is E[f f''] = 0."""
        table = scan(self.f)
        q = table["q"]
        difference = table["slope_second"] - table["second_slope"]

        def gap(x: float) -> float:
            at = moments(self.f, x).value
            return at["slope_second"] - at["second_slope"]

        noise = 4 * (table["slope_second_error"] + table["second_slope_error"]) + 1e-14 * table["slope_second"]
        if np.all(np.abs(difference) <= noise):
            self.notes.append(
                "χ_∥ = χ_⊥ at every q: every point of the edge of chaos is critical, one for each bias variance"
            )
            self.everywhere = True
            return
        for x in roots(gap, q, difference, noise):
            at = moments(self.f, x).value
            w = 1 / at["slope_second"]
            b = x - w * at["second"]
            if b >= 0:
                self.positive.append((w, b, x))
            else:
                self.notes.append(
                    f"χ_⊥ = χ_∥ = 1 at q = {x:.12g} needs a negative bias variance, {b:.6g}: there is no such network"
                )

    def point(self) -> Critical:
        """The critical point of the class."""
        if self.kind == SCALE_INVARIANT:
            w = self.at_origin or math.nan
            rates: tuple[Approach | None, ...] = (correlation_at_edge(self.f, 1.0, w),)
            return self._made(w, 0.0, None, "stable", (), rates, "every q is a fixed point: the length map is q' = q")
        if self.kind == AT_ZERO and self.at_origin is not None:
            w = self.at_origin
            points = fixed_points(self.activation, weight_variance=w).points
            return self._made(w, 0.0, 0.0, self.origin.stability, points, (length_at_zero(self.f, w),))
        if self.kind == HALF_STABLE and self.positive:
            w, b, x = self.positive[0]
            points = fixed_points(self.activation, weight_variance=w, bias_variance=b).points
            rates = (length_at_double_root(self.f, x, w), correlation_at_edge(self.f, x, w))
            return self._made(w, b, x, "half-stable", points, rates)
        if not self.notes:
            self.notes.append("χ_⊥ = χ_∥ = 1 nowhere")
        return Critical(self.activation, self.kind, notes=tuple(self.notes))

    def _made(
        self,
        w: float,
        b: float,
        q: float | None,
        stability: str,
        points: tuple[FixedPoint, ...],
        rates: tuple[Approach | None, ...],
        *notes: str,
    ) -> Critical:
        others = [p for p in self.positive if p[2] != q]
        if self.kind == HALF_STABLE and self.at_origin is not None:
            others.append((self.at_origin, 0.0, 0.0))
        return Critical(
            self.activation,
            self.kind,
            sigma_w2=w,
            sigma_b2=b,
            q_star=q,
            chi_perp=1.0,
            chi_par=1.0,
            stability=stability,
            fixed_points=points,
            approach=tuple(r for r in rates if r is not None),
            others=tuple(others),
            notes=(*notes, *self.notes),
        )
