"""The moments of an activation at every variance: computed at few, and between them a polynomial with its error."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from derive.activations import Activation
from derive.errors import InputError
from numerics.activations import numpy_function
from numerics.criticality.chebyshev import POINTS, Array, Curve, Panel, clenshaw
from numerics.maps import NumericalMaps

NAMES = {"second": "second_moment", "slope_second": "slope_second_moment", "second_slope": "second_moment_slope"}
"""E[f²], E[f'²] and dE[f²]/dq, and the method of `NumericalMaps` that computes each."""

UPWARDS, DOWNWARDS = (1e0, 1e1, 1e2, 1e3, 1e4, 1e6), (1e0, 1e-1, 1e-2, 1e-4, 1e-6, 1e-9, 1e-12)
"""Panels of variances, from 1 outwards: far from 1 moments are all but powers of q."""

LOWEST, HIGHEST = DOWNWARDS[-1], UPWARDS[-1]
PATIENCE = 1.5
"""CPU seconds on one side after which no further panel is begun."""

_NOTHING, _CLOSED = 1e-16, 2e-13
_NARROWEST = math.log(10) / 16
_PER_DECADE = 64
_STEEPEST = 1e60
_SMALL = 1e-6
_BISECTIONS = 12
_KNOWN = 1e-6  # a moment with fewer digits may be infinite
_UNDERFLOW = 1e-300  # but one that underflows is not


class Number(NamedTuple):
    """A moment and its absolute error."""

    value: float
    error: float


class _NotFiniteError(Exception):
    """A moment is not finite at the variance that is named."""


class _PatienceError(Exception):
    """A panel at the variance that is named would take too long."""


class Moments:
    """E[f²], E[f'²] and dE[f²]/dq of an activation for s ~ N(0, q), at every q that float64 and patience allow.

    Between Chebyshev nodes in log q a moment is a polynomial of degree 15 on a panel, or its logarithm is; panels are
    halved until the last coefficients are below 1e-12. ``limits`` says where the variances end before 1e-12 or 1e6,
    ``is_cut`` that above it is for want of patience.

    Raises `InputError` for an activation with free parameters.
    """

    def __init__(self, activation: Activation) -> None:
        self.activation = activation
        self.maps = NumericalMaps(activation)
        self._forms = NumericalMaps(activation, method="closed form")
        self.limits: list[str] = []
        self.is_cut = False
        self._known: dict[tuple[str, float], Number] = {}

    @cached_property
    def infinite(self) -> str:
        """Why E[f'²] is infinite at every q, or nothing."""
        # Where only large s diverge, small variances tell.
        if any(self.exact("slope_second", q) != (math.inf, 0.0) for q in (1.0, _SMALL)):
            return ""
        why = " jumps: its" if self.activation.jumps else ":"
        return f"{self.activation}{why} E[f'²] is infinite, and so is χ_⊥ at every weight variance"

    @cached_property
    def doubt(self) -> str:
        """That E[f'²] is not known to six digits, or nothing."""
        if self.infinite:
            return ""
        first = self.exact("slope_second", 1.0)
        known = first.error <= _KNOWN * abs(first.value) or not math.isfinite(first.value)
        if known and not self.panels:
            return f"no moments of {self.activation} are known at any variance tried"
        if known:
            allowed = _KNOWN * self.at_nodes("slope_second") + _UNDERFLOW
            known = bool((self.error_at_nodes("slope_second") <= allowed).all())
        return "" if known else f"E[f'²] of {self.activation} could not be computed to six digits: it may be infinite"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The moments that are finite."""
        return tuple(name for name in NAMES if not (self.infinite and name == "slope_second"))

    # ---- at one variance

    def exact(self, name: str, q: float) -> Number:
        """A moment computed at one variance."""
        if (name, q) not in self._known:
            self._known[name, q] = Number(*(float(part[0]) for part in self._computed(name, np.array([q]))))
        return self._known[name, q]

    @np.errstate(over="ignore", invalid="ignore")
    def _computed(self, name: str, q: Array) -> tuple[Array, Array]:
        """A moment and its error: of the closed form, if that is enough beside E[f'²], and else the best there is."""
        try:
            found = getattr(self._forms, NAMES[name])(q)
            size = np.abs(found.value)
            if name == "second_slope":
                # It may be much smaller than E[f'²], which is what it is compared with.
                slope = self._computed("slope_second", q)[0]
                size = np.maximum(size, np.where(np.isfinite(slope), slope, 0.0))
            enough = bool((found.error <= _CLOSED * size).all())
        except InputError:
            enough = False
        if not enough:
            found = getattr(self.maps, NAMES[name])(q)
        return found.value, found.error

    @property
    def at_zero(self) -> tuple[float, float] | None:
        """f(0) and E[f'²] for q -> 0, or None if f jumps or has no finite slope at 0."""
        if any(p == 0 for p in self.activation.jumps):
            return None
        left, right = numpy_function(self.activation, 1)(np.array([-1e-200, 1e-200]))
        size = float(left**2 + right**2) / 2
        # Next to 0 a power of |s| has a slope that is 0 or infinite in all but name.
        size = size if size > 1 / _STEEPEST else 0.0
        return (float(numpy_function(self.activation)(np.zeros(1))[0]), size) if size < _STEEPEST else None

    # ---- at computed variances

    @property
    def nodes(self) -> Array:
        """The variances at which the moments were computed, in increasing order."""
        return np.concatenate([p.q for p in self.panels])

    def at_nodes(self, name: str) -> Array:
        """A moment at the `nodes`."""
        return np.concatenate([p.values[name] for p in self.panels])

    def error_at_nodes(self, name: str) -> Array:
        """Its absolute error there."""
        return np.concatenate([p.errors[name] for p in self.panels])

    # ---- anywhere

    @property
    def grid(self) -> Array:
        """Variances that are dense enough to show every change of sign: 64 a decade."""
        low, high = self.panels[0].low, self.panels[-1].high
        return np.exp(np.linspace(low, high, math.ceil((high - low) / math.log(10) * _PER_DECADE) + 1))

    def near(self, name: str, q: Array) -> tuple[Array, Array]:
        """A moment at variances between the lowest and the highest node, interpolated, and its absolute error."""
        t = np.log(q)
        low, high = self._ends
        place = np.clip(np.searchsorted(low, t, side="right") - 1, 0, len(low) - 1)
        x = np.clip((2 * t - low[place] - high[place]) / (high - low)[place], -1, 1)
        coefficients, logarithmic, error = self._tables[name]
        value = clenshaw(coefficients[:, place], x)
        logs = logarithmic[place]
        value = np.where(logs, np.exp(np.where(logs, value, 0.0)), value)
        return value, np.where(logs, error[place] * value, error[place])

    @cached_property
    def _ends(self) -> tuple[Array, Array]:
        return np.array([p.low for p in self.panels]), np.array([p.high for p in self.panels])

    @cached_property
    def _tables(self) -> dict[str, tuple[Array, Array, Array]]:
        curves = {name: [p.curves[name] for p in self.panels] for name in self.names}
        return {
            name: (
                np.stack([c.coefficients for c in found], axis=1),
                np.array([c.logarithmic for c in found]),
                np.array([c.error for c in found]),
            )
            for name, found in curves.items()
        }

    def value(self, name: str, q: float) -> float:
        """A moment at one variance: interpolated between the nodes, computed elsewhere."""
        if name in self.names and self.panels and self.panels[0].low <= math.log(q) <= self.panels[-1].high:
            return float(self.near(name, np.array([q]))[0][0])
        return self.exact(name, q).value

    # ---- making the panels

    @cached_property
    def panels(self) -> list[Panel]:
        """Where the moments were computed, in increasing order of variances."""
        # Closed forms are derived on first use: that is not what patience is for.
        if self._is_finite(1.0):
            found = [*self._outwards(UPWARDS), *self._outwards(DOWNWARDS)]
        else:
            first = self._largest()
            self.limits.append(f"variances end before q = {first:.3g}: a moment is not finite, or not known")
            found = list(self._outwards((first, *(q for q in DOWNWARDS if q < first))))
        return sorted(found, key=lambda p: p.low)

    def _is_finite(self, q: float) -> bool:
        return all(math.isfinite(x) for name in self.names for x in self.exact(name, q))

    def _largest(self) -> float:
        """The largest variance below 1 at which moments are finite, by bisection of its logarithm."""
        low, high = math.log(LOWEST), 0.0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._is_finite(math.exp(middle)) else (low, middle)
        return math.exp(low)

    def _outwards(self, ends: tuple[float, ...]) -> Iterator[Panel]:
        """Panels from the first end to the last, until one fails."""
        stop = time.process_time() + PATIENCE
        for near, far in pairwise(ends):
            try:
                yield from self._halved(math.log(near), math.log(far), stop)
            except _NotFiniteError as at:
                self.limits.append(f"variances end before q = {at}: a moment is not finite, or not known")
                return
            except _PatienceError as at:
                self.is_cut = self.is_cut or far > near
                self.limits.append(f"variances end before q = {at}: moments take too long")
                return

    def _halved(self, near: float, far: float, stop: float) -> Iterator[Panel]:
        """Panels between two logarithms of q, from the near one on; those before one that fails are kept."""
        narrow = abs(far - near) <= _NARROWEST
        panel = None
        try:
            panel = self._panel(*sorted((near, far)), stop=stop)
        except _NotFiniteError:
            if narrow:
                raise
        if panel is not None and (narrow or panel.accurate):
            yield panel
            return
        middle = (near + far) / 2
        yield from self._halved(near, middle, stop)
        yield from self._halved(middle, far, stop)

    def _panel(self, low: float, high: float, *, stop: float) -> Panel:
        if time.process_time() > stop:
            raise _PatienceError(f"{math.exp(high):.3g}")
        q = np.exp((low + high) / 2 + (high - low) / 2 * POINTS)
        found = {name: self._computed(name, q) for name in self.names}
        if not all(np.isfinite(part).all() for pair in found.values() for part in pair):
            raise _NotFiniteError(f"{q[-1]:.3g}")
        # Beside q, and beside a slope of 1, less is nothing.
        small = {"second": _NOTHING * float(q.min())}
        curves = {name: Curve.through(*pair, small.get(name, _NOTHING)) for name, pair in found.items()}
        values, errors = ({name: pair[k] for name, pair in found.items()} for k in (0, 1))
        return Panel(low, high, q, values, errors, curves)


@lru_cache(maxsize=32)
def moments_of(activation: Activation) -> Moments:
    """Return the moments of an activation, made once."""
    return Moments(activation)
