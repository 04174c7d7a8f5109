"""A request to simulate, checked: every default filled in, every rule that is broken named."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.errors import InputError, unknown_name
from numerics.network import Network
from numerics.simulation.brute import QUANTITIES
from numerics.simulation.costs import choose
from numerics.simulation.result import SPREAD

Floats = NDArray[np.float64]

OVER = ("network", "sample", "layer", "both")
"""What variances can be taken over."""

DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class _Kind:
    """Defaults and least numbers; a number whose default is 1 and least is 1 must be 1."""

    networks: int
    samples: int
    least_networks: int = 1
    least_samples: int = 1
    units: int | None = 1


_KINDS = {
    "network": _Kind(1000, 1, least_networks=2),
    "sample": _Kind(1, 1000, least_samples=4, units=3),
    "layer": _Kind(1, 1, units=None),
    "both": _Kind(100, 100, least_networks=2, least_samples=2),
}


@dataclass(frozen=True, eq=False)
class Plan:
    """What will be simulated and how; ``fixed`` is the one input of all networks, or None."""

    over: str
    method: str
    networks: int
    samples: int
    quantities: tuple[str, ...]
    dtype: str
    fixed: Floats | None
    record_layers: tuple[int, ...]
    record_units: int | None


def plan(
    network: Network,
    *,
    over: str,
    method: str | None,
    networks: int | None,
    samples: int | None,
    quantities: Sequence[str] | None,
    dtype: str,
    fixed: Floats | None,
    record_layers: Iterable[int],
    record_units: int | None,
    spread: bool = False,
) -> Plan:
    """Check a request and fill it in; the rules are in the docstring of `simulate`."""
    if over not in OVER:
        raise unknown_name("over", over, OVER)
    if dtype not in DTYPES:
        raise unknown_name("dtype", str(dtype), DTYPES)
    kind = _KINDS[over]
    networks = _count("networks", networks, over, kind.networks, kind.least_networks)
    samples = _count("samples", samples, over, kind.samples, kind.least_samples)
    if fixed is not None and over != "network":
        raise InputError(f"inputs can be fixed with over='network' only, got over={over!r}")
    if spread and over != "both":
        raise InputError(f"spread goes with over='both', got over={over!r}")
    wanted = _quantities(quantities, over, method, fixed is not None) + (SPREAD if spread else ())
    return Plan(
        over=over,
        method=choose(method, network, over=over, quantities=wanted, dtype=dtype, networks=networks, samples=samples),
        networks=networks,
        samples=samples,
        quantities=wanted,
        dtype=dtype,
        fixed=fixed,
        record_layers=_layers(record_layers, network.d),
        record_units=kind.units if record_units is None else at_least("record_units", record_units, 1),
    )


def at_least(name: str, value: Any, least: int) -> int:
    """Return an integer of at least ``least``; raise `InputError` otherwise."""
    number = _integer(value)
    if number is None or number < least:
        raise InputError(f"{name} must be an integer of at least {least}, got {value!r}")
    return number


def _integer(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def _count(name: str, value: int | None, over: str, default: int, least: int) -> int:
    if value is None:
        return default
    number = at_least(name, value, least)
    if default == 1 and number != 1:
        raise InputError(f"{name} must be 1 with over={over!r}, got {number}; over='both' takes many of both")
    return number


def _quantities(given: Sequence[str] | None, over: str, method: str | None, fixed: bool) -> tuple[str, ...]:
    if over != "network":
        if given is not None:
            raise InputError(f"quantities can be chosen with over='network' only, got over={over!r}")
        return ("var_s",) if over == "layer" else ("m2", "v2")
    if given is None:
        if fixed or method == "norm-law":
            return ("var_s",)
        return ("var_z", "var_s") if method == "conditional" else QUANTITIES
    names = [given] if isinstance(given, str) else list(given)
    for name in names:
        if name not in QUANTITIES:
            raise unknown_name("quantity", str(name), QUANTITIES)
    if not names:
        raise InputError("quantities must name at least one quantity, got none")
    if fixed and set(names) != {"var_s"}:
        raise InputError(f"quantities must be var_s alone for a fixed input, got {', '.join(names)}")
    return tuple(name for name in QUANTITIES if name in names)


def _layers(given: Iterable[int], d: int) -> tuple[int, ...]:
    found = []
    for value in given:
        number = _integer(value)
        if number is None or not 0 <= number <= d:
            raise InputError(f"record_layers must be layers from 0 to {d}, got {value!r}")
        found.append(number)
    return tuple(sorted(set(found)))
