"""What the rectifiers' step is held against, and where.

The reference knows nothing of the kernel's formula. It evaluates the DEFINITION, m'^2 = sigma_w2 K + sigma_b2
and v'^2 = q' - m'^2, in so many digits that the cancellation of up to 300 of them leaves 40.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import sympy

from numerics.kernels.rectifier_programs import Parameters
from numerics.maps import rectifier_theorem as source
from numerics.programs import _runtime
from numerics.programs.certificate import SEED, ULP, Columns, Truth

if TYPE_CHECKING:
    from numerics.kernels.sample_variance import SampleVarianceStep

OUTPUTS = ("m2", "v2", "one_minus_rho")
SMALLEST = 2.0**-1022


def truth(step: SampleVarianceStep, parameters: Parameters, rng: Any = SEED) -> Truth:
    """The truth of a rectifier's step: both variances and the full map's 1 - rho'."""

    def results(kernel: Any, at: Columns) -> Any:
        return *kernel(**at), step.full(**at).one_minus_rho

    return Truth(
        outputs=OUTPUTS,
        points=lambda count: sample_points(count, rng),
        exact=lambda at: tuple(None if x is None else (x, 0.0) for x in exact(parameters, **at).values()),
        results=results,
        domain="m2 and v2 zero or in [2**-1022, 2**1022], v2/m2 from 1e-300 to 1e300",
        reference=f"mpmath {mpmath.__version__}, the definition to 40 or more digits",
        unit=ULP,
    )


@lru_cache(maxsize=1)
def _definition() -> Callable[..., Any]:
    symbols = (source.m, source.v, source.slope, source.gain, source.bias_variance)
    made: Callable[..., Any] = sympy.lambdify(symbols, list(source.DEFINITION), "mpmath")
    return made


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


def sample_points(count: int, rng: Any) -> tuple[Columns, int]:
    """The edges of the domain; then half near v2 = m2, a quarter 20 decades off, a quarter 300."""
    rng = np.random.default_rng(rng)
    spread = np.repeat([2.0, 20.0, 300.0], [count - count // 2, count // 4, count // 2 - count // 4])
    ratio = rng.uniform(-spread, spread)
    room = 307.0 - np.abs(ratio) / 2
    middle = rng.uniform(-np.minimum(room, 300.0), np.minimum(room, 300.0))
    # Every binade matters alike: an error in ulps is largest just below a power of two.
    m2, v2 = 10.0 ** (middle - ratio / 2), 10.0 ** (middle + ratio / 2)
    edges = np.array([0.0, SMALLEST, 1.0, _runtime.LARGEST, *rng.uniform(0.5, 2.0, 8)])
    grid = [g.ravel() for g in np.meshgrid(edges, edges)]
    columns = [np.concatenate([g, x]) for g, x in zip(grid, (m2, v2), strict=True)]
    m2, v2 = (np.where(x == 0.0, 0.0, np.clip(x, SMALLEST, _runtime.LARGEST)) for x in columns)
    return {"m2": m2, "v2": v2}, grid[0].size
