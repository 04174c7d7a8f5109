"""How accurate a map kernel is: its largest error over the stated domain, where, and at how many points."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import mpmath
import numpy as np

from derive.maps import Maps
from numerics.kernels.map_kernels.arguments import ARGUMENTS, OVER_SAMPLES, PAIRS, STEP
from numerics.kernels.map_kernels.points import Columns, chosen, domain_text, scales
from numerics.kernels.map_kernels.reference import reference

LOST = 1e-12
"""From this relative error on, a certificate says that the kernel loses digits, and where."""

_SEED = 20200218
_POINTS = {False: 36, True: 48}
_OUTPUTS = {STEP: ("m2", "v2")}


@dataclass(frozen=True)
class MapAccuracy:
    """The largest relative error of one output, and the arguments at which it was found."""

    output: str
    relative_error: float
    at: dict[str, float]


@dataclass(frozen=True)
class MapCertificate:
    """A measurement, not a proof: the largest errors found at ``points`` points of a domain.

    ``by_decade`` holds the largest error by decade of ``coordinate``: the variance, or for two units the share of it
    that is not common. ``unit`` says in units of what errors are stated. ``kernel`` is the fingerprint of the code.
    """

    name: str
    accuracies: tuple[MapAccuracy, ...]
    points: int
    domain: str
    reference: str
    unit: str
    kernel: str
    method: str
    coordinate: str
    by_decade: tuple[tuple[int, float], ...]

    @property
    def relative_error(self) -> float:
        """The largest relative error of any output."""
        return max(accuracy.relative_error for accuracy in self.accuracies)

    @property
    def cancels(self) -> bool:
        """Whether digits are lost somewhere in the domain."""
        return not self.relative_error <= LOST

    def holds(self, limit: float = LOST) -> bool:
        """Whether every output stays within a relative error."""
        return self.relative_error <= limit

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    def text(self) -> str:
        """A few lines for a screen or the head of a file."""
        lines = [f"accuracy of kernel {self.kernel} ({self.method}): largest error at {self.points} points"]
        for a in self.accuracies:
            where = ", ".join(f"{key} = {value!r}" for key, value in a.at.items())
            lines.append(f"  {a.output:13} {a.relative_error:.1e} {self.unit}   at {where}")
        lines += [f"  domain: {self.domain}", f"  reference: {self.reference}"]
        if self.cancels:
            lines.append(f"  THIS FORM LOSES DIGITS: {self._where()}")
        return "\n".join(lines)

    def _where(self) -> str:
        worst = "; ".join(f"1e{decade}: {error:.0e}" for decade, error in self.by_decade if not error <= LOST)
        return f"the largest error by decade of {self.coordinate} is {worst}; elsewhere at most {LOST:g}"


def certify_map(
    function: Callable[..., Any],
    maps: Maps,
    name: str,
    domain: tuple[float, float],
    *,
    kernel: str,
    method: str,
    points: int | None = None,
) -> MapCertificate:
    """Measure a function against many digits of the map, at the ends of the domain, its decades and random points.

    The same function gives the same certificate.
    """
    count = _POINTS[name in PAIRS] if points is None else points
    at = chosen(name, domain, count, _SEED)
    own = {argument: at[argument] for argument in ARGUMENTS[name]}
    found = function(**own)
    outputs = _OUTPUTS.get(name, ("result",))
    columns = found if isinstance(found, tuple) else (found,)
    truth, words = reference(maps, name)
    sizes = scales(maps.activation, name, domain, at) or (None,) * len(outputs)
    errors = np.zeros((len(outputs), count))
    for n in range(count):
        point = {argument: float(values[n]) for argument, values in own.items()}
        for k, (want, uncertain) in enumerate(truth(point)):
            size = sizes[k]
            scale = abs(want) if size is None else mpmath.mpf(float(size[n]))
            errors[k, n] = _error(float(np.broadcast_to(columns[k], (count,))[n]), want, uncertain, scale)
    return MapCertificate(
        name=name,
        accuracies=tuple(_largest(output, errors[k], own) for k, output in enumerate(outputs)),
        points=count,
        domain=domain_text(name, domain),
        reference=words,
        unit="relative" if all(s is None for s in sizes) else "relative to the integral of absolute values",
        kernel=kernel,
        method=method,
        coordinate=_COORDINATES.get(name, "v^2/(m^2 + v^2)" if name in OVER_SAMPLES else "q"),
        by_decade=_by_decade(_coordinate(name, at), errors.max(axis=0)),
    )


_COORDINATES = {"covariance_map": "1 - |rho|", "correlation_map": "1 - |rho|"}


def _coordinate(name: str, at: Columns) -> Any:
    if name in OVER_SAMPLES:
        return at["v2"] / (at["m2"] + at["v2"])
    return 1 - np.abs(at["rho"]) if name in PAIRS else at["q"]


def _error(got: float, want: Any, uncertain: float, scale: Any) -> float:
    if abs(want) > mpmath.mpf(np.finfo(float).max):
        return 0.0 if math.isinf(got) else math.inf
    if not math.isfinite(got):
        return math.inf
    difference = abs(mpmath.mpf(got) - want) + uncertain
    if difference == 0:
        return 0.0
    return float(difference / scale) if scale > 0 else math.inf


def _largest(output: str, errors: Any, own: Columns) -> MapAccuracy:
    worst = int(errors.argmax())
    return MapAccuracy(output, float(errors[worst]), {key: float(values[worst]) for key, values in own.items()})


def _by_decade(coordinate: Any, errors: Any) -> tuple[tuple[int, float], ...]:
    decades = np.floor(np.log10(np.maximum(coordinate, 1e-17)) + 1e-9).astype(int)
    return tuple((int(d), float(errors[decades == d].max())) for d in np.unique(decades))
