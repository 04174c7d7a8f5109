"""Every fixed point of the length map of a wide network, with its stability."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from derive.activations import Activation
from derive.results import Result, plain
from numerics.criticality.chebyshev import EPS, Array
from numerics.criticality.depth import LEFT, REPELS, depth_scale, word
from numerics.criticality.moments import Moments, Number, moments_of
from numerics.criticality.stability import STABLE, UNDECIDED, UNSTABLE, Judgement, by_sides, by_slope
from numerics.criticality.theorems import correlation_slope, length, length_slope
from numerics.maps.values import named, variance

_FLAT = 3e-14  # a length map that differs from q by less than this (relative) is the identity
_TANGENT = 1e-13  # a step that is less than this (relative) is none
_APART = 1e-5  # two roots closer than this are one double root that rounding splits


@dataclass(frozen=True, repr=False)
class FixedPoint(Result):
    """A fixed point of the length map.

    ``stability`` is ``stable``, ``unstable``, ``half-stable`` (it attracts from one side alone) or ``undecided``, and
    ``evidence`` what shows it: |χ_∥| where it is not 1, else the signs of Q(q) - q on both sides. ``error``,
    ``chi_par_error`` and ``chi_perp_error`` are absolute errors.
    """

    q: float
    chi_par: float
    chi_perp: float
    stability: str
    error: float = 0.0
    chi_par_error: float = 0.0
    chi_perp_error: float = 0.0
    evidence: str = ""

    @property
    def xi_q(self) -> float | None:
        """-1/log|χ_∥|: the number of layers in which a deviation of the length falls by e (Schoenholz et al. 2017).

        Infinite where |χ_∥| is 1 within its error, None at an unstable point: a network does not stay there.
        """
        return None if self.stability == UNSTABLE else depth_scale(self.chi_par, self.chi_par_error)

    @property
    def xi_c(self) -> float | None:
        """-1/log χ_⊥: the same for a correlation near 1; None also where χ_⊥ > 1, and correlation 1 repels."""
        return None if self.stability == UNSTABLE else depth_scale(self.chi_perp, self.chi_perp_error)

    @property
    def words(self) -> dict[str, str | None]:
        """What is said of ``xi_q`` and ``xi_c`` where they are no numbers."""
        without = LEFT if self.stability == UNSTABLE else REPELS
        return {"xi_q": word(self.xi_q, LEFT), "xi_c": word(self.xi_c, without)}

    @property
    def headline(self) -> str:
        """The point and its stability."""
        return f"q = {self.q:.6g}, {self.stability}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one row: the point, its slopes and depth scales, its stability and what shows it."""
        numbers = ("q", "error", "chi_par", "chi_par_error", "chi_perp", "chi_perp_error", "xi_q", "xi_c")
        return [{name: getattr(self, name) for name in (*numbers, "stability", "evidence")}]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: a depth scale that is no number is None, and ``words`` says why."""
        said = {name: said for name, said in self.words.items() if said is not None}
        (row,) = plain(self.rows())
        return {**row, "words": said}


@dataclass(frozen=True, repr=False)
class FixedPoints(Result):
    """All fixed points found, in increasing order.

    ``identity`` says that the length map is the identity (every q is a fixed point), ``escapes`` that lengths above
    the last fixed point grow without bound. ``limits`` says where the search ended before q = 1e-12 or 1e6.
    """

    points: tuple[FixedPoint, ...]
    identity: bool = False
    escapes: bool = False
    limits: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The points, or what stands in their place."""
        if self.identity:
            return "every q is a fixed point"
        found = "; ".join(point.headline for point in self.points) or "none"
        return found + (" (longer lengths grow without bound)" if self.escapes else "")

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each fixed point, in increasing order."""
        return [row for point in self.points for row in point.rows()]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: the points, and what holds where there are none."""
        about = {"identity": self.identity, "escapes": self.escapes, "limits": list(self.limits)}
        return {"points": [point.to_dict() for point in self.points], **about}


class LengthMap:
    """The length map of an activation for one pair of variances: Q(q) - q, and its slope, with their errors."""

    def __init__(self, moments: Moments, weight_variance: float, bias_variance: float) -> None:
        self.moments, self.w, self.b = moments, weight_variance, bias_variance

    def step(self, q: float) -> Number:
        """Q(q) - q."""
        second = self.moments.exact("second", q)
        change = float(length()(second.value, self.w, self.b)) - q
        return Number(change, self._error(second.error, q))

    def chi_par(self, q: float) -> Number:
        """dQ/dq."""
        return self._scaled(length_slope(), self.moments.exact("second_slope", q))

    def chi_perp(self, q: float) -> Number:
        """The slope of the correlation map at correlation 1."""
        return self._scaled(correlation_slope(), self.moments.exact("slope_second", q))

    def steps(self, q: Array) -> tuple[Array, Array]:
        """Q(q) - q at many q, interpolated, and its error."""
        second, error = self.moments.near("second", q)
        return length()(second, self.w, self.b) - q, self._error(error, q)

    def turning(self) -> list[float]:
        """Where Q(q) - q has an extremum."""
        q = self.moments.grid
        slope, error = self.moments.near("second_slope", q)
        excess = length_slope()(slope, self.w) - 1
        noise = abs(length_slope()(error, self.w)) + 8 * EPS * (np.abs(excess) + 1)
        return roots(lambda x: self.chi_par(x).value - 1, q, excess, noise)

    def _error(self, error: Any, q: Any) -> Any:
        return abs(length_slope()(error, self.w)) + 4 * EPS * (q + self.b)

    def _scaled(self, map_: Callable[..., Any], moment: Number) -> Number:
        value = float(map_(moment.value, self.w))
        return Number(value, abs(float(map_(moment.error, self.w))) + EPS * abs(value))


def roots(g: Callable[[float], float], q: Array, values: Array, noise: Array) -> list[float]:
    """Zeros of g from its signs on a grid, located by Brent's method to float64's last digits.

    Values below ``noise`` say nothing and are left out.
    """
    clear = np.abs(values) > noise
    q, signs = q[clear], np.sign(values[clear])
    found = set()
    for n in np.flatnonzero(signs[1:] != signs[:-1]).tolist():
        # Next to a root a sign from the grid may still be rounding: then its neighbours decide.
        for low, high in ((q[n], q[n + 1]), (q[max(n - 1, 0)], q[min(n + 2, len(q) - 1)])):
            if g(float(low)) * g(float(high)) <= 0:
                found.add(float(scipy.optimize.brentq(g, low, high, xtol=1e-300, rtol=4 * EPS)))
                break
    return sorted(found)


def fixed_points(activation: str | Activation, *, weight_variance: float, bias_variance: float = 0.0) -> FixedPoints:
    """Return every fixed point of the length map from 1e-12 to 1e6, and q = 0 where it is one.

    Q(q) - q is looked at 64 times a decade and at its extrema, so that no two roots hide between; double roots are
    where it touches 0 to 13 digits.

    Raises `InputError` for a variance that is negative or not finite.

    >>> found = fixed_points("tanh", weight_variance=1.5)
    >>> [(round(p.q, 6), p.stability) for p in found.points]
    [(0.0, 'unstable'), (0.286894, 'stable')]
    """
    moments = moments_of(named(activation))
    w, b = variance("weight_variance", weight_variance), variance("bias_variance", bias_variance)
    map_ = LengthMap(moments, w, b)
    nodes = moments.nodes
    at_nodes = length()(moments.at_nodes("second"), w, b) - nodes
    if b == 0 and np.all(np.abs(at_nodes) <= _FLAT * nodes):
        return FixedPoints((), identity=True)
    turning = map_.turning()
    double = [x for x in turning if abs(map_.step(x).value) <= _TANGENT * x]
    # Extrema are part of the search: two close roots have one between them.
    places = np.unique(np.array([*moments.grid, *turning], dtype=np.float64))
    change, noise = map_.steps(places)
    exact = np.isin(places, turning)
    change[exact] = [map_.step(float(x)).value for x in places[exact]]
    noise[exact] = 16 * EPS * (places[exact] + b)
    simple = roots(lambda x: map_.step(x).value, places, change, noise)
    simple = [x for x in simple if all(abs(x / d - 1) > _APART for d in double)]
    points = _at_origin(map_, nodes, at_nodes) + sorted(
        [_point(map_, x) for x in simple] + [_point(map_, x, double=True) for x in double], key=lambda p: p.q
    )
    # Where the search ended: a root may lie beyond the last node.
    grows = bool(change[-1] > noise[-1])
    return FixedPoints(tuple(points), escapes=grows and not moments.is_cut, limits=tuple(moments.limits))


def _point(map_: LengthMap, q: float, *, double: bool = False) -> FixedPoint:
    chi_par, chi_perp, noise = map_.chi_par(q), map_.chi_perp(q), map_.step(q).error
    # Where the map crosses q its slope locates the point; where it touches q, its curvature.
    wrong = math.sqrt(noise * q) if double else noise / max(abs(1 - chi_par.value), EPS) + EPS * q
    wrong = min(wrong, 0.5 * q)
    par, perp = (_moved(chi, found, q, wrong) for chi, found in ((map_.chi_par, chi_par), (map_.chi_perp, chi_perp)))
    judged = by_slope(par) or by_sides(map_.step, q, par)
    return FixedPoint(q, par.value, perp.value, judged.stability, wrong, par.error, perp.error, judged.evidence)


def _moved(chi: Callable[[float], Number], here: Number, q: float, wrong: float) -> Number:
    """A slope at a fixed point that may be elsewhere by an error."""
    if math.isinf(here.value):
        return here
    moved = max(abs(chi(q + side * wrong).value - here.value) for side in (-1, 1))
    return Number(here.value, here.error + moved)


def _at_origin(map_: LengthMap, q: Array, excess: Array) -> list[FixedPoint]:
    start = map_.moments.at_zero
    if map_.b != 0 or start is None or start[0] != 0:
        return []
    chi = Number(float(length_slope()(start[1], map_.w)), 4 * EPS)
    judged = by_slope(chi)
    if judged is None:
        chi, judged = Number(1.0, chi.error), _above_origin(q, excess)
    return [FixedPoint(0.0, chi.value, chi.value, judged.stability, 0.0, chi.error, chi.error, judged.evidence)]


def _above_origin(q: Array, change: Array) -> Judgement:
    """Where χ_∥ = 1 at q = 0: the next order decides, at the first q at which it stands clear of rounding."""
    clear = np.flatnonzero(np.abs(change) > _TANGENT * q)
    if not len(clear):
        return Judgement(UNDECIDED, "chi_par = 1, and Q(q) - q is in the noise at every q")
    first = change[clear[0]]
    kind = STABLE if first < 0 else UNSTABLE
    return Judgement(kind, f"chi_par = 1; Q(q) - q = {first:.2g} at q = {q[clear[0]]:.2g}")
