"""The universality class of an activation, and the point at which χ_⊥ = χ_∥ = 1."""

from __future__ import annotations

import numpy as np

from numerics.criticality.approach import Approach, correlation_at_edge, length_at_double_root, length_at_zero
from numerics.criticality.fixed_points import FixedPoint, LengthMap, fixed_points, roots
from numerics.criticality.moments import Moments, Number
from numerics.criticality.point import AT_ZERO, HALF_STABLE, NONE, SCALE_INVARIANT, Critical
from numerics.criticality.stability import NEUTRAL, STABLE, Judgement, by_sides
from numerics.criticality.theorems import edge_weight, fixing_bias

ROOT = 1e-11
"""What an error of a root in its last digits makes of χ_∥."""

_FLAT = 1e-13  # moments that differ by less than this are the same at every q


class UniversalityClass:
    """An activation's universality class and its critical point."""

    def __init__(self, moments: Moments) -> None:
        self.activation, self.moments = moments.activation, moments
        self.notes: list[str] = []
        self.positive: list[tuple[float, float, float]] = []
        self.at_origin: float | None = None
        self.everywhere = False
        self.kind = NONE
        if moments.infinite or moments.doubt:
            self.notes.append(moments.infinite or moments.doubt)
            return
        start = moments.at_zero
        if start is not None and start[0] == 0 and start[1] > 0:
            self.at_origin = float(edge_weight()(start[1]))
            if self._is_homogeneous():
                self.kind = SCALE_INVARIANT
                return
        self._half_stable()
        if self.at_origin is not None:
            self.origin = fixed_points(self.activation, weight_variance=self.at_origin).points[0]
            if self.origin.stability == STABLE:
                self.kind = AT_ZERO
                return
        if self.positive or self.everywhere:
            self.kind = HALF_STABLE
        elif self.at_origin is not None:
            self.kind = AT_ZERO
            self.notes.append("the critical point at q = 0 repels: lengths near it grow")

    def _is_homogeneous(self) -> bool:
        """Whether E[f'²] is the same at every q, and the length map of the edge is the identity."""
        assert self.at_origin is not None  # looked at where it is a number
        slope = self.moments.at_nodes("slope_second")
        return fixed_points(self.activation, weight_variance=self.at_origin).identity and bool(
            np.all(np.abs(self.at_origin * slope - 1) <= _FLAT)
        )

    def _half_stable(self) -> None:
        """Where χ_⊥ = χ_∥ at q > 0: E[f'²] = dE[f²]/dq, that is E[f f''] = 0."""
        moments = self.moments
        nodes = {name: moments.at_nodes(name) for name in ("slope_second", "second_slope")}
        noise = sum(4 * moments.error_at_nodes(name) for name in nodes) + 1e-14 * nodes["slope_second"]
        if np.all(np.abs(nodes["slope_second"] - nodes["second_slope"]) <= noise):
            self.notes.append(
                "χ_∥ = χ_⊥ at every q: every point of the edge of chaos is critical, one for each bias variance"
            )
            self.everywhere = True
            return

        def gap(x: float) -> float:
            return moments.exact("slope_second", x).value - moments.exact("second_slope", x).value

        q = moments.grid
        (perp, perp_error), (par, par_error) = (moments.near(name, q) for name in nodes)
        for x in roots(gap, q, perp - par, 4 * (perp_error + par_error) + 1e-14 * perp):
            w = float(edge_weight()(moments.exact("slope_second", x).value))
            b = float(fixing_bias()(x, moments.exact("second", x).value, w))
            if b >= 0:
                self.positive.append((w, b, x))
            else:
                self.notes.append(
                    f"χ_⊥ = χ_∥ = 1 at q = {x:.12g} needs a negative bias variance, {b:.6g}: there is no such network"
                )

    def point(self) -> Critical:
        """The critical point of the class."""
        moments, w = self.moments, self.at_origin
        if self.kind == SCALE_INVARIANT and w is not None:
            every = Judgement(NEUTRAL, "every q is a fixed point: the length map is q' = q")
            return self._made(w, 0.0, None, every, (), (correlation_at_edge(moments, 1.0, w),), every.evidence)
        if self.kind == AT_ZERO and w is not None:
            points = fixed_points(self.activation, weight_variance=w).points
            judged = Judgement(self.origin.stability, self.origin.evidence)
            return self._made(w, 0.0, 0.0, judged, points, (length_at_zero(moments, w),))
        if self.kind == HALF_STABLE and self.positive:
            w, b, x = self.positive[0]
            points = fixed_points(self.activation, weight_variance=w, bias_variance=b).points
            judged = by_sides(LengthMap(moments, w, b).step, x, Number(1.0, ROOT))
            rates = (length_at_double_root(moments, x, w), correlation_at_edge(moments, x, w))
            return self._made(w, b, x, judged, points, rates)
        if not self.notes:
            self.notes.append("χ_⊥ = χ_∥ = 1 nowhere")
        return Critical(self.activation, self.kind, notes=(*self.notes, *moments.limits))

    def _made(
        self,
        w: float,
        b: float,
        q: float | None,
        judged: Judgement,
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
            stability=judged.stability,
            evidence=judged.evidence,
            fixed_points=points,
            approach=tuple(r for r in rates if r is not None),
            others=tuple(others),
            notes=(*notes, *self.notes, *self.moments.limits),
        )
