"""How accurate a kernel is: its largest errors in ulps, against mpmath, over its whole domain.

The reference knows nothing of the kernel's formula. It evaluates the DEFINITION, m'^2 = sigma_w2 K + sigma_b2
and v'^2 = q' - m'^2, in so many digits that the cancellation of up to 300 of them leaves 40.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from numerics.kernels import _runtime, profile
from numerics.kernels import _sample_variance_source as source
from numerics.kernels.sample_programs import Parameters

if TYPE_CHECKING:
    from numerics.kernels.sample_variance import SampleVarianceStep

Floats = NDArray[np.float64]
OUTPUTS = ("m2", "v2", "one_minus_rho")
DOMAIN = "m2 and v2 zero or in [2**-1022, 2**1022], v2/m2 from 1e-300 to 1e300"
SMALLEST = 2.0**-1022
LIMIT = 3.0


@dataclass(frozen=True)
class Accuracy:
    """The largest error of one output, in units in the last place of the exact value, and where it is."""

    output: str
    ulps: float
    m2: float
    v2: float


@dataclass(frozen=True)
class Certificate:
    """A measurement, not a proof: the largest errors found at `points` points, chosen out of `searched`.

    `kernel` is the fingerprint of the program that was measured, `backend` what ran it.
    """

    accuracies: tuple[Accuracy, ...]
    points: int
    searched: int
    domain: str
    reference: str
    kernel: str
    backend: str

    @property
    def ulps(self) -> float:
        """The largest error of any output."""
        return max(accuracy.ulps for accuracy in self.accuracies)

    def holds(self, limit: float = LIMIT) -> bool:
        """Whether every output stays within `limit` ulps."""
        return self.ulps <= limit

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    def text(self) -> str:
        """A few lines for a screen or the head of a file."""
        lines = [
            f"accuracy of kernel {self.kernel} ({self.backend}): largest error at {self.points} points, "
            f"chosen out of {self.searched}",
            *(f"  {a.output:13} {a.ulps:.2f} ulp   at m2 = {a.m2!r}, v2 = {a.v2!r}" for a in self.accuracies),
            f"  domain: {self.domain}",
            f"  reference: {self.reference}",
        ]
        return "\n".join(lines)


@lru_cache(maxsize=1)
def _definition() -> Callable[..., Any]:
    symbols = (source.m, source.v, source.slope, source.gain, source.bias_variance)
    function: Callable[..., Any] = sp.lambdify(symbols, list(source.DEFINITION), "mpmath")
    return function


def exact(parameters: Parameters, m2: float, v2: float) -> dict[str, Any]:
    """m'^2, v'^2 and 1 - rho' as mpmath numbers good to 40 digits; 1 - rho' is None when q' = 0."""
    if m2 == 0.0 == v2:  # the definition is 0/0 there; its limit is q' = sigma_b2
        bias = mpmath.mpf(parameters.bias_variance)
        return {"m2": bias, "v2": mpmath.mpf(0), "one_minus_rho": mpmath.mpf(0) if bias else None}
    cancelled = max(0.0, math.log10(m2) - math.log10(v2)) if m2 and v2 else 0.0
    if parameters.bias_variance:
        cancelled += max(0.0, -math.log10(v2 or m2)) if v2 or m2 else 0.0
    with mpmath.workdps(45 + int(1.5 * cancelled)):
        variances = (mpmath.sqrt(mpmath.mpf(m2)), mpmath.sqrt(mpmath.mpf(v2)))
        numbers = (mpmath.mpf(x) for x in (parameters.slope, parameters.gain, parameters.bias_variance))
        v2_next, m2_next = _definition()(*variances, *numbers)
        if not v2:  # sqrt(q^2 - m^4) is 0, or the root of a negative last digit
            m2_next, v2_next = m2_next.real, mpmath.mpf(0)
        return {"m2": m2_next, "v2": v2_next, "one_minus_rho": v2_next / (v2_next + m2_next)}


def ulps(got: float, want: Any) -> float:
    """|got - want| in units in the last place of `want`; 0 when both overflow, inf for a NaN."""
    if want > mpmath.mpf(np.finfo(float).max):
        return 0.0 if got == math.inf else math.inf
    if not math.isfinite(got):
        return math.inf
    with mpmath.workdps(30):
        return float(abs(mpmath.mpf(got) - want) / mpmath.mpf(math.ulp(float(want))))


def sample_points(count: int, rng: Any) -> tuple[Floats, Floats]:
    """(m2, v2): the edges of the domain; then half near v2 = m2, a quarter 20 decades off, a quarter 300."""
    rng = np.random.default_rng(rng)
    spread = np.repeat([2.0, 20.0, 300.0], [count - count // 2, count // 4, count // 2 - count // 4])
    ratio = rng.uniform(-spread, spread)
    room = 307.0 - np.abs(ratio) / 2
    middle = rng.uniform(-np.minimum(room, 300.0), np.minimum(room, 300.0))
    # Every binade matters alike: an error in ulps is largest just below a power of two.
    m2, v2 = 10.0 ** (middle - ratio / 2), 10.0 ** (middle + ratio / 2)
    some = rng.uniform(0.5, 2.0, 8)
    edges = np.array([0.0, SMALLEST, 1.0, _runtime.LARGEST, *some])
    grid_m2, grid_v2 = (grid.ravel() for grid in np.meshgrid(edges, edges))
    m2, v2 = np.concatenate([grid_m2, m2]), np.concatenate([grid_v2, v2])
    inside = [np.where(x == 0.0, 0.0, np.clip(x, SMALLEST, _runtime.LARGEST)) for x in (m2, v2)]
    return inside[0], inside[1]


@lru_cache(maxsize=1)
def _long_coefficients() -> list[np.longdouble]:
    """P once more, to the precision of long double, for the search alone."""
    p = profile.derived_profile()
    with mpmath.workdps(profile.DIGITS):
        h = sp.lambdify(p.r, p.h, "mpmath")
        inner = [mpmath.mpf("1e-12"), 1 - mpmath.mpf("1e-12")]  # P is 0/0 at the very ends
        fit = mpmath.chebyfit(lambda x: profile.reduced(h, x), inner, 17)
        return [_long(c) for c in fit]


def _long(value: Any) -> np.longdouble:
    high = float(value)
    return np.longdouble(high) + np.longdouble(float(value - mpmath.mpf(high)))


def _suspects(step: SampleVarianceStep, m2: Floats, v2: Floats, keep: int) -> NDArray[np.intp]:
    """Indices of the points where a long double evaluation puts the largest errors, `keep` for each output.

    Only a way to choose points: what is reported is measured with mpmath. Where long double is no longer
    than double the first points are taken.
    """
    if np.finfo(np.longdouble).nmant < 60:
        return np.arange(min(3 * keep, m2.size))
    with mpmath.workdps(profile.DIGITS):
        c0, c1 = (_long(c) for c in step.parameters.constants())
    with np.errstate(all="ignore"):
        m, v = m2.astype(np.longdouble), v2.astype(np.longdouble)
        s = v + np.longdouble(profile.KAPPA) * m
        x, y = v / s, np.longdouble(profile.KAPPA) * m / s
        p = np.zeros_like(x)
        for coefficient in _long_coefficients():
            p = p * x + coefficient
        moved = c1 * np.sqrt(x) * (1 + y * p)
        bias = np.longdouble(step.bias_variance)
        wanted = (c0 * m + v * moved + bias, v * (c0 - moved), v * (c0 - moved) / (c0 * (m + v) + bias))
        full = step.full(m2, v2)
        chosen = []
        for got, want in zip((*step(m2, v2), full.one_minus_rho), wanted, strict=True):
            error = np.abs(got - want) / np.spacing(want.astype(float))
            error = np.where(np.isfinite(error), error, 0.0)
            chosen.append(np.argsort(-error, kind="stable")[:keep])
    return np.unique(np.concatenate(chosen))


def certify(
    step: SampleVarianceStep, *, points: int = 3000, searched: int = 300_000, rng: Any = 20200218
) -> Certificate:
    """Measure a kernel against the definition: the edges, random points, and the worst of a wide search.

    A third of `points` are the worst of `searched` for some output, the others random, the edges always in.
    The same seed gives the same certificate. Raises ValueError unless 0 < points <= searched.
    """
    if not 0 < points <= searched:
        raise ValueError(f"points must be between 1 and searched = {searched}, got {points}")
    m2, v2 = sample_points(searched, rng)
    edges = m2.size - searched
    worst = _suspects(step, m2, v2, max(1, points // 9))
    chosen = np.unique(np.concatenate([np.arange(edges), worst, edges + np.arange(points - points // 3)]))
    chosen = chosen[chosen < m2.size]
    m2, v2 = m2[chosen], v2[chosen]
    m2_next, v2_next = step(m2, v2)
    got = dict(zip(OUTPUTS, (m2_next, v2_next, step.full(m2, v2).one_minus_rho), strict=True))
    largest = {name: Accuracy(name, 0.0, math.nan, math.nan) for name in OUTPUTS}
    for i, (m2_i, v2_i) in enumerate(zip(m2.tolist(), v2.tolist(), strict=True)):
        for name, want in exact(step.parameters, m2_i, v2_i).items():
            if want is None:
                continue
            error = ulps(float(got[name][i]), want)
            if error > largest[name].ulps:
                largest[name] = Accuracy(name, error, m2_i, v2_i)
    return Certificate(
        accuracies=tuple(largest.values()),
        points=int(chosen.size),
        searched=int(searched + edges),
        domain=DOMAIN,
        reference=f"mpmath {mpmath.__version__}, the definition to 40 or more digits",
        kernel=step.program.fingerprint,
        backend=step.backend,
    )
