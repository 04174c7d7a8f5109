"""The phase diagram: fixed lengths, stability of correlations and depth scales over (σ_w², σ_b²)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.activations import Activation
from derive.errors import InputError
from derive.results import Result, plain
from numerics.criticality.chebyshev import Array
from numerics.criticality.critical import critical
from numerics.criticality.moments import HIGHEST, LOWEST, Moments, moments_of
from numerics.criticality.stability import UNSTABLE
from numerics.criticality.theorems import edge_weight, fixing_bias, fixing_weight, layers
from numerics.maps.values import named
from numerics.phase_correlations import stable_correlations
from numerics.phase_lengths import Values, fixed_lengths, slopes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("q_star", "chi_par", "chi_perp", "correlation", "xi_q", "xi_c")
DIGITS = 9
_SAME = 1e-9
_TINY = 1e-300
_ONE = 1e-9  # the largest error of a slope that is called 1
_FEWEST = 4  # variances, where moments are finite


@dataclass(frozen=True, eq=False, repr=False)
class Phase(Result):
    """A diagram on a grid: ``sigma_w2`` of shape (n,), ``sigma_b2`` of shape (k,), all else of shape (k, n).

    ``q_star`` is the fixed point that lengths reach from q = 1 by the sign of q' - q (infinite where they grow without
    bound, 0 where they vanish), ``chi_par`` and ``chi_perp`` are taken there, ``xi_q`` = -1/log|χ_∥|, and
    ``xi_c`` is the depth scale of the correlation: at ρ = 1 in the ordered phase (χ_⊥ < 1), at the stable ρ* < 1 in
    the chaotic one (``correlation``). A depth scale is infinite where its slope is 1 within its error (of 1e-9 or
    less), and nan where there is none. ``edge`` is the critical line, rows (σ_w², σ_b²);
    ``edge_is_stable`` says of each row whether lengths are drawn to its fixed point (χ_∥ <= 1).

    ``errors`` holds the absolute error of every number of the six columns. The moments are polynomials in log q between
    computed ones, to twelve digits for usual activations; next to the edge, and where a kink makes the Hermite series
    slow, fewer digits of q*, ρ* and the depth scales are known.
    """

    activation: Activation
    sigma_w2: Array
    sigma_b2: Array
    q_star: Array
    chi_par: Array
    chi_perp: Array
    correlation: Array
    xi_q: Array
    xi_c: Array
    edge: Array
    edge_is_stable: np.ndarray[Any, np.dtype[np.bool_]]
    errors: dict[str, Array] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """The activation and the grid."""
        (k, n), w, b = self.q_star.shape, self.sigma_w2, self.sigma_b2
        ranges = f"sigma_w2 {w[0]:.4g} to {w[-1]:.4g}, sigma_b2 {b[0]:.4g} to {b[-1]:.4g}"
        return f"{self.activation}, {ranges}, {n} x {k} points"

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a grid point: the grid exactly, and of each number the digits that hold, at most nine.

        A number that does not exist, or of which no digit is known, is nan.
        """
        columns = [held(getattr(self, name), self.errors[name]) for name in COLUMNS]
        return [
            {
                "sigma_w2": w,
                "sigma_b2": b,
                **{name: column[k][n] for name, column in zip(COLUMNS, columns, strict=True)},
            }
            for k, b in enumerate(self.sigma_b2.tolist())
            for n, w in enumerate(self.sigma_w2.tolist())
        ]

    def plot(self, *, ax: Any = None) -> Figure:
        """Return the diagram as a figure: see `plot_phase`."""
        from numerics.phase_figure import plot_phase

        return plot_phase(self, **({} if ax is None else {"ax": ax}))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: the rows, and the critical line."""
        line = [
            {"sigma_w2": w, "sigma_b2": b, "stable": stable}
            for (w, b), stable in zip(self.edge.tolist(), self.edge_is_stable.tolist(), strict=True)
        ]
        return {"activation": str(self.activation), "edge": plain(line), **self._table()}


def held(values: Array, errors: Array) -> list[list[float]]:
    """Return numbers rounded to the digits that their absolute errors leave, at most `DIGITS`; nan where none is left.

    >>> held(np.array([[2 / 3, 2 / 3, 2 / 3, 0.0]]), np.array([[0.0, 1e-4, 1.0, 0.0]]))
    [[0.666666667, 0.667, nan, 0.0]]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = np.floor(-np.log10(2 * errors / np.abs(values)))
    digits = np.where(values == 0, np.where(errors == 0, DIGITS, 0), digits)
    # What is infinite or nan is shown as it is; a finite value with an unknown error has no digit.
    digits = np.where(np.isfinite(values), np.nan_to_num(digits, nan=0.0, posinf=DIGITS, neginf=0.0), DIGITS)
    digits = np.clip(digits, 0, DIGITS).astype(int)
    return [
        [float(f"{x:.{d}g}") if d > 0 else math.nan for x, d in zip(row, places, strict=True)]
        for row, places in zip(values.tolist(), digits.tolist(), strict=True)
    ]


def phase_diagram(
    activation: str | Activation,
    *,
    weight_variance: tuple[float, float] | None = None,
    bias_variance: tuple[float, float] = (0.0, 0.5),
    points: int = 256,
) -> Phase:
    """Return the phase diagram between two weight variances (σ_w²) and two bias variances (σ_b²).

    Left out, the weight variances run from 1/4 of the one that matters (critical, or else at the edge of chaos, or
    else the largest with a fixed length, at the middle bias variance) to 3 times, or to 3/2 where lengths grow without
    bound at 3 times.

    Raises `InputError` for a range that is not one, for an activation whose E[f'²] (and χ_⊥) is infinite or not known,
    and for one whose moments are not finite about q = 1.

    >>> diagram = phase_diagram("tanh", points=8)
    >>> diagram.q_star.shape
    (8, 8)
    """
    moments = moments_of(named(activation))
    made = moments.activation
    if moments.infinite or moments.doubt:
        why = moments.infinite or moments.doubt
        raise InputError(f"activation must have a finite E[f'²] for a phase diagram, got {why}")
    if not 2 <= points <= 4096:
        raise InputError(f"points must be from 2 to 4096, got {points}")
    _check(moments)
    lowest, highest = _range("bias_variance", bias_variance)
    low, high = _range("weight_variance", weight_variance or _usual(moments, (lowest + highest) / 2))
    w, b = np.linspace(low, high, points), np.linspace(lowest, highest, points)
    q = fixed_lengths(moments, w, b)
    par, perp = slopes(moments, w, q)
    rho, slope = _correlations(moments, w, b, q, perp)
    columns = dict(zip(COLUMNS, (q, par, perp, rho, _depth(par), _depth(slope)), strict=True))
    values = {name: column.value for name, column in columns.items()}
    line, stable = _edge(moments, w, b)
    errors = {name: column.error for name, column in columns.items()}
    return Phase(made, w, b, **values, edge=line, edge_is_stable=stable, errors=errors)


def _usual(moments: Moments, bias: float) -> tuple[float, float]:
    """The weight variances about the one that matters, and no farther than lengths are bounded."""
    found = critical(moments.activation)
    if found.sigma_w2 is None or found.stability == UNSTABLE:
        found = critical(moments.activation, bias_variance=bias)
    q = moments.grid
    with np.errstate(divide="ignore"):
        fixing = fixing_weight()(q, moments.near("second", q)[0], bias)
    # The largest σ_w² with a fixed length: beyond, all lengths grow without bound.
    largest = float(fixing.max())
    middle = largest if found.sigma_w2 is None or found.stability == UNSTABLE else found.sigma_w2
    return middle / 4, (3 if largest >= 3 * middle else 1.5) * middle


def _range(name: str, values: tuple[float, float]) -> tuple[float, float]:
    low, high = values
    if not (math.isfinite(high) and 0 <= low < high):
        raise InputError(f"{name} must run from a number that is not negative to a larger one, got {low:g} to {high:g}")
    return low, high


def _check(moments: Moments) -> None:
    """Raise where lengths that start at q = 1 cannot be followed."""
    q = moments.nodes
    if len(q) < _FEWEST or not moments.panels[0].low <= 0 <= moments.panels[-1].high:
        raise InputError(
            f"activation must have finite moments about q = 1 for a phase diagram, got {moments.activation}: E[f²], "
            f"E[f'²] and dE[f²]/dq are known at {len(q)} of the variances tried, from {LOWEST:g} to {HIGHEST:g}"
        )


def _correlations(moments: Moments, w: Array, b: Array, q: Values, perp: Values) -> tuple[Values, Values]:
    """The stable fixed correlation at q*, and the slope of the correlation map there."""
    known = np.isfinite(q.value)
    rho = Values(np.where(known, 1.0, np.nan), np.zeros_like(q.value))
    slope = Values(perp.value.copy(), perp.error.copy())
    chaotic = known & (q.value > 0) & (perp.value > 1 + perp.error)
    if chaotic.any():
        weights, biases = (np.broadcast_to(x, q.value.shape)[chaotic] for x in (w, b[:, None]))
        found = stable_correlations(moments, weights, biases, Values(q.value[chaotic], q.error[chaotic]))
        for target, new in zip((rho, slope), found, strict=True):
            target.value[chaotic], target.error[chaotic] = new.value, new.error
        if moments.activation.is_odd:
            # Without bias, unrelated inputs of an odd function stay unrelated.
            unrelated = chaotic & (b == 0)[:, None]
            rho.value[unrelated] = rho.error[unrelated] = 0.0
    return rho, slope


def _depth(chi: Values) -> Values:
    """The depth scale of every slope: infinite at 1 within its error (at most 1e-9), nan above."""
    size = np.abs(chi.value)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, scale, high = (
            np.where(x < 1, layers()(np.clip(x, _TINY, 1)), above)
            for x, above in ((size - chi.error, np.nan), (size, np.nan), (size + chi.error, np.inf))
        )
        error = np.where(size > 0, np.maximum(high - scale, scale - low), 0.0)
    # With a larger error the scale is large, and not known.
    one = (np.abs(size - 1) <= chi.error) & (chi.error <= _ONE)
    scale = np.where(size == 0, 0.0, np.where(one, np.inf, scale))
    return Values(scale, np.where(np.isfinite(scale), error, 0.0))


def _edge(moments: Moments, w: Array, b: Array) -> tuple[Array, np.ndarray[Any, np.dtype[np.bool_]]]:
    """The critical line: along q, the σ_w² of the edge of chaos and the σ_b² that fixes q; rows of nan between parts.

    Where all of it is one point, f is homogeneous: then χ_⊥ = 1 at that σ_w² for every q and σ_b².
    """
    q = moments.grid
    slope = np.maximum(moments.near("slope_second", q)[0], 1e-150)
    second = moments.near("second", q)[0]
    line = np.stack([edge_weight()(slope), fixing_bias()(q, second, edge_weight()(slope))], axis=1)
    if np.ptp(line[:, 0]) <= _SAME * line[0, 0] and np.abs(line[:, 1] / q).max() <= _SAME:
        return np.array([[line[0, 0], b[0]], [line[0, 0], b[-1]]]), np.ones(2, dtype=bool)
    margin = 0.05 * (b[-1] - b[0])
    inside = (line[:, 0] >= w[0]) & (line[:, 0] <= w[-1]) & (line[:, 1] <= b[-1] + margin)
    # Rounding at a tiny q is not a negative bias variance.
    inside &= line[:, 1] >= b[0] - _SAME
    line[~inside] = np.nan
    return line, moments.near("second_slope", q)[0] <= slope * (1 + _SAME)
