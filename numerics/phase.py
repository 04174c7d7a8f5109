"""The phase diagram: fixed lengths, stability of correlations and depth scales over (σ_w², σ_b²)."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from derive.activations import Activation
from derive.errors import InputError
from numerics.criticality.critical import AT_ZERO, critical
from numerics.criticality.fixed_points import HIGHEST, LOWEST, at_zero, scan
from numerics.maps.functions import Array, Functions, functions
from numerics.maps.hermite import series
from numerics.maps.values import named

_FINE = 12  # points of the interpolated scan between two of the computed one
_COEFFICIENTS = 128
_SAME = 1e-9
_FEWEST = 4  # knots that a cubic needs


@dataclass(frozen=True, eq=False)
class Phase:
    """A diagram on a grid: ``sigma_w2`` of shape (n,), ``sigma_b2`` of shape (k,), all else of shape (k, n).

    ``q_star`` is the fixed point that lengths reach from q = 1 by the sign of q' - q (infinite where they grow without
    bound, 0 where they vanish), ``chi_par`` and ``chi_perp`` are taken there, ``xi_q`` = -1/log|χ_∥|, and
    ``xi_c`` is the depth scale of the correlation: at ρ = 1 in the ordered phase (χ_⊥ < 1), at the stable ρ* < 1 in
    the chaotic one (``correlation``). ``edge`` is the critical line, rows (σ_w², σ_b²); ``edge_is_stable`` says of each
    row whether lengths are drawn to its fixed point (χ_∥ <= 1).

    The moments are interpolated in log q (cubic, 16 computed values a decade, 4 above 1e4), to six digits or more for
    usual activations; `numerics.criticality` has the exact points. Beyond 128 Hermite coefficients the chaotic
    phase's covariance is cut, which matters for kinked activations within 1 % of the edge. Variances at which a moment
    is not finite are left out.
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

    def to_csv(self) -> str:
        """Return one line a grid point; infinite and missing numbers are written as inf and nan."""
        names = ("q_star", "chi_par", "chi_perp", "correlation", "xi_q", "xi_c")
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["sigma_w2", "sigma_b2", *names])
        columns = [getattr(self, name) for name in names]
        for row, b in enumerate(self.sigma_b2):
            for column, w in enumerate(self.sigma_w2):
                writer.writerow([f"{x:.9g}" for x in (w, b, *(c[row, column] for c in columns))])
        return out.getvalue()


def phase(
    activation: str | Activation,
    *,
    weight_variance: tuple[float, float] | None = None,
    bias_variance: tuple[float, float] = (0.0, 0.5),
    points: int = 256,
) -> Phase:
    """Return the phase diagram between two weight variances (σ_w²) and two bias variances (σ_b²).

    Left out, the weight variances run from 1/4 to 3 (K* = 0) or 3/2 times the critical one.

    Raises `InputError` for a range that is not one, for an activation that jumps (χ_⊥ is infinite), and for one whose
    moments are not finite about q = 1.

    >>> diagram = phase("tanh", points=8)
    >>> diagram.q_star.shape
    (8, 8)
    """
    made = named(activation)
    f = functions(made)
    if not f.is_continuous:
        raise InputError(f"activation must be continuous for a phase diagram, got {made}: its chi_perp is infinite")
    if not 2 <= points <= 4096:
        raise InputError(f"points must be from 2 to 4096, got {points}")
    low, high = _range("weight_variance", weight_variance or _usual(made))
    w = np.linspace(low, high, points)
    b = np.linspace(*_range("bias_variance", bias_variance), points)
    table = _Table(f)
    q = np.stack([table.fixed_lengths(float(x), b) for x in w], axis=1)
    chi_par, chi_perp = table.at("second_slope", q) * w, table.at("slope_second", q) * w
    correlation, slope = _correlations(f, table, q, w, b[:, None], chi_perp)
    with np.errstate(divide="ignore", invalid="ignore"):
        # -1/log 1 has no sign of its own
        xi_q, xi_c = (np.where(np.abs(chi) == 1, np.inf, -1 / np.log(np.abs(chi))) for chi in (chi_par, slope))
    return Phase(made, w, b, q, chi_par, chi_perp, correlation, xi_q, xi_c, *table.edge(w, b))


def _usual(activation: Activation) -> tuple[float, float]:
    found = critical(activation)
    if found.sigma_w2 is None:
        found = critical(activation, bias_variance=0.04)
    middle = found.sigma_w2 or 1.0
    # Where lengths grow without bound there is little to see.
    return middle / 4, (3 if found.kind == AT_ZERO else 1.5) * middle


def _range(name: str, values: tuple[float, float]) -> tuple[float, float]:
    low, high = values
    if not (math.isfinite(high) and 0 <= low < high):
        raise InputError(f"{name} must run from a number that is not negative to a larger one, got {low:g} to {high:g}")
    return low, high


class _Slope:
    """A moment that may change its sign, interpolated in log q."""

    def __init__(self, knots: Array, values: Array) -> None:
        self.positive = bool((values > 0).all())
        self.curve = CubicSpline(knots, np.log(values)) if self.positive else PchipInterpolator(knots, values)

    def __call__(self, t: Array) -> Array:
        found: Array = self.curve(t)
        return np.exp(found) if self.positive else found


class _Table:
    """Moments of an activation on a fine grid of variances."""

    def __init__(self, f: Functions) -> None:
        coarse = _usable(f)
        knots = np.log(coarse["q"])
        count = _FINE * (len(knots) - 1) + 1
        self.log = np.linspace(knots[0], knots[-1], count)
        self.q = np.exp(self.log)
        # E[f²] spans decades: its logarithm is smooth.
        self.splines = {"second": CubicSpline(knots, np.log(np.maximum(coarse["second"], 1e-300)))}
        # Local interpolation where signs change: a global spline would carry one end's size to the other.
        self.slopes = {name: _Slope(knots, coarse[name]) for name in ("second_slope", "slope_second")}
        self.second = np.exp(self.splines["second"](self.log))
        start = at_zero(f)
        self.zero = start if start is not None else (math.nan, math.nan)

    def at(self, what: str, q: Array) -> Array:
        """A slope's moment at any q; at 0 its limit, and nan at infinity."""
        inside = np.isfinite(q) & (q > 0)
        value = np.full(q.shape, np.nan)
        value[q == 0] = self.zero[1]
        value[inside] = self.slopes[what](np.log(np.clip(q[inside], self.q[0], self.q[-1])))
        return value

    def fixed_lengths(self, w: float, b: Array) -> Array:
        """The fixed point next to q = 1 in the direction in which the length map moves it, for every b."""
        excess = w * self.second - self.q + b[:, None]
        start = int(np.argmin(np.abs(self.log)))
        up = excess[:, start] > 0
        rising, falling = excess[:, start:] <= 0, excess[:, start::-1] >= 0
        steps = np.where(up, rising.argmax(axis=1), falling.argmax(axis=1))
        exists = np.where(up, rising.any(axis=1), falling.any(axis=1))
        left = np.clip(np.where(up, start + steps - 1, start - steps), 0, len(self.q) - 2)
        rows = np.arange(len(b))
        low, high = excess[rows, left], excess[rows, left + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(low != high, low / (low - high), 0.0)
        t = self.log[left] + np.clip(part, 0, 1) * (self.log[left + 1] - self.log[left])
        spline, slope = self.splines["second"], self.splines["second"].derivative()
        for _ in range(4):
            second, q = w * np.exp(spline(t)), np.exp(t)
            rate = second * slope(t) - q
            with np.errstate(divide="ignore", invalid="ignore"):
                step = (second + b - q) / rate
            # Where the map touches q there is no step to take.
            step = np.where(np.isfinite(step), step, 0.0)
            t = np.clip(t - step, self.log[left], self.log[left + 1])
        gone = np.where(up, math.inf, 0.0)
        found: Array = np.where(exists, np.exp(t), gone)
        return found

    def edge(self, w: Array, b: Array) -> tuple[Array, np.ndarray[Any, np.dtype[np.bool_]]]:
        """The critical line: along q, σ_w² = 1/E[f'²] and σ_b² = q - σ_w² E[f²], with rows of nan between its parts.

        Where all of it is one point, f is homogeneous: then χ_⊥ = 1 at that σ_w² for every q and σ_b².
        """
        slope = np.maximum(self.slopes["slope_second"](self.log), 1e-150)
        line = np.stack([1 / slope, self.q - self.second / slope], axis=1)
        if np.ptp(line[:, 0]) <= _SAME * line[0, 0] and np.abs(line[:, 1] / self.q).max() <= _SAME:
            return np.array([[line[0, 0], b[0]], [line[0, 0], b[-1]]]), np.ones(2, dtype=bool)
        margin = 0.05 * (b[-1] - b[0])
        inside = (line[:, 0] >= w[0]) & (line[:, 0] <= w[-1]) & (line[:, 1] <= b[-1] + margin)
        # Rounding of q - E[f²]/E[f'²] for tiny q is not a negative bias variance.
        inside &= line[:, 1] >= b[0] - 1e-9
        line[~inside] = np.nan
        return line, self.slopes["second_slope"](self.log) <= slope * (1 + _SAME)


def _usable(f: Functions) -> dict[str, Array]:
    """The scan where every moment is finite: for large q a slope may have no value in float64 (0 times infinity)."""
    found = scan(f)
    finite = np.isfinite([found[name] for name in ("second", "second_slope", "slope_second")]).all(axis=0)
    q = found["q"][finite]
    # Lengths start at q = 1.
    if len(q) < _FEWEST or not q[0] <= 1 <= q[-1]:
        raise InputError(
            f"activation must have finite moments about q = 1 for a phase diagram, got {f.activation}: E[f²], E[f'²] "
            f"and dE[f²]/dq are finite at {len(q)} of the variances tried, from {LOWEST:g} to {HIGHEST:g}"
        )
    return {name: values[finite] for name, values in found.items()}


def _correlations(f: Functions, table: _Table, q: Array, w: Array, b: Array, chi_perp: Array) -> tuple[Array, Array]:
    """The stable fixed correlation at q*, and the slope of the correlation map there."""
    rho, slope = np.ones(q.shape), chi_perp.copy()
    rho[~np.isfinite(q)] = slope[~np.isfinite(q)] = np.nan
    chaotic = np.isfinite(q) & (q > 0) & (chi_perp > 1)
    if not chaotic.any():
        return rho, slope
    lengths = q[chaotic]
    weights = np.broadcast_to(w, q.shape)[chaotic]
    biases = np.broadcast_to(b, q.shape)[chaotic]
    squares = _squares(f, lengths)
    found = np.zeros(lengths.shape)
    # From 0 upwards Newton's method is monotone: the map's difference from ρ is convex on [0, 1].
    for _ in range(60):
        value, derivative = _horner(squares, found)
        step = (weights * value + biases - lengths * found) / (lengths - weights * derivative)
        step = np.where(np.isfinite(step) & (lengths > weights * derivative), step, 0.0)
        found = np.clip(found + step, 0.0, 1.0)
        if np.abs(step).max() < 1e-12:
            break
    rho[chaotic] = found
    slope[chaotic] = weights * _horner(squares, found)[1] / lengths
    return rho, slope


def _horner(squares: Array, rho: Array) -> tuple[Array, Array]:
    value, derivative = np.zeros(rho.shape), np.zeros(rho.shape)
    for column in squares.T[::-1]:
        derivative = derivative * rho + value
        value = value * rho + column
    return value, derivative


def _squares(f: Functions, q: Array) -> Array:
    """a_k² for every q, linear in log q between 24 computed variances a decade; the last holds what is left out."""
    low, high = math.log(q.min()), math.log(q.max())
    count = max(4, math.ceil(24 * (high - low) / math.log(10)) + 1)
    knots = np.linspace(low, high, count)
    rows: list[Any] = []
    for t in knots:
        found = series(f, math.exp(t), _COEFFICIENTS)
        if found is None:
            raise InputError(f"activation {f.activation} oscillates too fast at q = {math.exp(t):.3g}")
        row = found.coefficients**2
        row[-1] += max(found.second - row.sum(), 0.0)
        rows.append(row / found.second)
    relative = np.array(rows)
    place = np.clip((np.log(q) - low) / max(high - low, 1e-12) * (count - 1), 0, count - 1 - 1e-9)
    n = place.astype(int)
    part = (place - n)[:, None]
    mixed: Array = relative[n] * (1 - part) + relative[np.minimum(n + 1, count - 1)] * part
    second = np.exp(CubicSpline(knots, np.log(list(_seconds(f, knots))))(np.log(q)))
    return mixed * second[:, None]


def _seconds(f: Functions, knots: Array) -> list[float]:
    from numerics.maps.line import moments

    return [moments(f, math.exp(t)).value["second"] for t in knots]
