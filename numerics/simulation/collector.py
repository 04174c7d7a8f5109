"""Groups of networks gathered: moments over networks, and recorded neurons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from numerics.simulation.batch import Batch
from numerics.simulation.moments import Moments
from numerics.simulation.result import SPREAD, amplified, decomposition_estimates, variance_estimates
from numerics.simulation.tails import Tails

Floats = NDArray[np.float64]
Columns = dict[str, Floats]


class Collector:
    """Moments over networks of chosen rows, and the recorded neurons, group by group.

    Averages of squares may lie anywhere in float64's range, and their variances are squares again: each row is scaled
    by a power of four (a power of two for means), which changes no digit, to lie near one.
    """

    def __init__(self, rows: NDArray[np.intp] | None, *, equal_powers: bool) -> None:
        self._rows, self._equal, self._moments = rows, equal_powers, Moments()
        self._tails = Tails()
        self._scale: Floats | None = None
        self._recorded: dict[int, list[Floats]] = {}

    def add(self, batch: Batch) -> None:
        """Take in a group."""
        features = batch.features if self._rows is None else batch.features[:, self._rows]
        if self._scale is None:
            self._scale = _scale((features[:2].sum(axis=0) if self._equal else features[0]).mean(axis=-1))
        # Debiased, m2 alone may be negative: it is a part of m2 + v2, and as far spread as that.
        of_tails = np.concatenate([features[:2].sum(axis=0), *features[1:]]) if self._equal else features[0]
        self._tails.add(of_tails)
        scales = [self._scale[:, None] ** power for power in ((2, 2, 4, 4) if self._equal else (2, 1))]
        self._moments.add(features * np.stack(scales[: len(features)]))
        for layer, values in batch.recorded.items():
            self._recorded.setdefault(layer, []).append(values)

    def variances(self, names: Sequence[str]) -> tuple[Columns, Columns]:
        """Return the variances and their standard errors by name."""
        assert self._scale is not None  # there is at least one group
        found = (part / self._scale**2 for part in variance_estimates(self._moments))
        estimate, error = (dict(zip(names, rows.reshape(len(names), -1), strict=True)) for rows in found)
        return estimate, error

    def decomposition(self) -> tuple[Columns, Columns]:
        """Return m2, v2, rho, var_s and, with spread, sd_q and sd_v2, and their standard errors by name."""
        assert self._scale is not None  # there is at least one group
        unit = self._scale**2
        estimate, error = (
            {name: values if name == "rho" else values / unit for name, values in side.items()}
            for side in decomposition_estimates(self._moments)
        )
        return estimate, error

    def tails(self, names: Sequence[str]) -> tuple[Columns, Columns]:
        """Return the relative standard errors and the skewness of the estimates that logarithms imply, by name."""
        error, skewness = (self._by_name(rows, names) for rows in self._tails.of_mean())
        if SPREAD[0] in error:
            for name, factor in zip(SPREAD, amplified(self._moments), strict=True):
                error[name] = error[name] * factor
        return error, skewness

    def _by_name(self, rows: Floats, names: Sequence[str]) -> Columns:
        if not self._equal:
            return dict(zip(names, rows.reshape(len(names), -1), strict=True))
        total, v2, *squares = rows.reshape(len(self._moments.mean), -1)
        return {"m2": total, "v2": v2, "rho": total, "var_s": total} | dict(zip(SPREAD, squares, strict=False))

    def recorded(self) -> dict[int, Floats]:
        """Return the recorded neurons of all groups, by layer."""
        return {layer: np.concatenate(parts) for layer, parts in sorted(self._recorded.items())}


def _scale(typical: Floats) -> Floats:
    usable = np.isfinite(typical) & (typical > 0)
    exponent = np.round(np.log2(np.where(usable, typical, 1.0)) / 2)
    return np.exp2(-np.clip(exponent, -500, 500))
