"""What is found: a critical point of an activation, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive.activations import Activation
from derive.results import Result, plain
from numerics.criticality.approach import Approach
from numerics.criticality.chebyshev import EPS
from numerics.criticality.depth import LEFT, REPELS, depth_scale, word
from numerics.criticality.fixed_points import FixedPoint
from numerics.criticality.stability import UNSTABLE

SCALE_INVARIANT, AT_ZERO, HALF_STABLE, NONE = "scale-invariant", "K* = 0", "half-stable", "none"


@dataclass(frozen=True, repr=False)
class Critical(Result):
    """A critical point of an activation, or why there is none.

    ``kind`` is the activation's universality class (Roberts, Yaida & Hanin 2022, chapter 5): ``scale-invariant``,
    ``K* = 0``, ``half-stable`` or ``none``. ``sigma_w2`` is σ_w², the weight variance times the fan-in; ``sigma_b2``
    the bias variance. Numbers are None where there is no such point, and ``q_star`` also where every q is a fixed
    point. ``chi_error`` is the absolute error of χ_∥ and χ_⊥; ``evidence`` says what the stability rests on.
    ``others`` are further points of the same sort.
    """

    activation: Activation
    kind: str
    sigma_w2: float | None = None
    sigma_b2: float | None = None
    q_star: float | None = None
    chi_perp: float | None = None
    chi_par: float | None = None
    stability: str | None = None
    evidence: str = ""
    chi_error: float = 4 * EPS
    fixed_points: tuple[FixedPoint, ...] = ()
    approach: tuple[Approach, ...] = ()
    others: tuple[tuple[float, float, float], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def xi_q(self) -> float | None:
        """Depth scale of the length, -1/log|χ_∥|; None at an unstable point, infinite where |χ_∥| = 1."""
        return self._scale(self.chi_par)

    @property
    def xi_c(self) -> float | None:
        """Depth scale of the correlation, -1/log χ_⊥; None at an unstable point, infinite where χ_⊥ = 1."""
        return self._scale(self.chi_perp)

    def _scale(self, chi: float | None) -> float | None:
        if chi is None or self.stability == UNSTABLE:
            return None
        return depth_scale(chi, self.chi_error)

    @property
    def words(self) -> dict[str, str]:
        """What is said of ``xi_q`` and ``xi_c`` where they are no numbers, at a point that exists."""
        if self.chi_perp is None:
            return {}
        without = LEFT if self.stability == UNSTABLE else REPELS
        said = {"xi_q": word(self.xi_q, LEFT), "xi_c": word(self.xi_c, without)}
        return {name: words for name, words in said.items() if words is not None}

    @property
    def destination(self) -> str:
        """Where a network goes in place of an unstable point: to the fixed points beside it; nothing at others."""
        if self.stability != UNSTABLE or self.q_star is None:
            return ""
        apart = _SAME * self.q_star
        below = [p for p in self.fixed_points if p.q < self.q_star - apart]
        above = [p for p in self.fixed_points if p.q > self.q_star + apart]
        sides = [f"smaller lengths go to {_beside(below[-1])}"] if below else []
        sides.append(f"larger ones go to {_beside(above[0])}" if above else "larger ones grow")
        return f"q* = {self.q_star:.6g} is unstable, and a network does not stay there: {', '.join(sides)}."

    @property
    def headline(self) -> str:
        """The activation, its class, and where it is critical."""
        shown = ((name, getattr(self, name)) for name in _PLACE)
        place = ", ".join(f"{name} = {value:.6g}" for name, value in shown if value is not None)
        found = "" if self.sigma_w2 is not None else "no critical point; "
        return f"{self.activation}, class {self.kind}; {found}{place}".removesuffix("; ")

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each critical point: first this one, then ``others``, of which less is known."""
        about = {"activation": str(self.activation), "class": self.kind}
        here = {name: getattr(self, name) for name in (*_PLACE, *_SLOPES)} | {"stability": self.stability}
        left = dict.fromkeys((*_SLOPES, "stability"))
        return [about | here, *(about | dict(zip(_PLACE, point, strict=True)) | left for point in self.others)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; a depth scale that is no number is None, and ``words`` says why."""
        found = {
            **self.rows()[0],
            "words": self.words,
            "evidence": self.evidence,
            "fixed_points": [p.to_dict() for p in self.fixed_points],
            "approach": [str(a) for a in self.approach],
            "others": [dict(zip(_PLACE, point, strict=True)) for point in self.others],
            "notes": self.notes,
        }
        return {name: plain(value) for name, value in found.items()}

    def _repr_html_(self) -> str:
        from derive.render.table import to_html

        first, *others = self.rows()
        lines = [*self.notes, *(f"Approach: {approach}" for approach in self.approach)]
        fixed = [row for point in self.fixed_points for row in point.rows()]
        parts = [to_html([first | self.words, *others], self.headline), *(to_html([], line) for line in lines)]
        return "".join([*parts, to_html(fixed, "Fixed points with these weights:")] if fixed else parts)


def _beside(point: FixedPoint) -> str:
    return f"q = {point.q:.6g} (chi_par = {point.chi_par:.6g}, chi_perp = {point.chi_perp:.6g})"


_SAME = 1e-6  # two roots that are nearer are one point
_PLACE = ("sigma_w2", "sigma_b2", "q_star")
_SLOPES = ("chi_perp", "chi_par", "xi_q", "xi_c")
