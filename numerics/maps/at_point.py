"""All maps of an activation at one point, by the names that `derive.maps.MAPS` gives them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.errors import InputError
from derive.maps import MAPS
from derive.quadrature import Bounded
from derive.results import Result
from numerics.maps.definitions import OVER_SAMPLES, PAIRS
from numerics.maps.values import bounded, variances_of

if TYPE_CHECKING:
    from numerics.maps.numerical import NumericalMaps


@dataclass(frozen=True, repr=False, eq=False)
class MapsAt(Result, Mapping[str, Bounded]):
    """The numbers of all maps at one point, by name."""

    maps: NumericalMaps
    q: float
    rho: float
    found: Mapping[str, Bounded]

    @property
    def headline(self) -> str:
        """The activation and the point."""
        w, b = self.maps.weight_variance, self.maps.bias_variance
        return f"{self.maps.activation} at q = {self.q:g}, rho = {self.rho:g}, sigma_w2 = {w:g}, sigma_b2 = {b:g}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each map: its number, and in ``reason`` why it has none."""
        return [
            {"map": name, **row, "reason": number.reason or None}
            for name, number in self.items()
            for row in number.rows()
        ]

    def __getitem__(self, name: str) -> Bounded:
        return self.found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


def maps_at(maps: NumericalMaps, q: float, rho: float) -> MapsAt:
    """Return every map at variance q and correlation ρ; those over samples at m² = ρq, v² = (1 - ρ)q, for ρ >= 0.

    The backward factor is that of equal widths, n_out/n_in = 1. A map that has no number has the value NaN, an infinite
    error, and the reason.
    """
    variances_of("q", q)
    bounded("rho", rho)
    if np.ndim(q) or np.ndim(rho) or np.ndim(maps.weight_variance) or np.ndim(maps.bias_variance):
        raise InputError(
            "q, rho, weight_variance and bias_variance must be numbers for a table of all maps, not arrays"
        )
    found = {}
    for name in sorted(MAPS, key=lambda name: name in PAIRS):
        given: tuple[float, ...] = (q, rho) if name in ("covariance_map", "correlation_map") else (q,)
        if name in OVER_SAMPLES:
            given = (math.sqrt(rho * q), math.sqrt((1 - rho) * q)) if rho >= 0 else ()
        if given:
            # Of equal widths.
            evaluate = maps.chi_perp if name == "backward_factor" else getattr(maps, name)
            found[name] = _number(partial(evaluate, *given))
    return MapsAt(maps, q, rho, found)


def _number(evaluate: Callable[[], Bounded]) -> Bounded:
    reason = "the arguments are outside of what the map takes"
    with suppress(ArithmeticError, ValueError):
        try:
            return evaluate()
        except InputError as why:
            reason = str(why)
    return Bounded(np.nan, np.inf, "none", reason)
