"""One network: its variances over samples, or over the units of each layer, and how far one network can be off.

What one network cannot show by repetition, its own units show: given the activations that enter a layer, the units of
that layer are independent and identically distributed over its weights. Their spread is therefore the fluctuation that
the layer adds, and these add up (relative variances, to first order in 1/width): for ReLU about 5/n for each layer
behind, as `layer-variance-fluctuation` derives. That the map from layer to layer neither damps nor amplifies a
relative fluctuation is exact for the squared norm without biases; elsewhere damping is the rule, and the error
stated is then too large.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from numerics.simulation.batch import Recorder
from numerics.simulation.forward import ForwardPass
from numerics.simulation.streams import restartable
from numerics.simulation.unit_moments import UnitMoments, jackknife

Floats = NDArray[np.float64]
Columns = dict[str, Floats]

BATCHES = 32
"""Batches of samples for the jackknife."""

# Enough samples to see how the variance differs from unit to unit: they overstate its spread by 2/128 of its square.
_SPREAD_SAMPLES = 128
# Below this part of the mean square, the mean over samples may be zero: its relative spread means nothing.
_NO_MEAN = 0.01


def batches(samples: int) -> int:
    """Return the number of batches of the jackknife, each of two samples at least."""
    return min(BATCHES, samples // 2)


def over_samples(
    passing: ForwardPass, recorder: Recorder, rng: Generator, tick: Callable[[], None]
) -> tuple[Columns, Columns, Columns]:
    """Return m2, v2 and rho of one network by layer, their standard errors over samples, and over networks."""
    d, T = passing.network.d, passing.samples
    outer = [UnitMoments(T, batches(T)) for _ in range(d + 1)]
    inner = [UnitMoments(min(T, _SPREAD_SAMPLES)) for _ in range(d + 1)]
    for i, start, z, s in passing.layers(restartable(rng), rng, 1):
        if i > 0 and start < inner[i].samples:
            inner[i].add(z, start)
        outer[i].add(s, start)
        recorder.take(i, s)
        tick()
    estimate, error = (np.stack(side, axis=1) for side in zip(*map(jackknife, outer), strict=True))
    network_error, behind = np.empty((3, d + 1)), np.zeros(2)
    for i in range(d + 1):
        if i > 0:
            behind += _added(*inner[i].by_unit())
        own = np.array([_error_of_mean(part) for part in outer[i].by_unit()])
        m2, v2 = estimate[:2, i]
        m_error, v_error = np.hypot(estimate[:2, i] * np.sqrt(behind), own)
        total = m2 + v2
        shares = (v2 / total * (m_error / total), m2 / total * (v_error / total)) if total > 0 else (0.0, 0.0)
        rho_error = np.hypot(*shares)
        network_error[:, i] = m_error, v_error, rho_error
    return _named(estimate), _named(error), _named(network_error)


def over_units(
    passing: ForwardPass, recorder: Recorder, rng: Generator, tick: Callable[[], None]
) -> tuple[Columns, Columns, Columns]:
    """Return the variance over the units of each layer, its standard error over units, and over all before it."""
    found, behind = np.empty((3, passing.network.d + 1)), 0.0
    for i, _, z, s in passing.layers(restartable(rng), rng, 1):
        behind += _relative(np.square(z[0, 0].astype(np.float64)))
        values = s[0, 0].astype(np.float64)
        found[:, i] = *_variance(values), 0
        found[2, i] = found[0, i] * np.sqrt(behind)
        recorder.take(i, s)
        tick()
    estimate, error, network_error = found
    return {"var_s": estimate}, {"var_s": error}, {"var_s": network_error}


def _variance(values: Floats) -> tuple[float, float]:
    """Return the unbiased variance of independent values, and its standard error from their fourth moment."""
    n = len(values)
    if n < 2:
        return np.nan, np.nan
    # In units of the values: their fourth powers leave float64 long before they do.
    unit = _unit(values)
    values = values / unit
    variance = float(values.var(ddof=1))
    fourth = float(np.mean((values - values.mean()) ** 4))
    error = float(np.sqrt(max(fourth - variance**2 * (n - 3) / (n - 1), 0) / n))
    return variance * unit * unit, error * unit * unit


def _added(squared_means: Floats, variances: Floats) -> Floats:
    """Return the relative variances that a layer's finite width adds to the next layer's m2 and v2."""
    total = squared_means + variances
    everything = max(_relative(variances), _relative(total))
    mean = _relative(squared_means) if squared_means.mean() > _NO_MEAN * total.mean() else 0.0
    return np.array([max(everything, mean), everything])


def _relative(values: Floats) -> float:
    """Return the variance of the mean over units in units of its square; infinite where one unit cannot show it."""
    mean = float(values.mean())
    return float(_error_of_mean(values) / abs(mean)) ** 2 if mean != 0 else 0.0


def _error_of_mean(values: NDArray[Any]) -> float:
    if values.size < 2:
        return np.inf
    unit = _unit(values)
    return float((values / unit).std(ddof=1)) / math.sqrt(values.size) * unit


def _unit(values: NDArray[Any]) -> float:
    """Return the power of two below the largest size of some values, 1 where that is 0 or no number."""
    largest = float(np.abs(values).max())
    return 2.0 ** (math.frexp(largest)[1] - 1) if 0 < largest < math.inf else 1.0


def _named(rows: Floats) -> Columns:
    return dict(zip(("m2", "v2", "rho"), rows, strict=True))
